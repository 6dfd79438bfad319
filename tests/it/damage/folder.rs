//! A closed data folder with everything in it, what can be exported of it, and what it is worth after it was harmed.

use crate::support;
use crate::support::disk::{self, scratch};
use crate::support_memory::{block_on, statement};
use deedbook::audit::{self, AuditPaths};
use deedbook::clock::Clock;
use deedbook::domain::{Filter, person_ref};
use deedbook::ledger::{self, Bodies, DataDir, HeadKey, Ledger, OpenError, Parts, Reader, SequencerKey, StoredBody};
use deedbook::record::{FrameSigner, Position, SigningKey, load_ref_key};
use deedbook::store::{Access, AnchorSet, FileAnchor, RocksStore, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Outcome;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::kind::Kind;
use deedbook_verify::note::{VerifierKey, open_checkpoint};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::Index;
use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// An entry, and salt and body if it has them.
pub type Event = (Vec<u8>, Option<([u8; 32], Vec<u8>)>);

/// Everything that a reader is given.
#[derive(Clone)]
pub struct Export {
    pub head: TreeHead,
    pub events: Vec<Event>,
    lists: Vec<Vec<Index>>,
}

/// What a harmed folder comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Opening says what is wrong.
    OpenRefuses,
    /// A read does.
    ReadRefuses,
    /// The audit does.
    AuditReports,
    /// Nothing does, and everything that can be exported is what it was.
    Harmless,
}

/// A folder that nobody has open.
pub struct Closed {
    _folder: TempDir,
    pub dir: DataDir,
    pub export: Arc<Export>,
    pub verifier_key: VerifierKey,
}

/// An open ledger whose store the caller shares, so that they see when its last thread has let go of it.
pub struct Held {
    pub ledger: Ledger,
    pub store: Arc<RocksStore>,
}

impl Held {
    pub fn open(dir: &DataDir) -> Held {
        let store = Arc::new(RocksStore::open(&dir.store(), Access::ReadWrite).unwrap());
        let ledger = Ledger::from_parts(parts(dir, Arc::clone(&store) as Arc<dyn Store>)).unwrap();
        Held { ledger, store }
    }

