//! One entry as one event: the members of OCSF that facts can fill, and the place in the log under `unmapped`, where the
//! version has none. `metadata.uid` is the leaf hash, `metadata.sequence` the index, `metadata.event_code` our kind.

use super::class::{CONTROL_PROFILE, Class, FAILURE, OCSF, OTHER, SUCCESS, Status};
use super::shape::{self, Shape, Target};
use super::unmapped::{Place, Unmapped};
use crate::evidence::exchange::about::About;
use crate::evidence::hex::Hex;
use deedbook_verify::calendar::Clockface;
use deedbook_verify::detail::{Detail, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Actor, ActorKind, Facts, Outcome};
use deedbook_verify::package::{PROGRAM, Period};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, Index, LedgerId, Micros};
use serde::Serialize;
use std::borrow::Cow;

/// The program, as every event names it.
#[derive(Clone, Copy, Serialize)]
pub struct Product {
    name: &'static str,
    vendor_name: &'static str,
    version: &'static str,
}

/// What made these events.
pub const PRODUCT: Product = Product { name: "Deedbook", vendor_name: "Deedbook", version: PROGRAM };

#[derive(Serialize)]
struct Metadata<'a> {
    event_code: &'a str,
    log_name: &'static str,
    logged_time: u64,
    original_event_uid: Hex<[u8; 16]>,
    original_time: String,
    product: Product,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    profiles: &'static [&'static str],
    sequence: u64,
    tenant_uid: Hex<[u8; 32]>,
    uid: Hex<[u8; 32]>,
    version: &'static str,
}

#[derive(Serialize)]
struct User {
    uid: Hex<[u8; 16]>,
    #[serde(rename = "type")]
    what: &'static str,
    type_id: u8,
}

impl User {
    fn of(actor: Actor) -> User {
        let type_id = match actor.kind {
            ActorKind::Human => 1,
            ActorKind::Service => 4,
            ActorKind::Agent | ActorKind::Team => OTHER,
        };
        User { uid: Hex(actor.who.0), what: actor.kind.name(), type_id }
    }
}

#[derive(Serialize)]
struct Who {
    app_uid: Hex<[u8; 16]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
}

#[derive(Serialize)]
struct Uid<T: AsRef<[u8]>> {
    uid: Hex<T>,
}

#[derive(Serialize)]
struct Api<'a> {
    operation: &'a str,
    request: Uid<[u8; 16]>,
}

/// Something with an id and a word for what it is.
#[derive(Serialize)]
struct Thing<T: AsRef<[u8]>> {
    uid: Hex<T>,
    #[serde(rename = "type")]
    what: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    type_id: Option<u8>,
}

#[derive(Serialize)]
struct Authorization {
    decision: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<Uid<[u8; 32]>>,
}

/// An event. Members that a class has no place for stay empty.
#[derive(Serialize)]
pub struct Event<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_id: Option<u8>,
    activity_id: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<Who>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api: Option<Api<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorizations: Option<[Authorization; 1]>,
    category_uid: u32,
    class_uid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    databucket: Option<Thing<[u8; 16]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disposition: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disposition_id: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entity: Option<Thing<Vec<u8>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_name: Option<&'static str>,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    privileges: Option<Vec<&'static str>>,
    severity_id: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    src_endpoint: Option<Uid<[u8; 16]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_id: Option<u8>,
    time: u64,
    type_uid: u32,
    unmapped: Unmapped<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<User>,
}

/// Milliseconds, which is what OCSF counts in.
pub fn millis(micros: Micros) -> u64 {
    micros.0 / 1_000
}

/// Makes events of one package.
pub struct Writer {
    ledger: LedgerId,
    tree: TreeHead,
    period: Period,
    clock: Clock,
}

/// Times as text, the day of the last one kept.
#[derive(Default)]
pub struct Clock(Clockface);

impl Clock {
    /// RFC 3339, to the microsecond.
    pub fn text(&mut self, time: Micros) -> String {
        let mut text = Vec::with_capacity(32);
        self.0.write(time, &mut text);
        String::from_utf8(text).unwrap_or_default()
    }
}

impl Writer {
    /// For this package.
    pub fn new(about: &About) -> Writer {
        let question = &about.rendered.question;
        let tree = TreeHead { size: question.ends, root: about.rendered.root };
        Writer { ledger: question.ledger, tree, period: question.period, clock: Clock::default() }
    }

