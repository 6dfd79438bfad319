//! The README's steps do what it says, run by a shell in an empty folder, on free ports.

use deedbook::evidence::TestResult;
use deedbook::record::load_public;
use deedbook_verify::package::{Directory, TestId, Verdict, verify_package};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every `sh` block that is to be done step by step, in order.
fn steps() -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = text.split_once("or step by step").expect("the steps");
    let (section, _) = rest.split_once("\n## ").expect("their end");
    let blocks: Vec<&str> = section.split("```sh\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    assert_eq!(blocks.len(), 3, "{blocks:?}");
    blocks.concat()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

#[test]
fn step_by_step_works_as_printed() {
    let folder = tempfile::tempdir().unwrap();
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_deedbook"));
    let path = format!("{}:{}", binary.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let (grpc, http) = (free_port(), free_port());
    let listen = format!("serve --listen 127.0.0.1:{grpc} --http 127.0.0.1:{http}");
    let script = format!("set -eu\ntrap 'kill $(jobs -p)' EXIT\n{}", steps().replacen("serve", &listen, 1));
    assert!(script.contains("deedbook audit"), "the block ends with the audit");
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .env("DEEDBOOK_SERVER", format!("http://127.0.0.1:{grpc}"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let remarks = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}\n{remarks}");
    assert!(remarks.contains("CONFLICT_OWNER"), "{remarks}");
    let mut rest = said.as_str();
    for says in [
        "exit status 3: nobody approves their own request",
        "\tapproved",
        "\tapproved\tstarted",
        "\tapproved\tsucceeded",
        "agent:exporter",
        "every path to dataset_version:",
        "(partner-orders) has an approval by people",
        "why.lineage-proof: valid",
        "vote.tlog-proof: valid",
        "vote.cast at index 10",
        "T04 T08 fail by ",
        "one administrator decided alone",
        "deedbook-verify package --vkey ./books/ledger.vkey soc2",
        "audit: clean",
    ] {
        let Some((_, behind)) = rest.split_once(says) else { panic!("`{says}` is not said at its place: {said}") };
        rest = behind;
    }
    nothing_fails_but_for_one_administrator(folder.path());
}

/// The package of a ledger that was made by these steps fails in what the README says it does, and in nothing else.
fn nothing_fails_but_for_one_administrator(folder: &Path) {
    let (package, key) = (Directory(folder.join("soc2")), load_public(&folder.join("books/ledger.vkey")).unwrap());
    let shown = verify_package(&package, &key).unwrap();
    let of = |wanted: Verdict| -> Vec<TestId> {
        let tests = shown.rendered.tests.iter().filter(|(_, verdict, _, _)| *verdict == wanted);
        tests.map(|(id, ..)| *id).collect()
    };
    assert_eq!(of(Verdict::Fail), [TestId::T04, TestId::T08]);
    let passes = of(Verdict::Pass);
    for id in [TestId::T01, TestId::T11, TestId::T15] {
        assert!(passes.contains(&id), "{}: {passes:?}", id.name());
    }
    for id in of(Verdict::Fail) {
        let result = TestResult::read(&package, id).unwrap();
        let alone = ["GOVERNED_ALONE", "ORPHAN_GRANT"].iter().filter_map(|code| result.codes.get(*code)).sum::<u64>();
        assert_eq!(alone, result.exceptions, "{result:?}");
    }
}
