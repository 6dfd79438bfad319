//! The fixed-width words of the format as types that cannot be mistaken for each other.
//! All integers are big-endian on the wire.

use std::fmt;

/// Declares a byte-array word that prints as lower-case hex.
macro_rules! bytes_word {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $len]);

        impl $name {
            /// Width in bytes.
            pub const BYTES: usize = $len;
            /// The bytes as they stand on the wire.
            pub fn as_bytes(&self) -> &[u8] {
                &self.0
            }
            /// Parses `2 * BYTES` hex digits of either case.
            pub fn from_hex(text: &str) -> Option<$name> {
                let digits = text.as_bytes();
                if digits.len() != $len * 2 {
                    return None;
                }
                let mut out = [0u8; $len];
                for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
                    let [high, low] = pair else { return None };
                    let value = (*high as char).to_digit(16)? * 16 + (*low as char).to_digit(16)?;
                    *byte = u8::try_from(value).ok()?;
                }
                Some($name(out))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
    };
}

/// Declares a number word; the inner integer is public because every value of it is legal.
macro_rules! number_word {
    ($(#[$doc:meta])* $name:ident, $int:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub struct $name(pub $int);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

bytes_word!(
    /// A SHA-256 value: leaf, node, root, frame digest.
    Hash, 32
);
bytes_word!(
    /// The leaf hash of a ledger's genesis entry.
    LedgerId, 32
);
bytes_word!(
    /// A BLAKE3 content digest (policies, refs' key) or the SHA-256 action digest.
    Digest, 32
);
bytes_word!(
    /// A pseudonym: the first 16 bytes of a keyed hash of class, namespace and name.
    Ref, 16
);
bytes_word!(
    /// 16 opaque bytes, unique per source for ever.
    EventId, 16
);
bytes_word!(
    /// The id of an action, approval request or grant.
    SubjectId, 16
);
bytes_word!(
    /// SHA-256 over algorithm (u16) and public key bytes.
    KeyId, 32
);

number_word!(
    /// An entry's position in its ledger, from 0.
    Index, u64
);
number_word!(
    /// Number of entries in a tree.
    TreeSize, u64
);
number_word!(
    /// Position of an entry in its stream, from 1; 0 stands for "no entry yet" in an expectation.
    Revision, u64
);
number_word!(
    /// A source's session; 0 only for unsequenced appends.
    Epoch, u32
);
number_word!(
    /// A source's gapless counter within an epoch, from 1; 0 only for unsequenced appends.
    Sequence, u64
);
number_word!(
    /// Microseconds since 1970-01-01T00:00:00 UTC.
    Micros, u64
);
number_word!(
    /// Seconds since 1970-01-01T00:00:00 UTC; the times of cosignatures.
    Seconds, u64
);

impl Index {
    /// The smallest tree that holds this entry, or none at the end of the number range.
    pub fn size_including(self) -> Option<TreeSize> {
        self.0.checked_add(1).map(TreeSize)
    }
}

impl LedgerId {
    /// 32 zero bytes: what the genesis frame names, valid only there.
    pub const GENESIS: LedgerId = LedgerId([0; 32]);
}
