//! Persistent subscriptions from outside, promise by promise: acknowledging, parking, leases, deletion, and what is
//! refused. Random habits and kills are in `consume_model`.

use crate::support::consume::{Heard, Taker, create, show};
use crate::support::grpc::{Served, check, number};
use crate::support::{House, Producer};
use deedbook::api::proto::{
    CreateSubscriptionRequest, DeleteSubscriptionRequest, EventFilter, ListParkedEventsRequest,
    ListSubscriptionsRequest, ParkedEvent, ReplayParkedEventsRequest,
};
use deedbook::api::{ClientError, Clients};
use deedbook::record::Position;
use std::time::Duration;

pub async fn scene(events: usize) -> (House, Served, Clients, Producer) {
    let house = House::build();
    let served = Served::start(&house).await;
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    if events > 0 {
        served.ledger.append(producer.plain(Position::Unsequenced, events)).await.unwrap();
    }
    let clients = served.clients().await;
    (house, served, clients, producer)
}

pub async fn end(house: House, served: Served, clients: Clients) {
    drop(clients);
    served.stop().await;
    house.assert_clean();
}

/// Only what the producer stated: not genesis, not the enrollment.
pub fn statements() -> EventFilter {
    EventFilter { kind: "execution.reported".to_owned(), ..Default::default() }
}

pub async fn parked(clients: &Clients, name: &str) -> Vec<ParkedEvent> {
    let (mut events, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListParkedEventsRequest { name: name.to_owned(), page_size: 7, page_token };
        let page = clients.subscription.clone().list_parked_events(request).await.unwrap().into_inner();
        assert!(page.events.len() <= 7);
        events.extend(page.events);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return events;
        }
    }
}

pub async fn replay(clients: &Clients, name: &str, indexes: &[u64]) -> Result<u32, ClientError> {
    let request = ReplayParkedEventsRequest { name: name.to_owned(), indexes: indexes.to_vec() };
    Ok(clients.subscription.clone().replay_parked_events(request).await?.into_inner().count)
}

