//! Files that commands share: verifier keys, key arguments, and where a signer's ref key is kept.

use super::Common;
use super::errors::Failure;
use crate::record;
use deedbook_verify::note::VerifierKey;
use std::path::{Path, PathBuf};

/// The ledger's verifier key: `--vkey`, which must have been given.
pub fn verifier_key(common: &Common) -> Result<VerifierKey, Failure> {
    match &common.vkey {
        Some(path) => Ok(record::load_public(path)?),
        None => Err(Failure::usage(
            "the ledger's verifier key is missing",
            "add `--vkey FILE` or set DEEDBOOK_VKEY; `deedbook init` wrote it as ledger.vkey",
        )),
    }
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
