//! Why a package is refused: a code with a stable name, the file, and what is wrong with it. The first thing that is
//! found is reported; nothing behind it is looked at.

use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $text:literal;)+) => {
        /// What is wrong with a package.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum PackageCode { $($(#[$doc])* $variant),+ }

        impl PackageCode {
            /// Every code.
            pub const ALL: &'static [PackageCode] = &[$(PackageCode::$variant),+];

            /// The name in output and in EVIDENCE.md; never reused.
            pub fn name(self) -> &'static str {
                match self { $(PackageCode::$variant => $name),+ }
            }

            /// What it means.
            pub fn text(self) -> &'static str {
                match self { $(PackageCode::$variant => $text),+ }
            }
        }
    };
}

codes! {
    /// Not a file of a bag.
    Bag = "BAG", "the bag's own files are not what BagIt 1.0 and this profile ask for";
    /// A manifest's form.
    ManifestForm = "MANIFEST_FORM", "a manifest line is not 64 hex digits, two spaces, a path, in ascending order";
    /// Carriage returns.
    ManifestCrlf = "MANIFEST_CRLF", "a manifest has a carriage return; lines end in a line feed alone";
    /// A path twice.
    ManifestTwice = "MANIFEST_TWICE", "a manifest names a file twice";
    /// A file is named and not there.
    FileMissing = "FILE_MISSING", "a file that a manifest names, or that a package needs, is not there";
    /// A file is there and not named.
    FileSurplus = "FILE_SURPLUS", "a file is there that no manifest names, or that no package holds";
    /// A file's hash differs.
    FileHash = "FILE_HASH", "a file's SHA-256 is not the one in its manifest";
    /// A file cannot be read.
    Unreadable = "UNREADABLE", "a file cannot be read";
    /// The question's form.
    Question = "QUESTION", "the question is not in its one canonical form";
    /// Another program made it.
    Program = "PROGRAM", "the package was made by another revision of the tests than this program has";
    /// Another ledger.
    Ledger = "LEDGER", "the question, the entries and the key are not of one ledger";
    /// The start checkpoint.
    StartCheckpoint = "START_CHECKPOINT", "the start checkpoint is not signed by the given key, or is not of the interval";
    /// The end checkpoint.
    EndCheckpoint = "END_CHECKPOINT", "the end checkpoint is not signed by the given key, or is not of the interval";
    /// The frontier.
    Frontier = "FRONTIER", "the frontier does not fold to the start checkpoint";
    /// What stood before.
    Before = "BEFORE", "an entry from before the interval is not in the start checkpoint's tree, or does not belong there";
    /// The file of entries ends inside one.
    EntriesCut = "ENTRIES_CUT", "the file of entries ends inside an entry";
    /// Too few entries.
    EntriesMissing = "ENTRIES_MISSING", "there are fewer entries than the interval has";
    /// Too many entries.
    EntriesSurplus = "ENTRIES_SURPLUS", "there are more entries than the interval has";
    /// An entry is refused.
    Entry = "ENTRY", "an entry does not belong where it stands";
    /// A signature.
    Signature = "SIGNATURE", "a signature does not verify";
    /// The root.
    Root = "ROOT", "the entries do not lead from the start checkpoint to the end checkpoint: one was altered, withheld, added or moved";
    /// The edges.
    Edge = "EDGE", "the interval does not reach over the edge of the period";
    /// The form of bodies.
    BodyForm = "BODY_FORM", "a disclosed body is out of place, of an entry without a body, or cut";
    /// A body that does not open.
    BodyUnopened = "BODY_UNOPENED", "a disclosed body and its salt do not open the commitment of its entry";
    /// A body beyond the redaction.
    BodyRedacted = "BODY_REDACTED", "the question asks for redaction, and bodies are disclosed";
    /// A policy's text.
    Policy = "POLICY", "a policy's text is not the one that its name says, is missing, or was not in force";
    /// A population.
    Population = "POPULATION", "a population is not what filter and tests give over the entries";
    /// Samples.
    Samples = "SAMPLES", "samples are not those that the seed draws";
    /// Exceptions.
    Exceptions = "EXCEPTIONS", "exceptions are not those that the tests give over the entries";
    /// A result.
    Result = "RESULT", "a result, summary or table is not what the entries give";
    /// Too much.
    TooLarge = "TOO_LARGE", "a part is beyond the bound that this program reads";
    /// Who took it out.
    Custody = "CUSTODY", "what stands beside the package about who took it out is not so";
    /// It could not be written.
    Unwritten = "UNWRITTEN", "a file cannot be written";
}

/// Why a package is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageRefusal {
    /// The code.
    pub code: PackageCode,
    /// The file, from the bag's folder; escaped where it is shown.
    pub file: String,
    /// What was found, in words of this program; text from outside is escaped.
    pub found: String,
}

impl PackageRefusal {
    pub(crate) fn new(code: PackageCode, file: &str, found: impl fmt::Display) -> PackageRefusal {
        PackageRefusal { code, file: file.to_owned(), found: found.to_string() }
    }
}

impl fmt::Display for PackageRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (code, file) = (self.code, self.file.escape_default());
        // Quotes are words of this program, and harmless.
        let found = self.found.split('\'').map(|part| part.escape_debug().to_string()).collect::<Vec<_>>().join("'");
        write!(f, "{}: {file}: {} ({found})", code.name(), code.text())
    }
}

impl std::error::Error for PackageRefusal {}
