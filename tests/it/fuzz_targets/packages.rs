//! Evidence packages: the parsers of their files, and a good package that is bent and sealed anew. Nothing may panic, what
//! parses is written back as it was, and no change of what is judged may be accepted.

use super::recipe::{bend, changes};
use super::verifier::{WORLD, parts};
use deedbook_verify::package::{
    BodyRecords, BodyShown, Folder, Manifest, Offered, PackageWriter, Question, Sink, SinkFile, Start, verify_package,
};
use deedbook_verify::words::{Index, TreeSize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, LazyLock, Mutex};

const QUESTION: &str = include_str!("../../../fuzz/corpus/package-question/world");
const BODIES: &[u8] = include_bytes!("../../../fuzz/corpus/package-bodies/world");
const START: &[u8] = include_bytes!("../../../fuzz/corpus/package-start/world");
/// The notes of the start and of the end.
const NOTES: &[u8] = include_bytes!("../../../fuzz/corpus/package-recipe/notes");

/// Files by their paths.
#[derive(Clone, Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Folder for Files {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn open(&self, path: &str) -> io::Result<Box<dyn Read + Send>> {
        let bytes = self.0.get(path).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes)))
    }
}

type Shared = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

struct Written(Shared);

struct Growing(Shared, String, Vec<u8>);

impl Sink for Written {
    fn create(&mut self, path: &str) -> io::Result<Box<dyn SinkFile>> {
        Ok(Box::new(Growing(Arc::clone(&self.0), path.to_owned(), Vec::new())))
    }
}

impl SinkFile for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.2.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> io::Result<()> {
        let Growing(files, path, bytes) = *self;
        files.lock().unwrap().insert(path, bytes);
        Ok(())
    }
}

/// The corpus' package: an interval in the midst of the world's log.
static GOOD: LazyLock<Files> = LazyLock::new(|| {
    let question = Question::parse(QUESTION).unwrap();
    let (notes, before) = (parts(NOTES), Start::parse(START).unwrap());
    let shared = Shared::default();
    let mut sink = Written(Arc::clone(&shared));
    let interval = question.begins.0..question.ends.0;
    let start = Some((notes[0].as_slice(), &before));
    let mut writer =
        PackageWriter::begin(Offered { question, key: &WORLD.key, start, end: &notes[1] }, &mut sink).unwrap();
    let mut bodies = BodyRecords::new(BODIES).unwrap();
    for index in interval {
        let body = bodies.take(Index(index)).unwrap();
        writer.push(&WORLD.entries[usize::try_from(index).unwrap()], body.as_ref()).unwrap();
    }
    writer.finish(|_| Ok(None)).unwrap().seal().unwrap();
    let files = Files(shared.lock().unwrap().clone());
    verify_package(&files, &WORLD.key).unwrap();
    files
});

/// Questions: what parses is written as it was.
pub fn question(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Question::parse(text) {
        Ok(question) => assert_eq!(question.to_text(), text),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// Manifests: what parses is written as it was.
pub fn manifest(bytes: &[u8]) {
    match Manifest::parse("manifest-sha256.txt", bytes) {
        Ok(manifest) => assert_eq!(manifest.to_text().as_bytes(), bytes),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

/// What stood before: what parses is written as it was, and only the world's own holds.
pub fn start(bytes: &[u8]) {
    let Ok(start) = Start::parse(bytes) else { return };
    assert_eq!(start.to_bytes(), bytes);
    let good = Start::parse(START).unwrap();
    let size = Question::parse(QUESTION).unwrap().begins;
    let head = deedbook_verify::tree::Frontier::from_parts(size, good.frontier.clone()).unwrap().head();
    if start.judge(head, |_, _, _| ()).is_ok() {
        assert_eq!(start, good, "another past of the same tree");
    }
    let _ = start.judge(deedbook_verify::tree::TreeHead { size: TreeSize(u64::MAX), ..head }, |_, _, _| ()).is_ok();
}

/// Disclosed bodies: each record is read once, in ascending order.
pub fn bodies(bytes: &[u8]) {
    let Ok(mut records) = BodyRecords::new(bytes) else { return };
    for index in 0..64 {
        match records.take(Index(index)) {
            Ok(Some(BodyShown::Opened { bytes: body, .. })) => assert!(body.len() <= bytes.len()),
            Ok(Some(BodyShown::Erased) | None) => {}
            Err(_) => return,
        }
    }
    let _ = records.finish().is_ok();
}

/// Changes of the good package, each of one file, with manifests that agree again: refused, or nothing was changed.
pub fn recipe(recipe: &[u8]) {
    let mut files = GOOD.clone();
    let paths: Vec<String> = files.0.keys().filter(|path| path.starts_with("data/")).cloned().collect();
    for change in changes(recipe) {
        let path = &paths[(usize::from(change.operation / 8) + 32 * usize::from(change.byte & 1)) % paths.len()];
        let lender = files.0[&paths[usize::from(change.byte) % paths.len()]].clone();
        let bytes = files.0.get_mut(path).unwrap();
        bend(bytes, &lender, &change);
    }
    let same = files.0 == GOOD.0;
    reseal(&mut files);
    let accepted = verify_package(&files, &WORLD.key).is_ok();
    assert_eq!(accepted, same, "a bent package");
}

fn reseal(files: &mut Files) {
    let hex = |bytes: &[u8]| Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines = |files: &Files, takes: &dyn Fn(&str) -> bool| -> String {
        let taken = files.0.iter().filter(|(path, _)| takes(path));
        taken.map(|(path, bytes)| format!("{}  {path}\n", hex(bytes))).collect()
    };
    let payload = lines(files, &|path| path.starts_with("data/"));
    let bytes: usize = files.0.iter().filter(|(path, _)| path.starts_with("data/")).map(|(_, bytes)| bytes.len()).sum();
    let info = format!("Bag-Software-Agent: deedbook.evidence/1\nPayload-Oxum: {bytes}.{}\n", payload.lines().count());
    files.0.insert("bag-info.txt".into(), info.into_bytes());
    files.0.insert("manifest-sha256.txt".into(), payload.into_bytes());
    let tags = lines(files, &|path| !path.starts_with("data/") && !path.starts_with("tagmanifest"));
    files.0.insert("tagmanifest-sha256.txt".into(), tags.into_bytes());
}
