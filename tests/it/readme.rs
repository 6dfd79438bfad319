//! The README's step-by-step block does what it says, run by a shell in an empty folder, on free ports.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The second `sh` block under "Try it".
fn steps() -> String {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let (_, rest) = text.split_once("or step by step").expect("the step-by-step block");
    let (_, rest) = rest.split_once("```sh\n").expect("its beginning");
    rest.split_once("```").expect("its end").0.to_owned()
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
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("export.tlog-proof: valid") && said.contains("audit: clean"), "{said}");
}
