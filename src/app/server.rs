//! Both servers of one ledger as one thing to start and stop; tests and the demo use it too. It owns no ledger.

use crate::api::{GrpcServer, ServerError};
use crate::app::Addresses;
use crate::clock::Clock;
use crate::http::{HttpError, HttpServer};
use crate::ledger::Ledger;
use std::net::SocketAddr;
use thiserror::Error;

/// Why the servers do not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// gRPC.
    #[error(transparent)]
    Grpc(#[from] ServerError),
    /// HTTP.
    #[error(transparent)]
    Http(#[from] HttpError),
}

/// A running pair of servers.
#[derive(Debug)]
pub struct Server {
    grpc: GrpcServer,
    http: HttpServer,
    addresses: Addresses,
}

impl Server {
    /// Starts both. The caller keeps the ledger, and closes it after `stop`.
    pub async fn start(ledger: Ledger, listen: SocketAddr, http: SocketAddr) -> Result<Server, StartError> {
        let origin = ledger.reader().origin().to_owned();
        let http = HttpServer::start(ledger.clone(), http).await?;
        let grpc = GrpcServer::start(ledger, Clock::system(), listen).await?;
        let addresses = Addresses { grpc: grpc.address(), http: http.address(), origin };
        Ok(Server { grpc, http, addresses })
    }

    /// Where they are reached.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Stops taking calls, lets those under way end, then stops. HTTP goes last, so that probes see the end coming.
    pub async fn stop(self) {
        if !self.grpc.stop().await {
            tracing::warn!("calls were still under way when the time for stopping ran out");
        }
        self.http.stop().await;
    }
}
