//! What an entry becomes: the class, the activity, and what that class asks besides. One arm for each kind of event; where
//! OCSF has no word, the number is 99 and the word ours. docs/EVIDENCE.md has the table.

use super::class::{Class, Decided, HIGH, INFORMATIONAL, MEDIUM, OTHER};
use deedbook_verify::detail::{
    ApprovalCommand, ApprovalStep, Detail, KeepingCommand, PrincipalCommand, ReviewOutcome, Roles, Step, Verdict,
};
use deedbook_verify::facts::{Actor, Facts, ObjectClass, ObjectRole};
use deedbook_verify::hash::request_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Ref, SubjectId};

/// What an entry is about, where its class has a place for it.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Nothing of its own.
    None,
    /// Something that is managed: what it is, and its id.
    Entity(&'static str, [u8; 32], usize),
    /// Somebody, and the roles that are given or taken.
    User(Actor, Option<Roles>),
    /// The dataset that the facts name first.
    Dataset(Ref),
}

/// What an entry becomes.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The class.
    pub class: Class,
    /// Its activity.
    pub activity: u8,
    /// How grave it is.
    pub severity: u8,
    /// What a control decided, if it did.
    pub decided: Option<Decided>,
    /// What it is about.
    pub target: Target,
    /// A word for people.
    pub comment: Option<&'static str>,
}

fn plain(class: Class, activity: u8) -> Shape {
    Shape { class, activity, severity: INFORMATIONAL, decided: None, target: Target::None, comment: None }
}

fn log(activity: u8) -> Shape {
    plain(Class::Log, activity)
}

fn api(decided: Option<Decided>) -> Shape {
    Shape { decided, ..plain(Class::Api, OTHER) }
}

fn entity(activity: u8, what: &'static str, id: &[u8]) -> Shape {
    let mut uid = [0u8; 32];
    uid.iter_mut().zip(id).for_each(|(to, from)| *to = *from);
    Shape { target: Target::Entity(what, uid, id.len().min(32)), ..plain(Class::Entity, activity) }
}

/// Activities of Entity Management.
const CREATE: u8 = 1;
const READ: u8 = 2;
const UPDATE: u8 = 3;
const DELETE: u8 = 4;
const ENROLL: u8 = 6;
const UNENROLL: u8 = 7;
const ENABLE: u8 = 8;
const DISABLE: u8 = 9;
const ACTIVATE: u8 = 10;
const DEACTIVATE: u8 = 11;

/// The shape of an entry.
pub fn of(facts: &Facts<'_>) -> Shape {
    match facts.kind {
        Kind::Genesis | Kind::SourceOpened => log(6),
        Kind::LedgerSealed | Kind::SourceClosed => log(7),
        Kind::LogRead | Kind::EvidenceExported => log(3),
        Kind::BodyErased => log(2),
        Kind::SourceGap | Kind::ClockChecked => Shape { severity: MEDIUM, ..log(OTHER) },
        Kind::SourceHeartbeat | Kind::VerificationRun => log(OTHER),
        Kind::ActionBlocked => api(Some(Decided::blocked("blocked"))),
        Kind::CommandRefused => api(Some(Decided::blocked("refused"))),
        Kind::ExecutionStarted => api(Some(Decided::allowed("started"))),
        Kind::ExecutionReported | Kind::ModelInvoked => api(None),
        Kind::DataAccessed => data(facts),
        Kind::OpenlineageReceived | Kind::ProvReceived => plain(Class::Base, OTHER),
        Kind::ReviewCompleted | Kind::ExceptionDisposed | Kind::ReconciliationCompleted => plain(Class::Base, OTHER),
        Kind::ActionSubmitted => request(facts, CREATE),
        Kind::BreakglassInvoked => Shape { severity: HIGH, ..request(facts, CREATE) },
        Kind::ApprovalOpened | Kind::ApprovalEscalated | Kind::ApprovalCancelRequested => request(facts, UPDATE),
        Kind::PresentationShown => request(facts, READ),
        Kind::PolicyEvaluated => evaluated(facts),
        Kind::VoteCast => Shape { comment: vote(facts), ..request(facts, UPDATE) },
        Kind::BreakglassReviewed => Shape { comment: reviewed(facts), ..request(facts, UPDATE) },
        Kind::ApprovalResolved => resolved(facts),
        Kind::GrantIssued => grant(facts, CREATE),
        Kind::GrantRedeemRequested | Kind::GrantRevokeRequested => grant(facts, UPDATE),
        Kind::GrantRedeemed => grant(facts, ACTIVATE),
        Kind::GrantRevoked | Kind::GrantExpired => grant(facts, DEACTIVATE),
        Kind::KeyEnrolled => key(facts, ENROLL),
        Kind::KeyRotated => key(facts, UPDATE),
        Kind::KeyRevoked => key(facts, UNENROLL),
        Kind::PrincipalBound => principal(facts, Class::Account, 1),
        Kind::PrincipalDisabled => principal(facts, Class::Account, 5),
        Kind::PrincipalLinked | Kind::DelegationSet => principal(facts, Class::Account, OTHER),
        Kind::RoleGranted => principal(facts, Class::Access, 1),
        Kind::RoleRevoked => principal(facts, Class::Access, 2),
        Kind::PolicyPublished => policy(facts, ACTIVATE),
        Kind::PolicyRetired => policy(facts, DEACTIVATE),
        Kind::RetentionSet => entity(UPDATE, "RetentionRule", &facts.event_id.0),
        Kind::HoldPlaced => entity(CREATE, "Hold", &own_request(facts).0),
        Kind::HoldReleased => entity(DELETE, "Hold", &hold(facts).0),
    }
}

