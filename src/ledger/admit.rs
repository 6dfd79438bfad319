//! Admission: everything about a frame that needs no order. Runs on many threads, before the writer; what passes is a
//! different type. The writer checks again what order decides: keys, sequences, revisions, event ids.

use crate::ledger::approval::{Prepared, Report};
use crate::ledger::error::AppendError;
use crate::ledger::policies::Offered;
use crate::ledger::postings::{PostingSet, posting_set};
use crate::limits;
use crate::plant::Bug;
use crate::record::body::BodyKey;
use crate::record::{EventBytes, FrameBytes, entropy};
use bytes::Bytes;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::SealedFrame;
use deedbook_verify::erasure::Stood;
use deedbook_verify::facts::Facts;
use deedbook_verify::frame::{FrameRefusal, check_signatures};
use deedbook_verify::governance::Authority;
use deedbook_verify::hash::{self, RefKey};
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::replay::{check_company, is_built};
use deedbook_verify::tree::{Frontier, TreeHead};
use deedbook_verify::words::{Epoch, EventId, Hash, Index, KeyId, Micros, Ref, Revision, Sequence};

/// One event of a checked frame, with all that the writer needs and no more.
#[derive(Clone)]
pub(super) struct CheckedEvent {
    pub facts: Bytes,
    pub event_id: EventId,
    pub stream: Option<Ref>,
    pub expected: Option<Revision>,
    pub postings: PostingSet,
    /// What erasure asks of it; the day is known when it is placed.
    pub stood: Stood,
    pub body: Option<SealedBody>,
    /// What it says of an action's execution.
    pub report: Option<Report>,
}

/// A body as it will be stored.
#[derive(Clone)]
pub(super) struct SealedBody {
    pub key: BodyKey,
    pub bytes: Bytes,
}

/// A frame whose form, bodies and signature are right. Only admission makes one.
#[derive(Clone)]
pub struct CheckedFrame {
    pub(super) header: Bytes,
    pub(super) signatures: Bytes,
    pub(super) digest: Hash,
    pub(super) source: Ref,
    pub(super) epoch: Epoch,
    pub(super) first_sequence: Sequence,
    pub(super) kind: Kind,
    pub(super) signer: KeyId,
    pub(super) events: Vec<CheckedEvent>,
    /// What a `policy.published` wants to publish.
    pub(super) offered: Option<Offered>,
    /// What a command of the approval machines needs; none for every other frame.
    pub(super) prepared: Option<Box<Prepared>>,
}

impl CheckedFrame {
    /// Bytes that it holds while it waits, bookkeeping included.
    pub fn cost_bytes(&self) -> usize {
        let event = |event: &CheckedEvent| event.facts.len() + event.body.as_ref().map_or(0, |body| body.bytes.len());
        let bytes: usize = self.events.iter().map(event).sum();
        bytes.saturating_add(limits::QUEUE_BYTES_PER_JOB_MIN)
    }

    /// Number of events.
    pub fn count(&self) -> usize {
        self.events.len()
    }
}

/// What admission knows of the ledger: a published state.
pub(super) struct AdmissionView<'a> {
    pub authority: &'a Authority,
    pub refs: &'a RefKey,
    pub base: Index,
    /// The head at an older size, or none if the size is beyond the tree; answers last-seen checkpoints.
    pub head_at: &'a dyn Fn(&TreeHead) -> Result<bool, AppendError>,
    /// Where an event id stands.
    pub find: &'a dyn Fn(Ref, EventId) -> Result<Option<Index>, AppendError>,
}

