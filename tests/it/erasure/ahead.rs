//! Bodies that are read ahead, some of them erased.

use super::{bodies_of, erasure};
use crate::support::{House, Rng, sequenced, statement};
use deedbook::ledger::{Bodies, StoredBody};
use deedbook_verify::words::Index;
/// Bodies of a range are read ahead in pages: each comes as it comes alone, wherever a page ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_range_shows_each_body_as_it_is_shown_alone() {
    let (house, mut rng) = (House::build(), Rng::seeded("read ahead"));
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let mut sequence = 1;
    for _ in 0..4 {
        let lengths: Vec<usize> = (0..64).map(|_| [40, 600, 9_000, 50_000][rng.below(4) as usize]).collect();
        let mut frame = bodies_of(&mut rng, &lengths[..60]);
        frame.extend((0..4).map(|_| statement()));
        for part in frame.chunks(16) {
            ledger.append(producer.sign(sequenced(sequence), part.to_vec())).await.unwrap();
            sequence += part.len() as u64;
        }
    }
    let (reader, size) = (ledger.reader(), ledger.reader().head().size.0);
    let gone: Vec<u64> = (size - 256..size).filter(|_| rng.below(9) == 0).collect();
    let opens =
        |index: u64| matches!(reader.event(Index(index), Bodies::With).unwrap().body, StoredBody::Opened { .. });
    let gone: Vec<u64> = gone.into_iter().filter(|index| opens(*index)).collect();
    ledger.append(erasure(&house.admin(), gone.iter().copied())).await.unwrap();
    let size = reader.head().size.0;
    for (from, to) in [(0, size), (size - 200, size - 1), (size - 70, size), (size - 64, size - 63)] {
        for bodies in [Bodies::With, Bodies::Without] {
            let mut next = from;
            let mut compare = |event: deedbook::ledger::StoredEvent| {
                let alone = reader.event(Index(next), bodies).unwrap();
                assert_eq!(format!("{event:?}"), format!("{alone:?}"));
                next += 1;
                std::ops::ControlFlow::Continue(())
            };
            reader.range(Index(from), Index(to), bodies, &mut compare).unwrap();
            assert_eq!(next, to);
        }
    }
    assert!(gone.len() > 3, "some were erased");
    drop(reader);
    house.close(ledger);
}
