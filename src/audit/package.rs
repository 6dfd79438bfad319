//! The audit of an evidence package: what the entries decide is verified by `deedbook_verify::package`; then every command
//! about an action is decided again, and the policies asked again, from the bodies and texts that the package discloses.
//! Files for people and for other programs are rendered again, and compared. It knows no store. Whoever changes the folder meanwhile deceives themselves alone.

use crate::audit::Progress;
use crate::audit::actions::Actions;
use crate::audit::actions::names::Shelf;
use crate::audit::rendered::{self, Compared};
use crate::audit::report::{AuditError, Report};
use crate::limits::PACKAGE_READ_BYTES;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::governance::PublishedPolicy;
use deedbook_verify::hash::{Commitment, EntryHashes, RefKey, Salt};
use deedbook_verify::limits::{BEFORE_BYTES_MAX, BODY_BYTES_MAX, NOTE_BYTES_MAX, POLICY_TEXT_BYTES_MAX};
use deedbook_verify::note::{VerifierKey, open_checkpoint};
use deedbook_verify::package::{Directory, PackageCode, PackageRefusal, PackageShown, Start, verify_package};
use deedbook_verify::replay::Replay;
use deedbook_verify::words::{Digest, Index, TreeSize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const ENTRIES: &str = "data/entries.bin";
const BODIES: &str = "data/bodies.bin";
const START: &str = "data/start.bin";
const START_NOTE: &str = "checkpoints/start.txt";

/// Entries between two calls of the progress callback.
const PROGRESS_ENTRIES: u64 = 4_096;

/// What an audit of a package says.
pub struct PackageAudit {
    /// What `deedbook-verify package` says of it.
    pub shown: PackageShown,
    /// What replay found: of its numbers, those of entries, actions, commands and evaluations.
    pub report: Report,
    /// Files for people and for other programs, rendered again.
    pub files: BTreeMap<String, Compared>,
}

/// What an audit of a package comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PackageVerdict {
    /// Everything was decided and rendered again, and nothing differs.
    Clean,
    /// Nothing differs in what was decided again, and something was not.
    Incomplete,
    /// Something differs.
    Findings,
}

impl PackageVerdict {
    /// The word in output.
    pub fn name(self) -> &'static str {
        match self {
            PackageVerdict::Clean => "clean",
            PackageVerdict::Incomplete => "incomplete",
            PackageVerdict::Findings => "findings",
        }
    }
}

impl PackageAudit {
    /// Commands that were not decided again, for whatever reason.
    pub fn commands_undecided(&self) -> u64 {
        self.report.unread.values().fold(0, |sum, (count, _)| sum.saturating_add(*count))
    }

    /// What it comes to. What was not looked at is never taken for right.
    pub fn verdict(&self) -> PackageVerdict {
        let unseen = self.files.values().any(|compared| matches!(compared, Compared::NotRendered(_)));
        match (self.report.is_clean(), self.commands_undecided()) {
            (false, _) => PackageVerdict::Findings,
            (true, 0) if !unseen => PackageVerdict::Clean,
            (true, _) => PackageVerdict::Incomplete,
        }
    }
}

/// Verifies a package, then replays it. Findings are not errors; a package that does not hold is one.
pub fn run(
    folder: &Path,
    key: &VerifierKey,
    refs: Option<RefKey>,
    progress: &Progress<'_>,
) -> Result<PackageAudit, AuditError> {
    let shown = verify_package(&Directory(folder.to_owned()), key)?;
    let (begins, ends) = (shown.rendered.question.begins, shown.rendered.question.ends);
    let shelf = Rc::new(OnShelf::open(folder, begins)?);
    let (mut replay, genesis) = before(folder, key, begins)?;
    let genesis = genesis.map_or_else(|| shelf.entry(Index(0)), |genesis| Ok(Some(genesis)))?;
    if refs.as_ref().is_some_and(|refs| !names_refs(genesis.as_deref(), refs)) {
        return Err(AuditError::RefKey);
    }
    let mut actions = Actions::on(Rc::clone(&shelf) as Rc<dyn Shelf>, refs, key.name(), Index(begins.0));
    let mut report = Report { ledger: Some(shown.rendered.question.ledger), ..Report::default() };
    for index in (begins.0..ends.0).map(Index) {
        let bytes = shelf.entry(index)?.ok_or_else(|| unreadable(ENTRIES, "it ends too early"))?;
        // Every signature was verified above.
        let entry = replay
            .step_hashed(&bytes, EntryHashes::of(&bytes), drop)
            .map_err(|refusal| unreadable(ENTRIES, &format!("entry {index}: {refusal}")))?;
        actions.entry((index, &bytes), &entry, &replay, &mut report)?;
        report.entries = report.entries.saturating_add(1);
        if report.entries.is_multiple_of(PROGRESS_ENTRIES) {
            progress(report.entries, ends.0.saturating_sub(begins.0));
        }
    }
    report.head = Some(replay.head());
    actions.end(&mut report)?;
    let files = rendered::compare(folder, &shown, &mut report);
    Ok(PackageAudit { shown, report, files })
}

