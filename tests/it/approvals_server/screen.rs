//! What the server puts on a reviewer's screen from what it knows.

use super::cast::Who;
use super::desk::Desk;
use deedbook::approvals::{RequestState, Resolution};
use deedbook::domain::DatasetText;
use deedbook::limits::{PRESENTATION_EARLIER_MAX, PRESENTATION_REACH_NODES_MAX};
use deedbook::record::binding::Binding;
use deedbook::record::canonical::Json;
use deedbook::record::openlineage;
use deedbook_verify::detail::Roles;
use deedbook_verify::facts::ObjectRole;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::SubjectId;
use serde_json::{Value, json};

impl Desk {
    /// What people are shown of one.
    pub(super) fn shown(&self, id: SubjectId) -> String {
        let reader = self.ledger.reader();
        let shown = reader.presentation(&self.seen(id)).unwrap().unwrap();
        assert!(shown.shown.complete);
        String::from_utf8(shown.text).unwrap()
    }

    /// A desk that pipelines report to, by this gateway.
    fn with_pipelines() -> (Desk, Who) {
        let desk = Desk::set();
        let gateway = desk.cast.gateway("pipelines");
        desk.done(desk.cast.enrollment(&desk.cast.person("adm"), &gateway.key, gateway.source));
        (desk, gateway)
    }

    /// A run of a pipeline.
    fn ran(&self, gateway: &Who, said: &str) {
        let said = openlineage::parse(said.as_bytes(), &self.cast.refs, &[2; 32]).unwrap().builder;
        self.done(self.cast.sign(gateway, said));
    }

    /// Somebody asks to export these; what people are shown of it.
    fn shown_of(&self, sources: &[&str], destination: &str) -> String {
        let agent = self.cast.agent("a1");
        let mut wish: Value = serde_json::from_slice(&self.cast.wish(&agent, "data.export", &[]).to_bytes()).unwrap();
        wish["dataset_sources"] = json!(sources);
        wish["destination"] = json!(destination);
        let json = Json::parse(wish.to_string().as_bytes(), 65_536).unwrap();
        self.shown(self.submit(&agent, &Binding::from_json(json).unwrap()))
    }
}

fn event(run: u32, inputs: &str, outputs: &str) -> String {
    let datasets = |names: &str| -> Vec<Value> {
        let of = |text: &str| match text.split_once('@') {
            Some((name, version)) => json!({"namespace": "shop", "name": name,
                "facets": {"version": {"_producer": "t", "_schemaURL": "t", "datasetVersion": version}}}),
            None => json!({"namespace": "shop", "name": text}),
        };
        names.split(' ').filter(|name| !name.is_empty()).map(of).collect()
    };
    json!({"eventType": "COMPLETE", "eventTime": "2026-01-05T03:00:00Z", "producer": "https://example.com/t",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": format!("00000000-0000-4000-8000-{run:012}")},
        "job": {"namespace": "shop", "name": format!("job {run}")},
        "inputs": datasets(inputs), "outputs": datasets(outputs)})
    .to_string()
}

/// What led to the data, with its class and whether anybody agreed on the way, and what came of it so far.
#[test]
fn a_reviewer_sees_where_data_comes_from_and_what_came_of_it() {
    let (desk, gateway) = Desk::with_pipelines();
    let cast = &desk.cast;
    let ask = || desk.shown_of(&["dataset:{shop}orders@42", "dataset:{shop}unheard"], "dataset:{shop}partner");
    assert!(ask().contains("\nbefore it\tnothing is known\ncame of it\tnothing is known\n"), "{}", ask());
    for line in [event(1, "raw@7", "clean"), event(2, "clean regions@1", "orders@42"), event(3, "orders@42", "x")] {
        desk.ran(&gateway, &line);
    }
    let raw = DatasetText::parse("{shop}raw@7").objects(ObjectRole::Input, &cast.refs).unwrap();
    let access = cast.facts(Kind::DataAccessed).data_class("pii").objects(&raw);
    desk.done(cast.sign(&gateway, access));
    let text = ask();
    for wanted in [
        "dataset_version:{shop}raw@7\tpii, 4 steps before it, NOBODY agreed on some way from it",
        "dataset_version:{shop}regions@1\tof no stated class, 2 steps before it, NOBODY agreed on some way from it",
        "a version of dataset:{shop}clean\tof no stated class, 2 steps before it, NOBODY",
        "a way that nobody approved\t",
        "→ run:00000000-0000-4000-8000-000000000002 → dataset_version:{shop}orders@42",
        "came of it\tversions of datasets: 1; runs: 1",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing: {text}");
    }
    desk.judge();
    desk.ledger.close();
}

