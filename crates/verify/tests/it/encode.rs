//! A second encoder, written from the layout in FORMAT.md with its numbers as literals, so that a slip in the
//! verifier's tables cannot hide in its tests.

use crate::naive_tree::{H, sha256};
use ed25519_dalek::{Signer as _, SigningKey};
use std::collections::BTreeMap;

/// Fields by tag; the map keeps them in ascending order.
pub type Fields = BTreeMap<u16, Vec<u8>>;

/// Tags that tests name often.
pub mod tag {
    pub const KIND: u16 = 0x0001;
    pub const EVENT_ID: u16 = 0x0002;
    pub const SOURCE: u16 = 0x0003;
    pub const EPOCH: u16 = 0x0004;
    pub const SEQUENCE: u16 = 0x0005;
    pub const STREAM: u16 = 0x0006;
    pub const EXPECTED: u16 = 0x0007;
    pub const OCCURRED: u16 = 0x0008;
    pub const PARENTS: u16 = 0x0030;
    pub const MEDIA_TYPE: u16 = 0x0040;
    pub const COMMITMENT: u16 = 0x0041;
    pub const RULES: u16 = 0x0100;
    pub const REASON: u16 = 0x0101;
    pub const SUBJECT_KEY: u16 = 0x0120;
    pub const SUBJECT_SOURCE: u16 = 0x0121;
    pub const SUBJECT_KEY_ID: u16 = 0x0122;
    pub const GAP_FROM: u16 = 0x0130;
    pub const GAP_TO: u16 = 0x0131;
    pub const ERASED_BODIES: u16 = 0x0140;
    pub const RECEIVED: u16 = 0x0201;
    pub const REVISION: u16 = 0x0202;
    pub const FRAME_DIGEST: u16 = 0x0203;
    pub const OFFSET: u16 = 0x0204;
    pub const FRAME_SIZE: u16 = 0x0205;
    pub const FRAME_HEADER: u16 = 0x0206;
    pub const SIGNATURES: u16 = 0x0207;
}

/// Kinds that tests name often.
pub mod kind {
    pub const GENESIS: u16 = 0x0001;
    pub const COMMAND_REFUSED: u16 = 0x0003;
    pub const CLOCK_CHECKED: u16 = 0x0012;
    pub const KEY_ENROLLED: u16 = 0x0110;
    pub const KEY_ROTATED: u16 = 0x0111;
    pub const KEY_REVOKED: u16 = 0x0112;
    pub const BODY_ERASED: u16 = 0x0143;
    pub const EXECUTION_REPORTED: u16 = 0x0200;
    pub const DATA_ACCESSED: u16 = 0x0201;
    pub const SOURCE_OPENED: u16 = 0x0210;
    pub const SOURCE_HEARTBEAT: u16 = 0x0211;
    pub const SOURCE_GAP: u16 = 0x0212;
}

/// 32 bytes that follow from a name.
pub fn seed(name: &str) -> H {
    sha256(&[b"deedbook test ", name.as_bytes()])
}

/// A ref, event id or subject id that follows from a name.
pub fn id16(name: &str) -> [u8; 16] {
    seed(name)[..16].try_into().unwrap()
}

/// A signing key that follows from a name.
#[derive(Clone)]
pub struct Key {
    pub signing: SigningKey,
}

impl Key {
    pub fn named(name: &str) -> Key {
        Key { signing: SigningKey::from_bytes(&seed(name)) }
    }

    pub fn point(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// Algorithm u16 ‖ key.
    pub fn wire(&self) -> Vec<u8> {
        wire_of(&self.point())
    }

    pub fn id(&self) -> H {
        sha256(&[&self.wire()])
    }

    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

pub fn wire_of(point: &[u8; 32]) -> Vec<u8> {
    [&[0, 1], point.as_slice()].concat()
}

/// tag u16 ‖ length u16 ‖ value, ascending.
pub fn fields(fields: &Fields) -> Vec<u8> {
    let mut out = Vec::new();
    for (tag, value) in fields {
        out.extend(tag.to_be_bytes());
        out.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        out.extend(value);
    }
    out
}

pub fn facts(facts: &Fields) -> Vec<u8> {
    [vec![0xfa], fields(facts)].concat()
}

/// version u8 ‖ facts length u16 ‖ facts ‖ seal.
pub fn entry(facts: &[u8], seal: &Fields) -> Vec<u8> {
    let length = u16::try_from(facts.len()).unwrap().to_be_bytes();
    [&[1], length.as_slice(), facts, &fields(seal)].concat()
}

/// What a frame's signers sign.
#[derive(Clone)]
pub struct Header {
    pub ledger: H,
    pub source: [u8; 16],
    pub epoch: u32,
    pub first: u64,
    pub n: u16,
    pub root: H,
    /// Role, algorithm, key id.
    pub signers: Vec<(u8, u16, H)>,
}

impl Header {
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = [self.ledger.as_slice(), &self.source].concat();
        out.extend(self.epoch.to_be_bytes());
        out.extend(self.first.to_be_bytes());
        out.extend(self.n.to_be_bytes());
        out.extend(self.root);
        out.push(u8::try_from(self.signers.len()).unwrap());
        for (role, algorithm, id) in &self.signers {
            out.push(*role);
            out.extend(algorithm.to_be_bytes());
            out.extend(id);
        }
        out
    }
}

/// DSSE pre-authentication encoding of a header.
pub fn signed_bytes(header: &[u8]) -> Vec<u8> {
    [format!("DSSEv1 33 application/vnd.deedbook.frame.v1 {} ", header.len()).as_bytes(), header].concat()
}

/// count u8 ‖ (algorithm u16 ‖ key id ‖ length u16 ‖ signature)*.
pub fn block(signatures: &[(H, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![u8::try_from(signatures.len()).unwrap()];
    for (id, signature) in signatures {
        out.extend([0, 1]);
        out.extend(id);
        out.extend(u16::try_from(signature.len()).unwrap().to_be_bytes());
        out.extend(signature);
    }
    out
}

pub fn frame_digest(header: &[u8], block: &[u8]) -> H {
    sha256(&[&signed_bytes(header), block])
}

/// First 16 bytes of SHA-256(`deedbook.derived/1` ‖ 0x00 ‖ source ‖ event id ‖ ordinal u16).
pub fn derived_id(source: &[u8], event_id: &[u8], ordinal: u16) -> Vec<u8> {
    sha256(&[b"deedbook.derived/1\x00", source, event_id, &ordinal.to_be_bytes()])[..16].to_vec()
}

/// Algorithm 1 ‖ BLAKE3 keyed with the salt over the body.
pub fn commitment(salt: &H, body: &[u8]) -> Vec<u8> {
    [&[1], blake3::keyed_hash(salt, body).as_bytes().as_slice()].concat()
}
