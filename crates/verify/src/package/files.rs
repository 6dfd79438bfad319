//! Packages in a folder: read file by file, compared file by file, written file by file. Nothing here follows a link out
//! of the folder.

use crate::limits;
use crate::package::bag;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::syncing::{Orders, Syncing};
use crate::package::views::{Sink, SinkFile, Written};
use crate::plant::Bug;
use crate::words::Hash;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a package is read from.
pub trait Folder {
    /// Every file by its path from the folder, with `/` between parts, in any order. An error where something is no file
    /// or folder, or where there are more than `PACKAGE_FILES_MAX`.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Opens one of them.
    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>>;
}

/// A folder of the file system.
pub struct Directory(pub PathBuf);

/// Bytes that are read at once where files are only hashed.
const CHUNK: usize = 128 * 1024;
/// Folders in folders that a package has at most; it needs three.
const DEPTH_MAX: usize = 8;

impl Folder for Directory {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut files = Vec::new();
        list_into(&self.0, "", DEPTH_MAX, &mut files)?;
        Ok(files)
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(fs::File::open(self.0.join(path))?))
    }
}

fn list_into(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<String>) -> io::Result<()> {
    let other = |what: String| Err(io::Error::other(what));
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let path = format!("{prefix}{}", name.to_string_lossy());
        let kind = entry.file_type()?;
        if kind.is_dir() && depth > 0 {
            list_into(&entry.path(), &format!("{path}/"), depth.saturating_sub(1), files)?;
        } else if kind.is_file() && files.len() < limits::PACKAGE_FILES_MAX {
            files.push(path);
        } else {
            return other(format!("{path}: a link, too deep, or one file too many"));
        }
    }
    Ok(())
}

/// Writes a package into a new folder of the file system; its parents must be there. What is written goes to the disk on
/// a thread of its own, and stands there when `settle` returned.
pub struct NewDirectory {
    path: PathBuf,
    syncing: Syncing,
}

impl NewDirectory {
    /// Makes the folder, which must not be there.
    pub fn create(path: PathBuf) -> io::Result<NewDirectory> {
        fs::create_dir(&path)?;
        Ok(NewDirectory { path, syncing: Syncing::start() })
    }
}

impl Sink for NewDirectory {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn SinkFile>> {
        if !bag::is_path(path) {
            return Err(io::Error::other(format!("{path}: no path of a package")));
        }
        let full = self.path.join(path);
        if let Some(parent) = full.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = Arc::new(fs::File::create_new(full)?);
        Ok(Box::new(NewFile { file, path: path.to_owned(), unsynced: 0, orders: self.syncing.orders() }))
    }

    fn settle(&mut self) -> io::Result<()> {
        self.syncing.settle()
    }
}

struct NewFile {
    file: Arc<fs::File>,
    path: String,
    /// Bytes since the disk was last told to begin.
    unsynced: usize,
    orders: Orders,
}

impl SinkFile for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.file).write_all(bytes)?;
        self.unsynced = self.unsynced.saturating_add(bytes.len());
        if self.unsynced >= limits::UNSYNCED_BYTES_MAX {
            self.unsynced = 0;
            self.orders.begin(&self.file);
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        self.orders.end(self.file, self.path)
    }
}

/// Compares what is rendered with what stands in a folder.
pub struct Comparing<'f>(pub &'f dyn Folder);

impl Sink for Comparing<'_> {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn SinkFile>> {
        Ok(Box::new(Compared { file: self.0.open(path)?, buffer: Vec::new() }))
    }
}

struct Compared {
    file: Box<dyn Read + Send>,
    buffer: Vec<u8>,
}

impl SinkFile for Compared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.buffer.resize(bytes.len(), 0);
        match self.file.read_exact(&mut self.buffer) {
            Ok(()) if self.buffer == bytes || Bug::PackageViewUnread.planted() => Ok(()),
            Ok(()) => Err(differs()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(differs()),
            Err(error) => Err(error),
        }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if self.file.read(&mut [0])? == 0 { Ok(()) } else { Err(differs()) }
    }
}

fn differs() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "other bytes stand there")
}

/// Hashes what is read through it.
pub struct Hashing<R> {
    inner: R,
    hasher: Sha256,
    bytes: u64,
}

impl<R: Read> Hashing<R> {
    /// From the first byte on.
    pub fn new(inner: R) -> Hashing<R> {
        Hashing { inner, hasher: Sha256::new(), bytes: 0 }
    }

    /// Hash and length of what was read.
    pub fn finish(self) -> Written {
        Written { sha256: Hash(self.hasher.finalize().into()), bytes: self.bytes }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(buffer.get(..count).unwrap_or_default());
        self.bytes = self.bytes.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

/// Hashes a whole file.
pub fn hash_of(folder: &dyn Folder, path: &str) -> Result<Written, PackageRefusal> {
    let unread = |error: io::Error| unreadable(path, &error);
    let mut reader = Hashing::new(folder.open(path).map_err(unread)?);
    drain(&mut reader, || false).map_err(unread)?;
    Ok(reader.finish())
}

/// Reads a file to its end, or until that is not wanted any more: whether the end was reached.
pub fn drain(reader: &mut impl Read, unwanted: impl Fn() -> bool) -> io::Result<bool> {
    let mut buffer = vec![0; CHUNK];
    while !unwanted() {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(false)
}

/// Reads a whole file of at most so many bytes.
pub fn read_whole(folder: &dyn Folder, path: &str, bytes_max: usize) -> Result<Vec<u8>, PackageRefusal> {
    let unread = |error: io::Error| unreadable(path, &error);
    let mut bytes = Vec::new();
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    folder.open(path).map_err(unread)?.take(bound).read_to_end(&mut bytes).map_err(unread)?;
    if bytes.len() > bytes_max {
        return Err(PackageRefusal::new(PackageCode::TooLarge, path, format_args!("more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// A file that is not there, or cannot be read.
pub fn unreadable(path: &str, error: &io::Error) -> PackageRefusal {
    let missing = error.kind() == io::ErrorKind::NotFound;
    PackageRefusal::new(if missing { PackageCode::FileMissing } else { PackageCode::Unreadable }, path, error)
}
