//! Checking a package: its bag, its question, its checkpoints, every entry between them, and every file that follows.
//! What is read is compared, nothing is taken over.

use crate::judge::Opened;
use crate::limits;
use crate::note::{NoteRefusal, VerifierKey};
use crate::package::bag::{self, Manifest};
use crate::package::beside::Beside;
use crate::package::bodies::BODIES_FILE;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::custody;
use crate::package::entries::{Entries, FilesRead};
use crate::package::exam::{ENTRIES_FILE, Exam, Heads};
use crate::package::files::{Comparing, Folder, Hashing, hash_of, read_whole, unreadable};
use crate::package::question::{Question, QuestionRefusal, Redaction};
use crate::package::rendered::{Rendered, policy_file};
use crate::package::report::PackageShown;
use crate::package::start::{START_FILE, Start};
use crate::package::views::Written;
use crate::package::writer::check_size;
use crate::plant::Bug;
use crate::policy::Policy;
use crate::words::TreeSize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufReader, Read};

/// Bytes that are read at once.
const CHUNK: usize = 256 * 1024;

/// Verifies a package with nothing but the ledger's verifier key.
pub fn verify_package(folder: &dyn Folder, key: &VerifierKey) -> Result<PackageShown, PackageRefusal> {
    verify(folder, |note| Opened::by_key(note, key))
}

/// Verifies a package under a policy: both checkpoints are signed by a log of it, and cosigned by its quorum.
pub fn verify_package_witnessed(folder: &dyn Folder, policy: &Policy) -> Result<PackageShown, PackageRefusal> {
    verify(folder, |note| Opened::by_policy(note, policy))
}

