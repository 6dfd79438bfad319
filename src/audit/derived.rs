//! Derived rows of which a table's sum differs, one by one: which of them is missing, wrong, or one too many. And the
//! posting rows of a block, which a sum needs whole.

use crate::audit::LEDGER;
use crate::audit::actions::States;
use crate::audit::lineage;
use crate::audit::report::{AuditError, Report};
use crate::audit::sums::{Sums, Table};
use crate::store::keys::{self, Dimension, POSTING_BLOCK_ENTRIES, PostingValue};
use crate::store::{Direction, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::replay::Replay;
use deedbook_verify::words::Index;
use foldhash::HashMap;
use std::ops::ControlFlow;

/// Explains a table that differs. `stored` and `expected` are the numbers of its rows.
pub(super) fn explain(
    store: &dyn Store,
    (replay, actions): (&Replay, &States),
    (table, stored, expected): (Table, u64, u64),
    report: &mut Report,
) -> Result<(), AuditError> {
    let before = report.findings.len();
    let mut looker = Looker { store, table, report };
    match table {
        Table::EventIds | Table::Streams | Table::Postings => looker.entries()?,
        Table::StreamHeads => looker.stream_heads(replay)?,
        Table::SourceHeads => looker.source_heads(replay)?,
        Table::Actions | Table::Deadlines | Table::Inbox | Table::Overdue => looker.actions(actions)?,
        Table::Lineage => lineage::explain(store, report)?,
    }
    if report.findings.len() == before || stored != expected {
        report.find(None, table.row_name(), format!("{stored} rows are stored, {expected} follow from the entries"));
    }
    Ok(())
}

/// Looks rows up, one by one.
struct Looker<'l> {
    store: &'l dyn Store,
    table: Table,
    report: &'l mut Report,
}

