//! The audit and the rows of subscriptions: sound ones pass, and each way in which one can be wrong is a finding.

use crate::support::consume::{Taker, create};
use crate::support::grpc::Served;
use crate::support::{House, audit};
use deedbook::api::proto::EventFilter;
use deedbook::record::Position;
use deedbook::store::keys::{self, LedgerNumber};
use deedbook::store::{Access, Batch, RocksStore, Rows, Store};
use deedbook_verify::words::Index;

const NUMBER: LedgerNumber = LedgerNumber(1);

/// A closed folder with one subscription that has settled and parked something. Its row.
async fn leave_one(house: &House) -> Vec<u8> {
    let served = Served::start(house).await;
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    served.ledger.append(producer.plain(Position::Unsequenced, 20)).await.unwrap();
    let clients = served.clients().await;
    let filter = EventFilter { action_type: "dataset.export".to_owned(), ..Default::default() };
    create(&clients, "other", filter, 0, 0).await;
    create(&clients, "siem", EventFilter::default(), 0, 0).await;
    let mut taker = Taker::open(&clients, "siem").await.unwrap();
    taker.until_held(22).await;
    taker.park(3, "why").await;
    taker.ack(&[0, 1, 5, 9]).await;
    assert!(taker.finish().await.is_none());
    drop((taker, clients));
    served.stop().await;
    house.assert_clean();
    let store = RocksStore::open(&house.dir.store(), Access::ReadOnly).unwrap();
    store.get(keys::subscription(NUMBER, "siem").as_slice()).unwrap().unwrap()
}

fn put(house: &House, key: &[u8], value: &[u8]) {
    let mut batch = Batch::new();
    batch.put(key, value);
    RocksStore::open(&house.dir.store(), Access::ReadWrite).unwrap().commit(&batch).unwrap();
}

fn found(house: &House) -> Vec<(&'static str, String)> {
    audit(house.dir.root()).findings.into_iter().map(|finding| (finding.check, finding.message)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_cannot_be_right_are_found() {
    let house = House::build();
    let row = leave_one(&house).await;
    // id 16, created 8, start 8, lease 4, in flight 2, position 8, flags 1, then what is settled ahead.
    assert_eq!((&row[38..47], row.len()), ([0, 0, 0, 0, 0, 0, 0, 2, 0].as_slice(), 47 + 3 * 8));
    let altered = |at: usize, byte: u8| {
        let mut row = row.clone();
        row[at] = byte;
        row
    };
    let wrong: [(&str, Vec<u8>); 6] = [
        ("cut in its fixed part", row[..40].to_vec()),
        ("cut in a settled index", row[..row.len() - 1].to_vec()),
        ("a position beyond the log", altered(45, 23)),
        ("settled beyond the log", altered(row.len() - 1, 99)),
        ("settled below the position", altered(45, 4)),
        ("a condition without its value", altered(46, 0x20)),
    ];
    let key = keys::subscription(NUMBER, "siem");
    for (what, value) in wrong {
        put(&house, key.as_slice(), &value);
        let found = found(&house);
        assert!(found.iter().any(|(check, _)| *check == "subscription row"), "{what}: {found:?}");
    }
    put(&house, key.as_slice(), &row);
    house.assert_clean();
    let id: [u8; 16] = row[..16].try_into().unwrap();
    let parked: [(&str, keys::Key, Vec<u8>); 4] = [
        ("of no subscription", keys::parked(NUMBER, &[9; 16], Index(3)), [&[0; 13][..], b"why"].concat()),
        ("beyond the log", keys::parked(NUMBER, &id, Index(22)), [&[0; 13][..], b"why"].concat()),
        ("of no known state", keys::parked(NUMBER, &id, Index(4)), [&[2; 13][..], b"why"].concat()),
        ("without a reason", keys::parked(NUMBER, &id, Index(5)), vec![0; 13]),
    ];
    for (number, (what, key, value)) in parked.into_iter().enumerate() {
        put(&house, key.as_slice(), &value);
        let found = found(&house);
        assert_eq!(found.iter().filter(|(check, _)| *check == "parked row").count(), number + 1, "{what}: {found:?}");
    }
}
