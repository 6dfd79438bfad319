//! What the ledger says that followed, as the folds read it. Their wire form is the verifier's.

use crate::approvals::action::Resolution;
use deedbook_verify::detail::{Conflict, Escalation, Verdict};
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::{Digest, Micros, Ref};
use std::num::NonZeroU16;

/// One step of the approval machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// `policy.evaluated`: what the policies say.
    Evaluated {
        /// The policy set.
        policy: Digest,
        /// What it says, as it says it; while a request is pending, what counts is the strictest so far.
        judgement: Judgement,
    },
    /// `approval.opened`: people are asked.
    Opened {
        /// What it takes.
        requirement: Requirement,
        /// Who may not approve; by person, ascending.
        conflicts: Vec<Conflict>,
        /// From here on it is expired.
        expires_at: Micros,
    },
    /// `presentation.shown`: what they are shown.
    Shown {
        /// The requirement that it states.
        requirement: Digest,
        /// BLAKE3 of its bytes.
        presentation: Digest,
        /// Whether nothing was left out.
        complete: bool,
    },
    /// `approval.escalated`: a deadline passed.
    Escalated {
        /// Which.
        escalation: Escalation,
        /// The deadline.
        deadline: Micros,
    },
    /// `approval.resolved`: the request is over.
    Resolved {
        /// How.
        resolution: Resolution,
    },
    /// `grant.issued`: exactly this may run. The grant's id is the event's.
    GrantIssued {
        /// The source that may redeem it.
        audience: Ref,
        /// How often.
        uses: NonZeroU16,
        /// From here on it is expired.
        valid_until: Micros,
    },
    /// `grant.redeemed`: one use is spent.
    GrantRedeemed {
        /// The policy set that let it pass.
        policy: Digest,
    },
    /// `execution.started`: from here on it runs.
    ExecutionStarted,
    /// `grant.revoked`: it cannot be redeemed any more.
    GrantRevoked,
    /// `grant.expired`: its time passed.
    GrantExpired {
        /// Until when it was valid.
        deadline: Micros,
    },
    /// `action.blocked`: the policies deny it.
    Blocked {
        /// The policy set.
        policy: Digest,
    },
}

/// What the policies say of an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may run.
    Allow,
    /// It may not.
    Deny,
    /// It may, once this is satisfied.
    RequireApproval(Requirement),
}

impl Judgement {
    /// Without the requirement.
    pub fn verdict(&self) -> Verdict {
        match self {
            Judgement::Allow => Verdict::Allow,
            Judgement::Deny => Verdict::Deny,
            Judgement::RequireApproval(_) => Verdict::RequireApproval,
        }
    }
}
