//! Messages to domain words and back. It checks widths and names of single fields, and decides nothing else.

use crate::api::proto;
use crate::api::reason::Fault;
use crate::domain::{Filter, SubscriptionName};
use crate::ledger::{Bodies, Placement, StoredBody, StoredEvent};
use crate::limits;
use crate::record::{EventBytes, FrameBytes};
use bytes::Bytes;
use deedbook_verify::facts::Outcome;
use deedbook_verify::hash::Salt;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Digest, Hash, Index, Micros, Ref, TreeSize};

/// A field of exactly `N` bytes.
pub fn array<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], Fault> {
    bytes.try_into().map_err(|_| Fault::field(field, format!("has {} bytes instead of {N}", bytes.len())))
}

/// A field of exactly `N` bytes, or an empty one, which stands for "not given".
pub fn optional_array<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<Option<[u8; N]>, Fault> {
    if bytes.is_empty() { Ok(None) } else { array(field, bytes).map(Some) }
}

/// A required message field.
pub fn required<T>(field: &'static str, value: Option<T>) -> Result<T, Fault> {
    value.ok_or_else(|| Fault::field(field, "is missing"))
}

/// Which bodies a view asks for.
pub fn bodies(view: i32) -> Result<Bodies, Fault> {
    match proto::EventView::try_from(view) {
        Ok(proto::EventView::Full) => Ok(Bodies::With),
        Ok(proto::EventView::Basic | proto::EventView::Unspecified) => Ok(Bodies::Without),
        Err(_) => Err(Fault::field("view", format!("{view} is not a view"))),
    }
}

/// How many items to put on a page.
pub fn page_size(size: i32) -> Result<usize, Fault> {
    match usize::try_from(size) {
        Ok(0) => Ok(limits::PAGE_SIZE_DEFAULT),
        Ok(size) => Ok(size.min(limits::PAGE_SIZE_MAX)),
        Err(_) => Err(Fault::field("page_size", "is negative")),
    }
}

/// A frame as the ledger takes it. The parts stay slices of the received buffer.
pub fn frame(frame: proto::Frame) -> Result<FrameBytes, Fault> {
    let events = frame.events.into_iter().map(event).collect::<Result<Vec<EventBytes>, Fault>>()?;
    Ok(FrameBytes { header: frame.header, signatures: frame.signatures, events })
}

fn event(event: proto::Event) -> Result<EventBytes, Fault> {
    let salt_and_body = match event.body {
        Some(body) => Some((Salt(array("frame.events.salt", &event.salt)?), body)),
        None if event.salt.is_empty() => None,
        None => return Err(Fault::field("frame.events.salt", "stands there without a body")),
    };
    Ok(EventBytes { facts: event.facts, salt_and_body })
}

/// A frame as it is sent; for clients.
pub fn to_frame(frame: FrameBytes) -> proto::Frame {
    let event = |event: EventBytes| {
        let (salt, body) = match event.salt_and_body {
            Some((salt, body)) => (Bytes::copy_from_slice(&salt.0), Some(body)),
            None => (Bytes::new(), None),
        };
        proto::Event { facts: event.facts, salt, body }
    };
    proto::Frame {
        header: frame.header,
        signatures: frame.signatures,
        events: frame.events.into_iter().map(event).collect(),
    }
}

/// A hash, copied.
pub fn hash(hash: &Hash) -> Bytes {
    Bytes::copy_from_slice(&hash.0)
}

/// Hashes, copied.
pub fn hashes(hashes: &[Hash]) -> Vec<Bytes> {
    hashes.iter().map(hash).collect()
}

/// A ref, copied.
pub fn reference(reference: Ref) -> Bytes {
    Bytes::copy_from_slice(&reference.0)
}

/// A tree head.
pub fn head(head: TreeHead) -> proto::TreeHead {
    proto::TreeHead { size: head.size.0, root: hash(&head.root) }
}

/// Where a frame stands.
pub fn placement(placement: &Placement) -> proto::Placement {
    proto::Placement {
        first_index: placement.first_index.0,
        count: u32::from(placement.count),
        last_leaf_hash: placement.leaves.last().map(hash).unwrap_or_default(),
        repeated: placement.repeated,
        waits_as: placement.waits.map(|request| Bytes::copy_from_slice(request.as_bytes())).unwrap_or_default(),
    }
}

/// An event as stored.
pub fn stored(event: StoredEvent) -> proto::StoredEvent {
    let body_state = body_state(&event.body).into();
    let (salt, body, erased_by_index) = match event.body {
        StoredBody::None | StoredBody::Withheld => (Bytes::new(), Bytes::new(), None),
        StoredBody::Erased { by } => (Bytes::new(), Bytes::new(), Some(by.0)),
        StoredBody::Opened { salt, body } => (Bytes::copy_from_slice(&salt.0), Bytes::from(body), None),
    };
    let (index, entry, refused_by_index) = (event.index.0, Bytes::from(event.entry), event.refused.map(|by| by.0));
    proto::StoredEvent { index, entry, body_state, salt, body, erased_by_index, refused_by_index }
}

