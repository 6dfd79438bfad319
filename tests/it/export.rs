//! `deedbook export`, as somebody outside runs it: packages that the verifier accepts, the same question twice, what an
//! interrupted export leaves, intervals that do not begin with genesis.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use crate::support::{Rng, scaled};
use deedbook::record::load_public;
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::entry::Entry;
use deedbook_verify::package::{Directory, PackageShown, TestId, Verdict, verify_package};
use deedbook_verify::words::Micros;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EVENT: &str = r#"{"eventType":"COMPLETE","eventTime":"2026-01-05T03:00:00Z","producer":"p","schemaURL":"s","run":{"runId":"00000000-0000-4000-8000-00000000000N"},"job":{"namespace":"shop","name":"daily"},"inputs":[{"namespace":"shop","name":"orders"}]}"#;

/// A ledger with imports, an approved export that ran, and one that waits.
fn story() -> (Stage, Serving) {
    let (stage, server) = Stage::set();
    import(&stage, &server, "0");
    let id = stage.submit(&server);
    stage.says(&server, "bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
    stage.says(&server, "agent", &["action", "redeem", &id, "export.json"]);
    stage.says(&server, "agent", &["action", "report", &id, "--status", "succeeded"]);
    stage.submit(&server);
    (stage, server)
}

fn import(stage: &Stage, server: &Serving, number: &str) {
    let file = stage.path(&format!("in-{number}.jsonl"));
    std::fs::write(&file, EVENT.replace('N', number)).unwrap();
    stage.done(stage.run(server, "adm", &["lineage", "import", "--format", "openlineage"]).arg(file));
}

fn vkey(stage: &Stage) -> PathBuf {
    stage.dir.root().join("ledger.vkey")
}

/// Exports with these words; what the program says.
fn export(stage: &Stage, server: &Serving, out: &str, words: &[&str]) -> Value {
    let all = [&["export", "--framework", "soc2", "--out", out], words].concat();
    stage.done(stage.run(server, "adm", &all).arg("--vkey").arg(vkey(stage))).remove(0)
}

const EVER: [&str; 4] = ["--from", "2020-01-01", "--to", "2030-01-01"];

fn verified(stage: &Stage, out: &str) -> PackageShown {
    let key = load_public(&vkey(stage)).unwrap();
    verify_package(&Directory(stage.path(out)), &key).unwrap()
}

/// Every file below a folder, by its path, but for who had it when.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            match entry.file_type().unwrap().is_dir() {
                true if entry.file_name() == "custody" => {}
                true => folders.push(entry.path()),
                false => {
                    let path = entry.path().strip_prefix(root).unwrap().to_owned();
                    found.insert(path, std::fs::read(entry.path()).unwrap());
                }
            }
        }
    }
    found
}

/// The entries of a package, in order.
fn entries(stage: &Stage, out: &str) -> Vec<Vec<u8>> {
    let bytes = std::fs::read(stage.path(out).join("data/entries.bin")).unwrap();
    let (mut rest, mut found) = (bytes.as_slice(), Vec::new());
    while let Some((length, behind)) = rest.split_first_chunk() {
        let (entry, behind) = behind.split_at(usize::from(u16::from_be_bytes(*length)));
        found.push(entry.to_vec());
        rest = behind;
    }
    found
}

/// The size of the newest checkpoint, which stands in its second line.
fn signed_size(stage: &Stage, server: &Serving) -> String {
    let said = stage.says(server, "bob", &["checkpoint"]);
    said["note"].as_str().unwrap().lines().nth(1).unwrap().to_owned()
}

fn numbers(value: &Value) -> [String; 2] {
    [&value["interval"]["begins"], &value["interval"]["ends"]].map(|number| number.to_string())
}

