//! Failures of other audit logs in the field, each as a test that it does not happen here, named after what failed:
//! forks under concurrent writers, times that were written anew, a restart at genesis after a short file, a cut tail
//! that verifies clean, a failed read that counts as an empty log.

use crate::support::disk::{copy_of, cut, flip, store_files};
use crate::support::process::{Serving, serve_command};
use crate::support::{House, Palette, Producer, Rng, audit, close, event_id, now, open, patiently, scaled, statement};
use deedbook::ledger::{
    AppendError, Bodies, DataDir, Ledger, OpenError, OpenOptions, SoundAnchor, StoredBody, StoredEvent, rebuild_anchor,
};
use deedbook::record::openlineage;
use deedbook::record::{FactsBuilder, Position};
use deedbook::store::{Access, AnchorError, RocksStore, StoreError};
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::leaf;
use deedbook_verify::judge::{BodyState, verify_receipt};
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::{Frontier, TreeHead};
use deedbook_verify::words::{Index, Micros};
use std::ops::ControlFlow;

/// Every entry and body, as readers get them; or that they get an error.
fn read_all(ledger: &Ledger) -> Result<Vec<StoredEvent>, String> {
    let mut events = Vec::new();
    let mut visit = |stored| {
        events.push(stored);
        ControlFlow::Continue(())
    };
    let reader = ledger.reader();
    reader.range(Index(0), Index(u64::MAX), Bodies::With, &mut visit).map_err(|error| error.to_string())?;
    if events.len() as u64 == reader.head().size.0 { Ok(events) } else { Err("some are missing".to_owned()) }
}

fn same(one: &StoredEvent, two: &StoredEvent) -> bool {
    let body = |event: &StoredEvent| match &event.body {
        StoredBody::Opened { salt, body } => Some((salt.0, body.clone())),
        StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => None,
    };
    one.entry == two.entry && body(one) == body(two)
}

/// A closed ledger of some hundred events: the older ones in sorted files, the newer ones in the write-ahead log alone.
async fn written(rng: &mut Rng) -> (House, TreeHead, Vec<StoredEvent>) {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    grow(&house, &ledger, &producer, rng).await;
    house.close(ledger);
    // Opening writes what it recovers into sorted files.
    let ledger = house.open();
    grow(&house, &ledger, &producer, rng).await;
    let (head, events) = (ledger.reader().head(), read_all(&ledger).unwrap());
    house.close(ledger);
    house.assert_clean();
    (house, head, events)
}

async fn grow(house: &House, ledger: &Ledger, producer: &Producer, rng: &mut Rng) {
    let palette = Palette::of(house);
    for _ in 0..10 {
        let events = (0..=rng.below(20)).map(|_| palette.event(rng)).collect();
        ledger.append(producer.sign(Position::Unsequenced, events)).await.unwrap();
    }
}

