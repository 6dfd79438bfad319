//! Unary calls: what was appended is listed, read, proved; what is wrong is refused with its reason.

use super::{Rig, now, reason, signed_request};
use crate::api::{proto, to_frame};
use crate::record::{Position, SigningKey};
use bytes::Bytes;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::words::Micros;

#[tokio::test(flavor = "multi_thread")]
async fn appended_events_are_listed_read_and_proved() {
    let rig = Rig::start().await;
    let first = rig.append(25).await;
    list_in_pages(&rig, first).await;
    let request = proto::ReadEventsRequest { to: Some(first + 25), ..Default::default() };
    let mut stream = rig.clients.ledger.clone().read_events(request).await.unwrap().into_inner();
    let mut next = 0;
    while let Some(message) = stream.message().await.unwrap() {
        for event in message.events {
            assert_eq!(event.index, next);
            next += 1;
        }
    }
    assert_eq!(next, first + 25);
    let key = rig.ledger.reader().verifier_key().clone();
    for redacted in [false, true] {
        let request = proto::GetReceiptRequest { index: first + 7, redacted, witnessed: false };
        let receipt = rig.clients.proof.clone().get_receipt(request).await.unwrap().into_inner().receipt;
        verify_receipt(&receipt, &key).unwrap();
    }
    let request = proto::GetIntervalProofRequest { from: first, to: 0 };
    let proof = rig.clients.proof.clone().get_interval_proof(request).await.unwrap().into_inner();
    assert_eq!(proof.from_head.unwrap().size, first);
    assert!(open_checkpoint(&proof.note, &key).is_ok());
    rig.stop().await;
}

async fn list_in_pages(rig: &Rig, first: u64) {
    let mut request = proto::ListEventsRequest {
        kind: "execution.reported".to_owned(),
        page_size: 10,
        view: proto::EventView::Full.into(),
        ..Default::default()
    };
    let mut found = Vec::new();
    loop {
        let page = rig.clients.ledger.clone().list_events(request.clone()).await.unwrap().into_inner();
        assert!(page.events.iter().all(|event| event.body_state() == proto::BodyState::Opened));
        found.extend(page.events.iter().map(|event| event.index));
        if page.next_page_token.is_empty() {
            break;
        }
        // What is appended meanwhile is not part of the list.
        rig.ledger.append(rig.frame(Position::Unsequenced, 1)).await.unwrap();
        request.page_token = page.next_page_token;
    }
    assert_eq!(found, (first..first + 25).collect::<Vec<u64>>());
    let other = proto::ListEventsRequest { kind: String::new(), ..request };
    let refused = rig.clients.ledger.clone().list_events(other).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_looked_up() {
    let rig = Rig::start().await;
    let frame = rig.frame(Position::Unsequenced, 2);
    let facts = deedbook_verify::facts::Facts::parse(&frame.events[1].facts).unwrap();
    let (known, unknown) = (Bytes::copy_from_slice(facts.event_id.as_bytes()), Bytes::from_static(&[9; 16]));
    let source = Bytes::copy_from_slice(rig.source.as_bytes());
    let placed = rig.ledger.append(frame.clone()).await.unwrap();
    let request =
        proto::LookupEventsRequest { source: source.clone(), event_ids: vec![unknown.clone(), known.clone()] };
    let answer = rig.clients.ledger.clone().lookup_events(request).await.unwrap().into_inner();
    let found: Vec<Option<u64>> = answer.results.iter().map(|result| result.index).collect();
    assert_eq!(found, [None, Some(placed.first_index.0 + 1)]);
    let get = |event_id| {
        let name = proto::EventName { source: source.clone(), event_id };
        proto::GetEventRequest { which: Some(proto::get_event_request::Which::Name(name)), view: 0 }
    };
    let event = rig.clients.ledger.clone().get_event(get(known)).await.unwrap().into_inner().event.unwrap();
    assert_eq!((event.index, event.body_state()), (placed.first_index.0 + 1, proto::BodyState::Withheld));
    let refused = rig.clients.ledger.clone().get_event(get(unknown)).await.unwrap_err();
    assert_eq!(reason(&refused), "NOT_FOUND");
    let again = proto::AppendRequest { frame: Some(to_frame(frame)) };
    let again = rig.clients.ledger.clone().append(again).await.unwrap().into_inner();
    assert!(again.placement.unwrap().repeated);
    assert_eq!(again.leaf_hashes.len(), 2);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ref_key_goes_to_holders_of_keys_alone() {
    let rig = Rig::start().await;
    let mut client = rig.clients.key.clone();
    let answer = client.get_ref_key(signed_request(&rig, &rig.key, now())).await.unwrap().into_inner();
    assert_eq!(answer.ref_key, rig.refs.0[..]);
    assert_eq!(answer.source, rig.source.0[..]);
    let stranger = SigningKey::generate("stranger").unwrap();
    let mut forged = signed_request(&rig, &stranger, now());
    let unknown = client.get_ref_key(forged.clone()).await.unwrap_err();
    forged.key_id = Bytes::copy_from_slice(rig.key.public().id().as_bytes());
    let forged = client.get_ref_key(forged).await.unwrap_err();
    assert_eq!(reason(&unknown), "REQUEST_NOT_AUTHENTICATED");
    assert_eq!((unknown.code(), unknown.message()), (forged.code(), forged.message()));
    assert_eq!(unknown.details(), forged.details());
    let old = Micros(now().0 - 301_000_000);
    let old = client.get_ref_key(signed_request(&rig, &rig.key, old)).await.unwrap_err();
    assert_eq!(reason(&old), "REQUEST_TIME_OUTSIDE");
    let keys = client.list_keys(proto::ListKeysRequest::default()).await.unwrap().into_inner();
    assert_eq!(keys.keys.len(), 4, "head, sequencer, administrator, producer");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_error_has_its_reason() {
    let rig = Rig::start().await;
    let mut ledger = rig.clients.ledger.clone();
    let too_large = proto::Frame { header: Bytes::from(vec![0; 3 * 1024 * 1024]), ..Default::default() };
    let refused = ledger.append(proto::AppendRequest { frame: Some(too_large) }).await.unwrap_err();
    assert_eq!(reason(&refused), "MESSAGE_TOO_LARGE");
    assert!(refused.message().contains("2097152"), "{}", refused.message());
    let refused = ledger.append(proto::AppendRequest { frame: None }).await.unwrap_err();
    assert_eq!(reason(&refused), "FIELD_INVALID");
    let refused = ledger.append(proto::AppendRequest { frame: Some(proto::Frame::default()) }).await.unwrap_err();
    assert_eq!(reason(&refused), "MALFORMED");
    let statement = to_frame(rig.frame(Position::Unsequenced, 1));
    let request = proto::EnrollKeyRequest { frame: Some(statement) };
    let refused = rig.clients.key.clone().enroll_key(request).await.unwrap_err();
    assert_eq!(reason(&refused), "KIND_DIFFERS");
    // The same key once more: refused by rule, on record.
    let request = proto::EnrollKeyRequest { frame: Some(rig.enrollment(&rig.key)) };
    let refused = rig.clients.key.clone().enroll_key(request).await.unwrap_err();
    assert_eq!(reason(&refused), "KEY_KNOWN");
    let request = proto::GetInclusionProofRequest { index: 1_000, tree_size: 0 };
    let refused = rig.clients.proof.clone().get_inclusion_proof(request).await.unwrap_err();
    assert_eq!(reason(&refused), "OUTSIDE_TREE");
    rig.stop().await;
}
