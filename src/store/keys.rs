//! How rows are found: one tag byte, a u32 ledger number, big-endian fields. Tags are never reused; all keys of one
//! ledger's row kind are adjacent and in the order of their fields.

mod actions;

pub use actions::{
    action, actions, deadline, deadlines, inbox, inbox_rows, overdue, overdue_rows, trailing_person,
    trailing_time_and_id,
};

use crate::store::KeyRange;
use deedbook_verify::words::{EventId, Index, LedgerId, Ref, Revision, TreeSize};

/// A ledger's number in this store; the ledger table maps it to the ledger id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerNumber(pub u32);

/// The row kinds. The byte is the first of every key of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RowTag {
    /// Format version of the store.
    Format = 0x01,
    /// Ledger table: id to number.
    Ledger = 0x02,
    /// Ledger head: size, root, received, commit.
    Head = 0x03,
    /// Commit number to chain and touched heads.
    Commit = 0x04,
    /// Index to entry.
    Entry = 0x10,
    /// Index and block to encrypted body.
    Body = 0x11,
    /// Index to body key. A range of its own, so that copies can leave it out.
    BodyKey = 0x12,
    /// Source and event id to index.
    EventId = 0x13,
    /// Stream and revision to index.
    Stream = 0x14,
    /// Stream to last revision.
    StreamHead = 0x15,
    /// Source to last epoch and sequence.
    SourceHead = 0x17,
    /// Dimension, value and block of 256 entries to bitmap.
    Posting = 0x18,
    /// Level and number to a full tile.
    Tile = 0x19,
    /// Size to signed checkpoint.
    Checkpoint = 0x1a,
    /// The key under which imports over HTTP get their event ids.
    ImportIdKey = 0x1b,
    /// Index of an entry whose body was erased, to the index of the erasure.
    Erased = 0x1c,
    /// Index of an erasure whose keys may still lie in files of the store.
    Pending = 0x1d,
    /// Name of a persistent subscription to what it follows and where it stands.
    Subscription = 0x20,
    /// Subscription id and index to a parked event.
    Parked = 0x21,
    /// Action id to the fold of its stream.
    Action = 0x22,
    /// Deadline and action id, of every action that time alone will change.
    Deadline = 0x23,
    /// Expiry and action id, of every request that waits for people.
    Inbox = 0x24,
    /// Person and action id, of every break-glass whose review is overdue.
    Overdue = 0x25,
    /// Rows of the lineage graph: table and what tells a row from others there.
    Lineage = 0x26,
}

/// The index of posting rows: what is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Dimension {
    /// Kind.
    Kind = 1,
    /// Actor ref.
    Actor = 2,
    /// Action type.
    ActionType = 3,
    /// Outcome.
    Outcome = 4,
    /// Policy digest.
    Policy = 5,
    /// Source ref.
    Source = 6,
}

/// A posting's value: 16 bytes, short values padded with zeros, long ones cut or hashed.
pub type PostingValue = [u8; 16];

/// Entries that one posting row covers.
pub const POSTING_BLOCK_ENTRIES: u64 = 256;

/// A key on the stack; no key of this layout is longer.
#[derive(Clone, Copy)]
pub struct Key {
    bytes: [u8; Key::BYTES_MAX],
    length: usize,
}

impl Key {
    /// Tag, ledger, source ref, event id, and room.
    pub const BYTES_MAX: usize = 48;

    fn new(tag: RowTag, ledger: LedgerNumber) -> Key {
        Key { bytes: [0; Key::BYTES_MAX], length: 0 }.with(&[tag as u8]).with(&ledger.0.to_be_bytes())
    }

    fn global(tag: RowTag) -> Key {
        Key { bytes: [0; Key::BYTES_MAX], length: 0 }.with(&[tag as u8])
    }

    fn with(mut self, part: &[u8]) -> Key {
        let end = self.length + part.len();
        debug_assert!(end <= Key::BYTES_MAX, "every key of the layout fits");
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(part);
            self.length = end;
        }
        self
    }

    /// The key's bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }

    fn to_vec(self) -> Vec<u8> {
        self.as_slice().to_vec()
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        self.as_slice()
    }
}

