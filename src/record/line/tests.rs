//! Event lines: exact bytes, odd times, and errors that name the field.

use super::*;
use crate::record::{FrameSigner, Position, SigningKey};
use deedbook_verify::detail::{Gap, GapReason, Lost, Window};
use deedbook_verify::facts::{ActorKind, Facts, ObjectClass, ObjectRole, Outcome};
use deedbook_verify::words::{Digest, Micros, Revision, Sequence};

const REFS: RefKey = RefKey([3; 32]);

fn context() -> LineContext<'static> {
    LineContext { ledger: LedgerId([1; 32]), refs: &REFS, id_key: &[2; 32] }
}

fn refer(class: &str, namespace: &str, name: &str) -> Ref {
    REFS.make(Identity { class, namespace, name }).unwrap()
}

/// Parses, signs, and hands the facts and body bytes to a check.
fn check(line: &str, check: impl Fn(Facts<'_>, Option<&[u8]>)) {
    let event = parse(line.as_bytes(), &context()).unwrap();
    let weight = event.weight_bytes;
    let key = SigningKey::from_seed("gateway", &[4; 32]).unwrap();
    let signer = FrameSigner { ledger: LedgerId([1; 32]), source: Ref([9; 16]), key: &key };
    let frame = signer.sign(Position::Unsequenced, vec![event.builder]).unwrap();
    assert!(frame.payload_bytes() <= weight, "the weight is an upper bound");
    let event = &frame.events[0];
    let body = event.salt_and_body.as_ref().map(|(_, body)| body.as_ref());
    check(Facts::parse(&event.facts).unwrap(), body);
}

fn error_of(line: &str) -> LineError {
    parse(line.as_bytes(), &context()).err().unwrap_or_else(|| panic!("accepted: {line}"))
}

#[test]
fn every_fact_finds_its_place() {
    let digest = "ab".repeat(32);
    let id = "cd".repeat(16);
    let line = format!(
        r#"{{"kind":"execution.reported","stream":"action/7f","occurred":"2026-01-05T03:00:00Z","id":"{id}","facts":{{
        "expected_revision":4,"valid_until":"2026-01-06T03:00:00Z","actor":{{"kind":"agent","id":"bot"}},
        "on_behalf_of":[{{"namespace":"iss","id":"ann"}},{{"class":"team","id":"ops"}}],"responsible":{{"id":"bea"}},
        "action_type":"dataset.export","action_digest":"{digest}","policy_digest":"{digest}","outcome":"failed",
        "resource_class":"table","data_class":"pii","environment":"prod","request_id":"{id}","grant_id":"{id}",
        "parents":[{{"source":"ci","event_id":"{id}"}}],"models":[{{"role":"used","name":"m"}}],
        "datasets":[{{"role":"input","namespace":"n","name":"d"}}]}}}}"#
    );
    check(&line, |facts, body| {
        assert_eq!(body, None);
        assert_eq!(facts.event_id, EventId([0xcd; 16]));
        assert_eq!(facts.stream, Some(refer("action", "", "7f")));
        assert_eq!(facts.expected_revision, Some(Revision(4)));
        assert_eq!(facts.occurred, Micros(1_767_582_000_000_000));
        assert_eq!(facts.occurred_note, None);
        assert_eq!(facts.valid_until, Some(Micros(1_767_668_400_000_000)));
        let actor = facts.actor.unwrap();
        assert_eq!((actor.kind, actor.who), (ActorKind::Agent, refer("agent", "", "bot")));
        let behalf: Vec<Ref> = facts.on_behalf_of().collect();
        assert_eq!(behalf, [refer("person", "iss", "ann"), refer("team", "", "ops")]);
        assert_eq!(facts.responsible, Some(refer("person", "", "bea")));
        assert_eq!(facts.action_type.map(|code| code.as_str()), Some("dataset.export"));
        assert_eq!(facts.action_digest, Some(Digest([0xab; 32])));
        assert_eq!(facts.outcome, Some(Outcome::Failed));
        assert_eq!(facts.parents().next().map(|parent| parent.source), Some(refer("source", "", "ci")));
        let objects: Vec<_> = facts.objects().map(|object| (object.class, object.role, object.what)).collect();
        let model = (ObjectClass::Model, ObjectRole::Used, refer("model", "", "m"));
        assert_eq!(objects, [model, (ObjectClass::Dataset, ObjectRole::Input, refer("dataset", "n", "d"))]);
    });
}