fn verify(
    folder: &dyn Folder,
    open: impl Fn(&[u8]) -> Result<Opened, NoteRefusal>,
) -> Result<PackageShown, PackageRefusal> {
    let (manifest, info, guided) = check_bag(folder)?;
    let question = read_question(folder, &manifest)?;
    let has = |path: &str| manifest.0.contains_key(path);
    if question.redaction == Redaction::Bodies && has(BODIES_FILE) {
        return Err(PackageRefusal::new(PackageCode::BodyRedacted, BODIES_FILE, "the question says `redact bodies`"));
    }
    let note = |code, file: &str, size: TreeSize| -> Result<Opened, PackageRefusal> {
        let note = read_whole(folder, file, limits::NOTE_BYTES_MAX)?;
        let opened = open(&note).map_err(|refusal| PackageRefusal::new(code, file, refusal))?;
        check_size(code, file, opened.head, size)?;
        Ok(opened)
    };
    let end = note(PackageCode::EndCheckpoint, bag::END_FILE, question.ends)?;
    let start = match question.begins {
        TreeSize(0) => None,
        begins => Some(note(PackageCode::StartCheckpoint, bag::START_NOTE_FILE, begins)?),
    };
    let mut hashed: BTreeMap<&str, Written> = BTreeMap::new();
    let before = match &start {
        Some(_) => Some(read_start(folder, &mut hashed)?),
        None => None,
    };
    let beside = Beside::start(folder, &manifest);
    let heads = Heads { start: start.as_ref().map(|start| start.head), end: end.head };
    let mut sink = Comparing(folder);
    let mut exam = Exam::begin(question, heads, &end.log, before.as_ref(), &mut sink)?;
    let read = push_entries(folder, &mut exam, has(BODIES_FILE))?;
    let (rendered, _) = exam.finish(|digest| {
        let path = policy_file(digest);
        if !has(&path) {
            return Ok(None);
        }
        let mut text = Vec::new();
        let bound = u64::try_from(limits::POLICY_TEXT_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        folder.open(&path)?.take(bound).read_to_end(&mut text)?;
        Ok(Some(text))
    })?;
    hashed.insert(ENTRIES_FILE, read.entries);
    if let Some(bodies) = read.bodies {
        hashed.insert(BODIES_FILE, bodies?);
    }
    hashed.extend(rendered.files.iter().map(|(path, written)| (path.as_str(), *written)));
    let (payload, mut unjudged) = check_payload(folder, &manifest, &hashed, beside)?;
    unjudged.extend(guided);
    let judged = payload.iter().filter(|(path, _)| !bag::is_unjudged(path));
    let judged = judged.map(|(path, written)| (path.clone(), *written)).collect();
    if bag::info(&payload).into_bytes() != info {
        return Err(PackageRefusal::new(PackageCode::Bag, "bag-info.txt", "it does not count the payload so"));
    }
    let ignored: BTreeSet<String> = start.iter().chain([&end]).flat_map(|opened| opened.ignored.clone()).collect();
    let custody = custody::check(folder, &end.log, &rendered)?;
    Ok(PackageShown {
        rendered: Rendered { files: judged, ..rendered },
        custody,
        key: end.log.to_string(),
        witnessing: end.witnessing,
        start_witnessing: start.map(|start| start.witnessing),
        ignored: ignored.into_iter().collect(),
        unjudged,
    })
}

/// Checks everything of a bag but the hashes of its payload. Answers the payload's manifest, `bag-info.txt`, and the guide's
/// name where there is one.
fn check_bag(folder: &dyn Folder) -> Result<(Manifest, Vec<u8>, Option<String>), PackageRefusal> {
    let there: BTreeSet<String> =
        folder.list().map_err(|error| PackageRefusal::new(PackageCode::Unreadable, ".", error))?.into_iter().collect();
    let refuse = |code, path: &str, found: &str| Err(PackageRefusal::new(code, path, found));
    let tags = read_whole(folder, bag::TAG_MANIFEST_FILE, limits::PACKAGE_TEXT_BYTES_MAX)?;
    let tags = Manifest::parse(bag::TAG_MANIFEST_FILE, &tags)?;
    for path in tags.0.keys() {
        if !bag::TAG_FILES.contains(&path.as_str()) {
            return refuse(PackageCode::FileSurplus, path, "no package has such a file");
        }
        if !there.contains(path) {
            return refuse(PackageCode::FileMissing, path, "the second manifest names it");
        }
    }
    let needed = ["bag-info.txt", "bagit.txt", bag::END_FILE, bag::MANIFEST_FILE];
    if let Some(path) = needed.into_iter().find(|path| !tags.0.contains_key(*path)) {
        return refuse(PackageCode::FileMissing, path, "the second manifest does not name it");
    }
    let manifest = read_whole(folder, bag::MANIFEST_FILE, limits::MANIFEST_BYTES_MAX)?;
    let manifest = Manifest::parse(bag::MANIFEST_FILE, &manifest)?;
    for path in manifest.0.keys() {
        if !path.starts_with("data/") {
            return refuse(PackageCode::ManifestForm, bag::MANIFEST_FILE, "it names a file outside `data/`");
        }
        if !there.contains(path) {
            return refuse(PackageCode::FileMissing, path, "the manifest names it");
        }
    }
    let listed =
        |path: &&String| tags.0.contains_key(*path) || manifest.0.contains_key(*path) || bag::is_unlisted(path);
    if let Some(path) = there.iter().find(|path| !listed(path)) {
        return refuse(PackageCode::FileSurplus, path, "no manifest names it");
    }
    for (path, hash) in &tags.0 {
        if hash_of(folder, path)?.sha256 != *hash && !Bug::PackageHashUnread.planted() {
            return refuse(PackageCode::FileHash, path, "the second manifest says otherwise");
        }
    }
    if read_whole(folder, "bagit.txt", limits::PACKAGE_TEXT_BYTES_MAX)? != bag::BAGIT.as_bytes() {
        return refuse(PackageCode::Bag, "bagit.txt", "it is not what BagIt 1.0 in UTF-8 has there");
    }
    let guided = tags.0.contains_key(bag::GUIDE_FILE).then(|| bag::GUIDE_FILE.to_owned());
    Ok((manifest, read_whole(folder, "bag-info.txt", limits::PACKAGE_TEXT_BYTES_MAX)?, guided))
}

fn read_question(folder: &dyn Folder, manifest: &Manifest) -> Result<Question, PackageRefusal> {
    let path = "data/question.txt";
    let bytes = read_whole(folder, path, limits::PACKAGE_TEXT_BYTES_MAX)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let question = Question::parse(text).map_err(|refusal| {
        let code = if refusal == QuestionRefusal::Program { PackageCode::Program } else { PackageCode::Question };
        PackageRefusal::new(code, path, refusal)
    })?;
    let hash = crate::hash::digest(&[&bytes]);
    match manifest.0.get(path) {
        Some(listed) if *listed == hash => Ok(question),
        Some(_) => Err(PackageRefusal::new(PackageCode::FileHash, path, "the manifest says otherwise")),
        None => Err(PackageRefusal::new(PackageCode::FileMissing, path, "the manifest does not name it")),
    }
}

fn read_start(folder: &dyn Folder, hashed: &mut BTreeMap<&str, Written>) -> Result<Start, PackageRefusal> {
    let bytes = read_whole(folder, START_FILE, limits::BEFORE_BYTES_MAX)?;
    let sha256 = crate::hash::digest(&[&bytes]);
    hashed.insert(START_FILE, Written { sha256, bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX) });
    Start::parse(&bytes).map_err(|malformed| PackageRefusal::new(PackageCode::Before, START_FILE, malformed))
}

