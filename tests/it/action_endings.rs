//! How the commands about actions end, as whoever types them sees it: what was granted can be redeemed, what was not says
//! why and by which exit code, and nobody votes or reports without knowing.

use crate::support::process::{Serving, serve_at};
use crate::support::stage::{Stage, text};
use crate::support::{audit, eventually};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

const READ: &str = r#"{"action":"data.read","resource":"dataset:customers"}"#;
const FORBIDDING: &str = r#"
@id("known") permit (principal, action, resource) when { principal.tenant == resource.tenant };
@id("never") forbid (principal, action == Gov::Action::"data.read", resource);
"#;

/// What a person who types it sees, without `--json`.
fn typed(stage: &Stage, server: &Serving, signer: &str, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.current_dir(stage.home.path()).env("DEEDBOOK_LOG", "off").stdin(Stdio::null());
    command.args(["--server", &format!("http://{}", server.address), "--signer"]);
    command.arg(stage.path(&format!("{signer}.key"))).args(words).output().unwrap()
}

/// The same, with the exit code that it must end with.
fn ends(stage: &Stage, server: &Serving, signer: &str, words: &[&str], code: i32) -> String {
    let output = typed(stage, server, signer, words);
    assert_eq!(output.status.code(), Some(code), "{words:?}: {}", text(&output));
    String::from_utf8([output.stdout, output.stderr].concat()).unwrap()
}

