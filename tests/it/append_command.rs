//! `deedbook append` as a user runs it: nothing twice, nothing lost without a word.

use crate::support::House;
use crate::support::process::Serving;
use std::io::Write;
use std::process::{Command, Output, Stdio};

struct Desk {
    house: House,
    server: Serving,
}

impl Desk {
    fn append(&self, lines: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_deedbook"))
            .args(["append", "--json", "--server", &format!("http://{}", self.server.address), "--signer"])
            .arg(self.house.dir.admin_key())
            .arg("-")
            .env("DEEDBOOK_LOG", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// Index and state of each event; the run must succeed.
    fn states(&self, lines: &str) -> Vec<(u64, String)> {
        let output = self.append(lines);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read = |line: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            (value["index"].as_u64().unwrap(), value["state"].as_str().unwrap().to_owned())
        };
        String::from_utf8(output.stdout).unwrap().lines().map(read).collect()
    }

    /// What the run says when it fails.
    fn refusal(&self, lines: &str) -> String {
        let output = self.append(lines);
        assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }
}

fn line(id: u8, body: &str) -> String {
    format!(
        "{{\"id\":\"{id:032x}\",\"kind\":\"data.accessed\",\"occurred\":\"2026-01-05T03:00:00Z\",\"body\":{{\"n\":\"{body}\"}}}}\n"
    )
}

#[test]
fn a_reused_id_is_an_error_and_a_repeated_event_is_none() {
    let house = House::build();
    let server = Serving::start(&house.dir);
    let desk = Desk { house, server };
    let appended = |index| (index, "appended".to_owned());
    assert_eq!(desk.states(&line(1, "a")), [appended(1)]);
    assert_eq!(desk.states(&(line(1, "a") + &line(2, "b"))), [(1, "known".to_owned()), appended(2)]);
    let said = desk.refusal(&(line(1, "a") + &line(1, "other")));
    assert!(said.contains("standard input:2: `id` 0") && said.contains("the event at index 1"), "{said}");
    let said = desk.refusal(&(line(3, "c") + &line(3, "other")));
    assert!(said.contains("standard input:2") && said.contains("an earlier event of this input"), "{said}");
    // Without a body, and one identical line after the other.
    let bare = line(4, "x").replace(",\"body\":{\"n\":\"x\"}", "");
    assert_eq!(desk.states(&(bare.clone() + &bare)), [appended(3), (3, "identical".to_owned())]);
    assert_eq!(desk.states(&bare), [(3, "known".to_owned())]);
    assert!(desk.refusal(&bare.replace("03:00:00", "03:00:01")).contains("the event at index 3"));
    let Desk { house, server } = desk;
    server.kill();
    assert_eq!(house.assert_clean().entries, 4);
}
