//! Builds facts. Fields are kept by tag, so that they come out in ascending order whatever the order of the calls.

mod approval;
mod evidence;
mod glass;

pub use glass::WhyAlone;

use crate::record::frame::BuildError;
use crate::record::objects::Objects;
use bytes::Bytes;
use deedbook_verify::bytes::Tag;
use deedbook_verify::detail::{RefusalReason, Relation, Rules};
use deedbook_verify::erasure::BodyRange;
use deedbook_verify::facts::{Actor, FACTS_MARK, Facts, Object, Outcome, Parent};
use deedbook_verify::hash::{Commitment, Salt};
use deedbook_verify::key::PublicKey;
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::tags;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Digest, Epoch, EventId, Index, KeyId, Micros, Ref, Revision, Sequence, SubjectId};
use std::collections::BTreeMap;

/// Facts in the making. What the calls put together is checked by the verifier's own parser when it is encoded.
#[derive(Clone, Debug)]
pub struct FactsBuilder {
    fields: BTreeMap<u16, Vec<u8>>,
    event_id: EventId,
    body: Option<Bytes>,
}

/// Encoded facts with what opens their commitment.
#[derive(Clone, Debug)]
pub struct EncodedFacts {
    /// The facts' bytes.
    pub facts: Bytes,
    /// Salt and body, if the event has one.
    pub body: Option<(Salt, Bytes)>,
}

impl FactsBuilder {
    /// Starts facts of a kind. `occurred` is when the producer says it happened.
    pub fn new(kind: Kind, event_id: EventId, occurred: Micros) -> FactsBuilder {
        let builder = FactsBuilder { fields: BTreeMap::new(), event_id, body: None };
        let builder = builder
            .put(tags::KIND, kind.number().to_be_bytes())
            .put(tags::EVENT_ID, event_id.0)
            .put(tags::OCCURRED, occurred.0.to_be_bytes());
        match kind.author() {
            Author::Ledger => builder.put(tags::RULES, Rules::CURRENT.0.to_be_bytes()),
            Author::Asker | Author::Witness => builder,
        }
    }

    /// The same facts as the ledger states them of what came in unsigned.
    pub fn imported(self) -> FactsBuilder {
        self.put(tags::RULES, Rules::CURRENT.0.to_be_bytes())
    }

    /// The event's id.
    pub fn event_id(&self) -> EventId {
        self.event_id
    }

    /// Whether these facts, at the place and under the salt of stored ones, are the stored ones.
    pub fn matches(&self, stored: &Facts<'_>, salt: Salt) -> bool {
        let encoded = self.clone().encode(stored.source, stored.epoch, stored.sequence, salt);
        encoded.is_ok_and(|encoded| encoded.facts == stored.bytes)
    }

    /// A digest of what is stated, without place and salt; never stored or sent.
    pub fn content(&self) -> Result<deedbook_verify::words::Hash, BuildError> {
        let encoded = self.clone().encode(Ref([0; 16]), Epoch(0), Sequence(0), Salt([0; 32]))?;
        Ok(deedbook_verify::hash::leaf(&encoded.facts))
    }

    fn put(mut self, tag: Tag, value: impl Into<Vec<u8>>) -> FactsBuilder {
        self.fields.insert(tag.number, value.into());
        self
    }

    /// Lists are absent when they are empty.
    fn put_list(self, tag: Tag, value: Vec<u8>) -> FactsBuilder {
        if value.is_empty() { self } else { self.put(tag, value) }
    }

    /// The stream that this event belongs to.
    pub fn stream(self, stream: Ref) -> FactsBuilder {
        self.put(tags::STREAM, stream.0)
    }

    /// The stream's last revision as the producer knows it; 0 for a new stream.
    pub fn expected_revision(self, revision: Revision) -> FactsBuilder {
        self.put(tags::EXPECTED_REVISION, revision.0.to_be_bytes())
    }

    /// How `occurred` was read: bit 1 no zone given, bit 2 digits beyond microseconds cut.
    pub fn occurred_note(self, note: u8) -> FactsBuilder {
        self.put(tags::OCCURRED_NOTE, [note])
    }

