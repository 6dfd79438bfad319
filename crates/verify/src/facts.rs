//! Facts: what a producer signs and everybody may see. Parsed in one pass, borrowed, without allocation.
//! Parsing decides form only; whether the facts are true to their frame, keys and stream is decided elsewhere.

use crate::bytes::{Defect, Fields, LengthWidth, Malformed, Tag};
use crate::detail::{BreakGlass, Detail, Lost};
use crate::hash::Commitment;
use crate::kind::{Author, Kind};
use crate::limits;
use crate::tags;
use crate::tree::TreeHead;
use crate::words::{Digest, Epoch, EventId, Hash, Micros, Ref, Revision, Sequence, SubjectId, TreeSize};

/// The first byte of facts; entries begin with another, so that neither is taken for the other.
pub const FACTS_MARK: u8 = 0xfa;

/// A short registered word such as `dataset.export`: `[a-z][a-z0-9_.-]*`, never free text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code<'a>(&'a str);

impl<'a> Code<'a> {
    /// Accepts the grammar above, up to `CODE_BYTES_MAX` bytes.
    pub fn new(text: &'a str) -> Option<Code<'a>> {
        let legal = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-');
        let starts_well = text.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        (starts_well && text.len() <= limits::CODE_BYTES_MAX && text.bytes().all(legal)).then_some(Code(text))
    }

    /// The word.
    pub fn as_str(self) -> &'a str {
        self.0
    }
}

/// Declares an enumeration that is one byte on the wire and a word in lines and tables.
macro_rules! byte_codes {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $number:literal, $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs, reason = "the variants are the words of FORMAT.md's table")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
            /// The byte on the wire.
            pub fn number(self) -> u8 {
                match self { $($name::$variant => $number),+ }
            }
            /// The value with this byte.
            pub fn from_number(number: u8) -> Option<$name> {
                match number { $($number => Some($name::$variant),)+ _ => None }
            }
            /// The word in jsonl lines and tables.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }
            /// The value with this word.
            pub fn from_name(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

pub(crate) use byte_codes;

byte_codes! {
    /// What kind of actor did it.
    ActorKind { Human = 1, "human"; Agent = 2, "agent"; Service = 3, "service"; Team = 4, "team"; }
}
byte_codes! {
    /// How it went. OpenLineage event types map onto the first six.
    Outcome {
        Started = 1, "started"; Running = 2, "running"; Succeeded = 3, "succeeded"; Failed = 4, "failed";
        Aborted = 5, "aborted"; Other = 6, "other"; Allowed = 7, "allowed"; Denied = 8, "denied";
    }
}
byte_codes! {
    /// What a ref of the objects list stands for.
    ObjectClass {
        Dataset = 1, "dataset"; Model = 2, "model"; Artifact = 3, "artifact"; DatasetVersion = 4, "dataset_version";
        ModelVersion = 5, "model_version"; Job = 6, "job"; Run = 7, "run"; Session = 8, "session";
        Person = 9, "person"; Agent = 10, "agent"; Service = 11, "service"; Team = 12, "team";
    }
}

impl ObjectClass {
    /// The class of the versions of such a thing; none: it has none that could be named.
    pub fn version(self) -> Option<ObjectClass> {
        match self {
            ObjectClass::Dataset => Some(ObjectClass::DatasetVersion),
            ObjectClass::Model => Some(ObjectClass::ModelVersion),
            ObjectClass::Artifact | ObjectClass::Job | ObjectClass::Run | ObjectClass::Session => None,
            ObjectClass::DatasetVersion | ObjectClass::ModelVersion => None,
            ObjectClass::Person | ObjectClass::Agent | ObjectClass::Service | ObjectClass::Team => None,
        }
    }
}
byte_codes! {
    /// The part it played.
    ObjectRole { Input = 1, "input"; Output = 2, "output"; Used = 3, "used"; }
}

/// Who acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Human, agent, service or team.
    pub kind: ActorKind,
    /// Its pseudonym.
    pub who: Ref,
}

/// A thing and the part it played. 18 bytes on the wire: class, role, ref. A version stands directly behind what it is a
/// version of, in the same role; a job, run or session, to which the event belongs, is used. Those who act stand in
/// documents alone, where everything is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// Dataset, model, artifact, a version, what the event belongs to, or who acts.
    pub class: ObjectClass,
    /// Input, output or merely used.
    pub role: ObjectRole,
    /// Its pseudonym.
    pub what: Ref,
}

