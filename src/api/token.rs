//! Page tokens: where a list goes on, at which tree size, bound to the arguments that began it. A token for other
//! arguments, or an altered one, is no token. It knows nothing of what is listed.

use crate::api::proto::Reason;
use crate::api::reason::Fault;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deedbook_verify::bytes::Reader;
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::TreeSize;

const VERSION: u8 = 1;
const CHECK_BYTES: usize = 16;
/// The longest cursor is a key id; more text than this is not worth decoding.
const TEXT_BYTES_MAX: usize = 128;

/// Makes and checks the tokens of one ledger. They outlive a restart, because the key is derived from the ref key.
#[derive(Clone)]
pub struct TokenKey([u8; 32]);

/// Where a list stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The tree that the list is of.
    pub size: TreeSize,
    /// What the next page begins behind; the list decides its form.
    pub cursor: Vec<u8>,
}

impl TokenKey {
    /// The key of the ledger with this ref key.
    pub fn new(ref_key: &RefKey) -> TokenKey {
        TokenKey(blake3::derive_key("deedbook page token 1", &ref_key.0))
    }

    /// The token for a place in the list of `method` with these arguments.
    pub fn seal(&self, method: &str, arguments: &[u8], place: &Place) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&place.size.0.to_be_bytes());
        bytes.extend_from_slice(&place.cursor);
        let check = self.check(method, arguments, &bytes);
        bytes.extend_from_slice(&check);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The place of a token that `seal` made for the same method and arguments.
    pub fn open(&self, method: &str, arguments: &[u8], token: &str) -> Result<Place, Fault> {
        self.read(method, arguments, token).ok_or_else(|| {
            Fault::new(Reason::PageTokenInvalid, "the page token is not from this list of this ledger")
                .with("field", "page_token")
        })
    }

    fn read(&self, method: &str, arguments: &[u8], token: &str) -> Option<Place> {
        if token.len() > TEXT_BYTES_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signed, check) = bytes.split_last_chunk::<CHECK_BYTES>()?;
        let right = subtle::ConstantTimeEq::ct_eq(check.as_slice(), self.check(method, arguments, signed).as_slice());
        let mut reader = Reader::new(signed);
        if !bool::from(right) || reader.u8("page token").ok()? != VERSION {
            return None;
        }
        let size = TreeSize(reader.u64("page token").ok()?);
        Some(Place { size, cursor: reader.rest().to_vec() })
    }

    fn check(&self, method: &str, arguments: &[u8], signed: &[u8]) -> [u8; CHECK_BYTES] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in [method.as_bytes(), arguments, signed] {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part);
        }
        let mut out = [0; CHECK_BYTES];
        hasher.finalize_xof().fill(&mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> TokenKey {
        TokenKey::new(&RefKey([7; 32]))
    }

    fn place() -> Place {
        Place { size: TreeSize(900), cursor: 17u64.to_be_bytes().to_vec() }
    }

    #[test]
    fn a_token_leads_back() {
        let token = key().seal("ListEvents", b"kind", &place());
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(key().open("ListEvents", b"kind", &token), Ok(place()));
    }

    #[test]
    fn a_token_of_another_list_is_refused() {
        let token = key().seal("ListEvents", b"kind", &place());
        let refused = |found: Result<Place, Fault>| assert_eq!(found.unwrap_err().reason(), Reason::PageTokenInvalid);
        refused(key().open("ListEvents", b"actor", &token));
        refused(key().open("ListKeys", b"kind", &token));
        refused(TokenKey::new(&RefKey([8; 32])).open("ListEvents", b"kind", &token));
        refused(key().open("ListEvents", b"kind", ""));
        refused(key().open("ListEvents", b"kind", &"A".repeat(10_000)));
    }

    #[test]
    fn every_altered_character_is_refused() {
        let token = key().seal("ListEvents", b"kind", &place());
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(key().open("ListEvents", b"kind", &altered).is_err(), "character {at}");
        }
    }
}
