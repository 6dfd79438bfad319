//! What the ledger says that followed from approval commands or from time alone. Form only: whether it did follow is
//! decided by the folds of `approvals`, and their place behind the command by `replay`.

use crate::bytes::{Defect, Fields, Malformed};
use crate::detail::Rules;
use crate::detail::approval::OfRequest;
use crate::detail::lists::{Assignment, Conflicts};
use crate::facts::{Facts, byte_codes, own_code, value};
use crate::requirement::RequirementBytes;
use crate::tags;
use crate::words::{Digest, Micros, Ref, SubjectId};
use std::num::NonZeroU16;

byte_codes! {
    /// What the policies say of an action.
    Verdict { Allow = 1, "allow"; Deny = 2, "deny"; RequireApproval = 3, "require_approval"; }
}
byte_codes! {
    /// Why a deadline was noted.
    Escalation { Reminder = 1, "reminder"; Escalated = 2, "escalated"; ReviewOverdue = 3, "review_overdue"; }
}
byte_codes! {
    /// How a request ended, as a byte and a word.
    ResolutionCode {
        Approved = 1, "approved"; Denied = 2, "denied"; Expired = 3, "expired"; Cancelled = 4, "cancelled";
        Superseded = 5, "superseded"; Invalidated = 6, "invalidated"; Unroutable = 7, "unroutable";
        BreakGlass = 8, "break_glass";
    }
}

/// What the ledger says that followed: the request, its stream, and the step.
#[derive(Clone, Copy, Debug)]
pub struct ApprovalStep<'a> {
    /// Revision of the fold that decided.
    pub rules: Rules,
    /// The request and its stream.
    pub of: OfRequest,
    /// What followed.
    pub step: Step<'a>,
}

/// One step of the approval machines.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// `policy.evaluated`: what the policies say; the body holds all that the evaluation rested on.
    Evaluated {
        /// The action.
        action: Digest,
        /// The policy set.
        policy: Digest,
        /// What it says.
        judgement: Judgement<'a>,
    },
    /// `approval.opened`: people are asked.
    Opened {
        /// The action.
        action: Digest,
        /// What it takes.
        requirement: RequirementBytes<'a>,
        /// Who may not approve.
        conflicts: Conflicts<'a>,
        /// When the request expires.
        valid_until: Micros,
    },
    /// `presentation.shown`: what they are shown; the body.
    Shown {
        /// The action.
        action: Digest,
        /// What it takes.
        requirement: Digest,
        /// BLAKE3 of the body.
        presentation: Digest,
        /// Whether nothing was left out.
        complete: bool,
    },
    /// `approval.resolved`: the request is over.
    Resolved {
        /// The action.
        action: Digest,
        /// How it ended.
        resolution: Resolution<Assignment<'a>>,
    },
    /// `approval.escalated`: a deadline passed.
    Escalated {
        /// What was done about it.
        escalation: Escalation,
        /// The deadline.
        deadline: Micros,
    },
    /// `grant.issued`: exactly this may run. The grant's id is the event's.
    GrantIssued {
        /// The grant.
        grant: SubjectId,
        /// The action.
        action: Digest,
        /// The source that may redeem it.
        audience: Ref,
        /// How often.
        uses: NonZeroU16,
        /// Until when.
        valid_until: Micros,
    },
    /// `grant.redeemed`: one use is spent.
    GrantRedeemed {
        /// The grant.
        grant: SubjectId,
        /// The action.
        action: Digest,
        /// The policy set that let it pass.
        policy: Digest,
    },
    /// `execution.started`: from here on it runs.
    ExecutionStarted {
        /// The grant.
        grant: SubjectId,
        /// The action.
        action: Digest,
    },
    /// `grant.revoked`: it cannot be redeemed any more.
    GrantRevoked {
        /// The grant.
        grant: SubjectId,
    },
    /// `grant.expired`: its time passed.
    GrantExpired {
        /// The grant.
        grant: SubjectId,
        /// Until when it was valid.
        deadline: Micros,
    },
    /// `action.blocked`: the policies deny the action.
    Blocked {
        /// The action.
        action: Digest,
        /// The policy set.
        policy: Digest,
    },
}

