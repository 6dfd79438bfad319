//! Whole tables of derived rows, compared without looking any row up. What the entries call for and what is stored are
//! summed, each in the order in which it comes, and the sums compared: two passes over memory that is read in order,
//! where a look-up for each row would read at random. Only when two sums differ is it asked which row differs.

use crate::audit::report::AuditError;
use crate::record::entropy::{self, EntropyError};
use crate::store::keys::RowTag;
use crate::store::{Direction, KeyRange, Store};
use std::ops::ControlFlow;

/// Most rows of these tables as the ledger writes them: a posting has 30 and 32 bytes. One block of BLAKE3, so that a row
/// costs one compression. Rows of actions and pages of the graph are longer, and those of a tampered store may be.
const ROW_BYTES: usize = 64;

/// A table of rows that follow from the entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    EventIds,
    Streams,
    StreamHeads,
    SourceHeads,
    Postings,
    Actions,
    Deadlines,
    Inbox,
    Overdue,
    Lineage,
}

impl Table {
    pub const ALL: [Table; 10] = [
        Table::EventIds,
        Table::Streams,
        Table::StreamHeads,
        Table::SourceHeads,
        Table::Postings,
        Table::Actions,
        Table::Deadlines,
        Table::Inbox,
        Table::Overdue,
        Table::Lineage,
    ];

    /// The name in findings.
    pub fn row_name(self) -> &'static str {
        match self {
            Table::EventIds => "event id row",
            Table::Streams => "stream row",
            Table::StreamHeads => "stream head",
            Table::SourceHeads => "source head",
            Table::Postings => "posting row",
            Table::Actions => "action row",
            Table::Deadlines => "deadline row",
            Table::Inbox => "inbox row",
            Table::Overdue => "overdue row",
            Table::Lineage => "lineage row",
        }
    }

    fn tag(self) -> RowTag {
        match self {
            Table::EventIds => RowTag::EventId,
            Table::Streams => RowTag::Stream,
            Table::StreamHeads => RowTag::StreamHead,
            Table::SourceHeads => RowTag::SourceHead,
            Table::Postings => RowTag::Posting,
            Table::Actions => RowTag::Action,
            Table::Deadlines => RowTag::Deadline,
            Table::Inbox => RowTag::Inbox,
            Table::Overdue => RowTag::Overdue,
            Table::Lineage => RowTag::Lineage,
        }
    }

    fn of(key: &[u8]) -> Option<Table> {
        let tag = key.first()?;
        Table::ALL.into_iter().find(|table| table.tag() as u8 == *tag)
    }
}

/// The sum of some rows: of each, its BLAKE3 hash under the key of this audit, added in two lanes of 128 bits. Who wrote
/// the rows did not know the key, so that other rows than those expected have their sum by chance alone, once in 2^128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum {
    rows: u64,
    lanes: [u128; 2],
}

/// A sum for each table, under a key that was drawn for this audit.
#[derive(Clone)]
pub(super) struct Sums {
    key: [u8; 32],
    sums: [Sum; Table::ALL.len()],
}

impl Sums {
    /// No rows yet, and a fresh key.
    pub fn new() -> Result<Sums, EntropyError> {
        Ok(Sums { key: entropy::array()?, sums: Default::default() })
    }

    /// Takes in a row.
    pub fn add(&mut self, table: Table, key: &[u8], value: &[u8]) {
        // The key's length is fixed by its table, so that no two rows hash the same bytes.
        let mut row = [0; ROW_BYTES];
        let hash = match row.get_mut(..key.len().saturating_add(value.len())) {
            Some(row) => {
                let (to_key, to_value) = row.split_at_mut(key.len());
                to_key.copy_from_slice(key);
                to_value.copy_from_slice(value);
                blake3::keyed_hash(&self.key, row)
            }
            None => blake3::Hasher::new_keyed(&self.key).update(key).update(value).finalize(),
        };
        let halves = hash.as_bytes().chunks_exact(16).filter_map(|half| half.try_into().ok()).map(u128::from_be_bytes);
        if let Some(sum) = self.sums.get_mut(table as usize) {
            sum.rows = sum.rows.saturating_add(1);
            sum.lanes.iter_mut().zip(halves).for_each(|(lane, half)| *lane = lane.wrapping_add(half));
        }
    }

    /// Takes in the rows of others, summed under the same key.
    pub fn take_in(&mut self, others: &Sums) {
        for (sum, other) in self.sums.iter_mut().zip(&others.sums) {
            sum.rows = sum.rows.saturating_add(other.rows);
            sum.lanes.iter_mut().zip(other.lanes).for_each(|(lane, more)| *lane = lane.wrapping_add(more));
        }
    }

    /// The stored rows of every table, under this key. Reads what belongs to no table too, for its checksums.
    pub fn stored(mut self, store: &dyn Store) -> Result<Sums, AuditError> {
        let entries = vec![RowTag::Entry as u8];
        let lookups = vec![RowTag::EventId as u8];
        let parts = [KeyRange { from: Vec::new(), to: entries }, KeyRange { from: lookups, to: Vec::new() }];
        for part in parts {
            store.scan(&part, Direction::Forward, &mut |key, value| {
                if let Some(table) = Table::of(key) {
                    self.add(table, key, value);
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(self)
    }

    /// The tables that differ, with the numbers of their rows, here and there.
    pub fn differing(&self, other: &Sums) -> Vec<(Table, u64, u64)> {
        let pairs = Table::ALL.into_iter().zip(self.sums.iter().zip(&other.sums));
        pairs.filter(|(_, (one, two))| one != two).map(|(table, (one, two))| (table, one.rows, two.rows)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sums of rows in an order.
    fn sums(of: &Sums, rows: &[(&[u8], &[u8])]) -> Sums {
        let mut sums = of.clone();
        rows.iter().for_each(|(key, value)| sums.add(Table::Streams, key, value));
        sums
    }

    #[test]
    fn the_order_is_free_and_nothing_else() {
        let empty = Sums::new().unwrap();
        let rows = sums(&empty, &[(b"a", b"1"), (b"b", b"2")]);
        assert!(rows.differing(&sums(&empty, &[(b"b", b"2"), (b"a", b"1")])).is_empty());
        for other in [
            sums(&empty, &[(b"a", b"2"), (b"b", b"1")]),
            sums(&empty, &[(b"a", b"1"), (b"a", b"1")]),
            sums(&empty, &[(b"a", b"1")]),
            sums(&empty, &[(b"a", b"1"), (b"b", b"2"), (b"b", b"2")]),
        ] {
            assert_eq!(rows.differing(&other).len(), 1);
        }
    }
}
