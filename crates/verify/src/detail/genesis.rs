//! What index 0 says: names, keys and first persons of the ledger. Whether its keys are sound is judged by `authority`.

use crate::bytes::{Defect, Fields, Malformed, Reader};
use crate::detail::{Roles, Rules};
use crate::facts::{list, value};
use crate::key::RawKey;
use crate::limits;
use crate::tags;
use crate::words::{Digest, Hash, LedgerId, Ref, TreeSize};

/// What index 0 says: names, keys and first persons of the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Genesis<'a> {
    /// Revision of the fold that founded it.
    pub rules: Rules,
    /// 32 random bytes; two ledgers never share an id.
    pub nonce: [u8; 32],
    /// The ledger's name in checkpoints.
    pub origin: &'a str,
    /// Signs checkpoints.
    pub head_key: RawKey<'a>,
    /// Signs what the ledger makes.
    pub sequencer_key: RawKey<'a>,
    persons: &'a [u8],
    /// The ledger that this one continues.
    pub predecessor: Option<Predecessor>,
    /// Digest of the ref key.
    pub ref_key_digest: Digest,
}

/// The last proven state of the ledger that this one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its id.
    pub ledger: LedgerId,
    /// Its last size.
    pub size: TreeSize,
    /// Its root at that size.
    pub root: Hash,
}

/// A person that genesis names. 51 bytes on the wire: ref, key, roles.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The person's ref, which is also the source of frames that they sign themselves.
    pub who: Ref,
    /// Their key.
    pub key: RawKey<'a>,
    /// Their roles.
    pub roles: Roles,
}

/// Wire width of a genesis person.
pub const PERSON_BYTES: usize = 16 + RawKey::ED25519_BYTES + 1;

impl<'a> Genesis<'a> {
    pub(super) fn parse(rules: Rules, fields: &mut Fields<'a>) -> Result<Genesis<'a>, Malformed> {
        let genesis = Genesis {
            rules,
            nonce: fields.required_array(tags::NONCE)?,
            origin: origin(fields.required(tags::ORIGIN)?)?,
            head_key: RawKey::parse(tags::HEAD_KEY, fields.required(tags::HEAD_KEY)?)?,
            sequencer_key: RawKey::parse(tags::SEQUENCER_KEY, fields.required(tags::SEQUENCER_KEY)?)?,
            persons: list(fields, tags::PERSONS, PERSON_BYTES, limits::PERSONS_MAX)?,
            predecessor: predecessor(fields)?,
            ref_key_digest: Digest(fields.required_array(tags::REF_KEY_DIGEST)?),
        };
        if genesis.persons().count() * PERSON_BYTES != genesis.persons.len() {
            return Err(value(tags::PERSONS));
        }
        Ok(genesis)
    }

    /// The first persons.
    pub fn persons(&self) -> impl Iterator<Item = Person<'a>> + use<'a> {
        self.persons.chunks_exact(PERSON_BYTES).filter_map(|chunk| {
            let mut reader = Reader::new(chunk);
            let who = Ref(reader.array("persons").ok()?);
            let key = RawKey::parse(tags::PERSONS, reader.take("persons", RawKey::ED25519_BYTES).ok()?).ok()?;
            Some(Person { who, key, roles: Roles::from_bits(reader.u8("persons").ok()?)? })
        })
    }
}

fn origin(bytes: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| value(tags::ORIGIN))?;
    if is_origin(text) { Ok(text) } else { Err(value(tags::ORIGIN)) }
}

/// A name that C2SP accepts as key name and first checkpoint line: no space, no `+`, no control characters.
pub fn is_origin(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= limits::ORIGIN_BYTES_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn predecessor(fields: &mut Fields<'_>) -> Result<Option<Predecessor>, Malformed> {
    let Some(bytes) = fields.optional(tags::PREDECESSOR)? else { return Ok(None) };
    if bytes.len() != 72 {
        return Err(Malformed::new("predecessor", Defect::Length(bytes.len())));
    }
    let mut reader = Reader::new(bytes);
    Ok(Some(Predecessor {
        ledger: LedgerId(reader.array("predecessor")?),
        size: TreeSize(reader.u64("predecessor")?),
        root: Hash(reader.array("predecessor")?),
    }))
}