/// The event that caused this one, named as its source named it. 32 bytes on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The source that signed the parent.
    pub source: Ref,
    /// The parent's event id.
    pub event_id: EventId,
}

/// A parsed event statement. Lists are kept as wire bytes and read through the iterators below.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each field is documented by its tag in FORMAT.md")]
pub struct Facts<'a> {
    pub bytes: &'a [u8],
    pub kind: Kind,
    pub event_id: EventId,
    pub source: Ref,
    pub epoch: Epoch,
    pub sequence: Sequence,
    pub stream: Option<Ref>,
    pub expected_revision: Option<Revision>,
    pub occurred: Micros,
    pub occurred_note: Option<u8>,
    pub valid_until: Option<Micros>,
    pub last_seen: Option<TreeHead>,
    pub actor: Option<Actor>,
    on_behalf_of: &'a [u8],
    pub responsible: Option<Ref>,
    pub action_type: Option<Code<'a>>,
    pub action_digest: Option<Digest>,
    pub policy_digest: Option<Digest>,
    pub outcome: Option<Outcome>,
    pub resource_class: Option<Code<'a>>,
    pub data_class: Option<Code<'a>>,
    pub environment: Option<Code<'a>>,
    pub request_id: Option<SubjectId>,
    pub grant_id: Option<SubjectId>,
    parents: &'a [u8],
    objects: &'a [u8],
    pub objects_omitted: Option<u32>,
    pub media_type: Option<&'a str>,
    pub commitment: Option<Commitment>,
    pub detail: Detail<'a>,
    pub break_glass: Option<BreakGlass<'a>>,
}

