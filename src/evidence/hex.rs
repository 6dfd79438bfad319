//! Bytes as lower-case hex, where millions of hashes are written: a table on the stack, and nothing allocated.

use serde::{Serialize, Serializer};

/// Bytes, written as text where they are serialized.
#[derive(Clone, Copy)]
pub struct Hex<T>(pub T);

/// What nearly every value fits in: hashes, refs, commitments, signatures.
const SHORT: usize = 64;

impl<T: AsRef<[u8]>> Serialize for Hex<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.0.as_ref();
        let mut digits = [[0u8; 2]; SHORT];
        match digits.get_mut(..bytes.len()) {
            Some(digits) => serializer.serialize_str(spell(bytes, digits)),
            None => serializer.serialize_str(spell(bytes, &mut vec![[0; 2]; bytes.len()])),
        }
    }
}

/// Spells bytes into as many pairs of digits.
pub fn spell<'d>(bytes: &[u8], digits: &'d mut [[u8; 2]]) -> &'d str {
    digits.iter_mut().zip(bytes).for_each(|(pair, byte)| *pair = [digit(byte >> 4), digit(byte & 15)]);
    std::str::from_utf8(digits.as_flattened()).unwrap_or_default()
}

/// The digit of a number below 16.
fn digit(nibble: u8) -> u8 {
    let from = if nibble < 10 { b'0' } else { b'a'.wrapping_sub(10) };
    from.wrapping_add(nibble)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_its_digits() {
        let all: Vec<u8> = (0..=255).collect();
        let wanted: String = all.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(serde_json::to_string(&Hex(&all)).unwrap(), format!("\"{wanted}\""));
        for length in [0, 1, 33, 63, 64, 65] {
            let text = serde_json::to_string(&Hex(&all[..length])).unwrap();
            let wanted: String = wanted.chars().take(2 * length).collect();
            assert_eq!(text, format!("\"{wanted}\""));
        }
    }
}
