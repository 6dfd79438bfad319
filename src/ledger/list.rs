//! Selections: the rows that know the answer, never a scan of the whole log. Candidates come in ascending order from
//! the narrowest index, and behind the last full block of postings, fewer than 256, from the entries; each is then
//! checked against all conditions on its own entry. Pages and subscriptions both select here; what they do with what
//! was found is theirs.

use crate::domain::Filter;
use crate::ledger::error::ReadError;
use crate::ledger::postings::{Bitmap, action_value, indexes_of, kind_value, outcome_value, policy_value, rows_end};
use crate::ledger::reader::Reader;
use crate::ledger::rows::parse_u64;
use crate::store::keys::{self, Dimension, POSTING_BLOCK_ENTRIES, PostingValue};
use crate::store::{Direction, KeyRange};
use deedbook_verify::entry::Entry;
use deedbook_verify::words::{Index, Micros, Ref, Revision, TreeSize};
use std::ops::{ControlFlow, Range};

/// What a selection calls for each entry that meets the filter, in ascending order; `Break` ends it.
pub(super) type Found<'f> = dyn FnMut(Index, Vec<u8>) -> Result<ControlFlow<()>, ReadError> + 'f;

impl Reader {
    /// Up to `limit` indexes from `from` on, below the tree size `at`, that meet the filter.
    pub fn list(&self, filter: &Filter, from: Index, at: TreeSize, limit: usize) -> Result<Vec<Index>, ReadError> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        self.select(filter, from..Index(at.0), &mut |index, _| {
            found.push(index);
            Ok(if found.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })?;
        Ok(found)
    }