    pub fn close(self) {
        self.ledger.close();
        drop(self.ledger);
        while Arc::strong_count(&self.store) > 1 {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

/// Opens an anchor to own it.
pub fn own(path: &Path) -> FileAnchor {
    support::patiently(|| Ok(FileAnchor::open(path)?)).unwrap()
}

/// What a ledger over this folder is made of, with a store of the caller's.
pub fn parts(dir: &DataDir, store: Arc<dyn Store>) -> Parts {
    Parts {
        store,
        anchors: AnchorSet::new(Box::new(own(&dir.anchor_file())), Vec::new()),
        clock: Clock::system(),
        head: HeadKey::new(SigningKey::load(&dir.head_key()).unwrap()),
        sequencer: SequencerKey::new(SigningKey::load(&dir.sequencer_key()).unwrap()),
        ref_key: load_ref_key(&dir.ref_key()).unwrap(),
        accept_clock: false,
    }
}

/// Appends statements of the administrator's, in frames of so many events: half of them in one stream.
pub fn append(dir: &DataDir, ledger: &Ledger, ids: std::ops::Range<u64>, frame_events: u64) {
    let (admin, refs) = (SigningKey::load(&dir.admin_key()).unwrap(), load_ref_key(&dir.ref_key()).unwrap());
    let source = person_ref(&refs, "", "admin").unwrap();
    let signer = FrameSigner { ledger: ledger.reader().ledger_id(), source, key: &admin };
    let stream = person_ref(&refs, "", "a stream").unwrap();
    let event = |id: u64| {
        let event = statement(id).outcome(if id.is_multiple_of(3) { Outcome::Succeeded } else { Outcome::Denied });
        if id.is_multiple_of(2) { event.stream(stream) } else { event }
    };
    let mut from = ids.start;
    while from < ids.end {
        let to = (from + frame_events).min(ids.end);
        let frame = signer.sign(Position::Unsequenced, (from..to).map(event).collect()).unwrap();
        block_on(ledger.append(frame)).unwrap();
        from = to;
    }
}

fn filters(reader: &Reader) -> Vec<Filter> {
    let stream = person_ref(reader.ref_key(), "", "a stream").unwrap();
    let source = person_ref(reader.ref_key(), "", "admin").unwrap();
    vec![
        Filter::default(),
        Filter { kind: Some(Kind::DataAccessed), ..Filter::default() },
        Filter { outcome: Some(Outcome::Succeeded), ..Filter::default() },
        Filter { stream: Some(stream), ..Filter::default() },
        Filter { source: Some(source), ..Filter::default() },
    ]
}

fn event_of(stored: ledger::StoredEvent) -> Event {
    let body = match stored.body {
        StoredBody::Opened { salt, body } => Some((salt.0, body)),
        StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => None,
    };
    (stored.entry, body)
}

impl Export {
    pub fn of(reader: &Reader) -> Export {
        let head = reader.head();
        let mut events = Vec::new();
        let mut visit = |event| {
            events.push(event_of(event));
            ControlFlow::Continue(())
        };
        reader.range(Index(0), Index(head.size.0), Bodies::With, &mut visit).unwrap();
        let list = |filter: &Filter| reader.list(filter, Index(0), head.size, usize::MAX).unwrap();
        Export { head, events, lists: filters(reader).iter().map(list).collect() }
    }

    /// Reads everything again; each answer must be the one it was, or an error. The number of errors.
    fn compare(&self, reader: &Reader, key: &VerifierKey, what: &str) -> usize {
        let (mut at, mut errors) = (0, 0);
        let mut visit = |event| {
            assert!(self.events.get(at) == Some(&event_of(event)), "{what}: entry {at} reads as something else");
            at += 1;
            ControlFlow::Continue(())
        };
        match reader.range(Index(0), Index(self.head.size.0), Bodies::With, &mut visit) {
            Ok(_) => assert_eq!(at, self.events.len(), "{what}: a range ends early without an error"),
            Err(_) => errors += 1,
        }
        for (filter, wanted) in filters(reader).iter().zip(&self.lists) {
            match reader.list(filter, Index(0), self.head.size, usize::MAX) {
                Ok(found) => assert_eq!(found, *wanted, "{what}: {filter:?}"),
                Err(_) => errors += 1,
            }
        }
        for index in [0, self.events.len() / 3, self.events.len() - 1] {
            let facts = Entry::parse(&self.events[index].0).unwrap().facts;
            let index = Index(index as u64);
            match reader.find(facts.source, facts.event_id) {
                Ok(found) => assert_eq!(found, Some(index), "{what}"),
                Err(_) => errors += 1,
            }
            match reader.receipt(index, Bodies::With) {
                Ok(receipt) => assert_eq!(verify_receipt(&receipt, key).unwrap().head, self.head, "{what}"),
                Err(_) => errors += 1,
            }
        }
        match reader.checkpoint() {
            Ok(note) => assert_eq!(open_checkpoint(&note, key).unwrap().checkpoint().head, self.head, "{what}"),
            Err(_) => errors += 1,
        }
        errors
    }
}

impl Closed {
    /// So many entries beside genesis: half of them in table files, half in the log alone.
    pub fn build(entries: u64) -> Closed {
        let closed = Closed::founded();
        for half in [0..entries / 2, entries / 2..entries] {
            let held = Held::open(&closed.dir);
            append(&closed.dir, &held.ledger, half, 20);
            held.ledger.reader().checkpoint().unwrap();
            held.close();
        }
        closed.exported()
    }

    /// Genesis alone.
    pub fn founded() -> Closed {
        let folder = scratch();
        let dir = DataDir::new(folder.path().join("data"));
        let made = ledger::init(&dir, "damage.example/log", &[], &Clock::system()).unwrap();
        let head = TreeHead { size: deedbook_verify::words::TreeSize(0), root: deedbook_verify::hash::empty_root() };
        let export = Arc::new(Export { head, events: Vec::new(), lists: Vec::new() });
        Closed { _folder: folder, dir, export, verifier_key: made.verifier_key }
    }

    /// Knows what it holds. Opening moves the log into tables, so the reading is done on a copy.
    pub fn exported(self) -> Closed {
        let copy = self.copy();
        let held = Held::open(&copy.dir);
        let export = Arc::new(Export::of(&held.ledger.reader()));
        held.close();
        Closed { export, ..self }
    }

    pub fn copy(&self) -> Closed {
        let folder = scratch();
        let dir = DataDir::new(folder.path().join("data"));
        disk::copy(self.dir.root(), dir.root());
        Closed { _folder: folder, dir, export: Arc::clone(&self.export), verifier_key: self.verifier_key.clone() }
    }

    /// Every file that says anything, relative to the folder.
    pub fn files(&self) -> Vec<PathBuf> {
        let folders = [self.dir.root().to_owned(), self.dir.store(), self.dir.anchor(), self.dir.keys()];
        let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()));
        let files = entries.filter(|entry| entry.metadata().is_ok_and(|entry| entry.is_file() && entry.len() > 0));
        let mut files: Vec<PathBuf> =
            files.map(|file| file.path().strip_prefix(self.dir.root()).unwrap().to_owned()).collect();
        files.sort();
        files
    }

    /// The folder as it is, opened as a server would.
    pub fn open(&self) -> Result<Ledger, OpenError> {
        support::open(&self.dir)
    }

    /// What the folder is worth now. Whatever it says, no answer may be another than before.
    pub fn judge(&self, what: &str) -> Verdict {
        let clean = audit::run(&AuditPaths::of(self.dir.root()), &[], &|_, _| {}).is_ok_and(|report| report.is_clean());
        let ledger = match self.open() {
            Ok(ledger) => ledger,
            Err(error) => {
                let said = error.to_string();
                assert!(said.len() > 20, "{what}: {said}");
                return Verdict::OpenRefuses;
            }
        };
        let reader = ledger.reader();
        assert_eq!(reader.head(), self.export.head, "{what}: opens with another history");
        let errors = self.export.compare(&reader, &self.verifier_key, what);
        ledger.close();
        match (errors, clean) {
            (0, true) => Verdict::Harmless,
            (0, false) => Verdict::AuditReports,
            (_, false) => Verdict::ReadRefuses,
            (_, true) => panic!("{what}: opens, audits clean, and {errors} reads fail"),
        }
    }
}
