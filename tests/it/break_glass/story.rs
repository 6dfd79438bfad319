//! The operator's page played from outside: the other administrator is there, then silent, then gone; what is typed, what
//! is refused with which next step, and where it is told for ever.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use crate::support::web;
use deedbook::ledger::DataDir;
use deedbook::policy::Source;
use serde_json::Value;
use std::process::{Command, Output};
use tempfile::TempDir;

const WHY: [&str; 5] = ["--break-glass", "--incident", "INC-7", "--reason", "the laptop is lost"];

/// Genesis with the administrators ann and bob and the reviewer rita.
fn set() -> (Stage, Serving) {
    let home = TempDir::new().unwrap();
    let stage = Stage { dir: DataDir::new(home.path().join("data")), home };
    for name in ["ann", "bob", "rita", "carol", "agent", "gate"] {
        let out = stage.path(&format!("{name}.key"));
        stage.done(stage.command().args(["key", "new", "--name", name, "--out"]).arg(out));
    }
    let public = |name: &str| stage.path(&format!("{name}.key.pub")).display().to_string();
    let mut init = stage.command();
    init.args(["init", "--origin", "test.example/glass", "--admin", &public("ann"), "--admin", &public("bob")]);
    init.args(["--reviewer", &format!("rita={}", public("rita")), "--data"]).arg(stage.dir.root());
    stage.done(&mut init);
    let server = Serving::start(&stage.dir);
    (stage, server)
}

/// What somebody types, by break-glass.
fn alone(stage: &Stage, server: &Serving, words: &[&str], more: &[&str]) -> Output {
    stage.run(server, "ann", &[words, &WHY, more].concat()).output().unwrap()
}

fn reason(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(3), "{}", text(output));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!said["error"]["next"].as_str().unwrap().is_empty(), "{said}");
    said["error"]["reason"].as_str().unwrap().to_owned()
}

fn done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", text(output));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn while_the_other_is_there_nothing_is_done_alone_and_everybody_hears_of_it() {
    let (stage, server) = set();
    let disable = ["principal", "disable", "--kind", "human", "--id", "bob"];
    let refused = alone(&stage, &server, &disable, &[]);
    assert_eq!(reason(&refused), "NOT_ALONE");
    assert!(text(&refused).contains("waits 14 days"), "the next step: {}", text(&refused));
    let promote = ["principal", "grant", "--kind", "human", "--id", "rita", "--role", "administrator"];
    assert_eq!(reason(&alone(&stage, &server, &promote, &["--silent", "bob"])), "REMOVAL_ONLY");
    for missing in [&["--break-glass"][..], &["--break-glass", "--incident", "INC-7"], &["--silent", "bob"]] {
        let usage = stage.run(&server, "ann", &[&disable, missing].concat()).output().unwrap();
        assert_eq!(usage.status.code(), Some(2), "{missing:?}: {}", text(&usage));
    }
    let asked = done(&alone(&stage, &server, &disable, &["--silent", "bob"]));
    let request = asked["waits_as"].as_str().unwrap().to_owned();
    assert_eq!(asked["break_glass"], true);
    assert_eq!(stage.refusal(&server, "ann", &["approve", &request, "--yes"]), "TOO_EARLY");
    let listed = stage.done(&mut stage.run(&server, "rita", &["principal", "list"]));
    let waiting = listed.iter().find(|line| line["waits_as"] == request.as_str()).unwrap();
    assert_eq!((waiting["silent"].as_array().unwrap().len(), waiting["broken_index"].is_null()), (1, true));
    assert!(waiting["silent_until"].is_string(), "{waiting}");
    let ready = |server: &Serving| web::get(server.http.parse().unwrap(), "/readyz").unwrap();
    let warned = ready(&server).body;
    assert!(warned.contains(&format!("deedbook deny {request}")), "{warned}");
    // Bob is shown what is asked, over whose silence and why, and says no.
    let shown = stage.run(&server, "bob", &["deny", &request, "--yes", "--reason", "I am here"]).output().unwrap();
    assert!(shown.status.success(), "{}", text(&shown));
    let screen = String::from_utf8(shown.stderr).unwrap();
    for line in ["BY BREAK-GLASS", "reason: the laptop is lost", "incident: INC-7", "principal: kind human"] {
        assert!(screen.contains(line), "{line}: {screen}");
    }
    assert!(!ready(&server).body.contains("silence"));
    // Asked again, whatever else he signs ends it too.
    let asked = done(&alone(&stage, &server, &["key", "revoke", "bob.key.pub"], &["--silent", "bob"]));
    let request = asked["waits_as"].as_str().unwrap().to_owned();
    stage.says(&server, "bob", &["principal", "delegate", "--id", "bob", "--to", "rita"]);
    let listed = stage.done(&mut stage.run(&server, "rita", &["principal", "list"]));
    let waiting = listed.iter().find(|line| line["waits_as"] == request.as_str()).unwrap();
    assert!(waiting["broken_index"].is_u64(), "{waiting}");
    assert_eq!(stage.refusal(&server, "ann", &["approve", &request, "--yes"]), "NOT_SILENT");
    drop(server);
    let audited = &stage.done(stage.command().args(["audit", "--data"]).arg(stage.dir.root()))[0];
    assert_eq!((&audited["clean"], &audited["broken_glass"]), (&Value::from(true), &Value::from(0)));
}

