//! Lists: the rows that know the answer, never a scan of the whole log. Candidates come in ascending order from the
//! narrowest index; each is then checked against all conditions on its own entry.

use crate::domain::Filter;
use crate::ledger::error::ReadError;
use crate::ledger::postings::{Bitmap, action_value, indexes_of, kind_value, outcome_value, policy_value};
use crate::ledger::reader::Reader;
use crate::store::keys::{self, Dimension, POSTING_BLOCK_ENTRIES, PostingValue};
use crate::store::{Direction, KeyRange};
use deedbook_verify::entry::Entry;
use deedbook_verify::words::{Index, Micros, TreeSize};
use std::ops::ControlFlow;

/// Which candidates to look at, and how many answers are wanted.
struct Page {
    from: Index,
    to: Index,
    limit: usize,
}

impl Reader {
    /// Up to `limit` indexes from `from` on, below the tree size `at`, that meet the filter.
    pub fn list(&self, filter: &Filter, from: Index, at: TreeSize, limit: usize) -> Result<Vec<Index>, ReadError> {
        let end = Index(at.0.min(self.head().size.0));
        let (low, high) = match &filter.received {
            None => (Index(0), end),
            Some(times) => (self.first_received(times.start, end)?, self.first_received(times.end, end)?),
        };
        let page = Page { from: from.max(low), to: high, limit };
        if page.from >= page.to || limit == 0 {
            return Ok(Vec::new());
        }
        let dimensions = dimensions_of(filter);
        if let Some(stream) = filter.stream {
            return self.list_rows(filter, &page, &keys::stream_rows(self.number, &stream), Row::Stream);
        }
        match (dimensions.split_first(), filter.source) {
            (Some((first, others)), _) => self.list_postings(filter, &page, first, others),
            (None, Some(source)) => {
                self.list_rows(filter, &page, &keys::source_frames(self.number, &source), Row::SourceFrame)
            }
            (None, None) => Ok((page.from.0..page.to.0).take(limit).map(Index).collect()),
        }
    }

    /// The first index below `end` that was received at or after a time; entries are in the order of that time.
    fn first_received(&self, time: Micros, end: Index) -> Result<Index, ReadError> {
        let (mut low, mut high) = (0, end.0);
        while low < high {
            let middle = low + (high - low) / 2;
            let bytes = self.entry(Index(middle))?;
            let entry = Entry::parse(&bytes).map_err(|malformed| ReadError::Corrupt(malformed.to_string()))?;
            if entry.seal.received < time { low = middle + 1 } else { high = middle }
        }
        Ok(Index(low))
    }

    fn meets(&self, filter: &Filter, index: Index) -> Result<bool, ReadError> {
        let bytes = self.entry(index)?;
        let entry = Entry::parse(&bytes).map_err(|malformed| ReadError::Corrupt(malformed.to_string()))?;
        let facts = &entry.facts;
        Ok(filter.kind.is_none_or(|kind| kind == facts.kind)
            && filter.source.is_none_or(|source| source == facts.source)
            && filter.stream.is_none_or(|stream| facts.stream == Some(stream))
            && filter.actor.is_none_or(|actor| facts.actor.is_some_and(|found| found.who == actor))
            && filter.outcome.is_none_or(|outcome| facts.outcome == Some(outcome))
            && filter.policy.is_none_or(|policy| facts.policy_digest == Some(policy))
            && filter.action_type.as_deref().is_none_or(|code| facts.action_type.is_some_and(|c| c.as_str() == code)))
    }

    fn list_rows(&self, filter: &Filter, page: &Page, range: &KeyRange, row: Row) -> Result<Vec<Index>, ReadError> {
        let (mut found, mut failure) = (Vec::new(), None);
        self.shared.store.scan(range, Direction::Forward, &mut |key, value| {
            for index in row.indexes(key, value) {
                if index < page.from || index >= page.to {
                    continue;
                }
                match self.meets(filter, index) {
                    Ok(true) => found.push(index),
                    Ok(false) => {}
                    Err(error) => failure = Some(error),
                }
                if found.len() >= page.limit || failure.is_some() {
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        })?;
        failure.map_or(Ok(found), Err)
    }

    /// Blocks of the first value, cut with those of the others.
    fn list_postings(
        &self,
        filter: &Filter,
        page: &Page,
        first: &(Dimension, PostingValue),
        others: &[(Dimension, PostingValue)],
    ) -> Result<Vec<Index>, ReadError> {
        let (mut found, mut failure) = (Vec::new(), None);
        let start = page.from.0 / POSTING_BLOCK_ENTRIES;
        let end = page.to.0.div_ceil(POSTING_BLOCK_ENTRIES);
        let range = keys::between(
            keys::posting(self.number, first.0, &first.1, start),
            keys::posting(self.number, first.0, &first.1, end),
        );
        self.shared.store.scan(&range, Direction::Forward, &mut |key, value| {
            let cut = || -> Result<(), ReadError> {
                let block = keys::trailing_u64(key).ok_or(ReadError::Corrupt("a posting key".to_owned()))?;
                let bitmap = self.cut(block, value, others)?;
                for index in indexes_of(block, &bitmap) {
                    let inside = index >= page.from && index < page.to && found.len() < page.limit;
                    if inside && self.meets(filter, index)? {
                        found.push(index);
                    }
                }
                Ok(())
            };
            let mut cut = cut;
            match cut() {
                Ok(()) if found.len() < page.limit => ControlFlow::Continue(()),
                Ok(()) => ControlFlow::Break(()),
                Err(error) => {
                    failure = Some(error);
                    ControlFlow::Break(())
                }
            }
        })?;
        failure.map_or(Ok(found), Err)
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

/// What the rows of an index say.
#[derive(Clone, Copy)]
enum Row {
    /// The value is the index.
    Stream,
    /// The key ends with the first index, the value is the count.
    SourceFrame,
}

impl Row {
    fn indexes(self, key: &[u8], value: &[u8]) -> impl Iterator<Item = Index> + use<> {
        let (first, count) = match self {
            Row::Stream => (keys::trailing_u64(value), 1),
            Row::SourceFrame => {
                let count = value.try_into().map(u16::from_be_bytes).unwrap_or(0);
                (keys::trailing_u64(key), count)
            }
        };
        first.into_iter().flat_map(move |first| (first..).take(usize::from(count)).map(Index))
    }
}

/// The posting rows that a filter can use.
fn dimensions_of(filter: &Filter) -> Vec<(Dimension, PostingValue)> {
    [
        filter.actor.map(|actor| (Dimension::Actor, actor.0)),
        filter.policy.map(|policy| (Dimension::Policy, policy_value(&policy))),
        filter.action_type.as_deref().map(|code| (Dimension::ActionType, action_value(code))),
        filter.kind.map(|kind| (Dimension::Kind, kind_value(kind))),
        filter.outcome.map(|outcome| (Dimension::Outcome, outcome_value(outcome.number()))),
    ]
    .into_iter()
    .flatten()
    .collect()
}
