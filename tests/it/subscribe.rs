//! `Subscribe` from outside: whatever the filter, the position and the moment, a subscriber is sent what reading the
//! whole log and looking at each entry finds, in order and once; also across a resumption and a restart.

use crate::spine::{naive, random_filter};
use crate::support::follow::{Follower, wire};
use crate::support::grpc::{Served, check, number};
use crate::support::{House, Palette, Producer, Rng, scaled, statement};
use deedbook::api::Clients;
use deedbook::api::proto::subscribe_response::Message;
use deedbook::api::proto::{EventFilter, EventView, ReadEventsRequest, StoredEvent, SubscribeRequest, TreeHead};
use deedbook::domain::Filter;
use deedbook::ledger::Ledger;
use deedbook::record::Position;
use deedbook_verify::kind::Kind;
use std::time::Duration;

async fn scene(names: &[&str]) -> (House, Served, Clients, Vec<Producer>) {
    let house = House::build();
    let served = Served::start(&house).await;
    let producers = house.enrolled(&served.ledger, names).await;
    let clients = served.clients().await;
    (house, served, clients, producers)
}

/// Everything in the log, as `ReadEvents` has it.
async fn read_all(clients: &Clients) -> Vec<StoredEvent> {
    let request = ReadEventsRequest { from: 0, to: None, view: EventView::Full.into() };
    let mut answers = clients.ledger.clone().read_events(request).await.unwrap().into_inner();
    let mut events = Vec::new();
    while let Some(message) = answers.message().await.unwrap() {
        events.extend(message.events);
    }
    events
}

/// Frames of random events until so many stand in the log.
async fn produce(ledger: Ledger, palette: &Palette, producer: &Producer, mut rng: Rng, events: u64) {
    let mut made = 0;
    while made < events {
        let frame: Vec<_> = (0..1 + rng.below(40)).map(|_| palette.event(&mut rng)).collect();
        made += frame.len() as u64;
        ledger.append(producer.sign(Position::Unsequenced, frame)).await.unwrap();
        tokio::time::sleep(Duration::from_micros(rng.below(4_000))).await;
    }
}

/// Subscribes somewhere, breaks off and resumes now and then, until everything below `goal` was seen. What it was sent.
async fn chase(clients: Clients, filter: EventFilter, from: u64, mut rng: Rng, goal: u64) -> Vec<StoredEvent> {
    let mut request =
        SubscribeRequest { from: Some(from), filter: Some(filter), view: EventView::Full.into(), ..Default::default() };
    request.progress_interval_ms = 100;
    let mut events = Vec::new();
    while request.from.unwrap() < goal {
        let mut follower = Follower::start(&clients, request.clone()).await.unwrap();
        let steps = 1 + rng.below(30);
        for _ in 0..steps {
            if rng.percent(20) {
                // A slow reader.
                tokio::time::sleep(Duration::from_millis(rng.below(30))).await;
            }
            follower.step().await.unwrap();
            if follower.position >= goal {
                break;
            }
        }
        request.from = Some(follower.position);
        request.seen = follower.head.clone();
        events.append(&mut follower.events);
    }
    events
}

