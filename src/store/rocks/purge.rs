//! Deleted rows leave the disk: flush, compaction down to the last level, and a look at what lies in the folder. The
//! engine deletes files by itself, but when it likes and without a word; here it is asked, and then checked.

use super::{RocksStore, split, translate};
use crate::limits;
use crate::plant::Bug;
use crate::store::{KeyRange, Purged, Store, StoreError};
use rocksdb::properties::NUM_SNAPSHOTS;
use rocksdb::{BottommostLevelCompaction, CompactOptions};
use std::collections::BTreeSet;
use std::fs::{File, read_dir};
use std::path::Path;

impl RocksStore {
    /// Three kinds of files may hold a deleted row: logs, tables that compaction left behind, and live tables in which
    /// the row hides under its deletion.
    pub(super) fn purge_range(&self, range: &KeyRange) -> Result<Purged, StoreError> {
        // Whatever deleted the rows is in these logs or in tables; later logs never held the rows.
        let logs = self.files(".log")?;
        self.flush()?;
        // A compaction keeps what a snapshot sees, even if the snapshot ends in its middle.
        if self.db.property_int_value(NUM_SNAPSHOTS).map_err(translate)? != Some(0) {
            return Ok(Purged::NotYet);
        }
        if Bug::PurgeUncompacted.planted() {
            return Ok(Purged::Everywhere);
        }
        let mut options = CompactOptions::default();
        // Without it, the last level would be left as it is, and with it what hides there.
        options.set_bottommost_level_compaction(BottommostLevelCompaction::ForceOptimized);
        // Merging for the sake of writers goes on meanwhile.
        options.set_exclusive_manual_compaction(false);
        for (family, part) in split(range) {
            let end = Some(part.to.as_slice()).filter(|to| !to.is_empty());
            // The engine does not say how it went; what follows asks.
            self.db.compact_range_cf_opt(self.family(family)?, Some(&part.from), end, &options);
        }
        if self.hides_deletions(range)? || !self.are_gone(&logs)? {
            return Ok(Purged::NotYet);
        }
        // An unlinked name may come back after a power cut until its folder is synced.
        let synced = File::open(&self.path).and_then(|folder| folder.sync_all());
        synced.map_err(|error| StoreError::Failed(format!("{}: {error}", self.path.display())))?;
        Ok(Purged::Everywhere)
    }

    /// Whether a live table that may hold rows of the range still has deletions: the compaction failed, or rows were
    /// deleted after the flush.
    fn hides_deletions(&self, range: &KeyRange) -> Result<bool, StoreError> {
        let parts = split(range);
        let tables = self.db.live_files().map_err(translate)?;
        Ok(tables.iter().any(|table| {
            let overlaps = |part: &KeyRange| {
                let ends_before = table.end_key.as_ref().is_some_and(|end| *end < part.from);
                let begins_behind =
                    table.start_key.as_ref().is_some_and(|start| !part.to.is_empty() && *start >= part.to);
                !ends_before && !begins_behind
            };
            let mine = parts.iter().any(|(family, part)| family.name() == table.column_family_name && overlaps(part));
            mine && table.num_deletions > 0
        }))
    }

    /// Waits until the old logs and every table that is not live have left the folder; false if a reader keeps one.
    fn are_gone(&self, logs: &BTreeSet<String>) -> Result<bool, StoreError> {
        // Listed first: what is made meanwhile is live, or is looked at until it is.
        let tables = self.files(".sst")?;
        for _ in 0..limits::PURGE_LOOKS_MAX {
            let live = self.db.live_files().map_err(translate)?;
            let live: BTreeSet<&str> = live.iter().map(|table| table.name.trim_start_matches('/')).collect();
            let dead = tables.iter().filter(|name| !live.contains(name.as_str()));
            // A log that holds nothing is the current one of a store that was flushed already.
            let holds = |name: &String| self.path.join(name).metadata().is_ok_and(|file| file.len() > 0);
            if !dead.chain(logs).any(holds) {
                return Ok(true);
            }
            std::thread::sleep(limits::PURGE_LOOK_PAUSE);
        }
        Ok(false)
    }

    /// Names in the store's folder that end so.
    fn files(&self, ending: &str) -> Result<BTreeSet<String>, StoreError> {
        names(&self.path, ending).map_err(|error| StoreError::Failed(format!("{}: {error}", self.path.display())))
    }
}

fn names(folder: &Path, ending: &str) -> std::io::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(ending) {
            found.insert(name);
        }
    }
    Ok(found)
}
