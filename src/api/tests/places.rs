//! Places: who comes when all are taken hears of it, and waits for nothing that does not end.

use super::{Rig, reason};
use crate::api::{ClientError, connect, proto};
use crate::limits;
use tokio::net::TcpListener;

#[tokio::test(flavor = "multi_thread")]
async fn one_subscriber_too_many_is_refused_and_others_still_ask() {
    let rig = Rig::start().await;
    let address = rig.server.address().to_string();
    let request = || proto::SubscribeRequest { from: Some(0), ..Default::default() };
    let mut followers = Vec::new();
    for _ in 0..limits::SUBSCRIBERS_MAX {
        let mut clients = connect(&address).await.unwrap();
        let stream = clients.subscription.subscribe(request()).await.unwrap().into_inner();
        followers.push((clients, stream));
    }
    let mut clients = connect(&address).await.unwrap();
    let refused = clients.subscription.subscribe(request()).await.unwrap_err();
    assert_eq!(reason(&refused), "STREAMS_TOO_MANY");
    clients.ledger.get_ledger(proto::GetLedgerRequest {}).await.unwrap();
    // A place that is given up is given away.
    followers.pop();
    let mut tries = 0;
    while let Err(refused) = clients.subscription.subscribe(request()).await {
        assert_eq!(reason(&refused), "STREAMS_TOO_MANY");
        tries += 1;
        assert!(tries < 500, "the place stays taken");
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    drop((clients, followers));
    rig.stop().await;
}

#[tokio::test]
async fn a_server_that_takes_the_connection_and_is_silent_is_not_waited_for() {
    // The system takes connections for whoever listens.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let trouble: ClientError = connect(&address).await.map(|_| ()).unwrap_err();
    assert!(trouble.retryable(), "{trouble:?}");
    assert!(trouble.message.starts_with(&format!("{address} took the connection")), "{trouble:?}");
    assert!(trouble.remedy().is_some_and(|remedy| remedy.contains("try again")), "{trouble:?}");
}