    /// The event of an entry. `refused`: why it had no effect, as the entry behind it says.
    pub fn event<'a>(&mut self, at: (Index, Hash), entry: &Entry<'a>, refused: Option<RefusalReason>) -> Event<'a> {
        let ((index, leaf), facts) = (at, &entry.facts);
        let shape = shape::of(facts);
        let place = Place { index, tree: self.tree, in_period: self.period.has(entry.seal.received) };
        let word = facts.action_type.map_or(facts.kind.name(), |code| code.as_str());
        let (status, status_code) = status(facts, refused);
        let (entity, user, privileges, databucket) = target(&shape);
        let calls = matches!(shape.class, Class::Api | Class::Datastore);
        // A policy that was asked is named with what it said.
        let controlled = shape.decided.is_some();
        let policy = facts.policy_digest.map(|policy| Uid { uid: Hex(policy.0) });
        Event {
            action: shape.decided.map(|decided| decided.word),
            action_id: shape.decided.map(|decided| decided.action),
            activity_id: shape.activity,
            activity_name: (shape.activity == OTHER).then_some(word),
            actor: has_actor(shape.class)
                .then(|| Who { app_uid: Hex(facts.source.0), user: facts.actor.map(User::of) }),
            api: (shape.class == Class::Api)
                .then(|| Api { operation: word, request: Uid { uid: Hex(shape::own_request(facts).0) } }),
            authorizations: shape.decided.map(|decided| [Authorization { decision: decided.word, policy }]),
            category_uid: shape.class.category(),
            class_uid: shape.class.uid(),
            comment: comment(&shape, refused),
            databucket,
            disposition: shape.decided.map(|decided| decided.word),
            disposition_id: shape.decided.map(|decided| decided.disposition),
            entity,
            log_name: (shape.class == Class::Log).then_some("Deedbook"),
            metadata: Metadata {
                event_code: facts.kind.name(),
                log_name: "Deedbook",
                logged_time: millis(entry.seal.received),
                original_event_uid: Hex(facts.event_id.0),
                original_time: self.clock.text(facts.occurred),
                product: PRODUCT,
                profiles: if controlled { &[CONTROL_PROFILE] } else { &[] },
                sequence: index.0,
                tenant_uid: Hex(self.ledger.0),
                uid: Hex(leaf.0),
                version: OCSF,
            },
            privileges,
            severity_id: shape.severity,
            src_endpoint: calls.then_some(Uid { uid: Hex(facts.source.0) }),
            status: status.map(|Status(_, word)| word),
            status_code,
            status_id: status.map(|Status(id, _)| id),
            time: millis(facts.occurred),
            type_uid: shape.class.type_uid(shape.activity),
            unmapped: Unmapped::of(entry, place, refused, &mut self.clock),
            user,
        }
    }
}

/// A word for people: what was decided, and that it had no effect where it was refused. Only entities have a place for it.
fn comment(shape: &Shape, refused: Option<RefusalReason>) -> Option<Cow<'static, str>> {
    match (shape.comment, refused.filter(|_| shape.class == Class::Entity)) {
        (word, None) => word.map(Cow::Borrowed),
        (None, Some(reason)) => Some(Cow::Owned(format!("refused: {}", reason.name()))),
        (Some(word), Some(reason)) => Some(Cow::Owned(format!("{word}, refused: {}", reason.name()))),
    }
}

/// Base Event has no place for whoever acted.
fn has_actor(class: Class) -> bool {
    match class {
        Class::Base | Class::Finding => false,
        Class::Log | Class::Account | Class::Entity | Class::Access | Class::Api | Class::Datastore => true,
    }
}

/// How it went, by the entry itself or by the refusal behind it.
fn status(facts: &Facts<'_>, refused: Option<RefusalReason>) -> (Option<Status>, Option<&'static str>) {
    if let Some(reason) = refused {
        return (Some(FAILURE), Some(reason.name()));
    }
    if let Detail::CommandRefused { reason, .. } = facts.detail {
        return (Some(FAILURE), Some(reason.name()));
    }
    let status = facts.outcome.map(|outcome| match outcome {
        Outcome::Succeeded | Outcome::Allowed => SUCCESS,
        Outcome::Failed | Outcome::Aborted | Outcome::Denied => FAILURE,
        Outcome::Started | Outcome::Running | Outcome::Other => Status(OTHER, outcome.name()),
    });
    (status, None)
}

/// What the entry is about, in the place that its class has for it.
type Targets = (Option<Thing<Vec<u8>>>, Option<User>, Option<Vec<&'static str>>, Option<Thing<[u8; 16]>>);

fn target(shape: &Shape) -> Targets {
    match shape.target {
        Target::None => (None, None, None, None),
        Target::Entity(what, uid, length) => {
            let uid = Hex(uid.iter().take(length).copied().collect());
            let type_id = Some(if what == "Policy" { 5 } else { OTHER });
            (Some(Thing { uid, what, type_id }), None, None, None)
        }
        Target::User(who, roles) => {
            let privileges = roles.map(|roles| roles.names().collect());
            let named = if shape.class == Class::Access { privileges } else { None };
            (None, Some(User::of(who)), named, None)
        }
        Target::Dataset(dataset) => {
            (None, None, None, Some(Thing { uid: Hex(dataset.0), what: "dataset", type_id: Some(OTHER) }))
        }
    }
}