#[test]
fn versions_and_what_an_event_belongs_to() {
    let facts = r#"{"models":[{"role":"used","name":"m","version":"3"}],"datasets":[{"role":"output","name":"d"}],
        "jobs":[{"name":"j"}],"runs":[{"name":"r"}],"sessions":[{"namespace":"chat","name":"s"}]}"#;
    check(&format!(r#"{{"kind":"model.invoked","occurred":"2026-01-05T03:00:00Z","facts":{facts}}}"#), |facts, _| {
        let objects: Vec<_> = facts.objects().map(|object| (object.class, object.role, object.what)).collect();
        let (model, used) = (refer("model", "", "m"), ObjectRole::Used);
        let expected = [
            (ObjectClass::Model, used, model),
            (ObjectClass::ModelVersion, used, refer("model_version", &model.to_string(), "3")),
            (ObjectClass::Dataset, ObjectRole::Output, refer("dataset", "", "d")),
            (ObjectClass::Job, used, refer("job", "", "j")),
            (ObjectClass::Run, used, refer("run", "", "r")),
            (ObjectClass::Session, used, refer("session", "chat", "s")),
        ];
        assert_eq!(objects, expected);
    });
}

#[test]
fn the_body_is_the_exact_slice() {
    let body = r#"{ "b":1.0,"a" : "\u00e9é", "a":1e3 }"#;
    let line = format!(r#"{{"occurred":"2026-01-05T03:00:00.1234567Z", "body" : {body} ,"kind":"data.accessed"}}"#);
    check(&line, |facts, found| {
        assert_eq!(found, Some(body.as_bytes()));
        assert_eq!(facts.media_type, Some("application/json"));
        assert_eq!(facts.occurred, Micros(1_767_582_000_123_456));
        assert_eq!(facts.occurred_note, Some(time::NOTE_CUT));
    });
    check(r#"{"kind":"data.accessed","occurred":"1970-01-01T00:00:00Z","body":null}"#, |_, body| {
        assert_eq!(body, Some(&b"null"[..]));
    });
}

#[test]
fn identical_lines_are_one_event() {
    let line = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z"}"#;
    let id = |line: &str, context: &LineContext<'_>| parse(line.as_bytes(), context).unwrap().id;
    let first = id(line, &context());
    assert_eq!(id(line, &context()), first);
    assert_ne!(id(&format!("{line} "), &context()), first);
    assert_ne!(id(line, &LineContext { ledger: LedgerId([7; 32]), ..context() }), first);
    assert_ne!(id(line, &LineContext { id_key: &[7; 32], ..context() }), first);
}

#[test]
fn a_human_is_a_person() {
    let line = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z",
        "facts":{"actor":{"kind":"human","namespace":"iss","id":"ann"}}}"#;
    check(line, |facts, _| assert_eq!(facts.actor.unwrap().who, refer("person", "iss", "ann")));
}

