//! What comes in by a way on which nobody signs: the ledger itself says that it came in. Everything that needs no order is
//! done here, on the caller's threads; the writer gives an event its number, and `ledger::sequencer` signs it.

use crate::domain::{Caller, caller_ref};
use crate::ledger::admit::{CheckedEvent, CheckedFrame, SealedBody, checked_event};
use crate::ledger::error::AppendError;
use crate::ledger::work::Work;
use crate::ledger::writer::Ledger;
use crate::limits;
use crate::record::body::BodyKey;
use crate::record::line::LineError;
use crate::record::{FactsBuilder, FrameBytes, entropy, openlineage};
use bytes::Bytes;
use deedbook_verify::entry::SealedFrame;
use deedbook_verify::facts::{Actor, ActorKind, Facts};
use deedbook_verify::frame::FrameRefusal;
use deedbook_verify::hash::Salt;
use deedbook_verify::words::{EventId, Index, Ref};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// An event that only lacks its place. Only `Ledger::read_openlineage` makes one.
pub struct ImportedEvent {
    pub(super) id: EventId,
    pub(super) stream: Option<Ref>,
    /// What it adds to a frame at most, in bytes of facts and body.
    weight_bytes: usize,
    builder: FactsBuilder,
    body: Option<SealedBody>,
}

impl ImportedEvent {
    /// An event that the ledger states of itself, ready but for its place.
    pub(super) fn of_the_ledger(id: EventId, builder: FactsBuilder) -> Result<ImportedEvent, AppendError> {
        let (builder, body, bytes) = sealed(builder)?;
        let weight_bytes = deedbook_verify::limits::FACTS_BYTES_MAX.saturating_add(bytes);
        Ok(ImportedEvent { id, stream: builder.stream_ref(), weight_bytes, builder, body })
    }

    /// Its event id.
    pub fn id(&self) -> EventId {
        self.id
    }
}

/// Why an event cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// It is no event.
    #[error("{0}")]
    Event(#[from] LineError),
    /// It could not be made ready, which is nobody's fault who sent it.
    #[error("{0}")]
    Append(#[from] AppendError),
}

/// Where an imported event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It was appended now.
    Appended(Index),
    /// It stood there before.
    Known(Index),
}

impl Imported {
    /// Its index.
    pub fn index(self) -> Index {
        match self {
            Imported::Appended(index) | Imported::Known(index) => index,
        }
    }
}

/// Events that the writer places together, as one frame of the ledger's: at most `FRAME_EVENTS_MAX`, at most
/// `FRAME_BYTES_MAX` of facts and bodies, no two with one id.
#[derive(Clone)]
pub(super) struct Import {
    pub source: Ref,
    pub events: Vec<Arc<ImportedEvent>>,
}

impl Import {
    /// Bytes that it holds while it waits.
    pub fn cost_bytes(&self) -> usize {
        let bytes: usize = self.events.iter().map(|event| event.weight_bytes).sum();
        bytes.saturating_add(limits::QUEUE_BYTES_PER_JOB_MIN)
    }

    /// Facts without bodies, which were sealed already.
    pub fn builders(&self) -> Vec<FactsBuilder> {
        self.events.iter().map(|event| event.builder.clone()).collect()
    }

    /// The frame that was signed for these events, with their bodies.
    pub fn checked(&self, frame: FrameBytes) -> Result<CheckedFrame, AppendError> {
        let sealed = SealedFrame::parse(&frame.header, &frame.signatures)?;
        let signer = sealed.header.signers().last().ok_or(FrameRefusal::RoleDiffers)?;
        let first = frame.events.first().ok_or(FrameRefusal::CountDiffers)?;
        let kind = Facts::parse(&first.facts)?.kind;
        let mut events: Vec<CheckedEvent> = Vec::with_capacity(frame.events.len());
        for (event, imported) in frame.events.iter().zip(&self.events) {
            events.push(checked_event(&Facts::parse(&event.facts)?, event, imported.body.clone()));
        }
        Ok(CheckedFrame {
            offered: None,
            digest: sealed.digest(),
            source: sealed.header.source,
            epoch: sealed.header.epoch,
            first_sequence: sealed.header.first_sequence,
            kind,
            signer: signer.key_id,
            events,
            prepared: None,
            header: frame.header.clone(),
            signatures: frame.signatures.clone(),
        })
    }
}

