//! What OCSF 1.8.0 has no place for: the root that holds the entry, the signatures of its
//! frame, and the rest of its facts. With the leaf's hash and index, which are `metadata.uid` and `metadata.sequence`, anybody
//! can ask for a receipt.

use super::event::Clock;
use super::stated::{Refused, Stated};
use crate::evidence::hex::Hex;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::entry::{Entry, Seal};
use deedbook_verify::kind::Author;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::Index;
use serde::Serialize;

/// The place of a leaf, and what proves it.
#[derive(Serialize)]
pub struct Unmapped<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    action_digest: Option<Hex<[u8; 32]>>,
    author: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    commitment: Option<Hex<[u8; 33]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a str>,
    epoch: u32,
    frame: Frame<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<Hex<[u8; 16]>>,
    in_period: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Thing>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    on_behalf_of: Vec<Hex<[u8; 16]>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parents: Vec<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy_digest: Option<Hex<[u8; 32]>>,
    received: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Refused>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    responsible: Option<Hex<[u8; 16]>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    root: Hex<[u8; 32]>,
    sequence: u64,
    source: Hex<[u8; 16]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stated: Option<Stated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<Hex<[u8; 16]>>,
    tree_size: u64,
}

#[derive(Serialize)]
struct Frame<'a> {
    digest: Hex<[u8; 32]>,
    n: u16,
    offset: u16,
    /// The first entry of a frame carries them for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signatures: Vec<Signature<'a>>,
}

#[derive(Serialize)]
struct Signature<'a> {
    algorithm: u16,
    key_id: Hex<[u8; 32]>,
    signature: Hex<&'a [u8]>,
}

#[derive(Serialize)]
struct Thing {
    class: &'static str,
    #[serde(rename = "ref")]
    what: Hex<[u8; 16]>,
    role: &'static str,
}

#[derive(Serialize)]
struct Cause {
    event_id: Hex<[u8; 16]>,
    source: Hex<[u8; 16]>,
}

/// Where an entry stands.
#[derive(Clone, Copy)]
pub struct Place {
    /// Its index.
    pub index: Index,
    /// The tree that holds it.
    pub tree: TreeHead,
    /// Whether it was received in the period.
    pub in_period: bool,
}

impl<'a> Unmapped<'a> {
    /// Of an entry, with the reason if it is a command that was refused.
    pub fn of(entry: &Entry<'a>, place: Place, refused: Option<RefusalReason>, clock: &mut Clock) -> Unmapped<'a> {
        let facts = &entry.facts;
        Unmapped {
            action_digest: facts.action_digest.map(|digest| Hex(digest.0)),
            author: match facts.author() {
                Author::Asker => "asker",
                Author::Witness => "witness",
                Author::Ledger => "ledger",
            },
            commitment: facts.commitment.map(|commitment| Hex(commitment.to_bytes())),
            data_class: facts.data_class.map(|code| code.as_str()),
            environment: facts.environment.map(|code| code.as_str()),
            epoch: facts.epoch.0,
            frame: Frame::of(&entry.seal),
            grant: facts.grant_id.map(|grant| Hex(grant.0)),
            in_period: place.in_period,
            objects: facts
                .objects()
                .map(|object| Thing { class: object.class.name(), what: Hex(object.what.0), role: object.role.name() })
                .collect(),
            on_behalf_of: facts.on_behalf_of().map(|person| Hex(person.0)).collect(),
            parents: facts
                .parents()
                .map(|parent| Cause { event_id: Hex(parent.event_id.0), source: Hex(parent.source.0) })
                .collect(),
            policy_digest: facts.policy_digest.map(|digest| Hex(digest.0)),
            received: clock.text(entry.seal.received),
            refused: Refused::of(facts, place.index.0, refused),
            resource_class: facts.resource_class.map(|code| code.as_str()),
            responsible: facts.responsible.map(|person| Hex(person.0)),
            revision: entry.seal.revision.map(|revision| revision.0),
            root: Hex(place.tree.root.0),
            sequence: facts.sequence.0,
            source: Hex(facts.source.0),
            stated: Stated::of(facts, clock),
            stream: facts.stream.map(|stream| Hex(stream.0)),
            tree_size: place.tree.size.0,
        }
    }
}

impl<'a> Frame<'a> {
    fn of(seal: &Seal<'a>) -> Frame<'a> {
        let signatures = seal.frame.iter().flat_map(|frame| frame.block.signatures());
        let signatures = signatures.map(|signature| Signature {
            algorithm: signature.algorithm,
            key_id: Hex(signature.key_id.0),
            signature: Hex(signature.bytes),
        });
        Frame { digest: Hex(seal.frame_digest.0), n: seal.n, offset: seal.offset, signatures: signatures.collect() }
    }
}
