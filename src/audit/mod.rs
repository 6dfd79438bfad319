//! The audit: opens a data folder read-only and recomputes everything from stored bytes. It uses nothing of `ledger`
//! but the names of files, because it judges what the ledger wrote: entries by `deedbook_verify::replay`, bodies by
//! their commitments, and every derived row by deriving it again.

mod report;
mod scan;
mod walk;
mod checkpoints;
mod sums;
mod actions;
mod recent;
mod lineage;
mod derived;
mod signatures;
mod bodies;
mod erased;
mod subscriptions;
mod rendered;
mod package;

pub use checkpoints::KeptCheckpoint;
pub use package::{PackageAudit, PackageVerdict, run as run_package};
pub use rendered::{Compared, again as render_again};
pub use report::{AuditError, Finding, REF_KEY_CHECK, Report, Unread};

use crate::limits::{AUDIT_BATCHES_WAITING, AUDIT_PARTS_WAITING};
use crate::record::KeyFileError;
use crate::store::keys::{self, LedgerNumber, STORE_FORMAT};
use crate::store::{Access, AnchorError, AnchorRecord, FileAnchor, Loaded, RocksStore, Store, StoreError};
use checkpoints::Checkpoints;
use deedbook_verify::bytes::Reader;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::RefKey;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::replay::Replay;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, Index, Micros, TreeSize};
use signatures::{Signatures, Verified};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use sums::Sums;
use walk::Walk;

/// Where the parts of a data folder are.
#[derive(Clone, Debug)]
pub struct AuditPaths {
    /// The engine's folder.
    pub store: PathBuf,
    /// The head anchor.
    pub anchor: PathBuf,
    /// The key of all pseudonyms, by which names are refs. Without it, what rests on names is not judged: what policies said,
    /// and whether bindings are what their facts say.
    pub ref_key: PathBuf,
    /// The verifier key that checkpoints must be signed with; an auditor brings their own.
    pub verifier_key: PathBuf,
}

impl AuditPaths {
    /// The usual layout below a data folder.
    pub fn of(root: &Path) -> AuditPaths {
        AuditPaths {
            store: root.join("store"),
            anchor: root.join("anchor").join("head.anchor"),
            ref_key: root.join("keys").join("ref.key"),
            verifier_key: root.join("ledger.vkey"),
        }
    }
}

/// The one ledger of a folder.
const LEDGER: LedgerNumber = LedgerNumber(1);

/// How far the thread that sums stored rows stands behind the others; on Linux, niceness is a thread's own.
const ROWS_NICENESS: i32 = 10;

/// Called now and then with entries done and entries in all.
pub type Progress<'p> = dyn Fn(u64, u64) + 'p;

/// Audits a folder, and compares it with the checkpoints that the auditor kept. Findings are not errors: an error means
/// that the audit itself could not be made.
pub fn run(paths: &AuditPaths, kept: &[KeptCheckpoint], progress: &Progress<'_>) -> Result<Report, AuditError> {
    let key = crate::record::load_public(&paths.verifier_key)?;
    let store = RocksStore::open(&paths.store, Access::ReadOnly)?;
    let folder = Folder { store: &store, anchor: FileAnchor::peek(&paths.anchor) };
    let refs = if paths.ref_key.exists() { Some(crate::record::load_ref_key(&paths.ref_key)?) } else { None };
    let trusted = Trusted { key: &key, refs, kept };
    if let Some(report) = audit(&folder, &trusted, Signatures::Beside, progress)? {
        return Ok(report);
    }
    // Some signature does not verify. What was found meanwhile may rest on it, so the walk is made anew up to that entry.
    let unclear = || StoreError::Failed("a signature was judged twice, with two results".to_owned());
    Ok(audit(&folder, &trusted, Signatures::AtOnce, progress)?.ok_or_else(unclear)?)
}

/// What is audited.
struct Folder<'f> {
    store: &'f dyn Store,
    anchor: Result<Loaded, AnchorError>,
}

/// What the auditor brings along, and holds the stored bytes against.
struct Trusted<'t> {
    key: &'t VerifierKey,
    refs: Option<RefKey>,
    kept: &'t [KeptCheckpoint],
}

