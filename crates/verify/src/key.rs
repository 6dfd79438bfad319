//! Public keys, their ids, and the one strict signature check that admission and audit share.

use crate::bytes::{Defect, Malformed, Reader, Tag};
use crate::hash;
use crate::plant::Bug;
use crate::words::KeyId;
use ed25519_dalek::{Signature, VerifyingKey};

/// Number of the Ed25519 algorithm. ES256 (WebAuthn) and ML-DSA-44 will have numbers of their own.
pub const ED25519: u16 = 1;

/// A key as stated on the wire: algorithm u16 ‖ public key bytes. Not yet known to be a usable key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawKey<'a> {
    /// The wire bytes.
    pub bytes: &'a [u8],
}

impl<'a> RawKey<'a> {
    /// Wire width of an Ed25519 key with its algorithm.
    pub const ED25519_BYTES: usize = 34;

    pub(crate) fn parse(tag: Tag, bytes: &'a [u8]) -> Result<RawKey<'a>, Malformed> {
        let mut reader = Reader::new(bytes);
        if reader.u16(tag.name)? != ED25519 {
            return Err(Malformed::new(tag.name, Defect::Value));
        }
        if bytes.len() != RawKey::ED25519_BYTES {
            return Err(Malformed::new(tag.name, Defect::Length(bytes.len())));
        }
        Ok(RawKey { bytes })
    }

    /// The id: SHA-256 over algorithm and key.
    pub fn id(&self) -> KeyId {
        KeyId(hash::digest(&[self.bytes]).0)
    }

    /// The usable key, or none if it is no curve point, or weak (of small order: anybody can forge under it).
    pub fn check(&self) -> Option<PublicKey> {
        let (_, point) = self.bytes.split_first_chunk::<2>()?;
        PublicKey::from_ed25519(point.try_into().ok()?)
    }
}

/// A checked Ed25519 key: a curve point of full order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    /// Checks 32 key bytes.
    pub fn from_ed25519(bytes: &[u8; 32]) -> Option<PublicKey> {
        let key = VerifyingKey::from_bytes(bytes).ok()?;
        if key.is_weak() && !Bug::WeakKeyTaken.planted() {
            return None;
        }
        let id = KeyId(hash::digest(&[&ED25519.to_be_bytes(), bytes]).0);
        Some(PublicKey { key, id })
    }

    /// The id: SHA-256 over algorithm and key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Algorithm u16 ‖ key, as facts carry it.
    pub fn to_wire(&self) -> [u8; RawKey::ED25519_BYTES] {
        let mut out = [0u8; RawKey::ED25519_BYTES];
        let parts = ED25519.to_be_bytes().into_iter().chain(*self.key.as_bytes());
        out.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
        out
    }

    /// The 32 key bytes.
    pub fn as_ed25519(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// `verify_strict`: no malleable and no small-order signatures. Batch checks accept more, and are never used.
    pub fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|signature| self.key.verify_strict(message, &signature).is_ok())
    }
}
