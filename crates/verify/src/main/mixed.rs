//! What a person may have mixed up: files of another kind in the place of a key, keys of somebody else, one command's files
//! given to another. It judges nothing; it names what was given, what is wanted, and where that is.

use super::lineage::plain;
use deedbook_verify::cosign::CosignerKey;
use deedbook_verify::lineage::BUNDLE_HEADER;
use deedbook_verify::note::{VerifierKey, signers};
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::RECEIPT_HEADER;

/// What a file is that is no verifier key, as far as its form tells.
pub fn kind(text: &str) -> &'static str {
    let trimmed = text.trim();
    if trimmed.starts_with("PRIVATE+KEY+") {
        "a secret key, which signs and which nobody else should have"
    } else if CosignerKey::parse(trimmed).is_ok() {
        "the key of a witness, which `--policy` takes among others"
    } else if trimmed.len() == 64 && trimmed.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "64 hex digits: a ref key, or the id of a key"
    } else if text.starts_with(RECEIPT_HEADER) {
        "a receipt"
    } else if text.as_bytes().starts_with(BUNDLE_HEADER) {
        "a proof of lineage"
    } else if Policy::parse(text.as_bytes()).is_ok() {
        "a witness policy, which `--policy` takes"
    } else {
        "no key: it is not `name+hash+base64` of a sound Ed25519 key"
    }
}

/// What to do where nothing is signed by the key that was given: whose it is, and whose is wanted.
pub fn other_key(key: &VerifierKey, signed: &[u8]) -> Option<String> {
    let names = signers(signed);
    let wanted = names.first().filter(|_| !names.iter().any(|name| name == key.name()))?;
    Some(format!(
        "the key given is that of `{}`, a signer's `.pub` or another ledger's; wanted is the verifier key of the ledger `{1}`: \
         its ledger.vkey, from the operator of `{1}` or an auditor who has it",
        plain(key.name()),
        plain(wanted)
    ))
}

/// What to do where a receipt is wanted.
pub fn no_receipt(bytes: &[u8]) -> Option<String> {
    bytes
        .starts_with(BUNDLE_HEADER)
        .then(|| "this is a proof of lineage: `deedbook-verify lineage` judges it".to_owned())
}

/// What to do where a proof of lineage is wanted.
pub fn no_bundle(bytes: &[u8]) -> Option<String> {
    bytes
        .starts_with(RECEIPT_HEADER.as_bytes())
        .then(|| "this is a receipt: `deedbook-verify receipt` judges it".to_owned())
}
