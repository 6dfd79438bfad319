//! Who took a package out, as far as files beside it say: the envelope around its second manifest, the receipt of the
//! ledger's statement, the record of both. They stand in no manifest, so each is held against the package. What is there
//! and says something else is refused; what is not there was never said.

use crate::frame::{SignerRole, pre_authentication_encoding};
use crate::judge::verify_receipt;
use crate::limits;
use crate::note::{VerifierKey, decode_base64};
use crate::package::bag;
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::files::{Folder, read_whole};
use crate::package::members::Value;
use crate::package::rendered::Rendered;
use crate::words::{Index, KeyId, Micros, Ref};

/// The envelope around the second manifest.
pub const ENVELOPE_FILE: &str = "tagmanifest-sha256.txt.dsse";
/// The receipt of the ledger's statement.
pub const RECEIPT_FILE: &str = "custody/exported.tlog-proof";
/// The record of the export.
pub const RECORD_FILE: &str = "custody/export.json";

/// The payload type of the envelope.
pub const ENVELOPE_TYPE: &str = "application/vnd.deedbook.tagmanifest.v1";
/// What a record says it is.
pub const RECORD_FORM: &str = "deedbook.custody/1";

/// What stands beside a package, and holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustodyShown {
    /// The envelope around the second manifest.
    pub signed: Option<Signed>,
    /// The ledger's statement that the package was taken out.
    pub exported: Option<Exported>,
    /// Files below `custody/` that this program does not look at.
    pub unread: Vec<String>,
}

/// A signature over the second manifest, and so over all that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// It holds under a key that was in force where the interval ends; the source that the key speaks for.
    By(KeyId, Ref),
    /// No entry up to the interval's end let the key in: it was not checked.
    Unknown(KeyId),
}

/// What the ledger states of the export.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exported {
    /// Where.
    pub index: Index,
    /// When, by the ledger's clock.
    pub received: Micros,
    /// Who took it out.
    pub exporter: Ref,
}

/// Holds what stands beside a package that was verified against it.
pub fn check(folder: &dyn Folder, log: &VerifierKey, rendered: &Rendered) -> Result<CustodyShown, PackageRefusal> {
    let there = folder.list().map_err(|error| PackageRefusal::new(PackageCode::Unreadable, ".", error))?;
    let has = |wanted: &str| there.iter().any(|path| path == wanted);
    let mut shown = CustodyShown::default();
    if has(ENVELOPE_FILE) {
        shown.signed = Some(signed(folder, rendered)?);
    }
    if has(RECEIPT_FILE) {
        shown.exported = Some(exported(folder, log, rendered)?);
    }
    if has(RECORD_FILE) {
        record(folder, rendered, (shown.exported, shown.signed))?;
    }
    let known = |path: &&String| bag::is_custody(path) && ![RECEIPT_FILE, RECORD_FILE].contains(&path.as_str());
    shown.unread = there.iter().filter(known).cloned().collect();
    shown.unread.sort_unstable();
    Ok(shown)
}

fn refuse(file: &str, found: &str) -> PackageRefusal {
    PackageRefusal::new(PackageCode::Custody, file, found)
}

fn signed(folder: &dyn Folder, rendered: &Rendered) -> Result<Signed, PackageRefusal> {
    let wrong = |found: &str| refuse(ENVELOPE_FILE, found);
    let bytes = read_whole(folder, ENVELOPE_FILE, limits::ENVELOPE_BYTES_MAX)?;
    let form = || wrong("it is no DSSE envelope with one signature, in plain JSON");
    let envelope = Value::read(&bytes).ok_or_else(form)?;
    let payload = envelope.text("payload").and_then(decode_base64).ok_or_else(form)?;
    let Some([signature]) = envelope.list("signatures") else { return Err(form()) };
    let key = signature.text("keyid").and_then(KeyId::from_hex).ok_or_else(form)?;
    let signature = signature.text("sig").and_then(decode_base64).ok_or_else(form)?;
    if envelope.text("payloadType") != Some(ENVELOPE_TYPE) {
        return Err(wrong("its payload type is another one"));
    }
    if payload != read_whole(folder, bag::TAG_MANIFEST_FILE, limits::PACKAGE_TEXT_BYTES_MAX)? {
        return Err(wrong("its payload is not the second manifest that stands beside it"));
    }
    let Some(tenure) = rendered.keys.tenure(&key) else { return Ok(Signed::Unknown(key)) };
    if tenure.role != SignerRole::Source || tenure.until.is_some() {
        return Err(wrong("its key had ended where the interval ends, or is no source's"));
    }
    match tenure.key.accepts(&pre_authentication_encoding(ENVELOPE_TYPE, &payload), &signature) {
        true => Ok(Signed::By(key, tenure.source)),
        false => Err(wrong("its signature does not hold")),
    }
}

