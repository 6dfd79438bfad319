//! Name-based UUIDs (RFC 9562, version 5): the same content has the same ids, whoever makes it, whenever. SHA-1 is what
//! that version is made of; nothing rests on it but that two names differ.

use crate::evidence::hex::spell;
use ring::digest;

/// Names in it differ from names in any other space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space([u8; 16]);

/// The space of URIs (RFC 9562, 6.6).
pub const URIS: Space =
    Space([0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8]);

impl Space {
    /// A space that is named in this one.
    pub fn within(self, name: &str) -> Space {
        let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&self.0);
        context.update(name.as_bytes());
        let mut bytes = [0u8; 16];
        bytes.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = (*version & 0x0f) | 0x50;
        *variant = (*variant & 0x3f) | 0x80;
        Space(bytes)
    }

    /// The UUID of a name, in lower-case hex.
    pub fn uuid(self, name: &str) -> String {
        let Space(bytes) = self.within(name);
        let mut digits = [[0; 2]; 16];
        let (mut out, mut rest) = (String::with_capacity(36), spell(&bytes, &mut digits));
        for group in [8, 4, 4, 4] {
            let (digits, behind) = rest.split_at_checked(group).unwrap_or_default();
            out.push_str(digits);
            out.push('-');
            rest = behind;
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_has_it() {
        // RFC 9562, A.4: "www.example.com" in the space of DNS names, which differs from that of URIs in one byte.
        let mut dns = URIS;
        dns.0[3] = 0x10;
        assert_eq!(dns.uuid("www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2");
        assert_ne!(URIS.within("a").uuid("b"), URIS.within("b").uuid("a"));
    }
}
