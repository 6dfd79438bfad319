//! What people and agents ask of the approval machines. Form only: what follows from a command is said by `step`, and
//! decided by the folds of `approvals`.

use crate::bytes::{Defect, Fields, Malformed};
use crate::facts::{Actor, Code, Facts, byte_codes, own_code};
use crate::tags;
use crate::tree::TreeHead;
use crate::vote::{Ballot, Decision, Evidence};
use crate::words::{Digest, LedgerId, Micros, Ref, Revision, SubjectId};

byte_codes! {
    /// Whether what an action does can be undone.
    Reversibility { Reversible = 1, "reversible"; Compensable = 2, "compensable"; Irreversible = 3, "irreversible"; }
}
byte_codes! {
    /// What a person said of a break-glass action afterwards.
    ReviewOutcome { Ratified = 1, "ratified"; Repudiated = 2, "repudiated"; }
}
/// A command of the approval machines.
#[derive(Clone, Copy, Debug)]
pub enum ApprovalCommand<'a> {
    /// `action.submitted`
    Submitted(Submission<'a>),
    /// `vote.cast`
    VoteCast(Vote<'a>),
    /// `approval.cancel_requested`
    CancelRequested(OfRequest),
    /// `grant.redeem_requested`
    RedeemRequested(Redemption),
    /// `grant.revoke_requested`
    RevokeRequested(OfGrant),
    /// `breakglass.invoked`
    BreakglassInvoked(Submission<'a>),
    /// `breakglass.reviewed`
    BreakglassReviewed(PostReview),
}

/// An action that somebody wants to do. The rest of it stands in the common fields.
#[derive(Clone, Copy, Debug)]
pub struct Submission<'a> {
    /// The action's stream.
    pub stream: Ref,
    /// Who acts.
    pub actor: Actor,
    /// What is done.
    pub action_type: Code<'a>,
    /// SHA-256 of the binding, which is the body.
    pub action: Digest,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// The request that this one takes the place of.
    pub supersedes: Option<SubjectId>,
}

/// A request and its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfRequest {
    /// The action's stream.
    pub stream: Ref,
    /// The request; equal to the action's id.
    pub request: SubjectId,
}

/// A grant, its request and their stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfGrant {
    /// The action's stream.
    pub stream: Ref,
    /// The request.
    pub request: SubjectId,
    /// The grant.
    pub grant: SubjectId,
}

/// The action type that a vote on governance states, having no stream.
pub const GOVERNANCE_ACTION: &str = "governance.vote";

/// What a person decided, and on what.
#[derive(Clone, Copy, Debug)]
pub struct Vote<'a> {
    /// The action's stream; none for a governance request.
    pub stream: Option<Ref>,
    /// The request.
    pub request: SubjectId,
    /// The revision of the stream that the person saw.
    pub revision: Revision,
    /// The action.
    pub action: Digest,
    /// What the approval needs.
    pub requirement: Digest,
    /// What the person was shown.
    pub presentation: Digest,
    /// What they decided.
    pub decision: Decision,
    /// That it was they.
    pub evidence: Evidence<'a>,
    /// The person.
    pub actor: Actor,
    /// Until when the vote may be taken.
    pub valid_until: Micros,
    /// The checkpoint that they had seen.
    pub last_seen: TreeHead,
}

impl Vote<'_> {
    /// What the person signs in this ledger.
    pub fn ballot(&self, ledger: LedgerId) -> Ballot {
        Ballot {
            ledger,
            request: self.request,
            revision: self.revision,
            action: self.action,
            requirement: self.requirement,
            presentation: self.presentation,
            decision: self.decision,
            valid_until: self.valid_until,
        }
    }
}

/// Somebody wants to start what was granted.
#[derive(Clone, Copy, Debug)]
pub struct Redemption {
    /// Which grant.
    pub of: OfGrant,
    /// The digest of what is about to run.
    pub action: Digest,
    /// Who runs it.
    pub actor: Actor,
    /// The checkpoint that they had seen.
    pub last_seen: TreeHead,
}

/// What a person said of a break-glass action.
#[derive(Clone, Copy, Debug)]
pub struct PostReview {
    /// Which.
    pub of: OfRequest,
    /// What they said.
    pub outcome: ReviewOutcome,
    /// Who.
    pub actor: Actor,
}

impl<'a> Submission<'a> {
    pub(super) fn parse(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Submission<'a>, Malformed> {
        facts.need_body()?;
        Ok(Submission {
            stream: facts.need_stream()?,
            actor: facts.need_actor()?,
            action_type: facts.action_type.ok_or(Malformed::new(tags::ACTION_TYPE.name, Defect::Missing))?,
            action: facts.need_action()?,
            reversibility: own_code(fields, tags::REVERSIBILITY, Reversibility::from_number)?,
            supersedes: fields.optional_array(tags::SUPERSEDES)?.map(SubjectId),
        })
    }
}

impl<'a> Vote<'a> {
    pub(super) fn parse(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Vote<'a>, Malformed> {
        let governs = facts.action_type.is_some_and(|code| code.as_str() == GOVERNANCE_ACTION);
        if facts.stream.is_none() && !governs {
            return Err(Malformed::new(tags::STREAM.name, Defect::Missing));
        }
        Ok(Vote {
            stream: facts.stream,
            request: facts.need_request()?,
            action: facts.need_action()?,
            actor: facts.need_actor()?,
            valid_until: facts.need_valid_until()?,
            last_seen: facts.need_last_seen()?,
            requirement: Digest(fields.required_array(tags::REQUIREMENT_DIGEST)?),
            presentation: Digest(fields.required_array(tags::PRESENTATION_DIGEST)?),
            revision: Revision(u64::from_be_bytes(fields.required_array(tags::REQUEST_REVISION)?)),
            decision: own_code(fields, tags::DECISION, Decision::from_number)?,
            evidence: Evidence::parse(fields.required(tags::EVIDENCE)?)?,
        })
    }
}

impl OfRequest {
    pub(super) fn of(facts: &Facts<'_>) -> Result<OfRequest, Malformed> {
        Ok(OfRequest { stream: facts.need_stream()?, request: facts.need_request()? })
    }
}

impl OfGrant {
    pub(super) fn of(facts: &Facts<'_>) -> Result<OfGrant, Malformed> {
        let OfRequest { stream, request } = OfRequest::of(facts)?;
        Ok(OfGrant { stream, request, grant: facts.need_grant()? })
    }
}

impl Redemption {
    pub(super) fn of(facts: &Facts<'_>) -> Result<Redemption, Malformed> {
        Ok(Redemption {
            of: OfGrant::of(facts)?,
            action: facts.need_action()?,
            actor: facts.need_actor()?,
            last_seen: facts.need_last_seen()?,
        })
    }
}

impl PostReview {
    pub(super) fn parse(facts: &Facts<'_>, fields: &mut Fields<'_>) -> Result<PostReview, Malformed> {
        Ok(PostReview {
            of: OfRequest::of(facts)?,
            actor: facts.need_actor()?,
            outcome: own_code(fields, tags::REVIEW, ReviewOutcome::from_number)?,
        })
    }
}