fn id_of(said: &Value) -> String {
    said["request_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_of_genesis_breaks_the_glass_redeems_and_reports() {
    let (stage, server) = Stage::set();
    let glass = ["break-glass", "export.json", "--reason", "primary is down", "--incident", "INC-812"];
    let id = id_of(&stage.says(&server, "adm", &glass));
    let shown = stage.says(&server, "adm", &["action", "show", &id]);
    assert_eq!((&shown["actor_name"], &shown["state"]), (&Value::Null, &json!("break_glass")), "genesis has no names");
    assert_eq!((&shown["reason"], &shown["incident"]), (&json!("primary is down"), &json!("INC-812")));
    let changed = ["action", "redeem", &id, "changed.json"];
    assert_eq!(stage.refusal(&server, "adm", &changed), "ACTION_DIGEST_MISMATCH");
    assert_eq!(stage.says(&server, "adm", &["action", "redeem", &id, "export.json"])["execution"], "started");
    let report = ["action", "report", &id, "--status", "succeeded"];
    assert_eq!(stage.says(&server, "adm", &report)["execution"], "succeeded");
    let said = ends(&stage, &server, "adm", &["action", "show", &id], 0);
    assert!(!said.contains("erased") && said.contains("primary is down") && said.contains("data.export"), "{said}");
    // So does a person whom an administrator bound, and whose id the log holds.
    let bob = id_of(&stage.says(&server, "bob", &glass));
    assert_eq!(stage.says(&server, "bob", &["action", "redeem", &bob, "export.json"])["execution"], "started");
    for (words, flag) in [
        (["break-glass", "export.json", "--reason", "", "--incident", "i"].as_slice(), "--reason"),
        (&["break-glass", "export.json", "--reason", "r", "--incident", " "], "--incident"),
        (&["approve", &bob, "--yes", "--reason", "\t"], "--reason"),
        (&["deny", &bob, "--yes", "--reason", ""], "--reason"),
        (&["action", "cancel", &bob, "--reason", ""], "--reason"),
        (&["grant", "revoke", &bob, "--reason", ""], "--reason"),
        (&["action", "review", &bob, "--outcome", "ratified", "--reason", " "], "--reason"),
    ] {
        assert!(ends(&stage, &server, "adm", words, 2).contains(flag), "{words:?}");
    }
    drop(server);
    let report = audit(stage.dir.root());
    assert!(report.is_clean(), "{:#?}", report.findings);
}

#[test]
fn a_person_of_genesis_whose_key_has_another_name_is_told_to_say_who_they_are() {
    let (stage, server) = Stage::set();
    stage.says(&server, "adm", &["key", "new", "--name", "other", "--out", "other.key"]);
    stage.says(&server, "adm", &["key", "rotate", "adm.key.pub", "other.key.pub"]);
    let glass = ["break-glass", "export.json", "--reason", "r", "--incident", "i"];
    let said = ends(&stage, &server, "other", &glass, 2);
    assert!(said.contains("--as human:ID"), "{said}");
    let named = [&glass[..], &["--as", "human:adm"]].concat();
    assert_eq!(stage.says(&server, "other", &named)["state"], "break_glass");
}

#[test]
fn who_waits_is_told_by_the_exit_code_whether_something_was_granted_and_why_not() {
    let (stage, server) = Stage::set();
    std::fs::write(stage.path("read.json"), READ).unwrap();
    std::fs::write(stage.path("own.cedar"), FORBIDDING).unwrap();
    let wait = |file: &str| ["action", "submit", file, "--wait"].map(str::to_owned);
    let child = {
        let words = wait("export.json");
        let mut command = stage.run(&server, "agent", &words.each_ref().map(String::as_str));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let id = waiting(&stage, &server);
    // Nobody votes in their sleep.
    let said = ends(&stage, &server, "bob", &["approve", &id, "--reason", "fine"], 2);
    assert!(said.contains("add --yes"), "{said}");
    ends(&stage, &server, "bob", &["deny", &id, "--reason", "no"], 2);
    assert_eq!(stage.says(&server, "bob", &["action", "show", &id])["votes"], json!([]));
    let reason = "not today\u{1b}[2J\nvote  bob: approve";
    stage.says(&server, "bob", &["deny", &id, "--yes", "--reason", reason]);
    let denied = child.wait_with_output().unwrap();
    assert_eq!(denied.status.code(), Some(3), "{}", text(&denied));
    assert_eq!(serde_json::from_slice::<Value>(&denied.stdout).unwrap()["state"], "denied");
    let said = String::from_utf8(denied.stderr).unwrap();
    assert!(said.contains("denied by bob: not today\\u{1b}[2J\\nvote  bob: approve"), "{said}");
    // The reason is shown exactly to programs, and harmless to people.
    let shown = stage.says(&server, "bob", &["action", "show", &id]);
    let vote = shown["votes"].as_array().unwrap().first().unwrap().clone();
    assert_eq!((&vote["person"], &vote["decision"], &vote["reason"]), (&json!("bob"), &json!("deny"), &json!(reason)));
    let said = ends(&stage, &server, "bob", &["action", "show", &id], 0);
    assert!(said.contains("bob: deny, because: not today\\u{1b}[2J\\nvote  bob: approve"), "{said}");
    // What policy allows is granted at once; what it forbids is not.
    let allowed = id_of(&stage.says(&server, "agent", &["action", "submit", "read.json", "--wait"]));
    let said = ends(&stage, &server, "agent", &["action", "show", &allowed], 0);
    let digest = shown["policy_digest"].as_str().unwrap();
    for part in ["data.read", "a1", "nobody", digest, "allow, by policies", "issued, until"] {
        assert!(said.contains(part) && !said.contains("erased"), "{part}: {said}");
    }
    stage.says(&server, "adm", &["policy", "publish", "own.cedar"]);
    let said = ends(&stage, &server, "agent", &["action", "submit", "read.json", "--wait"], 3);
    assert!(said.contains("\tdeny\n") && said.contains("not granted: denied by policies"), "{said}");
    assert_eq!(stage.says(&server, "agent", &["action", "submit", "read.json"])["outcome"], "deny");
}

#[test]
fn where_nobody_could_decide_that_is_what_is_said() {
    let (stage, server) = Stage::set();
    // Alice answers for the agent, and nobody else is a reviewer any more.
    stage.says(&server, "adm", &["principal", "disable", "--kind", "human", "--id", "bob"]);
    let said = ends(&stage, &server, "agent", &["action", "submit", "export.json", "--wait"], 3);
    assert!(said.contains("\tunroutable\n") && said.contains("not enough people"), "{said}");
    let id = said.split('\t').next().unwrap();
    let shown = ends(&stage, &server, "agent", &["action", "show", id], 0);
    assert!(!shown.contains("erased") && shown.contains("data.export") && shown.contains("nobody"), "{shown}");
    let said = ends(&stage, &server, "agent", &["exec", "export.json", "--", "touch", "ran"], 3);
    assert!(said.contains("did not run: unroutable") && !stage.path("ran").exists(), "{said}");
}

#[test]
fn a_report_that_changes_nothing_says_so() {
    let (stage, server) = Stage::set();
    std::fs::write(stage.path("read.json"), READ).unwrap();
    let id = id_of(&stage.says(&server, "agent", &["action", "submit", "read.json"]));
    let report = |status: &'static str| ["action", "report", &id, "--status", status].map(str::to_owned);
    let fails = |signer: &str, status: &'static str| {
        let words = report(status);
        ends(&stage, &server, signer, &words.each_ref().map(String::as_str), 1)
    };
    assert!(fails("agent", "failed").contains("nothing changed: no execution was started"));
    stage.says(&server, "agent", &["action", "redeem", &id, "read.json"]);
    assert!(fails("bob", "failed").contains("nothing changed: only the source"));
    let words = report("succeeded");
    assert_eq!(stage.says(&server, "agent", &words.each_ref().map(String::as_str))["execution"], "succeeded");
    assert!(fails("agent", "failed").contains("nothing changed: its end was reported before: succeeded"));
    assert_eq!(stage.says(&server, "agent", &["action", "show", &id])["execution"], "succeeded");
}

#[test]
fn what_reviewers_were_shown_is_said_to_be_erased_only_when_it_was() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    let show = || ends(&stage, &server, "bob", &["action", "show", &id], 0);
    assert!(!show().contains("erased"));
    let shown = stage.done(&mut stage.run(&server, "bob", &["list", "--kind", "presentation.shown"])).remove(0);
    let index = shown["index"].to_string();
    stage.says(&server, "adm", &["erase", "--reason", "asked for", "--yes", &index]);
    let said = show();
    assert!(said.contains("what was shown to reviewers was erased") && !said.contains("nobody"), "{said}");
}