#[test]
fn gaps_name_both_ends() {
    let line = |facts: &str| format!(r#"{{"kind":"source.gap","occurred":"2026-01-05T03:00:00Z","facts":{facts}}}"#);
    let event = parse(line(r#"{"gap_from":3,"gap_to":9}"#).as_bytes(), &context()).unwrap();
    assert_eq!(event.gap.unwrap().lost, Some(Lost { from: Sequence(3), to: Sequence(9) }));
    assert_eq!(error_of(&line(r#"{"gap_from":3}"#)).field, "facts.gap_to");
    assert_eq!(error_of(&line(r#"{"gap_reason":"outage"}"#)).field, "facts.gap_from");
    assert_eq!(error_of(&line(r#"{"gap_from":3,"gap_to":9,"gap_reason":"bored"}"#)).field, "facts.gap_reason");
    let times = r#"{"gap_since":"2026-01-05T01:00:00Z","gap_until":"2026-01-05T02:00:00Z","gap_reason":"outage"}"#;
    let gap = parse(line(times).as_bytes(), &context()).unwrap().gap.unwrap();
    let blind = Window { from: Micros(1_767_574_800_000_000), until: Micros(1_767_578_400_000_000) };
    assert_eq!(gap, Gap { lost: None, blind: Some(blind), reason: Some(GapReason::Outage) });
    let backwards = r#"{"gap_since":"2026-01-05T02:00:00Z","gap_until":"2026-01-05T02:00:00Z"}"#;
    assert_eq!(error_of(&line(backwards)).field, "facts.gap_until");
    let half = r#"{"gap_from":3,"gap_to":9,"gap_until":"2026-01-05T02:00:00Z"}"#;
    assert_eq!(error_of(&line(half)).field, "facts.gap_since");
    assert_eq!(error_of(&line(r#"{"gap_from":9,"gap_to":9}"#)).field, "facts.gap_to");
    let stray = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"gap_to":9}}"#;
    assert_eq!(error_of(stray).field, "facts.gap_to");
    let stray = r#"{"kind":"source.closed","occurred":"2026-01-05T03:00:00Z","facts":{"heartbeat_s":9}}"#;
    assert_eq!(error_of(stray).field, "facts.heartbeat_s");
}

#[test]
fn errors_name_the_field() {
    let facts =
        |facts: &str| format!(r#"{{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{facts}}}"#);
    let many = format!("[{}]", vec![r#"{"id":"a"}"#; 17].join(","));
    let rows: &[(String, &str)] = &[
        ("".into(), ""),
        ("[]".into(), ""),
        (r#"{"kind":"data.accessed""#.into(), ""),
        (r#"{"occurred":"2026-01-05T03:00:00Z"}"#.into(), "kind"),
        (r#"{"kind":"data.accessed"}"#.into(), "occurred"),
        (r#"{"kind":"data.accessed","occurred":5}"#.into(), "occurred"),
        (r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00"}"#.into(), "occurred"),
        (r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","fact":{}}"#.into(), "fact"),
        (r#"{"kind":"data.accessed","kind":"x","occurred":"2026-01-05T03:00:00Z"}"#.into(), "kind"),
        (r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","stream":"action"}"#.into(), "stream"),
        (r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","id":"7f"}"#.into(), "id"),
        (r#"{"kind":"no.such","occurred":"2026-01-05T03:00:00Z"}"#.into(), "kind"),
        (facts("[]"), "facts"),
        (facts(r#"{"outcom":"failed"}"#), "facts.outcom"),
        (facts(r#"{"outcome":"fine"}"#), "facts.outcome"),
        (facts(r#"{"action_type":"Free text"}"#), "facts.action_type"),
        (facts(r#"{"action_digest":"ab"}"#), "facts.action_digest"),
        (facts(r#"{"expected_revision":1}"#), "stream"),
        (facts(r#"{"valid_until":"soon"}"#), "facts.valid_until"),
        (facts(r#"{"actor":{"kind":"robot","id":"a"}}"#), "facts.actor.kind"),
        (facts(r#"{"actor":{"kind":"agent"}}"#), "facts.actor.id"),
        (facts(r#"{"actor":{"kind":"agent","id":"a","id":"b"}}"#), "facts.actor.id"),
        (facts(r#"{"actor":{"kind":"agent","id":"a","mail":"b"}}"#), "facts.actor.mail"),
        (facts(&format!(r#"{{"on_behalf_of":{many}}}"#)), "facts.on_behalf_of"),
        (facts(r#"{"parents":[{"source":"ci","event_id":"1"}]}"#), "facts.parents[0].event_id"),
        (facts(r#"{"datasets":[{"role":"output","name":"a"},{"role":"read","name":"a"}]}"#), "facts.datasets[1].role"),
        (facts(r#"{"artifacts":[{"role":"used","name":"a","version":"1"}]}"#), "facts.artifacts[0].version"),
        (facts(r#"{"jobs":[{"role":"used","name":"a"}]}"#), "facts.jobs[0].role"),
    ];
    for (line, field) in rows {
        let error = error_of(line);
        assert_eq!(error.field, *field, "{line}: {error}");
        assert!(!error.remedy.is_empty(), "{line}");
    }
}

#[test]
fn commands_name_their_own_command() {
    let line = |kind: &str| format!(r#"{{"kind":"{kind}","occurred":"2026-01-05T03:00:00Z"}}"#);
    assert!(error_of(&line("key.enrolled")).to_string().contains("deedbook key enroll"));
    assert!(error_of(&line("genesis")).to_string().contains("only the ledger itself"));
    assert_eq!(error_of(&line("vote.cast")).field, "kind");
}

#[test]
fn long_lines_and_bodies_are_refused() {
    let body = "x".repeat(BODY_BYTES_MAX);
    let line = format!(r#"{{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","body":"{body}"}}"#);
    assert_eq!(error_of(&line).field, "body");
    assert!(error_of(&" ".repeat(LINE_BYTES_MAX + 1)).to_string().contains("more than the limit"));
}
