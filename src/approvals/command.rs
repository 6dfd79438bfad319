//! What people and agents ask: the commands as the folds read them. Their wire form is the verifier's.

use deedbook_verify::detail::{Reversibility, ReviewOutcome};
use deedbook_verify::facts::Actor;
use deedbook_verify::vote::{Decision, EvidenceLevel};
use deedbook_verify::words::{Digest, Micros, Ref, Revision, SubjectId};

/// A command of the approval machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `action.submitted`: may this run?
    Submit(Submit),
    /// `vote.cast`: a person decides.
    Vote(CastVote),
    /// `approval.cancel_requested`: whoever asked takes it back.
    Cancel(Cancel),
    /// `grant.redeem_requested`: it is about to run.
    Redeem(Redeem),
    /// `grant.revoke_requested`: it shall not run any more.
    RevokeGrant(RevokeGrant),
    /// `breakglass.invoked`: it must run now.
    BreakGlass(BreakGlass),
    /// `breakglass.reviewed`: a person says what they think of that.
    Review(Review),
}

/// An action that somebody wants to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submit {
    /// Its id, derived from the command.
    pub id: SubjectId,
    /// Its stream.
    pub stream: Ref,
    /// Who acts.
    pub actor: Actor,
    /// For whom, in order.
    pub on_behalf_of: Vec<Ref>,
    /// Who answers for the actor, if the command states it.
    pub responsible: Option<Ref>,
    /// What is done.
    pub action_type: String,
    /// The digest of the exact action.
    pub digest: Digest,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// The request that this one takes the place of.
    pub supersedes: Option<SubjectId>,
}

/// A person's decision, and what it binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CastVote {
    /// The request.
    pub request: SubjectId,
    /// Who decides.
    pub actor: Actor,
    /// What they decide.
    pub decision: Decision,
    /// The action that they saw.
    pub action: Digest,
    /// The requirement that they saw.
    pub requirement: Digest,
    /// The presentation that they saw.
    pub presentation: Digest,
    /// The stream's revision that they saw.
    pub revision: Revision,
    /// How strongly the vote is bound to them. That the evidence holds was checked before.
    pub level: EvidenceLevel,
    /// Until when it may be taken.
    pub valid_until: Micros,
    /// Whether it gives a reason. Facts show that there is a body; whoever has that knows whether it says anything.
    pub has_rationale: bool,
}

/// The request is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Which.
    pub request: SubjectId,
}

/// A grant is about to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redeem {
    /// The request.
    pub request: SubjectId,
    /// The grant.
    pub grant: SubjectId,
    /// The digest of what is about to run.
    pub action: Digest,
    /// Who runs it.
    pub actor: Actor,
}

/// A grant is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokeGrant {
    /// The request.
    pub request: SubjectId,
    /// The grant.
    pub grant: SubjectId,
}

/// Something runs without approval. Reason and incident are in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakGlass {
    /// The action; of a pending request, its id, stream and digest.
    pub action: Submit,
    /// The pending request that it ends; none: the action is new.
    pub request: Option<SubjectId>,
}

/// A person judges a break-glass action afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Review {
    /// Which.
    pub request: SubjectId,
    /// Who judges.
    pub actor: Actor,
    /// What they say.
    pub outcome: ReviewOutcome,
}