impl<'a> Facts<'a> {
    /// Parses facts. Errors name the field; the cost is one pass, whatever the bytes.
    pub fn parse(bytes: &'a [u8]) -> Result<Facts<'a>, Malformed> {
        if bytes.len() > limits::FACTS_BYTES_MAX {
            return Err(Malformed::new("facts", Defect::TooLarge(limits::FACTS_BYTES_MAX)));
        }
        let Some((&FACTS_MARK, body)) = bytes.split_first() else {
            return Err(Malformed::new("facts mark", Defect::Value));
        };
        let mut fields = Fields::new("facts", LengthWidth::U16, body);
        let kind = u16::from_be_bytes(fields.required_array(tags::KIND)?);
        let kind = Kind::from_number(kind).ok_or(value(tags::KIND))?;
        let mut facts = Facts {
            bytes,
            kind,
            event_id: EventId(fields.required_array(tags::EVENT_ID)?),
            source: Ref(fields.required_array(tags::SOURCE)?),
            epoch: Epoch(u32::from_be_bytes(fields.required_array(tags::EPOCH)?)),
            sequence: Sequence(u64::from_be_bytes(fields.required_array(tags::SEQUENCE)?)),
            stream: fields.optional_array(tags::STREAM)?.map(Ref),
            expected_revision: number(&mut fields, tags::EXPECTED_REVISION)?.map(Revision),
            occurred: Micros(u64::from_be_bytes(fields.required_array(tags::OCCURRED)?)),
            occurred_note: fields.optional_array(tags::OCCURRED_NOTE)?.map(|[note]| note),
            valid_until: number(&mut fields, tags::VALID_UNTIL)?.map(Micros),
            last_seen: last_seen(&mut fields)?,
            actor: actor(&mut fields)?,
            on_behalf_of: list(&mut fields, tags::ON_BEHALF_OF, Ref::BYTES, limits::ON_BEHALF_OF_MAX)?,
            responsible: fields.optional_array(tags::RESPONSIBLE)?.map(Ref),
            action_type: code(&mut fields, tags::ACTION_TYPE)?,
            action_digest: fields.optional_array(tags::ACTION_DIGEST)?.map(Digest),
            policy_digest: fields.optional_array(tags::POLICY_DIGEST)?.map(Digest),
            outcome: byte_code(&mut fields, tags::OUTCOME, Outcome::from_number)?,
            resource_class: code(&mut fields, tags::RESOURCE_CLASS)?,
            data_class: code(&mut fields, tags::DATA_CLASS)?,
            environment: code(&mut fields, tags::ENVIRONMENT)?,
            request_id: fields.optional_array(tags::REQUEST_ID)?.map(SubjectId),
            grant_id: fields.optional_array(tags::GRANT_ID)?.map(SubjectId),
            parents: list(&mut fields, tags::PARENTS, PARENT_BYTES, limits::PARENTS_MAX)?,
            objects: list(&mut fields, tags::OBJECTS, OBJECT_BYTES, limits::OBJECTS_MAX)?,
            objects_omitted: fields.optional_array(tags::OBJECTS_OMITTED)?.map(u32::from_be_bytes),
            media_type: media_type(&mut fields)?,
            commitment: commitment(&mut fields)?,
            detail: Detail::None,
            break_glass: None,
        };
        facts.detail = Detail::parse(&facts, &mut fields)?;
        facts.break_glass = BreakGlass::parse(&facts, &mut fields)?;
        fields.finish()?;
        facts.check_relations()?;
        Ok(facts)
    }

    /// Who may author these facts. What the ledger took in unsigned carries `rules` and is the ledger's own word, whatever
    /// its kind; else the kind says who.
    pub fn author(&self) -> Author {
        match self.detail {
            Detail::Imported { .. } => Author::Ledger,
            Detail::None
            | Detail::Document(_)
            | Detail::Genesis(_)
            | Detail::KeyEnrolled(_)
            | Detail::KeyRotated { .. }
            | Detail::KeyRevoked { .. }
            | Detail::BodyErased(_)
            | Detail::Approval(_)
            | Detail::Principal(_)
            | Detail::Policy(_)
            | Detail::Step(_)
            | Detail::CommandRefused { .. }
            | Detail::Keeping(_)
            | Detail::HeartbeatPromised { .. }
            | Detail::SourceGap(_)
            | Detail::Custody { .. }
            | Detail::Oversight(_)
            | Detail::ClockChecked { .. } => self.kind.author(),
        }
    }

    /// The numbers that a `source.gap` says were lost.
    pub fn lost(&self) -> Option<Lost> {
        if let Detail::SourceGap(gap) = self.detail { gap.lost } else { None }
    }

    /// What must hold between fields, and inside list elements.
    fn check_relations(&self) -> Result<(), Malformed> {
        if (self.epoch.0 == 0) != (self.sequence.0 == 0) {
            return Err(value(tags::SEQUENCE));
        }
        if self.media_type.is_some() != self.commitment.is_some() {
            return Err(value(tags::COMMITMENT));
        }
        if self.expected_revision.is_some() && self.stream.is_none() {
            return Err(value(tags::EXPECTED_REVISION));
        }
        self.check_objects()
    }

    /// Every object is of a known class and role, and stands where and as its class may.
    fn check_objects(&self) -> Result<(), Malformed> {
        let (mut count, mut before) = (0usize, None);
        let in_document = matches!(self.detail, Detail::Document(_));
        for object in self.objects() {
            let is_used = object.role == ObjectRole::Used;
            let stands = match object.class {
                ObjectClass::Artifact => is_used || !in_document,
                ObjectClass::Dataset | ObjectClass::Model => !in_document,
                ObjectClass::DatasetVersion | ObjectClass::ModelVersion => before == Some((object.class, object.role)),
                ObjectClass::Run => is_used,
                ObjectClass::Job | ObjectClass::Session => is_used && !in_document,
                ObjectClass::Person | ObjectClass::Agent | ObjectClass::Service | ObjectClass::Team => {
                    is_used && in_document
                }
            };
            if !stands {
                return Err(value(tags::OBJECTS));
            }
            before = object.class.version().map(|version| (version, object.role));
            count += 1;
        }
        if count * OBJECT_BYTES == self.objects.len() { Ok(()) } else { Err(value(tags::OBJECTS)) }
    }

    /// Those on whose behalf the actor acted, in order.
    pub fn on_behalf_of(&self) -> impl Iterator<Item = Ref> + use<'a> {
        self.on_behalf_of.chunks_exact(Ref::BYTES).filter_map(|chunk| chunk.try_into().ok().map(Ref))
    }

    /// The events that caused this one.
    pub fn parents(&self) -> impl Iterator<Item = Parent> + use<'a> {
        self.parents.chunks_exact(PARENT_BYTES).filter_map(|chunk| {
            let (source, event_id) = chunk.split_first_chunk::<16>()?;
            Some(Parent { source: Ref(*source), event_id: EventId(event_id.try_into().ok()?) })
        })
    }

    /// How many objects there are.
    pub fn objects_count(&self) -> usize {
        self.objects.len() / OBJECT_BYTES
    }

    /// What it touched and belongs to, in the order of the document.
    pub fn objects(&self) -> impl Iterator<Item = Object> + use<'a> {
        self.objects.chunks_exact(OBJECT_BYTES).filter_map(|chunk| {
            let ([class, role], what) = chunk.split_first_chunk::<2>()?;
            Some(Object {
                class: ObjectClass::from_number(*class)?,
                role: ObjectRole::from_number(*role)?,
                what: Ref(what.try_into().ok()?),
            })
        })
    }
}