/// What became of a body.
pub fn body_state(body: &StoredBody) -> proto::BodyState {
    match body {
        StoredBody::None => proto::BodyState::None,
        StoredBody::Withheld => proto::BodyState::Withheld,
        StoredBody::Erased { .. } => proto::BodyState::Erased,
        StoredBody::Opened { .. } => proto::BodyState::Opened,
    }
}

/// About how many bytes an event takes in a message.
pub fn stored_bytes(event: &proto::StoredEvent) -> usize {
    event.entry.len().saturating_add(event.body.len()).saturating_add(64)
}

/// The filter of a list.
pub fn list_filter(request: &proto::ListEventsRequest) -> Result<Filter, Fault> {
    filter(&proto::EventFilter {
        kind: request.kind.clone(),
        actor: request.actor.clone(),
        stream: request.stream.clone(),
        source: request.source.clone(),
        action_type: request.action_type.clone(),
        outcome: request.outcome.clone(),
        policy_digest: request.policy_digest.clone(),
        received_from_micros: request.received_from_micros,
        received_to_micros: request.received_to_micros,
    })
}

/// Conditions on events.
pub fn filter(filter: &proto::EventFilter) -> Result<Filter, Fault> {
    let received = match (filter.received_from_micros, filter.received_to_micros) {
        (None, None) => None,
        (from, to) => Some(Micros(from.unwrap_or(0))..Micros(to.unwrap_or(u64::MAX))),
    };
    Ok(Filter {
        kind: named("kind", &filter.kind, Kind::from_name)?,
        actor: optional_array("actor", &filter.actor)?.map(Ref),
        stream: optional_array("stream", &filter.stream)?.map(Ref),
        source: optional_array("source", &filter.source)?.map(Ref),
        action_type: Some(filter.action_type.clone()).filter(|text| !text.is_empty()),
        outcome: named("outcome", &filter.outcome, Outcome::from_name)?,
        policy: optional_array("policy_digest", &filter.policy_digest)?.map(Digest),
        received,
    })
}

/// The name of a persistent subscription.
pub fn subscription_name(name: &str) -> Result<SubscriptionName, Fault> {
    SubscriptionName::parse(name).map_err(|error| Fault::field("name", error.to_string()))
}

/// A tree head that a client names.
pub fn to_head(field: &'static str, head: &proto::TreeHead) -> Result<TreeHead, Fault> {
    Ok(TreeHead { size: TreeSize(head.size), root: Hash(array(field, &head.root)?) })
}

fn named<T>(field: &'static str, name: &str, find: fn(&str) -> Option<T>) -> Result<Option<T>, Fault> {
    if name.is_empty() {
        return Ok(None);
    }
    find(name).map(Some).ok_or_else(|| Fault::field(field, format!("there is no `{name}`")))
}

/// The cursor of a list by index.
pub fn index_cursor(cursor: &[u8]) -> Result<Index, Fault> {
    array("page_token", cursor).map(|bytes| Index(u64::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_survives_the_wire_form() {
        let bodies = [None, Some((Salt([3; 32]), Bytes::new())), Some((Salt([4; 32]), Bytes::from_static(b"body")))];
        let events = bodies.map(|salt_and_body| EventBytes { facts: Bytes::from_static(b"facts"), salt_and_body });
        let sent = FrameBytes {
            header: Bytes::from_static(b"h"),
            signatures: Bytes::from_static(b"s"),
            events: events.into(),
        };
        let got = frame(to_frame(sent.clone())).unwrap();
        assert_eq!((&got.header, &got.signatures), (&sent.header, &sent.signatures));
        for (got, sent) in got.events.iter().zip(&sent.events) {
            let open = |event: &EventBytes| event.salt_and_body.clone().map(|(salt, body)| (salt.0, body));
            assert_eq!((&got.facts, open(got)), (&sent.facts, open(sent)));
        }
    }

    #[test]
    fn a_salt_needs_a_body_and_its_width() {
        let event =
            |salt: &'static [u8], body| proto::Event { facts: Bytes::new(), salt: Bytes::from_static(salt), body };
        let try_frame = |event| frame(proto::Frame { events: vec![event], ..proto::Frame::default() });
        assert!(try_frame(event(b"short", Some(Bytes::new()))).is_err());
        assert!(try_frame(event(&[0; 32], None)).is_err());
        assert!(try_frame(event(b"", None)).is_ok());
    }

    #[test]
    fn page_sizes_are_coerced_down() {
        assert_eq!(page_size(0), Ok(limits::PAGE_SIZE_DEFAULT));
        assert_eq!(page_size(5), Ok(5));
        assert_eq!(page_size(i32::MAX), Ok(limits::PAGE_SIZE_MAX));
        assert!(page_size(-1).is_err());
    }
}