/// The layout of the rows, kept in the store itself; another one is refused by name.
pub const STORE_FORMAT: u8 = 2;

/// The store's format version.
pub fn format() -> Key {
    Key::global(RowTag::Format)
}

/// The ledger's number.
pub fn ledger(id: &LedgerId) -> Key {
    Key::global(RowTag::Ledger).with(id.as_bytes())
}

/// All ledgers of the store.
pub fn ledgers() -> KeyRange {
    prefix(&[RowTag::Ledger as u8])
}

/// The ledger's head.
pub fn head(ledger: LedgerNumber) -> Key {
    Key::new(RowTag::Head, ledger)
}

/// A commit.
pub fn commit(number: u64) -> Key {
    Key::global(RowTag::Commit).with(&number.to_be_bytes())
}

/// All commits.
pub fn commits() -> KeyRange {
    prefix(&[RowTag::Commit as u8])
}

/// An entry.
pub fn entry(ledger: LedgerNumber, index: Index) -> Key {
    Key::new(RowTag::Entry, ledger).with(&index.0.to_be_bytes())
}

/// A block of an encrypted body.
pub fn body(ledger: LedgerNumber, index: Index, block: u16) -> Key {
    Key::new(RowTag::Body, ledger).with(&index.0.to_be_bytes()).with(&block.to_be_bytes())
}

/// The index in the key of a body's block.
pub fn body_index(key: &[u8]) -> Option<Index> {
    let (index, _block) = key.split_last_chunk::<2>()?;
    trailing_u64(index).map(Index)
}

/// All blocks of one body.
pub fn body_blocks(ledger: LedgerNumber, index: Index) -> KeyRange {
    prefix(Key::new(RowTag::Body, ledger).with(&index.0.to_be_bytes()).as_slice())
}

/// The key of a body.
pub fn body_key(ledger: LedgerNumber, index: Index) -> Key {
    Key::new(RowTag::BodyKey, ledger).with(&index.0.to_be_bytes())
}

/// The keys of the bodies of `[from, to)`.
pub fn body_keys(ledger: LedgerNumber, from: Index, to: Index) -> KeyRange {
    between(body_key(ledger, from), body_key(ledger, to))
}

/// All blocks of the bodies of `[from, to)`.
pub fn bodies(ledger: LedgerNumber, from: Index, to: Index) -> KeyRange {
    between(body(ledger, from, 0), body(ledger, to, 0))
}

/// Which erasure erased a body.
pub fn erased(ledger: LedgerNumber, index: Index) -> Key {
    Key::new(RowTag::Erased, ledger).with(&index.0.to_be_bytes())
}

/// The erased bodies of `[from, to)`.
pub fn erased_rows(ledger: LedgerNumber, from: Index, to: Index) -> KeyRange {
    between(erased(ledger, from), erased(ledger, to))
}

/// An erasure that is not finished.
pub fn pending(ledger: LedgerNumber, command: Index) -> Key {
    Key::new(RowTag::Pending, ledger).with(&command.0.to_be_bytes())
}

/// All erasures that are not finished.
pub fn pending_rows(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Pending, ledger).as_slice())
}

/// Where an event id stands.
pub fn event_id(ledger: LedgerNumber, source: &Ref, id: &EventId) -> Key {
    Key::new(RowTag::EventId, ledger).with(source.as_bytes()).with(id.as_bytes())
}

/// All event ids.
pub fn event_ids(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::EventId, ledger).as_slice())
}

/// Where a revision of a stream stands.
pub fn stream(ledger: LedgerNumber, stream: &Ref, revision: Revision) -> Key {
    Key::new(RowTag::Stream, ledger).with(stream.as_bytes()).with(&revision.0.to_be_bytes())
}

/// All entries of a stream.
pub fn stream_rows(ledger: LedgerNumber, stream: &Ref) -> KeyRange {
    prefix(Key::new(RowTag::Stream, ledger).with(stream.as_bytes()).as_slice())
}

/// The last revision of a stream.
pub fn stream_head(ledger: LedgerNumber, stream: &Ref) -> Key {
    Key::new(RowTag::StreamHead, ledger).with(stream.as_bytes())
}