/// Wire width of a parent.
pub const PARENT_BYTES: usize = 32;
/// Wire width of an object.
pub const OBJECT_BYTES: usize = 18;

pub(crate) fn value(tag: Tag) -> Malformed {
    Malformed::new(tag.name, Defect::Value)
}

fn number(fields: &mut Fields<'_>, tag: Tag) -> Result<Option<u64>, Malformed> {
    Ok(fields.optional_array(tag)?.map(u64::from_be_bytes))
}

fn code<'a>(fields: &mut Fields<'a>, tag: Tag) -> Result<Option<Code<'a>>, Malformed> {
    let Some(bytes) = fields.optional(tag)? else { return Ok(None) };
    std::str::from_utf8(bytes).ok().and_then(Code::new).map(Some).ok_or(value(tag))
}

fn byte_code<T>(fields: &mut Fields<'_>, tag: Tag, from: fn(u8) -> Option<T>) -> Result<Option<T>, Malformed> {
    match fields.optional_array(tag)? {
        None => Ok(None),
        Some([byte]) => from(byte).map(Some).ok_or(value(tag)),
    }
}

/// A byte of the kind's own that must be there.
pub(crate) fn own_code<T>(fields: &mut Fields<'_>, tag: Tag, from: fn(u8) -> Option<T>) -> Result<T, Malformed> {
    byte_code(fields, tag, from)?.ok_or(Malformed::new(tag.name, Defect::Missing))
}

/// A list field: absent, or 1 to `count_max` elements of `width` bytes.
pub(crate) fn list<'a>(
    fields: &mut Fields<'a>,
    tag: Tag,
    width: usize,
    count_max: usize,
) -> Result<&'a [u8], Malformed> {
    match fields.optional(tag)? {
        None => Ok(&[]),
        Some(bytes) if bytes.is_empty() || bytes.len() % width != 0 => {
            Err(Malformed::new(tag.name, Defect::Length(bytes.len())))
        }
        Some(bytes) if bytes.len() / width > count_max => Err(Malformed::new(tag.name, Defect::TooLarge(count_max))),
        Some(bytes) => Ok(bytes),
    }
}

fn last_seen(fields: &mut Fields<'_>) -> Result<Option<TreeHead>, Malformed> {
    let Some(bytes) = fields.optional_array::<40>(tags::LAST_SEEN)? else { return Ok(None) };
    let mut reader = crate::bytes::Reader::new(&bytes);
    let size = TreeSize(reader.u64("last_seen")?);
    Ok(Some(TreeHead { size, root: Hash(reader.array("last_seen")?) }))
}

fn actor(fields: &mut Fields<'_>) -> Result<Option<Actor>, Malformed> {
    let Some(bytes) = fields.optional_array::<17>(tags::ACTOR)? else { return Ok(None) };
    let mut reader = crate::bytes::Reader::new(&bytes);
    let kind = ActorKind::from_number(reader.u8("actor")?).ok_or(value(tags::ACTOR))?;
    Ok(Some(Actor { kind, who: Ref(reader.array("actor")?) }))
}

fn media_type<'a>(fields: &mut Fields<'a>) -> Result<Option<&'a str>, Malformed> {
    let Some(bytes) = fields.optional(tags::MEDIA_TYPE)? else { return Ok(None) };
    let visible = bytes.iter().all(|byte| matches!(byte, 0x20..=0x7e));
    if bytes.is_empty() || bytes.len() > limits::MEDIA_TYPE_BYTES_MAX || !visible {
        return Err(value(tags::MEDIA_TYPE));
    }
    std::str::from_utf8(bytes).map(Some).map_err(|_| value(tags::MEDIA_TYPE))
}

fn commitment(fields: &mut Fields<'_>) -> Result<Option<Commitment>, Malformed> {
    match fields.optional_array(tags::COMMITMENT)? {
        None => Ok(None),
        Some(bytes) => Commitment::from_bytes(bytes).map(Some).ok_or(value(tags::COMMITMENT)),
    }
}
