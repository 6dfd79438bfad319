//! `deedbook lineage` from outside, by the program alone: what led to an export, who agreed, where nobody did, what
//! OpenLineage files come to, what a restart and an erasure change.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use serde_json::{Value, json};
use std::path::Path;

/// An OpenLineage event of a run that reads one dataset and writes another.
fn event(run: u8, (from, to): (&str, &str)) -> String {
    let dataset = |name: &str| json!([{"namespace": "shop", "name": name}]);
    json!({"eventType": "COMPLETE", "eventTime": "2026-01-05T03:00:00Z", "producer": "https://example.org/jobs",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": format!("00000000-0000-4000-8000-0000000000{run:02}")},
        "job": {"namespace": "shop", "name": format!("job-{run}")}, "inputs": dataset(from), "outputs": dataset(to)})
    .to_string()
}

/// A story: an export that bob approved, and a pipeline that nobody was asked about.
struct Told {
    stage: Stage,
    server: Serving,
    id: String,
}

impl Told {
    fn tell() -> Told {
        let (stage, server) = Stage::set();
        let id = stage.submit(&server);
        stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
        stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
        let report = ["action", "report", &id, "--status", "succeeded", "--output", "dataset:partner-copy"];
        stage.says(&server, "agent", &report);
        let pipeline = [event(1, ("orders", "daily")), event(2, ("daily", "weekly"))].join("\n");
        std::fs::write(stage.path("events.jsonl"), pipeline).unwrap();
        stage.done(&mut stage.run(&server, "adm", &["append", "--format", "openlineage", "events.jsonl"]));
        Told { stage, server, id }
    }

    fn asks(&self, words: &[&str]) -> Value {
        self.stage.says(&self.server, "bob", &[&["lineage"], words].concat())
    }

    fn fails(&self, words: &[&str]) -> String {
        let output = self.stage.run(&self.server, "bob", &[&["lineage"], words].concat()).output().unwrap();
        assert!(!output.status.success(), "{words:?}");
        text(&output)
    }
}

fn nodes(answer: &Value) -> Vec<&str> {
    assert_eq!(answer["complete"], true, "{answer}");
    answer["nodes"].as_array().unwrap().iter().map(|node| node["node"].as_str().unwrap()).collect()
}

fn count(answer: &Value, kind: &str) -> u64 {
    answer["counts"][kind].as_u64().unwrap_or(0)
}

#[test]
fn what_led_to_an_export_and_what_came_of_it() {
    let told = Told::tell();
    let up = told.asks(&["explain", "dataset:partner-copy"]);
    // The export, and the three commands by which an administrator let those in who stand in it.
    for (kind, wanted) in [("run", 1), ("action", 4), ("vote", 1), ("approval", 1), ("agent", 1), ("policy_version", 1)]
    {
        assert_eq!(count(&up, kind), wanted, "{kind}: {up}");
    }
    let found = nodes(&up);
    for name in ["dataset_version:customers@v42", "agent:a1", "person:bob", "person:alice"] {
        assert!(found.contains(&name), "{name}: {found:?}");
    }
    // Each edge names the entry that says it, and each entry is below the tree that the answer rests on.
    let size = up["as_of"]["size"].as_u64().unwrap();
    let edges = up["edges"].as_array().unwrap();
    assert!(edges.len() >= found.len() - 1, "{up}");
    assert!(edges.iter().all(|edge| edge["index"].as_u64().unwrap() < size), "{up}");
    let run = up["nodes"].as_array().unwrap().iter().find(|node| node["kind"] == "run").unwrap();
    assert_eq!((&run["gate"], &run["approved"]), (&json!(["approved_human"]), &json!(true)));
    // A version that nobody named is called what it is a version of.
    assert_eq!(up["nodes"][0]["name"], "partner-copy", "{up}");
    let down = told.asks(&["impact", "dataset:customers@v42"]);
    assert_eq!((count(&down, "run"), count(&down, "outcome")), (1, 1), "{down}");
    let steps = told.asks(&["trace", "dataset_version:customers@v42", "--down", "--depth", "1"]);
    assert_eq!((&steps["complete"], &steps["truncated_by"]), (&json!(false), &json!("depth")));
    let path = told.asks(&["path", "dataset_version:customers@v42", "dataset:partner-copy"]);
    assert_eq!(path["paths"].as_array().unwrap().len(), 1, "{path}");
    let (by_name, none) = (
        told.asks(&["path", "dataset:customers", "dataset:partner-copy"]),
        told.asks(&["path", "dataset:{shop}orders", "dataset:partner-copy"]),
    );
    assert_eq!(
        (&by_name["paths"], &none["paths"]),
        (&path["paths"], &json!([])),
        "of a dataset, from its nearest version"
    );
}

