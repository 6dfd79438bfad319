//! The head key and the only code that signs with it: checkpoints, off the ack path, of sizes that only ever grow.

use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::ledger::tiles::SignedCheckpoint;
use crate::ledger::witnessed::Witnessing;
use crate::ledger::writer::Shared;
use crate::limits;
use crate::plant::Bug;
use crate::record::SigningKey;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Batch, Direction, Store, StoreError};
use deedbook_verify::cosign::Cosignature;
use deedbook_verify::note::{Checkpoint, Note, VerifierKey, signature_line};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Micros, TreeSize};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// The secret under which the world knows this ledger.
pub struct HeadKey(SigningKey);

impl HeadKey {
    /// Takes the key; it is not given back.
    pub fn new(key: SigningKey) -> HeadKey {
        HeadKey(key)
    }

    /// What auditors are given.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.0.verifier_key()
    }

    /// Signs a checkpoint.
    fn note(&self, head: TreeHead) -> Vec<u8> {
        let text = Checkpoint { origin: self.0.name().to_owned(), head }.to_string();
        let line = signature_line(self.0.verifier_key(), &self.0.sign(text.as_bytes()));
        format!("{text}\n{line}").into_bytes()
    }
}

/// What was signed, newest last. Of what leaves the window, the first checkpoint of each hour stays stored.
struct Signed {
    latest: Option<(TreeSize, Vec<u8>)>,
    window: VecDeque<(TreeSize, Micros)>,
    last_hour_kept: Option<u64>,
}

/// The head signer; clones share it.
#[derive(Clone)]
pub struct Head {
    key: Arc<HeadKey>,
    signed: Arc<Mutex<Signed>>,
    witnessing: Option<Arc<Witnessing>>,
}

const HOUR_MICROS: u64 = 3_600_000_000;

impl Head {
    /// Loads what was signed before, so that no smaller size is ever signed.
    pub fn load(key: HeadKey, store: &dyn Store, ledger: LedgerNumber) -> Result<Head, StoreError> {
        let mut signed = Signed { latest: None, window: VecDeque::new(), last_hour_kept: None };
        store.scan(&keys::checkpoints(ledger), Direction::Backward, &mut |key, value| {
            let (Some(size), Some((time, note))) = (keys::trailing_u64(key), value.split_first_chunk::<8>()) else {
                return ControlFlow::Break(());
            };
            let time = Micros(u64::from_be_bytes(*time));
            if signed.latest.is_none() {
                signed.latest = Some((TreeSize(size), note.to_vec()));
            }
            signed.window.push_front((TreeSize(size), time));
            match signed.window.len() < limits::CHECKPOINTS_KEPT {
                true => ControlFlow::Continue(()),
                false => ControlFlow::Break(()),
            }
        })?;
        Ok(Head { key: Arc::new(key), signed: Arc::new(Mutex::new(signed)), witnessing: None })
    }

    /// What auditors are given.
    pub fn verifier_key(&self) -> &VerifierKey {
        self.key.verifier_key()
    }

    /// The same under a witness policy.
    pub(super) fn witnessed_by(
        self,
        witnessing: Witnessing,
        store: &dyn Store,
        ledger: LedgerNumber,
    ) -> Result<Head, StoreError> {
        witnessing.load(store, ledger)?;
        Ok(Head { witnessing: Some(Arc::new(witnessing)), ..self })
    }

    /// What is known of the witnesses, if there is a policy.
    pub(super) fn witnessing(&self) -> Option<&Witnessing> {
        self.witnessing.as_deref()
    }

