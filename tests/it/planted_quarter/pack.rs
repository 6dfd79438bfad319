//! The quarter's package: written from what any reader is handed, verified, its policies asked again, and its rows read.

use super::acts::Stage;
use deedbook::audit::{self, Report};
use deedbook::evidence;
use deedbook::ledger::{Bodies, StoredBody};
use deedbook::policy::Source;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::package::{
    BodyShown, Directory, Filter, Framework, NewDirectory, Offered, PackageWriter, Period, Question, Redaction,
    verify_package,
};
use deedbook_verify::words::{Index, Micros, TreeSize};
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// A row that is no pass.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    pub index: u64,
    pub stratum: String,
    pub code: String,
    pub exception: bool,
}

/// What the package's tests found, and what its audit did.
pub struct Judged {
    pub found: BTreeMap<String, Vec<Found>>,
    pub report: Report,
    /// The events of OCSF.
    pub events: Vec<serde_json::Value>,
}

/// Writes and judges the package of everything behind a checkpoint, about the period from a moment on.
pub fn judge(stage: &Stage, (begins, note): &(TreeSize, Vec<u8>), from: Micros) -> Judged {
    let (reader, folder) = (stage.desk.ledger.reader(), TempDir::new().unwrap());
    let end = reader.checkpoint().unwrap();
    let key = reader.verifier_key().clone();
    let ends = open_checkpoint(&end, &key).unwrap().checkpoint().head.size;
    let start = reader.start_of(*begins).unwrap();
    let question = Question {
        ledger: stage.desk.cast.ledger,
        framework: Framework::Soc2,
        period: Period { from, to: Micros(stage.desk.cast.clock.wall().0 + 1) },
        begins: *begins,
        ends,
        filter: Filter::ALL,
        sample: 25,
        nonce: None,
        redaction: Redaction::None,
    };
    let path = folder.path().join("quarter");
    let mut sink = NewDirectory::create(path.clone()).unwrap();
    let offered = Offered { question, key: &key, start: Some((note.as_slice(), &start)), end: &end };
    let mut writer = PackageWriter::begin(offered, &mut sink).unwrap();
    for index in (begins.0..ends.0).map(Index) {
        let stored = reader.event(index, Bodies::With).unwrap();
        let shown = match stored.body {
            StoredBody::Opened { salt, body } => Some(BodyShown::Opened { salt, bytes: body }),
            StoredBody::Erased { .. } => Some(BodyShown::Erased),
            StoredBody::None | StoredBody::Withheld => None,
        };
        writer.push(&stored.entry, shown.as_ref()).unwrap();
    }
    let built_in = Source::built_in();
    let known = |digest| (digest == built_in.digest()).then(|| built_in.to_bytes());
    let text = |digest| stage.texts.get(&digest).cloned().or_else(|| known(digest));
    let mut finished = writer.finish(|digest| Ok(text(digest))).unwrap();
    // What people and other programs read is rendered again by the audit, and must be there.
    let files = Directory(path.clone());
    evidence::add(&mut finished, &files).unwrap();
    finished.seal().unwrap();
    let shown = verify_package(&Directory(path.clone()), &key).unwrap();
    let found = shown.rendered.tests.iter().map(|(id, ..)| (id.name().to_owned(), rows(&path, id.name())));
    let found = found.collect();
    let refs = stage.desk.cast.refs.clone();
    let audited = audit::run_package(&path, &key, Some(refs), &|_, _| {}).unwrap();
    let events = std::fs::read_to_string(path.join("data/ocsf/events.jsonl")).unwrap();
    let events = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    Judged { found, report: audited.report, events }
}

/// Rows of a test's population and exceptions that are no pass, each once.
fn rows(package: &Path, test: &str) -> Vec<Found> {
    let mut found = Vec::new();
    for file in ["population.csv", "exceptions.csv"] {
        let path = package.join("data/tests").join(test).join(file);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for line in text.split("\r\n").skip(1).filter(|line| !line.is_empty()) {
            let cells: Vec<&str> = line.split(',').collect();
            if cells[8] != "pass" {
                found.push(Found {
                    index: cells[1].parse().unwrap(),
                    stratum: cells[5].to_owned(),
                    code: cells[9].to_owned(),
                    exception: cells[8] == "exception",
                });
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
