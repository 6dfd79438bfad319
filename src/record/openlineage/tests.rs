//! OpenLineage events: raw bytes kept, odd times noted, errors that name the field.

use super::*;
use crate::record::{FrameSigner, Position, SigningKey};
use deedbook_verify::facts::Facts;
use deedbook_verify::limits;
use deedbook_verify::words::{LedgerId, Micros};

const REFS: RefKey = RefKey([3; 32]);
const RUN: &str = "43d7db3b-8984-4cda-b237-8c6919b36670";
const PARENT: &str = "43d7db3b-8984-4cda-b237-8c6919b36671";

fn check(raw: &str, check: impl Fn(Facts<'_>)) {
    let event = parse(raw.as_bytes(), &REFS, &[2; 32]).unwrap();
    let (id, weight) = (event.id, event.weight_bytes);
    let key = SigningKey::from_seed("gateway", &[4; 32]).unwrap();
    let signer = FrameSigner { ledger: LedgerId([1; 32]), source: Ref([9; 16]), key: &key };
    let frame = signer.sign(Position::Unsequenced, vec![event.builder]).unwrap();
    assert!(frame.payload_bytes() <= weight, "the weight is an upper bound");
    let (_, body) = frame.events[0].salt_and_body.as_ref().unwrap();
    assert_eq!(body.as_ref(), raw.as_bytes());
    let facts = Facts::parse(&frame.events[0].facts).unwrap();
    assert_eq!((facts.event_id, facts.kind), (id, Kind::OpenlineageReceived));
    assert_eq!((facts.action_type, facts.media_type), (None, Some("application/json")));
    check(facts);
}

fn objects(facts: &Facts<'_>) -> Vec<(ObjectClass, ObjectRole, Option<Ref>)> {
    facts.objects().map(|object| (object.class, object.role, Some(object.what))).collect()
}

fn refer(class: &str, namespace: &str, name: &str) -> Option<Ref> {
    REFS.make(Identity { class, namespace, name })
}

#[test]
fn a_run_event() {
    let raw = format!(
        r#"{{ "eventTime": "2020-12-28T19:52:00.001+10:00","eventType":"COMPLETE",
        "outputs":[{{"namespace":"n","name":"out","facets":{{"x":1.0}}}}],
        "run":{{"runId":"{RUN}","facets":{{"parent":{{"run":{{"runId":"{PARENT}"}}}}}}}},"job":{{"namespace":"j","name":"é"}},
        "inputs":[{{"namespace":"n","name":"in","facets":{{"version":{{"datasetVersion":"7"}}}}}},{{"name":"in2","namespace":"n"}}]}}
"#
    );
    check(&raw, |facts| {
        assert_eq!(facts.stream, refer("run", "", RUN));
        assert_eq!(facts.occurred, Micros(1_609_149_120_001_000));
        assert_eq!((facts.occurred_note, facts.outcome), (None, Some(Outcome::Succeeded)));
        let dataset = |name| refer("dataset", "n", name);
        let version = version_ref(&REFS, "dataset_version", dataset("in").unwrap(), "7").ok();
        let (used, input, output) = (ObjectRole::Used, ObjectRole::Input, ObjectRole::Output);
        let expected = [
            (ObjectClass::Job, used, refer("job", "j", "é")),
            (ObjectClass::Run, used, refer("run", "", PARENT)),
            (ObjectClass::Dataset, input, dataset("in")),
            (ObjectClass::DatasetVersion, input, version),
            (ObjectClass::Dataset, input, dataset("in2")),
            (ObjectClass::Dataset, output, dataset("out")),
        ];
        assert_eq!(objects(&facts), expected);
    });
}