#[test]
fn where_nobody_agreed_and_where_somebody_did() {
    let told = Told::tell();
    let approved = told.asks(&["unapproved", "dataset:partner-copy"]);
    assert_eq!((&approved["found"], &approved["complete"]), (&json!(false), &json!(true)));
    let gap = told.asks(&["unapproved", "dataset:{shop}weekly"]);
    assert_eq!(gap["found"], true, "{gap}");
    let chain = nodes(&gap);
    assert!(chain.len() >= 2 && chain.last().unwrap().starts_with("dataset_version:"), "{chain:?}");
    let coverage = told.asks(&["coverage", "dataset:partner-copy"]);
    let open =
        |answer: &Value| answer["nodes"].as_array().unwrap().iter().filter(|node| node["covered"] == false).count();
    let customers =
        coverage["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "dataset_version:customers@v42");
    assert_eq!(customers.unwrap()["covered"], true, "{coverage}");
    assert!(customers.unwrap()["paths"].as_str().unwrap().parse::<u64>().unwrap() >= 1, "{coverage}");
    assert_eq!((&coverage["open"], open(&coverage)), (&json!(0), 0), "{coverage}");
    let bare = told.asks(&["coverage", "dataset:{shop}weekly"]);
    assert_eq!(bare["covered"], 0, "{bare}");
    let choke = told.asks(&["choke-points", "--from", "dataset_version:customers@v42", "dataset:partner-copy"]);
    assert!(choke["nodes"].as_array().unwrap().iter().any(|node| node["approved"] == true), "{choke}");
    // A dataset stands for its versions; what no path leads to is not approved.
    let (by_name, impact) =
        (told.asks(&["contamination", "dataset:{shop}orders"]), told.asks(&["impact", "dataset:{shop}orders"]));
    assert_eq!((&by_name["gated"], by_name["open"].as_u64() > Some(0)), (&json!(0), true), "{by_name}");
    assert_eq!(by_name["counts"]["run"], impact["counts"]["run"], "{by_name}");
    let apart = told.asks(&["unapproved", "dataset:partner-copy", "--from", "dataset:{shop}orders"]);
    assert_eq!((&apart["found"], &apart["reached"]), (&json!(false), &json!(false)));
    assert_eq!((&approved["reached"], &gap["reached"]), (&json!(true), &json!(true)));
    let none = told.asks(&["choke-points", "--from", "dataset:{shop}orders", "dataset:partner-copy"]);
    assert_eq!(none["reached"], false);
    let bad = told.asks(&["contamination", "dataset_version:customers@v42"]);
    assert_eq!((bad["open"].as_u64().unwrap() > 0, bad["gated"].as_u64().unwrap() > 0), (true, true), "{bad}");
}

/// A name without a version stands for the latest one, and the answer says which that is and how another is asked for.
#[test]
fn an_answer_names_the_version_that_it_is_about() {
    let told = Told::tell();
    let only = told.asks(&["unapproved", "dataset:partner-copy"]);
    assert_eq!((&only["target"]["name"], &only["target_versions"]), (&json!("partner-copy"), &json!(1)), "{only}");
    let first = only["target"]["node"].as_str().unwrap().to_owned();
    assert!(first.starts_with("dataset_version:"), "{only}");
    // A second export makes a second version.
    let id = told.stage.submit(&told.server);
    told.stage.says(&told.server, "bob", &["approve", &id, "--yes", "--reason", "ticket 8"]);
    told.stage.says(&told.server, "agent", &["action", "redeem", &id, "export.json"]);
    let report = ["action", "report", &id, "--status", "succeeded", "--output", "dataset:partner-copy"];
    told.stage.says(&told.server, "agent", &report);
    let latest = told.asks(&["unapproved", "dataset:partner-copy"]);
    assert_eq!(latest["target_versions"], 2, "{latest}");
    assert_ne!(latest["target"]["node"], first.as_str());
    let named = told.asks(&["unapproved", &first]);
    assert_eq!((&named["target"]["node"], &named["target_versions"]), (&json!(first), &json!(0)), "{named}");
    for words in [&["coverage", "dataset:partner-copy"][..], &["explain", "dataset:partner-copy"]] {
        assert_eq!(told.asks(words)["target"]["node"], latest["target"]["node"], "{words:?}");
    }
    assert_eq!(told.asks(&["impact", "dataset:partner-copy"])["target"], Value::Null, "it ends nowhere");
    // People read the same, and where to find the others; what is found there can be asked for.
    let mut plain = std::process::Command::new(env!("CARGO_BIN_EXE_deedbook"));
    plain.args([
        "lineage",
        "unapproved",
        "dataset:partner-copy",
        "--server",
        &format!("http://{}", told.server.address),
    ]);
    let output = plain.output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let latest = latest["target"]["node"].as_str().unwrap();
    assert!(said.contains(&format!("every path to {latest} (partner-copy) has an approval by people")), "{said}");
    assert!(said.contains(&format!("asked about {latest} (partner-copy), the latest of 2 versions")), "{said}");
    let all = "`deedbook lineage trace 'dataset:partner-copy' --down --kind dataset_version`";
    assert!(said.contains(all), "{said}");
    let found = told.asks(&["trace", "dataset:partner-copy", "--down", "--kind", "dataset_version"]);
    assert_eq!(nodes(&found), [latest, first.as_str()], "{found}");
}

#[test]
fn who_asked_who_agreed_for_whom_and_who_answers() {
    let told = Told::tell();
    let up = told.asks(&["explain", "dataset:partner-copy"]);
    let nodes = up["nodes"].as_array().unwrap();
    let of = |name: &str| nodes.iter().find(|node| node["node"] == name).unwrap();
    let id = |kind: &str| &nodes.iter().find(|node| node["kind"] == kind && node["name"] != Value::Null).unwrap()["id"];
    let has = |name: &str, part: &str, node: &Value| {
        let parts = of(name)["parts"].as_array().unwrap();
        parts.iter().any(|told| (&told["part"], &told["node"]) == (&json!(part), node))
    };
    let is_export = |node: &&Value| node["kind"] == "action" && node["namespace"] == "data.export";
    let action = nodes.iter().find(is_export).unwrap();
    for (name, part, node) in [
        ("person:bob", "approved", &action["id"]),
        ("person:alice", "answers", &of("agent:a1")["id"]),
        ("agent:a1", "asked", &action["id"]),
        ("agent:a1", "performed", id("run")),
    ] {
        assert!(has(name, part, node), "{name} {part}: {up}");
    }
    assert!(!has("person:alice", "approved", &action["id"]) && !has("person:bob", "answers", &action["id"]), "{up}");
    // Whom it was done for, and who else answers for it, is told apart.
    let submit = ["action", "submit", "export.json", "--on-behalf-of", "human:bob"];
    let asked = told.stage.says(&told.server, "agent", &submit);
    let for_bob = told.asks(&["explain", &format!("action:{}", asked["request_id"].as_str().unwrap())]);
    let bob = for_bob["nodes"].as_array().unwrap().iter().find(|node| node["node"] == "person:bob").unwrap();
    let words: Vec<&str> = bob["parts"].as_array().unwrap().iter().map(|part| part["part"].as_str().unwrap()).collect();
    assert!(words.contains(&"for") && !words.contains(&"answers"), "{for_bob}");
    // Each part names the entry that says it.
    let approved =
        of("person:bob")["parts"].as_array().unwrap().iter().find(|part| part["part"] == "approved").unwrap();
    assert!(up["edges"].as_array().unwrap().iter().any(|edge| edge["index"] == approved["index"]), "{approved}");
    // A run is called what it carries out: its action, or its job.
    let run = nodes.iter().find(|node| node["kind"] == "run").unwrap();
    assert_eq!((&run["namespace"], &run["name"]), (&json!("data.export"), &action["name"]), "{run}");
    let pipeline = told.asks(&["explain", "dataset:{shop}weekly"]);
    let runs = pipeline["nodes"].as_array().unwrap().iter().filter(|node| node["kind"] == "run");
    let jobs: Vec<&str> = runs.map(|run| run["name"].as_str().unwrap()).collect();
    assert_eq!(jobs.len(), 2, "{pipeline}");
    assert!(jobs.contains(&"job-1") && jobs.contains(&"job-2"), "{jobs:?}");
    // People read the same.
    let mut command = told.stage.run(&told.server, "bob", &["lineage", "explain", "dataset:partner-copy"]);
    let said = without_json(&mut command).output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    for line in
        ["approved data.export dataset:customers", "answers for agent a1", "asked data.export dataset:customers"]
    {
        assert!(said.contains(line), "{line}: {said}");
    }
}

/// The same command, for people.
fn without_json(command: &mut std::process::Command) -> std::process::Command {
    let mut plain = std::process::Command::new(command.get_program());
    plain.args(command.get_args().filter(|word| *word != "--json")).env("DEEDBOOK_LOG", "off");
    plain.current_dir(command.get_current_dir().unwrap());
    plain
}

#[test]
fn the_fewest_runs_on_every_path() {
    let told = Told::tell();
    let from = ["--from", "dataset_version:customers@v42", "dataset:partner-copy"];
    let cut = told.asks(&[&["cut"], from.as_slice()].concat());
    assert_eq!((&cut["reached"], &cut["enough"], &cut["counts"]), (&json!(true), &json!(true), &json!({"run": 1})));
    let approved = told.asks(&[&["cut", "--approved"], from.as_slice()].concat());
    assert_eq!(approved["nodes"][0]["approved"], true, "{approved}");
    let open = told.asks(&["cut", "--approved", "--from", "dataset:{shop}orders", "dataset:{shop}weekly"]);
    assert_eq!(
        (&open["reached"], &open["enough"], &open["nodes"]),
        (&json!(true), &json!(false), &json!([])),
        "{open}"
    );
    let any = told.asks(&["cut", "--from", "dataset:{shop}orders", "dataset:{shop}weekly"]);
    assert_eq!((&any["enough"], count(&any, "run")), (&json!(true), 1), "{any}");
    let apart = told.asks(&["cut", "--from", "dataset:{shop}orders", "dataset:partner-copy"]);
    assert_eq!((&apart["reached"], &apart["enough"]), (&json!(false), &json!(false)), "{apart}");
    assert!(told.fails(&["cut", "dataset:partner-copy"]).contains("--from"));
}

#[test]
fn as_of_then_the_log_did_not_know_it_yet_and_the_difference_is_what_came() {
    let told = Told::tell();
    let now = told.asks(&["stats"]);
    let size = now["as_of"]["size"].as_u64().unwrap();
    let action = told.asks(&["explain", &format!("action:{}", told.id)]);
    let born = action["nodes"][0]["born_index"].as_u64().unwrap();
    let before = born.to_string();
    assert!(
        told.fails(&["trace", &format!("action:{}", told.id), "--up", "--as-of", &before])
            .contains("named by no entry")
    );
    let then = told.asks(&["trace", &format!("action:{}", told.id), "--up", "--as-of", &(born + 1).to_string()]);
    assert_eq!(then["as_of"]["size"].as_u64(), Some(born + 1));
    let diff = told.asks(&["diff", &before, "--node", "dataset:partner-copy"]);
    assert!(nodes(&diff).contains(&"dataset:partner-copy"), "{diff}");
    assert!(!diff["gates_changed"].as_array().unwrap().is_empty(), "{diff}");
    // Coverage is of a node: where none was named, nothing was compared, which is not the same as no change.
    assert!(diff["coverage_changed"].is_array(), "{diff}");
    assert!(told.asks(&["diff", &before])["coverage_changed"].is_null());
    assert!(told.fails(&["stats", "--json", "x"]).contains("unexpected argument"));
    let beyond = (size + 1).to_string();
    assert!(told.fails(&["trace", "agent:a1", "--down", "--as-of", &beyond]).contains("OUTSIDE_TREE"));
}

#[test]
fn a_restart_changes_no_answer_and_an_erasure_takes_the_names_alone() {
    let mut told = Told::tell();
    let ask = ["explain", "dataset:partner-copy"];
    let (stats, before) = (told.asks(&["stats"]), told.asks(&ask));
    let own = json!({"runs": 2, "jobs": 2, "datasets": 3, "dataset_edges": 4, "column_edges": 0});
    assert_eq!(stats["openlineage"], own, "{stats}");
    drop(told.server);
    told.server = Serving::start(&told.stage.dir);
    assert_eq!((told.asks(&["stats"]), told.asks(&ask)), (stats.clone(), before.clone()));
    let action = before["nodes"].as_array().unwrap().iter().find(|node| node["kind"] == "action").unwrap();
    let index = action["born_index"].to_string();
    told.stage.says(&told.server, "adm", &["erase", &index, "--yes", "--reason", "asked for"]);
    let after = told.asks(&ask);
    let edges = |answer: &Value| answer["edges"].clone();
    assert_eq!(edges(&after), edges(&before), "no edge rests on a body");
    let named = |answer: &Value| text_of(answer).contains("customers");
    assert_eq!((named(&before), named(&after)), (true, false), "{after}");
    // Whoever knows the name still finds the ref.
    assert_eq!(
        told.asks(&["impact", "dataset:customers"])["counts"],
        told.asks(&["impact", "dataset:customers@v42"])["counts"]
    );
}

fn text_of(answer: &Value) -> String {
    answer["nodes"].to_string()
}

#[test]
fn what_is_not_there_or_not_one_thing_is_said() {
    let told = Told::tell();
    assert!(told.fails(&["explain", "dataset:nowhere"]).contains("NODE_UNKNOWN"));
    assert!(told.fails(&["explain", "dataset:partner-copy@99"]).contains("NODE_UNKNOWN"), "no such version");
    assert!(told.fails(&["explain", "orders"]).contains("is not KIND:NAME"));
    assert!(told.fails(&["contamination", "agent:a1", "--since", "9999"]).contains("is no entry"));
    assert!(told.fails(&["diff", "9999"]).contains("is not before"));
    assert!(told.fails(&["trace", "dataset:orders", "--up", "--kind", "table"]).contains("there are dataset, "));
    // The next step names the flag or the command, and no field of the protocol alone.
    for (words, next) in [
        (&["contamination", "agent:a1", "--since", "9999"][..], "correct --since"),
        (&["diff", "9999"], "a size that the log had"),
        (&["trace", "dataset:orders", "--up", "--kind", "table"], "correct --kind"),
        (&["trace", "dataset:orders", "--up", "--edge", "table"], "correct --edge"),
        (&["explain", "orders"], "lineage search LETTERS"),
    ] {
        assert!(told.fails(words).contains(next), "{words:?}: {}", told.fails(words));
    }
    let more = [event(3, ("orders", "x")).replace("\"shop\"", "\"other\"")].join("\n");
    std::fs::write(told.stage.path("more.jsonl"), more).unwrap();
    told.stage.done(&mut told.stage.run(&told.server, "adm", &["append", "--format", "openlineage", "more.jsonl"]));
    let two = told.fails(&["explain", "dataset:orders"]);
    assert!(two.contains("NODE_AMBIGUOUS") && two.contains("{shop}orders") && two.contains("{other}orders"), "{two}");
    let found = told.asks(&["search", "ORDERS", "--kind", "dataset"]);
    assert_eq!(nodes(&found), ["dataset:{other}orders", "dataset:{shop}orders"]);
}

#[test]
fn answers_are_drawn() {
    let told = Told::tell();
    told.asks(&["explain", "dataset:partner-copy", "--svg", "export.svg", "--dot", "export.dot"]);
    let svg = std::fs::read_to_string(told.stage.path("export.svg")).unwrap();
    let parsed = roxmltree::Document::parse(&svg).unwrap();
    assert_eq!(parsed.root_element().tag_name().name(), "svg");
    for name in ["partner-copy", "bob", "customers"] {
        assert!(svg.contains(name), "{name}");
    }
    assert!(std::fs::read_to_string(told.stage.path("export.dot")).unwrap().starts_with("digraph"));
    told.asks(&["unapproved", "dataset:{shop}weekly", "--svg", "gap.svg"]);
    assert!(std::fs::read_to_string(told.stage.path("gap.svg")).unwrap().contains("no approval"));
}

#[test]
fn openlineage_files_of_others_come_to_what_their_page_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("shared/fixtures/openlineage");
    let file = root.join("marquez/food_delivery.jsonl");
    if !file.is_file() {
        println!("the fixtures are not here; the events of this file stand for them");
        return;
    }
    let (stage, server) = Stage::set();
    for _ in 0..2 {
        let words = ["append", "--format", "openlineage", file.to_str().unwrap()];
        stage.done(&mut stage.run(&server, "adm", &words));
    }
    let stats = stage.says(&server, "bob", &["lineage", "stats"]);
    let wanted = json!({"runs": 13, "jobs": 13, "datasets": 13, "dataset_edges": 27, "column_edges": 39});
    assert_eq!(stats["openlineage"], wanted);
    assert_eq!((&stats["nodes"]["run"], &stats["nodes"]["job"]), (&json!(13), &json!(13)));
}
