//! What the fold keeps, as bytes: which rows there are, and what stands in each. Where they are kept is the caller's.
//! Fixed widths and flags, so that a torn or foreign value is refused.

use super::key::NodeKey;
use super::known::{Carry, Cause, Known, Link, LinkKey, Started, Trace};
use super::links::{Links, NearLink};
use crate::limits::GRANT_USES_MAX;
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::{Gate, NodeId};
use deedbook_verify::bytes::{Defect, Malformed, Reader};
use deedbook_verify::facts::Parent;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, EventId, KeyId, Ref, SubjectId};

/// A row of the graph. Its key is its table u8 ‖ what tells it from others there, big-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Row {
    /// How far the rows go, and what carries over to the entry behind.
    Head,
    /// A part of what a block added: block u64 ‖ part u16.
    Page {
        /// The block.
        block: u64,
        /// Which part of its page.
        part: u16,
    },
    /// The runs of a block's entries: block u64.
    Runs(u64),
    /// What is known of a node: its key, 17 bytes.
    Node(NodeKey),
    /// The first links of something: its number u32.
    Links(NodeId),
    /// A link beyond those: number u32 ‖ kind u8 ‖ to u32.
    Link(LinkKey),
    /// The trace of an action: its request id, 16 bytes.
    Trace(SubjectId),
}

impl Row {
    /// The key.
    pub fn key(&self) -> RowKey {
        match self {
            Row::Head => RowKey::of(0, &[]),
            Row::Page { block, part } => RowKey::of(1, &[&block.to_be_bytes(), &part.to_be_bytes()]),
            Row::Runs(block) => RowKey::of(2, &[&block.to_be_bytes()]),
            Row::Node(key) => RowKey::of(3, &[&key.to_bytes()]),
            Row::Links(of) => RowKey::of(4, &[&of.number().to_be_bytes()]),
            Row::Link(LinkKey { of, kind, to }) => {
                RowKey::of(5, &[&of.number().to_be_bytes(), &[kind.number()], &to.number().to_be_bytes()])
            }
            Row::Trace(request) => RowKey::of(6, &[&request.0]),
        }
    }
}

/// The key of a row, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct RowKey {
    bytes: [u8; RowKey::BYTES_MAX],
    length: usize,
}

impl RowKey {
    /// A table and a node's key.
    pub const BYTES_MAX: usize = 1 + NodeKey::BYTES;

    fn of(table: u8, parts: &[&[u8]]) -> RowKey {
        let (mut bytes, mut length) = ([0; RowKey::BYTES_MAX], 0);
        for part in std::iter::once([table].as_slice()).chain(parts.iter().copied()) {
            if let Some(room) = bytes.get_mut(length..length + part.len()) {
                room.copy_from_slice(part);
                length += part.len();
            }
        }
        RowKey { bytes, length }
    }

    /// Its bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&self.bytes)
    }
}

/// How far the rows go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Full blocks of entries that are in them.
    pub blocks: u64,
    /// How many nodes those named.
    pub nodes_count: u32,
    /// What carries over to the entry behind them.
    pub carry: Carry,
}

impl Head {
    /// As it stands in its row: blocks u64 ‖ nodes u32 ‖ what carries over.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [self.blocks.to_be_bytes().as_slice(), &self.nodes_count.to_be_bytes()].concat();
        put_option(&mut out, self.carry.signer, |out, key| out.extend_from_slice(&key.0));
        put_option(&mut out, self.carry.cause, |out, cause| {
            out.extend_from_slice(&cause.command.source.0);
            out.extend_from_slice(&cause.command.event_id.0);
            out.extend_from_slice(&cause.kind.number().to_be_bytes());
            put_option(out, cause.node, put_node);
            put_option(out, cause.actor, put_node);
            put_option(out, cause.signer, |out, key| out.extend_from_slice(&key.0));
        });
        out
    }

    /// From its row.
    pub fn parse(bytes: &[u8]) -> Result<Head, Malformed> {
        let what = "lineage head";
        let mut reader = Reader::new(bytes);
        let (blocks, nodes_count) = (reader.u64(what)?, reader.u32(what)?);
        let signer = option(&mut reader, what, |reader| Ok(KeyId(reader.array(what)?)))?;
        let cause = option(&mut reader, what, |reader| {
            let command = Parent { source: Ref(reader.array(what)?), event_id: EventId(reader.array(what)?) };
            let kind = Kind::from_number(reader.u16(what)?).ok_or_else(|| value(what))?;
            let about = option(reader, what, |reader| node(reader, what))?;
            let actor = option(reader, what, |reader| node(reader, what))?;
            let signer = option(reader, what, |reader| Ok(KeyId(reader.array(what)?)))?;
            Ok(Cause { command, kind, node: about, actor, signer })
        })?;
        reader.finish(what)?;
        Ok(Head { blocks, nodes_count, carry: Carry { signer, cause } })
    }
}

const OUTCOME: u16 = 1 << 15;

impl Known {
    /// As it stands in its row: number u32 ‖ gate u16, its highest bit for an outcome that was named ‖ [latest u32].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(11);
        put_node(&mut out, self.id);
        let outcome = if self.has_outcome { OUTCOME } else { 0 };
        out.extend_from_slice(&(self.gate.bits() | outcome).to_be_bytes());
        put_option(&mut out, self.latest, put_node);
        out
    }

    /// From its row.
    pub fn parse(bytes: &[u8]) -> Result<Known, Malformed> {
        let what = "lineage node";
        let mut reader = Reader::new(bytes);
        let id = node(&mut reader, what)?;
        let bits = reader.u16(what)?;
        let gate = Gate::from_bits(bits & !OUTCOME).ok_or_else(|| value(what))?;
        let latest = option(&mut reader, what, |reader| node(reader, what))?;
        reader.finish(what)?;
        Ok(Known { id, latest, gate, has_outcome: bits & OUTCOME != 0 })
    }
}

