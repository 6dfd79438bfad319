//! The own fields of each kind. A kind reads only its own tags, so a field of another kind is an unknown critical tag.
//! It knows form alone: what a command changes, and what follows from it, is decided by the folds.

mod approval;
mod custody;
mod document;
mod genesis;
mod keeping;
mod glass;
mod lists;
mod needs;
mod oversight;
mod principal;
mod refusal;
mod source;
mod step;

pub use approval::{
    ApprovalCommand, GOVERNANCE_ACTION, OfGrant, OfRequest, PostReview, Redemption, Reversibility, ReviewOutcome,
    Submission, Vote,
};
pub use custody::{Custody, Export, Interval, LogRead, RESULT_BYTES, TestResult, TestVerdict, Verification};
pub use document::{Document, RELATION_BYTES, Relation, RelationKind};
pub use genesis::{Genesis, PERSON_BYTES, Person, Predecessor, is_origin};
pub use glass::{BreakGlass, may_be_declared};
pub use keeping::{HELD_RANGE_BYTES, HeldEntries, HeldRange, KeepingCommand};
pub use lists::{ASSIGNED_BYTES, Assigned, Assignment, CONFLICT_BYTES, Conflict, ConflictReason, Conflicts};
pub use oversight::{
    Compared, Disposal, Disposition, Oversight, Reconciliation, Review, ReviewResult, ReviewSubject, TestNumber,
};
pub use principal::{Binding, PolicyCommand, PrincipalCommand, Roles};
pub use refusal::RefusalReason;
pub use source::{Gap, GapReason, Lost, Window};
pub use step::{ApprovalStep, Escalation, Judgement, Resolution, ResolutionCode, Step, Verdict};

use crate::bytes::{Fields, Malformed};
use crate::erasure::ErasedBodies;
use crate::facts::{Facts, value};
use crate::key::RawKey;
use crate::kind::{Author, Kind};
use crate::tags;
use crate::words::{KeyId, Micros, Ref};
use std::num::NonZeroU32;

