//! What witnesses make of this ledger: the newest checkpoint that meets the policy's quorum, who was heard from, and,
//! when opening, whether anybody saw more than what was recovered. It asks nobody; `crate::cosign` does.

use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::ledger::refusal::OpenError;
use crate::limits;
use crate::merkle::{Edge, Prover, ProverError, TileSource};
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Direction, Store, StoreError};
use deedbook_verify::cosign::Cosignature;
use deedbook_verify::note::NoteRefusal;
use deedbook_verify::policy::Policy;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::witnessed::open_witnessed;
use deedbook_verify::words::{Hash, Micros, TreeSize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// What a witness said when it was asked for what it cosigned last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recollection {
    /// It never cosigned a tree of this ledger.
    Nothing,
    /// This tree; the ledger's signature and its own are verified.
    Head(TreeHead),
    /// A tree of this size; its word alone.
    Size(TreeSize),
    /// Another root than ours, at this size; its word alone.
    OtherRoot(TreeSize),
    /// It did not answer, or not understandably; the reason, for people.
    Silent(String),
}

/// A way to ask every witness of a policy, in the policy's order. It is given the newest stored checkpoint.
pub type AskWitnesses = Arc<dyn Fn(Option<&[u8]>) -> Vec<Recollection> + Send + Sync>;

/// Opening with witnesses.
#[derive(Clone)]
pub struct WitnessCheck {
    /// Who they are; it lists this ledger's key.
    pub policy: Policy,
    /// How to ask them.
    pub ask: AskWitnesses,
    /// Refuse to open unless those that answered make up the quorum.
    pub require: bool,
}

impl std::fmt::Debug for WitnessCheck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "WitnessCheck({} witnesses, require {})", self.policy.witnesses().len(), self.require)
    }
}

/// The recovered log, as far as the check needs it.
pub(super) struct RecoveredLog<'a> {
    pub store: &'a dyn Store,
    pub number: LedgerNumber,
    pub edge: &'a Edge,
    pub size: TreeSize,
}

impl TileSource for RecoveredLog<'_> {
    type Error = StoreError;

    fn tile(&self, level: u8, number: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        if let Some(partial) = self.edge.partial(level, number) {
            return Ok(Some(partial.to_vec()));
        }
        let bytes = self.store.get(keys::tile(self.number, level, number).as_slice())?;
        Ok(bytes.map(|bytes| bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok().map(Hash)).collect()))
    }
}

/// Refuses a log that is shorter than, or inconsistent with, what any witness saw. Nothing is written here.
pub(super) fn check_recollections(log: &RecoveredLog<'_>, check: &WitnessCheck) -> Result<Witnessing, OpenError> {
    let newest = newest_note(log.store, log.number)?;
    let answers = (check.ask)(newest.as_deref());
    let (mut heard, mut silent) = (BTreeSet::new(), Vec::new());
    for (position, (witness, answer)) in check.policy.witnesses().iter().zip(answers).enumerate() {
        let name = || String::from_utf8_lossy(&witness.name).into_owned();
        match answer {
            Recollection::Nothing => {}
            Recollection::Head(seen) => check_seen(log, name, seen)?,
            Recollection::Size(seen) => check_size(log, name, seen)?,
            Recollection::OtherRoot(seen) => return Err(OpenError::WitnessSawOther { witness: name(), seen }),
            Recollection::Silent(reason) => {
                tracing::warn!(witness = %name(), %reason, "a witness could not be asked what it saw of this ledger");
                silent.push(format!("{}: {reason}", name()));
                continue;
            }
        }
        heard.insert(position);
    }
    let positions: Vec<usize> = heard.iter().copied().collect();
    if check.require && !check.policy.is_met_by(&positions) {
        return Err(OpenError::WitnessesSilent(silent.join("; ")));
    }
    Ok(Witnessing::new(check.policy.clone(), heard))
}

fn check_size(log: &RecoveredLog<'_>, witness: impl Fn() -> String, seen: TreeSize) -> Result<(), OpenError> {
    match seen <= log.size {
        true => Ok(()),
        false => Err(OpenError::WitnessSawMore { witness: witness(), seen, size: log.size }),
    }
}