/// Whether genesis names this ref key.
fn names_refs(genesis: Option<&[u8]>, refs: &RefKey) -> bool {
    let Some(Ok(entry)) = genesis.map(Entry::parse) else { return false };
    let Detail::Genesis(genesis) = &entry.facts.detail else { return false };
    genesis.ref_key_digest == refs.digest()
}

/// What stood before the interval, folded, and genesis where that stands there.
fn before(folder: &Path, key: &VerifierKey, begins: TreeSize) -> Result<(Replay, Option<Vec<u8>>), AuditError> {
    if begins.0 == 0 {
        return Ok((Replay::without_ids(), None));
    }
    let note = read_whole(folder, START_NOTE, NOTE_BYTES_MAX)?;
    let opened = open_checkpoint(&note, key).map_err(|refusal| unreadable(START_NOTE, &refusal.to_string()))?;
    let start = Start::parse(&read_whole(folder, START, BEFORE_BYTES_MAX)?)
        .map_err(|malformed| unreadable(START, &malformed.to_string()))?;
    let replay = start.judge(opened.checkpoint().head, |_, _, _| ())?;
    Ok((replay, start.entries.into_iter().next().map(|(_, genesis)| genesis)))
}

/// Where a body stands in its file.
struct Place {
    index: Index,
    /// Of the salt, and how long the body behind it is; none: it was erased.
    at: Option<(u64, usize)>,
}

/// A package's entries and bodies, read again one by one. 8 bytes stay for each entry, 40 for each body.
struct OnShelf {
    folder: PathBuf,
    begins: Index,
    entries: File,
    /// Where each entry's length stands.
    places: Vec<u64>,
    bodies: Option<File>,
    shown: Vec<Place>,
}

impl OnShelf {
    fn open(folder: &Path, begins: TreeSize) -> Result<OnShelf, AuditError> {
        let entries = open(folder, ENTRIES)?;
        let places = places_of_entries(&entries).map_err(|error| unreadable(ENTRIES, &error.to_string()))?;
        let bodies = if folder.join(BODIES).exists() { Some(open(folder, BODIES)?) } else { None };
        let shown = match &bodies {
            Some(file) => places_of_bodies(file).map_err(|error| unreadable(BODIES, &error.to_string()))?,
            None => Vec::new(),
        };
        Ok(OnShelf { folder: folder.to_owned(), begins: Index(begins.0), entries, places, bodies, shown })
    }

    fn place(&self, index: Index) -> Option<&Place> {
        let at = self.shown.binary_search_by_key(&index, |place| place.index).ok()?;
        self.shown.get(at)
    }

    fn opened(&self, index: Index, commitment: &Commitment) -> io::Result<Option<Vec<u8>>> {
        let (Some(file), Some((at, length))) = (&self.bodies, self.place(index).and_then(|place| place.at)) else {
            return Ok(None);
        };
        let (mut salt, mut body) = ([0; SALT_BYTES], vec![0; length.min(BODY_BYTES_MAX)]);
        file.read_exact_at(&mut salt, at)?;
        file.read_exact_at(&mut body, at.saturating_add(SALT_BYTES as u64 + LENGTH_BYTES as u64))?;
        Ok(commitment.opens(&Salt(salt), &body).then_some(body))
    }
}

impl Shelf for OnShelf {
    fn entry(&self, index: Index) -> Result<Option<Vec<u8>>, AuditError> {
        let place = index.0.checked_sub(self.begins.0).and_then(|nth| usize::try_from(nth).ok());
        let Some(at) = place.and_then(|nth| self.places.get(nth)) else { return Ok(None) };
        let read = || -> io::Result<Vec<u8>> {
            let mut length = [0; 2];
            self.entries.read_exact_at(&mut length, *at)?;
            let mut entry = vec![0; usize::from(u16::from_be_bytes(length))];
            self.entries.read_exact_at(&mut entry, at.saturating_add(2))?;
            Ok(entry)
        };
        Ok(Some(read().map_err(|error| unreadable(ENTRIES, &error.to_string()))?))
    }

