//! A naive ledger: maps and a list, no tree, no batches, no threads. `recovery` compares the real one with it. It has
//! the formats' words in common with the ledger, and none of its decisions.

use crate::support_memory::{World, admin};
use deedbook::ledger::{AppendError, KnownEvent};
use deedbook::record::FrameBytes;
use deedbook_verify::detail::{Detail, RefusalReason};
use deedbook_verify::facts::Facts;
use deedbook_verify::frame::{FrameHeader, FrameRefusal};
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::words::{Epoch, EventId, Index, KeyId, Ref, Revision, Sequence};
use std::collections::HashMap;

/// What a placement comes down to: first index, count, whether it was an earlier answer.
pub type Answer = Result<(u64, u16, bool), AppendError>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelKey {
    pub source: Ref,
    pub administrator: bool,
    pub from: u64,
    pub until: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelEntry {
    pub source: Ref,
    pub event_id: Option<EventId>,
    pub kind: Kind,
    pub stream: Option<(Ref, u64)>,
    pub received: u64,
    pub has_body: bool,
    pub erased_by: Option<u64>,
}

#[derive(Clone)]
pub struct Model {
    pub entries: Vec<ModelEntry>,
    pub ids: HashMap<(Ref, EventId), u64>,
    pub frames: HashMap<Vec<u8>, (u64, Option<RefusalReason>)>,
    pub streams: HashMap<Ref, u64>,
    pub sources: HashMap<Ref, (u32, u64)>,
    pub keys: HashMap<KeyId, ModelKey>,
    pub received: u64,
    ledger_source: Ref,
}

impl Model {
    pub fn born(world: &World, received: u64) -> Model {
        let ledger_source = world.source("ledger");
        let genesis = ModelEntry {
            source: ledger_source,
            event_id: None,
            kind: Kind::Genesis,
            stream: None,
            received,
            has_body: false,
            erased_by: None,
        };
        let source = world.person("admin");
        let first = ModelKey { source, administrator: true, from: 0, until: None };
        Model {
            entries: vec![genesis],
            ids: HashMap::new(),
            frames: HashMap::new(),
            streams: HashMap::new(),
            sources: [(ledger_source, (1, 1))].into(),
            keys: [(admin().public().id(), first)].into(),
            received,
            ledger_source,
        }
    }

    /// Decides a frame, and takes it in if it is placed.
    pub fn append(&mut self, frame: &FrameBytes, wall: u64, adrift_ms: Option<i64>) -> Answer {
        let header = FrameHeader::parse(&frame.header).unwrap();
        let signer = header.sole_signer().unwrap().key_id;
        let events: Vec<Facts<'_>> = frame.events.iter().map(|event| Facts::parse(&event.facts).unwrap()).collect();
        let base = self.entries.len() as u64;
        // A frame that stands in the log is judged by the keys of its place there, however long ago they ended.
        let stands = self.ids.get(&(header.source, events[0].event_id)).copied();
        let in_force = |base| self.in_force(&signer, header.source, base);
        if !in_force(base) && !stands.is_some_and(in_force) {
            return Err(FrameRefusal::KeyNotInForce(signer).into());
        }
        if let Some(drift_ms) = adrift_ms {
            return Err(AppendError::ClockDrift { drift_ms });
        }
        self.known(frame, header.source, &events)?;
        if let Some((base, refusal)) = self.frames.get(frame.header.as_ref()) {
            return answered(*base, *refusal, header.n, true);
        }
        let place = self.numbered(&header, events.len() as u64)?;
        let revisions = self.revised(&events)?;
        let refusal = match events[0].kind.author() {
            Author::Asker => self.command(&signer, base, &events[0].detail).err(),
            Author::Witness | Author::Ledger => None,
        };
        self.received = self.received.max(wall);
        for (facts, revision) in events.iter().zip(revisions) {
            self.put(facts.source, Some(facts.event_id), facts.kind, (revision, facts.commitment.is_some()));
        }
        if let Some(place) = place {
            self.sources.insert(header.source, place);
        }
        self.frames.insert(frame.header.to_vec(), (base, refusal));
        if refusal.is_some() {
            self.own(Kind::CommandRefused);
        }
        answered(base, refusal, header.n, false)
    }

    /// The ledger's own entry behind what it follows from.
    pub fn own(&mut self, kind: Kind) {
        self.put(self.ledger_source, None, kind, (None, false));
        self.sources.get_mut(&self.ledger_source).unwrap().1 += 1;
    }

    fn put(
        &mut self,
        source: Ref,
        event_id: Option<EventId>,
        kind: Kind,
        (stream, has_body): (Option<(Ref, u64)>, bool),
    ) {
        let index = self.entries.len() as u64;
        if let Some(id) = event_id {
            assert!(self.ids.insert((source, id), index).is_none());
        }
        if let Some((stream, revision)) = stream {
            self.streams.insert(stream, revision);
        }
        let received = self.received;
        self.entries.push(ModelEntry { source, event_id, kind, stream, received, has_body, erased_by: None });
    }

    fn in_force(&self, id: &KeyId, source: Ref, base: u64) -> bool {
        let key = self.keys.get(id).filter(|key| key.source == source && key.from < base);
        key.is_some_and(|key| key.until.is_none_or(|until| base <= until))
    }

    fn known(&self, frame: &FrameBytes, source: Ref, events: &[Facts<'_>]) -> Result<(), AppendError> {
        if self.frames.contains_key(frame.header.as_ref()) {
            return Ok(());
        }
        let find = |(offset, facts): (u16, &Facts<'_>)| {
            let index = self.ids.get(&(source, facts.event_id))?;
            Some(KnownEvent { offset, index: Index(*index) })
        };
        let known: Vec<KnownEvent> = (0u16..).zip(events).filter_map(find).collect();
        if known.is_empty() { Ok(()) } else { Err(AppendError::EventIdKnown(known)) }
    }

    fn numbered(&self, header: &FrameHeader<'_>, count: u64) -> Result<Option<(u32, u64)>, AppendError> {
        let (epoch, first) = (header.epoch.0, header.first_sequence.0);
        if epoch == 0 {
            return Ok(None);
        }
        let (last_epoch, last) = self.sources.get(&header.source).copied().unwrap_or((0, 0));
        if epoch < last_epoch {
            return Err(AppendError::EpochNotNew { last: Epoch(last_epoch) });
        }
        let last = if epoch == last_epoch { last } else { 0 };
        if first != last + 1 {
            return Err(AppendError::SequenceDiffers { epoch: Epoch(epoch), last: Sequence(last) });
        }
        Ok(Some((epoch, first + count - 1)))
    }

    fn revised(&self, events: &[Facts<'_>]) -> Result<Vec<Option<(Ref, u64)>>, AppendError> {
        let (mut heads, mut revisions) = (self.streams.clone(), Vec::new());
        for (offset, facts) in (0u16..).zip(events) {
            let Some(stream) = facts.stream else {
                revisions.push(None);
                continue;
            };
            let head = heads.entry(stream).or_insert(0);
            if let Some(expected) = facts.expected_revision.filter(|expected| expected.0 != *head) {
                return Err(AppendError::RevisionDiffers { offset, expected, actual: Revision(*head) });
            }
            *head += 1;
            revisions.push(Some((stream, *head)));
        }
        Ok(revisions)
    }

    /// The rules about keys, as DESIGN.md words them.
    fn command(&mut self, signer: &KeyId, at: u64, detail: &Detail<'_>) -> Result<(), RefusalReason> {
        use RefusalReason::{KeyKnown, KeyUnknown, LastAdministrator, NotAdministrator};
        let governs = self.keys[signer].administrator;
        let living = |keys: &HashMap<KeyId, ModelKey>, id: &KeyId| keys.get(id).copied().filter(|k| k.until.is_none());
        match detail {
            Detail::KeyEnrolled(grant) => {
                let governed = self.keys.values().any(|key| key.administrator && key.source == grant.source);
                if !governs || governed {
                    return Err(NotAdministrator);
                }
                if self.keys.contains_key(&grant.key.id()) {
                    return Err(KeyKnown);
                }
                let key = ModelKey { source: grant.source, administrator: false, from: at, until: None };
                self.keys.insert(grant.key.id(), key);
            }
            Detail::KeyRotated { grant, replaces } => {
                let old = living(&self.keys, replaces).ok_or(KeyUnknown)?;
                if signer != replaces && (!governs || old.administrator) {
                    return Err(NotAdministrator);
                }
                if old.source != grant.source {
                    return Err(KeyUnknown);
                }
                if self.keys.contains_key(&grant.key.id()) {
                    return Err(KeyKnown);
                }
                self.keys.insert(grant.key.id(), ModelKey { from: at, ..old });
                self.keys.get_mut(replaces).unwrap().until = Some(at);
            }
            Detail::KeyRevoked { key_id } => {
                let old = living(&self.keys, key_id).ok_or(KeyUnknown)?;
                if signer != key_id && !governs {
                    return Err(NotAdministrator);
                }
                let others = self.keys.values().filter(|key| key.administrator && key.until.is_none()).count();
                if old.administrator && others == 1 {
                    return Err(LastAdministrator);
                }
                self.keys.get_mut(key_id).unwrap().until = Some(at);
            }
            Detail::BodyErased(bodies) => {
                let indexes: Vec<u64> = bodies.indexes().map(|index| index.0).collect();
                self.erase(governs, at, &indexes)?;
            }
            Detail::None
            | Detail::Genesis(_)
            | Detail::CommandRefused { .. }
            | Detail::Document(_)
            | Detail::Keeping(_)
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::Approval(_)
            | Detail::Principal(_)
            | Detail::Policy(_)
            | Detail::Step(_)
            | Detail::Imported { .. }
            | Detail::ClockChecked { .. } => panic!("no command: {detail:?}"),
        }
        Ok(())
    }
}

impl Model {
    /// The rules about erasing, as FORMAT.md words them.
    fn erase(&mut self, governs: bool, at: u64, indexes: &[u64]) -> Result<(), RefusalReason> {
        if !governs {
            return Err(RefusalReason::NotAdministrator);
        }
        if indexes.iter().any(|index| *index >= at) {
            return Err(RefusalReason::BodyAhead);
        }
        let entry = |index: &u64| usize::try_from(*index).unwrap();
        for index in indexes {
            let ModelEntry { kind, has_body, .. } = &self.entries[entry(index)];
            if !has_body {
                return Err(RefusalReason::NoBody);
            }
            if !matches!(kind, Kind::DataAccessed) {
                return Err(RefusalReason::BodyPermanent);
            }
        }
        for index in indexes {
            self.entries[entry(index)].erased_by.get_or_insert(at);
        }
        Ok(())
    }
}

fn answered(base: u64, refusal: Option<RefusalReason>, n: u16, repeated: bool) -> Answer {
    match refusal {
        None => Ok((base, n, repeated)),
        Some(reason) => Err(AppendError::Refused { reason, command: Index(base), refusal: Index(base + 1) }),
    }
}
