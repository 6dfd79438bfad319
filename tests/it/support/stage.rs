//! A stage for whole stories, played from outside by the program alone: one administrator, the reviewers alice and bob, and
//! alice's agent, over a server of its own.

use crate::support::process::Serving;
use deedbook::clock::Clock;
use deedbook::ledger::DataDir;
use deedbook_verify::calendar::rfc3339;
use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};
use tempfile::TempDir;

const EXPORT: &str = r#"{"action":"data.export","resource":"dataset:customers","params":{"rows":120000},
    "dataset_sources":["dataset:customers@v42"],"destination":"s3://partner/x"}"#;

/// Keys, files, and the folder of the ledger.
pub struct Stage {
    pub home: TempDir,
    pub dir: DataDir,
}

/// The day of UTC that goes on.
pub fn today() -> String {
    rfc3339(Clock::system().wall()).chars().take(10).collect()
}

pub fn text(output: &Output) -> String {
    [output.stdout.as_slice(), &output.stderr].concat().escape_ascii().to_string()
}

impl Stage {
    /// One administrator, the reviewers alice and bob, and alice's agent.
    pub fn set() -> (Stage, Serving) {
        let home = TempDir::new().unwrap();
        let stage = Stage { dir: DataDir::new(home.path().join("data")), home };
        for name in ["adm", "alice", "bob", "agent"] {
            let out = stage.path(&format!("{name}.key"));
            stage.done(stage.command().args(["key", "new", "--name", name, "--out"]).arg(out));
        }
        let (admin, data) = (stage.path("adm.key.pub"), stage.dir.root().to_owned());
        let mut init = stage.command();
        stage.done(init.args(["init", "--origin", "test.example/story", "--admin"]).arg(admin).arg("--data").arg(data));
        let server = Serving::start(&stage.dir);
        for person in ["alice", "bob"] {
            stage.bind(&server, &["human", "--id", person, "--role", "reviewer"], person);
        }
        stage.bind(&server, &["agent", "--id", "a1", "--responsible", "alice"], "agent");
        std::fs::write(stage.path("export.json"), EXPORT).unwrap();
        std::fs::write(stage.path("changed.json"), EXPORT.replace("120000", "130000")).unwrap();
        (stage, server)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
        command.current_dir(self.home.path()).env("DEEDBOOK_LOG", "off").arg("--json");
        command
    }

    pub fn done(&self, command: &mut Command) -> Vec<Value> {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", text(&output));
        let out = String::from_utf8(output.stdout).unwrap();
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn bind(&self, server: &Serving, words: &[&str], key: &str) {
        let words = [&["principal", "add", "--kind"], words, &["--key"]].concat();
        let key = self.path(&format!("{key}.key.pub"));
        self.done(self.run(server, "adm", &words).arg(key));
    }

    pub fn run(&self, server: &Serving, signer: &str, words: &[&str]) -> Command {
        let mut command = self.command();
        command.args(["--server", &format!("http://{}", server.address), "--signer"]);
        command.arg(self.path(&format!("{signer}.key"))).args(words);
        command
    }

    pub fn says(&self, server: &Serving, signer: &str, words: &[&str]) -> Value {
        self.done(&mut self.run(server, signer, words)).remove(0)
    }

    /// The reason of a refusal by rule, which stands in the log.
    pub fn refusal(&self, server: &Serving, signer: &str, words: &[&str]) -> String {
        let output = self.run(server, signer, words).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{words:?}: {}", text(&output));
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(said["error"]["refusal_index"].is_string(), "{said}");
        said["error"]["reason"].as_str().unwrap().to_owned()
    }

    pub fn submit(&self, server: &Serving) -> String {
        let asked = self.says(server, "agent", &["action", "submit", "export.json"]);
        assert_eq!((&asked["outcome"], &asked["state"]), (&Value::from("require_approval"), &Value::from("open")));
        asked["request_id"].as_str().unwrap().to_owned()
    }

    pub fn kinds(&self, server: &Serving) -> Vec<String> {
        let events = self.done(&mut self.run(server, "adm", &["list"]));
        events.iter().map(|event| event["kind"].as_str().unwrap().to_owned()).collect()
    }
}
