//! What a stranger meets who mixes things up: each refusal says what is wrong, names the thing, and points to the command
//! that helps; the exit code is the one that docs/CLI.md promises.

use crate::support::House;
use crate::support::process::{Serving, serve_at};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A served ledger, a folder for files, and the programs.
struct Desk {
    house: House,
    server: Serving,
    folder: tempfile::TempDir,
}

fn said(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn deedbook(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(arguments).env("DEEDBOOK_LOG", "off").stdin(Stdio::null());
    for name in ["DEEDBOOK_SERVER", "DEEDBOOK_SIGNER", "DEEDBOOK_VKEY", "DEEDBOOK_DATA", "DEEDBOOK_POLICY"] {
        command.env_remove(name);
    }
    command
}

/// Insists on an exit code and on words.
fn ends(command: &mut Command, code: i32, words: &[&str]) -> String {
    let output = command.output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {said}");
    for word in words {
        assert!(said.contains(word), "{command:?} does not say `{word}`: {said}");
    }
    said
}

impl Desk {
    fn open() -> Desk {
        let house = House::build();
        Desk { server: Serving::start(&house.dir), house, folder: tempfile::tempdir().unwrap() }
    }

    /// The other port of the server.
    fn http(&self) -> String {
        self.server.http.clone()
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn admin(&self) -> String {
        self.house.dir.admin_key().display().to_string()
    }

    fn vkey(&self) -> String {
        self.house.dir.verifier_key().display().to_string()
    }

    /// A command that talks to the server.
    fn asks(&self, arguments: &[&str]) -> Command {
        let mut command = deedbook(arguments);
        command.args(["--server", &self.server.address]);
        command
    }

    /// The same, signed by the administrator.
    fn governs(&self, arguments: &[&str]) -> Command {
        let mut command = self.asks(arguments);
        command.arg("--signer").arg(self.admin());
        command
    }

    /// A key in a file of this name.
    fn key(&self, name: &str) -> String {
        let path = self.path(name);
        ends(&mut deedbook(&["key", "new", "--name", name, "--out", &path]), 0, &[]);
        path
    }

    /// Appends events, by the administrator.
    fn append(&self, count: usize) {
        let mut child = self.governs(&["append", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        for number in 0..count {
            let line = r#""kind":"data.accessed","occurred":"2026-01-05T03:00:00Z""#;
            writeln!(input, "{{{line},\"body\":{number}}}").unwrap();
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn keys_that_are_not_what_they_should_be() {
    let desk = Desk::open();
    let (old, new, unknown) = (desk.key("old.key"), desk.key("new.key"), desk.key("unknown.key"));
    let public = |path: &str| format!("{path}.pub");
    ends(&mut desk.governs(&["key", "enroll", "--source", "gateway", &public(&old)]), 0, &[]);
    ends(&mut desk.governs(&["key", "rotate", &public(&old), &public(&new)]), 0, &[]);
    let append = |signer: &str| desk.asks(&["append", "--signer", signer, "-"]);
    // A key that ended is not to be enrolled again.
    let text = ends(&mut append(&old), 3, &["ended at index 2", "deedbook key list"]);
    assert!(!text.contains("key enroll"), "{text}");
    // One that was never known is; and it is said which ledger was asked.
    let origin = desk.house.verifier_key.name();
    ends(&mut append(&unknown), 3, &[origin, &desk.server.address, "does not know key", "deedbook key enroll"]);
    let other = desk.key("other-ledger.key");
    let mut enroll = desk.asks(&["key", "enroll", "--signer", &other, "--source", "x", &public(&new)]);
    ends(&mut enroll, 3, &[origin, &desk.server.address, "--server"]);
    let twice = ends(&mut desk.governs(&["key", "enroll", "--source", "gateway", &public(&new)]), 3, &["KEY_KNOWN"]);
    assert_eq!(twice.matches("KEY_KNOWN").count(), 1, "{twice}");
    // The halves of a pair, each in the other's place.
    let text = ends(&mut append(&public(&new)), 2, &["a public key, where a secret key is wanted", &new]);
    assert!(!text.contains("chmod"), "{text}");
    ends(
        &mut desk.governs(&["key", "enroll", "--source", "x", &new]),
        2,
        &["a secret key, where a public key is wanted"],
    );
    ends(&mut append(&desk.path("absent.key")), 2, &["deedbook key new"]);
    // Names are found by whoever brings them.
    let listed = ends(&mut desk.governs(&["key", "list", "--name", "gateway", "--json"]), 0, &[]);
    let named = listed.lines().filter(|line| line.contains("\"name\":\"gateway\"")).count();
    assert_eq!(named, 2, "{listed}");
}

#[test]
fn files_that_prove_something_else() {
    let desk = Desk::open();
    desk.append(2);
    let (receipt, checkpoint) = (desk.path("one.tlog-proof"), desk.path("one.checkpoint"));
    ends(&mut desk.asks(&["receipt", "1", "--out", &receipt]), 0, &[]);
    ends(&mut desk.asks(&["checkpoint", "--out", &checkpoint]), 0, &[]);
    let (vkey, absent) = (desk.vkey(), desk.path("absent"));
    let producer = format!("{}.pub", desk.key("producer.key"));
    // A key of something else.
    let origin = desk.house.verifier_key.name().to_owned();
    let whose = format!("the signature is by `{origin}`");
    ends(&mut deedbook(&["verify", "--vkey", &producer, &receipt]), 1, &["NOT VALID", "`producer.key`", &whose]);
    ends(&mut desk.asks(&["receipt", "1", "--vkey", &producer]), 1, &["`producer.key`", &whose]);
    ends(&mut desk.asks(&["checkpoint", "--vkey", &producer]), 1, &["`producer.key`", &whose]);
    let text = ends(&mut deedbook(&["verify", "--vkey", &absent, &receipt]), 2, &["ledger.vkey"]);
    assert!(!text.contains("key new"), "{text}");
    let mut witness = deedbook(&["witness", "--new", "--log", &absent, "--key", &absent, "--data", &absent]);
    let text = ends(&mut witness, 2, &[&absent]);
    assert!(!text.contains("key new"), "{text}");
    // A receipt for a checkpoint, and the other way round.
    let receipt_given = "a receipt, where a checkpoint is wanted";
    ends(&mut desk.asks(&["consistency", "--vkey", &vkey, &receipt, &checkpoint]), 2, &[receipt_given]);
    let data = desk.house.dir.root().display().to_string();
    let mut rebuild = deedbook(&["anchor", "rebuild", "--data", &data, "--checkpoint", &receipt]);
    ends(&mut rebuild, 2, &[receipt_given, "deedbook checkpoint"]);
    ends(&mut deedbook(&["verify", "--vkey", &vkey, &checkpoint]), 1, &["this is a checkpoint"]);
    // Those that cannot be read are named, and the others judged.
    let valid = format!("{receipt}: valid");
    ends(&mut deedbook(&["verify", "--vkey", &vkey, &absent, &receipt]), 2, &[&absent, &valid]);
    // The wrong key for an audit is one finding, which says whose log it is.
    let data = desk.house.dir.root().display().to_string();
    let audited =
        ends(&mut deedbook(&["audit", "--data", &data, "--vkey", &producer]), 1, &["was founded as", &origin]);
    assert_eq!(audited.matches("verifier key").count(), 1, "{audited}");
    let json = ends(&mut deedbook(&["verify", "--json", "--vkey", &vkey, &absent, &receipt]), 2, &[]);
    let lines: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["check"], &lines[1]["valid"]), (&"readable".into(), &true.into()), "{json}");
    ends(&mut deedbook(&["verify", "--vkey", &vkey, &absent, &checkpoint]), 1, &[&absent, "NOT VALID"]);
}

#[test]
fn words_that_are_none_end_with_2_and_name_those_that_are() {
    let desk = Desk::open();
    ends(&mut desk.asks(&["list", "--kind", "bogus"]), 2, &["--kind bogus", "execution.reported"]);
    ends(&mut desk.asks(&["list", "--outcome", "bogus"]), 2, &["--outcome bogus", "succeeded", "denied"]);
    ends(&mut desk.asks(&["subscription", "show", "No Name"]), 2, &["No Name"]);
    let lease = ["subscription", "create", "siem", "--lease-ms"];
    ends(&mut desk.asks(&[&lease[..], &["1"]].concat()), 2, &["100"]);
    ends(&mut desk.asks(&["subscription", "show", "siem"]), 1, &["deedbook subscription list"]);
    ends(&mut desk.asks(&["get", "99"]), 1, &["deedbook tail"]);
    ends(&mut deedbook(&["get", "1", "--server", "https://127.0.0.1:1"]), 2, &["TLS"]);
    let text = ends(&mut deedbook(&["list", "--server", &desk.http()]), 1, &["HTTP, but no gRPC", "--listen"]);
    assert!(!text.contains("start the server"), "{text}");
    // A wrong usage line names what is missing, and not what the environment has set.
    let text = ends(deedbook(&["get"]).env("DEEDBOOK_SERVER", "127.0.0.1:1"), 2, &["deedbook get [OPTIONS] <INDEX>"]);
    assert!(!text.contains("--server"), "{text}");
    // Programs read it as they read every other failure.
    for (words, said) in [(&["get", "--json"][..], "required"), (&["get", "x", "--json"], "invalid value")] {
        let output = deedbook(words).output().unwrap();
        let error: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(error["error"]["message"].as_str().unwrap().contains(said), "{words:?}: {error}");
    }
    // Refs as tables shorten them.
    desk.append(1);
    let json = ends(&mut desk.asks(&["get", "1", "--json"]), 0, &[]);
    let event: Value = serde_json::from_str(&json).unwrap();
    let short = &event["source"].as_str().unwrap()[..8];
    let found = ends(&mut desk.asks(&["list", "--json", "--source", short]), 0, &[]);
    assert!(found.contains("\"index\":1"), "{found}");
    ends(&mut desk.asks(&["list", "--source", "00000000"]), 2, &["no source's ref begins so", "deedbook key list"]);
    ends(&mut desk.governs(&["list", "--source", "nobody"]), 0, &["no key was ever enrolled for the source `nobody`"]);
}

#[test]
fn folders_and_ports() {
    let desk = Desk::open();
    let data = desk.house.dir.root().display().to_string();
    let text =
        ends(&mut deedbook(&["init", "--data", &data, "--origin", "x.example/y"]), 2, &["already", "serve --data"]);
    assert!(!text.contains("delete"), "{text}");
    let new = desk.path("new");
    ends(&mut deedbook(&["init", "--data", &new, "--origin", "a b"]), 2, &["origin `a b`"]);
    ends(&mut deedbook(&["serve", "--data", &new]), 2, &["there is no ledger at"]);
    // The port is taken, by the server that runs.
    let other = House::build();
    ends(&mut serve_at(&other.dir, &desk.server.address), 1, &["cannot listen on"]);
    // Anchors: in use, no ledger, made already, no folder above.
    let elsewhere = desk.path("elsewhere");
    let add = |data: &str, anchor: &str| deedbook(&["anchor", "add", "--data", data, "--anchor", anchor]);
    ends(&mut add(&data, &elsewhere), 1, &["in use", "stop the other process"]);
    ends(&mut add(&new, &elsewhere), 2, &["no ledger at", "--data"]);
    assert!(!Path::new(&elsewhere).exists(), "a refused anchor left a folder");
    let data = other.dir.root().display().to_string();
    ends(&mut add(&data, &desk.path("a/b/c")), 2, &["make the folder above it, or mount"]);
    ends(&mut add(&data, &elsewhere), 0, &["1 entry", "on the volume of the data folder"]);
    ends(&mut add(&data, &elsewhere), 2, &["never overwritten", "serve with `--anchor"]);
}

#[test]
fn erasures_that_erase_nothing_say_so() {
    let desk = Desk::open();
    desk.append(2);
    let erase = |indexes: &[&str]| {
        desk.governs(&[&["erase", "--yes", "--json", "--reason", "request 118"][..], indexes].concat())
    };
    let counts = |text: &str| {
        let value: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        (value["erased"].as_u64().unwrap(), value["erased_before"].as_u64().unwrap())
    };
    assert_eq!(counts(&ends(&mut erase(&["1"]), 0, &[])), (1, 0));
    assert_eq!(counts(&ends(&mut erase(&["1"]), 0, &[])), (0, 1));
    assert_eq!(counts(&ends(&mut erase(&["1", "2"]), 0, &[])), (1, 1));
    // Which index it was; and the log shows that these commands had no effect.
    ends(&mut erase(&["0"]), 3, &["NO_BODY", "0 has no body", "deedbook get", "nothing was erased"]);
    ends(&mut erase(&["1000"]), 3, &["BODY_AHEAD", "1000 is not in the log yet"]);
    let listed = ends(&mut desk.asks(&["list", "--json", "--kind", "body.erased"]), 0, &[]);
    let refused = |line: &str| serde_json::from_str::<Value>(line).unwrap()["refused_by"].as_u64();
    let found: Vec<Option<u64>> = listed.lines().filter(|line| line.starts_with('{')).map(refused).collect();
    assert_eq!(found, [None, None, Some(6), Some(8)], "{listed}");
    let table = ends(&mut desk.asks(&["list", "--kind", "body.erased"]), 0, &[]);
    assert_eq!(table.matches("refused").count(), 2, "{table}");
}

#[test]
fn a_server_that_is_not_there_yet_or_restarts_is_waited_for() {
    let house = House::build();
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let serve = || Serving::from_command(serve_at(&house.dir, &address)).unwrap();
    let admin = house.dir.admin_key().display().to_string();
    let append = |lines: &str| {
        let mut command = deedbook(&["append", "--server", &address, "--signer", &admin, "-"]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        child
    };
    let line = |id: u8| {
        format!(
            "{{\"id\":\"{id:032x}\",\"kind\":\"data.accessed\",\"occurred\":\"2026-01-05T03:00:00Z\",\"body\":1}}\n"
        )
    };
    // It says that it waits, and then goes on.
    let mut early = append(&line(1));
    let mut remarks = BufReader::new(early.stderr.take().unwrap());
    let mut first = String::new();
    remarks.read_line(&mut first).unwrap();
    assert!(first.contains("trying again for up to 60 s"), "{first}");
    let server = serve();
    assert!(early.wait_with_output().unwrap().status.success());
    let mut create = deedbook(&["subscription", "create", "siem", "--from", "0", "--server", &address]);
    ends(&mut create, 0, &[]);
    // A consumer lives through an orderly restart.
    let mut consumer = deedbook(&["subscription", "consume", "siem", "--json", "--limit", "3", "--server", &address]);
    let mut consumer = consumer.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(consumer.stdout.take().unwrap()).lines();
    let mut next = || {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        line["index"].as_u64().unwrap()
    };
    assert_eq!((next(), next()), (0, 1));
    // What is not settled durably may come again, so that is waited for.
    let position = || {
        let shown = ends(&mut deedbook(&["subscription", "show", "siem", "--json", "--server", &address]), 0, &[]);
        serde_json::from_str::<Value>(&shown).unwrap()["position"].as_u64()
    };
    while position() != Some(2) {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.terminate();
    let ended = server.ended();
    assert!(ended.status.success(), "{ended:?}");
    let server = serve();
    assert!(append(&line(2)).wait_with_output().unwrap().status.success());
    assert_eq!(next(), 2);
    let mut remarks = String::new();
    std::io::Read::read_to_string(&mut consumer.stderr.take().unwrap(), &mut remarks).unwrap();
    assert!(consumer.wait().unwrap().success() && remarks.contains("trying again"), "{remarks}");
    // Beyond the end of the log: it waits, and says so.
    let mut tail = deedbook(&["tail", "--from", "50", "--server", &address]);
    let mut tail = tail.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut remark = String::new();
    BufReader::new(tail.stderr.take().unwrap()).read_line(&mut remark).unwrap();
    assert!(remark.contains("the log has 3 entries; index 50 is waited for"), "{remark}");
    tail.kill().unwrap();
    tail.wait().unwrap();
    server.kill();
    house.assert_clean();
}
