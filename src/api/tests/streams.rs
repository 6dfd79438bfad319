//! `AppendStream`: order, acknowledgements, what ends a stream, and what a producer finds when it comes back.

use super::{Rig, reason, sequenced};
use crate::api::proto::append_stream_request::{Message, Open};
use crate::api::proto::append_stream_response::{Ack, Message as Answer, Opened};
use crate::api::proto::{AppendStreamRequest, AppendStreamResponse, Frame, StreamPlacement};
use crate::api::to_frame;
use crate::record::Position;
use bytes::Bytes;
use deedbook_verify::words::{Epoch, Sequence};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

struct Wire {
    requests: Option<mpsc::Sender<AppendStreamRequest>>,
    answers: Streaming<AppendStreamResponse>,
}

impl Wire {
    async fn try_open(rig: &Rig, epoch: u32) -> Result<(Wire, Opened), Status> {
        let (requests, outgoing) = mpsc::channel(8);
        let source = Bytes::copy_from_slice(rig.source.as_bytes());
        requests.send(AppendStreamRequest { message: Some(Message::Open(Open { source, epoch })) }).await.unwrap();
        let stream = rig.clients.ledger.clone().append_stream(ReceiverStream::new(outgoing)).await?;
        let mut answers = stream.into_inner();
        match answers.message().await?.unwrap().message {
            Some(Answer::Opened(opened)) => Ok((Wire { requests: Some(requests), answers }, opened)),
            other => panic!("{other:?}"),
        }
    }

    async fn open(rig: &Rig) -> (Wire, Opened) {
        Wire::try_open(rig, 0).await.unwrap()
    }

    async fn send(&self, frame: Frame) {
        if let Some(requests) = &self.requests {
            // The server may have ended the stream already; the answers say why.
            let _ = requests.send(AppendStreamRequest { message: Some(Message::Frame(frame)) }).await;
        }
    }

    async fn ack(&mut self) -> Result<Option<Ack>, Status> {
        match self.answers.message().await?.map(|answer| answer.message) {
            None => Ok(None),
            Some(Some(Answer::Ack(ack))) => Ok(Some(ack)),
            Some(other) => panic!("{other:?}"),
        }
    }

    /// Everything up to the end, and how it ended.
    async fn finish(mut self) -> (Vec<Ack>, Option<Status>) {
        self.requests = None;
        let mut acks = Vec::new();
        loop {
            match self.ack().await {
                Ok(Some(ack)) => acks.push(ack),
                Ok(None) => return (acks, None),
                Err(status) => return (acks, Some(status)),
            }
        }
    }
}

