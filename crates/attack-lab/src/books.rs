//! Deedbook's side: a ledger in a folder of its own, producers, frames, and the audit as a judge. It uses the ledger as
//! a server does; what an insider does beyond that stands in `insider`.

use crate::verdict::Lab;
use bytes::Bytes;
use deedbook::audit::{self, AuditPaths, KeptCheckpoint};
use deedbook::clock::{Clock, Reading, Stopwatch};
use deedbook::domain::{person_ref, source_ref};
use deedbook::ledger::{self, DataDir, Ledger, OpenError, OpenOptions};
use deedbook::record::{FactsBuilder, FrameBytes, FrameSigner, Position, SigningKey, entropy, load_ref_key};
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::words::{EventId, LedgerId, Micros, Ref};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// When every story begins: 2026-01-05T03:00:00Z.
pub const START: Micros = Micros(1_767_582_000_000_000);
/// One hour in microseconds.
pub const HOUR_US: u64 = 3_600_000_000;
/// How long a closed ledger's threads may hold its folder.
const RELEASE_SECONDS_MAX: f64 = 20.0;

/// A ledger, what its operator holds, and the clock that it is served with.
#[derive(Clone)]
pub struct Books {
    /// Its data folder.
    pub dir: DataDir,
    /// Its id.
    pub id: LedgerId,
    /// Makes refs.
    pub refs: RefKey,
    /// What auditors hold.
    pub verifier_key: VerifierKey,
    /// Stands still until an attack moves it.
    pub clock: Clock,
    folder: Arc<TempDir>,
}

/// A producer with an enrolled key.
pub struct Producer {
    /// Its key.
    pub key: SigningKey,
    /// The source that it speaks for.
    pub source: Ref,
    ledger: LedgerId,
}

impl Producer {
    /// Signs a frame of one event.
    pub fn sign(&self, at: Position, event: FactsBuilder) -> Lab<FrameBytes> {
        Ok(FrameSigner { ledger: self.ledger, source: self.source, key: &self.key }.sign(at, vec![event])?)
    }
}

impl Books {
    /// A new ledger.
    pub fn new() -> Lab<Books> {
        let folder = tempfile::tempdir()?;
        let clock = Clock::manual(Reading { wall: START, boot: Micros(HOUR_US) });
        let dir = DataDir::new(folder.path().join("data"));
        let made = ledger::init(&dir, "attack.example/log", &[], &clock)?;
        let refs = load_ref_key(&dir.ref_key())?;
        let (id, verifier_key) = (made.ledger, made.verifier_key);
        Ok(Books { dir, id, refs, verifier_key, clock, folder: Arc::new(folder) })
    }

    /// Opens it.
    pub fn open(&self) -> Result<Ledger, OpenError> {
        self.open_with(vec![])
    }

    /// Opens it with further anchors.
    pub fn open_with(&self, anchors: Vec<PathBuf>) -> Result<Ledger, OpenError> {
        Ledger::open(
            &self.dir,
            OpenOptions { accept_clock: false, anchors, clock: self.clock.clone(), witnesses: None },
        )
    }

    /// What opening says; what opens is closed again.
    pub fn opened_with(&self, anchors: Vec<PathBuf>) -> Lab<Result<(), String>> {
        let elsewhere: Vec<String> = anchors.iter().map(|anchor| anchor.display().to_string()).collect();
        match self.open_with(anchors) {
            Ok(ledger) => self.close(ledger).map(Ok),
            Err(refusal) => {
                let named = |text: String, path: &String| text.replace(path.as_str(), "elsewhere");
                let text = elsewhere.iter().fold(refusal.to_string(), named);
                Ok(Err(text.replace(&self.dir.root().display().to_string(), "DIR")))
            }
        }
    }

    /// Closes it, and waits until its threads let go of the folder.
    pub fn close(&self, ledger: Ledger) -> Lab<()> {
        ledger.close();
        drop(ledger);
        let lock = self.dir.store().join("LOCK");
        let waited = Stopwatch::start();
        while is_open(&lock) {
            if waited.seconds() > RELEASE_SECONDS_MAX {
                return Err("the ledger does not let go of its folder".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Enrolls a producer.
    pub async fn enroll(&self, ledger: &Ledger, name: &str) -> Lab<Producer> {
        let producer =
            Producer { key: SigningKey::generate(name)?, source: source_ref(&self.refs, name)?, ledger: self.id };
        let key = SigningKey::load(&self.dir.admin_key())?;
        let admin = Producer { source: person_ref(&self.refs, "", key.name())?, key, ledger: self.id };
        let grant = FactsBuilder::new(Kind::KeyEnrolled, event_id()?, START);
        let grant = grant.key_grant(producer.key.public(), producer.source);
        ledger.append(admin.sign(Position::Unsequenced, grant)?).await?;
        Ok(producer)
    }

    /// A copy of the closed folder, with a clock of its own.
    pub fn copy(&self, name: &str) -> Lab<Books> {
        let target = self.folder.path().join(name);
        copy(self.dir.root(), &target)?;
        Ok(Books { dir: DataDir::new(target), clock: Clock::manual(self.clock.read()), ..self.clone() })
    }

    /// Moves the wall clock to an offset from the start; the boot clock goes its own way.
    pub fn set_clock(&self, wall_us: u64, boot_us: u64) {
        self.clock.set(Reading { wall: Micros(wall_us), boot: Micros(boot_us) });
    }

    /// `deedbook audit`: its first finding, if it has any.
    pub fn audit(&self) -> Result<(), String> {
        self.audit_beside(&[])
    }

    /// `deedbook audit --checkpoint` with a checkpoint that the auditor kept.
    pub fn audit_with(&self, note: &[u8]) -> Result<(), String> {
        self.audit_beside(&[KeptCheckpoint { name: "kept.checkpoint".to_owned(), note: note.to_vec() }])
    }

    fn audit_beside(&self, kept: &[KeptCheckpoint]) -> Result<(), String> {
        let report = audit::run(&AuditPaths::of(self.dir.root()), kept, &|_, _| {});
        let report = report.map_err(|error| error.to_string())?;
        match report.findings.first() {
            None => Ok(()),
            Some(finding) => Err(finding.message.clone()),
        }
    }
}

/// A fresh event id.
pub fn event_id() -> Lab<EventId> {
    Ok(EventId(entropy::array()?))
}

/// An export of data, with a body.
pub fn data_export(occurred: Micros) -> Lab<FactsBuilder> {
    let event = FactsBuilder::new(Kind::ExecutionReported, event_id()?, occurred).action_type("data.export");
    Ok(event.body("application/json", Bytes::from_static(b"{\"rows\":120}")))
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

/// Whether this process has the file open.
fn is_open(path: &Path) -> bool {
    let links =
        |fd: std::io::Result<fs::DirEntry>| fd.is_ok_and(|fd| fs::read_link(fd.path()).is_ok_and(|to| to == path));
    fs::read_dir("/proc/self/fd").is_ok_and(|mut open| open.any(links))
}