impl Link {
    /// As it stands in its row: node u32 ‖ [before u32].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(9);
        self.put(&mut out);
        out
    }

    fn put(&self, out: &mut Vec<u8>) {
        put_node(out, self.node);
        put_option(out, self.before, put_node);
    }

    fn read(reader: &mut Reader<'_>, what: &'static str) -> Result<Link, Malformed> {
        Ok(Link { node: node(reader, what)?, before: option(reader, what, |reader| node(reader, what))? })
    }

    /// From its row.
    pub fn parse(bytes: &[u8]) -> Result<Link, Malformed> {
        let what = "lineage link";
        let mut reader = Reader::new(bytes);
        let link = Link::read(&mut reader, what)?;
        reader.finish(what)?;
        Ok(link)
    }
}

impl Links {
    /// As they stand in their row: of each kind u8 ‖ to u32 ‖ node u32 ‖ [before u32].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(14 * self.iter().count());
        for near in self.iter() {
            out.push(near.kind.number());
            put_node(&mut out, near.to);
            near.link.put(&mut out);
        }
        out
    }

    /// From their row.
    pub fn parse(bytes: &[u8]) -> Result<Links, Malformed> {
        let what = "lineage links";
        let (mut reader, mut links) = (Reader::new(bytes), Links::default());
        while !reader.is_empty() {
            let kind = EdgeKind::from_number(reader.u8(what)?).ok_or_else(|| value(what))?;
            let (to, link) = (node(&mut reader, what)?, Link::read(&mut reader, what)?);
            if !links.push(NearLink { kind, to, link }) {
                return Err(value(what));
            }
        }
        Ok(links)
    }
}

impl Trace {
    /// As it stands in its row: action u32 ‖ stream 16 ‖ digest 32 ‖ actor u32 ‖ gate u16 ‖ [policy u32] ‖ [approval u32]
    /// ‖ [grant 16 ‖ audience 16] ‖ [last] ‖ open u16 ‖ of each event id 16 ‖ run u32.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128);
        put_node(&mut out, self.action);
        out.extend_from_slice(&self.stream.0);
        out.extend_from_slice(&self.digest.0);
        put_node(&mut out, self.actor);
        out.extend_from_slice(&self.gate.bits().to_be_bytes());
        put_option(&mut out, self.policy, put_node);
        put_option(&mut out, self.approval, put_node);
        put_option(&mut out, self.grant, |out, (grant, audience)| {
            out.extend_from_slice(&grant.0);
            out.extend_from_slice(&audience.0);
        });
        put_option(&mut out, self.last, put_started);
        out.extend_from_slice(&u16::try_from(self.open.len()).unwrap_or(u16::MAX).to_be_bytes());
        self.open.iter().for_each(|started| put_started(&mut out, *started));
        out
    }

    /// From its row.
    pub fn parse(bytes: &[u8]) -> Result<Trace, Malformed> {
        let what = "lineage trace";
        let mut reader = Reader::new(bytes);
        let action = node(&mut reader, what)?;
        let (stream, digest) = (Ref(reader.array(what)?), Digest(reader.array(what)?));
        let (actor, gate) = (node(&mut reader, what)?, gate(&mut reader, what)?);
        let policy = option(&mut reader, what, |reader| node(reader, what))?;
        let approval = option(&mut reader, what, |reader| node(reader, what))?;
        let grant = option(&mut reader, what, |reader| Ok((SubjectId(reader.array(what)?), Ref(reader.array(what)?))))?;
        let last = option(&mut reader, what, |reader| started(reader, what))?;
        let count = reader.u16(what)?;
        if count > GRANT_USES_MAX {
            return Err(value(what));
        }
        let open = (0..count).map(|_| started(&mut reader, what)).collect::<Result<Vec<Started>, Malformed>>()?;
        reader.finish(what)?;
        Ok(Trace { action, stream, digest, actor, policy, approval, gate, grant, last, open })
    }
}

pub(super) fn value(what: &'static str) -> Malformed {
    Malformed { what, defect: Defect::Value }
}

pub(super) fn put_node(out: &mut Vec<u8>, node: NodeId) {
    out.extend_from_slice(&node.number().to_be_bytes());
}

pub(super) fn node(reader: &mut Reader<'_>, what: &'static str) -> Result<NodeId, Malformed> {
    NodeId::new(reader.u32(what)?).ok_or_else(|| value(what))
}

pub(super) fn gate(reader: &mut Reader<'_>, what: &'static str) -> Result<Gate, Malformed> {
    Gate::from_bits(reader.u16(what)?).ok_or_else(|| value(what))
}

fn put_started(out: &mut Vec<u8>, started: Started) {
    out.extend_from_slice(&started.event.0);
    put_node(out, started.run);
}

fn started(reader: &mut Reader<'_>, what: &'static str) -> Result<Started, Malformed> {
    Ok(Started { event: EventId(reader.array(what)?), run: node(reader, what)? })
}

/// What is there, behind a byte that says whether it is.
fn put_option<T>(out: &mut Vec<u8>, option: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(option.is_some()));
    if let Some(there) = option {
        put(out, there);
    }
}

fn option<'a, T>(
    reader: &mut Reader<'a>,
    what: &'static str,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    match reader.u8(what)? {
        0 => Ok(None),
        1 => read(reader).map(Some),
        _ => Err(value(what)),
    }
}