    /// The end of its validity.
    pub fn valid_until(self, time: Micros) -> FactsBuilder {
        self.put(tags::VALID_UNTIL, time.0.to_be_bytes())
    }

    /// A checkpoint that the producer had seen.
    pub fn last_seen(self, head: TreeHead) -> FactsBuilder {
        self.put(tags::LAST_SEEN, [head.size.0.to_be_bytes().as_slice(), head.root.as_bytes()].concat())
    }

    /// Who acted.
    pub fn actor(self, actor: Actor) -> FactsBuilder {
        self.put(tags::ACTOR, [[actor.kind.number()].as_slice(), actor.who.as_bytes()].concat())
    }

    /// For whom, in order.
    pub fn on_behalf_of(self, whom: &[Ref]) -> FactsBuilder {
        self.put_list(tags::ON_BEHALF_OF, whom.iter().flat_map(|who| who.0).collect())
    }

    /// The person who answers for the actor.
    pub fn responsible(self, person: Ref) -> FactsBuilder {
        self.put(tags::RESPONSIBLE, person.0)
    }

    /// What was done, as a registered code.
    pub fn action_type(self, code: &str) -> FactsBuilder {
        self.put(tags::ACTION_TYPE, code)
    }

    /// The digest of the exact action.
    pub fn action_digest(self, digest: Digest) -> FactsBuilder {
        self.put(tags::ACTION_DIGEST, digest.0)
    }

    /// The digest of the policy set.
    pub fn policy_digest(self, digest: Digest) -> FactsBuilder {
        self.put(tags::POLICY_DIGEST, digest.0)
    }

    /// How it went.
    pub fn outcome(self, outcome: Outcome) -> FactsBuilder {
        self.put(tags::OUTCOME, [outcome.number()])
    }

    /// What kind of thing it was done to.
    pub fn resource_class(self, code: &str) -> FactsBuilder {
        self.put(tags::RESOURCE_CLASS, code)
    }

    /// How sensitive its data is.
    pub fn data_class(self, code: &str) -> FactsBuilder {
        self.put(tags::DATA_CLASS, code)
    }

    /// Where it was done.
    pub fn environment(self, code: &str) -> FactsBuilder {
        self.put(tags::ENVIRONMENT, code)
    }

    /// The approval request it belongs to.
    pub fn request_id(self, id: SubjectId) -> FactsBuilder {
        self.put(tags::REQUEST_ID, id.0)
    }

    /// The grant it belongs to.
    pub fn grant_id(self, id: SubjectId) -> FactsBuilder {
        self.put(tags::GRANT_ID, id.0)
    }

    /// The events that caused it.
    pub fn parents(self, parents: &[Parent]) -> FactsBuilder {
        self.put_list(tags::PARENTS, parents.iter().flat_map(|p| p.source.0.into_iter().chain(p.event_id.0)).collect())
    }

    /// What it touched and belongs to, and how much more there was.
    pub fn touched(self, objects: Objects) -> FactsBuilder {
        let (objects, omitted) = objects.into_parts();
        let facts = self.objects(&objects);
        match omitted {
            Some(count) => facts.objects_omitted(count),
            None => facts,
        }
    }

    /// What it touched and belongs to.
    pub fn objects(self, objects: &[Object]) -> FactsBuilder {
        let wire = |o: &Object| [o.class.number(), o.role.number()].into_iter().chain(o.what.0);
        self.put_list(tags::OBJECTS, objects.iter().flat_map(wire).collect())
    }

    /// Which part of a document it is, of how many, and what it says of its objects.
    pub fn document(self, part: u16, parts: u16, relations: &[Relation]) -> FactsBuilder {
        let relations = relations.iter().flat_map(|relation| relation.to_bytes()).collect();
        self.put(tags::DOCUMENT_PART, [part.to_be_bytes(), parts.to_be_bytes()].concat())
            .put_list(tags::RELATIONS, relations)
    }

