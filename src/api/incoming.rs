//! Accepts connections, so many at once; further ones wait in the system's backlog. It reads nothing from them.

use crate::api::corked::Corked;
use crate::limits;
use std::io;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::{Connected, TcpConnectInfo};

/// Accepts until the stream is dropped.
pub fn accept(listener: TcpListener) -> ReceiverStream<io::Result<Connection>> {
    let (accepted, connections) = mpsc::channel(1);
    tokio::spawn(async move {
        tokio::select! {
            () = accepted.closed() => {}
            () = accept_all(&listener, &accepted) => {}
        }
    });
    ReceiverStream::new(connections)
}

async fn accept_all(listener: &TcpListener, accepted: &mpsc::Sender<io::Result<Connection>>) {
    let places = Arc::new(Semaphore::new(limits::CONNECTIONS_MAX));
    while let Ok(place) = Arc::clone(&places).acquire_owned().await {
        let connection = match listener.accept().await {
            Ok((stream, _)) => stream.set_nodelay(true).map(|()| Connection::new(stream, place)),
            Err(error) => Err(error),
        };
        match connection {
            Ok(connection) => {
                if accepted.send(Ok(connection)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                // Out of file descriptors, or a connection that broke at once: others may still come.
                tracing::warn!(%error, "a connection was not accepted");
                sleep(limits::ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection, which keeps its place.
pub type Connection = Corked<TcpStream, OwnedSemaphorePermit>;

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;

    fn connect_info(&self) -> TcpConnectInfo {
        self.stream().connect_info()
    }
}
