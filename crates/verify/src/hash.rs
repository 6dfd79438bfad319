//! The hashes of the log: RFC 6962 leaves and nodes over SHA-256, content commitments over keyed BLAKE3.

use crate::facts::Parent;
use crate::kind::Kind;
use crate::words::{Digest, EventId, Hash, Micros, Ref, SubjectId};
use sha2::Digest as _;

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = sha2::Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    Hash(hasher.finalize().into())
}

/// Leaf: `SHA-256(0x00 ‖ bytes)` (RFC 6962, 2.1). Used for entries and, inside a frame, for facts.
pub fn leaf(bytes: &[u8]) -> Hash {
    sha256(&[&[0], bytes])
}

/// The two leaf hashes of an entry: its own in the log, and that of its facts in their frame. They need nothing but its
/// bytes, so that they can be made on any thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryHashes {
    /// Of the entry.
    pub leaf: Hash,
    /// Of its facts; of nothing, where the bytes are no entry.
    pub facts: Hash,
}

impl EntryHashes {
    /// Of an entry's bytes: version u8 ‖ facts length u16 ‖ facts ‖ seal.
    pub fn of(entry: &[u8]) -> EntryHashes {
        let facts = entry.split_at_checked(3).and_then(|(head, rest)| {
            let [_, high, low] = *<&[u8; 3]>::try_from(head).ok()?;
            rest.get(..usize::from(u16::from_be_bytes([high, low])))
        });
        EntryHashes { leaf: leaf(entry), facts: leaf(facts.unwrap_or_default()) }
    }
}

/// The two children of a node, named because hashing them in the wrong order yields another tree.
#[derive(Clone, Copy, Debug)]
pub struct Children<'a> {
    /// Covers the lower indexes.
    pub left: &'a Hash,
    /// Covers the higher indexes.
    pub right: &'a Hash,
}

/// Node: `SHA-256(0x01 ‖ left ‖ right)` (RFC 6962, 2.1).
pub fn node(children: Children<'_>) -> Hash {
    // One piece: a tree hashes more nodes than anything else, and each piece costs a copy and a count.
    let mut bytes = [1; 1 + 2 * Hash::BYTES];
    let [_, hashes @ ..] = &mut bytes;
    let (left, right) = hashes.split_at_mut(Hash::BYTES);
    left.copy_from_slice(&children.left.0);
    right.copy_from_slice(&children.right.0);
    Hash(sha2::Sha256::digest(bytes).into())
}

/// The root of the tree with no leaves: `SHA-256("")`.
pub fn empty_root() -> Hash {
    sha256(&[])
}

/// Plain SHA-256 over parts in order; key ids and frame digests.
pub fn digest(parts: &[&[u8]]) -> Hash {
    sha256(parts)
}

/// 32 random bytes that keep a commitment from being guessed; stored and erased with the body.
#[derive(Clone, Copy)]
pub struct Salt(pub [u8; 32]);

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Salt(not shown)")
    }
}

/// What facts say about their body: one algorithm byte and 32 bytes of keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commitment {
    /// Algorithm 1: BLAKE3 keyed with the salt, over the body.
    Blake3([u8; 32]),
}

impl Commitment {
    /// Bytes on the wire.
    pub const BYTES: usize = 33;

    /// Commits to a body under a fresh salt.
    pub fn of(salt: &Salt, body: &[u8]) -> Commitment {
        Commitment::Blake3(*blake3::keyed_hash(&salt.0, body).as_bytes())
    }

    /// Whether salt and body open this commitment.
    pub fn opens(&self, salt: &Salt, body: &[u8]) -> bool {
        *self == Commitment::of(salt, body)
    }

    /// Parses algorithm byte and value; algorithm 2 (HMAC-SHA-256) is reserved and not accepted yet.
    pub fn from_bytes(bytes: [u8; Commitment::BYTES]) -> Option<Commitment> {
        let (algorithm, value) = bytes.split_first_chunk::<1>()?;
        match algorithm {
            [1] => value.try_into().ok().map(Commitment::Blake3),
            _ => None,
        }
    }

    /// Algorithm byte and value.
    pub fn to_bytes(&self) -> [u8; Commitment::BYTES] {
        let Commitment::Blake3(value) = self;
        let mut out = [1u8; Commitment::BYTES];
        out.iter_mut().skip(1).zip(value).for_each(|(to, from)| *to = *from);
        out
    }
}

/// What a ref stands for: class, namespace and name, verbatim.
#[derive(Clone, Copy, Debug)]
pub struct Identity<'a> {
    /// Such as `source`, `person`, `dataset`, `run`, `action`.
    pub class: &'a str,
    /// The naming authority: an issuer, a dataset namespace; often empty.
    pub namespace: &'a str,
    /// The name within it.
    pub name: &'a str,
}

/// The key under which a ledger's refs are made; never rotated, known to producers and auditors.
#[derive(Clone)]
pub struct RefKey(pub [u8; 32]);

impl RefKey {
    /// First 16 bytes of BLAKE3 keyed with this key over class, namespace, name, each as u16 length ‖ bytes.
    /// None when a part is longer than a u16 can say.
    pub fn make(&self, identity: Identity<'_>) -> Option<Ref> {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        for part in [identity.class, identity.namespace, identity.name] {
            hasher.update(&u16::try_from(part.len()).ok()?.to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().as_bytes().first_chunk::<16>().map(|bytes| Ref(*bytes))
    }

    /// What genesis says of this key: BLAKE3 in derive-key mode, context `deedbook ref key 1`.
    pub fn digest(&self) -> Digest {
        Digest(blake3::derive_key("deedbook ref key 1", &self.0))
    }
}

/// The id of an event that follows from a command: first 16 bytes of
/// SHA-256(`deedbook.derived/1` ‖ 0x00 ‖ source ref ‖ event id ‖ ordinal u16).
pub fn derived_event_id(parent: &Parent, ordinal: u16) -> EventId {
    let hash = sha256(&[b"deedbook.derived/1\0", &parent.source.0, &parent.event_id.0, &ordinal.to_be_bytes()]);
    EventId(first_16(&hash))
}

/// The id of an action, of its approval request, and of a governance request: derived from the command that asked,
/// with ordinal 0xffff.
pub fn request_id(command: &Parent) -> SubjectId {
    SubjectId(derived_event_id(command, u16::MAX).0)
}

/// The id of an event that time alone causes: first 16 bytes of
/// SHA-256(`deedbook.timed/1` ‖ 0x00 ‖ subject id ‖ kind u16 ‖ deadline u64).
pub fn timed_event_id(subject: &SubjectId, kind: Kind, deadline: Micros) -> EventId {
    let (kind, deadline) = (kind.number().to_be_bytes(), deadline.0.to_be_bytes());
    EventId(first_16(&sha256(&[b"deedbook.timed/1\0", &subject.0, &kind, &deadline])))
}

fn first_16(hash: &Hash) -> [u8; 16] {
    let mut id = [0u8; 16];
    id.iter_mut().zip(hash.0).for_each(|(to, from)| *to = from);
    id
}