/// What a kind says beyond the common fields.
#[derive(Clone, Copy, Debug)]
pub enum Detail<'a> {
    /// Nothing of its own.
    None,
    /// The ledger's birth.
    Genesis(Genesis<'a>),
    /// A key may sign for a source from here on.
    KeyEnrolled(KeyGrant<'a>),
    /// A key takes the place of another of the same source.
    KeyRotated {
        /// The new key and its source.
        grant: KeyGrant<'a>,
        /// The key that ends here.
        replaces: KeyId,
    },
    /// A key ends here.
    KeyRevoked {
        /// Which.
        key_id: KeyId,
    },
    /// Bodies are to be erased.
    BodyErased(ErasedBodies<'a>),
    /// Somebody wants something of the approval machines.
    Approval(ApprovalCommand<'a>),
    /// A principal changes.
    Principal(PrincipalCommand<'a>),
    /// A policy set comes into force, or goes.
    Policy(PolicyCommand),
    /// What followed from a command of the approval machines, or from time alone.
    Step(ApprovalStep<'a>),
    /// A part of a document of somebody else's, with the things and relations that it says.
    Document(Document<'a>),
    /// A command had no effect, and why.
    CommandRefused {
        /// Revision of the fold that decided.
        rules: Rules,
        /// The rule that refused it.
        reason: RefusalReason,
    },
    /// How long bodies are kept, or which are held.
    Keeping(KeepingCommand<'a>),
    /// A source is there, and says for how long it is silent at most until it closes.
    HeartbeatPromised {
        /// Seconds between the received times of two neighbouring entries of the source.
        heartbeat_s: NonZeroU32,
    },
    /// The source lost numbers, or saw nothing for a while.
    SourceGap(Gap),
    /// Somebody who looks after the ledger says what they did.
    Oversight(Oversight<'a>),
    /// What the ledger did, or let be done, with its own entries.
    Custody {
        /// Revision of the rules by which the ledger stated it.
        rules: Rules,
        /// What.
        custody: Custody<'a>,
    },
    /// The ledger took the event in by a way on which nobody signs, and states that it came.
    Imported {
        /// Revision of the reader that made the facts of the body.
        rules: Rules,
    },
    /// The ledger was opened although the wall clock stood behind the last received time.
    ClockChecked {
        /// Revision of the fold that decided.
        rules: Rules,
        /// What the wall clock said.
        wall: Micros,
    },
}

/// Revision of fold and policy engine that replay must use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(pub u16);

impl Rules {
    /// The rules that this program implements.
    pub const CURRENT: Rules = Rules(1);
}

/// A public key and the source it may sign for.
#[derive(Clone, Copy, Debug)]
pub struct KeyGrant<'a> {
    /// The key as stated; it may be weak or unknown, which is judged when the command is folded.
    pub key: RawKey<'a>,
    /// The source.
    pub source: Ref,
}

impl<'a> Detail<'a> {
    pub(crate) fn parse(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
        let rules = match facts.kind.author() {
            Author::Ledger => Rules(u16::from_be_bytes(fields.required_array(tags::RULES)?)),
            Author::Asker | Author::Witness => Rules::CURRENT,
        };
        let of_step = |step| Ok(Detail::Step(ApprovalStep { rules, of: OfRequest::of(facts)?, step }));
        Ok(match facts.kind {
            Kind::Genesis => Detail::Genesis(Genesis::parse(rules, fields)?),
            Kind::CommandRefused => Detail::CommandRefused { rules, reason: refusal_reason(fields)? },
            Kind::ClockChecked => Detail::ClockChecked {
                rules,
                wall: Micros(u64::from_be_bytes(fields.required_array(tags::WALL_CLOCK)?)),
            },
            Kind::PolicyEvaluated => return of_step(step::evaluated(facts, fields)?),
            Kind::ApprovalOpened => return of_step(step::opened(facts, fields)?),
            Kind::PresentationShown => return of_step(step::shown(facts, fields)?),
            Kind::ApprovalEscalated => return of_step(step::escalated(facts, fields)?),
            Kind::ApprovalResolved => return of_step(step::resolved(facts, fields)?),
            Kind::GrantIssued => return of_step(step::grant_issued(facts, fields)?),
            Kind::GrantRedeemed => return of_step(step::grant_redeemed(facts)?),
            Kind::GrantRevoked => return of_step(Step::GrantRevoked { grant: facts.need_grant()? }),
            Kind::GrantExpired => return of_step(step::grant_expired(facts)?),
            Kind::ExecutionStarted => return of_step(step::execution_started(facts)?),
            Kind::ActionBlocked => return of_step(step::blocked(facts)?),
            Kind::KeyEnrolled => Detail::KeyEnrolled(key_grant(fields)?),
            Kind::KeyRotated => {
                let grant = key_grant(fields)?;
                Detail::KeyRotated { grant, replaces: KeyId(fields.required_array(tags::SUBJECT_KEY_ID)?) }
            }
            Kind::KeyRevoked => Detail::KeyRevoked { key_id: KeyId(fields.required_array(tags::SUBJECT_KEY_ID)?) },
            Kind::BodyErased => Detail::BodyErased(ErasedBodies::parse(fields)?),
            Kind::SourceGap => source::gap(fields)?,
            Kind::ActionSubmitted => Detail::Approval(ApprovalCommand::Submitted(Submission::parse(facts, fields)?)),
            Kind::VoteCast => Detail::Approval(ApprovalCommand::VoteCast(Vote::parse(facts, fields)?)),
            Kind::ApprovalCancelRequested => Detail::Approval(ApprovalCommand::CancelRequested(OfRequest::of(facts)?)),
            Kind::GrantRedeemRequested => Detail::Approval(ApprovalCommand::RedeemRequested(Redemption::of(facts)?)),
            Kind::GrantRevokeRequested => Detail::Approval(ApprovalCommand::RevokeRequested(OfGrant::of(facts)?)),
            Kind::BreakglassInvoked => {
                Detail::Approval(ApprovalCommand::BreakglassInvoked(Submission::parse(facts, fields)?))
            }
            Kind::BreakglassReviewed => {
                Detail::Approval(ApprovalCommand::BreakglassReviewed(PostReview::parse(facts, fields)?))
            }
            Kind::PrincipalBound => Detail::Principal(PrincipalCommand::Bound(Binding::parse(facts, fields)?)),
            Kind::PrincipalLinked => Detail::Principal(principal::linked(facts, fields)?),
            Kind::PrincipalDisabled => Detail::Principal(principal::disabled(fields)?),
            Kind::RoleGranted => Detail::Principal(principal::granted(fields)?),
            Kind::RoleRevoked => Detail::Principal(principal::revoked(fields)?),
            Kind::DelegationSet => Detail::Principal(principal::delegated(fields)?),
            Kind::PolicyPublished => Detail::Policy(principal::published(facts)?),
            Kind::PolicyRetired => Detail::Policy(principal::retired(facts)?),
            Kind::LogRead => custody::read(rules, facts, fields)?,
            Kind::EvidenceExported => custody::exported(rules, facts, fields)?,
            Kind::VerificationRun => custody::verified(rules, facts, fields)?,
            Kind::LedgerSealed => Detail::None,
            Kind::RetentionSet => Detail::Keeping(keeping::retention(facts, fields)?),
            Kind::HoldPlaced => Detail::Keeping(keeping::placed(facts, fields)?),
            Kind::HoldReleased => Detail::Keeping(keeping::released(facts, fields)?),
            Kind::ExecutionReported | Kind::DataAccessed | Kind::ModelInvoked => Detail::None,
            Kind::OpenlineageReceived => imported(fields)?,
            Kind::ProvReceived => Document::parse(facts, fields)?.map_or(Detail::None, Detail::Document),
            Kind::SourceOpened | Kind::SourceHeartbeat => source::promise(fields)?,
            Kind::SourceClosed => Detail::None,
            Kind::ReviewCompleted => oversight::reviewed(facts, fields)?,
            Kind::ExceptionDisposed => oversight::disposed(facts, fields)?,
            Kind::ReconciliationCompleted => oversight::reconciled(facts, fields)?,
        })
    }
}

fn refusal_reason(fields: &mut Fields<'_>) -> Result<RefusalReason, Malformed> {
    let reason = u16::from_be_bytes(fields.required_array(tags::REASON)?);
    RefusalReason::from_number(reason).ok_or(value(tags::REASON))
}

/// Only the ledger states rules, and it does so with everything that it makes.
fn imported<'a>(fields: &mut Fields<'_>) -> Result<Detail<'a>, Malformed> {
    let rules = fields.optional_array(tags::RULES)?.map(u16::from_be_bytes);
    Ok(rules.map_or(Detail::None, |rules| Detail::Imported { rules: Rules(rules) }))
}

fn key_grant<'a>(fields: &mut Fields<'a>) -> Result<KeyGrant<'a>, Malformed> {
    let key = RawKey::parse(tags::SUBJECT_KEY, fields.required(tags::SUBJECT_KEY)?)?;
    Ok(KeyGrant { key, source: Ref(fields.required_array(tags::SUBJECT_SOURCE)?) })
}
