//! Files that commands share: verifier keys, key arguments, and where a signer's ref key is kept.

use super::Common;
use super::errors::Failure;
use super::output::read_bounded;
use crate::record;
use deedbook_verify::limits;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::policy::Policy;
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