    /// How many more there were.
    pub fn objects_omitted(self, count: u32) -> FactsBuilder {
        self.put(tags::OBJECTS_OMITTED, count.to_be_bytes())
    }

    /// The body, to which the facts commit under a fresh salt.
    pub fn body(mut self, media_type: &str, body: Bytes) -> FactsBuilder {
        self.body = Some(body);
        self.put(tags::MEDIA_TYPE, media_type)
    }

    /// The stream that the event belongs to.
    pub fn stream_ref(&self) -> Option<Ref> {
        let bytes = self.fields.get(&tags::STREAM.number)?;
        bytes.as_slice().try_into().ok().map(Ref)
    }

    /// Commits to the body under a salt, which must be random and used once, and hands the body over.
    pub fn without_body(mut self, salt: &Salt) -> (FactsBuilder, Option<Bytes>) {
        match self.body.take() {
            None => (self, None),
            Some(body) => (self.put(tags::COMMITMENT, Commitment::of(salt, &body).to_bytes()), Some(body)),
        }
    }

    /// The body that stored facts commit to, whatever it is: for whoever compares facts and judges bodies elsewhere.
    pub fn committed(self, media_type: &str, commitment: &Commitment) -> FactsBuilder {
        self.put(tags::MEDIA_TYPE, media_type).put(tags::COMMITMENT, commitment.to_bytes())
    }

    /// A key and the source that it may sign for.
    pub fn key_grant(self, key: &PublicKey, source: Ref) -> FactsBuilder {
        self.put(tags::SUBJECT_KEY, key.to_wire()).put(tags::SUBJECT_SOURCE, source.0)
    }

    /// The key that ends.
    pub fn subject_key_id(self, id: KeyId) -> FactsBuilder {
        self.put(tags::SUBJECT_KEY_ID, id.0)
    }

    /// The bodies that are to be erased, ascending, none twice; at most `ERASED_BODIES_MAX`.
    pub fn erased_bodies(self, indexes: impl IntoIterator<Item = Index>) -> FactsBuilder {
        let ranges = BodyRange::cover(indexes);
        self.put_list(tags::ERASED_BODIES, ranges.into_iter().flat_map(BodyRange::to_bytes).collect())
    }

    /// Why a command had no effect.
    pub fn reason(self, reason: RefusalReason) -> FactsBuilder {
        self.put(tags::REASON, reason.number().to_be_bytes())
    }

    /// What the wall clock said.
    pub fn wall_clock(self, time: Micros) -> FactsBuilder {
        self.put(tags::WALL_CLOCK, time.0.to_be_bytes())
    }

    /// A field of genesis.
    pub(crate) fn genesis_field(self, tag: Tag, value: &[u8]) -> FactsBuilder {
        self.put_list(tag, value.to_vec())
    }

    /// Encodes the facts at their place, and lets the verifier's parser judge them.
    pub(crate) fn encode(
        self,
        source: Ref,
        epoch: Epoch,
        sequence: Sequence,
        salt: Salt,
    ) -> Result<EncodedFacts, BuildError> {
        let body = self.body.clone();
        let mut builder = self
            .put(tags::SOURCE, source.0)
            .put(tags::EPOCH, epoch.0.to_be_bytes())
            .put(tags::SEQUENCE, sequence.0.to_be_bytes());
        if let Some(body) = &body {
            builder = builder.put(tags::COMMITMENT, Commitment::of(&salt, body).to_bytes());
        }
        let mut facts = vec![FACTS_MARK];
        for (tag, value) in &builder.fields {
            put_field(&mut facts, *tag, value)?;
        }
        Facts::parse(&facts)?;
        Ok(EncodedFacts { facts: Bytes::from(facts), body: body.map(|body| (salt, body)) })
    }
}

/// Appends tag, u16 length and value.
pub(crate) fn put_field(out: &mut Vec<u8>, tag: u16, value: &[u8]) -> Result<(), BuildError> {
    let length = u16::try_from(value.len()).map_err(|_| BuildError::FieldTooLong { tag, bytes: value.len() })?;
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(value);
    Ok(())
}