/// Of a dataset that much came of, the nearest is counted; the action itself is shown whole.
#[test]
fn what_came_of_much_used_data_is_counted_in_part() {
    let (desk, gateway) = Desk::with_pipelines();
    let each = 60;
    let runs = u32::try_from(PRESENTATION_REACH_NODES_MAX).unwrap() / each + 2;
    for run in 0..runs {
        let outputs: Vec<String> = (0..each).map(|at| format!("out{run}-{at}@1")).collect();
        desk.ran(&gateway, &event(run, "orders@42", &outputs.join(" ")));
    }
    // However slow this machine is: a reviewer's screen waits for the graph no longer than it has to.
    desk.ledger.reader().lineage(None, &|| None).unwrap();
    let text = desk.shown_of(&["dataset:{shop}orders@42"], "dataset:{shop}partner");
    let row = text.lines().find(|line| line.starts_with("came of it\t")).unwrap();
    assert!(
        row.contains(&format!("; runs: {runs}")) && row.ends_with("; these are the nearest, there is more"),
        "{row}"
    );
    desk.ledger.close();
}

/// A graph that has no room keeps nobody from deciding, under a policy that wants the action shown whole.
#[test]
fn lineage_without_room_is_said_and_the_request_can_be_approved() {
    let desk = Desk::set();
    desk.ledger.lineage_within(0);
    let id = desk.export();
    let text = desk.shown(id);
    assert!(text.contains("\nof data flow\tnot all is known: the graph has no room beyond entry 0"), "{text}");
    desk.done(desk.vote(&desk.cast.person("bob"), id, Decision::Approve));
    let request = desk.seen(id).action.request.unwrap();
    let RequestState::Resolved(resolved) = request.state else { panic!("{:?}", request.state) };
    assert!(matches!(resolved.resolution, Resolution::Approved(_)), "{:?}", resolved.resolution);
    assert!(request.requirement.demands.complete_presentation);
    desk.judge();
    desk.ledger.close();
}

/// However much an agent does, the reviewer sees how the last of it ended.
#[test]
fn the_newest_like_actions_are_shown_however_many_there_are() {
    let desk = Desk::set();
    let bob = desk.cast.person("bob");
    let mut asked = Vec::new();
    for number in 0..300 {
        let id = desk.export();
        if number == 297 {
            desk.done(desk.vote(&bob, id, Decision::Deny));
        }
        asked.push(id);
    }
    let last = desk.export();
    let text = desk.shown(last);
    let index = |id: &SubjectId| format!("index {}", desk.seen(*id).action.origin.index.0);
    for id in asked.iter().rev().take(PRESENTATION_EARLIER_MAX) {
        assert!(text.contains(&index(id)), "{} is missing: {text}", index(id));
    }
    assert!(!text.contains(&index(&asked[250])) && text.contains("denied"), "{text}");
    // The first of its kind has none before it, and what others did is not this one's.
    assert!(!desk.shown(asked[0]).contains("index "), "{}", desk.shown(asked[0]));
    desk.ledger.close();
}

/// Names are remembered between readings, and not beyond their erasure.
#[test]
fn a_name_that_was_read_before_is_gone_once_it_is_erased() {
    let desk = Desk::set();
    let (cast, adm) = (&desk.cast, desk.cast.person("adm"));
    let agent = cast.agent("passing");
    let bound = desk.done(cast.binding_of(&adm, &agent, Roles::NONE, Some(&cast.person("alice"))));
    let wish = cast.wish(&agent, "data.export", &[]);
    let id = desk.submit(&agent, &wish);
    for _ in 0..2 {
        assert_eq!(desk.seen(id).name(agent.source), "passing");
    }
    desk.done(cast.erasure(&adm, bound.first_index));
    assert_eq!(desk.seen(id).name(agent.source), "");
    // What others are called is read again.
    assert_eq!(desk.seen(desk.export()).name(cast.agent("a1").source), "a1");
    desk.ledger.close();
}
