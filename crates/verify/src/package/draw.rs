//! Samples that neither side can steer: the seed rests on the end checkpoint's root and on the population, which stand
//! before the reader gives the nonce, and on the nonce, which the ledger's operator did not choose. Any language draws
//! the same rows again; a larger sample keeps those of a smaller one.

use crate::plant::Bug;
use crate::words::{Hash, Index};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What the seed is prefixed with.
const CONTEXT: &[u8] = b"sample/v1";
/// The block of SHA-256, which HMAC pads its key to.
const BLOCK: usize = 64;

/// The reader's part: 8 to 32 bytes, in lower-case hex where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(Vec<u8>);

impl Nonce {
    /// Reads 16 to 64 hex digits, an even number of them.
    pub fn from_hex(text: &str) -> Option<Nonce> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
        bytes.filter(|bytes| rest.is_empty() && (8..=32).contains(&bytes.len())).map(Nonce)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The seed of one population.
pub struct Seed {
    seed: Hash,
    inner: Sha256,
    outer: Sha256,
}

impl Seed {
    /// SHA-256(`sample/v1` ‖ root of the end checkpoint ‖ SHA-256 of the population's file ‖ nonce, if there is one).
    pub fn new(root: &Hash, population: &Hash, nonce: Option<&Nonce>) -> Seed {
        let nonce = nonce.filter(|_| !Bug::NonceUnread.planted()).map_or([].as_slice(), |nonce| &nonce.0);
        let seed = crate::hash::digest(&[CONTEXT, &root.0, &population.0, nonce]);
        let keyed = |pad: u8| {
            let mut block = [pad; BLOCK];
            block.iter_mut().zip(seed.0).for_each(|(to, byte)| *to ^= byte);
            Sha256::new().chain_update(block)
        };
        Seed { seed, inner: keyed(0x36), outer: keyed(0x5c) }
    }

    /// The seed itself, for whoever draws again.
    pub fn value(&self) -> Hash {
        self.seed
    }

    /// The draw value of a row: HMAC-SHA-256 under the seed over its index as u64. The lowest are drawn.
    pub fn draw(&self, index: Index) -> Hash {
        let inner = self.inner.clone().chain_update(index.0.to_be_bytes()).finalize();
        Hash(self.outer.clone().chain_update(inner).finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// HMAC by RFC 2104, written once more from its definition.
    fn hmac(key: &[u8; 32], message: &[u8]) -> Hash {
        let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
        let inner = crate::hash::digest(&[&pad(0x36), message]);
        crate::hash::digest(&[&pad(0x5c), &inner.0])
    }

    #[test]
    fn draws_are_hmacs_under_the_seed() {
        let nonce = Nonce::from_hex("00112233445566778899aabbccddeeff").unwrap();
        let seed = Seed::new(&Hash([1; 32]), &Hash([2; 32]), Some(&nonce));
        let by_hand = crate::hash::digest(&[b"sample/v1", &[1; 32], &[2; 32], &nonce.0]);
        assert_eq!(seed.value(), by_hand);
        for index in [0, 7, u64::MAX] {
            assert_eq!(seed.draw(Index(index)), hmac(&by_hand.0, &index.to_be_bytes()));
        }
        // RFC 4231, test case 2 has a shorter key; the same code path is judged by hand above.
        assert_ne!(Seed::new(&Hash([1; 32]), &Hash([2; 32]), None).value(), by_hand);
    }

    #[test]
    fn nonces_have_bounds() {
        for bad in ["", "0011", "001122334455667", &"0".repeat(66), "001122334455667g"] {
            assert_eq!(Nonce::from_hex(bad), None, "{bad}");
        }
        assert_eq!(Nonce::from_hex("0011223344556677").unwrap().to_string(), "0011223344556677");
    }
}