/// What the policies say, with what an approval takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement<'a> {
    /// It may run.
    Allow,
    /// It may not.
    Deny,
    /// It may, once approved.
    RequireApproval(RequirementBytes<'a>),
}

impl Judgement<'_> {
    /// Without the requirement.
    pub fn verdict(&self) -> Verdict {
        match self {
            Judgement::Allow => Verdict::Allow,
            Judgement::Deny => Verdict::Deny,
            Judgement::RequireApproval(_) => Verdict::RequireApproval,
        }
    }
}

/// How a request ended, with what that takes to say. `V` holds the votes: as bytes in an entry, read in a fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution<V> {
    /// Approved, by these votes.
    Approved(V),
    /// Denied by a vote.
    Denied,
    /// Nobody decided in time.
    Expired,
    /// Taken back.
    Cancelled,
    /// Another request took its place.
    Superseded(SubjectId),
    /// What it rested on changed.
    Invalidated,
    /// Nobody could have approved it.
    Unroutable,
    /// Run without approval, to be reviewed afterwards.
    BreakGlass,
}

impl<V> Resolution<V> {
    /// The same with the votes held otherwise.
    pub fn map<W>(self, votes: impl FnOnce(V) -> W) -> Resolution<W> {
        match self {
            Resolution::Approved(held) => Resolution::Approved(votes(held)),
            Resolution::Denied => Resolution::Denied,
            Resolution::Expired => Resolution::Expired,
            Resolution::Cancelled => Resolution::Cancelled,
            Resolution::Superseded(by) => Resolution::Superseded(by),
            Resolution::Invalidated => Resolution::Invalidated,
            Resolution::Unroutable => Resolution::Unroutable,
            Resolution::BreakGlass => Resolution::BreakGlass,
        }
    }

    /// Its byte and word.
    pub fn code(&self) -> ResolutionCode {
        match self {
            Resolution::Approved(_) => ResolutionCode::Approved,
            Resolution::Denied => ResolutionCode::Denied,
            Resolution::Expired => ResolutionCode::Expired,
            Resolution::Cancelled => ResolutionCode::Cancelled,
            Resolution::Superseded(_) => ResolutionCode::Superseded,
            Resolution::Invalidated => ResolutionCode::Invalidated,
            Resolution::Unroutable => ResolutionCode::Unroutable,
            Resolution::BreakGlass => ResolutionCode::BreakGlass,
        }
    }
}

pub(super) fn evaluated<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Step<'a>, Malformed> {
    facts.need_body()?;
    let (action, policy) = (facts.need_action()?, facts.need_policy()?);
    Ok(Step::Evaluated { action, policy, judgement: judgement(fields)? })
}

fn judgement<'a>(fields: &mut Fields<'a>) -> Result<Judgement<'a>, Malformed> {
    let verdict = own_code(fields, tags::VERDICT, Verdict::from_number)?;
    let requirement = fields.optional(tags::REQUIREMENT)?.map(RequirementBytes::parse).transpose()?;
    match (verdict, requirement) {
        (Verdict::Allow, None) => Ok(Judgement::Allow),
        (Verdict::Deny, None) => Ok(Judgement::Deny),
        (Verdict::RequireApproval, Some(requirement)) => Ok(Judgement::RequireApproval(requirement)),
        (Verdict::RequireApproval, None) => Err(Malformed::new(tags::REQUIREMENT.name, Defect::Missing)),
        (Verdict::Allow | Verdict::Deny, Some(_)) => Err(value(tags::REQUIREMENT)),
    }
}

pub(super) fn opened<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Step<'a>, Malformed> {
    let requirement = RequirementBytes::parse(fields.required(tags::REQUIREMENT)?)?;
    if requirement.digest().0 != fields.required_array(tags::REQUIREMENT_DIGEST)? {
        return Err(value(tags::REQUIREMENT_DIGEST));
    }
    let conflicts = Conflicts::parse(fields)?;
    let (action, valid_until) = (facts.need_action()?, facts.need_valid_until()?);
    Ok(Step::Opened { action, requirement, conflicts, valid_until })
}