/// Checks a frame from outside.
pub(super) fn admit(view: &AdmissionView<'_>, frame: FrameBytes) -> Result<CheckedFrame, AppendError> {
    let bytes = frame.payload_bytes();
    if bytes > limits::FRAME_BYTES_MAX {
        return Err(AppendError::FrameTooLarge { bytes });
    }
    let sealed = SealedFrame::parse(&frame.header, &frame.signatures)?;
    let header = sealed.header;
    if usize::from(header.n) != frame.events.len() {
        return Err(FrameRefusal::CountDiffers.into());
    }
    let first = frame.events.first().ok_or(FrameRefusal::CountDiffers)?;
    let (first_kind, author) = {
        let facts = Facts::parse(&first.facts)?;
        (facts.kind, facts.author())
    };
    if author == Author::Ledger {
        return Err(FrameRefusal::AuthorDiffers.into());
    }
    view.authority.keys().check_author(&header, author)?;
    let (events, root) = check_events(view, &sealed, author, &frame.events)?;
    if root != header.root && !Bug::FrameRootUnread.planted() {
        return Err(FrameRefusal::RootDiffers.into());
    }
    check_keys(view, &sealed, events.first())?;
    let signer = header.sole_signer().ok_or(FrameRefusal::RoleDiffers)?;
    let offered = if first_kind == Kind::PolicyPublished { offered(view, header.source, first)? } else { None };
    Ok(CheckedFrame {
        offered,
        digest: sealed.digest(),
        source: header.source,
        epoch: header.epoch,
        first_sequence: header.first_sequence,
        kind: first_kind,
        signer: signer.key_id,
        events,
        prepared: None,
        header: frame.header.clone(),
        signatures: frame.signatures.clone(),
    })
}

/// The policy set of a frame whose signature was checked.
fn offered(view: &AdmissionView<'_>, source: Ref, first: &EventBytes) -> Result<Option<Offered>, AppendError> {
    let facts = Facts::parse(&first.facts)?;
    let governs = view.authority.is_administrator(source);
    let body = first.salt_and_body.as_ref().map(|(_, body)| body);
    Ok(body.and_then(|body| Offered::judge(&facts, body, governs, view.refs)))
}

/// Checks the signatures by the keys in force now; a frame that stands in the log already by those in force there, so
/// that a repeat gets its first answer even after its key has ended.
fn check_keys(
    view: &AdmissionView<'_>,
    sealed: &SealedFrame<'_>,
    first: Option<&CheckedEvent>,
) -> Result<(), AppendError> {
    let header = &sealed.header;
    let check =
        |base| check_signatures(header, &sealed.block, |signer| view.authority.keys().key_for(header, signer, base));
    match (check(view.base), first) {
        (Err(FrameRefusal::KeyNotInForce(id)), Some(event)) => {
            let found = (view.find)(header.source, event.event_id)?;
            let base = found.ok_or(FrameRefusal::KeyNotInForce(id))?;
            Ok(check(base)?)
        }
        (verdict, _) => Ok(verdict?),
    }
}

