//! Rows that follow from entries: lookups, postings and heads, each derived again and compared.

use crate::audit::LEDGER;
use crate::audit::report::{AuditError, Report};
use crate::store::keys::{self, Dimension, POSTING_BLOCK_ENTRIES, PostingValue};
use crate::store::{Direction, KeyRange, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::replay::Replay;
use deedbook_verify::words::Index;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// The event-id row and the stream row of an entry; two entries of one id or revision cannot both have their row.
pub(super) fn check_lookups(
    store: &dyn Store,
    index: Index,
    entry: &Entry<'_>,
    report: &mut Report,
) -> Result<(), AuditError> {
    let at = index.0.to_be_bytes();
    let facts = &entry.facts;
    if store.get(keys::event_id(LEDGER, &facts.source, &facts.event_id).as_slice())?.as_deref() != Some(&at) {
        report.find(Some(index), "event id row", "it is missing or names another entry".to_owned());
    }
    if let (Some(stream), Some(revision)) = (facts.stream, entry.seal.revision)
        && store.get(keys::stream(LEDGER, &stream, revision).as_slice())?.as_deref() != Some(&at)
    {
        report.find(Some(index), "stream row", "it is missing or names another entry".to_owned());
    }
    Ok(())
}

/// The posting rows of one block, derived from its entries. Only full blocks have rows.
#[derive(Default)]
pub(super) struct PostingBlock {
    rows: BTreeMap<(Dimension, PostingValue), [u8; 32]>,
    compared: u64,
}

impl PostingBlock {
    pub fn add(
        &mut self,
        store: &dyn Store,
        index: Index,
        entry: &Entry<'_>,
        report: &mut Report,
    ) -> Result<(), AuditError> {
        let bit = index.0 % POSTING_BLOCK_ENTRIES;
        for value in values_of(entry) {
            let bitmap = self.rows.entry(value).or_default();
            if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|byte| bitmap.get_mut(byte)) {
                *byte |= 0x80 >> (bit % 8);
            }
        }
        if bit == POSTING_BLOCK_ENTRIES - 1 {
            self.compare_rows(store, index.0 / POSTING_BLOCK_ENTRIES, report)?;
        }
        Ok(())
    }

    fn compare_rows(&mut self, store: &dyn Store, block: u64, report: &mut Report) -> Result<(), AuditError> {
        for ((dimension, value), bitmap) in std::mem::take(&mut self.rows) {
            let key = keys::posting(LEDGER, dimension, &value, block);
            if store.get(key.as_slice())?.as_deref() != Some(&bitmap) {
                report.find(None, "posting row", format!("{dimension:?} of block {block} differs"));
            }
            self.compared = self.compared.saturating_add(1);
        }
        Ok(())
    }

    /// Counts rows that no full block accounts for.
    pub fn compare(&self, store: &dyn Store, report: &mut Report) -> Result<(), AuditError> {
        let stored = count(store, &keys::all_postings(LEDGER))?;
        if stored != self.compared {
            report.find(None, "posting row", format!("{stored} rows are stored, {} follow", self.compared));
        }
        Ok(())
    }
}

/// FORMAT.md's table of posting values, written a second time on purpose: this code judges the other.
fn values_of(entry: &Entry<'_>) -> impl Iterator<Item = (Dimension, PostingValue)> + use<> {
    let facts = &entry.facts;
    let padded = |bytes: &[u8]| {
        let mut value = PostingValue::default();
        value.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        value
    };
    let code = facts.action_type.map(|code| blake3::hash(code.as_str().as_bytes()));
    [
        Some((Dimension::Kind, padded(&facts.kind.number().to_be_bytes()))),
        facts.actor.map(|actor| (Dimension::Actor, actor.who.0)),
        code.map(|code| (Dimension::ActionType, padded(code.as_bytes()))),
        facts.outcome.map(|outcome| (Dimension::Outcome, padded(&[outcome.number()]))),
        facts.policy_digest.map(|digest| (Dimension::Policy, padded(digest.as_bytes()))),
        Some((Dimension::Source, facts.source.0)),
    ]
    .into_iter()
    .flatten()
}

fn count(store: &dyn Store, range: &KeyRange) -> Result<u64, AuditError> {
    let mut rows = 0u64;
    store.scan(range, Direction::Forward, &mut |_, _| {
        rows = rows.saturating_add(1);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Heads of streams and sources must be what replay arrived at, no more and no fewer.
pub(super) fn check(store: &dyn Store, replay: &Replay, report: &mut Report) -> Result<(), AuditError> {
    for (stream, revision) in replay.streams() {
        let row = store.get(keys::stream_head(LEDGER, stream).as_slice())?;
        if row.as_deref() != Some(&revision.0.to_be_bytes()) {
            report.find(None, "stream head", format!("stream {stream} is at revision {revision} by its entries"));
        }
    }
    for (source, (epoch, sequence)) in replay.sources() {
        let row = store.get(keys::source_head(LEDGER, source).as_slice())?;
        let expected = [epoch.0.to_be_bytes().as_slice(), &sequence.0.to_be_bytes()].concat();
        if row != Some(expected) {
            report.find(None, "source head", format!("source {source} is at {epoch}/{sequence} by its entries"));
        }
    }
    let entries = usize::try_from(replay.head_size().0).unwrap_or(usize::MAX);
    let expected = [
        ("event id row", keys::event_ids(LEDGER), entries),
        ("stream head", keys::stream_heads(LEDGER), replay.streams().len()),
        ("source head", keys::source_heads(LEDGER), replay.sources().len()),
    ];
    for (check, range, derived) in expected {
        let stored = count(store, &range)?;
        if u64::try_from(derived) != Ok(stored) {
            report.find(None, check, format!("{stored} rows are stored, {derived} follow from the entries"));
        }
    }
    Ok(())
}
