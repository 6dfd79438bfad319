//! Disclosed bodies of a package: index u64 ‖ state u8 ‖, for an opened one, salt 32 ‖ length u32 ‖ body. Ascending, one
//! for each entry at most. An entry with a commitment that stands in none is withheld; none is ever missing.

use crate::entry::Entry;
use crate::hash::{Commitment, Salt};
use crate::limits;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::plant::Bug;
use crate::words::Index;
use std::io::{self, Read};

/// Where they stand in a package; absent when there is none.
pub const BODIES_FILE: &str = "data/bodies.bin";

const OPENED: u8 = 1;
const ERASED: u8 = 2;

/// A body as far as a package shows it.
#[derive(Clone, Debug)]
pub enum BodyShown {
    /// It opens its commitment.
    Opened {
        /// The salt.
        salt: Salt,
        /// The body.
        bytes: Vec<u8>,
    },
    /// It was erased; who says so is the exporter, unless the entry that erased it stands in the interval.
    Erased,
}

/// A body that is shown, hashed: what it commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyHashed {
    /// It is there; this is what it opens.
    Opened(Commitment),
    /// It was erased.
    Erased,
}

impl BodyShown {
    /// Hashes it.
    pub fn hashed(&self) -> BodyHashed {
        match self {
            BodyShown::Opened { salt, bytes } => BodyHashed::Opened(Commitment::of(salt, bytes)),
            BodyShown::Erased => BodyHashed::Erased,
        }
    }
}

/// How many bodies the interval has, by what is shown of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyTally {
    /// Opened, and the commitment held.
    pub opened: u64,
    /// Withheld.
    pub withheld: u64,
    /// Erased.
    pub erased: u64,
}

impl BodyTally {
    /// Judges what is shown of an entry's body, and counts it.
    pub fn judge(&mut self, index: Index, entry: &Entry<'_>, shown: Option<BodyHashed>) -> Result<(), PackageRefusal> {
        let refuse = |code, found: &str| PackageRefusal::new(code, BODIES_FILE, format_args!("entry {index}: {found}"));
        let count = match (entry.facts.commitment, shown) {
            (None, None) => return Ok(()),
            (None, Some(_)) => return Err(refuse(PackageCode::BodyForm, "it has no body")),
            (Some(_), None) => &mut self.withheld,
            (Some(_), Some(BodyHashed::Erased)) if crate::erasure::is_erasable(entry.facts.kind) => &mut self.erased,
            (Some(_), Some(BodyHashed::Erased)) => {
                return Err(refuse(PackageCode::BodyForm, "a body of this kind stays for ever"));
            }
            (Some(commitment), Some(BodyHashed::Opened(opened))) => {
                if commitment != opened && !Bug::BodyUnopened.planted() {
                    return Err(refuse(PackageCode::BodyUnopened, "another body or salt"));
                }
                &mut self.opened
            }
        };
        *count = count.saturating_add(1);
        Ok(())
    }
}

/// A record as it stands in the file.
pub fn to_bytes(index: Index, shown: &BodyShown) -> Vec<u8> {
    let mut out = index.0.to_be_bytes().to_vec();
    match shown {
        BodyShown::Erased => out.push(ERASED),
        BodyShown::Opened { salt, bytes } => {
            out.push(OPENED);
            out.extend(salt.0);
            out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend(bytes);
        }
    }
    out
}

/// Reads records one by one.
pub struct BodyRecords<R> {
    reader: R,
    next: Option<(Index, BodyShown)>,
    last: Option<Index>,
}

impl<R: Read> BodyRecords<R> {
    /// Reads the first record.
    pub fn new(reader: R) -> Result<BodyRecords<R>, PackageRefusal> {
        let mut records = BodyRecords { reader, next: None, last: None };
        records.advance()?;
        Ok(records)
    }

    /// The record of an index, if it is the next one.
    pub fn take(&mut self, index: Index) -> Result<Option<BodyShown>, PackageRefusal> {
        match &self.next {
            Some((next, _)) if *next == index => {
                let shown = self.next.take().map(|(_, shown)| shown);
                self.advance()?;
                Ok(shown)
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Refuses records that belong to no entry.
    pub fn finish(self) -> Result<R, PackageRefusal> {
        match self.next {
            None => Ok(self.reader),
            Some((index, _)) => Err(form(format_args!("record of entry {index}, which is not of the interval"))),
        }
    }

    fn advance(&mut self) -> Result<(), PackageRefusal> {
        let mut index = [0; 8];
        let mut first = [0; 1];
        if self.reader.read(&mut first).map_err(unread)? == 0 {
            self.next = None;
            return Ok(());
        }
        let mut rest = [0; 8];
        self.reader.read_exact(&mut rest).map_err(unread)?;
        let [tail @ .., state] = rest;
        index.iter_mut().zip(first.into_iter().chain(tail)).for_each(|(to, byte)| *to = byte);
        let index = Index(u64::from_be_bytes(index));
        if self.last.is_some_and(|last| last >= index) {
            return Err(form(format_args!("record of entry {index} is out of order")));
        }
        self.last = Some(index);
        let shown = match state {
            ERASED => BodyShown::Erased,
            OPENED => self.opened(index)?,
            _ => return Err(form(format_args!("record of entry {index} has no known state"))),
        };
        self.next = Some((index, shown));
        Ok(())
    }

    fn opened(&mut self, index: Index) -> Result<BodyShown, PackageRefusal> {
        let (mut salt, mut length) = ([0; 32], [0; 4]);
        self.reader.read_exact(&mut salt).map_err(unread)?;
        self.reader.read_exact(&mut length).map_err(unread)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > limits::BODY_BYTES_MAX {
            return Err(form(format_args!("body of entry {index} is larger than a body can be")));
        }
        let mut bytes = vec![0; length];
        self.reader.read_exact(&mut bytes).map_err(unread)?;
        Ok(BodyShown::Opened { salt: Salt(salt), bytes })
    }
}

fn form(found: std::fmt::Arguments<'_>) -> PackageRefusal {
    PackageRefusal::new(PackageCode::BodyForm, BODIES_FILE, found)
}

fn unread(error: io::Error) -> PackageRefusal {
    let cut = error.kind() == io::ErrorKind::UnexpectedEof;
    let code = if cut { PackageCode::BodyForm } else { PackageCode::Unreadable };
    PackageRefusal::new(code, BODIES_FILE, if cut { "it ends inside a record".to_owned() } else { error.to_string() })
}
