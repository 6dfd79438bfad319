//! The file of entries, read on a thread of its own that also hashes: the file for its manifest, and each entry for the
//! trees. What it hands over is judged by whoever takes it.

use crate::hash::EntryHashes;
use crate::limits;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::exam::ENTRIES_FILE;
use crate::package::files::{Hashing, unreadable};
use crate::package::views::Written;
use std::io::{self, BufReader, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

/// Bytes of entries that are handed over at once.
const BLOCK: usize = 256 * 1024;

/// Some entries, whole, with their hashes.
#[derive(Default)]
pub struct Block {
    bytes: Vec<u8>,
    entries: Vec<(usize, EntryHashes)>,
}

impl Block {
    /// The entries, in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], EntryHashes)> {
        let mut rest = self.bytes.as_slice();
        self.entries.iter().map(move |(length, hashes)| {
            let (entry, behind) = rest.split_at_checked(*length).unwrap_or_default();
            rest = behind;
            (entry, *hashes)
        })
    }
}

/// Hash and length of the file, or why it was not read to its end.
type FileRead = Result<Written, PackageRefusal>;

/// The thread, and the blocks that it read.
pub struct Entries {
    blocks: Receiver<Block>,
    thread: JoinHandle<FileRead>,
}

impl Entries {
    /// Begins to read.
    pub fn read<R: Read + Send + 'static>(file: BufReader<Hashing<R>>) -> Entries {
        let (sender, blocks) = sync_channel(limits::BLOCKS_WAITING_MAX);
        Entries { blocks, thread: thread::spawn(move || read(file, &sender)) }
    }

    /// The next block; none at the end of the file, or where it cannot be read any further.
    pub fn next(&mut self) -> Option<Block> {
        self.blocks.recv().ok()
    }

    /// Hash and length of the file, once all of it was taken; or why it could not be read to its end.
    pub fn finish(self) -> FileRead {
        drop(self.blocks);
        let ended = || PackageRefusal::new(PackageCode::Unreadable, ENTRIES_FILE, "the thread that reads ended");
        self.thread.join().unwrap_or_else(|_| Err(ended()))
    }
}

fn read<R: Read>(mut file: BufReader<Hashing<R>>, sender: &SyncSender<Block>) -> FileRead {
    let (mut block, mut more) = (Block::default(), true);
    while more {
        more = next_entry(&mut file, &mut block)?;
        // Whoever asked may have found something, and wants no more.
        if (block.bytes.len() >= BLOCK || !more) && sender.send(std::mem::take(&mut block)).is_err() {
            break;
        }
    }
    Ok(file.into_inner().finish())
}

/// Reads u16 length ‖ entry. False: the file ended before it.
fn next_entry(reader: &mut impl Read, block: &mut Block) -> Result<bool, PackageRefusal> {
    let cut = |error: io::Error| match error.kind() == io::ErrorKind::UnexpectedEof {
        true => PackageRefusal::new(PackageCode::EntriesCut, ENTRIES_FILE, "the last record is not whole"),
        false => unreadable(ENTRIES_FILE, &error),
    };
    let (mut first, mut second) = ([0], [0]);
    if reader.read(&mut first).map_err(cut)? == 0 {
        return Ok(false);
    }
    reader.read_exact(&mut second).map_err(cut)?;
    let ([high], [low]) = (first, second);
    let (start, length) = (block.bytes.len(), usize::from(u16::from_be_bytes([high, low])));
    block.bytes.resize(start.saturating_add(length), 0);
    let entry = block.bytes.get_mut(start..).unwrap_or_default();
    reader.read_exact(entry).map_err(cut)?;
    block.entries.push((length, EntryHashes::of(entry)));
    Ok(true)
}