/// Hands every entry to the examination, with what is shown of its body.
fn push_entries(folder: &dyn Folder, exam: &mut Exam<'_>, with_bodies: bool) -> Result<FilesRead, PackageRefusal> {
    let open = |path: &'static str| -> Result<_, PackageRefusal> {
        let file = folder.open(path).map_err(|error| unreadable(path, &error))?;
        Ok(BufReader::with_capacity(CHUNK, Hashing::new(file)))
    };
    let bodies = with_bodies.then(|| open(BODIES_FILE)).transpose()?;
    let mut entries = Entries::read(exam.next_index(), open(ENTRIES_FILE)?, bodies);
    while let Some(block) = entries.next_block() {
        for (entry, (hashes, body)) in block.entries() {
            exam.push(entry, hashes, body)?;
        }
    }
    entries.finish()
}

/// Holds every hash against the manifest. Answers the payload's sizes, and the files that were only hashed.
fn check_payload(
    folder: &dyn Folder,
    manifest: &Manifest,
    hashed: &BTreeMap<&str, Written>,
    beside: Beside,
) -> Result<(BTreeMap<String, Written>, Vec<String>), PackageRefusal> {
    let mut beside = beside.finish();
    let (mut payload, mut unjudged) = (BTreeMap::new(), Vec::new());
    for (path, hash) in &manifest.0 {
        let written = match hashed.get(path.as_str()) {
            Some(written) => *written,
            None if bag::is_unjudged(path) => {
                unjudged.push(path.clone());
                beside.remove(path).unwrap_or_else(|| hash_of(folder, path))?
            }
            None if path.starts_with("data/policies/") => {
                return Err(PackageRefusal::new(PackageCode::Policy, path, "it was not in force"));
            }
            None => return Err(PackageRefusal::new(PackageCode::FileSurplus, path, "nothing asks for it")),
        };
        if written.sha256 != *hash && !Bug::PackageHashUnread.planted() {
            return Err(PackageRefusal::new(PackageCode::FileHash, path, "the manifest says otherwise"));
        }
        payload.insert(path.clone(), written);
    }
    match hashed.keys().find(|path| !manifest.0.contains_key(**path)) {
        Some(path) => Err(PackageRefusal::new(PackageCode::FileMissing, path, "the manifest does not name it")),
        None => Ok((payload, unjudged)),
    }
}
