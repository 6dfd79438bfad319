//! A ledger of two administrators as its users run it: what one asks waits for the other, over restarts; the audit agrees.

use crate::support::process::Serving;
use deedbook::ledger::{DataDir, Ledger, OpenOptions};
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

struct Desk {
    home: TempDir,
    dir: DataDir,
}

fn deedbook() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.env("DEEDBOOK_LOG", "off").arg("--json");
    command
}

fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].concat().escape_ascii().to_string()
}

impl Desk {
    /// Genesis with administrators ann and bob and the reviewer rita.
    fn set() -> Desk {
        let home = TempDir::new().unwrap();
        let desk = Desk { dir: DataDir::new(home.path().join("data")), home };
        ["ann", "bob", "rita", "carol", "mallory", "gate"].iter().for_each(|name| desk.key(name));
        let made = desk.init(&["--admin", "ann", "--admin", "bob"], "rita=rita");
        assert!(made.status.success(), "{}", text(&made));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn public(&self, name: &str) -> String {
        format!("{}.pub", self.path(&format!("{name}.key")).display())
    }

    fn key(&self, name: &str) {
        let made =
            deedbook().args(["key", "new", "--name", name, "--out"]).arg(self.path(&format!("{name}.key"))).output();
        assert!(made.unwrap().status.success());
    }

    fn init(&self, admins: &[&str], reviewer: &str) -> Output {
        let (id, key) = reviewer.split_once('=').unwrap();
        let mut command = deedbook();
        command.args(["init", "--origin", "test.example/governed", "--data"]).arg(self.dir.root());
        for word in admins {
            command.arg(if word.starts_with("--") { (*word).to_owned() } else { self.public(word) });
        }
        command.args(["--reviewer", &format!("{id}={}", self.public(key))]).output().unwrap()
    }

    fn run(&self, server: &Serving, signer: &str, arguments: &[&str]) -> Output {
        let mut command = deedbook();
        command.args(arguments).args(["--server", &format!("http://{}", server.address), "--signer"]);
        command.arg(self.path(&format!("{signer}.key"))).output().unwrap()
    }

    /// The JSON lines of a run that must succeed.
    fn lines(&self, server: &Serving, signer: &str, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(server, signer, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output));
        let out = String::from_utf8(output.stdout).unwrap();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Asks for something, and answers the request under which it waits.
    fn asks(&self, server: &Serving, signer: &str, arguments: &[&str]) -> String {
        let lines = self.lines(server, signer, arguments);
        lines[0]["waits_as"].as_str().unwrap_or_else(|| panic!("{arguments:?} does not wait: {lines:?}")).to_owned()
    }

    fn refused(&self, server: &Serving, signer: &str, arguments: &[&str], reason: &str) {
        let output = self.run(server, signer, arguments);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {}", text(&output));
        assert!(text(&output).contains(reason), "{arguments:?}: {}", text(&output));
    }
}

#[test]
fn what_one_administrator_asks_waits_for_the_other_over_restarts() {
    let desk = Desk::set();
    let server = Serving::start(&desk.dir);
    let carol = desk.public("carol");
    let add = ["principal", "add", "--kind", "human", "--id", "carol", "--role", "reviewer", "--key", &carol];
    let bind = desk.asks(&server, "ann", &add);
    let gate = desk.public("gate");
    let enroll = desk.asks(&server, "bob", &["key", "enroll", "--source", "gate", &gate]);
    desk.refused(&server, "ann", &["approve", &bind, "--yes"], "CONFLICT_REQUESTER");
    desk.refused(&server, "rita", &["approve", &bind, "--yes"], "NOT_ADMINISTRATOR");
    desk.refused(&server, "carol", &["approve", &bind, "--yes"], "");
    let listed = desk.lines(&server, "ann", &["principal", "list"]);
    let waiting: Vec<&str> = listed.iter().filter_map(|line| line["waits_as"].as_str()).collect();
    assert_eq!((listed.len() - waiting.len(), waiting.len()), (3, 2));
    assert!(waiting.contains(&bind.as_str()) && waiting.contains(&enroll.as_str()));
    drop(server);
    let server = Serving::start(&desk.dir);
    let voted = desk.lines(&server, "bob", &["approve", &bind, "--yes", "--reason", "known"]);
    assert_eq!(
        (voted[0]["decision"].as_str(), voted[0]["request_id"].as_str()),
        (Some("approve"), Some(bind.as_str()))
    );
    let denied = desk.lines(&server, "ann", &["deny", &enroll, "--yes", "--reason", "not asked for"]);
    assert_eq!(denied[0]["decision"], "deny");
    desk.refused(&server, "bob", &["approve", &enroll, "--yes"], "nothing waits");
    let known = |server: &Serving| desk.lines(server, "ann", &["principal", "list"]);
    let carol: Vec<Value> = known(&server).into_iter().filter(|line| line["id"] == "carol").collect();
    assert_eq!((carol[0]["bound_by"].as_array().unwrap().len(), &carol[0]["bound_index"]), (2, &voted[0]["index"]));
    // Carol's key signs from the vote on; what waited for an answer is gone, over a restart too.
    let delegated = desk.lines(&server, "carol", &["principal", "delegate", "--id", "carol", "--to", "rita"]);
    assert!(delegated[0]["waits_as"].is_null());
    let before = known(&server);
    drop(server);
    let server = Serving::start(&desk.dir);
    assert_eq!(known(&server), before);
    desk.refused(&server, "bob", &["approve", &bind, "--yes"], "nothing waits");
    // The body that names Carol is erased by both; from then on nobody is told her name.
    let index = carol[0]["stated_index"].to_string();
    let erase = desk.lines(&server, "ann", &["erase", "--reason", "request 118", "--yes", &index]);
    assert_eq!((erase[0]["erased"].as_u64(), erase[0]["finished"].as_bool()), (Some(0), Some(false)));
    let request = erase[0]["waits_as"][0].as_str().unwrap().to_owned();
    assert!(known(&server).iter().any(|line| line["id"] == "carol"));
    desk.lines(&server, "bob", &["approve", &request, "--yes"]);
    assert!(known(&server).iter().all(|line| line["id"] != "carol"));
    drop(server);
    let report = crate::support::audit(desk.dir.root());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn opening_folds_what_the_writer_folded() {
    let desk = Desk::set();
    let server = Serving::start(&desk.dir);
    for (kind, id) in [("team", "owners"), ("service", "exporter")] {
        let mut add = vec!["principal", "add", "--kind", kind, "--id", id];
        if kind == "service" {
            add.extend(["--responsible", "rita", "--member-of", "owners"]);
        }
        let request = desk.asks(&server, "ann", &add);
        desk.lines(&server, "bob", &["approve", &request, "--yes"]);
    }
    desk.asks(&server, "bob", &["principal", "grant", "--kind", "human", "--id", "rita", "--role", "auditor"]);
    desk.lines(&server, "ann", &["principal", "disable", "--kind", "service", "--id", "exporter"]);
    drop(server);
    let open = || Ledger::open(&desk.dir, OpenOptions::default()).unwrap();
    let folded = |ledger: &Ledger| format!("{:?}", ledger.reader().authority());
    let ledger = open();
    let first = folded(&ledger);
    assert_eq!(ledger.reader().authority().waiting().len(), 1);
    assert_eq!(ledger.reader().authority().principals().len(), 5);
    ledger.close();
    drop(ledger);
    assert_eq!(folded(&open()), first);
}

#[test]
fn nobody_stands_in_genesis_twice() {
    let desk = Desk::set();
    let other = Desk { dir: DataDir::new(desk.home.path().join("other")), home: TempDir::new().unwrap() };
    ["ann", "bob"].iter().for_each(|name| other.key(name));
    for (admins, reviewer) in [(&["--admin", "ann", "--admin", "ann"][..], "bob=bob"), (&["--admin", "ann"], "ann=bob")]
    {
        let made = other.init(admins, reviewer);
        assert_eq!(made.status.code(), Some(2), "{}", text(&made));
        assert!(text(&made).contains("a name of their own"), "{}", text(&made));
    }
}