    /// Adds a cosignature's line to the stored checkpoint that it is of, in the place of an earlier one by the same
    /// cosigner; the note as it then is, or none if that checkpoint is not kept any more.
    pub(super) fn add_cosignature(
        &self,
        cosignature: &Cosignature,
        store: &dyn Store,
        ledger: LedgerNumber,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let size = cosignature.checkpoint().head.size;
        let key = keys::checkpoint(ledger, size);
        let Some(row) = store.get(key.as_slice())? else { return Ok(None) };
        let corrupt = || ReadError::Corrupt(format!("the checkpoint of {size} entries is not what was cosigned"));
        let (time, note) = row.split_first_chunk::<8>().ok_or_else(corrupt)?;
        let parsed = Note::parse(note).map_err(|_| corrupt())?;
        if Checkpoint::parse(parsed.text).as_ref() != Ok(cosignature.checkpoint()) {
            return Err(corrupt());
        }
        let kept = parsed.signatures.iter().filter(|line| !cosignature.is_by_cosigner_of(line)).map(|line| line.line);
        let lines: String = kept.chain([cosignature.line()]).map(|line| format!("{line}\n")).collect();
        let note = format!("{}\n{lines}", parsed.text).into_bytes();
        let mut batch = Batch::new();
        batch.put(key.as_slice(), &[time.as_slice(), &note].concat());
        // Crash before this returns: the cosignature is lost here, and the witness is asked again.
        store.commit(&batch)?;
        if let Some((latest, newest)) = &mut signed.latest
            && *latest == size
        {
            newest.clone_from(&note);
        }
        Ok(Some(note))
    }

    /// The size that was signed last.
    pub fn last_size(&self) -> Option<TreeSize> {
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.latest.as_ref().map(|(size, _)| *size)
    }

    /// What was signed last.
    pub fn newest(&self) -> Option<SignedCheckpoint> {
        let signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.latest.as_ref().map(|(size, note)| SignedCheckpoint { size: *size, note: note.clone() })
    }

    /// What was signed for a size, if it is kept.
    pub fn stored(
        &self,
        size: TreeSize,
        store: &dyn Store,
        ledger: LedgerNumber,
    ) -> Result<Option<Vec<u8>>, ReadError> {
        let Some(row) = store.get(keys::checkpoint(ledger, size).as_slice())? else { return Ok(None) };
        match row.split_first_chunk::<8>() {
            Some((_time, note)) => Ok(Some(note.to_vec())),
            None => Err(ReadError::Corrupt(format!("the checkpoint of {size} entries is short"))),
        }
    }

    /// The checkpoint of an anchored head, signed now unless it was before. An older head than the last signed one
    /// gets the last signed one.
    pub fn checkpoint(
        &self,
        head: TreeHead,
        now: Micros,
        store: &dyn Store,
        ledger: LedgerNumber,
    ) -> Result<Vec<u8>, ReadError> {
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((size, note)) = &signed.latest
            && *size >= head.size
            && !Bug::SmallerSizeSigned.planted()
        {
            return Ok(note.clone());
        }
        let note = self.key.note(head);
        let mut batch = Batch::new();
        let value = [now.0.to_be_bytes().as_slice(), &note].concat();
        batch.put(keys::checkpoint(ledger, head.size).as_slice(), &value);
        signed.window.push_back((head.size, now));
        if signed.window.len() > limits::CHECKPOINTS_KEPT
            && let Some((size, time)) = signed.window.pop_front()
        {
            let hour = time.0 / HOUR_MICROS;
            if signed.last_hour_kept == Some(hour) {
                batch.delete(keys::checkpoint(ledger, size).as_slice());
            }
            signed.last_hour_kept = Some(hour);
        }
        // Crash before this returns: nobody saw the checkpoint. Crash after: the next one is at least as large,
        // because its size was anchored before it was signed.
        store.commit(&batch)?;
        signed.latest = Some((head.size, note.clone()));
        Ok(note)
    }
}

/// Starts the thread that signs the newest anchored size every `CHECKPOINT_INTERVAL_MS`, and looks at the disk.
pub(super) fn spawn_signer(reader: Reader, shared: Arc<Shared>) -> std::io::Result<JoinHandle<()>> {
    let every = Duration::from_millis(limits::CHECKPOINT_INTERVAL_MS);
    let disk_rounds = limits::DISK_CHECK_INTERVAL_MS.div_ceil(limits::CHECKPOINT_INTERVAL_MS);
    std::thread::Builder::new().name("head-signer".to_owned()).spawn(move || {
        let mut round = 0u64;
        while shared.stopped().is_none() {
            std::thread::park_timeout(every);
            // Closing promises that nothing is written behind it.
            if shared.stopped().is_some() {
                break;
            }
            if let Err(error) = reader.checkpoint() {
                shared.fail(error.to_string());
            }
            if round.is_multiple_of(disk_rounds)
                && let Err(reason) = shared.disk.look(shared.store.as_ref())
            {
                shared.fail(reason);
            }
            round = round.wrapping_add(1);
        }
    })
}
