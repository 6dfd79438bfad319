//! Sources, reviews, dispositions and reconciliations as people state them, by the program alone; what stands in the log is
//! judged by `deedbook audit` and by the verifier's own word on whose statements count.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use deedbook::ledger::Bodies;
use deedbook_verify::detail::{Detail, Oversight};
use deedbook_verify::entry::Entry;
use deedbook_verify::replay::Replay;
use deedbook_verify::vouched::{Unvouched, vouched_by};
use deedbook_verify::words::Index;
use serde_json::{Value, json};

const DAY: [&str; 4] = ["--from", "2026-01-05", "--to", "2026-01-05"];

fn enroll(stage: &Stage, server: &Serving, name: &str) {
    let key = stage.path(&format!("{name}.key"));
    stage.done(stage.command().args(["key", "new", "--name", name, "--out"]).arg(&key));
    stage.done(stage.run(server, "adm", &["key", "enroll", "--source", name]).arg(format!("{}.pub", key.display())));
}

fn with<'a>(words: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [words, more].concat()
}

/// Ends the server, lets the audit judge, and replays the log from outside, entry by entry.
fn replayed(stage: &Stage, server: Serving, mut each: impl FnMut(&Entry<'_>, &Replay)) {
    drop(server);
    let report = crate::support::audit(stage.dir.root());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
    let ledger = crate::support::open(&stage.dir).unwrap();
    let mut replay = Replay::new();
    for index in 0..ledger.reader().head().size.0 {
        let stored = ledger.reader().event(Index(index), Bodies::Without).unwrap();
        let entry = replay.step(&stored.entry).unwrap();
        each(&entry, &replay);
    }
    replay.finish().unwrap();
    crate::support::close(ledger, &stage.dir);
}

#[test]
fn a_source_says_that_it_is_there_alive_missing_something_and_gone() {
    let (stage, server) = Stage::set();
    enroll(&stage, &server, "gate");
    let source = |words: &[&str]| stage.says(&server, "gate", &with(&["source"], words));
    let opened = source(&["open", "--heartbeat-s", "60"]);
    assert_eq!((&opened["epoch"], &opened["sequence"]), (&json!(1), &json!(1)));
    assert_eq!(source(&["heartbeat", "--heartbeat-s", "30"])["sequence"], 2);
    let lost = source(&["gap", "--lost", "3", "--cause", "overload", "--reason", "queue full"]);
    assert_eq!((&lost["kind"], &lost["sequence"]), (&json!("source.gap"), &json!(6)));
    let times = ["--since", "2026-01-05T01:00:00Z", "--until", "2026-01-05T02:00:00Z"];
    let blind = source(&with(&["gap", "--cause", "outage"], &times));
    assert_eq!(blind["sequence"], 7);
    let line = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z"}"#;
    std::fs::write(stage.path("one.jsonl"), line).unwrap();
    stage.done(&mut stage.run(&server, "gate", &["append", "one.jsonl"]));
    assert_eq!(source(&["close"])["sequence"], 9);
    let again = source(&["open", "--heartbeat-s", "60", "--new-epoch"]);
    assert_eq!((&again["epoch"], &again["sequence"]), (&json!(2), &json!(1)));
    let details = |kind: &str| {
        let events = stage.done(&mut stage.run(&server, "gate", &["list", "--kind", kind]));
        events.into_iter().map(|event| event["detail"].clone()).collect::<Vec<Value>>()
    };
    assert_eq!(details("source.opened"), [json!({"heartbeat_s": 60}), json!({"heartbeat_s": 60})]);
    assert_eq!(details("source.heartbeat"), [json!({"heartbeat_s": 30})]);
    let window = json!({"from": "2026-01-05T01:00:00.000000Z", "until": "2026-01-05T02:00:00.000000Z"});
    let gaps = details("source.gap");
    assert_eq!(gaps[0], json!({"from": 3, "to": 6, "gap_reason": "overload"}));
    assert_eq!(gaps[1], json!({"window": window, "gap_reason": "outage"}));
    for words in [&["gap", "--cause", "outage"][..], &["gap", "--lost", "1", "--cause", "bored"], &["open"]] {
        let output = stage.run(&server, "gate", &with(&["source"], words)).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
    }
    let mut promised = Vec::new();
    replayed(&stage, server, |entry, _| {
        if let Detail::HeartbeatPromised { heartbeat_s } = entry.facts.detail {
            promised.push((entry.facts.epoch.0, heartbeat_s.get()));
        }
    });
    assert_eq!(promised, [(1, 60), (1, 30), (2, 60)]);
}

#[test]
fn reviews_and_dispositions_count_by_whose_key_signed_them() {
    let (stage, server) = Stage::set();
    enroll(&stage, &server, "gate");
    let review = with(&["review", "log"], &DAY);
    let said = stage.says(&server, "alice", &review);
    assert_eq!((&said["review_subject"], &said["review_result"]), (&json!("log"), &json!("nothing_found")));
    let access = with(&with(&["review", "access"], &DAY), &["--findings", "--note", "one role taken"]);
    assert_eq!(stage.says(&server, "adm", &access)["review_result"], "findings");
    // Nobody is refused; whose word it is not is told so.
    let output = stage.run(&server, "gate", &review).output().unwrap();
    assert!(output.status.success() && text(&output).contains("no reader will count this"), "{}", text(&output));
    let dispose = ["exception", "dispose", "--test", "T01", "--code", "late", "--index", "3", "--as", "accepted"];
    disposes_of_what_there_is(&stage, &server, &dispose);
    // The checkpoint that was reviewed is one of this history, or the server says so.
    let checkpoint = stage.path("now.checkpoint");
    stage.done(stage.run(&server, "adm", &["checkpoint", "--out"]).arg(&checkpoint));
    let vkey = stage.dir.root().join("ledger.vkey");
    let mut of = stage.run(&server, "alice", &with(&review, &["--checkpoint", "now.checkpoint", "--vkey"]));
    assert!(stage.done(of.arg(&vkey))[0]["tree_size"].as_u64().unwrap() > 5);
    for words in [
        with(&dispose, &["--reason", " "]),
        with(&dispose[..8], &["--as", "accepted"]),
        with(
            &["exception", "dispose", "--test", "1", "--code", "late", "--index", "3"],
            &["--as", "accepted", "--reason", "x"],
        ),
        with(
            &["exception", "dispose", "--test", "T01", "--code", "too late", "--index", "3"],
            &["--as", "accepted", "--reason", "x"],
        ),
        with(
            &["exception", "dispose", "--test", "T01", "--code", "late", "--index", "999"],
            &["--as", "accepted", "--reason", "x"],
        ),
        vec!["review", "log", "--from", "2026-01-06", "--to", "2026-01-05"],
        vec!["review", "log", "--from", "2026-01-05", "--to", "2126-01-05"],
        with(&review, &["--findings"]),
    ] {
        let output = stage.run(&server, "alice", &words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
    }
    let mut found = Vec::new();
    replayed(&stage, server, |entry, replay| {
        if let Detail::Oversight(said) = entry.facts.detail {
            let counts = vouched_by(replay.authority().unwrap().principals(), &entry.facts).map(|_| ());
            let head = match said {
                Oversight::Reviewed(review) => Some(review.reviewed.size.0),
                Oversight::Disposed(_) | Oversight::Reconciled(_) => None,
            };
            found.push((entry.facts.kind.name(), counts, head.is_some_and(|size| size > 0)));
        }
    });
    assert_eq!(
        found,
        [
            ("review.completed", Ok(()), true),
            ("review.completed", Ok(()), true),
            ("review.completed", Err(Unvouched::Unknown), true),
            ("exception.disposed", Ok(()), false),
            ("exception.disposed", Ok(()), false),
            ("review.completed", Ok(()), true),
        ]
    );
}

/// An exception is one that a package lists; or at least one of those that the newest run counts.
fn disposes_of_what_there_is(stage: &Stage, server: &Serving, none: &[&str]) {
    let whole = ["export", "--framework", "soc2", "--from", "2020-01-01", "--to", "2030-01-01", "--out", "pack"];
    stage.done(stage.run(server, "adm", &whole).arg("--vkey").arg(stage.dir.root().join("ledger.vkey")));
    let listed = std::fs::read_to_string(stage.path("pack/data/tests/T08/exceptions.csv")).unwrap();
    let row: Vec<&str> = listed.lines().nth(1).unwrap().split(',').collect();
    let (index, code) = (row[1], row[9].to_lowercase());
    let there = ["exception", "dispose", "--test", "T08", "--code", &code, "--index", index, "--as", "accepted"];
    let (why, package) = (["--reason", "by phone"], ["--package", "pack"]);
    stage.says(server, "adm", &["controls", "run"]);
    for (words, wanted) in [
        (with(none, &why), "found no exception of T01"),
        (with(&with(none, &why), &package), "T01 has no exception LATE at 3 in pack"),
        (with(&with(&there, &why), &["--package", "nowhere"]), "nowhere"),
        (with(&with(&[&there[..5], &["later"], &there[6..]].concat(), &why), &package), "no test gives such a code"),
    ] {
        let output = stage.run(server, "bob", &words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
        assert!(text(&output).contains(wanted) && text(&output).contains("exceptions.csv"), "{}", text(&output));
    }
    let disposed = stage.says(server, "bob", &with(&with(&there, &why), &package));
    let at: u64 = index.parse().unwrap();
    assert_eq!((&disposed["test"], &disposed["exception_index"]), (&json!("T08"), &json!(at)));
    assert_eq!(disposed["checked"], "package");
    let counted = stage.run(server, "bob", &with(&there, &why)).output().unwrap();
    assert!(counted.status.success() && text(&counted).contains("not checked"), "{}", text(&counted));
    // Beside each exception stands what became of it, by the first word that counts.
    let answered = [&whole[..8], &["answered"]].concat();
    stage.done(stage.run(server, "adm", &answered).arg("--vkey").arg(stage.dir.root().join("ledger.vkey")));
    let rows = |package: &str| {
        let page = std::fs::read_to_string(stage.path(package).join("data/report.html")).unwrap();
        let rows = page.lines().filter(|line| line.starts_with("<tr id=\"T08-x")).map(str::to_owned);
        rows.collect::<Vec<_>>()
    };
    let first = disposed["index"].as_u64().unwrap();
    assert!(rows("pack").iter().all(|row| row.contains("<td>not disposed of</td>")), "{:?}", rows("pack"));
    let of_it = |row: &&String| row.contains(&format!("<th scope=\"row\" class=\"n\">{at}</th>"));
    let (said, silent): (Vec<_>, Vec<_>) =
        rows("answered").into_iter().partition(|row| row.contains(&format!("<td>accepted, entry {first}</td>")));
    assert!(!said.is_empty() && said.iter().all(|row| of_it(&row)), "{said:?}");
    assert!(silent.iter().all(|row| row.contains("<td>not disposed of</td>")), "{silent:?}");
}

/// The gateway's own events, and an outside list that lacks one, has one more, and tells one another minute.
#[test]
fn a_reconciliation_finds_what_stands_on_one_side_alone() {
    let (stage, server) = Stage::set();
    enroll(&stage, &server, "gate");
    let line = |call: &str, minute: u32| {
        format!(
            r#"{{"kind":"data.accessed","stream":"call/{call}","occurred":"2026-01-05T10:{minute:02}:00Z","body":{{"call":"{call}"}}}}"#
        )
    };
    let lines: Vec<String> = (0..20).map(|at| line(&format!("c{at}"), at)).collect();
    std::fs::write(stage.path("calls.jsonl"), lines.join("\n")).unwrap();
    stage.says(&server, "gate", &["source", "open", "--heartbeat-s", "60"]);
    stage.done(&mut stage.run(&server, "gate", &["append", "calls.jsonl"]));
    let row = |call: &str, minute: u32| format!("{call},\"2026-01-05T10:{minute:02}:30Z\"\r\n");
    let mut csv = "call,at\r\n".to_owned();
    (0..20).filter(|at| *at != 7).for_each(|at| csv.push_str(&row(&format!("c{at}"), at)));
    csv.push_str(&row("\"extra,\"\"one\"\"\"", 30));
    std::fs::write(stage.path("proxy.csv"), &csv).unwrap();
    let period = ["--from", "2026-01-05T10:00:00Z", "--to", "2026-01-05T10:45:00Z"];
    let columns = ["--key", "call", "--time", "at", "--by", "body:call", "--out", "diff.txt", "proxy.csv"];
    let words = with(&with(&["reconcile", "--source", "gate"], &period), &columns);
    let said = stage.says(&server, "bob", &words);
    let wanted = json!({"index": said["index"], "here": 20, "there": 20, "only_here": 1, "only_there": 1});
    assert_eq!(said, wanted);
    let differences = std::fs::read(stage.path("diff.txt")).unwrap();
    assert_eq!(differences, b"+extra,\"one\"\n-c7\n");
    // Streams by name, as one object a line; the edges of the period cut nobody off.
    let listed: Vec<String> =
        (0..20).map(|at| format!(r#"{{"key":"call/c{at}","time":"2026-01-05T10:{at:02}:30Z"}}"#)).collect();
    std::fs::write(stage.path("proxy.jsonl"), listed.join("\n")).unwrap();
    let edges = ["--from", "2026-01-05T10:05:15Z", "--to", "2026-01-05T10:09:15Z", "--by", "stream", "proxy.jsonl"];
    let cut = stage.says(&server, "bob", &with(&["reconcile", "--source", "gate", "--record", "the proxy"], &edges));
    assert_eq!((&cut["only_here"], &cut["only_there"], &cut["here"]), (&json!(0), &json!(0), &json!(4)));
    let refs = deedbook::record::load_ref_key(&stage.path("bob.key.ref")).unwrap();
    let keyed = |bytes: &[u8]| *blake3::keyed_hash(&refs.0, bytes).as_bytes();
    for words in [
        with(&with(&["reconcile", "--source", "gate"], &period), &["proxy.csv"]),
        with(&with(&["reconcile", "--source", "gate"], &period), &["--format", "jsonl", "proxy.csv"]),
        with(
            &with(&["reconcile", "--source", "gate"], &period),
            &["--by", "stream", "--key", "call", "--time", "at", "proxy.csv"],
        ),
    ] {
        let output = stage.run(&server, "bob", &words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", text(&output));
    }
    let mut stated = Vec::new();
    replayed(&stage, server, |entry, replay| {
        if let Detail::Oversight(Oversight::Reconciled(said)) = entry.facts.detail {
            assert!(vouched_by(replay.authority().unwrap().principals(), &entry.facts).is_ok());
            stated.push((said.counts, said.outside_digest.0, said.differences.0));
        }
    });
    assert_eq!(stated.len(), 2);
    assert_eq!((stated[0].1, stated[0].2), (keyed(csv.as_bytes()), keyed(&differences)));
    assert_eq!((stated[1].0.here, stated[1].2), (4, keyed(b"")));
}
