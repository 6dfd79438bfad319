//! A served ledger and its clients, over a real socket.

use super::http::Browser;
use super::{House, close};
use deedbook::api::proto::append_stream_request::{Message, Open};
use deedbook::api::proto::append_stream_response::{Ack, Message as Answer, Opened};
use deedbook::api::proto::{AppendRequest, AppendResponse, AppendStreamRequest, AppendStreamResponse, Frame};
use deedbook::api::{ClientError, Clients, connect, to_frame};
use deedbook::app::Server;
use deedbook::ledger::{DataDir, Ledger};
use deedbook::record::FrameBytes;
use deedbook_verify::words::Ref;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Streaming;

/// A running server over a house's ledger.
pub struct Served {
    pub ledger: Ledger,
    pub server: Server,
    pub address: String,
    dir: DataDir,
}

impl Served {
    pub async fn start(house: &House) -> Served {
        let ledger = house.open();
        let any = "127.0.0.1:0".parse().unwrap();
        let server = Server::start(ledger.clone(), any, any).await.unwrap();
        Served { ledger, address: server.addresses().grpc.to_string(), server, dir: house.dir.clone() }
    }

    pub async fn clients(&self) -> Clients {
        connect(&self.address).await.unwrap()
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.server.addresses().http)
    }

    pub async fn stop(self) {
        self.server.stop().await;
        close(self.ledger, &self.dir);
    }
}

/// Appends one frame by a unary call.
pub async fn append(clients: &Clients, frame: &FrameBytes) -> Result<AppendResponse, ClientError> {
    let request = AppendRequest { frame: Some(to_frame(frame.clone())) };
    let answer = clients.ledger.clone().append(request).await?;
    Ok(answer.into_inner())
}

/// The answer's place; every answer has one.
pub fn place(answer: &AppendResponse) -> (u64, u32) {
    let placement = answer.placement.as_ref().unwrap();
    (placement.first_index, placement.count)
}

/// Insists that an error carries its reason and what to do, and gives its metadata as numbers where asked.
pub fn check(error: &ClientError, code: &str, reason: &str) {
    assert_eq!((error.code, error.reason.as_deref()), (code, Some(reason)), "{error:?}");
    assert!(error.remedy().is_some_and(|remedy| !remedy.is_empty()), "{error:?}");
}

/// A number in an error's metadata.
pub fn number(error: &ClientError, name: &str) -> u64 {
    let text = error.metadata.get(name).unwrap_or_else(|| panic!("no {name} in {error:?}"));
    text.parse().unwrap_or_else(|_| panic!("{name} in {error:?}"))
}

/// One append stream, from the client's side.
pub struct Wire {
    pub requests: Option<mpsc::Sender<AppendStreamRequest>>,
    pub answers: Streaming<AppendStreamResponse>,
}

impl Wire {
    /// Opens a stream in an epoch, 0 for the last one.
    pub async fn open(clients: &Clients, source: Ref, epoch: u32) -> Result<(Wire, Opened), ClientError> {
        let (requests, outgoing) = mpsc::channel(16);
        let source = source.0.to_vec().into();
        requests.send(AppendStreamRequest { message: Some(Message::Open(Open { source, epoch })) }).await.unwrap();
        let mut answers = clients.ledger.clone().append_stream(ReceiverStream::new(outgoing)).await?.into_inner();
        match answers.message().await?.and_then(|answer| answer.message) {
            Some(Answer::Opened(opened)) => Ok((Wire { requests: Some(requests), answers }, opened)),
            other => panic!("not Opened: {other:?}"),
        }
    }

    /// Sends a frame; false when the server ended the stream already.
    pub async fn send(&self, frame: Frame) -> bool {
        let message = AppendStreamRequest { message: Some(Message::Frame(frame)) };
        self.requests.as_ref().unwrap().send(message).await.is_ok()
    }

    /// The next acknowledgement; none at a good end.
    pub async fn ack(&mut self) -> Result<Option<Ack>, ClientError> {
        match self.answers.message().await?.map(|answer| answer.message) {
            None => Ok(None),
            Some(Some(Answer::Ack(ack))) => Ok(Some(ack)),
            Some(other) => panic!("not an Ack: {other:?}"),
        }
    }

    /// Says that nothing more comes, and gives what is still acknowledged and how it ended.
    pub async fn finish(mut self) -> (Vec<Ack>, Option<ClientError>) {
        self.requests = None;
        let mut acks = Vec::new();
        loop {
            match self.ack().await {
                Ok(Some(ack)) => acks.push(ack),
                Ok(None) => return (acks, None),
                Err(error) => return (acks, Some(error)),
            }
        }
    }
}
