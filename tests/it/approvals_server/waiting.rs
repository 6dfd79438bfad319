//! Waiting for a decision: a stream that goes on where it ended, whichever side was restarted meanwhile.

use super::cast::Who;
use super::desk::Desk;
use super::track::Track;
use crate::support_memory::block_on;
use deedbook::api::proto::{Action, ListInboxRequest, RequestState, WaitDecisionRequest, WaitDecisionResponse};
use deedbook::api::{ClientError, Clients};
use deedbook_verify::vote::Decision;
use deedbook_verify::words::SubjectId;
use tonic::Streaming;

async fn wait(
    clients: &Clients,
    id: SubjectId,
    after_revision: u64,
) -> Result<Streaming<WaitDecisionResponse>, ClientError> {
    let request = WaitDecisionRequest { request_id: id.0.to_vec().into(), after_revision };
    Ok(clients.approval.clone().wait_decision(request).await?.into_inner())
}

/// The next state that is told; none: nothing more can happen.
async fn told(stream: &mut Streaming<WaitDecisionResponse>) -> Option<Action> {
    stream.message().await.unwrap().map(|message| message.action.unwrap())
}

async fn inbox(track: &Track) -> Vec<Action> {
    let request = ListInboxRequest { page_size: 100, page_token: String::new() };
    track.served.clients().await.approval.clone().list_inbox(request).await.unwrap().into_inner().actions
}

async fn approve(track: &Track, who: &Who, id: SubjectId) {
    track.done(track.vote(who, id, Decision::Approve)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_goes_on_where_it_ended_whichever_side_restarts() {
    let track = Track::set().await;
    let (agent, voter) = (track.cast.agent("a1"), track.voters().remove(0));
    let (id, other) = (track.export().await, track.export().await);
    let mut first = wait(&track.served.clients().await, id, 0).await.unwrap();
    let open = told(&mut first).await.unwrap();
    assert_eq!(open.state, RequestState::Open as i32);
    // The client goes away, and a new one goes on behind what the first one heard; another starts from the beginning.
    drop(first);
    let clients = track.served.clients().await;
    let (mut again, mut anew) =
        (wait(&clients, id, open.revision).await.unwrap(), wait(&clients, id, 0).await.unwrap());
    assert_eq!(told(&mut anew).await.unwrap(), open);
    // The server goes away: whoever waits is told that, and nobody is told a decision.
    let track = track.restarted().await;
    for stream in [&mut again, &mut anew] {
        let error = ClientError::from(stream.message().await.unwrap_err());
        assert!(error.retryable(), "{error:?}");
    }
    assert_eq!(inbox(&track).await.len(), 2, "what waited waits");
    let clients = track.served.clients().await;
    let mut again = wait(&clients, id, open.revision).await.unwrap();
    approve(&track, &voter, id).await;
    let approved = told(&mut again).await.unwrap();
    assert_eq!(approved.state, RequestState::Approved as i32);
    assert!(approved.revision > open.revision && approved.grant.is_some());
    // Decided while the client was away: it is told at once.
    drop(again);
    let mut late = wait(&clients, id, open.revision).await.unwrap();
    assert_eq!(told(&mut late).await.unwrap(), approved);
    let seen = track.seen(id);
    let head = track.served.ledger.reader().head();
    track.done(track.cast.redemption(&agent, &seen, seen.action.origin.digest, head)).await;
    let run = told(&mut late).await.unwrap();
    assert_eq!(run.grant.unwrap().uses_left, 0);
    assert_eq!(told(&mut late).await, None, "nothing more can happen");
    let mut over = wait(&clients, id, run.revision).await.unwrap();
    assert_eq!(told(&mut over).await, None);
    // The other one was not touched by any of it.
    let left = inbox(&track).await;
    assert_eq!(left.iter().map(|action| &action.request_id[..]).collect::<Vec<_>>(), [&other.0[..]]);
    let unknown = wait(&clients, SubjectId([5; 16]), 0).await.map(drop).unwrap_err();
    assert_eq!((unknown.code, unknown.reason.as_deref()), ("NOT_FOUND", Some("NOT_FOUND")));
    track.judge().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_who_waits_for_an_action_hears_of_its_decision_and_of_no_other() {
    let track = Track::set().await;
    let (clients, voter) = (track.served.clients().await, track.voters().remove(0));
    let (id, other) = (track.export().await, track.export().await);
    let mut streams = Vec::new();
    for number in 0..40 {
        let of = if number % 2 == 0 { id } else { other };
        let mut stream = wait(&clients, of, 0).await.unwrap();
        assert_eq!(told(&mut stream).await.unwrap().state, RequestState::Open as i32);
        streams.push((of, stream));
    }
    track.done(track.vote(&voter, other, Decision::Deny)).await;
    for (_, stream) in streams.iter_mut().filter(|(of, _)| *of == other) {
        assert_eq!(told(stream).await.unwrap().state, RequestState::Denied as i32);
        assert_eq!(told(stream).await, None);
    }
    approve(&track, &voter, id).await;
    let mut revisions = Vec::new();
    for (_, stream) in streams.iter_mut().filter(|(of, _)| *of == id) {
        let approved = told(stream).await.unwrap();
        assert_eq!(approved.state, RequestState::Approved as i32);
        revisions.push(approved.revision);
    }
    revisions.dedup();
    assert_eq!(revisions.len(), 1);
    drop(streams);
    track.judge().await;
}

/// While the anchor has not moved, an action is stored and its entries are not there for readers: what waits is told without
/// it, whole, and what people are shown of it is not there yet.
#[test]
fn what_is_stored_and_not_shown_yet_waits_for_nobody() {
    let desk = Desk::set();
    let (reader, known) = (desk.ledger.reader(), desk.export());
    let waits = || reader.inbox(None, 10).unwrap().iter().map(|row| row.place.1).collect::<Vec<_>>();
    let agent = desk.cast.agent("a1");
    let (id, frame) = desk.cast.submission(&agent, &desk.cast.wish(&agent, "data.export", &[]), None);
    desk.world.anchor.hold();
    let ticket = block_on(desk.ledger.submit(desk.ledger.admit(frame).unwrap())).unwrap();
    desk.world.anchor.until_reached();
    assert_eq!(waits(), [known]);
    assert!(reader.presentation(&desk.seen(id)).unwrap().is_none());
    desk.world.anchor.release();
    block_on(ticket.placement()).unwrap();
    assert_eq!(waits().len(), 2);
    assert!(reader.presentation(&desk.seen(id)).unwrap().is_some());
    desk.judge();
}