pub(super) fn shown<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Step<'a>, Malformed> {
    facts.need_body()?;
    let requirement = Digest(fields.required_array(tags::REQUIREMENT_DIGEST)?);
    let presentation = Digest(fields.required_array(tags::PRESENTATION_DIGEST)?);
    let complete = match fields.required_array(tags::COMPLETE)? {
        [0] => false,
        [1] => true,
        [_] => return Err(value(tags::COMPLETE)),
    };
    Ok(Step::Shown { action: facts.need_action()?, requirement, presentation, complete })
}

fn resolution<'a>(fields: &mut Fields<'a>) -> Result<Resolution<Assignment<'a>>, Malformed> {
    let code = own_code(fields, tags::RESOLUTION, ResolutionCode::from_number)?;
    let assignment = Assignment::parse(fields)?;
    let successor = fields.optional_array(tags::SUCCESSOR)?.map(SubjectId);
    let plain = match code {
        ResolutionCode::Approved => {
            let votes = assignment.ok_or(Malformed::new(tags::ASSIGNMENT.name, Defect::Missing))?;
            return if successor.is_none() { Ok(Resolution::Approved(votes)) } else { Err(value(tags::SUCCESSOR)) };
        }
        ResolutionCode::Superseded => {
            let by = successor.ok_or(Malformed::new(tags::SUCCESSOR.name, Defect::Missing))?;
            return if assignment.is_none() { Ok(Resolution::Superseded(by)) } else { Err(value(tags::ASSIGNMENT)) };
        }
        ResolutionCode::Denied => Resolution::Denied,
        ResolutionCode::Expired => Resolution::Expired,
        ResolutionCode::Cancelled => Resolution::Cancelled,
        ResolutionCode::Invalidated => Resolution::Invalidated,
        ResolutionCode::Unroutable => Resolution::Unroutable,
        ResolutionCode::BreakGlass => Resolution::BreakGlass,
    };
    match (assignment, successor) {
        (None, None) => Ok(plain),
        (Some(_), _) => Err(value(tags::ASSIGNMENT)),
        (None, Some(_)) => Err(value(tags::SUCCESSOR)),
    }
}

pub(super) fn grant_issued<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Step<'a>, Malformed> {
    let grant = facts.need_grant()?;
    if grant.0 != facts.event_id.0 {
        return Err(value(tags::GRANT_ID));
    }
    let audience = Ref(fields.required_array(tags::AUDIENCE)?);
    let uses = NonZeroU16::new(u16::from_be_bytes(fields.required_array(tags::USES)?)).ok_or(value(tags::USES))?;
    let (action, valid_until) = (facts.need_action()?, facts.need_valid_until()?);
    Ok(Step::GrantIssued { grant, action, audience, uses, valid_until })
}

pub(super) fn resolved<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Step<'a>, Malformed> {
    Ok(Step::Resolved { action: facts.need_action()?, resolution: resolution(fields)? })
}

pub(super) fn escalated<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Step<'a>, Malformed> {
    let escalation = own_code(fields, tags::ESCALATION, Escalation::from_number)?;
    Ok(Step::Escalated { escalation, deadline: facts.need_valid_until()? })
}

pub(super) fn grant_redeemed<'a>(facts: &Facts<'a>) -> Result<Step<'a>, Malformed> {
    let (action, policy) = (facts.need_action()?, facts.need_policy()?);
    Ok(Step::GrantRedeemed { grant: facts.need_grant()?, action, policy })
}

pub(super) fn grant_expired<'a>(facts: &Facts<'a>) -> Result<Step<'a>, Malformed> {
    Ok(Step::GrantExpired { grant: facts.need_grant()?, deadline: facts.need_valid_until()? })
}

pub(super) fn execution_started<'a>(facts: &Facts<'a>) -> Result<Step<'a>, Malformed> {
    Ok(Step::ExecutionStarted { grant: facts.need_grant()?, action: facts.need_action()? })
}

pub(super) fn blocked<'a>(facts: &Facts<'a>) -> Result<Step<'a>, Malformed> {
    Ok(Step::Blocked { action: facts.need_action()?, policy: facts.need_policy()? })
}
