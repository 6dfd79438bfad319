//! Files that commands share: verifier keys, key arguments, and where a signer's ref key is kept.

use super::Common;
use super::errors::Failure;
use super::output::read_bounded;
use crate::record::{self, KeyFileError, SigningKey};
use deedbook_verify::limits;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::RECEIPT_HEADER;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The ledger's verifier key: `--vkey`, which must have been given.
pub fn verifier_key(common: &Common) -> Result<VerifierKey, Failure> {
    match &common.vkey {
        Some(path) => verifier_key_at(path),
        None => Err(Failure::usage(
            "the ledger's verifier key is missing",
            "add `--vkey FILE` or set DEEDBOOK_VKEY; `deedbook init` wrote it as ledger.vkey",
        )),
    }
}

/// The same, or else that of the data folder at hand.
pub fn own_verifier_key(common: &Common) -> Result<VerifierKey, Failure> {
    let own = own_verifier_key_file(common);
    match &common.vkey {
        Some(_) => verifier_key(common),
        None if own.exists() => verifier_key_at(&own),
        None => Err(Failure::usage(
            format!("which key signs the checkpoints is not known: there is no {}", own.display()),
            "add `--vkey ledger.vkey`, or `--data DIR` where the ledger's folder is at hand",
        )),
    }
}

/// Where that key stands.
pub fn own_verifier_key_file(common: &Common) -> PathBuf {
    common.vkey.clone().unwrap_or_else(|| common.data.join("ledger.vkey"))
}

/// Reads a ledger's verifier key.
pub fn verifier_key_at(path: &Path) -> Result<VerifierKey, Failure> {
    let next = "name the ledger's verifier key; `deedbook init` wrote it as ledger.vkey, and its operator hands it out";
    record::load_public(path).map_err(|error| if_absent(error, next))
}

/// Reads a secret key that is to sign.
pub fn secret_key(path: &Path) -> Result<SigningKey, Failure> {
    let next = "check the path; `deedbook key new --name NAME --out FILE` makes a key";
    SigningKey::load(path).map_err(|error| if_absent(error, next))
}

/// The next step for a key file that is not there.
fn if_absent(error: KeyFileError, next: &str) -> Failure {
    let absent = matches!(&error, KeyFileError::Io { error, .. } if error.kind() == ErrorKind::NotFound);
    if absent { Failure::usage(error.to_string(), next) } else { error.into() }
}

/// Whether bytes begin as a receipt does.
fn is_receipt(bytes: &[u8]) -> bool {
    bytes.strip_prefix(RECEIPT_HEADER.as_bytes()).is_some_and(|rest| rest.starts_with(b"\n"))
}

/// Reads a checkpoint file; a receipt in its place is named as such.
pub fn checkpoint(path: &Path) -> Result<Vec<u8>, Failure> {
    // A receipt is larger than any checkpoint, and shall be told what it is.
    let bytes = read_bounded(path, limits::RECEIPT_BYTES_MAX)?;
    if is_receipt(&bytes) {
        let next = "name a file of `deedbook checkpoint --out FILE`; `deedbook verify` is for receipts";
        return Err(Failure::usage(format!("{}: a receipt, where a checkpoint is wanted", path.display()), next));
    }
    if bytes.len() > limits::NOTE_BYTES_MAX {
        let message = format!("{}: larger than the limit of {} bytes", path.display(), limits::NOTE_BYTES_MAX);
        return Err(Failure::usage(message, "check that it is the right file"));
    }
    Ok(bytes)
}

/// Whether bytes that are refused as a receipt are a checkpoint.
pub fn is_checkpoint(bytes: &[u8]) -> bool {
    // Two lines of text, a root, a blank line, a signature.
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let signed = text.split_once("\n\n").is_some_and(|(_, signatures)| signatures.starts_with('\u{2014}'));
    signed && !is_receipt(bytes)
}

/// Reads a witness policy.
pub fn policy(path: &Path) -> Result<Policy, Failure> {
    let bytes = read_bounded(path, limits::POLICY_BYTES_MAX)?;
    Policy::parse(&bytes).map_err(|refusal| {
        let next = "correct the file; docs/FORMAT.md, section \"Policies\", says what it may hold";
        Failure::usage(format!("{}: {refusal}", path.display()), next)
    })
}

/// The signer's file: `--signer`, which must have been given.
pub fn signer(common: &Common) -> Result<&Path, Failure> {
    common.signer.as_deref().ok_or_else(|| {
        let next = "add `--signer FILE` or set DEEDBOOK_SIGNER; `deedbook key new` makes a key";
        Failure::usage("the key that signs is missing", next)
    })
}

/// `FILE.ref` beside a signer's file.
pub fn ref_path(signer: &Path) -> PathBuf {
    let mut name = signer.as_os_str().to_owned();
    name.push(".ref");
    PathBuf::from(name)
}
