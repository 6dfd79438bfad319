//! A ledger with one of nearly everything: approvals given, denied and refused, a policy of its own, a break-glass, data,
//! sources, keeping. Nothing here judges.

use crate::support::process::Serving;
use crate::support::stage::Stage;
use deedbook::clock::Clock;
use deedbook_verify::calendar::rfc3339;
use std::path::{Path, PathBuf};

const OPENLINEAGE: &str = r#"{"eventType":"COMPLETE","eventTime":"2026-01-05T03:00:00Z","producer":"p","schemaURL":"s","run":{"runId":"00000000-0000-4000-8000-000000000001"},"job":{"namespace":"shop","name":"daily"},"inputs":[{"namespace":"shop","name":"shop.orders"}]}"#;
const POLICY: &str =
    r#"@id("known") permit (principal, action, resource) when { principal.tenant == resource.tenant };"#;
const PROV: &str = r#"{"prefix":{"ex":"http://example.org/"},"entity":{"ex:shop.orders":{}}}"#;
const LINES: &str = r#"{"kind":"data.accessed","occurred":"2026-01-05T03:00:00Z","facts":{"actor":{"kind":"agent","id":"a1"},"outcome":"succeeded","datasets":[{"role":"input","name":"shop.orders","version":"7"}],"data_class":"personal"},"body":{"who":"carol"}}
{"kind":"model.invoked","occurred":"2026-01-05T03:00:01Z","facts":{"actor":{"kind":"agent","id":"a1"},"outcome":"failed","models":[{"role":"used","name":"m"}]}}
{"kind":"execution.reported","stream":"action/x","occurred":"2026-01-05T03:00:02Z","facts":{"action_type":"data.read","outcome":"running","on_behalf_of":[{"id":"carol"}],"environment":"production"}}
"#;

/// The ledger, and its server.
pub struct Told {
    pub stage: Stage,
    pub server: Serving,
}

impl Told {
    /// Tells it.
    pub fn new() -> Told {
        let (stage, server) = Stage::set();
        let told = Told { stage, server };
        told.approvals();
        told.sources();
        told.governance();
        told
    }

    fn says(&self, signer: &str, words: &[&str]) -> serde_json::Value {
        self.stage.says(&self.server, signer, words)
    }

    fn approvals(&self) {
        let id = self.stage.submit(&self.server);
        self.says("bob", &["approve", &id, "--yes", "--reason", "ticket 7"]);
        self.says("agent", &["action", "redeem", &id, "export.json"]);
        self.stage.refusal(&self.server, "agent", &["action", "redeem", &id, "export.json"]);
        self.says("agent", &["action", "report", &id, "--status", "succeeded"]);
        let denied = self.stage.submit(&self.server);
        self.says("bob", &["deny", &denied, "--yes", "--reason", "no"]);
        let taken_back = self.stage.submit(&self.server);
        // Alice answers for the agent.
        self.stage.refusal(&self.server, "alice", &["approve", &taken_back, "--yes", "--reason", "mine"]);
        self.says("agent", &["action", "cancel", &taken_back, "--reason", "late"]);
        let words = ["break-glass", "export.json", "--reason", "fire", "--incident", "i-1"];
        let broken = self.says("alice", &words);
        let id = broken["request_id"].as_str().unwrap();
        self.says("bob", &["action", "review", id, "--outcome", "ratified", "--reason", "fine"]);
        self.stage.submit(&self.server);
    }

    fn sources(&self) {
        self.file("in.jsonl", OPENLINEAGE);
        self.file("in.json", PROV);
        self.file("three.jsonl", LINES);
        self.says("adm", &["lineage", "import", "--format", "openlineage", "in.jsonl"]);
        self.says("adm", &["lineage", "import", "--format", "prov", "in.json"]);
        self.says("agent", &["source", "open", "--heartbeat-s", "60"]);
        self.says("agent", &["source", "heartbeat", "--heartbeat-s", "60"]);
        self.says("agent", &["source", "gap", "--lost", "3", "--cause", "lost", "--reason", "disk"]);
        self.says("agent", &["source", "close"]);
        self.stage.done(&mut self.stage.run(&self.server, "bob", &["append", "three.jsonl"]));
    }

    fn governance(&self) {
        let today = rfc3339(Clock::system().wall());
        self.says("bob", &["review", "log", "--from", "2020-01-01", "--to", &today[..10]]);
        self.says("adm", &["principal", "grant", "--kind", "human", "--id", "bob", "--role", "auditor"]);
        self.says("adm", &["principal", "add", "--kind", "service", "--id", "s1", "--responsible", "bob"]);
        self.says("adm", &["principal", "disable", "--kind", "service", "--id", "s1"]);
        self.says("adm", &["retention", "set", "--days", "1", "--reason", "law", "--class", "billing"]);
        let hold = self.says("adm", &["hold", "place", "--reason", "matter 9", "1-2"]);
        self.says("adm", &["hold", "release", hold["hold"].as_str().unwrap(), "--reason", "closed"]);
        self.says("adm", &["erase", "--yes", "--reason", "asked", "--actor", "agent/a1"]);
        self.file("own.cedar", POLICY);
        self.says("adm", &["policy", "publish", "own.cedar"]);
    }

    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.stage.path(name), text).unwrap();
    }

    /// Exports everything; where the package stands.
    pub fn export(&self, framework: &str, out: &str) -> PathBuf {
        let words = ["export", "--framework", framework, "--from", "2020-01-01", "--to", "2030-01-01", "--out", out];
        let mut command = self.stage.run(&self.server, "adm", &words);
        self.stage.done(command.arg("--vkey").arg(self.stage.dir.root().join("ledger.vkey")));
        self.stage.path(out)
    }

    /// The entries of a package, in order.
    pub fn entries(&self, package: &Path) -> Vec<Vec<u8>> {
        let bytes = std::fs::read(package.join("data/entries.bin")).unwrap();
        let (mut rest, mut found) = (bytes.as_slice(), Vec::new());
        while let Some((length, behind)) = rest.split_first_chunk() {
            let (entry, behind) = behind.split_at(usize::from(u16::from_be_bytes(*length)));
            found.push(entry.to_vec());
            rest = behind;
        }
        found
    }
}