fn check_seen(log: &RecoveredLog<'_>, witness: impl Fn() -> String, seen: TreeHead) -> Result<(), OpenError> {
    check_size(log, &witness, seen.size)?;
    let ours = Prover::new(log, log.size).head(seen.size).map_err(|error| match error {
        ProverError::Source(error) => OpenError::Store(error),
        ProverError::OutsideTree(_) | ProverError::TileMissing { .. } => OpenError::Damaged(error.to_string()),
    })?;
    match ours == seen {
        true => Ok(()),
        false => Err(OpenError::WitnessSawOther { witness: witness(), seen: seen.size }),
    }
}

fn newest_note(store: &dyn Store, ledger: LedgerNumber) -> Result<Option<Vec<u8>>, StoreError> {
    let mut newest = None;
    store.scan(&keys::checkpoints(ledger), Direction::Backward, &mut |_, value| {
        newest = value.split_first_chunk::<8>().map(|(_time, note)| note.to_vec());
        ControlFlow::Break(())
    })?;
    Ok(newest)
}

/// A checkpoint that meets the quorum.
#[derive(Clone, Debug)]
struct Quorate {
    size: TreeSize,
    note: Vec<u8>,
    /// When the last cosignature came, by the server's clock; none for one that was stored before this process began.
    at: Option<Micros>,
}

/// What is known of the witnesses while serving.
pub(super) struct Witnessing {
    policy: Policy,
    newest: watch::Sender<Option<Quorate>>,
    heard: Mutex<BTreeSet<usize>>,
    alarms: Mutex<BTreeMap<usize, String>>,
    /// Witnesses that brought nothing when they were asked last: why, and since when.
    absent: Mutex<BTreeMap<usize, (String, Micros)>>,
}

impl Witnessing {
    fn new(policy: Policy, heard: BTreeSet<usize>) -> Witnessing {
        let (heard, alarms, absent) = (Mutex::new(heard), Mutex::default(), Mutex::default());
        Witnessing { policy, newest: watch::Sender::new(None), heard, alarms, absent }
    }

    /// Finds the newest stored checkpoint that meets the quorum.
    pub fn load(&self, store: &dyn Store, ledger: LedgerNumber) -> Result<(), StoreError> {
        store.scan(&keys::checkpoints(ledger), Direction::Backward, &mut |_, value| {
            let Some((_time, note)) = value.split_first_chunk::<8>() else { return ControlFlow::Continue(()) };
            match open_witnessed(note, &self.policy) {
                Ok(opened) => {
                    let size = opened.checkpoint().head.size;
                    self.newest.send_replace(Some(Quorate { size, note: note.to_vec(), at: None }));
                    ControlFlow::Break(())
                }
                Err(_) => ControlFlow::Continue(()),
            }
        })
    }

    pub fn heard(&self) -> usize {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Takes a note that gained a cosignature.
    fn offer(&self, note: Vec<u8>, now: Micros) {
        match open_witnessed(&note, &self.policy) {
            Ok(opened) => {
                let size = opened.checkpoint().head.size;
                self.newest.send_if_modified(|newest| {
                    let later = newest.as_ref().is_none_or(|newest| newest.size <= size);
                    if later {
                        *newest = Some(Quorate { size, note, at: Some(now) });
                    }
                    later
                });
            }
            Err(NoteRefusal::QuorumNotMet { .. }) => {}
            Err(refusal) => tracing::error!(%refusal, "a checkpoint of ours with its cosignatures does not open"),
        }
    }
}

/// How witnesses see this ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessHealth {
    /// Witnesses of the policy.
    pub witnesses: usize,
    /// Those that answered since opening.
    pub heard: usize,
    /// Size of the newest checkpoint that meets the quorum, if there is one.
    pub size: Option<TreeSize>,
    /// How long ago its quorum was met, in milliseconds; none if that was before this process began.
    pub age_ms: Option<u64>,
    /// What witnesses hold against this ledger, for people.
    pub alarms: Vec<String>,
    /// Which witnesses did not cosign when they were asked last, since when and why, for people.
    pub absent: Vec<String>,
}