/// Bob has ended his own key, and ann goes on: carol reviews, rita's agent a1 asks, a gateway states. The indexes by which
/// carol and the gateway's key are in, and how often the glass was broken.
fn gone_on(stage: &Stage, server: &Serving) -> (Value, Value, u64) {
    stage.says(server, "bob", &["key", "revoke", "bob.key.pub"]);
    let add = ["principal", "add", "--kind", "human", "--id", "carol", "--role", "reviewer", "--key", "carol.key.pub"];
    let refused = stage.run(server, "ann", &add).output().unwrap();
    assert_eq!(reason(&refused), "SECOND_PERSON_MISSING");
    assert!(text(&refused).contains("--break-glass"), "the next step: {}", text(&refused));
    let carol = done(&alone(stage, server, &add, &[]));
    assert_eq!((&carol["break_glass"], carol["waits_as"].is_null()), (&Value::from(true), true));
    let agent =
        ["principal", "add", "--kind", "agent", "--id", "a1", "--responsible", "rita", "--key", "agent.key.pub"];
    done(&alone(stage, server, &agent, &[]));
    let gate = done(&alone(stage, server, &["key", "enroll", "--source", "gate", "gate.key.pub"], &[]));
    std::fs::write(stage.path("set.cedar"), Source::built_in().text + "// as ann has it\n").unwrap();
    let published = done(&alone(stage, server, &["policy", "publish", "set.cedar"], &[]));
    assert_eq!((&published["took_effect"], &published["break_glass"]), (&Value::from(true), &Value::from(true)));
    (carol["index"].clone(), gate["index"].clone(), 4)
}

/// What the program prints for a person.
fn told(stage: &Stage, server: &Serving, words: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.current_dir(stage.home.path()).env("DEEDBOOK_LOG", "off");
    command.args(["--server", &format!("http://{}", server.address), "--signer", "rita.key"]).args(words);
    text(&command.output().unwrap())
}

#[test]
fn who_is_left_governs_and_every_list_tells_it() {
    let (stage, server) = set();
    let (carol, _, commands) = gone_on(&stage, &server);
    assert_eq!(stage.says(&server, "rita", &["policy", "list"])["break_glass"], true);
    let listed = stage.done(&mut stage.run(&server, "rita", &["principal", "list"]));
    let of = |id: &str| listed.iter().find(|line| line["id"] == id).unwrap().clone();
    assert_eq!((&of("carol")["bound_by_break_glass"], &of("carol")["break_glass_index"]), (&Value::from(true), &carol));
    let broken = listed.iter().find_map(|line| line.get("broken_glass")).unwrap();
    assert_eq!((&broken["commands"], &broken["first_index"]), (&Value::from(commands), &carol));
    assert!(told(&stage, &server, &["principal", "list"]).contains("one alone, by break-glass"));
    // An action that she decides: the screen says what stands behind her.
    std::fs::write(stage.path("export.json"), r#"{"action":"data.export","resource":"dataset:customers"}"#).unwrap();
    let id = stage.submit(&server);
    stage.says(&server, "carol", &["approve", &id, "--yes", "--reason", "known"]);
    let shown = stage.says(&server, "rita", &["approvals", "show", &id]);
    assert_eq!(shown["votes"][0]["break_glass_index"], carol);
    assert_eq!(shown["broken_glass"]["commands"], Value::from(commands));
    assert_eq!(shown["governed_alone"], false, "it takes two; this is another thing");
    let screen = told(&stage, &server, &["approvals", "show", &id]);
    for words in ["carol (governed by break-glass at", "one administrator governed alone by break-glass, 4 times"] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    let metrics = web::get(server.http.parse().unwrap(), "/metrics").unwrap().body;
    assert!(metrics.contains(&format!("deedbook_governance_broken_glass {commands}")), "{metrics}");
    drop(server);
    let audited = &stage.done(stage.command().args(["audit", "--data"]).arg(stage.dir.root()))[0];
    assert_eq!((&audited["clean"], &audited["broken_glass"]), (&Value::from(true), &Value::from(commands)));
    assert_eq!(audited["broken_glass_at"][0], carol);
}

#[test]
fn receipts_tell_it_offline() {
    let (stage, server) = set();
    let (_, gate, _) = gone_on(&stage, &server);
    let gate = gate.to_string();
    assert_eq!(stage.says(&server, "rita", &["get", &gate])["break_glass"], Value::Array(Vec::new()));
    let line = "{\"kind\":\"execution.reported\",\"occurred\":\"2026-01-05T03:00:00Z\"}\n";
    std::fs::write(stage.path("line.jsonl"), line).unwrap();
    stage.done(&mut stage.run(&server, "gate", &["append", "--format", "jsonl", "line.jsonl"]));
    let last = (stage.kinds(&server).len() - 1).to_string();
    for (index, limit) in [(gate, "declared as break-glass"), (last, "let in by break-glass")] {
        let file = format!("{index}.tlog-proof");
        stage.done(&mut stage.run(&server, "rita", &["receipt", &index, "--out", &file]));
        let vkey = stage.dir.root().join("ledger.vkey");
        let judged = stage.done(stage.command().args(["verify", "--vkey"]).arg(vkey).arg(&file));
        assert!(judged[0]["limits"].to_string().contains(limit), "{index}: {}", judged[0]);
    }
}