/// All stream heads.
pub fn stream_heads(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::StreamHead, ledger).as_slice())
}

/// The last epoch and sequence of a source.
pub fn source_head(ledger: LedgerNumber, source: &Ref) -> Key {
    Key::new(RowTag::SourceHead, ledger).with(source.as_bytes())
}

/// All source heads.
pub fn source_heads(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::SourceHead, ledger).as_slice())
}

/// Which of 256 entries have a value.
pub fn posting(ledger: LedgerNumber, dimension: Dimension, value: &PostingValue, block: u64) -> Key {
    Key::new(RowTag::Posting, ledger).with(&[dimension as u8]).with(value).with(&block.to_be_bytes())
}

/// All blocks of one value.
pub fn postings(ledger: LedgerNumber, dimension: Dimension, value: &PostingValue) -> KeyRange {
    prefix(Key::new(RowTag::Posting, ledger).with(&[dimension as u8]).with(value).as_slice())
}

/// All postings.
pub fn all_postings(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Posting, ledger).as_slice())
}

/// A full tile.
pub fn tile(ledger: LedgerNumber, level: u8, number: u64) -> Key {
    Key::new(RowTag::Tile, ledger).with(&[level]).with(&number.to_be_bytes())
}

/// A signed checkpoint.
pub fn checkpoint(ledger: LedgerNumber, size: TreeSize) -> Key {
    Key::new(RowTag::Checkpoint, ledger).with(&size.0.to_be_bytes())
}

/// All signed checkpoints.
pub fn checkpoints(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Checkpoint, ledger).as_slice())
}

/// The id key for imports over HTTP.
pub fn import_id_key(ledger: LedgerNumber) -> Key {
    Key::new(RowTag::ImportIdKey, ledger)
}

const _: () = assert!(5 + crate::limits::SUBSCRIPTION_NAME_BYTES_MAX <= Key::BYTES_MAX, "a name is part of a key");

/// A persistent subscription. Names are at most `SUBSCRIPTION_NAME_BYTES_MAX` long.
pub fn subscription(ledger: LedgerNumber, name: &str) -> Key {
    Key::new(RowTag::Subscription, ledger).with(name.as_bytes())
}

/// All persistent subscriptions.
pub fn subscriptions(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Subscription, ledger).as_slice())
}

/// An event that a subscription parked.
pub fn parked(ledger: LedgerNumber, subscription: &[u8; 16], index: Index) -> Key {
    Key::new(RowTag::Parked, ledger).with(subscription).with(&index.0.to_be_bytes())
}

/// All events that a subscription parked.
pub fn parked_of(ledger: LedgerNumber, subscription: &[u8; 16]) -> KeyRange {
    prefix(Key::new(RowTag::Parked, ledger).with(subscription).as_slice())
}

/// All parked events.
pub fn all_parked(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Parked, ledger).as_slice())
}

/// A row of the lineage graph, by the key that the fold gives it: at most 18 bytes.
pub fn lineage(ledger: LedgerNumber, row: &[u8]) -> Key {
    Key::new(RowTag::Lineage, ledger).with(row)
}

/// All rows of the lineage graph.
pub fn lineage_rows(ledger: LedgerNumber) -> KeyRange {
    prefix(Key::new(RowTag::Lineage, ledger).as_slice())
}

/// Everything between two keys of the layout.
pub fn between(from: Key, to: Key) -> KeyRange {
    KeyRange { from: from.to_vec(), to: to.to_vec() }
}

/// Every key that starts with these bytes.
pub fn prefix(bytes: &[u8]) -> KeyRange {
    let mut to = bytes.to_vec();
    while let Some(last) = to.pop() {
        if let Some(next) = last.checked_add(1) {
            to.push(next);
            break;
        }
    }
    KeyRange { from: bytes.to_vec(), to }
}

/// The last 8 bytes of a key as a number: index, revision, block or size, whichever the row kind ends with.
pub fn trailing_u64(key: &[u8]) -> Option<u64> {
    key.last_chunk::<8>().map(|bytes| u64::from_be_bytes(*bytes))
}