#[tokio::test(flavor = "multi_thread")]
async fn every_subscriber_sees_what_reading_everything_finds() {
    let mut rng = Rng::seeded("subscribe");
    let (house, served, clients, producers) = scene(&["one", "two"]).await;
    let palette = std::sync::Arc::new(Palette::of(&house));
    produce(served.ledger.clone(), &palette, &producers[0], rng.fork(), scaled(600)).await;
    let before: Vec<Vec<u8>> = read_all(&clients).await.into_iter().map(|event| event.entry.to_vec()).collect();
    let goal = before.len() as u64 + scaled(900);
    let mut subscribers = Vec::new();
    for _ in 0..24 {
        let filter = random_filter(&palette, rng.pick::<Producer>(&producers), &before, &mut rng);
        let filter = if rng.percent(10) { Filter::default() } else { filter };
        let from = rng.below(before.len() as u64 + 1);
        let own = served.clients().await;
        let task = tokio::spawn(chase(own, wire(&filter), from, rng.fork(), goal));
        subscribers.push((filter, from, task));
    }
    let rest = scaled(1_000) / 2;
    let (one, two) = (rng.fork(), rng.fork());
    tokio::join!(
        produce(served.ledger.clone(), &palette, &producers[0], one, rest),
        produce(served.ledger.clone(), &palette, &producers[1], two, rest),
    );
    let all = read_all(&clients).await;
    assert!(all.len() as u64 >= goal);
    let entries: Vec<Vec<u8>> = all.iter().map(|event| event.entry.to_vec()).collect();
    let (mut sent, mut empty) = (0, 0);
    for (filter, from, task) in subscribers {
        let events = task.await.unwrap();
        let last = events.last().map_or(goal, |event| goal.max(event.index + 1));
        let wanted: Vec<StoredEvent> = naive(&entries, &filter)
            .into_iter()
            .filter(|index| index.0 >= from && index.0 < last)
            .map(|index| all[usize::try_from(index.0).unwrap()].clone())
            .collect();
        // Beyond the goal a subscriber may or may not have gone.
        assert_eq!(events, wanted[..events.len()], "{filter:?} from {from}");
        assert!(wanted[events.len()..].iter().all(|event| event.index >= goal), "{filter:?} from {from}");
        sent += events.len();
        empty += usize::from(events.is_empty());
    }
    println!("{sent} events to 24 subscribers, {empty} of them none");
    assert!(sent > 1_000 && empty < 20);
    drop(clients);
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_matches_nothing_still_makes_progress() {
    let (house, served, clients, producers) = scene(&["gateway"]).await;
    let filter = EventFilter { kind: Kind::ReviewCompleted.name().to_owned(), ..Default::default() };
    let request =
        SubscribeRequest { from: Some(0), filter: Some(filter), progress_interval_ms: 100, ..Default::default() };
    let mut follower = Follower::start(&clients, request).await.unwrap();
    follower.until(2).await;
    assert!(follower.caught_up.is_some());
    let mut size = 2;
    for _ in 0..3 {
        let told = follower.progress;
        served.ledger.append(producers[0].plain(Position::Unsequenced, 700)).await.unwrap();
        size += 700;
        follower.until(size).await;
        assert!(follower.progress > told, "progress comes although nothing matches");
        assert_eq!(follower.head.as_ref().map(|head| head.size), Some(size));
    }
    // And a quiet log is no silence.
    let told = follower.progress;
    while follower.progress < told + 3 {
        follower.step().await.unwrap();
    }
    assert!(follower.events.is_empty());
    // What it was told last is a head of this ledger, and the place to resume.
    let request = SubscribeRequest { from: Some(follower.position), seen: follower.head.clone(), ..Default::default() };
    let mut again = Follower::start(&clients, request).await.unwrap();
    again.step().await.unwrap();
    assert!(again.caught_up.is_some() && again.events.is_empty());
    drop((clients, follower, again));
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledged_event_is_seen_soon_and_the_end_means_from_now_on() {
    let (house, served, clients, producers) = scene(&["gateway"]).await;
    served.ledger.append(producers[0].plain(Position::Unsequenced, 5)).await.unwrap();
    let mut answers = clients.subscription.clone().subscribe(SubscribeRequest::default()).await.unwrap().into_inner();
    let first = answers.message().await.unwrap().unwrap().message.unwrap();
    assert!(matches!(first, Message::CaughtUp(_)), "{first:?}");
    for _ in 0..20 {
        let placed = served.ledger.append(producers[0].one(statement())).await.unwrap();
        let message = tokio::time::timeout(Duration::from_secs(20), answers.message()).await.expect("it is woken");
        let Some(Message::Events(message)) = message.unwrap().unwrap().message else { panic!("no events") };
        assert_eq!(message.events[0].index, placed.first_index.0);
        assert_eq!((message.events.len(), message.position), (1, placed.first_index.0 + 1));
    }
    drop((clients, answers));
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_loses_and_doubles_nothing() {
    let (house, served, clients, producers) = scene(&["gateway"]).await;
    served.ledger.append(producers[0].plain(Position::Unsequenced, 1_000)).await.unwrap();
    let request = SubscribeRequest { from: Some(0), ..Default::default() };
    let mut follower = Follower::start(&clients, request).await.unwrap();
    follower.until(500).await;
    let stopping = served.stop();
    let ended = async {
        loop {
            if let Err(error) = follower.step().await {
                return error;
            }
        }
    };
    let ((), error) = tokio::join!(stopping, ended);
    check(&error, "UNAVAILABLE", "STOPPING");
    let (position, mut events) = (follower.position, std::mem::take(&mut follower.events));
    drop((follower, clients));
    let served = Served::start(&house).await;
    let clients = served.clients().await;
    served.ledger.append(producers[0].plain(Position::Unsequenced, 1_000)).await.unwrap();
    let request = SubscribeRequest { from: Some(position), ..Default::default() };
    let mut follower = Follower::start(&clients, request).await.unwrap();
    follower.until(2_002).await;
    events.append(&mut follower.events);
    let indexes: Vec<u64> = events.iter().map(|event| event.index).collect();
    assert_eq!(indexes, (0..2_002).collect::<Vec<u64>>());
    drop((clients, follower));
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_followed_is_refused_by_name() {
    let (house, served, clients, _) = scene(&[]).await;
    let size = served.ledger.reader().head().size.0;
    let subscribe = async |request: SubscribeRequest| {
        clients.subscription.clone().subscribe(request).await.map(|_| ()).map_err(deedbook::api::ClientError::from)
    };
    let beyond = subscribe(SubscribeRequest { from: Some(size + 1), ..Default::default() }).await.unwrap_err();
    check(&beyond, "OUT_OF_RANGE", "OUTSIDE_TREE");
    assert_eq!(number(&beyond, "tree_size"), size);
    for progress_interval_ms in [1, 99, 60_001, u32::MAX] {
        let refused = subscribe(SubscribeRequest { progress_interval_ms, ..Default::default() }).await.unwrap_err();
        check(&refused, "INVALID_ARGUMENT", "FIELD_INVALID");
        assert_eq!(refused.metadata.get("field").map(String::as_str), Some("progress_interval_ms"));
    }
    let filter = EventFilter { actor: vec![1; 15].into(), ..Default::default() };
    let refused = subscribe(SubscribeRequest { filter: Some(filter), ..Default::default() }).await.unwrap_err();
    assert_eq!(refused.metadata.get("field").map(String::as_str), Some("actor"));
    // A head that this ledger never had: of another root, and of a size that it has not reached.
    let own = served.ledger.reader().head();
    for (size, root) in [(own.size.0, vec![7; 32]), (own.size.0 + 9, own.root.0.to_vec())] {
        let seen = Some(TreeHead { size, root: root.into() });
        let refused = subscribe(SubscribeRequest { seen, ..Default::default() }).await.unwrap_err();
        check(&refused, "FAILED_PRECONDITION", "LAST_SEEN_MISMATCH");
    }
    drop(clients);
    served.stop().await;
    house.assert_clean();
}
