//! The README's steps do what it says, run by a shell in an empty folder, on free ports.

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
        "every path there has an approval by people",
        "why.lineage-proof: valid",
        "vote.tlog-proof: valid",
        "vote.cast at index 10",
        "audit: clean",
    ] {
        let Some((_, behind)) = rest.split_once(says) else { panic!("`{says}` is not said at its place: {said}") };
        rest = behind;
    }
}
