//! The bag around a package: BagIt 1.0 (RFC 8493) in a strict profile. One set of files has one manifest: SHA-256,
//! ascending paths, line feeds alone; `sha256sum -c` and other programs for bags read it as it is.

use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::line::Lines;
use crate::package::question::PROGRAM;
use crate::package::views::Written;
use crate::words::Hash;
use std::collections::BTreeMap;

/// `bagit.txt`, to the byte.
pub const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/// The manifest of the payload.
pub const MANIFEST_FILE: &str = "manifest-sha256.txt";
/// The manifest of the other files.
pub const TAG_MANIFEST_FILE: &str = "tagmanifest-sha256.txt";
/// The signed note at the interval's end.
pub const END_FILE: &str = "checkpoints/end.txt";
/// The signed note at its start, where it does not begin with genesis.
pub const START_NOTE_FILE: &str = "checkpoints/start.txt";
/// How to check the package, for people: hashed, and not judged.
pub const GUIDE_FILE: &str = "VERIFY.md";
/// Files besides the payload that a package may have and its second manifest names: those that it must have first.
pub const TAG_FILES: [&str; 6] = ["bag-info.txt", "bagit.txt", END_FILE, MANIFEST_FILE, START_NOTE_FILE, GUIDE_FILE];
/// What no manifest names: the second manifest, its signature, and who had the package when.
const UNLISTED: [&str; 2] = [TAG_MANIFEST_FILE, "tagmanifest-sha256.txt.dsse"];
/// Where that stands.
const CUSTODY: &str = "custody/";
/// Payload that this program does not judge, but for its hash: renderings of the same results for other programs and for
/// people.
const UNJUDGED: [&str; 5] = ["data/oscal/", "data/fedramp/", "data/ocsf/", "data/report.html", "data/workbook.xlsx"];

/// Whether a file of the payload is one that this program does not judge.
pub fn is_unjudged(path: &str) -> bool {
    UNJUDGED.iter().any(|known| if known.ends_with('/') { path.starts_with(known) } else { path == *known })
}

/// Whether a file says who had the package.
pub fn is_custody(path: &str) -> bool {
    path.starts_with(CUSTODY)
}

/// Whether a file outside the payload stands in no manifest.
pub fn is_unlisted(path: &str) -> bool {
    UNLISTED.contains(&path) || is_custody(path)
}

/// A manifest: the hash of each file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest(pub BTreeMap<String, Hash>);

impl Manifest {
    /// Reads a manifest, strictly.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<Manifest, PackageRefusal> {
        let refuse = |code, line: usize| PackageRefusal::new(code, file, format_args!("line {line}"));
        if bytes.contains(&b'\r') {
            let before = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count().saturating_add(1);
            return Err(refuse(PackageCode::ManifestCrlf, line));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| refuse(PackageCode::ManifestForm, 0))?;
        let (mut lines, mut files) = (Lines::new(text), BTreeMap::new());
        let mut last = String::new();
        while !lines.is_spent() {
            let line = lines.next().and_then(parse_line);
            let (hash, path) = line.ok_or(refuse(PackageCode::ManifestForm, lines.number.saturating_add(1)))?;
            if files.insert(path.to_owned(), hash).is_some() {
                return Err(refuse(PackageCode::ManifestTwice, lines.number));
            }
            if path < last.as_str() {
                return Err(refuse(PackageCode::ManifestForm, lines.number));
            }
            last = path.to_owned();
        }
        Ok(Manifest(files))
    }

    /// The text that `parse` reads.
    pub fn to_text(&self) -> String {
        self.0.iter().map(|(path, hash)| format!("{hash}  {path}\n")).collect()
    }
}

fn parse_line(line: &str) -> Option<(Hash, &str)> {
    let (hex, path) = line.split_once("  ")?;
    let hash = Hash::from_hex(hex).filter(|hash| hash.to_string() == hex)?;
    is_path(path).then_some((hash, path))
}

/// Whether a path stays in its folder and reads the same everywhere: parts of letters, digits, `.`, `-`, `_`, none of
/// which begins with a dot.
pub fn is_path(path: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && part.bytes().all(legal);
    path.len() <= 255 && path.split('/').all(part)
}

/// `bag-info.txt` of a payload.
pub fn info(payload: &BTreeMap<String, Written>) -> String {
    let bytes = payload.values().fold(0u64, |sum, file| sum.saturating_add(file.bytes));
    format!("Bag-Software-Agent: {PROGRAM}\nPayload-Oxum: {bytes}.{}\n", payload.len())
}
