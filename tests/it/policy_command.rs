//! `deedbook policy` as an author of policies and an administrator run it.

use crate::support::House;
use crate::support::process::Serving;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const SOUND: &str = "@id(\"all\")\npermit (principal, action, resource);\n\n@id(\"two\") @requires_approval @risk(\"60\")\n\
     forbid (principal, action == Gov::Action::\"data.export\", resource)\nunless { context.approval.granted };\n";
const QUESTION: &str = r#"{"schema":"deedbook.question/1","nonce":"07070707070707070707070707070707","action":"data.export",
    "principal":{"name":"agent:a1","teams":[],"tenant":"acme"},"on_behalf_of":[],"params":{"rows":5},
    "resource":{"class":"dataset","classification":"secret","name":"customers","tenant":"acme"},
    "dataset_sources":[],"environment":"production","reversibility":"reversible"}"#;

struct Desk {
    house: House,
    server: Serving,
}

impl Desk {
    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.house.dir.root().with_file_name(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Exit code, and the JSON lines.
    fn policy(&self, arguments: &[&str], files: &[&Path]) -> (Option<i32>, Vec<Value>) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
        command.arg("policy").args(arguments).args(files).args(["--json", "--signer"]).arg(self.house.dir.admin_key());
        command.args(["--server", &format!("http://{}", self.server.address)]).env("DEEDBOOK_LOG", "off");
        let output = command.output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.code(), text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }
}

#[test]
fn a_set_is_checked_compared_tried_published_shown_and_retired() {
    let house = House::build();
    let desk = Desk { server: Serving::start(&house.dir), house };
    let sound = desk.file("sound.cedar", SOUND);
    let broken = desk.file("broken.cedar", &SOUND.replace("@risk(\"60\")", "@risk(\"high\")"));
    let question = desk.file("question.json", QUESTION);
    let (built_in, in_force) = (Path::new("built-in"), Path::new("in-force"));

    for command in ["check", "publish"] {
        let (code, lints) = desk.policy(&[command], &[&broken]);
        assert_eq!((code, lints.len()), (Some(3), 1), "{command}");
        assert_eq!((lints[0]["rule"].as_str(), lints[0]["line"].as_u64()), (Some("ANNOTATION_VALUE"), Some(4)));
        assert_eq!(lints[0]["policy"], "two");
    }
    assert_eq!(desk.policy(&["list"], &[]), (Some(0), vec![]), "what is known to be defective is not even sent");
    assert_eq!(desk.policy(&["check"], &[&sound]).1[0]["policies"], 2);
    let (code, answer) = desk.policy(&["test", "--against", "in-force"], &[&sound, &question]);
    assert_eq!((code, answer[0]["evaluation"]["outcome"].as_str()), (Some(0), Some("require_approval")));
    assert_eq!(answer[0]["evaluation"]["requirement"]["risk"], 60);
    assert_eq!(
        (&answer[0]["changes"], &answer[0]["before"]["reasons"][0]),
        (&true.into(), &"default-exports-need-one".into())
    );

    let (code, published) = desk.policy(&["publish"], &[&sound]);
    assert_eq!((code, published[0]["took_effect"].as_bool()), (Some(0), Some(true)));
    let difference = desk.policy(&["diff"], &[in_force, &sound]).1;
    assert_eq!(difference[0], serde_json::json!({"added": [], "removed": [], "changed": [], "schema_changed": false}));
    assert_eq!(desk.policy(&["diff"], &[built_in, in_force]).1[0]["added"], serde_json::json!(["all", "two"]));
    let shown = desk.policy(&["show"], &[]).1;
    assert_eq!((&shown[0]["text"], &shown[0]["built_in"]), (&SOUND.into(), &false.into()));
    let listed = desk.policy(&["list"], &[]).1;
    assert_eq!((&listed[0]["standing"], &listed[0]["policy_digest"]), (&"in_force".into(), &shown[0]["policy_digest"]));

    assert_eq!(desk.policy(&["retire"], &[]).1[0]["took_effect"], true);
    assert_eq!(desk.policy(&["show"], &[]).1[0]["built_in"], true);
    assert_eq!(desk.policy(&["list"], &[]).1[0]["standing"], "past");
    let digest = shown[0]["policy_digest"].as_str().unwrap();
    assert_eq!(desk.policy(&["show", digest], &[]).1[0]["text"], SOUND);
    assert_eq!(desk.policy(&["retire"], &[]).0, Some(1), "the built-in set cannot be retired");
    assert_eq!(desk.policy(&["show", "abc"], &[]).0, Some(2));
}