#[test]
fn a_package_is_whole_and_the_same_question_gives_the_same_bytes() {
    let (stage, server) = story();
    let signed = signed_size(&stage, &server);
    let said = export(&stage, &server, "one", &EVER);
    let shown = verified(&stage, "one");
    assert_eq!(numbers(&said), ["0".to_owned(), signed]);
    assert_eq!(said["root"], shown.rendered.root.to_string());
    assert_eq!((&said["cut_at_head"], shown.rendered.bodies.withheld), (&Value::from(true), 0));
    assert!(shown.rendered.bodies.opened > 0);
    let verdict = |wanted: &str| {
        let found = shown.rendered.tests.iter().find(|(id, ..)| id.name() == wanted);
        found.map(|(_, verdict, rows, exceptions)| (*verdict, *rows, *exceptions)).unwrap()
    };
    assert_eq!(verdict("T01"), (Verdict::Pass, 1, 0), "one run needed an approval, and had it");
    assert_eq!(verdict("T05").0, Verdict::NotOperated, "nobody broke the glass");
    assert_eq!(said["tests"].as_array().unwrap().len(), TestId::ALL.len());

    import(&stage, &server, "1");
    let [begins, ends] = numbers(&said);
    export(&stage, &server, "two", &[&EVER[..], &["--interval", &begins, &ends]].concat());
    assert_eq!(files(&stage.path("one")), files(&stage.path("two")), "though the log has grown");
    let grown = export(&stage, &server, "three", &EVER);
    assert_ne!(numbers(&grown), [begins, ends]);
    verified(&stage, "three");
}

#[test]
fn what_is_asked_is_what_is_in_it() {
    let (stage, server) = story();
    let words = ["--redact", "bodies", "--nonce", "00112233445566ff", "--sample", "3", "--filter", "kind = vote.cast"];
    let said = export(&stage, &server, "redacted", &[&EVER[..], &words].concat());
    assert_eq!(said["listed"], 1);
    let shown = verified(&stage, "redacted");
    assert!(!stage.path("redacted/data/bodies.bin").exists());
    assert!(shown.rendered.bodies.withheld > 0 && shown.rendered.bodies.opened == 0);
    assert!(shown.rendered.question.nonce.is_some());
    // A period in which nothing happened: its controls did not operate, which is neither a pass nor an error.
    export(&stage, &server, "empty", &["--from", "2020-01-01", "--to", "2020-01-31"]);
    let shown = verified(&stage, "empty");
    assert_eq!(shown.rendered.counts.in_period, 0);
    let page = std::fs::read_to_string(stage.path("empty/data/report.html")).unwrap();
    assert!(page.contains("no entry of this period") && !page.contains("No control fails"));
    for (id, verdict, rows, _) in &shown.rendered.tests {
        if ["T01", "T02", "T03", "T05", "T06", "T07"].contains(&id.name()) {
            assert_eq!((*verdict, *rows), (Verdict::NotOperated, 0), "{}", id.name());
        }
    }
    // Refusals name what to do; nothing is written over.
    let refused = |words: &[&str]| {
        let all = [&["export", "--framework", "soc2"], words].concat();
        let output = stage.run(&server, "adm", &all).arg("--vkey").arg(vkey(&stage)).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
        text(&output)
    };
    let before = files(&stage.path("redacted"));
    assert!(refused(&[&EVER[..], &["--out", "redacted"]].concat()).contains("--out"));
    assert_eq!(files(&stage.path("redacted")), before);
    assert!(refused(&["--from", "2026-01-02", "--to", "2026-01-01", "--out", "x"]).contains("before it begins"));
    assert!(refused(&[&EVER[..], &["--out", "x", "--filter", "colour = red"]].concat()).contains("--filter"));
    assert!(refused(&["--out", "x", "--from", "2126-01-01", "--to", "2126-03-31"]).contains("lies ahead"));
    // A folder that is not there is missed before anything is put on record.
    let reads = || stage.says(&server, "bob", &["list", "--kind", "log.read"]);
    let on_record = reads();
    assert!(refused(&[&EVER[..], &["--out", "nowhere/x"]].concat()).contains("nowhere is no folder"));
    assert_eq!(reads(), on_record);
    assert!(!stage.path("x").exists() && !stage.path("x.partial").exists());
}