fn exported(folder: &dyn Folder, log: &VerifierKey, rendered: &Rendered) -> Result<Exported, PackageRefusal> {
    let wrong = |found: &str| refuse(RECEIPT_FILE, found);
    let receipt = read_whole(folder, RECEIPT_FILE, limits::RECEIPT_BYTES_MAX)?;
    let proven = verify_receipt(&receipt, log)
        .map_err(|refusal| PackageRefusal::new(PackageCode::Custody, RECEIPT_FILE, refusal))?;
    let Some(stated) = proven.exported else { return Err(wrong("it proves no `evidence.exported`")) };
    let manifest = read_whole(folder, bag::MANIFEST_FILE, limits::MANIFEST_BYTES_MAX)?;
    if stated.package.0 != *blake3::hash(&manifest).as_bytes() {
        return Err(wrong("the ledger states the export of another package: its manifest has another BLAKE3"));
    }
    let question = &rendered.question;
    let (interval, head) = (stated.interval, stated.head);
    if (interval.first.0, interval.end, head.root) != (question.begins.0, question.ends, rendered.root) {
        return Err(wrong("the ledger states the export of another interval"));
    }
    if stated.disclosed != rendered.bodies.opened {
        return Err(wrong("the ledger states that another number of bodies was disclosed"));
    }
    Ok(Exported { index: proven.index, received: proven.received, exporter: stated.actor.who })
}

/// The rest of it, when it was signed and where the read stands, is the exporter's word: no file here says it again.
fn record(
    folder: &dyn Folder,
    rendered: &Rendered,
    (exported, signed): (Option<Exported>, Option<Signed>),
) -> Result<(), PackageRefusal> {
    let wrong = |found: &str| refuse(RECORD_FILE, found);
    let bytes = read_whole(folder, RECORD_FILE, limits::ENVELOPE_BYTES_MAX)?;
    let record = Value::read(&bytes).ok_or_else(|| wrong("it is no record in plain JSON"))?;
    let Some(exported) = exported else { return Err(wrong("the receipt that it speaks of is not there")) };
    let manifest = read_whole(folder, bag::MANIFEST_FILE, limits::MANIFEST_BYTES_MAX)?;
    let key = match signed {
        Some(Signed::By(key, _) | Signed::Unknown(key)) => Some(("key_id", key.to_string())),
        None => None,
    };
    let said = [
        ("custody", RECORD_FORM.to_owned()),
        ("receipt", RECEIPT_FILE.trim_start_matches("custody/").to_owned()),
        ("ledger_id", rendered.question.ledger.to_string()),
        ("exporter", exported.exporter.to_string()),
        ("manifest_blake3", blake3::hash(&manifest).to_hex().to_string()),
    ];
    let mut said = said.iter().chain(&key);
    let other = said.find(|(name, value)| record.text(name) != Some(value.as_str())).map(|(name, _)| *name);
    let at = (record.number("exported_index") != Some(exported.index.0)).then_some("exported_index");
    match other.or(at) {
        None => Ok(()),
        Some(name) => Err(PackageRefusal::new(
            PackageCode::Custody,
            RECORD_FILE,
            format_args!("`{name}` is not what receipt, envelope and package say"),
        )),
    }
}