    fn body(&self, index: Index, entry: &[u8]) -> Result<Option<Vec<u8>>, AuditError> {
        let Ok(entry) = Entry::parse(entry) else { return Ok(None) };
        let Some(commitment) = entry.facts.commitment else { return Ok(None) };
        self.opened(index, &commitment).map_err(|error| unreadable(BODIES, &error.to_string()))
    }

    /// The package says that it was, not when.
    fn erased_before(&self, index: Index, _: Index) -> Result<bool, AuditError> {
        Ok(self.place(index).is_some_and(|place| place.at.is_none()))
    }

    fn built_in(&self, digest: Digest) -> Result<Option<Vec<u8>>, AuditError> {
        let path = policy_file(digest);
        if !self.folder.join(&path).is_file() {
            return Ok(None);
        }
        read_whole(&self.folder, &path, POLICY_TEXT_BYTES_MAX).map(Some)
    }

    fn policy(&self, published: &PublishedPolicy) -> Result<Option<Vec<u8>>, AuditError> {
        read_whole(&self.folder, &policy_file(published.policy), POLICY_TEXT_BYTES_MAX).map(Some)
    }
}

fn policy_file(digest: Digest) -> String {
    format!("data/policies/{digest}.json")
}

const SALT_BYTES: usize = 32;
const LENGTH_BYTES: usize = 4;

fn places_of_entries(file: &File) -> io::Result<Vec<u64>> {
    let (mut reader, mut at, mut places) = (BufReader::with_capacity(PACKAGE_READ_BYTES, file), 0u64, Vec::new());
    let mut length = [0; 2];
    while begins_record(&mut reader, &mut length)? {
        places.push(at);
        let bytes = i64::from(u16::from_be_bytes(length));
        reader.seek_relative(bytes)?;
        at = at.saturating_add(2).saturating_add(bytes.unsigned_abs());
    }
    Ok(places)
}

/// The records are index u64, state u8, and for an opened one salt, length u32, body.
fn places_of_bodies(file: &File) -> io::Result<Vec<Place>> {
    let (mut reader, mut at, mut places) = (BufReader::with_capacity(PACKAGE_READ_BYTES, file), 0u64, Vec::new());
    let mut head = [0; 9];
    while begins_record(&mut reader, &mut head)? {
        at = at.saturating_add(head.len() as u64);
        let [index @ .., state] = head;
        let index = Index(u64::from_be_bytes(index));
        if state != 1 {
            places.push(Place { index, at: None });
            continue;
        }
        let (mut salt, mut length) = ([0; SALT_BYTES], [0; LENGTH_BYTES]);
        reader.read_exact(&mut salt)?;
        reader.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        reader.seek_relative(i64::from(length))?;
        places.push(Place { index, at: Some((at, usize::try_from(length).unwrap_or(usize::MAX))) });
        at = at.saturating_add(SALT_BYTES as u64 + LENGTH_BYTES as u64).saturating_add(u64::from(length));
    }
    Ok(places)
}

/// Reads the head of a record; false: the file ends before it.
fn begins_record(reader: &mut impl Read, head: &mut [u8]) -> io::Result<bool> {
    let Some((first, rest)) = head.split_first_mut() else { return Ok(false) };
    if reader.read(std::slice::from_mut(first))? == 0 {
        return Ok(false);
    }
    reader.read_exact(rest).map(|()| true)
}

fn open(folder: &Path, path: &str) -> Result<File, AuditError> {
    File::open(folder.join(path)).map_err(|error| unreadable(path, &error.to_string()))
}

fn read_whole(folder: &Path, path: &str, bytes_max: usize) -> Result<Vec<u8>, AuditError> {
    let mut bytes = Vec::new();
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    let read = open(folder, path)?.take(bound).read_to_end(&mut bytes);
    read.map_err(|error| unreadable(path, &error.to_string()))?;
    Ok(bytes)
}

fn unreadable(path: &str, found: &str) -> AuditError {
    PackageRefusal { code: PackageCode::Unreadable, file: path.to_owned(), found: found.to_owned() }.into()
}
