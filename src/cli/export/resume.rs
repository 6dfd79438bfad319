//! What an interrupted export left: its entries and bodies are read again in place of the server's, as far as they are
//! whole. They are verified like any others, so nothing rests on them.

use crate::cli::errors::Failure;
use deedbook_verify::entry::Entry;
use deedbook_verify::limits::ENTRY_BYTES_MAX;
use deedbook_verify::package::{BodyRecords, BodyShown, Question, Redaction};
use deedbook_verify::words::Index;
use std::fs::{self, File};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// Entries that are at hand.
pub struct Left {
    folder: PathBuf,
    next: u64,
    entries: BufReader<File>,
    bodies: Option<BodyRecords<BufReader<File>>>,
    redaction: Redaction,
}

impl Left {
    /// Moves what stands under `partial` out of the way, and takes it up if it answers the same question.
    pub fn take(partial: &Path, folder: &Path, question: &Question) -> Result<Option<Left>, Failure> {
        let cannot = |path: &Path, error: &std::io::Error| {
            Failure::failed(
                format!("{}: {error}", path.display()),
                "remove what an earlier export left there, then try again",
            )
        };
        if !partial.exists() {
            return Ok(None);
        }
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(|error| cannot(folder, &error))?;
        }
        fs::rename(partial, folder).map_err(|error| cannot(partial, &error))?;
        let asked = fs::read(folder.join("data/question.txt")).unwrap_or_default();
        let entries = File::open(folder.join("data/entries.bin"));
        let (true, Ok(entries)) = (asked == question.to_text().as_bytes(), entries) else {
            fs::remove_dir_all(folder).map_err(|error| cannot(folder, &error))?;
            return Ok(None);
        };
        let bodies = File::open(folder.join("data/bodies.bin")).ok().map(BufReader::new);
        let bodies = bodies.and_then(|reader| BodyRecords::new(reader).ok());
        let entries = BufReader::new(entries);
        let (folder, redaction) = (folder.to_owned(), question.redaction);
        Ok(Some(Left { folder, next: question.begins.0, entries, bodies, redaction }))
    }

    /// The next entry with what is shown of its body; none: what is left ends here.
    pub fn next(&mut self) -> Option<(Vec<u8>, Option<BodyShown>)> {
        let mut length = [0; 2];
        self.entries.read_exact(&mut length).ok()?;
        let length = usize::from(u16::from_be_bytes(length));
        let mut entry = vec![0; length.min(ENTRY_BYTES_MAX)];
        self.entries.read_exact(&mut entry).ok()?;
        let has_body = Entry::parse(&entry).ok()?.facts.commitment.is_some();
        let body = match (has_body, self.redaction) {
            // It was written behind its entry, and may be missing where the export broke off.
            (true, Redaction::None) => Some(self.bodies.as_mut()?.take(Index(self.next)).ok()??),
            (_, _) => None,
        };
        self.next = self.next.saturating_add(1);
        Some((entry, body))
    }

    /// The package is whole: what was left is not needed any more.
    pub fn drop_files(self) {
        // What stays is found, and removed, by the next export to that name.
        let _ = fs::remove_dir_all(self.folder);
    }
}
