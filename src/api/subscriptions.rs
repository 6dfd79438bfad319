//! Persistent subscriptions, the unary calls: messages to domain words and back. What is stored, and who consumes, is
//! the ledger's matter.

use crate::api::convert;
use crate::api::proto::{
    CreateSubscriptionRequest, CreateSubscriptionResponse, DeleteSubscriptionRequest, DeleteSubscriptionResponse,
    EventFilter, GetSubscriptionRequest, GetSubscriptionResponse, ListParkedEventsRequest, ListParkedEventsResponse,
    ListSubscriptionsResponse, ParkedEvent, ReplayParkedEventsRequest, ReplayParkedEventsResponse, Subscription,
};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::token::Place;
use crate::domain::Filter;
use crate::ledger::{ParkState, ParkedRow, Reader, Replay, SubscriptionSpec, SubscriptionStatus, Terms};
use crate::limits;
use deedbook_verify::facts::Code;
use deedbook_verify::words::{Index, TreeSize};

const PARKED: &str = "ListParkedEvents";

/// Makes one.
pub async fn create(shared: &Shared, request: CreateSubscriptionRequest) -> Result<CreateSubscriptionResponse, Fault> {
    let name = convert::subscription_name(&request.name)?;
    let filter = convert::filter(&request.filter.unwrap_or_default())?;
    if filter.action_type.as_deref().is_some_and(|code| Code::new(code).is_none()) {
        return Err(Fault::field("filter.action_type", "is no code; none of that name can ever be appended"));
    }
    let lease =
        within("lease_ms", request.lease_ms, limits::LEASE_MS_DEFAULT, limits::LEASE_MS_MIN..=limits::LEASE_MS_MAX)?;
    let most = u32::from(limits::IN_FLIGHT_MAX);
    let in_flight = within("in_flight_max", request.in_flight_max, limits::IN_FLIGHT_DEFAULT.into(), 1..=most)?;
    let terms = Terms { lease_ms: lease, in_flight_max: u16::try_from(in_flight).unwrap_or(limits::IN_FLIGHT_MAX) };
    let start = Index(request.from.unwrap_or(shared.ledger.reader().head().size.0));
    shared.ledger.create_subscription(name.clone(), SubscriptionSpec { filter, start, terms }).await?;
    let status = shared.read(move |reader: &Reader| reader.subscription(&name)).await?;
    Ok(CreateSubscriptionResponse { subscription: Some(message(status)) })
}

/// A number that may be left out.
fn within(field: &'static str, value: u32, default: u32, range: std::ops::RangeInclusive<u32>) -> Result<u32, Fault> {
    match value {
        0 => Ok(default),
        value if range.contains(&value) => Ok(value),
        value => Err(Fault::field(field, format!("{value} is outside {} to {}", range.start(), range.end()))),
    }
}

/// Tells how one stands.
pub async fn get(shared: &Shared, request: GetSubscriptionRequest) -> Result<GetSubscriptionResponse, Fault> {
    let name = convert::subscription_name(&request.name)?;
    let status = shared.read(move |reader: &Reader| reader.subscription(&name)).await?;
    Ok(GetSubscriptionResponse { subscription: Some(message(status)) })
}

/// Lists all.
pub async fn list(shared: &Shared) -> Result<ListSubscriptionsResponse, Fault> {
    let all = shared.read(Reader::subscriptions).await?;
    Ok(ListSubscriptionsResponse { subscriptions: all.into_iter().map(message).collect() })
}

/// Deletes one.
pub async fn delete(shared: &Shared, request: DeleteSubscriptionRequest) -> Result<DeleteSubscriptionResponse, Fault> {
    shared.ledger.delete_subscription(convert::subscription_name(&request.name)?).await?;
    Ok(DeleteSubscriptionResponse {})
}

/// One page of what was put aside.
pub async fn parked(shared: &Shared, request: ListParkedEventsRequest) -> Result<ListParkedEventsResponse, Fault> {
    let name = convert::subscription_name(&request.name)?;
    let count = convert::page_size(request.page_size)?;
    let arguments = name.as_str().as_bytes().to_vec();
    let from = match request.page_token.as_str() {
        "" => Index(0),
        token => convert::index_cursor(&shared.tokens.open(PARKED, &arguments, token)?.cursor)?,
    };
    let read = move |reader: &Reader| reader.parked(&name, from, count.saturating_add(1));
    let mut rows = shared.read(read).await?;
    let next = rows.get(count).map(|(index, _)| *index);
    rows.truncate(count);
    // The list is of no tree; it is what is parked now.
    let place = |next: Index| Place { size: TreeSize(0), cursor: next.0.to_be_bytes().to_vec() };
    Ok(ListParkedEventsResponse {
        events: rows.into_iter().map(|(index, row)| parked_event(index, &row)).collect(),
        next_page_token: next.map(|next| shared.tokens.seal(PARKED, &arguments, &place(next))).unwrap_or_default(),
    })
}

/// Lets parked events be delivered again.
pub async fn replay(shared: &Shared, request: ReplayParkedEventsRequest) -> Result<ReplayParkedEventsResponse, Fault> {
    let name = convert::subscription_name(&request.name)?;
    let count = request.indexes.len();
    if count > limits::PARKED_MAX {
        return Err(Fault::field("indexes", format!("{count} indexes; at most {} are possible", limits::PARKED_MAX)));
    }
    let which = match count {
        0 => Replay::All,
        _ => Replay::These(request.indexes.into_iter().map(Index).collect()),
    };
    let count = shared.ledger.replay_parked(name, which).await?;
    Ok(ReplayParkedEventsResponse { count: small(count) })
}

fn parked_event(index: Index, row: &ParkedRow) -> ParkedEvent {
    ParkedEvent {
        index: index.0,
        reason: row.reason.as_str().to_owned(),
        times: row.times,
        parked_micros: row.parked.0,
        replaying: row.state == ParkState::Replaying,
    }
}

fn message(status: SubscriptionStatus) -> Subscription {
    let SubscriptionStatus { name, row, parked, in_flight, head } = status;
    Subscription {
        name: name.as_str().to_owned(),
        filter: Some(filter(&row.spec.filter)),
        from: row.spec.start.0,
        created_micros: row.created.0,
        lease_ms: row.spec.terms.lease_ms,
        in_flight_max: row.spec.terms.in_flight_max.into(),
        position: row.position.0,
        settled_ahead: small(row.ahead.len()),
        lag: head.size.0.saturating_sub(row.position.0),
        consumed: in_flight.is_some(),
        in_flight: small(in_flight.unwrap_or(0)),
        parked: small(parked),
        head: Some(convert::head(head)),
    }
}

fn filter(filter: &Filter) -> EventFilter {
    EventFilter {
        kind: filter.kind.map(|kind| kind.name().to_owned()).unwrap_or_default(),
        actor: filter.actor.map(convert::reference).unwrap_or_default(),
        stream: filter.stream.map(convert::reference).unwrap_or_default(),
        source: filter.source.map(convert::reference).unwrap_or_default(),
        action_type: filter.action_type.clone().unwrap_or_default(),
        outcome: filter.outcome.map(|outcome| outcome.name().to_owned()).unwrap_or_default(),
        policy_digest: filter.policy.map(|digest| bytes::Bytes::copy_from_slice(&digest.0)).unwrap_or_default(),
        received_from_micros: filter.received.as_ref().map(|times| times.start.0),
        received_to_micros: filter.received.as_ref().map(|times| times.end.0),
    }
}

/// Counts that `limits` bounds far below this.
fn small(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