/// Whatever an interrupted export left is taken up again or left out, and never stands under the final name.
#[test]
fn an_interrupted_export_is_taken_up_again() {
    let (stage, server) = story();
    let said = export(&stage, &server, "whole", &EVER);
    let [begins, ends] = numbers(&said);
    let wanted = files(&stage.path("whole"));
    let mut rng = Rng::seeded("interrupted export");
    for case in 0..scaled(6) {
        let out = format!("out-{case}");
        let partial = stage.path(&format!("{out}.partial"));
        for (path, bytes) in &wanted {
            let file = partial.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            // Files are cut anywhere, each for itself; some hold what was never written.
            let cut = rng.below(bytes.len() as u64 + 1) as usize;
            let mut left = bytes[..cut].to_vec();
            if path.ends_with("entries.bin") && rng.percent(30) {
                left.extend([0, 9, 1, 2, 3]);
            }
            if !path.ends_with("question.txt") || rng.percent(20) {
                std::fs::write(file, left).unwrap();
            } else {
                std::fs::write(file, bytes).unwrap();
            }
        }
        export(&stage, &server, &out, &[&EVER[..], &["--interval", &begins, &ends]].concat());
        assert_eq!(files(&stage.path(&out)), wanted, "case {case}");
        assert!(!partial.exists() && !stage.path(&format!("{out}.left")).exists(), "case {case}");
    }
    // An entry that was altered meanwhile does not verify. The next run takes up what stands before it.
    let partial = stage.path("altered.partial/data");
    std::fs::create_dir_all(&partial).unwrap();
    for name in ["question.txt", "entries.bin", "bodies.bin"] {
        std::fs::write(partial.join(name), &wanted[&PathBuf::from("data").join(name)]).unwrap();
    }
    let mut bytes = wanted[Path::new("data/entries.bin")].clone();
    let third = entries(&stage, "whole").swap_remove(2);
    let id = Entry::parse(&third).unwrap().facts.event_id;
    let at = bytes.windows(16).position(|window| window == id.as_bytes()).unwrap();
    bytes[at] ^= 1;
    std::fs::write(partial.join("entries.bin"), bytes).unwrap();
    let words = [&EVER[..], &["--interval", &begins, &ends]].concat();
    let all = [&["export", "--framework", "soc2", "--out", "altered"], &words[..]].concat();
    let output = stage.run(&server, "adm", &all).arg("--vkey").arg(vkey(&stage)).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(!stage.path("altered").exists());
    export(&stage, &server, "altered", &words);
    assert_eq!(files(&stage.path("altered")), wanted);
}

/// An interval that begins behind genesis brings what stood before it, and a period that begins before its first entry is
/// refused.
#[test]
fn an_interval_may_begin_behind_genesis() {
    let (stage, server) = story();
    let begins = signed_size(&stage, &server);
    import(&stage, &server, "2");
    let id = stage.submit(&server);
    stage.says(&server, "alice", &["action", "show", &id]);
    import(&stage, &server, "3");
    let ends = signed_size(&stage, &server);
    export(&stage, &server, "all", &EVER);
    let all = entries(&stage, "all");
    let received = |index: usize| Entry::parse(&all[index]).unwrap().seal.received.0;
    let from = rfc3339(Micros(received(begins.parse().unwrap()) + 1));
    let words = ["--from", &from, "--to", "2030-01-01", "--interval", &begins, &ends];
    let said = export(&stage, &server, "late", &words);
    assert_eq!(numbers(&said), [begins.clone(), ends.clone()]);
    let shown = verified(&stage, "late");
    assert!(stage.path("late/data/start.bin").exists() && shown.rendered.counts.before > 3);
    assert_eq!(entries(&stage, "late"), all[begins.parse().unwrap()..ends.parse().unwrap()]);
    // Sizes of which no checkpoint was signed are named, with those that were, and nobody is told to wait for the server.
    // Between a command and what follows from it there is none: they are one commit.
    let inside = stage.kinds(&server).iter().position(|kind| kind == "policy.evaluated").unwrap().to_string();
    for (begins, ends) in [(inside.as_str(), ends.as_str()), (begins.as_str(), "1000000")] {
        let words = ["export", "--framework", "soc2", "--out", "x", "--from", &from, "--to", "2030-01-01"];
        let words = [&words[..], &["--interval", begins, ends]].concat();
        let output = stage.run(&server, "adm", &words).arg("--vkey").arg(vkey(&stage)).output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        for says in ["CHECKPOINT_NOT_KEPT", "entries is kept; the ne", "leave --interval out"] {
            assert!(said.contains(says), "{says}: {said}");
        }
        assert!(!said.contains("once the server is back"), "{said}");
    }
    // The same interval cannot show that nothing of an earlier period is missing.
    let early = rfc3339(Micros(received(0)));
    let words = ["export", "--framework", "soc2", "--out", "early", "--from", &early, "--to", "2030-01-01"];
    let words = [&words[..], &["--interval", &begins, &ends]].concat();
    let output = stage.run(&server, "adm", &words).arg("--vkey").arg(vkey(&stage)).output().unwrap();
    assert!(!output.status.success() && text(&output).contains("EDGE"), "{}", text(&output));
    assert!(!stage.path("early").exists());
}
