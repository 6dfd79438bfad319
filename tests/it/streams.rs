//! `AppendStream` from outside: acknowledgements are cumulative and in order, what is wrong ends the stream by name and
//! drops what was sent behind it, credit has a bound, and a producer that comes back finds where it stood.

use crate::support::grpc::{Served, Wire, append, check, number, place};
use crate::support::{House, Producer, Rng, scaled, sequenced, statement};
use deedbook::api::proto::StreamPlacement;
use deedbook::api::proto::append_stream_response::Ack;
use deedbook::api::{ClientError, Clients, to_frame};
use deedbook::record::{FrameBytes, Position};
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::leaf;
use deedbook_verify::words::Index;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

async fn scene(names: &[&str]) -> (House, Served, Clients, Vec<Producer>) {
    let house = House::build();
    let served = Served::start(&house).await;
    let producers = house.enrolled(&served.ledger, names).await;
    let clients = served.clients().await;
    (house, served, clients, producers)
}

async fn end(house: House, served: Served, clients: Clients) {
    drop(clients);
    served.stop().await;
    house.assert_clean();
}

fn placements(acks: &[Ack]) -> Vec<StreamPlacement> {
    acks.iter().flat_map(|ack| ack.placements.clone()).collect()
}

/// Sends frames on one stream and gives what came back.
async fn send(clients: &Clients, producer: &Producer, frames: &[FrameBytes]) -> (Vec<Ack>, Option<ClientError>) {
    let (wire, _) = Wire::open(clients, producer.source, 1).await.unwrap();
    for frame in frames {
        if !wire.send(to_frame(frame.clone())).await {
            break;
        }
    }
    wire.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledgements_are_cumulative_and_place_every_frame() {
    let (house, served, clients, producers) = scene(&["gateway"]).await;
    let (producer, first) = (&producers[0], served.ledger.reader().head().size.0);
    let mut frames = Vec::new();
    let mut next = 1u64;
    for count in (1..=40).chain([1, 1_024, 1]) {
        frames.push(producer.plain(sequenced(next), count));
        next += count as u64;
    }
    let (acks, ended) = send(&clients, producer, &frames).await;
    assert_eq!(ended, None);
    let placed = placements(&acks);
    assert_eq!(placed.len(), frames.len());
    let reader = served.ledger.reader();
    for (place, frame) in placed.iter().zip(&frames) {
        let count = u32::try_from(frame.events.len()).unwrap();
        assert_eq!((place.first_index, place.count, place.repeated), (first + place.first_sequence - 1, count, false));
        let last = Index(place.first_index + u64::from(count) - 1);
        let entry = reader.event(last, deedbook::ledger::Bodies::Without).unwrap().entry;
        assert_eq!(place.last_leaf_hash[..], leaf(&entry).0);
        assert_eq!(Entry::parse(&entry).unwrap().facts.bytes, &frame.events.last().unwrap().facts[..]);
    }
    let mut through = 0;
    for ack in &acks {
        let last = ack.placements.last().unwrap();
        assert_eq!(ack.through_sequence, last.first_sequence + u64::from(last.count) - 1);
        assert!(ack.through_sequence > through);
        through = ack.through_sequence;
    }
    assert_eq!(through, next - 1);
    let cost: u64 = frames.iter().map(|frame| prost::Message::encoded_len(&to_frame(frame.clone())) as u64).sum();
    assert_eq!(acks.iter().map(|ack| ack.credit_bytes).sum::<u64>(), cost);
    drop(reader);
    end(house, served, clients).await;
}

/// Its name, the frame that follows a sequence, the code and the reason of the answer.
type Wrong<'c> = (&'c str, &'c dyn Fn(u64) -> FrameBytes, &'c str, &'c str);

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_ends_the_stream_and_drops_what_is_behind_it() {
    let (house, served, clients, producers) = scene(&["gateway"]).await;
    let producer = &producers[0];
    let mut last = 0u64;
    let mut forged = producer.plain(sequenced(1), 1);
    forged.signatures = vec![0; forged.signatures.len()].into();
    let unnumbered = producer.one(statement());
    let cases: [Wrong<'_>; 5] = [
        ("a hole", &|last| producer.plain(sequenced(last + 2), 1), "FAILED_PRECONDITION", "SEQUENCE_DIFFERS"),
        ("an old sequence", &|last| producer.plain(sequenced(last), 1), "FAILED_PRECONDITION", "SEQUENCE_DIFFERS"),
        ("no number", &|_| unnumbered.clone(), "INVALID_ARGUMENT", "STREAM_DIFFERS"),
        (
            "another body",
            &|last| with_other_body(producer.plain(sequenced(last + 1), 1)),
            "INVALID_ARGUMENT",
            "BODY_DIFFERS",
        ),
        ("a forged signature block", &|_| forged.clone(), "INVALID_ARGUMENT", "MALFORMED"),
    ];
    for (what, wrong, code, reason) in cases {
        let good = [producer.plain(sequenced(last + 1), 2), producer.plain(sequenced(last + 3), 1)];
        // In order, and never looked at: it stands behind what was wrong.
        let behind = producer.plain(sequenced(last + 4), 1);
        let frames = [good[0].clone(), good[1].clone(), wrong(last + 3), behind.clone(), behind];
        last += 3;
        let (acks, ended) = send(&clients, producer, &frames).await;
        let ended = ended.unwrap_or_else(|| panic!("{what}"));
        check(&ended, code, reason);
        if reason == "SEQUENCE_DIFFERS" {
            assert_eq!((number(&ended, "epoch"), number(&ended, "last_sequence")), (1, last), "{what}");
        }
        assert_eq!(acks.last().unwrap().through_sequence, last, "{what}: what was good is acknowledged first");
        let (_, opened) = Wire::open(&clients, producer.source, 0).await.unwrap();
        assert_eq!((opened.epoch, opened.last_durable_sequence), (1, last), "{what}");
    }
    end(house, served, clients).await;
}

fn with_other_body(mut frame: FrameBytes) -> FrameBytes {
    frame.events[0].salt_and_body.as_mut().unwrap().1 = "another".into();
    frame
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_credit_is_refused_and_nothing_is_lost_by_it() {
    let (house, served, clients, producers) = scene(&["gateway"]).await;
    let producer = &producers[0];
    // Frames of nearly the largest size: checking them takes longer than sending them.
    let heavy = || statement().body("application/octet-stream", vec![7; 1_040_000].into());
    let frames: Vec<FrameBytes> = (1..=24).map(|at| producer.sign(sequenced(at), vec![heavy()])).collect();
    let (acks, ended) = send(&clients, producer, &frames).await;
    let acknowledged = acks.last().map_or(0, |ack| ack.through_sequence);
    let ended = ended.expect("24 MiB were sent without waiting for credit");
    check(&ended, "RESOURCE_EXHAUSTED", "CREDIT_EXCEEDED");
    let (wire, opened) = Wire::open(&clients, producer.source, 1).await.unwrap();
    assert_eq!((number(&ended, "credit_bytes"), opened.last_durable_sequence), (opened.credit_bytes, acknowledged));
    drop(wire);
    // Within the credit the rest goes through.
    let (mut wire, opened) = Wire::open(&clients, producer.source, 1).await.unwrap();
    let mut credit = opened.credit_bytes;
    for frame in &frames[usize::try_from(acknowledged).unwrap()..] {
        let frame = to_frame(frame.clone());
        let cost = prost::Message::encoded_len(&frame) as u64;
        while credit < cost {
            credit += wire.ack().await.unwrap().unwrap().credit_bytes;
        }
        credit -= cost;
        assert!(wire.send(frame).await);
    }
    let (acks, ended) = wire.finish().await;
    assert_eq!((ended, acks.last().unwrap().through_sequence), (None, 24));
    end(house, served, clients).await;
}

/// Sends numbered frames on streams that break again and again, resuming each time where the server says.
async fn stubborn(clients: Clients, producer: Producer, mut rng: Rng, goal: u64) -> BTreeMap<u64, (u64, u64)> {
    let mut sent: BTreeMap<u64, FrameBytes> = BTreeMap::new();
    let mut acknowledged: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    loop {
        let (mut wire, opened) = Wire::open(&clients, producer.source, 0).await.unwrap();
        let through = acknowledged.values().map(|(_, last)| *last).max().unwrap_or(0);
        assert!(opened.last_durable_sequence >= through, "acknowledged, and forgotten");
        // From behind what was acknowledged: what became durable unheard is answered again.
        let mut next = through + 1;
        for _ in 0..1 + rng.below(12) {
            let count = 1 + rng.below(20);
            let frame =
                sent.entry(next).or_insert_with(|| producer.plain(sequenced(next), usize::try_from(count).unwrap()));
            next += frame.events.len() as u64;
            assert!(wire.send(to_frame(frame.clone())).await);
        }
        let patience = Duration::from_micros(rng.below(20_000));
        let hear = async {
            while let Some(ack) = wire.ack().await.unwrap() {
                for placed in ack.placements {
                    let last = placed.first_sequence + u64::from(placed.count) - 1;
                    let before = acknowledged.insert(placed.first_sequence, (placed.first_index, last));
                    assert!(before.is_none_or(|before| before == (placed.first_index, last)));
                }
            }
        };
        // The end of patience breaks the stream in the middle of whatever it is doing.
        let _ = tokio::time::timeout(patience, hear).await;
        if acknowledged.values().any(|(_, last)| *last >= goal) {
            return acknowledged;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_break_resume_without_loss_or_doubles() {
    let mut rng = Rng::seeded("streams");
    let names: Vec<String> = (0..8).map(|number| format!("gateway-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (house, served, clients, producers) = scene(&names).await;
    let first = served.ledger.reader().head().size.0;
    let sources: Vec<_> = producers.iter().map(|producer| producer.source).collect();
    let mut tasks = Vec::new();
    for producer in producers {
        tasks.push(tokio::spawn(stubborn(served.clients().await, producer, rng.fork(), scaled(300))));
    }
    let mut taken = BTreeMap::new();
    for (task, source) in tasks.into_iter().zip(&sources) {
        let mut next = 1;
        for (sequence, (index, last)) in task.await.unwrap() {
            assert_eq!(sequence, next, "acknowledgements leave no hole");
            next = last + 1;
            for offset in 0..=last - sequence {
                assert!(taken.insert(index + offset, (*source, sequence + offset)).is_none(), "one index twice");
            }
        }
    }
    let size = served.ledger.reader().head().size.0;
    let mut seen = BTreeMap::new();
    let mut visit = |stored: deedbook::ledger::StoredEvent| {
        let facts = Entry::parse(&stored.entry).unwrap().facts;
        seen.insert(stored.index.0, (facts.source, facts.sequence.0));
        std::ops::ControlFlow::Continue(())
    };
    let reader = served.ledger.reader();
    reader.range(Index(first), Index(size), deedbook::ledger::Bodies::Without, &mut visit).unwrap();
    assert!(taken.iter().all(|(index, named)| seen.get(index) == Some(named)));
    let distinct: BTreeSet<_> = seen.values().collect();
    assert_eq!((distinct.len(), seen.len() as u64), (seen.len(), size - first), "one event twice");
    drop(reader);
    end(house, served, clients).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_and_a_unary_call_answer_alike() {
    let (house, served, clients, producers) = scene(&["gateway"]).await;
    let producer = &producers[0];
    let frames = [producer.plain(sequenced(1), 3), producer.plain(sequenced(4), 2)];
    let single = append(&clients, &frames[0]).await.unwrap();
    let (acks, ended) = send(&clients, producer, &frames).await;
    assert_eq!(ended, None);
    let placed = placements(&acks);
    assert_eq!((placed[0].first_index, placed[0].count), place(&single));
    assert_eq!((placed[0].repeated, placed[1].repeated), (true, false));
    assert_eq!(placed[0].last_leaf_hash, single.leaf_hashes[2]);
    let again = append(&clients, &frames[1]).await.unwrap();
    assert!(again.placement.as_ref().unwrap().repeated);
    assert_eq!((place(&again), &again.leaf_hashes[1]), ((placed[1].first_index, 2), &placed[1].last_leaf_hash));
    let unnumbered = producer.sign(Position::Unsequenced, vec![statement()]);
    assert_eq!(place(&append(&clients, &unnumbered).await.unwrap()).0, placed[1].first_index + 2);
    end(house, served, clients).await;
}
