//! The files of entries and bodies, read on a thread of its own that also hashes: the files for their manifest, each entry
//! for the trees, each body for its commitment. What it hands over is judged by whoever takes it.

use crate::hash::EntryHashes;
use crate::limits;
use crate::package::bodies::{BodyHashed, BodyRecords};
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::exam::ENTRIES_FILE;
use crate::package::files::{Folder, Hashing, unreadable};
use crate::package::views::Written;
use crate::words::Index;
use std::io::{self, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes of entries that are handed over at once.
const BLOCK: usize = 256 * 1024;

/// Some entries, whole, with their hashes.
#[derive(Default)]
pub struct Block {
    bytes: Vec<u8>,
    entries: Vec<(usize, Hashed)>,
}

/// What was hashed of an entry, and of its body where that is shown.
pub type Hashed = (EntryHashes, Option<BodyHashed>);

/// A file whose bytes are hashed as they are read.
type HashedFile<R> = BufReader<Hashing<R>>;

impl Block {
    /// The entries, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], Hashed)> {
        let mut rest = self.bytes.as_slice();
        self.entries.iter().map(move |(length, hashes)| {
            let (entry, behind) = rest.split_at_checked(*length).unwrap_or_default();
            rest = behind;
            (entry, *hashes)
        })
    }
}

/// What was read of the two files.
pub struct FilesRead {
    /// Of the entries.
    pub entries: Written,
    /// Of the bodies, where there is a file of them; or the record that belongs to no entry.
    pub bodies: Option<Result<Written, PackageRefusal>>,
}

type Read2 = Result<FilesRead, PackageRefusal>;

/// The thread, and the blocks that it read.
pub struct Entries {
    blocks: Receiver<Block>,
    thread: JoinHandle<Read2>,
}

impl Entries {
    /// Begins to read the entries of a package, the first of which has an index, and no bodies.
    pub fn open(folder: &dyn Folder, first: Index) -> Result<Entries, PackageRefusal> {
        let file = folder.open(ENTRIES_FILE).map_err(|error| unreadable(ENTRIES_FILE, &error))?;
        Ok(Entries::read(first, BufReader::with_capacity(BLOCK, Hashing::new(file)), None))
    }

    /// Begins to read entries, the first of which has an index, and bodies where there are any.
    pub(crate) fn read<R: Read + Send + 'static>(
        first: Index,
        entries: HashedFile<R>,
        bodies: Option<HashedFile<R>>,
    ) -> Entries {
        let (sender, blocks) = sync_channel(limits::BLOCKS_WAITING_MAX);
        Entries { blocks, thread: thread::spawn(move || read(first, entries, bodies, &sender)) }
    }

    /// The next block; none at the end of the file, or where one of them cannot be read any further.
    pub fn next_block(&mut self) -> Option<Block> {
        self.blocks.recv().ok()
    }

    /// What was read, once all of it was taken; or why it could not be read to its end.
    pub fn finish(self) -> Read2 {
        drop(self.blocks);
        let ended = || PackageRefusal::new(PackageCode::Unreadable, ENTRIES_FILE, "the thread that reads ended");
        self.thread.join().unwrap_or_else(|_| Err(ended()))
    }
}

fn read<R: Read>(
    first: Index,
    mut entries: HashedFile<R>,
    bodies: Option<HashedFile<R>>,
    sender: &SyncSender<Block>,
) -> Read2 {
    let mut bodies = bodies.map(BodyRecords::new).transpose()?;
    let (mut block, mut index) = (Block::default(), first);
    while let Some((length, hashes)) = next_entry(&mut entries, &mut block)? {
        let body = match &mut bodies {
            Some(bodies) => bodies.take(index)?.map(|body| body.hashed()),
            None => None,
        };
        block.entries.push((length, (hashes, body)));
        index = Index(index.0.saturating_add(1));
        // Whoever asked may have found something, and wants no more.
        if block.bytes.len() >= BLOCK && sender.send(std::mem::take(&mut block)).is_err() {
            break;
        }
    }
    // The last ones; nobody may want them.
    let _ = sender.send(block);
    let bodies = bodies.map(|bodies| Ok(bodies.finish()?.into_inner().finish()));
    Ok(FilesRead { entries: entries.into_inner().finish(), bodies })
}

/// Reads u16 length ‖ entry into a block. None: the file ended before it.
fn next_entry(reader: &mut impl Read, block: &mut Block) -> Result<Option<(usize, EntryHashes)>, PackageRefusal> {
    let cut = |error: io::Error| match error.kind() == io::ErrorKind::UnexpectedEof {
        true => PackageRefusal::new(PackageCode::EntriesCut, ENTRIES_FILE, "the last record is not whole"),
        false => unreadable(ENTRIES_FILE, &error),
    };
    let (mut first, mut second) = ([0], [0]);
    if reader.read(&mut first).map_err(cut)? == 0 {
        return Ok(None);
    }
    reader.read_exact(&mut second).map_err(cut)?;
    let ([high], [low]) = (first, second);
    let (start, length) = (block.bytes.len(), usize::from(u16::from_be_bytes([high, low])));
    block.bytes.resize(start.saturating_add(length), 0);
    let entry = block.bytes.get_mut(start..).unwrap_or_default();
    reader.read_exact(entry).map_err(cut)?;
    Ok(Some((length, EntryHashes::of(entry))))
}
