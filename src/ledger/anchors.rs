//! What an operator does to the anchor set of a ledger that is not open: make a further member on another volume, or the
//! first one anew. Opening never makes one, for an empty folder may be a volume that is not mounted.

use crate::ledger::dir::DataDir;
use crate::ledger::genesis::FIRST_LEDGER;
use crate::ledger::open::{check_anchor, check_anchors, stored_head};
use crate::ledger::refusal::OpenError;
use crate::record::load_public;
use crate::store::{
    Access, AnchorError, AnchorRecord, AnchorSet, Direction, FileAnchor, HeadAnchor, RocksStore, Rows, keys,
};
use deedbook_verify::hash;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::tree::{Frontier, TreeHead};
use deedbook_verify::words::Index;
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Makes `FOLDER/head.anchor` at the ledger's newest commit, and the folder if only that is not there. The ledger must
/// not be open, and its own anchor must be whole. If we crash while the file is written, it is refused as damaged, and to
/// be deleted.
pub fn add_anchor(dir: &DataDir, folder: &Path) -> Result<AnchorRecord, OpenError> {
    RocksStore::find(&dir.store())?;
    let path = DataDir::anchor_in(folder);
    if path.exists() {
        return Err(AnchorError::Exists(path).into());
    }
    let first = FileAnchor::open(&dir.anchor_file())?;
    let store = RocksStore::open(&dir.store(), Access::ReadWrite)?;
    let (head, commit) = stored_head(&store)?;
    let set = AnchorSet::new(Box::new(first), Vec::new());
    if let Some((anchor, _)) = set.load_all()?.into_iter().find(|(_, loaded)| loaded.one_slot_damaged) {
        return Err(OpenError::AnchorDoubtful { anchor, commit: head.commit });
    }
    check_anchors(&store, &set, &head, &commit)?;
    let record = AnchorRecord { commit: head.commit, size: head.head.size, chain: commit.chain };
    make_folder(folder)?;
    FileAnchor::create(&path, &record)?;
    Ok(record)
}

/// The last folder of a path alone: where its parent is missing too, a volume may not be mounted.
fn make_folder(folder: &Path) -> Result<(), OpenError> {
    use std::os::unix::fs::DirBuilderExt;
    let failed = |error| OpenError::AnchorFolder { path: folder.to_owned(), error };
    match std::fs::DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) => Err(failed(error)),
        Ok(()) => {
            // That the folder is there is known to its parent alone.
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
        }
    }
}

/// What becomes of an anchor that is sound and refuses the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SoundAnchor {
    /// It stays, and nothing is rebuilt.
    Keep,
    /// It is replaced all the same: the operator knows that what it remembers is lost.
    Replace,
}

/// The operator's way out of a lost or damaged anchor: a published checkpoint vouches for the recovered log. The anchor
/// that was there is kept beside the new one.
pub fn rebuild_anchor(dir: &DataDir, note: &[u8], sound: SoundAnchor) -> Result<AnchorRecord, OpenError> {
    RocksStore::find(&dir.store())?;
    let path = dir.anchor_file();
    // Held until its successor is locked: a server that runs here keeps what it has.
    let held = match FileAnchor::open(&path) {
        Ok(anchor) => Some(anchor),
        Err(AnchorError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let store = RocksStore::open(&dir.store(), Access::ReadWrite)?;
    let key = load_public(&dir.verifier_key())?;
    let checkpoint = open_checkpoint(note, &key).map_err(|refusal| OpenError::Checkpoint(refusal.to_string()))?;
    let (head, commit) = stored_head(&store)?;
    check_vouched(&store, checkpoint.checkpoint().head, head.head)?;
    // Neither slot sound: there is nothing that a new one would forget.
    let known = held.as_ref().and_then(|held| held.load().ok());
    if let (Some(known), SoundAnchor::Keep) = (known, sound) {
        let (anchor, record) = (path.display().to_string(), known.record);
        match check_anchor(&store, (&anchor, &record), &head, &commit) {
            Ok(()) => {}
            Err(refusal @ (OpenError::EntriesMissing { .. } | OpenError::HistoryDiffers { .. })) => {
                let refusal = Box::new(refusal);
                return Err(OpenError::AnchorSound { anchor, commit: record.commit, size: record.size, refusal });
            }
            Err(error) => return Err(error),
        }
    }
    let record = AnchorRecord { commit: head.commit, size: head.head.size, chain: commit.chain };
    let io = |error| OpenError::Anchor(AnchorError::Io { path: path.clone(), error });
    if path.exists() {
        std::fs::rename(&path, unused(&dir.anchor())).map_err(io)?;
    }
    std::fs::create_dir_all(dir.anchor()).map_err(io)?;
    FileAnchor::create(&path, &record)?;
    Ok(record)
}

/// A name for a replaced anchor; earlier ones are kept too.
fn unused(folder: &Path) -> PathBuf {
    let first = folder.join("head.anchor.replaced");
    let later = (2u32..).map(|number| folder.join(format!("head.anchor.replaced-{number}")));
    std::iter::once(first.clone()).chain(later).find(|path| !path.exists()).unwrap_or(first)
}

/// The store must hold what the checkpoint was signed for.
fn check_vouched(store: &RocksStore, wanted: TreeHead, stored: TreeHead) -> Result<(), OpenError> {
    if wanted.size > stored.size {
        return Err(OpenError::Checkpoint(format!(
            "the checkpoint has {} entries, the store only {}: acknowledged entries are missing, restore a newer copy",
            wanted.size, stored.size
        )));
    }
    let mut tree = Frontier::new();
    let range = keys::between(keys::entry(FIRST_LEDGER, Index(0)), keys::entry(FIRST_LEDGER, Index(wanted.size.0)));
    Rows::scan(store, &range, Direction::Forward, &mut |_, value| {
        tree.push(hash::leaf(value));
        ControlFlow::Continue(())
    })?;
    match tree.head() == wanted {
        true => Ok(()),
        false => Err(OpenError::Checkpoint("the store's entries do not hash to the checkpoint's root".to_owned())),
    }
}
