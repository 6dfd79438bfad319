//! The echo that `deedbook bench` measures as the transport's ceiling. It knows no ledger and is never served by
//! `deedbook serve`.

use crate::limits;
use echo_service_client::EchoServiceClient;
use echo_service_server::{EchoService, EchoServiceServer};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

mod generated {
    #![allow(missing_docs, reason = "generated; the .proto file documents it")]
    #![allow(clippy::all, clippy::allow_attributes_without_reason, reason = "generated")]
    /// The messages that the echo carries.
    pub mod v1 {
        pub use crate::api::proto::*;
    }
    /// The echo itself.
    pub mod bench {
        /// Its only version.
        pub mod v1 {
            tonic::include_proto!("deedbook.bench.v1");
        }
    }
}

use generated::bench::v1::{EchoRequest, EchoResponse, echo_service_client, echo_service_server};

/// Messages under way in each direction.
const WINDOW: usize = 256;

#[derive(Debug)]
struct Echo;

#[tonic::async_trait]
impl EchoService for Echo {
    type EchoStream = ReceiverStream<Result<EchoResponse, Status>>;

    async fn echo(&self, request: Request<Streaming<EchoRequest>>) -> Result<Response<Self::EchoStream>, Status> {
        let mut incoming = request.into_inner();
        let (answers, stream) = mpsc::channel(WINDOW);
        tokio::spawn(async move {
            while let Ok(Some(request)) = incoming.message().await {
                if answers.send(Ok(EchoResponse { frame: request.frame })).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

/// Serves the echo on a free loopback port until the task is dropped.
pub async fn serve() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let service = EchoServiceServer::new(Echo).max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    tokio::spawn(
        Server::builder()
            .initial_stream_window_size(limits::HTTP2_STREAM_WINDOW_BYTES)
            .initial_connection_window_size(limits::HTTP2_CONNECTION_WINDOW_BYTES)
            .add_service(service)
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))),
    );
    Ok(address)
}

/// Sends frames and counts the answers, all of one stream.
pub async fn run(address: SocketAddr, frames: Vec<crate::api::proto::Frame>) -> Result<u64, crate::api::ClientError> {
    let channel = crate::api::channel(&format!("http://{address}")).await?;
    let mut client = EchoServiceClient::new(channel).max_decoding_message_size(limits::REQUEST_BYTES_MAX);
    let (sender, requests) = mpsc::channel(WINDOW);
    tokio::spawn(async move {
        for frame in frames {
            if sender.send(EchoRequest { frame: Some(frame) }).await.is_err() {
                return;
            }
        }
    });
    let mut answers = client.echo(ReceiverStream::new(requests)).await?.into_inner();
    let mut count = 0u64;
    while answers.message().await?.is_some() {
        count = count.saturating_add(1);
    }
    Ok(count)
}