/// Damage must be refused, or have cost nothing: never an error-free answer with less, other, or no history.
fn check(what: &str, dir: &DataDir, head: TreeHead, events: &[StoredEvent]) -> Result<(), OpenError> {
    let ledger = open(dir)?;
    assert_eq!(ledger.reader().head(), head, "{what}: opened with another history");
    if let Ok(found) = read_all(&ledger) {
        assert!(found.iter().zip(events).all(|(one, two)| same(one, two)), "{what}: read other bytes");
    }
    close(ledger, dir);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn forks_under_concurrent_writers() {
    // Elsewhere 48 rows of six writers had 15 different predecessors, and 33 of them counted as tampered.
    let house = House::build();
    let ledger = house.open();
    let producers = house.enrolled(&ledger, &["a", "b", "c", "d", "e", "f"]).await;
    let first = ledger.reader().head().size.0;
    let mut tasks = Vec::new();
    for producer in producers {
        for _ in 0..8 {
            let (ledger, frame) = (ledger.clone(), producer.plain(Position::Unsequenced, 1));
            tasks.push(tokio::spawn(async move {
                let placed = ledger.append(frame).await.unwrap();
                let reader = ledger.reader();
                (placed, reader.head(), reader.checkpoint().unwrap())
            }));
        }
    }
    let (mut indexes, mut heads) = (Vec::new(), Vec::new());
    for task in tasks {
        let (placed, head, _) = task.await.unwrap();
        indexes.push(placed.first_index.0);
        heads.push(head);
        let entry = ledger.reader().event(placed.first_index, Bodies::Without).unwrap().entry;
        assert_eq!(leaf(&entry), placed.leaves[0]);
    }
    indexes.sort_unstable();
    assert!(indexes.into_iter().eq(first..first + 48), "one chain, no index twice, none left out");
    let last = ledger.reader().head();
    for head in heads {
        let proof = ledger.reader().consistency(head.size, last.size).unwrap();
        assert_eq!((proof.old, proof.verify()), (head, Ok(())), "what anybody saw is part of the one history");
    }
    house.close(ledger);
    assert_eq!(house.assert_clean().head, Some(last));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_on_one_folder() {
    let house = House::build();
    let server = Serving::start(&house.dir);
    let second = Ledger::open(&house.dir, OpenOptions::default()).err();
    assert!(matches!(second, Some(OpenError::Anchor(AnchorError::InUse(_)))), "{second:?}");
    // Where the anchor is elsewhere, the engine's own lock says the same.
    let second = RocksStore::open(&house.dir.store(), Access::ReadWrite).err();
    assert!(matches!(second, Some(StoreError::InUse(_))), "{second:?}");
    let second = serve_command(&house.dir).output().unwrap();
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1), "{said}");
    assert!(said.contains("in use") && said.contains("stop the other process"), "{said}");
    // The first one is not disturbed.
    let clients = deedbook::api::connect(&server.address).await.unwrap();
    let producer = house.producer("gateway");
    crate::support::grpc::append(&clients, &house.enrollment(&producer)).await.unwrap();
    crate::support::grpc::append(&clients, &producer.one(statement())).await.unwrap();
    server.kill();
    assert_eq!(house.assert_clean().entries, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn times_written_anew() {
    // Elsewhere nanoseconds were hashed and microseconds stored, so that nothing ever verified.
    let times = [
        "2026-01-05T03:00:00.123456789Z",
        "2026-01-05T03:00:00.1234567Z",
        "2026-01-05T03:00:00",
        "2026-01-05T03:00:00.000000001+05:30",
        "2026-01-05t03:00:00.10z",
        "2026-01-05 03:00:00.999999999-00:00",
        "2025-12-31T23:59:59.9999999Z",
    ];
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let mut sent = Vec::new();
    for time in times {
        let text = format!("{{ \"when\" : \"{time}\",\t\"n\":1.0e0,\"n\":1 }}\n");
        let event = FactsBuilder::new(Kind::DataAccessed, event_id(), Micros(now().0))
            .body("application/json", text.clone().into());
        sent.push((text, event));
        let text = format!(
            "{{\"eventTime\":\"{time}\",\"eventType\":\"COMPLETE\",  \"producer\":\"p\",\"inputs\":[],\
             \"job\":{{\"namespace\":\"n\",\"name\":\"\u{e9}\\u0301\"}}}}"
        );
        if let Ok(event) = openlineage::parse(text.as_bytes(), &house.refs, &producer.key.event_id_key()) {
            sent.push((text, event.builder));
        }
    }
    assert!(sent.len() >= times.len() + 4, "too many of the times are not read at all: {}", sent.len());
    let (texts, events): (Vec<String>, Vec<FactsBuilder>) = sent.into_iter().unzip();
    let placed = ledger.append(producer.sign(Position::Unsequenced, events)).await.unwrap();
    house.close(ledger);
    house.assert_clean();
    let ledger = house.open();
    for (text, index) in texts.iter().zip(placed.first_index.0..) {
        let StoredEvent { body, .. } = ledger.reader().event(Index(index), Bodies::With).unwrap();
        assert!(matches!(body, StoredBody::Opened { body, .. } if body == text.as_bytes()), "{text}");
        let receipt = ledger.reader().receipt(Index(index), Bodies::With).unwrap();
        let verified = verify_receipt(&receipt, &house.verifier_key).unwrap();
        assert_eq!(verified.body, BodyState::Disclosed(text.len()), "{text}");
    }
    house.close(ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_at_genesis_after_a_short_file() {
    // Elsewhere a newest file of one byte made recovery begin a new chain, silently.
    let (house, head, events) = written(&mut Rng::seeded("short file")).await;
    let mut refused = 0;
    let mut cases = vec![("anchor".to_owned(), None)];
    for mark in ["CURRENT", "MANIFEST", ".log", ".sst"] {
        let newest = store_files(&house.dir, mark).pop().unwrap_or_else(|| panic!("no {mark}"));
        cases.push((mark.to_owned(), Some(newest.file_name().unwrap().to_owned())));
    }
    for (what, name) in cases {
        for length in [Some(0), Some(1), None] {
            let what = format!("{what} of {length:?} bytes");
            let dir = copy_of(&house.dir, &what);
            let path = name.as_ref().map_or(dir.anchor_file(), |name| dir.store().join(name));
            match length {
                Some(length) => cut(&path, length),
                None => std::fs::remove_file(&path).unwrap(),
            }
            match check(&what, &dir, head, &events) {
                Ok(()) => {}
                Err(error) => {
                    refused += 1;
                    println!("{what}: {error}");
                    assert!(error.to_string().len() > 20, "{what}: {error}");
                }
            }
            std::fs::remove_dir_all(dir.root()).unwrap();
        }
    }
    assert!(refused >= 14, "a lost file is hardly ever without consequence: {refused}");
    assert_eq!(open(&house.dir).unwrap().reader().head(), head);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_tail_that_verifies_clean() {
    // Elsewhere one could drop the newest entries, chain others behind the rest, and everything verified.
    let mut rng = Rng::seeded("cut tail");
    let (house, old, _) = written(&mut rng).await;
    let earlier = copy_of(&house.dir, "earlier");
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["second"]).await.remove(0);
    for _ in 0..20 {
        ledger.append(producer.plain(Position::Unsequenced, 3)).await.unwrap();
    }
    let (note, new) = (ledger.reader().checkpoint().unwrap(), ledger.reader().head());
    house.close(ledger);
    // The store alone is rolled back: the anchor knows better, and says what is missing.
    let cut = copy_of(&earlier, "cut");
    std::fs::copy(house.dir.anchor_file(), cut.anchor_file()).unwrap();
    let Err(OpenError::EntriesMissing { anchored_size, size, .. }) = open(&cut) else { panic!("a cut store opens") };
    assert_eq!((anchored_size, size), (new.size, old.size));
    let report = audit(cut.root());
    let said: Vec<&str> = report.findings.iter().map(|finding| finding.message.as_str()).collect();
    assert!(said.iter().any(|said| said.contains("missing") && said.contains(&new.size.to_string())), "{said:?}");
    let rebuilt = rebuild_anchor(&cut, &note, SoundAnchor::Keep);
    assert!(matches!(rebuilt, Err(OpenError::Checkpoint(_))), "{rebuilt:?}");
    // The whole folder is rolled back and grows past the old size: what was published or anchored elsewhere knows.
    let ledger = open(&earlier).unwrap();
    let producer = house.enrolled(&ledger, &["second"]).await.remove(0);
    for _ in 0..30 {
        ledger.append(producer.plain(Position::Unsequenced, 3)).await.unwrap();
    }
    let other = ledger.reader().head_at(new.size).unwrap();
    assert!(ledger.reader().head().size > new.size && other.root != new.root);
    let seen = producer.one(statement().last_seen(new));
    assert!(matches!(ledger.append(seen).await, Err(AppendError::LastSeenDiffers { .. })));
    close(ledger, &earlier);
    let options = OpenOptions { anchors: vec![house.dir.anchor_file()], ..OpenOptions::default() };
    let refused = patiently(|| Ledger::open(&earlier, options.clone())).err();
    assert!(matches!(refused, Some(OpenError::HistoryDiffers { .. })), "{refused:?}");
    let rebuilt = rebuild_anchor(&earlier, &note, SoundAnchor::Keep);
    assert!(matches!(rebuilt, Err(OpenError::Checkpoint(_))), "{rebuilt:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_read_that_counts_as_empty() {
    // Elsewhere an error while reading the last hash was taken for "no last hash".
    let mut rng = Rng::seeded("flipped byte");
    let (house, head, events) = written(&mut rng).await;
    let mut files = vec![house.dir.anchor_file(), house.dir.head_key(), house.dir.sequencer_key(), house.dir.ref_key()];
    for mark in [".sst", ".log", "MANIFEST", "CURRENT"] {
        files.extend(store_files(&house.dir, mark));
    }
    let (mut refused, mut noticed) = (0, 0);
    for round in 0..scaled(60) {
        let file = rng.pick(&files);
        let length = std::fs::metadata(file).unwrap().len();
        if length == 0 {
            continue;
        }
        let dir = copy_of(&house.dir, "flipped");
        let name = file.strip_prefix(house.dir.root()).unwrap();
        let (offset, bit) = (rng.below(length), rng.below(8));
        flip(&dir.root().join(name), usize::try_from(offset).unwrap(), u32::try_from(bit).unwrap());
        let what = format!("round {round}: bit {bit} of byte {offset} of {}", name.display());
        match check(&what, &dir, head, &events) {
            Err(_) => refused += 1,
            Ok(()) => noticed += u64::from(name.starts_with("store") && !audit(dir.root()).is_clean()),
        }
        std::fs::remove_dir_all(dir.root()).unwrap();
    }
    println!("{refused} refused at opening, {noticed} found by the audit");
    assert!(refused + noticed > scaled(30), "{refused} {noticed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opening_that_never_ends() {
    // Elsewhere one flipped bit in a manifest or a log, in the byte that says what a record is, hung opening for ever.
    let (house, head, events) = written(&mut Rng::seeded("record types")).await;
    let logs = [store_files(&house.dir, "MANIFEST"), store_files(&house.dir, ".log")].concat();
    let mut tried = 0;
    for file in &logs {
        let (bytes, name) = (std::fs::read(file).unwrap(), file.strip_prefix(house.dir.root()).unwrap());
        let (mut at, mut records) = (0, Vec::new());
        while at + 7 <= bytes.len() {
            if 32 * 1024 - at % (32 * 1024) < 7 {
                at = at.next_multiple_of(32 * 1024);
                continue;
            }
            records.push(at);
            at += 7 + usize::from(bytes[at + 4]) + 256 * usize::from(bytes[at + 5]);
        }
        assert_eq!(at, bytes.len(), "the walk of this test");
        for record in records {
            for bit in 0..8 {
                let dir = copy_of(&house.dir, "typed");
                flip(&dir.root().join(name), record + 6, bit);
                let what = format!("bit {bit} of the type at {record} of {}", name.display());
                let refused = check(&what, &dir, head, &events).is_err();
                assert!(refused, "{what}: every record of these files is needed");
                std::fs::remove_dir_all(dir.root()).unwrap();
                tried += 1;
            }
        }
    }
    assert!(tried >= 8 * 10, "{tried}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_anchor_is_refused_until_a_checkpoint_vouches() {
    let (house, head, events) = written(&mut Rng::seeded("lost anchor")).await;
    let ledger = house.open();
    let note = ledger.reader().checkpoint().unwrap();
    house.close(ledger);
    let mut tree = Frontier::new();
    events.iter().for_each(|event| tree.push(Entry::parse(&event.entry).unwrap().leaf()));
    assert_eq!(tree.head(), head);
    std::fs::remove_file(house.dir.anchor_file()).unwrap();
    assert!(matches!(open(&house.dir), Err(OpenError::Anchor(AnchorError::Missing(_)))));
    assert!(!audit(house.dir.root()).is_clean());
    rebuild_anchor(&house.dir, &note, SoundAnchor::Keep).unwrap();
    house.assert_clean();
    check("rebuilt", &house.dir, head, &events).unwrap();
}