#[test]
fn facets_that_are_odd_say_nothing() {
    for facets in
        ["[]", "7", r#"{"version":"7"}"#, r#"{"version":{"datasetVersion":7}}"#, r#"{"version":{"datasetVersion":""}}"#]
    {
        let run = format!(r#"{{"runId":"{RUN}","facets":{facets}}}"#);
        check(
            &format!(
                r#"{{"eventTime":"2020-12-28T19:52:00Z","run":{run},"inputs":[{{"namespace":"n","name":"d","facets":{facets}}}]}}"#
            ),
            |facts| {
                assert_eq!(objects(&facts), [(ObjectClass::Dataset, ObjectRole::Input, refer("dataset", "n", "d"))])
            },
        );
    }
    let parent = r#"{"parent":{"_deleted":true,"run":{"runId":"43d7db3b-8984-4cda-b237-8c6919b36671"}}}"#;
    let raw = format!(r#"{{"eventTime":"2020-12-28T19:52:00Z","run":{{"runId":"{RUN}","facets":{parent}}}}}"#);
    check(&raw, |facts| assert_eq!(objects(&facts), []));
}

#[test]
fn job_and_dataset_events() {
    check(r#"{"eventTime":"2020-12-28T19:52:00Z","job":{"namespace":"n","name":"j"}}"#, |facts| {
        assert_eq!((facts.stream, facts.outcome), (refer("job", "n", "j"), None));
        assert_eq!(
            objects(&facts),
            [(ObjectClass::Job, ObjectRole::Used, facts.stream)],
            "so that its stream is known"
        );
    });
    check(r#"{"eventTime":"2020-12-28T19:52:00Z","dataset":{"namespace":"n","name":"d"}}"#, |facts| {
        assert_eq!(facts.stream, refer("dataset", "n", "d"));
        assert_eq!(objects(&facts), [(ObjectClass::Dataset, ObjectRole::Used, facts.stream)]);
    });
}

#[test]
fn odd_times_are_noted() {
    let raw = |time: &str| format!(r#"{{"eventTime":"{time}","run":{{"runId":"{RUN}"}}}}"#);
    check(&raw("2020-12-28T19:51:01.641499"), |facts| {
        assert_eq!((facts.occurred, facts.occurred_note), (Micros(1_609_185_061_641_499), Some(1)));
    });
    check(&raw("2020-12-28T19:51:01.641499999Z"), |facts| {
        assert_eq!((facts.occurred, facts.occurred_note), (Micros(1_609_185_061_641_499), Some(2)));
    });
    check(&raw("2020-12-28T19:51:01.6414999"), |facts| assert_eq!(facts.occurred_note, Some(3)));
}

#[test]
fn many_datasets_are_counted() {
    let inputs = vec![r#"{"namespace":"n","name":"d"}"#; limits::OBJECTS_MAX + 3].join(",");
    let raw = format!(
        r#"{{"eventTime":"2020-12-28T19:52:00Z","eventType":"odd","run":{{"runId":"{RUN}"}},"inputs":[{inputs}]}}"#
    );
    check(&raw, |facts| {
        assert_eq!((facts.objects().count(), facts.objects_omitted), (limits::OBJECTS_MAX, Some(3)));
        assert_eq!(facts.outcome, Some(Outcome::Other));
    });
}

#[test]
fn errors_name_the_field() {
    let rows = [
        ("nonsense", ""),
        (r#"{"run":{"runId":"x"}}"#, "eventTime"),
        (r#"{"eventTime":"yesterday","job":{"namespace":"n","name":"j"}}"#, "eventTime"),
        (r#"{"eventTime":"2020-12-28T19:52:00Z","run":{"runId":"run_id"}}"#, "run.runId"),
        (r#"{"eventTime":"2020-12-28T19:52:00Z","run":{}}"#, "run.runId"),
        (r#"{"eventTime":"2020-12-28T19:52:00Z","job":{"name":"j"}}"#, "job.namespace"),
        (r#"{"eventTime":"2020-12-28T19:52:00Z"}"#, "run"),
        (
            r#"{"eventTime":"2020-12-28T19:52:00Z","run":{"runId":"43d7db3b-8984-4cda-b237-8c6919b36671"},"job":{}}"#,
            "job.namespace",
        ),
        (
            r#"{"eventTime":"2020-12-28T19:52:00Z","job":{"namespace":"n","name":"j"},"inputs":[{}]}"#,
            "inputs[0].namespace",
        ),
    ];
    for (raw, field) in rows {
        let error = parse(raw.as_bytes(), &REFS, &[2; 32]).err().unwrap();
        assert_eq!(error.field, field, "{raw}: {error}");
    }
}