/// None when a signature does not verify that was judged beside the walk.
fn audit(
    folder: &Folder<'_>,
    trusted: &Trusted<'_>,
    signatures: Signatures,
    progress: &Progress<'_>,
) -> Result<Option<Report>, AuditError> {
    let mut report = Report::default();
    match judge(folder, trusted, signatures, &mut report, progress) {
        Ok(Verified::All) => Ok(Some(report)),
        Ok(Verified::NotAll) => Ok(None),
        // Bytes that cannot be read are a finding like any other; what stands behind them was not judged.
        Err(AuditError::Store(error)) => {
            report.find(None, "stored bytes", error.to_string());
            Ok(Some(report))
        }
        Err(error) => Err(error),
    }
}

/// The passes over the store, and then what only their results can tell.
fn judge(
    folder: &Folder<'_>,
    trusted: &Trusted<'_>,
    signatures: Signatures,
    report: &mut Report,
    progress: &Progress<'_>,
) -> Result<Verified, AuditError> {
    let store = folder.store;
    if store.get(keys::format().as_slice())?.as_deref() != Some(&[STORE_FORMAT]) {
        report.find(None, "format", format!("the store's format is not {STORE_FORMAT}; audit it with its own version"));
        return Ok(Verified::All);
    }
    let Some(stored) = stored_head(store, report)? else { return Ok(Verified::All) };
    if let Some(whose) = founded_by_another(store, trusted.key)? {
        report.find(Some(Index(0)), "verifier key", whose);
        return Ok(Verified::All);
    }
    let checkpoints = Checkpoints::read(store, trusted.key, trusted.kept, report)?;
    let sums = Sums::new().map_err(KeyFileError::from)?;
    let (parts, parts_waiting) = sync_channel(AUDIT_PARTS_WAITING);
    let (chunks, chunks_waiting) = sync_channel(AUDIT_PARTS_WAITING);
    let (batches, entries) = sync_channel(AUDIT_BATCHES_WAITING);
    let (copies, entries_again) = sync_channel(AUDIT_BATCHES_WAITING);
    // Each on a thread of its own: entries, signatures, bodies, the graph, stored rows, and the walk on this one. No thread has more
    // than half of the work, so that two cores are busy to the end.
    let (walked, verified, bodies, graph, rows) = std::thread::scope(|scope| {
        scope.spawn(move || scan::scan(store, &batches, &copies));
        let verified = scope.spawn(move || Ok(signatures::verify(&parts_waiting, &chunks)));
        let bodies = scope.spawn(move || bodies::judge(store, &chunks_waiting));
        let graph = scope.spawn({
            let sums = sums.clone();
            move || lineage::sum(store, &entries_again, sums)
        });
        let rows = scope.spawn({
            let sums = sums.clone();
            move || {
                // Nobody waits for these rows, and all others wait for the walk: they are read when a core is free.
                let _not_granted = rustix::process::nice(ROWS_NICENESS);
                sums.stored(store)
            }
        });
        let walk = Walk::new(store, (trusted.key, trusted.refs.clone()), stored.head, sums, (signatures, parts));
        let walked = walk.and_then(|walk| walk.run(entries, checkpoints, report, progress));
        (walked, joined(verified.join()), joined(bodies.join()), joined(graph.join()), joined(rows.join()))
    });
    if verified? == Verified::NotAll {
        return Ok(Verified::NotAll);
    }
    let (mut walked, rows) = (walked?, rows?);
    walked.sums.take_in(&graph?);
    report.take_in(bodies?);
    compare_head(&stored, &walked.replay, report);
    // Rows of entries that were not reached would all be one too many.
    if walked.whole {
        for difference in rows.differing(&walked.sums) {
            derived::explain(store, (&walked.replay, &walked.actions), difference, report)?;
        }
    }
    subscriptions::check(store, stored.head.size, report)?;
    check_anchor(folder, &stored, report)?;
    // The passes read every stored byte against its checksum, if they came to the end; what they left is read now.
    if !walked.whole {
        store.verify()?;
    }
    Ok(Verified::All)
}

