//! Bodies at rest: salt ‖ body under a key of its own, so that deleting 32 bytes erases one body and nothing else.
//! The cipher is ChaCha20-Poly1305; its nonce may be constant because a key encrypts exactly once.

use deedbook_verify::hash::Salt;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use thiserror::Error;
use zeroize::Zeroizing;

const TAG_BYTES: usize = 16;

/// The stored body is not what was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stored body does not open under its key")]
pub struct BodyDamaged;

fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// The key of one body. Wiped when dropped.
#[derive(Clone)]
pub struct BodyKey(Zeroizing<[u8; 32]>);

impl BodyKey {
    /// Takes fresh random bytes.
    pub fn new(bytes: [u8; 32]) -> BodyKey {
        BodyKey(Zeroizing::new(bytes))
    }

    /// Takes stored bytes.
    pub fn from_stored(bytes: &[u8]) -> Option<BodyKey> {
        bytes.try_into().ok().map(BodyKey::new)
    }

    /// The bytes, for the key range of the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn cipher(&self) -> Result<LessSafeKey, BodyDamaged> {
        UnboundKey::new(&CHACHA20_POLY1305, &*self.0).map(LessSafeKey::new).map_err(|_| BodyDamaged)
    }

    /// Encrypts salt ‖ body; the result is 48 bytes longer than the body.
    pub fn seal(&self, salt: &Salt, body: &[u8]) -> Result<Vec<u8>, BodyDamaged> {
        let mut out = Vec::with_capacity(body.len() + salt.0.len() + TAG_BYTES);
        out.extend_from_slice(&salt.0);
        out.extend_from_slice(body);
        let tag = self.cipher()?.seal_in_place_separate_tag(nonce(), Aad::empty(), &mut out);
        out.extend_from_slice(tag.map_err(|_| BodyDamaged)?.as_ref());
        Ok(out)
    }

    /// Decrypts what `seal` made.
    pub fn open(&self, mut stored: Vec<u8>) -> Result<(Salt, Vec<u8>), BodyDamaged> {
        self.open_in_place(&mut stored).map(|(salt, body)| (salt, body.to_vec()))
    }

    /// The same in the place of the encrypted bytes.
    pub fn open_in_place<'s>(&self, stored: &'s mut [u8]) -> Result<(Salt, &'s [u8]), BodyDamaged> {
        let stored = self.cipher()?.open_in_place(nonce(), Aad::empty(), stored).map_err(|_| BodyDamaged)?;
        let (salt, body) = stored.split_first_chunk::<32>().ok_or(BodyDamaged)?;
        Ok((Salt(*salt), body))
    }
}
