//! Files as they are rendered: whoever writes a package stores them, whoever checks it compares them with what is there.
//! Both take the hash for the manifest from the rendered bytes.

use crate::limits;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::words::Hash;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Where rendered files go.
pub trait Sink {
    /// Begins a file at a path from the bag's folder, such as `data/tests/T01/result.json`. No path comes twice.
    fn create(&mut self, path: &str) -> io::Result<Box<dyn SinkFile>>;
    /// Waits until every file that was finished stands as it shall stay, and says what went wrong since.
    fn settle(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file on its way. Its bytes come from another thread, in order.
pub trait SinkFile: Send {
    /// Takes the next bytes, all of them. `InvalidData` means: other bytes stand there.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Nothing follows.
    fn finish(self: Box<Self>) -> io::Result<()>;
}

/// Bytes that are gathered before they are handed to the thread.
const CHUNK: usize = 64 * 1024;

/// A rendered file: its hash and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// SHA-256 of its bytes.
    pub sha256: Hash,
    /// How many there are.
    pub bytes: u64,
}

/// Every file that was rendered, by path.
pub struct Views<'s> {
    sink: &'s mut dyn Sink,
    written: BTreeMap<String, Written>,
    hand: Hand,
}

/// A file that is being rendered.
pub struct View {
    place: usize,
    path: String,
    buffer: Vec<u8>,
    orders: SyncSender<Order>,
}

impl<'s> Views<'s> {
    /// Into a sink.
    pub fn new(sink: &'s mut dyn Sink) -> Views<'s> {
        Views { sink, written: BTreeMap::new(), hand: Hand::start() }
    }

    /// Into a sink, behind files that stand already.
    pub fn behind(sink: &'s mut dyn Sink, written: BTreeMap<String, Written>) -> Views<'s> {
        Views { sink, written, hand: Hand::start() }
    }

    /// Begins a file; `code` says what is wrong where other bytes stand there.
    pub fn create(&mut self, path: &str, code: PackageCode) -> Result<View, PackageRefusal> {
        let file = self.sink.create(path).map_err(|error| refused(code, path, &error))?;
        let place = self.hand.begin(Moving { path: path.to_owned(), code, file, hasher: Sha256::new(), bytes: 0 });
        let (buffer, orders) = (Vec::with_capacity(CHUNK), self.hand.orders.clone());
        Ok(View { place, path: path.to_owned(), buffer, orders })
    }

    /// Ends a file.
    pub fn close(&mut self, view: View) -> Result<Written, PackageRefusal> {
        let View { place, path, buffer, .. } = view;
        let written = self.hand.end(place, buffer)?;
        self.written.insert(path, written);
        Ok(written)
    }

    /// Waits until every file that was ended stands as it shall stay.
    pub fn settle(&mut self) -> Result<(), PackageRefusal> {
        self.sink.settle().map_err(|error| PackageRefusal::new(PackageCode::Unwritten, ".", error))
    }

    /// Renders a whole file.
    pub fn whole(&mut self, path: &str, code: PackageCode, bytes: &[u8]) -> Result<Written, PackageRefusal> {
        let mut view = self.create(path, code)?;
        view.write(bytes)?;
        self.close(view)
    }

    /// What was rendered.
    pub fn written(&self) -> &BTreeMap<String, Written> {
        &self.written
    }
}

impl View {
    /// Appends bytes. What is wrong with them is said at the latest when the file is closed.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), PackageRefusal> {
        // What does not fit goes into the next one: a buffer that grows is copied.
        if self.buffer.len().saturating_add(bytes.len()) > CHUNK && !self.buffer.is_empty() {
            let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
            // A thread that ended says why when the file is closed.
            let _ = self.orders.send(Order::Append(self.place, chunk));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }
}

impl io::Write for View {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        View::write(self, bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that hashes rendered bytes and hands them on, so that rendering need not wait.
struct Hand {
    orders: SyncSender<Order>,
    next: usize,
}

/// What the thread is told.
enum Order {
    Begin(usize, Box<Moving>),
    Append(usize, Vec<u8>),
    End(usize, Vec<u8>, SyncSender<Result<Written, PackageRefusal>>),
}

/// A file in the thread's care.
struct Moving {
    path: String,
    code: PackageCode,
    file: Box<dyn SinkFile>,
    hasher: Sha256,
    bytes: u64,
}

impl Hand {
    fn start() -> Hand {
        let (orders, received) = sync_channel(limits::CHUNKS_WAITING_MAX);
        thread::spawn(move || serve(&received));
        Hand { orders, next: 0 }
    }

    fn begin(&mut self, moving: Moving) -> usize {
        let place = self.next;
        self.next = self.next.saturating_add(1);
        let _ = self.orders.send(Order::Begin(place, Box::new(moving)));
        place
    }

    fn end(&self, place: usize, rest: Vec<u8>) -> Result<Written, PackageRefusal> {
        let (answer, answered) = sync_channel(1);
        let _ = self.orders.send(Order::End(place, rest, answer));
        answered
            .recv()
            .unwrap_or_else(|_| Err(PackageRefusal::new(PackageCode::Unwritten, ".", "the thread that writes ended")))
    }
}

/// Until nobody can order anything any more. A file that was refused takes nothing more, and says so when it ends.
fn serve(orders: &Receiver<Order>) {
    let mut files: BTreeMap<usize, Result<Box<Moving>, PackageRefusal>> = BTreeMap::new();
    while let Ok(order) = orders.recv() {
        match order {
            Order::Begin(place, moving) => drop(files.insert(place, Ok(moving))),
            Order::Append(place, bytes) => {
                if let Some(file) = files.get_mut(&place)
                    && let Ok(moving) = file
                    && let Err(refusal) = moving.append(&bytes)
                {
                    *file = Err(refusal);
                }
            }
            Order::End(place, rest, answer) => {
                let ended = files.remove(&place).map(|file| file.and_then(|moving| moving.end(&rest)));
                // Whoever asked waits for it.
                ended.into_iter().for_each(|ended| drop(answer.send(ended)));
            }
        }
    }
}

impl Moving {
    fn append(&mut self, bytes: &[u8]) -> Result<(), PackageRefusal> {
        self.hasher.update(bytes);
        self.bytes = self.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        self.file.write(bytes).map_err(|error| refused(self.code, &self.path, &error))
    }

    fn end(mut self, rest: &[u8]) -> Result<Written, PackageRefusal> {
        self.append(rest)?;
        let Moving { path, code, file, hasher, bytes } = self;
        file.finish().map_err(|error| refused(code, &path, &error))?;
        Ok(Written { sha256: Hash(hasher.finalize().into()), bytes })
    }
}

fn refused(code: PackageCode, path: &str, error: &io::Error) -> PackageRefusal {
    if error.kind() == io::ErrorKind::InvalidData {
        PackageRefusal::new(code, path, "other bytes stand there")
    } else if error.kind() == io::ErrorKind::NotFound {
        PackageRefusal::new(PackageCode::FileMissing, path, error)
    } else {
        PackageRefusal::new(PackageCode::Unwritten, path, error)
    }
}
