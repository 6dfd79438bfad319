//! What an evidence package rests on: the signed checkpoints around a period, and what stood before them. It judges
//! nothing: whoever writes the package does, and whoever checks it again.

use crate::domain::Filter;
use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::ledger::tiles::KeptCheckpoint;
use crate::limits::EXPORT_LEAD_US;
use crate::store::{Direction, keys};
use deedbook_verify::detail::GOVERNANCE_ACTION;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::package::{Period, Start};
use deedbook_verify::replay::{GOVERNING, governs};
use deedbook_verify::words::{Index, Micros, Ref, TreeSize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

/// Two kept checkpoints, and all entries between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// The tree size at which it begins; 0: with genesis.
    pub begins: TreeSize,
    /// The tree size at which it ends.
    pub ends: TreeSize,
}

impl Reader {
    /// The narrowest interval between kept checkpoints that shows a period to be whole: with an entry from before it, by as
    /// long as requests and grants may live, and one from behind it. A period that goes on beyond the log ends with it, by
    /// a checkpoint that is signed now.
    pub fn interval_of(&self, period: Period) -> Result<Interval, ReadError> {
        let newest = self.signed_size()?;
        let all = Index(0)..Index(newest.0);
        let lead = Micros(period.from.0.saturating_sub(EXPORT_LEAD_US));
        let first = self.first_received(lead, &all)?;
        let behind = self.first_received(period.to, &all)?;
        let ends = self.kept_from(TreeSize(behind.0.saturating_add(1)))?.unwrap_or(newest);
        // The entry before the first one is of the interval too, and so the interval has one.
        let begins = self.kept_to(TreeSize(first.0.min(ends.0).saturating_sub(1)))?;
        Ok(Interval { begins, ends })
    }

    /// The signed note of a size that is kept.
    pub fn note_of(&self, size: TreeSize) -> Result<Vec<u8>, ReadError> {
        match self.kept_checkpoint(size)? {
            KeptCheckpoint::Kept(note) => Ok(note),
            KeptCheckpoint::NotKept { below, above } => Err(ReadError::CheckpointNotKept { size, below, above }),
        }
    }

    /// What stood before an interval that does not begin with genesis. Blocking: it reads each governing entry.
    pub fn start_of(&self, begins: TreeSize) -> Result<Start, ReadError> {
        let mut governing = BTreeSet::from([Index(0)]);
        let kinds = GOVERNING.iter().map(|kind| Filter { kind: Some(*kind), ..Filter::default() });
        // Votes on governing commands say so; those on actions are many and none of them is read.
        let votes = Filter { action_type: Some(GOVERNANCE_ACTION.to_owned()), ..Filter::default() };
        for filter in kinds.chain([votes]) {
            governing.extend(self.list(&filter, Index(0), begins, usize::MAX)?);
        }
        let (mut entries, mut broken_at) = (BTreeMap::new(), BTreeSet::new());
        for index in governing {
            let entry = self.entry(index)?;
            let facts = facts_of(&entry)?;
            if !governs(&facts) {
                continue;
            }
            let silent: Vec<Ref> = facts.break_glass.iter().flat_map(|declared| declared.silent()).collect();
            let behind = Index(index.0.saturating_add(1));
            let mut refused = false;
            if behind.0 < begins.0 {
                let next = self.entry(behind)?;
                refused = facts_of(&next)?.kind == Kind::CommandRefused;
                entries.insert(behind, next);
            }
            if !refused {
                broken_at.extend(self.first_command(&silent, behind, begins)?);
            }
            entries.insert(index, entry);
        }
        for index in broken_at {
            entries.insert(index, self.entry(index)?);
        }
        let indexes: Vec<Index> = entries.keys().copied().collect();
        Ok(Start {
            frontier: self.frontier(begins)?.roots().to_vec(),
            hashes: self.inclusions(&indexes, begins)?,
            entries: entries.into_iter().collect(),
        })
    }

    /// The first command from an entry on that one of these sources signed: what breaks the silence of all of them.
    fn first_command(&self, sources: &[Ref], from: Index, below: TreeSize) -> Result<Option<Index>, ReadError> {
        let mut first = None;
        for source in sources {
            for kind in Kind::ALL.iter().filter(|kind| kind.author() == Author::Asker) {
                let filter = Filter { kind: Some(*kind), source: Some(*source), ..Filter::default() };
                let found = self.list(&filter, from, below, 1)?.first().copied();
                first = first.into_iter().chain(found).min();
            }
        }
        Ok(first)
    }

    /// How many bodies of `[first, end)` can be disclosed. Blocking: it visits each of their keys.
    pub fn bodies_between(&self, first: Index, end: TreeSize) -> Result<u64, ReadError> {
        let mut count = 0u64;
        let rows = keys::body_keys(self.number, first, Index(end.0));
        self.shared.store.scan(&rows, Direction::Forward, &mut |_, _| {
            count = count.saturating_add(1);
            ControlFlow::Continue(())
        })?;
        Ok(count)
    }

    /// The size of the newest checkpoint, signed now if the log has grown.
    fn signed_size(&self) -> Result<TreeSize, ReadError> {
        let note = self.checkpoint()?;
        let opened = open_checkpoint(&note, self.verifier_key());
        Ok(opened.map_err(|refusal| ReadError::NoCheckpoint(refusal.to_string()))?.checkpoint().head.size)
    }

    /// The smallest size at or above this one whose checkpoint is kept.
    pub(super) fn kept_from(&self, size: TreeSize) -> Result<Option<TreeSize>, ReadError> {
        match self.kept_checkpoint(size)? {
            KeptCheckpoint::Kept(_) => Ok(Some(size)),
            KeptCheckpoint::NotKept { above, .. } => Ok(above),
        }
    }

    /// The largest size at or below this one whose checkpoint is kept; 0 if there is none.
    fn kept_to(&self, size: TreeSize) -> Result<TreeSize, ReadError> {
        match self.kept_checkpoint(size)? {
            KeptCheckpoint::Kept(_) => Ok(size),
            KeptCheckpoint::NotKept { below, .. } => Ok(below.unwrap_or(TreeSize(0))),
        }
    }
}

fn facts_of(entry: &[u8]) -> Result<Facts<'_>, ReadError> {
    Ok(Entry::parse(entry).map_err(|malformed| ReadError::Corrupt(malformed.to_string()))?.facts)
}