impl Reader {
    /// Keeps a cosignature with the checkpoint that it is of. Its row is a write like any other: if it fails, the ledger
    /// stops.
    pub fn add_cosignature(&self, witness: usize, cosignature: &Cosignature) -> Result<(), ReadError> {
        let Some(witnessing) = self.witnessing() else { return Err(ReadError::NoWitnessPolicy) };
        let added = self.store_cosignature(cosignature)?;
        witnessing.heard.lock().unwrap_or_else(PoisonError::into_inner).insert(witness);
        witnessing.alarms.lock().unwrap_or_else(PoisonError::into_inner).remove(&witness);
        witnessing.absent.lock().unwrap_or_else(PoisonError::into_inner).remove(&witness);
        if let Some(note) = added {
            witnessing.offer(note, self.shared.clock.wall());
        }
        Ok(())
    }

    /// Puts on record, for health, that a witness holds something against this ledger.
    pub fn raise_witness_alarm(&self, witness: usize, alarm: String) {
        if let Some(witnessing) = self.witnessing() {
            witnessing.alarms.lock().unwrap_or_else(PoisonError::into_inner).insert(witness, alarm);
        }
    }

    /// Puts on record, for health, that a witness did not cosign when it was asked. Since when stays as it was first.
    pub fn note_witness_absent(&self, witness: usize, why: String) {
        let Some(witnessing) = self.witnessing() else { return };
        let mut absent = witnessing.absent.lock().unwrap_or_else(PoisonError::into_inner);
        let since = absent.get(&witness).map_or_else(|| self.shared.clock.wall(), |(_, since)| *since);
        absent.insert(witness, (why, since));
    }

    /// Witnesses that answered since opening.
    pub fn witnesses_heard(&self) -> usize {
        self.witnessing().map_or(0, Witnessing::heard)
    }

    /// How witnesses see this ledger; none without a policy.
    pub fn witness_health(&self) -> Option<WitnessHealth> {
        let witnessing = self.witnessing()?;
        let newest = witnessing.newest.borrow().clone();
        let now = self.shared.clock.wall();
        let age_ms = newest.as_ref().and_then(|newest| newest.at).map(|at| now.0.saturating_sub(at.0) / 1_000);
        let alarms = witnessing.alarms.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        let absent = witnessing.absent.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = |since: Micros| now.0.saturating_sub(since.0) / 1_000_000;
        let absent = absent.values().map(|(why, since)| format!("{why}, for {} s", seconds(*since))).collect();
        Some(WitnessHealth {
            witnesses: witnessing.policy.witnesses().len(),
            heard: witnessing.heard(),
            size: newest.map(|newest| newest.size),
            age_ms,
            alarms,
            absent,
        })
    }

    /// The newest checkpoint that meets the quorum, if there is one already.
    pub fn newest_witnessed(&self) -> Result<Vec<u8>, ReadError> {
        let Some(witnessing) = self.witnessing() else { return Err(ReadError::NoWitnessPolicy) };
        let newest = witnessing.newest.borrow().as_ref().map(|newest| newest.note.clone());
        newest.ok_or(ReadError::NotWitnessed { wanted: TreeSize(0), newest: TreeSize(0) })
    }

    /// The newest checkpoint that meets the quorum and has at least so many entries. Waits at most `WITNESSED_WAIT_MAX`
    /// for the witnesses.
    pub async fn witnessed(&self, size_min: TreeSize) -> Result<Vec<u8>, ReadError> {
        let Some(witnessing) = self.witnessing() else { return Err(ReadError::NoWitnessPolicy) };
        let mut newest = witnessing.newest.subscribe();
        let large_enough = |newest: &Option<Quorate>| newest.as_ref().is_some_and(|newest| newest.size >= size_min);
        let found = tokio::time::timeout(limits::WITNESSED_WAIT_MAX, newest.wait_for(large_enough)).await;
        let note = found.ok().and_then(|found| found.ok().and_then(|newest| newest.as_ref().map(|n| n.note.clone())));
        note.ok_or_else(|| {
            let size = witnessing.newest.borrow().as_ref().map(|newest| newest.size);
            ReadError::NotWitnessed { wanted: size_min, newest: size.unwrap_or(TreeSize(0)) }
        })
    }
}
