//! What no published checker of OSCAL asks: whether what a document names is there, and is what it says. References by UUID,
//! targets in the catalog that the imports lead to, methods, hash algorithms, order of times, and the files behind hashes.
//! It is no schema: whether a member may stand where it stands is for those.

mod load;
mod walk;
mod rules;
mod files;

use deedbook_verify::package::Written;
use load::{Document, Imports};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $text:literal;)+) => {
        /// What is wrong with a document.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $($(#[$doc])* $variant),+ }

        impl Code {
            /// Every code.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The name in output and in EVIDENCE.md; never reused.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name),+ }
            }

            /// What it means.
            pub fn text(self) -> &'static str {
                match self { $(Code::$variant => $text),+ }
            }
        }
    };
}

codes! {
    /// No document of OSCAL.
    Document = "DOCUMENT", "cannot be read as an OSCAL document in JSON";
    /// Two things with one id.
    UuidTwice = "UUID_TWICE", "two things have this UUID";
    /// An observation that is not there.
    ObservationUnknown = "OBSERVATION_UNKNOWN", "no observation has this UUID";
    /// An actor that is not there.
    ActorUnknown = "ACTOR_UNKNOWN", "no platform, component or party of that type has this UUID";
    /// Anything else that is not there.
    ReferenceUnknown = "REFERENCE_UNKNOWN", "nothing in the document or its imports has this UUID";
    /// A link inside the document that leads nowhere.
    LinkUnknown = "LINK_UNKNOWN", "no resource has this UUID";
    /// A target that is not in the catalog.
    TargetUnknown = "TARGET_UNKNOWN", "no statement or objective of the catalog has this id";
    /// A control that is not in the catalog.
    ControlUnknown = "CONTROL_UNKNOWN", "no control of the catalog has this id";
    /// Not one of the four.
    MethodUnknown = "METHOD_UNKNOWN", "methods are EXAMINE, INTERVIEW, TEST and UNKNOWN";
    /// Not one that OSCAL knows.
    HashAlgorithm = "HASH_ALGORITHM", "OSCAL takes SHA-2 and SHA-3, by the names SHA-256 and so on";
    /// Not as long as its algorithm makes it.
    HashForm = "HASH_FORM", "the value is no hash of that algorithm in hex";
    /// No moment.
    TimeForm = "TIME_FORM", "no date and time with a zone";
    /// It ends before it begins.
    TimeOrder = "TIME_ORDER", "it ends before it starts";
    /// An imported document that is not there.
    ImportMissing = "IMPORT_MISSING", "the imported document is not there, or is none";
    /// A file that is not there.
    FileMissing = "FILE_MISSING", "the file is not there, or cannot be read";
    /// Another file.
    FileHash = "FILE_HASH", "the file has another hash";
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The document.
    pub document: PathBuf,
    /// The code.
    pub code: Code,
    /// Where, as a JSON pointer (RFC 6901).
    pub at: String,
    /// What stands there.
    pub found: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (document, code) = (self.document.display(), self.code);
        write!(f, "{}: {document}: {}: {} ({})", code.name(), self.at, code.text(), self.found)
    }
}

/// Something that was not looked at, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// The document.
    pub document: PathBuf,
    /// Where, as a JSON pointer.
    pub at: String,
    /// Why.
    pub why: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Documents that were read as asked; those that they import are not among them.
    pub documents: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What was not looked at.
    pub not_checked: Vec<NotChecked>,
}

/// Hashes that are known from writing the files, by path from the bag's folder: those files are not read again.
pub type Known = BTreeMap<String, Written>;

/// Checks documents. Imports and files are followed by relative path, as far as they stay in the document's folder, or in
/// the bag that holds it.
pub fn check(paths: impl IntoIterator<Item = PathBuf>) -> Report {
    check_knowing(paths, &Known::new())
}

/// The same in a bag whose files were just written.
pub fn check_knowing(paths: impl IntoIterator<Item = PathBuf>, known: &Known) -> Report {
    let mut report = Report::default();
    for path in paths {
        report.documents = report.documents.saturating_add(1);
        check_one(&path, known, &mut report);
    }
    report
}

fn check_one(path: &Path, known: &Known, report: &mut Report) {
    let mut notes = Notes { document: path.to_owned(), report };
    let document = match Document::read(path) {
        Ok(document) => document,
        Err(found) => return notes.problem(Code::Document, "", &found),
    };
    let imports = Imports::of(&document, &mut notes);
    rules::check(&document, &imports, &mut notes);
    files::check(&document, known, &mut notes);
}

/// Takes what is found in one document.
struct Notes<'a> {
    document: PathBuf,
    report: &'a mut Report,
}

impl Notes<'_> {
    /// The same, for a document that this one imports.
    fn of(&mut self, document: &Path) -> Notes<'_> {
        Notes { document: document.to_owned(), report: self.report }
    }

    fn problem(&mut self, code: Code, at: &str, found: &str) {
        let document = self.document.clone();
        self.report.problems.push(Problem { document, code, at: at.to_owned(), found: found.to_owned() });
    }

    fn not_checked(&mut self, at: &str, why: &str) {
        let document = self.document.clone();
        self.report.not_checked.push(NotChecked { document, at: at.to_owned(), why: why.to_owned() });
    }
}