/// What genesis says, if it names another ledger or another head key than the auditor does: then every signature of the
/// ledger's would be a finding, and none of them would tell why. What cannot be read is left to the walk.
fn founded_by_another(store: &dyn Store, key: &VerifierKey) -> Result<Option<String>, StoreError> {
    let Some(bytes) = store.get(keys::entry(LEDGER, Index(0)).as_slice())? else { return Ok(None) };
    let Ok(Entry { facts: Facts { detail: Detail::Genesis(genesis), .. }, .. }) = Entry::parse(&bytes) else {
        return Ok(None);
    };
    let same = genesis.head_key.id() == key.key().id() && genesis.origin == key.name();
    let message = format!(
        "this key is for `{}`, and the log was founded as `{}` with another head key or name: nothing was judged; bring the \
         ledger.vkey of this ledger, or find out who exchanged the folder",
        key.name(),
        genesis.origin
    );
    Ok((!same).then_some(message))
}

fn compare_head(stored: &StoredHead, replay: &Replay, report: &mut Report) {
    let head = replay.head();
    if head != stored.head {
        let said = |head: TreeHead| format!("root {} of {} entries", head.root, head.size);
        let message = format!("the entries hash to {}, the store says {}", said(head), said(stored.head));
        report.find(None, "head", message);
    }
    if replay.received() != Some(stored.received) {
        report.find(None, "head", "its received time is not the last entry's".to_owned());
    }
    report.head = Some(head);
}

fn joined<T>(result: std::thread::Result<Result<T, AuditError>>) -> Result<T, AuditError> {
    let ended = |_| StoreError::Failed("a thread of the audit ended early; its message stands in the log".to_owned());
    result.map_err(ended)?
}

/// The head row: size, root, received, commit.
struct StoredHead {
    head: TreeHead,
    received: Micros,
    commit: u64,
}

fn stored_head(store: &dyn Store, report: &mut Report) -> Result<Option<StoredHead>, AuditError> {
    let Some(bytes) = store.get(keys::head(LEDGER).as_slice())? else {
        report.find(None, "head", "the head row is missing".to_owned());
        return Ok(None);
    };
    let mut reader = Reader::new(&bytes);
    let parsed = (|| {
        let head = TreeHead { size: TreeSize(reader.u64("head row")?), root: Hash(reader.array("head row")?) };
        let received = Micros(reader.u64("head row")?);
        let commit = reader.u64("head row")?;
        reader.clone().finish("head row").map(|()| StoredHead { head, received, commit })
    })();
    match parsed {
        Ok(head) => Ok(Some(head)),
        Err(malformed) => {
            report.find(None, "head", malformed.to_string());
            Ok(None)
        }
    }
}

/// Nothing that the anchor knows may be missing, and the commit chain must lead from one to the other.
fn check_anchor(folder: &Folder<'_>, stored: &StoredHead, report: &mut Report) -> Result<(), AuditError> {
    let record = match &folder.anchor {
        Ok(loaded) => {
            if loaded.one_slot_damaged {
                report.find(None, "anchor", "one of its two slots is damaged".to_owned());
            }
            &loaded.record
        }
        Err(error) => {
            report.find(None, "anchor", error.to_string());
            return Ok(());
        }
    };
    if record.commit > stored.commit {
        let missing = format!(
            "acknowledged entries are missing: it knows commit {} with {} entries, the store has commit {} with {}",
            record.commit, record.size, stored.commit, stored.head.size
        );
        report.find(None, "anchor", missing);
        return Ok(());
    }
    check_chain(folder.store, record, stored, report)
}

fn check_chain(
    store: &dyn Store,
    record: &AnchorRecord,
    stored: &StoredHead,
    report: &mut Report,
) -> Result<(), AuditError> {
    let mut previous: Option<Hash> = None;
    for commit in record.commit..=stored.commit {
        let Some(row) = store.get(keys::commit(commit).as_slice())? else {
            report.find(None, "commit chain", format!("commit row {commit} is missing"));
            return Ok(());
        };
        let (chain, touched) = row.split_first_chunk::<32>().map_or((None, row.as_slice()), |(c, t)| (Some(*c), t));
        let chain = chain.map(Hash);
        let expected = match previous {
            None => Some(record.chain),
            Some(previous) => {
                Some(deedbook_verify::hash::digest(&[previous.as_bytes(), &commit.to_be_bytes(), touched]))
            }
        };
        if chain != expected {
            report.find(None, "commit chain", format!("commit {commit} does not follow the anchored one"));
            return Ok(());
        }
        previous = chain;
    }
    Ok(())
}
