//! How a client reaches a server: as the transport does by itself, with small writes that wait for each other.

use crate::api::corked::Corked;
use crate::limits;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioIo;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tonic::codegen::{Service, http::Uri};

/// Resolves a name and connects.
#[derive(Clone, Debug)]
pub struct Dial(HttpConnector);

impl Dial {
    pub fn new() -> Dial {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(limits::CONNECT_TIMEOUT));
        Dial(connector)
    }
}

type Error = <HttpConnector as Service<Uri>>::Error;
type Dialled = Result<TokioIo<Corked<TcpStream>>, Error>;

impl Service<Uri> for Dial {
    type Response = TokioIo<Corked<TcpStream>>;
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Dialled> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let connecting = self.0.call(address);
        Box::pin(async move { Ok(TokioIo::new(Corked::new(connecting.await?.into_inner(), ()))) })
    }
}