impl Ledger {
    /// Reads one OpenLineage event that a caller posted, and makes it ready. The bytes are the event: two that differ in
    /// one of them are two.
    pub fn read_openlineage(&self, raw: &[u8], caller: Caller<'_>) -> Result<ImportedEvent, ImportError> {
        let refs = &self.shared.ref_key;
        let event = openlineage::parse(raw, refs, &self.shared.import_id_key)?;
        let who = caller_ref(refs, caller)
            .map_err(|error| LineError::new("authorization", error.to_string(), "show a shorter token"))?;
        let builder = event.builder.imported().actor(Actor { kind: ActorKind::Service, who });
        let (builder, body, _) = sealed(builder)?;
        Ok(ImportedEvent {
            id: event.id,
            stream: builder.stream_ref(),
            weight_bytes: event.weight_bytes,
            builder,
            body,
        })
    }

    /// Appends events that came in unsigned, each once however often it is sent, in as many frames as they need; returns
    /// when all of them are durable. One answer for each, in their order.
    pub async fn import(&self, events: Vec<ImportedEvent>) -> Result<Vec<Imported>, AppendError> {
        let ids: Vec<EventId> = events.iter().map(|event| event.id).collect();
        let mut seen = HashSet::new();
        let mut left: Vec<Arc<ImportedEvent>> =
            events.into_iter().filter(|event| seen.insert(event.id)).map(Arc::new).collect();
        let mut placed: HashMap<EventId, Imported> = HashMap::with_capacity(left.len());
        // Each round finds a place for one event at least, since a frame is refused only for events that are known.
        while !left.is_empty() {
            self.shared.disk.has_room()?;
            let source = self.shared.published().authority.keys().ledger_source();
            let imports = frames_of(source, &left);
            let tickets = self.queue_all(imports.iter().cloned().map(Work::Import).collect()).await?;
            for (import, ticket) in imports.iter().zip(tickets) {
                match ticket.placement().await {
                    Ok(placement) => {
                        let indexes = (placement.first_index.0..).map(Index);
                        placed.extend(
                            import.events.iter().zip(indexes).map(|(event, at)| (event.id, Imported::Appended(at))),
                        );
                    }
                    Err(AppendError::EventIdKnown(known)) => placed.extend(known.iter().filter_map(|known| {
                        let event = import.events.get(usize::from(known.offset))?;
                        Some((event.id, Imported::Known(known.index)))
                    })),
                    Err(error) => return Err(error),
                }
            }
            left.retain(|event| !placed.contains_key(&event.id));
        }
        let mut told = HashSet::new();
        let answer = |id: &EventId| {
            let place = placed.get(id)?;
            // Of identical events one was appended; the others stood there by then.
            Some(if told.insert(*id) { *place } else { Imported::Known(place.index()) })
        };
        Ok(ids.iter().filter_map(answer).collect())
    }
}

/// Facts that only lack their place, the body encrypted under a fresh key, and the body's bytes.
fn sealed(builder: FactsBuilder) -> Result<(FactsBuilder, Option<SealedBody>, usize), AppendError> {
    let failed = |error: String| AppendError::OwnFrame(error);
    let mut random = [0u8; 64];
    entropy::fill(&mut random).map_err(|error| failed(error.to_string()))?;
    let (salt, key) = random.split_at(32);
    let (Ok(salt), Some(key)) = (salt.try_into().map(Salt), BodyKey::from_stored(key)) else {
        return Err(failed("a salt of the wrong length".to_owned()));
    };
    let (builder, body) = builder.without_body(&salt);
    // Encoded once for nothing, so that the writer cannot find facts that the format does not allow.
    builder.content().map_err(|error| failed(error.to_string()))?;
    let bytes = body.as_ref().map_or(0, Bytes::len);
    let sealed = body.map(|body| key.seal(&salt, &body)).transpose().map_err(|error| failed(error.to_string()))?;
    Ok((builder, sealed.map(|bytes| SealedBody { key, bytes: Bytes::from(bytes) }), bytes))
}

/// The events in frames that may be placed.
fn frames_of(source: Ref, events: &[Arc<ImportedEvent>]) -> Vec<Import> {
    let mut frames: Vec<Import> = Vec::new();
    let mut bytes = 0usize;
    for event in events {
        bytes = bytes.saturating_add(event.weight_bytes);
        match frames.last_mut() {
            Some(frame)
                if bytes <= limits::FRAME_BYTES_MAX && frame.events.len() < usize::from(limits::FRAME_EVENTS_MAX) =>
            {
                frame.events.push(Arc::clone(event));
            }
            Some(_) | None => {
                bytes = event.weight_bytes;
                frames.push(Import { source, events: vec![Arc::clone(event)] });
            }
        }
    }
    frames
}
