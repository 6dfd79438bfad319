//! Bodies, judged beside the walk on a thread of their own: keys and encrypted blocks are read in the order of their
//! entries, a few thousand at a time, and each body must open the commitment that its entry states.

use crate::audit::LEDGER;
use crate::audit::erased;
use crate::audit::report::{AuditError, Report};
use crate::record::body::BodyKey;
use crate::store::keys;
use crate::store::{Direction, Store};
use deedbook_verify::hash::Commitment;
use deedbook_verify::words::Index;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::mpsc::Receiver;

/// The commitments of `AUDIT_PART_ENTRIES` consecutive entries, whose bodies are judged together: their keys are held, 40
/// bytes each, and one body at a time.
pub(super) struct Chunk {
    /// The first entry.
    pub from: Index,
    /// The entry behind the last.
    pub to: Index,
    /// Those that state a body.
    pub stated: VecDeque<(Index, Commitment)>,
}

impl Chunk {
    /// No entry yet, from this one on.
    pub fn at(from: Index) -> Chunk {
        Chunk { from, to: from, stated: VecDeque::new() }
    }
}

/// Judges chunks until no more come.
pub(super) fn judge(store: &dyn Store, chunks: &Receiver<Chunk>) -> Result<Report, AuditError> {
    let mut report = Report::default();
    for chunk in chunks {
        judge_chunk(store, chunk, &mut report)?;
    }
    Ok(report)
}

fn judge_chunk(store: &dyn Store, chunk: Chunk, report: &mut Report) -> Result<(), AuditError> {
    let mut keys = VecDeque::new();
    let range = keys::between(keys::body_key(LEDGER, chunk.from), keys::body_key(LEDGER, chunk.to));
    store.scan(&range, Direction::Forward, &mut |key, value| {
        keys.extend(keys::trailing_u64(key).map(|index| (Index(index), BodyKey::from_stored(value))));
        ControlFlow::Continue(())
    })?;
    let mut pass = Pass { store, stated: chunk.stated, keys, report };
    let (mut at, mut sealed, mut failed) = (None, Vec::new(), Ok(()));
    let range = keys::between(keys::body(LEDGER, chunk.from, 0), keys::body(LEDGER, chunk.to, 0));
    store.scan(&range, Direction::Forward, &mut |key, block| {
        let index = keys::body_index(key);
        if at != index {
            failed = at.map_or(Ok(()), |at| pass.body(at, &mut sealed));
            sealed.clear();
            at = index;
        }
        sealed.extend_from_slice(block);
        if failed.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failed?;
    if let Some(at) = at {
        pass.body(at, &mut sealed)?;
    }
    pass.finish()
}

/// What is left of a chunk.
struct Pass<'p> {
    store: &'p dyn Store,
    stated: VecDeque<(Index, Commitment)>,
    keys: VecDeque<(Index, Option<BodyKey>)>,
    report: &'p mut Report,
}

impl Pass<'_> {
    /// The stored body of an entry; those stated before it are not stored.
    fn body(&mut self, at: Index, sealed: &mut [u8]) -> Result<(), AuditError> {
        while let Some((index, commitment)) = self.stated.pop_front_if(|(index, _)| *index <= at) {
            if index == at {
                return self.judge(index, &commitment, sealed);
            }
            self.judge(index, &commitment, &mut [])?;
        }
        self.report.find(Some(at), "body", "it is stored, and its entry states none".to_owned());
        Ok(())
    }

    fn judge(&mut self, index: Index, commitment: &Commitment, sealed: &mut [u8]) -> Result<(), AuditError> {
        let Some(key) = self.key(index) else {
            if !erased::is_said(self.store, index)? {
                self.report.find(Some(index), "body", "its key is missing, and nothing erased it".to_owned());
            }
            return Ok(());
        };
        match key.as_ref().and_then(|key| key.open_in_place(sealed).ok()) {
            Some((salt, body)) if commitment.opens(&salt, body) => {
                self.report.bodies_opened = self.report.bodies_opened.saturating_add(1);
                self.report.body_bytes = self.report.body_bytes.saturating_add(body.len() as u64);
            }
            Some(_) | None => self.report.find(Some(index), "body", "it does not open its commitment".to_owned()),
        }
        Ok(())
    }

    /// The key row of an entry; keys before it belong to entries without a body.
    fn key(&mut self, index: Index) -> Option<Option<BodyKey>> {
        while let Some((at, key)) = self.keys.pop_front_if(|(at, _)| *at <= index) {
            if at == index {
                return Some(key);
            }
            self.report.find(Some(at), "body key", "it is stored, and its entry states no body".to_owned());
        }
        None
    }

    /// Bodies that are stated and not stored, and keys of none.
    fn finish(mut self) -> Result<(), AuditError> {
        while let Some((index, commitment)) = self.stated.pop_front() {
            self.judge(index, &commitment, &mut [])?;
        }
        let _none_is_left = self.key(Index(u64::MAX));
        Ok(())
    }
}