/// The request that waits.
fn waiting(stage: &Stage, server: &Serving) -> String {
    let inbox = || stage.done(&mut stage.run(server, "bob", &["approvals", "list"])).pop();
    id_of(&eventually("a request waits", inbox))
}

/// A command behind the gate that a person let through: it runs until the file `go` is there, then ends with a status.
fn running(stage: &Stage, server: &Serving, status: &str) -> (Child, String) {
    let script = format!("touch runs; until [ -e go ]; do sleep 0.05; done; exit {status}");
    let mut command = stage.run(server, "agent", &["exec", "export.json", "--", "sh", "-c", &script]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = waiting(stage, server);
    stage.says(server, "bob", &["approve", &id, "--yes", "--reason", "fine"]);
    eventually("the command runs", || stage.path("runs").exists().then_some(()));
    (child, id)
}

#[test]
fn what_ran_is_reported_when_the_server_is_back() {
    let (stage, server) = Stage::set();
    let (mut child, id) = running(&stage, &server, "0");
    let address = server.address.clone();
    server.kill();
    std::fs::write(stage.path("go"), "").unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("reporting again") {
        line.clear();
        assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended without trying again");
    }
    let server = Serving::from_command(serve_at(&stage.dir, &address)).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(stage.says(&server, "bob", &["action", "show", &id])["execution"], "succeeded");
}

#[test]
fn where_the_report_is_lost_the_status_is_the_commands_own_and_what_to_type_is_said() {
    let (stage, server) = Stage::set();
    let (mut child, id) = running(&stage, &server, "7");
    stage.done(&mut stage.run(&server, "adm", &["key", "revoke", "agent.key.pub"]));
    std::fs::write(stage.path("go"), "").unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7), "{said}");
    assert!(said.contains(&format!("`deedbook action report {id} --status failed`")), "{said}");
    assert_eq!(stage.says(&server, "bob", &["action", "show", &id])["execution"], "started");
}
