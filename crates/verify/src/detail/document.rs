//! A document of somebody else's, taken into the log in parts: each part names things as objects and says what leads to
//! what among them. It knows form alone; what the document says beyond that stands in its body.

use crate::bytes::{Defect, Fields, Malformed};
use crate::facts::{Facts, byte_codes, list, value};
use crate::limits;
use crate::tags;

/// Wire width of a relation: kind, cause, effect.
pub const RELATION_BYTES: usize = 5;

byte_codes! {
    /// Why one thing leads to another, by the numbers and names of the edges of lineage. None of them says that anybody
    /// approved anything: that follows from commands alone.
    RelationKind {
        Used = 1, "used"; Generated = 2, "generated"; Derived = 3, "derived"; VersionOf = 4, "version_of";
        Performed = 6, "performed"; OnBehalf = 7, "on_behalf"; PlannedBy = 8, "planned_by"; Called = 14, "called";
        PartOf = 15, "part_of"; Revoked = 16, "revoked"; SameAs = 18, "same_as"; Influenced = 19, "influenced";
    }
}

/// One thing leads to another. Both are named by their places among the objects of the same event, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Why.
    pub kind: RelationKind,
    /// The place of the cause.
    pub cause: u16,
    /// The place of the effect; another than the cause's.
    pub effect: u16,
}

impl Relation {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; RELATION_BYTES] {
        let ([a, b], [c, d]) = (self.cause.to_be_bytes(), self.effect.to_be_bytes());
        [self.kind.number(), a, b, c, d]
    }

    fn from_bytes(bytes: &[u8]) -> Option<Relation> {
        let [kind, a, b, c, d] = *<&[u8; RELATION_BYTES]>::try_from(bytes).ok()?;
        let kind = RelationKind::from_number(kind)?;
        Some(Relation { kind, cause: u16::from_be_bytes([a, b]), effect: u16::from_be_bytes([c, d]) })
    }
}

/// One part of a document. The first part has the document as its body; the others name the first as their only parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Document<'a> {
    /// Which part it is, from 0.
    pub part: u16,
    /// How many there are.
    pub parts: u16,
    relations: &'a [u8],
}

impl<'a> Document<'a> {
    /// Reads the fields; none: the event is not of this form.
    pub(super) fn parse(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Option<Document<'a>>, Malformed> {
        let Some([a, b, c, d]) = fields.optional_array(tags::DOCUMENT_PART)? else { return Ok(None) };
        let (part, parts) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
        if part >= parts {
            return Err(value(tags::DOCUMENT_PART));
        }
        if facts.commitment.is_some() != (part == 0) {
            return Err(Malformed::new(tags::COMMITMENT.name, if part == 0 { Defect::Missing } else { Defect::Value }));
        }
        if facts.parents().count() != usize::from(part > 0) {
            return Err(value(tags::PARENTS));
        }
        let relations = list(fields, tags::RELATIONS, RELATION_BYTES, limits::RELATIONS_MAX)?;
        let document = Document { part, parts, relations };
        let is_place = |place: u16| usize::from(place) < facts.objects_count();
        let stands = |relation: &Relation| {
            is_place(relation.cause) && is_place(relation.effect) && relation.cause != relation.effect
        };
        if document.relations().filter(stands).count() * RELATION_BYTES != relations.len() {
            return Err(value(tags::RELATIONS));
        }
        Ok(Some(document))
    }

    /// Its relations, in the order in which they stand.
    pub fn relations(&self) -> impl Iterator<Item = Relation> + use<'a> {
        self.relations.chunks_exact(RELATION_BYTES).filter_map(Relation::from_bytes)
    }
}
