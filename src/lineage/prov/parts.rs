//! A document as events: one `prov.received` for each part, the first with the document as its body, exactly as it came.
//! The parts hold what facts say of it, so that the graph's edges need no body.

use super::document::Document;
use super::graph::{Link, Things};
use crate::record::FactsBuilder;
use crate::record::line::{Event, FACTS_BYTES_FIXED, LineError, MEDIA_TYPE, keyed_id};
use bytes::Bytes;
use deedbook_verify::detail::{RELATION_BYTES, Relation};
use deedbook_verify::facts::{OBJECT_BYTES, Object, ObjectRole, Parent};
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::limits::{OBJECTS_MAX, RELATIONS_MAX};
use deedbook_verify::words::{Micros, Ref};
use std::collections::BTreeMap;

/// Who takes a document in, when, and with which keys.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// Makes pseudonyms.
    pub refs: &'a RefKey,
    /// Makes event ids: the same bytes from the same signer are one document.
    pub id_key: &'a [u8; 32],
    /// The source that signs.
    pub source: Ref,
    /// When it takes it in; documents have no time of their own.
    pub occurred: Micros,
}

/// The things and relations of one part.
#[derive(Default)]
struct Part {
    places: BTreeMap<usize, u16>,
    things: Vec<usize>,
    relations: Vec<Relation>,
}

/// The events of a document, in the order in which they are to be appended.
pub fn events(bytes: &[u8], origin: Origin<'_>) -> Result<Vec<Event>, LineError> {
    let document = Document::read(bytes)?;
    let things = document.things();
    let parts = split(things);
    let count = u16::try_from(parts.len()).map_err(|_| {
        LineError::whole(format!("the document makes {} parts", parts.len()), "split it into several documents")
    })?;
    let first = keyed_id(origin.id_key, &[bytes]);
    let mut events = Vec::with_capacity(parts.len());
    for (number, part) in (0..count).zip(parts) {
        let id = if number == 0 { first } else { keyed_id(origin.id_key, &[bytes, &number.to_be_bytes()]) };
        let objects = part.objects(things, origin.refs)?;
        let builder = FactsBuilder::new(Kind::ProvReceived, id, origin.occurred).objects(&objects).document(
            number,
            count,
            &part.relations,
        );
        let facts_bytes = objects.len() * OBJECT_BYTES + part.relations.len() * RELATION_BYTES + FACTS_BYTES_FIXED;
        let (builder, weight_bytes) = match number {
            0 => (builder.body(MEDIA_TYPE, Bytes::copy_from_slice(bytes)), facts_bytes + bytes.len()),
            _ => (builder.parents(&[Parent { source: origin.source, event_id: first }]), facts_bytes),
        };
        events.push(Event { id, id_given: false, builder, weight_bytes, gap: None });
    }
    Ok(events)
}

/// Deals things and links out to parts: each link stands in a part that has both its ends.
fn split(things: &Things) -> Vec<Part> {
    let (order, links) = things.ordered();
    let mut ranks = vec![0usize; order.len()];
    for (rank, place) in order.iter().enumerate() {
        if let Some(of) = ranks.get_mut(*place) {
            *of = rank;
        }
    }
    let rank = |place: usize| ranks.get(place).copied().unwrap_or_default();
    let (mut done, mut part) = (Vec::new(), Part::default());
    let mut links = links.into_iter().peekable();
    for (at, place) in order.iter().enumerate() {
        if part.lacks(&[*place]) > part.room() {
            done.push(std::mem::take(&mut part));
        }
        part.put(*place);
        while let Some(link) = links.next_if(|link| rank(link.cause).max(rank(link.effect)) <= at) {
            if part.lacks(&[link.cause, link.effect]) > part.room() || part.relations.len() >= RELATIONS_MAX {
                done.push(std::mem::take(&mut part));
            }
            part.relate(&link);
        }
    }
    done.push(part);
    done
}

impl Part {
    fn room(&self) -> usize {
        OBJECTS_MAX.saturating_sub(self.things.len())
    }

    /// How many of these it has not.
    fn lacks(&self, things: &[usize]) -> usize {
        things.iter().filter(|thing| !self.places.contains_key(thing)).count()
    }

    fn put(&mut self, thing: usize) -> Option<u16> {
        if let Some(place) = self.places.get(&thing) {
            return Some(*place);
        }
        let place = u16::try_from(self.things.len()).ok()?;
        self.things.push(thing);
        self.places.insert(thing, place);
        Some(place)
    }

    fn relate(&mut self, link: &Link) {
        let ends = self.put(link.cause).zip(self.put(link.effect));
        if let Some(((cause, effect), kind)) = ends.zip(link.kind()) {
            self.relations.push(Relation { kind, cause, effect });
        }
    }

    fn objects(&self, things: &Things, refs: &RefKey) -> Result<Vec<Object>, LineError> {
        let object = |place: &usize| {
            let thing = things.list().get(*place)?;
            Some(Object { class: thing.class.object(), role: ObjectRole::Used, what: thing.to_ref(refs)? })
        };
        let objects: Option<Vec<Object>> = self.things.iter().map(object).collect();
        objects.ok_or_else(|| LineError::whole("a name is longer than a ref takes in", "name it by something shorter"))
    }
}
