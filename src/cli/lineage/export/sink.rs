//! The file that an export writes. It gets its name when it is whole: an export that failed, or was killed, leaves at most
//! `FILE.partial` behind, which nobody takes for the whole.

use crate::cli::errors::Failure;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// A file in the making.
pub struct Sink {
    file: BufWriter<File>,
    path: PathBuf,
    partial: PathBuf,
}

impl Sink {
    /// Begins a file that does not exist yet.
    pub fn create(path: &Path) -> Result<Sink, Failure> {
        if path.exists() {
            return Err(Failure::file(path, &ErrorKind::AlreadyExists.into()));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let made = OpenOptions::new().write(true).create_new(true).open(&partial);
        let file = made.map_err(|error| Failure::file(&partial, &error))?;
        Ok(Sink { file: BufWriter::new(file), path: path.to_owned(), partial })
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.file.write_all(bytes).map_err(|error| Failure::file(&self.partial, &error))
    }

    /// Makes the file durable and gives it its name.
    pub fn finish(mut self) -> Result<(), Failure> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| Failure::file(&self.partial, &error))?;
        std::fs::rename(&self.partial, &self.path).map_err(|error| Failure::file(&self.path, &error))
    }

    /// Leaves nothing behind.
    pub fn abandon(self) {
        // What cannot be removed is named `.partial`, and says so.
        let _ = std::fs::remove_file(&self.partial);
    }
}