impl Looker<'_> {
    fn look(
        &mut self,
        key: keys::Key,
        value: &[u8],
        found: impl FnOnce() -> (Option<Index>, String),
    ) -> Result<(), AuditError> {
        if self.store.get(key.as_slice())?.as_deref() != Some(value) {
            let (index, message) = found();
            self.report.find(index, self.table.row_name(), message);
        }
        Ok(())
    }

    /// The rows of each entry; the walk has parsed all of them.
    fn entries(&mut self) -> Result<(), AuditError> {
        let range = keys::between(keys::entry(LEDGER, Index(0)), keys::entry(LEDGER, Index(u64::MAX)));
        let (mut block, mut failure) = (PostingBlock::default(), None);
        self.store.scan(&range, Direction::Forward, &mut |key, bytes| {
            let (Some(index), Ok(entry)) = (keys::trailing_u64(key), Entry::parse(bytes)) else {
                return ControlFlow::Break(());
            };
            match self.entry(Index(index), &entry, &mut block) {
                Ok(()) => ControlFlow::Continue(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failure.map_or(Ok(()), Err)
    }

    fn entry(&mut self, index: Index, entry: &Entry<'_>, block: &mut PostingBlock) -> Result<(), AuditError> {
        let (facts, at) = (&entry.facts, index.0.to_be_bytes());
        let differs = || (Some(index), "it is missing or names another entry".to_owned());
        match self.table {
            Table::EventIds => self.look(keys::event_id(LEDGER, &facts.source, &facts.event_id), &at, differs),
            Table::Streams => match (facts.stream, entry.seal.revision) {
                (Some(stream), Some(revision)) => self.look(keys::stream(LEDGER, &stream, revision), &at, differs),
                (_, _) => Ok(()),
            },
            Table::Postings => {
                for (dimension, value, number, bitmap) in block.take_in(index, entry) {
                    let key = keys::posting(LEDGER, dimension, &value, number);
                    self.look(key, &bitmap, || (None, format!("{dimension:?} of block {number} differs")))?;
                }
                Ok(())
            }
            Table::StreamHeads
            | Table::SourceHeads
            | Table::Actions
            | Table::Deadlines
            | Table::Inbox
            | Table::Overdue
            | Table::Lineage => Ok(()),
        }
    }

    fn stream_heads(&mut self, replay: &Replay) -> Result<(), AuditError> {
        for (stream, revision) in replay.streams() {
            let says = || (None, format!("stream {stream} is at revision {revision} by its entries"));
            self.look(keys::stream_head(LEDGER, stream), &revision.0.to_be_bytes(), says)?;
        }
        Ok(())
    }

    /// The rows of each action, of this table.
    fn actions(&mut self, actions: &States) -> Result<(), AuditError> {
        let (wanted, mut failed) = (self.table, Ok(()));
        actions.each_row(&mut |id, table, key, value| {
            if table == wanted && failed.is_ok() {
                let says = || (None, format!("that of action {id} is missing or says something else"));
                failed = self.look(key, value, says);
            }
        });
        failed
    }

    fn source_heads(&mut self, replay: &Replay) -> Result<(), AuditError> {
        for (source, (epoch, sequence)) in replay.sources() {
            let expected = [epoch.0.to_be_bytes().as_slice(), &sequence.0.to_be_bytes()].concat();
            let says = || (None, format!("source {source} is at {epoch}/{sequence} by its entries"));
            self.look(keys::source_head(LEDGER, source), &expected, says)?;
        }
        Ok(())
    }
}

/// A posting row: what it is about, its block, its bits.
type PostingRow = (Dimension, PostingValue, u64, [u8; 32]);

/// The posting rows of one block, derived from its entries. Only full blocks have rows.
#[derive(Default)]
pub(super) struct PostingBlock {
    rows: HashMap<(Dimension, PostingValue), [u8; 32]>,
    // The values of its action types, so that each is hashed once in a block.
    action_types: HashMap<Box<str>, PostingValue>,
}

impl PostingBlock {
    /// Sums the rows of a block with its last entry.
    pub fn add(&mut self, index: Index, entry: &Entry<'_>, sums: &mut Sums) {
        for (dimension, value, block, bitmap) in self.take_in(index, entry) {
            sums.add(Table::Postings, keys::posting(LEDGER, dimension, &value, block).as_slice(), &bitmap);
        }
    }

    /// Takes in an entry; the last one of a block gives the block's rows.
    fn take_in(&mut self, index: Index, entry: &Entry<'_>) -> Vec<PostingRow> {
        let (block, bit) = (index.0 / POSTING_BLOCK_ENTRIES, index.0 % POSTING_BLOCK_ENTRIES);
        let action_type = entry.facts.action_type.map(|code| self.action_type(code.as_str()));
        for value in values_of(entry, action_type) {
            let bitmap = self.rows.entry(value).or_default();
            if let Some(byte) = usize::try_from(bit / 8).ok().and_then(|byte| bitmap.get_mut(byte)) {
                *byte |= 0x80 >> (bit % 8);
            }
        }
        if bit < POSTING_BLOCK_ENTRIES - 1 {
            return Vec::new();
        }
        self.action_types.clear();
        let rows = self.rows.drain();
        rows.map(|((dimension, value), bitmap)| (dimension, value, block, bitmap)).collect()
    }

    fn action_type(&mut self, code: &str) -> PostingValue {
        if let Some(value) = self.action_types.get(code) {
            return *value;
        }
        let value = padded(blake3::hash(code.as_bytes()).as_bytes());
        self.action_types.insert(code.into(), value);
        value
    }
}

/// FORMAT.md's table of posting values, written a second time on purpose: this code judges the other.
fn values_of(
    entry: &Entry<'_>,
    action_type: Option<PostingValue>,
) -> impl Iterator<Item = (Dimension, PostingValue)> + use<> {
    let facts = &entry.facts;
    [
        Some((Dimension::Kind, padded(&facts.kind.number().to_be_bytes()))),
        facts.actor.map(|actor| (Dimension::Actor, actor.who.0)),
        action_type.map(|value| (Dimension::ActionType, value)),
        facts.outcome.map(|outcome| (Dimension::Outcome, padded(&[outcome.number()]))),
        facts.policy_digest.map(|digest| (Dimension::Policy, padded(digest.as_bytes()))),
        Some((Dimension::Source, facts.source.0)),
    ]
    .into_iter()
    .flatten()
}

/// The first bytes, and zeros behind them.
fn padded(bytes: &[u8]) -> PostingValue {
    let mut value = PostingValue::default();
    value.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    value
}