/// Takes a frame that the ledger has just made itself; its form is checked all the same.
pub(super) fn admit_own(frame: FrameBytes) -> Result<CheckedFrame, AppendError> {
    let sealed = SealedFrame::parse(&frame.header, &frame.signatures)?;
    let first = frame.events.first().ok_or(FrameRefusal::CountDiffers)?;
    let kind = Facts::parse(&first.facts)?.kind;
    let signer = sealed.header.signers().last().ok_or(FrameRefusal::RoleDiffers)?;
    let mut keys = body_keys(&frame.events)?.into_iter();
    let mut events = Vec::with_capacity(frame.events.len());
    for (offset, event) in (0u16..).zip(&frame.events) {
        let facts = Facts::parse(&event.facts)?;
        let body = check_body(offset, &facts, event, &mut keys)?;
        events.push(checked_event(&facts, event, body));
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

fn check_events(
    view: &AdmissionView<'_>,
    sealed: &SealedFrame<'_>,
    author: Author,
    events: &[EventBytes],
) -> Result<(Vec<CheckedEvent>, Hash), AppendError> {
    let mut keys = body_keys(events)?.into_iter();
    let mut facts_tree = Frontier::new();
    let mut checked = Vec::with_capacity(events.len());
    for (offset, event) in (0u16..).zip(events) {
        let facts = Facts::parse(&event.facts)?;
        sealed.header.agrees(offset, &facts)?;
        check_company(&facts, author, sealed.header.n)?;
        if !is_taken(&facts) {
            return Err(AppendError::KindNotBuilt(facts.kind));
        }
        // Numbers that were lost are numbers of an epoch; replay refuses them of a source that gives out none.
        if facts.lost().is_some() && sealed.header.epoch.0 == 0 {
            return Err(FrameRefusal::SequenceDiffers.into());
        }
        if let Some(seen) = &facts.last_seen
            && !(view.head_at)(seen)?
        {
            return Err(AppendError::LastSeenDiffers { offset });
        }
        let body = check_body(offset, &facts, event, &mut keys)?;
        if facts.break_glass.is_some() && !says_why(event) {
            return Err(AppendError::GlassUnexplained);
        }
        facts_tree.push(hash::leaf(&event.facts));
        checked.push(checked_event(&facts, event, body));
    }
    check_ids_differ(&checked)?;
    Ok((checked, facts_tree.root()))
}

/// Whether the body of a break-glass command names a reason and an incident, for everybody to read.
fn says_why(event: &EventBytes) -> bool {
    let Some((_, body)) = &event.salt_and_body else { return false };
    let body = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    let said = |name: &str| body.get(name).and_then(|text| text.as_str()).is_some_and(|text| !text.trim().is_empty());
    said("reason") && said("incident")
}

/// Whether this server folds the event: the verifier knows more than is built here.
fn is_taken(facts: &Facts<'_>) -> bool {
    match &facts.detail {
        Detail::Step(_) => false,
        Detail::None
        | Detail::Document(_)
        | Detail::Genesis(_)
        | Detail::KeyEnrolled(_)
        | Detail::KeyRotated { .. }
        | Detail::KeyRevoked { .. }
        | Detail::BodyErased(_)
        | Detail::Principal(_)
        | Detail::Policy(_)
        | Detail::Approval(_)
        | Detail::CommandRefused { .. }
        | Detail::Keeping(_)
        | Detail::HeartbeatPromised { .. }
        | Detail::SourceGap(_)
        | Detail::Custody { .. }
        | Detail::Oversight(_)
        | Detail::Imported { .. }
        | Detail::ClockChecked { .. } => is_built(facts.kind),
    }
}

/// Fresh keys, one for each body.
fn body_keys(events: &[EventBytes]) -> Result<Vec<BodyKey>, AppendError> {
    let bodies = events.iter().filter(|event| event.salt_and_body.is_some()).count();
    let mut bytes = vec![0u8; bodies * 32];
    entropy::fill(&mut bytes).map_err(|error| AppendError::OwnFrame(error.to_string()))?;
    Ok(bytes.chunks_exact(32).filter_map(BodyKey::from_stored).collect())
}

fn check_body(
    offset: u16,
    facts: &Facts<'_>,
    event: &EventBytes,
    keys: &mut impl Iterator<Item = BodyKey>,
) -> Result<Option<SealedBody>, AppendError> {
    let differs = AppendError::BodyDiffers { offset };
    match (&facts.commitment, &event.salt_and_body) {
        (None, None) => Ok(None),
        (Some(commitment), Some((salt, body))) if commitment.opens(salt, body) || Bug::BodyUnopened.planted() => {
            let key = keys.next().ok_or(differs.clone())?;
            let bytes = key.seal(salt, body).map_err(|_| differs)?;
            Ok(Some(SealedBody { key, bytes: Bytes::from(bytes) }))
        }
        (Some(_), _) | (None, Some(_)) => Err(differs),
    }
}

/// What the writer needs of an event whose body is sealed.
pub(super) fn checked_event(facts: &Facts<'_>, event: &EventBytes, body: Option<SealedBody>) -> CheckedEvent {
    CheckedEvent {
        facts: event.facts.clone(),
        event_id: facts.event_id,
        stream: facts.stream,
        expected: facts.expected_revision,
        postings: posting_set(facts),
        stood: Stood::of(facts, Micros(0)),
        body,
        report: Report::of(facts),
    }
}

fn check_ids_differ(events: &[CheckedEvent]) -> Result<(), AppendError> {
    if events.len() < 2 {
        return Ok(());
    }
    let mut ids: Vec<(EventId, u16)> = events.iter().map(|event| event.event_id).zip(0u16..).collect();
    ids.sort_unstable();
    let twice = ids.iter().zip(ids.iter().skip(1)).find(|(one, two)| one.0 == two.0);
    match twice {
        None => Ok(()),
        Some((_, (_, offset))) => Err(AppendError::EventIdTwice { offset: *offset }),
    }
}
