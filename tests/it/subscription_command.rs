//! `deedbook subscription`, `deedbook tail` and long lists as a user runs them.

use crate::support::House;
use crate::support::process::{Serving, serve_at};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

struct Desk {
    house: House,
    server: Serving,
}

impl Desk {
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
        command.args(arguments).args(["--json", "--server", &format!("http://{}", self.server.address), "--signer"]);
        command.arg(self.house.dir.admin_key()).env("DEEDBOOK_LOG", "off");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// The JSON lines of a run that must succeed.
    fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Appends events of a kind.
    fn append(&self, kind: &str, count: usize) {
        let mut child = self.command(&["append", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        for number in 0..count {
            writeln!(input, "{{\"kind\":\"{kind}\",\"occurred\":\"2026-01-05T03:00:00Z\",\"body\":{number}}}").unwrap();
        }
        drop(input);
        assert!(child.wait().unwrap().success());
    }
}

fn indexes(lines: &[Value]) -> Vec<u64> {
    lines.iter().map(|line| line["index"].as_u64().unwrap()).collect()
}

#[test]
fn a_subscription_is_made_consumed_parked_replayed_and_deleted() {
    let house = House::build();
    let desk = Desk { server: Serving::start(&house.dir), house };
    desk.append("data.accessed", 5);
    desk.append("model.invoked", 3);
    let made = desk.lines(&["subscription", "create", "siem", "--from", "0", "--kind", "data.accessed"]);
    assert_eq!((made[0]["name"].as_str(), made[0]["from"].as_u64()), (Some("siem"), Some(0)));
    assert_eq!(made[0]["filter"]["kind"].as_str(), Some("data.accessed"));
    let two = desk.lines(&["subscription", "consume", "siem", "--limit", "2"]);
    assert_eq!(indexes(&two), [1, 2]);
    assert!(two[0]["body"].is_string() && two[0]["kind"] == "data.accessed");
    // The third one fails its command, as the ones behind it do: they are parked, and nothing is skipped.
    let run = desk.run(&["subscription", "consume", "siem", "--no-wait", "--run", "grep -q '\"index\":3' && exit 7"]);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let parked = desk.lines(&["subscription", "parked", "siem"]);
    assert_eq!(indexes(&parked), [3, 4, 5]);
    assert!(parked[0]["reason"].as_str().unwrap().contains("exit status: 7"), "{parked:?}");
    assert_eq!((parked[1]["state"].as_str(), parked[1]["times"].as_u64()), (Some("waiting"), Some(1)));
    assert_eq!(desk.lines(&["subscription", "replay", "siem", "3"])[0]["count"].as_u64(), Some(1));
    assert_eq!(indexes(&desk.lines(&["subscription", "consume", "siem", "--no-wait"])), [3]);
    let shown = desk.lines(&["subscription", "show", "siem"]);
    assert_eq!((shown[0]["parked"].as_u64(), shown[0]["lag"].as_u64()), (Some(2), Some(0)), "{shown:?}");
    assert_eq!((shown[0]["position"].as_u64(), shown[0]["consumed"].as_bool()), (Some(9), Some(false)));
    assert_eq!(desk.lines(&["subscription", "list"]), shown);
    assert!(desk.lines(&["subscription", "delete", "siem"])[0]["deleted"].as_bool().unwrap());
    let gone = desk.run(&["subscription", "show", "siem"]);
    assert_eq!(gone.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&gone.stderr).contains("there is no subscription `siem` (NOT_FOUND)"));
}

#[test]
fn tail_shows_what_matches_and_goes_on() {
    let house = House::build();
    let desk = Desk { server: Serving::start(&house.dir), house };
    desk.append("data.accessed", 3);
    desk.append("model.invoked", 3);
    let mut tail =
        desk.command(&["tail", "--from", "2", "--kind", "data.accessed"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(tail.stdout.take().unwrap()).lines();
    let mut next = || {
        let line: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        line["index"].as_u64().unwrap()
    };
    assert_eq!((next(), next()), (2, 3));
    // Three of each stand in the log already: 7 and 8 are of the other kind.
    desk.append("model.invoked", 5);
    desk.append("data.accessed", 4);
    assert_eq!(next(), 9);
    tail.kill().unwrap();
    tail.wait().unwrap();
}

/// A list that is longer than what a reader takes at once goes on when the server is back, without a gap.
#[test]
fn a_list_goes_on_behind_a_restart() {
    let house = House::build();
    let desk = Desk { server: Serving::start(&house.dir), house };
    desk.append("data.accessed", 2_500);
    let mut list = desk.command(&["list", "--limit", "0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(list.stdout.take().unwrap()).lines();
    // Nobody reads on: a page does not fit into the pipe, so that the second one is not asked for.
    let mut seen = vec![lines.next().unwrap().unwrap()];
    let Desk { house, server } = desk;
    let address = server.address.clone();
    server.kill();
    let reading = std::thread::spawn(move || {
        seen.extend(lines.map(Result::unwrap));
        seen
    });
    let _server = Serving::from_command(serve_at(&house.dir, &address)).unwrap();
    let seen: Vec<Value> = reading.join().unwrap().iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(list.wait().unwrap().success());
    assert_eq!(indexes(&seen), (0..2_501).collect::<Vec<u64>>());
}