#[tokio::test(flavor = "multi_thread")]
async fn settled_is_settled_and_the_rest_comes_again() {
    let (house, served, clients, _) = scene(30).await;
    create(&clients, "siem", statements(), 0, 10).await;
    let mut taker = Taker::open(&clients, "siem").await.unwrap();
    assert_eq!((taker.opened.position, taker.opened.lease_ms, taker.opened.in_flight_max), (0, 30_000, 10));
    taker.until_held(10).await;
    assert_eq!(taker.held, (2..12).collect());
    // Out of order: the position waits for 2, what is settled behind it is remembered.
    taker.ack(&[5, 4, 7]).await;
    taker.until_durable(7).await;
    let standing = show(&clients, "siem").await;
    assert_eq!((standing.position, standing.settled_ahead, standing.lag), (2, 3, 30));
    assert!(standing.consumed && standing.in_flight >= 7, "{standing:?}");
    // In this window of ten, three are settled ahead: no more than seven are in flight, however long we wait.
    for _ in 0..3 {
        taker.hear().await.unwrap();
    }
    assert_eq!(taker.held.len(), 7);
    taker.ack(&[2, 3]).await;
    taker.until_durable(3).await;
    assert_eq!(show(&clients, "siem").await.position, 6);
    drop(taker);
    // Whoever comes next gets the rest, and none of the settled ones.
    let mut taker = loop {
        match Taker::open(&clients, "siem").await {
            Ok(taker) => break taker,
            Err(error) => check(&error, "ABORTED", "ALREADY_CONSUMED"),
        }
    };
    taker.until_held(9).await;
    assert_eq!(taker.held, [6, 8, 9, 10, 11, 12, 13, 14, 15].into());
    taker.ack_through(15).await;
    assert!(taker.finish().await.is_none(), "a clean end settles what was acknowledged");
    assert_eq!(show(&clients, "siem").await.position, 16);
    assert!(!show(&clients, "siem").await.consumed);
    end(house, served, clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_events_are_listed_and_come_again_when_asked() {
    let (house, served, clients, producer) = scene(20).await;
    create(&clients, "siem", statements(), 0, 100).await;
    let mut taker = Taker::open(&clients, "siem").await.unwrap();
    taker.until_held(20).await;
    for index in 2..12 {
        taker.park(index, &format!("reason {index}\u{1b}")).await;
    }
    taker.ack_through(21).await;
    taker.until_durable(21).await;
    let standing = show(&clients, "siem").await;
    assert_eq!((standing.position, standing.parked, standing.lag), (22, 10, 0));
    let listed = parked(&clients, "siem").await;
    assert_eq!(listed.iter().map(|event| event.index).collect::<Vec<u64>>(), (2..12).collect::<Vec<u64>>());
    assert!(listed.iter().all(|event| event.reason == format!("reason {}\u{1b}", event.index)));
    assert!(listed.iter().all(|event| event.times == 1 && !event.replaying && event.parked_micros > 0));
    let unknown = replay(&clients, "siem", &[2, 12]).await.unwrap_err();
    check_found(&unknown, "parked event");
    assert!(parked(&clients, "siem").await.iter().all(|event| !event.replaying), "all or none");
    // A consumer that is there gets them at once, beside what is new.
    assert_eq!(replay(&clients, "siem", &[3, 5]).await.unwrap(), 2);
    served.ledger.append(producer.plain(Position::Unsequenced, 1)).await.unwrap();
    taker.until_held(3).await;
    assert_eq!(taker.held, [3, 5, 22].into());
    taker.durable.clear();
    taker.ack(&[3, 22]).await;
    taker.park(5, "again").await;
    taker.until_durable(5).await;
    let listed = parked(&clients, "siem").await;
    assert_eq!(listed.len(), 9);
    let again = listed.iter().find(|event| event.index == 5).unwrap();
    assert_eq!((again.times, again.reason.as_str(), again.replaying), (2, "again", false));
    // One that comes later gets them too; acknowledged, they are parked no more.
    assert!(taker.finish().await.is_none());
    assert_eq!(replay(&clients, "siem", &[]).await.unwrap(), 9);
    let mut taker = Taker::open(&clients, "siem").await.unwrap();
    taker.until_held(9).await;
    let all: Vec<u64> = taker.held.iter().copied().collect();
    taker.ack(&all).await;
    assert!(taker.finish().await.is_none());
    assert_eq!((show(&clients, "siem").await.parked, show(&clients, "siem").await.position), (0, 23));
    end(house, served, clients).await;
}

fn check_found(error: &ClientError, what: &str) {
    assert_eq!((error.code, error.reason.as_deref()), ("NOT_FOUND", Some("NOT_FOUND")), "{error:?}");
    assert_eq!(error.metadata.get("what").map(String::as_str), Some(what));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_that_ends_gives_the_subscription_to_the_next() {
    let (house, served, clients, _) = scene(5).await;
    create(&clients, "siem", statements(), 600, 3).await;
    let mut first = Taker::open(&clients, "siem").await.unwrap();
    first.until_held(3).await;
    first.ack(&[2]).await;
    first.until_durable(2).await;
    let refused = Taker::open(&clients, "siem").await.err().unwrap();
    check(&refused, "ABORTED", "ALREADY_CONSUMED");
    assert_eq!(number(&refused, "lease_ms"), 600);
    // Extended again and again, it outlives several leases.
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        first.extend().await;
    }
    assert!(Taker::open(&clients, "siem").await.is_err());
    let ended = loop {
        if let Err(error) = first.hear().await {
            break error;
        }
    };
    check(&ended, "ABORTED", "LEASE_ENDED");
    let mut second = loop {
        match Taker::open(&clients, "siem").await {
            Ok(taker) => break taker,
            Err(error) => check(&error, "ABORTED", "ALREADY_CONSUMED"),
        }
    };
    second.until_held(3).await;
    assert_eq!(second.held, [3, 4, 5].into(), "what the first one held");
    second.ack_through(5).await;
    assert!(second.finish().await.is_none());
    drop(first);
    end(house, served, clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_subscription_ends_its_consumer_and_leaves_nothing() {
    let (house, served, clients, _) = scene(5).await;
    create(&clients, "siem", statements(), 0, 0).await;
    let mut taker = Taker::open(&clients, "siem").await.unwrap();
    taker.until_held(5).await;
    taker.park(2, "why").await;
    taker.ack(&[3]).await;
    taker.until_durable(3).await;
    let delete = DeleteSubscriptionRequest { name: "siem".to_owned() };
    clients.subscription.clone().delete_subscription(delete.clone()).await.unwrap();
    taker.ack(&[4]).await;
    let ended = loop {
        if let Err(error) = taker.hear().await {
            break error;
        }
    };
    check_found(&ended, "subscription");
    let again = clients.subscription.clone().delete_subscription(delete).await.unwrap_err().into();
    check_found(&again, "subscription");
    // One of the same name is another one: it begins anew, and nothing is parked.
    create(&clients, "siem", statements(), 0, 0).await;
    let standing = show(&clients, "siem").await;
    assert_eq!((standing.position, standing.parked, standing.consumed), (0, 0, false));
    let mut taker = Taker::open(&clients, "siem").await.unwrap();
    taker.until_held(5).await;
    assert!(taker.finish().await.is_none());
    end(house, served, clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bounds_are_refused_with_their_reason() {
    let (house, served, clients, _) = scene(5).await;
    let make = async |name: &str, from: u64, lease_ms: u32, in_flight_max: u32| {
        let request = CreateSubscriptionRequest {
            name: name.to_owned(),
            filter: Some(statements()),
            from: Some(from),
            lease_ms,
            in_flight_max,
        };
        clients.subscription.clone().create_subscription(request).await.map(|_| ()).map_err(ClientError::from)
    };
    for name in ["", "Siem", "a b", "1st", "a/b", &"x".repeat(41)] {
        let refused = make(name, 0, 0, 0).await.unwrap_err();
        check(&refused, "INVALID_ARGUMENT", "FIELD_INVALID");
        assert_eq!(refused.metadata.get("field").map(String::as_str), Some("name"));
    }
    for (lease_ms, in_flight_max, field) in
        [(99, 0, "lease_ms"), (600_001, 0, "lease_ms"), (0, 1_001, "in_flight_max"), (0, u32::MAX, "in_flight_max")]
    {
        let refused = make("siem", 0, lease_ms, in_flight_max).await.unwrap_err();
        assert_eq!(refused.metadata.get("field").map(String::as_str), Some(field), "{refused:?}");
    }
    check(&make("siem", 8, 0, 0).await.unwrap_err(), "OUT_OF_RANGE", "OUTSIDE_TREE");
    make("siem", 7, 0, 0).await.unwrap();
    check(&make("siem", 0, 0, 0).await.unwrap_err(), "ALREADY_EXISTS", "SUBSCRIPTION_EXISTS");
    for number in 1..64 {
        make(&format!("number-{number}"), 0, 0, 0).await.unwrap();
    }
    let refused = make("one-more", 0, 0, 0).await.unwrap_err();
    check(&refused, "RESOURCE_EXHAUSTED", "SUBSCRIPTIONS_TOO_MANY");
    assert_eq!(number(&refused, "subscriptions_max"), 64);
    let list = clients.subscription.clone().list_subscriptions(ListSubscriptionsRequest {}).await.unwrap();
    assert_eq!(list.into_inner().subscriptions.len(), 64);
    check_found(&Taker::open(&clients, "nobody").await.err().unwrap(), "subscription");
    what_a_consumer_may_not_say(&clients).await;
    end(house, served, clients).await;
}

async fn what_a_consumer_may_not_say(clients: &Clients) {
    let ended = async |mut taker: Taker| {
        let refused = tokio::time::timeout(Duration::from_secs(30), async {
            loop {
                match taker.hear().await {
                    Ok(Heard::End) => panic!("no refusal"),
                    Ok(_) => {}
                    Err(error) => break error,
                }
            }
        });
        refused.await.expect("what may not be said is refused")
    };
    let open = async || {
        let mut taker = Taker::open(clients, "number-1").await.unwrap();
        taker.until_held(5).await;
        taker
    };
    let mut taker = open().await;
    taker.ack(&[7]).await;
    check(&ended(taker).await, "INVALID_ARGUMENT", "NOT_IN_FLIGHT");
    let mut taker = open().await;
    taker.ack_through(7).await;
    check(&ended(taker).await, "INVALID_ARGUMENT", "NOT_IN_FLIGHT");
    let mut taker = open().await;
    taker.park(1, "never delivered").await;
    assert_eq!(number(&ended(taker).await, "index"), 1);
    let mut taker = open().await;
    taker.ack(&vec![2; 1_001]).await;
    assert_eq!(ended(taker).await.metadata.get("field").map(String::as_str), Some("ack.indexes"));
    for reason in [String::new(), "x".repeat(1_025)] {
        let mut taker = open().await;
        taker.park(2, &reason).await;
        assert_eq!(ended(taker).await.metadata.get("field").map(String::as_str), Some("park.reason"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_a_thousand_are_not_parked() {
    let (house, served, clients, producer) = scene(1_000).await;
    served.ledger.append(producer.plain(Position::Unsequenced, 10)).await.unwrap();
    create(&clients, "siem", statements(), 0, 1_000).await;
    let mut taker = Taker::open(&clients, "siem").await.unwrap();
    taker.until_held(1_000).await;
    for index in 2..1_002 {
        taker.park(index, "no").await;
    }
    taker.until_durable(1_001).await;
    taker.until_held(10).await;
    taker.park(1_002, "one too many").await;
    let ended = loop {
        if let Err(error) = taker.hear().await {
            break error;
        }
    };
    check(&ended, "RESOURCE_EXHAUSTED", "PARKED_TOO_MANY");
    assert_eq!(number(&ended, "parked_max"), 1_000);
    // Nothing was skipped for it.
    let standing = show(&clients, "siem").await;
    assert_eq!((standing.position, standing.parked), (1_002, 1_000));
    end(house, served, clients).await;
}
