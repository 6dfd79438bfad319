//! The second administrator decides on what they can read: names, policies in full, reasons.

use crate::support::process::Serving;
use crate::support::stage::{Stage, text};
use deedbook::ledger::DataDir;
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn what_waits_is_shown_with_its_names_and_its_text() {
    let home = TempDir::new().unwrap();
    let stage = Stage { dir: DataDir::new(home.path().join("data")), home };
    for name in ["amir", "bea", "thief"] {
        let out = stage.path(&format!("{name}.key"));
        stage.done(stage.command().args(["key", "new", "--name", name, "--out"]).arg(out));
    }
    let mut init = stage.command();
    init.args(["init", "--origin", "test.example/two", "--data"]).arg(stage.dir.root());
    for admin in ["amir", "bea"] {
        init.arg("--admin").arg(stage.path(&format!("{admin}.key.pub")));
    }
    stage.done(&mut init);
    let server = Serving::start(&stage.dir);
    // What bea is shown of the last command that waits, and what becomes of it.
    let agrees = || {
        let waiting = stage.done(&mut stage.run(&server, "bea", &["principal", "list"]));
        let id = waiting.iter().rev().find_map(|line| line["waits_as"].as_str().map(str::to_owned));
        let id = id.unwrap_or_else(|| panic!("nothing waits: {waiting:?}"));
        let output = stage.run(&server, "bea", &["approve", &id, "--yes"]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output));
        String::from_utf8(output.stderr).unwrap()
    };
    let key = stage.path("thief.key.pub");
    let words = ["principal", "add", "--kind", "human", "--id", "amir-on-holiday", "--role", "reviewer", "--key"];
    stage.done(stage.run(&server, "amir", &words).arg(key));
    let shown = agrees();
    assert!(shown.contains("id: amir-on-holiday"), "{shown}");
    let set = "@id(\"all\")\npermit (principal, action, resource);\n";
    std::fs::write(stage.path("all.cedar"), set).unwrap();
    let published: Value = stage.says(&server, "amir", &["policy", "publish", "all.cedar"]);
    assert_eq!(published["took_effect"], false);
    let shown = agrees();
    for line in ["+ all", "permit (principal, action, resource);", "- default-exports-need-one"] {
        assert!(shown.contains(line), "{line} is missing: {shown}");
    }
    assert_eq!(stage.says(&server, "bea", &["policy", "list"])["standing"], "in_force");
}
