//! A further member of the anchor set, on another volume: made in words, beside a store and a first anchor that agree.
//! Opening never makes one, for an empty folder may be a volume that is not mounted.

use crate::ledger::dir::DataDir;
use crate::ledger::error::OpenError;
use crate::ledger::open::{check_anchors, stored_head};
use crate::store::{Access, AnchorRecord, AnchorSet, FileAnchor, RocksStore};
use std::path::Path;

/// Makes `FOLDER/head.anchor` at the ledger's newest commit. The folder must be there, the ledger must not be open, and
/// its own anchor must be whole. If we crash while the file is written, it is refused as damaged, and to be deleted.
pub fn add_anchor(dir: &DataDir, folder: &Path) -> Result<AnchorRecord, OpenError> {
    RocksStore::find(&dir.store())?;
    let first = FileAnchor::open(&dir.anchor_file())?;
    let store = RocksStore::open(&dir.store(), Access::ReadWrite)?;
    let (head, commit) = stored_head(&store)?;
    let set = AnchorSet::new(Box::new(first), Vec::new());
    if set.load_all()?.iter().any(|loaded| loaded.one_slot_damaged) {
        return Err(OpenError::AnchorDoubtful { commit: head.commit });
    }
    check_anchors(&store, &set, &head, &commit)?;
    let record = AnchorRecord { commit: head.commit, size: head.head.size, chain: commit.chain };
    FileAnchor::create(&DataDir::anchor_in(folder), &record)?;
    Ok(record)
}