/// The request that an entry is about; the one that it makes, if it is a command that names none.
pub fn own_request(facts: &Facts<'_>) -> SubjectId {
    let made = || request_id(&deedbook_verify::facts::Parent { source: facts.source, event_id: facts.event_id });
    facts.request_id.unwrap_or_else(made)
}

fn request(facts: &Facts<'_>, activity: u8) -> Shape {
    entity(activity, "ApprovalRequest", &own_request(facts).0)
}

fn grant(facts: &Facts<'_>, activity: u8) -> Shape {
    // A grant's id is that of the event that issues it.
    entity(activity, "Grant", &facts.grant_id.map_or(facts.event_id.0, |grant| grant.0))
}

fn policy(facts: &Facts<'_>, activity: u8) -> Shape {
    entity(activity, "Policy", &facts.policy_digest.map_or([0; 32], |policy| policy.0))
}

fn key(facts: &Facts<'_>, activity: u8) -> Shape {
    if let Detail::KeyEnrolled(grant) | Detail::KeyRotated { grant, .. } = &facts.detail {
        entity(activity, "Key", &grant.key.id().0)
    } else if let Detail::KeyRevoked { key_id } = &facts.detail {
        entity(activity, "Key", &key_id.0)
    } else {
        plain(Class::Base, OTHER)
    }
}

fn hold(facts: &Facts<'_>) -> SubjectId {
    if let Detail::Keeping(KeepingCommand::HoldReleased { hold }) = facts.detail { hold } else { own_request(facts) }
}

fn principal(facts: &Facts<'_>, class: Class, activity: u8) -> Shape {
    let Detail::Principal(command) = &facts.detail else { return plain(Class::Base, OTHER) };
    let roles = match command {
        PrincipalCommand::Granted { roles, .. } | PrincipalCommand::Revoked { roles, .. } => Some(*roles),
        PrincipalCommand::Bound(binding) => binding.roles,
        PrincipalCommand::Linked { .. } | PrincipalCommand::Disabled { .. } | PrincipalCommand::Delegated { .. } => {
            None
        }
    };
    Shape { target: Target::User(command.who(), roles), ..plain(class, activity) }
}

/// An access to data that names a dataset is one of a datastore; another one is a call.
fn data(facts: &Facts<'_>) -> Shape {
    let datasets = || facts.objects().filter(|object| object.class == ObjectClass::Dataset);
    let Some(first) = datasets().next() else { return api(None) };
    let all = |role| datasets().all(|object| object.role == role);
    let activity = match (all(ObjectRole::Input), all(ObjectRole::Output)) {
        (true, _) => 1,
        (_, true) => 5,
        (_, _) => OTHER,
    };
    Shape { target: Target::Dataset(first.what), ..plain(Class::Datastore, activity) }
}

fn step<'a>(facts: &Facts<'a>) -> Option<Step<'a>> {
    if let Detail::Step(ApprovalStep { step, .. }) = facts.detail { Some(step) } else { None }
}

fn evaluated(facts: &Facts<'_>) -> Shape {
    let Some(Step::Evaluated { judgement, .. }) = step(facts) else { return request(facts, UPDATE) };
    let decided = match judgement.verdict() {
        Verdict::Allow => Decided::allowed("allow"),
        Verdict::Deny => Decided::blocked("deny"),
        Verdict::RequireApproval => Decided::open("require_approval"),
    };
    Shape { decided: Some(decided), ..request(facts, UPDATE) }
}

fn resolved(facts: &Facts<'_>) -> Shape {
    use deedbook_verify::detail::ResolutionCode as Ended;
    let Some(Step::Resolved { resolution, .. }) = step(facts) else { return request(facts, UPDATE) };
    let code = resolution.code();
    let (activity, decided) = match code {
        Ended::Approved => (ENABLE, Decided::approved(code.name())),
        Ended::BreakGlass => (ENABLE, Decided::allowed(code.name())),
        Ended::Denied => (DISABLE, Decided::rejected(code.name())),
        Ended::Expired | Ended::Cancelled | Ended::Superseded | Ended::Invalidated | Ended::Unroutable => {
            (DISABLE, Decided::blocked(code.name()))
        }
    };
    Shape { decided: Some(decided), comment: Some(code.name()), ..request(facts, activity) }
}

fn vote(facts: &Facts<'_>) -> Option<&'static str> {
    let Detail::Approval(ApprovalCommand::VoteCast(vote)) = &facts.detail else { return None };
    Some(match vote.decision {
        Decision::Approve => "approve",
        Decision::Deny => "deny",
        Decision::Abstain => "abstain",
    })
}

fn reviewed(facts: &Facts<'_>) -> Option<&'static str> {
    let Detail::Approval(ApprovalCommand::BreakglassReviewed(review)) = &facts.detail else { return None };
    Some(match review.outcome {
        ReviewOutcome::Ratified => "ratified",
        ReviewOutcome::Repudiated => "repudiated",
    })
}
