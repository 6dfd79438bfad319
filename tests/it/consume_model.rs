//! Persistent subscriptions under random habits and kills: what is durably settled never comes again by itself,
//! everything else does, whoever consumes and however it ends. A model keeps what each event went through.

use crate::consume::{end, parked, replay, scene, statements};
use crate::spine::{naive, random_filter};
use crate::support::consume::{Heard, Taker, create, show};
use crate::support::follow::wire;
use crate::support::grpc::{append, check};
use crate::support::process::Serving;
use crate::support::{House, Palette, Rng, scaled};
use deedbook::api::{Clients, connect};
use deedbook::domain::Filter;
use deedbook::ledger::Bodies;
use deedbook::record::Position;
use deedbook_verify::words::Index;
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// What a subscription's events went through, over all consumers.
#[derive(Default)]
struct Model {
    delivered: BTreeSet<u64>,
    /// Acknowledged or parked, and the server said that it is durable.
    durable: BTreeSet<u64>,
    /// Parked by a consumer, whether that became durable or not.
    parked: BTreeSet<u64>,
}

/// One consumer of random habits, until it breaks off; whether everything was delivered and settled.
async fn consume_some(clients: &Clients, model: &mut Model, rng: &mut Rng) -> bool {
    let mut taker = match Taker::open(clients, "model").await {
        Ok(taker) => taker,
        Err(error) => {
            check(&error, "ABORTED", "ALREADY_CONSUMED");
            return false;
        }
    };
    let (before, mut done) = (model.durable.clone(), false);
    for _ in 0..rng.below(60) {
        match taker.hear().await.unwrap() {
            Heard::Events(replayed, events) => {
                for event in events {
                    let settled = before.contains(&event.index);
                    assert!(!settled || replayed, "{} came again", event.index);
                    assert!(!replayed || model.parked.contains(&event.index), "{} was never parked", event.index);
                    model.delivered.insert(event.index);
                }
            }
            Heard::Progress(caught_up) => done = caught_up && taker.held.is_empty(),
            Heard::Settled | Heard::End => {}
        }
        if done {
            break;
        }
        let held: Vec<u64> = taker.held.iter().copied().collect();
        match rng.below(10) {
            0..5 if !held.is_empty() => {
                let some: Vec<u64> = held.into_iter().filter(|_| rng.percent(60)).collect();
                taker.ack(&some).await;
            }
            5 if taker.last.is_some() => taker.ack_through(taker.last.unwrap()).await,
            6 if !held.is_empty() => {
                let index = *rng.pick(&held);
                model.parked.insert(index);
                taker.park(index, "no").await;
            }
            7 => taker.extend().await,
            8 => {
                replay(clients, "model", &[]).await.unwrap();
            }
            _ => {}
        }
    }
    // Who breaks off without a word may lose what it acknowledged last; it comes again.
    if done || rng.percent(50) {
        assert!(taker.finish().await.is_none());
    }
    model.durable.extend(&taker.durable);
    done
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_skipped_and_nothing_settled_comes_again() {
    let mut rng = Rng::seeded("consume");
    for round in 0..scaled(3) {
        let (house, served, clients, producer) = scene(0).await;
        let palette = Palette::of(&house);
        for _ in 0..12 {
            let frame = (0..1 + rng.below(60)).map(|_| palette.event(&mut rng)).collect();
            served.ledger.append(producer.sign(Position::Unsequenced, frame)).await.unwrap();
        }
        let mut entries = Vec::new();
        let mut visit = |stored: deedbook::ledger::StoredEvent| {
            entries.push(stored.entry);
            ControlFlow::Continue(())
        };
        served.ledger.reader().range(Index(0), Index(u64::MAX), Bodies::Without, &mut visit).unwrap();
        let filter =
            if round == 0 { Filter::default() } else { random_filter(&palette, &producer, &entries, &mut rng) };
        let in_flight = 1 + u32::try_from(rng.below(40)).unwrap();
        create(&clients, "model", wire(&filter), 0, in_flight).await;
        let wanted: BTreeSet<u64> = naive(&entries, &filter).into_iter().map(|index| index.0).collect();
        let mut model = Model::default();
        let mut consumers = 0;
        while !consume_some(&clients, &mut model, &mut rng).await {
            consumers += 1;
        }
        assert_eq!(model.delivered, wanted, "{filter:?}: everything that matches, and nothing else");
        println!("{} events, {consumers} consumers, {} parked", wanted.len(), model.parked.len());
        // What is parked at the end and what is settled make up all.
        let standing = show(&clients, "model").await;
        assert_eq!(standing.lag, 0, "{standing:?}");
        let left: BTreeSet<u64> = parked(&clients, "model").await.iter().map(|event| event.index).collect();
        assert!(left.is_subset(&model.parked));
        end(house, served, clients).await;
    }
}

/// A server that is killed between acknowledgements: what it called settled stays so, all else is delivered again.
#[test]
fn killed_before_an_acknowledgement_is_durable_it_delivers_again() {
    let house = House::build();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let producer = {
        let serving = Serving::start(&house.dir);
        runtime.block_on(async {
            let clients = connect(&serving.address).await.unwrap();
            let producer = house.producer("gateway");
            append(&clients, &house.enrollment(&producer)).await.unwrap();
            append(&clients, &producer.plain(Position::Unsequenced, 300)).await.unwrap();
            create(&clients, "siem", statements(), 0, 50).await;
            serving.kill();
            producer
        })
    };
    let (mut durable, mut acknowledged, mut kills, mut done) = (BTreeSet::new(), BTreeSet::new(), 0, false);
    while !done {
        let serving = Serving::start(&house.dir);
        runtime.block_on(async {
            let clients = connect(&serving.address).await.unwrap();
            let mut taker = Taker::open(&clients, "siem").await.unwrap();
            // What is acknowledged beyond the first durable ones is under way when the server dies.
            let mut sent = 0;
            while taker.durable.is_empty() && !done {
                match taker.hear().await.unwrap() {
                    Heard::Events(replayed, events) => {
                        assert!(!replayed);
                        for event in events.iter().take(30 - sent) {
                            assert!(!durable.contains(&event.index), "{} was settled before the kill", event.index);
                            taker.ack(&[event.index]).await;
                            acknowledged.insert(event.index);
                            tokio::time::sleep(Duration::from_millis(1)).await;
                            sent += 1;
                        }
                    }
                    // Settled, and the server died before it could say so.
                    Heard::Progress(caught_up) => done = caught_up && taker.held.is_empty(),
                    Heard::Settled | Heard::End => {}
                }
            }
            serving.kill();
            durable.extend(taker.durable.clone());
            kills += 1;
            assert!(kills < 100, "no progress: {durable:?}");
        });
    }
    assert_eq!(acknowledged, (2..302).collect(), "every event was delivered and acknowledged in the end");
    println!("{kills} kills");
    assert!(kills > 3);
    drop(producer);
    house.assert_clean();
}