    /// Visits the entries of a range that meet the filter, up to the published size. An iterator of the store lives as
    /// long as the call, so the caller bounds the range or breaks.
    pub(super) fn select(&self, filter: &Filter, range: Range<Index>, found: &mut Found<'_>) -> Result<(), ReadError> {
        let size = self.head().size;
        let mut range = range.start..range.end.min(Index(size.0));
        if let Some(times) = &filter.received {
            range = self.first_received(times.start, &range)?..self.first_received(times.end, &range)?;
        }
        if range.start >= range.end {
            return Ok(());
        }
        if let Some(stream) = filter.stream {
            let rows = self.stream_rows_from(&stream, range.start)?;
            return self.select_stream(filter, &range, &rows, found);
        }
        let dimensions = dimensions_of(filter);
        let Some((first, others)) = dimensions.split_first() else { return self.select_all(&range, found) };
        let split = rows_end(size);
        if self.select_postings(filter, &(range.start..range.end.min(split)), first, others, found)?.is_break() {
            return Ok(());
        }
        for index in (range.start.max(split).0..range.end.0).map(Index) {
            if self.offer(filter, index, found)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The first index of a range that was received at or after a time; entries are in the order of that time.
    pub(super) fn first_received(&self, time: Micros, range: &Range<Index>) -> Result<Index, ReadError> {
        let (mut low, mut high) = (range.start.0, range.end.0);
        while low < high {
            let middle = low + (high - low) / 2;
            let bytes = self.entry(Index(middle))?;
            let entry = Entry::parse(&bytes).map_err(|malformed| ReadError::Corrupt(malformed.to_string()))?;
            if entry.seal.received < time { low = middle + 1 } else { high = middle }
        }
        Ok(Index(low))
    }

    /// The rows of a stream from the first revision that stands at `from` or behind it. Revisions are dense and in the
    /// order of their indexes, so the first one is found without reading the others.
    fn stream_rows_from(&self, stream: &Ref, from: Index) -> Result<KeyRange, ReadError> {
        let number = |bytes: Option<Vec<u8>>| -> Result<Option<u64>, ReadError> {
            bytes.map(|bytes| parse_u64(&bytes)).transpose().map_err(|error| ReadError::Corrupt(error.to_string()))
        };
        let store = self.shared.store.as_ref();
        let last = number(store.get(keys::stream_head(self.number, stream).as_slice())?)?.unwrap_or(0);
        let (mut low, mut high) = (1, last.saturating_add(1));
        while low < high {
            let middle = low + (high - low) / 2;
            let row = keys::stream(self.number, stream, Revision(middle));
            let index = number(store.get(row.as_slice())?)?;
            let index = index.ok_or_else(|| ReadError::Corrupt(format!("revision {middle} of stream {stream}")))?;
            if index < from.0 { low = middle + 1 } else { high = middle }
        }
        Ok(keys::between(
            keys::stream(self.number, stream, Revision(low)),
            keys::stream(self.number, stream, Revision(u64::MAX)),
        ))
    }

    /// Hands an entry on if it meets every condition; the one on time is met by the range.
    fn offer(&self, filter: &Filter, index: Index, found: &mut Found<'_>) -> Result<ControlFlow<()>, ReadError> {
        let bytes = self.entry(index)?;
        let entry = Entry::parse(&bytes).map_err(|malformed| ReadError::Corrupt(malformed.to_string()))?;
        let facts = &entry.facts;
        let meets = filter.kind.is_none_or(|kind| kind == facts.kind)
            && filter.source.is_none_or(|source| source == facts.source)
            && filter.stream.is_none_or(|stream| facts.stream == Some(stream))
            && filter.actor.is_none_or(|actor| facts.actor.is_some_and(|found| found.who == actor))
            && filter.outcome.is_none_or(|outcome| facts.outcome == Some(outcome))
            && filter.policy.is_none_or(|policy| facts.policy_digest == Some(policy))
            && filter.action_type.as_deref().is_none_or(|code| facts.action_type.is_some_and(|c| c.as_str() == code));
        if meets { found(index, bytes) } else { Ok(ControlFlow::Continue(())) }
    }

    /// Every entry: no condition is left.
    fn select_all(&self, range: &Range<Index>, found: &mut Found<'_>) -> Result<(), ReadError> {
        let rows = keys::between(keys::entry(self.number, range.start), keys::entry(self.number, range.end));
        let (mut next, mut ended) = (range.start, Ok(ControlFlow::Continue(())));
        self.shared.store.scan(&rows, Direction::Forward, &mut |key, entry| {
            ended = match keys::trailing_u64(key) {
                Some(index) if index == next.0 => found(next, entry.to_vec()),
                Some(_) | None => Err(ReadError::Corrupt(format!("entry {next} is missing"))),
            };
            next = Index(next.0.saturating_add(1));
            if matches!(ended, Ok(ControlFlow::Continue(()))) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        match ended? {
            ControlFlow::Continue(()) if next < range.end => {
                Err(ReadError::Corrupt(format!("entry {next} is missing")))
            }
            ControlFlow::Continue(()) | ControlFlow::Break(()) => Ok(()),
        }
    }

    fn select_stream(
        &self,
        filter: &Filter,
        range: &Range<Index>,
        rows: &KeyRange,
        found: &mut Found<'_>,
    ) -> Result<(), ReadError> {
        let mut ended = Ok(ControlFlow::Continue(()));
        self.shared.store.scan(rows, Direction::Forward, &mut |_, value| {
            ended = match keys::trailing_u64(value).map(Index) {
                Some(index) if index < range.end => self.offer(filter, index, found),
                Some(_) => Ok(ControlFlow::Break(())),
                None => Err(ReadError::Corrupt("a stream row of the wrong length".to_owned())),
            };
            if matches!(ended, Ok(ControlFlow::Continue(()))) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        ended.map(|_| ())
    }

    /// Full blocks of the first value, cut with those of the others; `Break` if no more is wanted.
    fn select_postings(
        &self,
        filter: &Filter,
        range: &Range<Index>,
        first: &(Dimension, PostingValue),
        others: &[(Dimension, PostingValue)],
        found: &mut Found<'_>,
    ) -> Result<ControlFlow<()>, ReadError> {
        if range.start >= range.end {
            return Ok(ControlFlow::Continue(()));
        }
        let start = range.start.0 / POSTING_BLOCK_ENTRIES;
        let end = range.end.0.div_ceil(POSTING_BLOCK_ENTRIES);
        let rows = keys::between(
            keys::posting(self.number, first.0, &first.1, start),
            keys::posting(self.number, first.0, &first.1, end),
        );
        let mut ended = Ok(ControlFlow::Continue(()));
        self.shared.store.scan(&rows, Direction::Forward, &mut |key, value| {
            ended = self.offer_block(key, value, others, range, &mut |index| self.offer(filter, index, found));
            if matches!(ended, Ok(ControlFlow::Continue(()))) {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        ended
    }

    fn offer_block(
        &self,
        key: &[u8],
        value: &[u8],
        others: &[(Dimension, PostingValue)],
        range: &Range<Index>,
        offer: &mut dyn FnMut(Index) -> Result<ControlFlow<()>, ReadError>,
    ) -> Result<ControlFlow<()>, ReadError> {
        let block = keys::trailing_u64(key).ok_or(ReadError::Corrupt("a posting key".to_owned()))?;
        for index in indexes_of(block, &self.cut(block, value, others)?) {
            if range.contains(&index) && offer(index)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn cut(&self, block: u64, value: &[u8], others: &[(Dimension, PostingValue)]) -> Result<Bitmap, ReadError> {
        let wrong = |_| ReadError::Corrupt("a posting row of the wrong length".to_owned());
        let mut bitmap: Bitmap = value.try_into().map_err(wrong)?;
        for (dimension, value) in others {
            let key = keys::posting(self.number, *dimension, value, block);
            let other = self.shared.store.get(key.as_slice())?.unwrap_or_else(|| Bitmap::default().to_vec());
            bitmap.iter_mut().zip(other).for_each(|(bits, other)| *bits &= other);
        }
        Ok(bitmap)
    }
}

/// The posting rows that a filter can use.
fn dimensions_of(filter: &Filter) -> Vec<(Dimension, PostingValue)> {
    [
        filter.actor.map(|actor| (Dimension::Actor, actor.0)),
        filter.policy.map(|policy| (Dimension::Policy, policy_value(&policy))),
        filter.source.map(|source| (Dimension::Source, source.0)),
        filter.action_type.as_deref().map(|code| (Dimension::ActionType, action_value(code))),
        filter.kind.map(|kind| (Dimension::Kind, kind_value(kind))),
        filter.outcome.map(|outcome| (Dimension::Outcome, outcome_value(outcome.number()))),
    ]
    .into_iter()
    .flatten()
    .collect()
}