fn placements(acks: &[Ack]) -> Vec<StreamPlacement> {
    acks.iter().flat_map(|ack| ack.placements.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_are_acknowledged_in_order() {
    let rig = Rig::start().await;
    let (wire, opened) = Wire::open(&rig).await;
    assert_eq!((opened.epoch, opened.last_durable_sequence), (1, 0));
    let frames: Vec<Frame> = (0..300).map(|number| to_frame(rig.frame(sequenced(2 * number + 1), 2))).collect();
    let size: u64 = frames.iter().map(|frame| prost::Message::encoded_len(frame) as u64).sum();
    for frame in frames {
        wire.send(frame).await;
    }
    let (acks, end) = wire.finish().await;
    assert!(end.is_none(), "{end:?}");
    let placed = placements(&acks);
    assert_eq!(placed.len(), 300);
    for (place, number) in placed.iter().zip(0..) {
        assert_eq!((place.first_sequence, place.first_index, place.count), (2 * number + 1, 2 * number + 2, 2));
        assert!(!place.repeated && place.last_leaf_hash.len() == 32);
    }
    assert_eq!(acks.last().unwrap().through_sequence, 600);
    assert_eq!(acks.iter().map(|ack| ack.credit_bytes).sum::<u64>(), size);
    assert!(acks.len() < 300, "several frames share a message");
    let (wire, opened) = Wire::open(&rig).await;
    assert_eq!((opened.epoch, opened.last_durable_sequence), (1, 600));
    drop(wire);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_out_of_sequence_ends_the_stream_behind_what_is_durable() {
    let rig = Rig::start().await;
    let (wire, _) = Wire::open(&rig).await;
    let first = rig.frame(sequenced(1), 1);
    for frame in
        [first.clone(), rig.frame(sequenced(2), 1), first, rig.frame(sequenced(4), 1), rig.frame(sequenced(3), 1)]
    {
        wire.send(to_frame(frame)).await;
    }
    let (acks, end) = wire.finish().await;
    let placed = placements(&acks);
    let seen: Vec<(u64, bool)> = placed.iter().map(|place| (place.first_sequence, place.repeated)).collect();
    assert_eq!(seen, [(1, false), (2, false), (1, true)]);
    assert_eq!(acks.last().unwrap().through_sequence, 2);
    assert_eq!(reason(&end.unwrap()), "SEQUENCE_DIFFERS");
    assert_eq!(Wire::open(&rig).await.1.last_durable_sequence, 2);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_keeps_to_its_source_epoch_and_form() {
    let rig = Rig::start().await;
    let (wire, _) = Wire::open(&rig).await;
    wire.send(to_frame(rig.frame(Position::Unsequenced, 1))).await;
    assert_eq!(reason(&wire.finish().await.1.unwrap()), "STREAM_DIFFERS");
    let (wire, _) = Wire::open(&rig).await;
    let mut forged = to_frame(rig.frame(sequenced(1), 1));
    forged.events[0].body = Some(Bytes::from_static(b"another body"));
    wire.send(forged).await;
    assert_eq!(reason(&wire.finish().await.1.unwrap()), "BODY_DIFFERS");
    let (wire, _) = Wire::open(&rig).await;
    let again = Message::Open(Open::default());
    wire.requests.as_ref().unwrap().send(AppendStreamRequest { message: Some(again) }).await.unwrap();
    assert_eq!(reason(&wire.finish().await.1.unwrap()), "OPEN_MISPLACED");
    let epoch_two = Position::Sequenced { epoch: Epoch(2), first: Sequence(1) };
    let (wire, opened) = Wire::try_open(&rig, 2).await.unwrap();
    assert_eq!((opened.epoch, opened.last_durable_sequence), (2, 0));
    wire.send(to_frame(rig.frame(epoch_two, 1))).await;
    assert!(wire.finish().await.1.is_none());
    assert_eq!(reason(&Wire::try_open(&rig, 1).await.err().unwrap()), "EPOCH_NOT_NEW");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_the_credit_is_refused() {
    let rig = Rig::start().await;
    let (wire, opened) = Wire::open(&rig).await;
    // One frame of more than a commit's worth cannot be acknowledged before the next ones arrive: all are refused or
    // paid for, and the server never holds more than it granted.
    let large = Frame { header: Bytes::from(vec![7; 2_000_000]), ..Default::default() };
    for _ in 0..4 {
        wire.send(large.clone()).await;
    }
    let (acks, end) = wire.finish().await;
    assert!(acks.is_empty());
    assert!(opened.credit_bytes >= 4_000_000);
    let found = reason(&end.unwrap());
    assert!(found == "CREDIT_EXCEEDED" || found == "MALFORMED", "{found}");
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_ends_at_its_deadline() {
    let rig = Rig::start().await;
    let (requests, outgoing) = mpsc::channel(1);
    let mut request = tonic::Request::new(ReceiverStream::new(outgoing));
    request.set_timeout(std::time::Duration::from_millis(200));
    let mut answers = rig.clients.ledger.clone().append_stream(request).await.unwrap().into_inner();
    assert_eq!(reason(&answers.message().await.unwrap_err()), "DEADLINE_EXCEEDED");
    drop(requests);
    rig.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_acknowledges_what_is_durable_and_says_so() {
    let rig = Rig::start().await;
    let (mut wire, _) = Wire::open(&rig).await;
    wire.send(to_frame(rig.frame(sequenced(1), 1))).await;
    assert_eq!(wire.ack().await.unwrap().unwrap().through_sequence, 1);
    let Rig { server, ledger, .. } = rig;
    let (stopped, ended) = tokio::join!(server.stop(), wire.ack());
    assert_eq!(reason(&ended.unwrap_err()), "STOPPING");
    drop(wire);
    assert!(stopped);
    tokio::task::spawn_blocking(move || ledger.close()).await.unwrap();
}
