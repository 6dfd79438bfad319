//! The gRPC server: the services, health and reflection on one listener. It refuses no address and opens no
//! ledger; `app` does both.

use crate::api::annotate::{Annotated, Completed};
use crate::api::approval_service::Approvals;
use crate::api::erasure_service::Erasures;
use crate::api::evidence_service::Evidence;
use crate::api::incoming;
use crate::api::key_service::Keys;
use crate::api::ledger_service::Ledgers;
use crate::api::lineage_service::Lineages;
use crate::api::policy_service::Policies;
use crate::api::principal_service::Directory;
use crate::api::proof_service::Proofs;
use crate::api::proto::DESCRIPTORS;
use crate::api::proto::approval_service_server::ApprovalServiceServer;
use crate::api::proto::erasure_service_server::ErasureServiceServer;
use crate::api::proto::evidence_service_server::EvidenceServiceServer;
use crate::api::proto::key_service_server::KeyServiceServer;
use crate::api::proto::ledger_service_server::LedgerServiceServer;
use crate::api::proto::lineage_service_server::LineageServiceServer;
use crate::api::proto::policy_service_server::PolicyServiceServer;
use crate::api::proto::principal_service_server::PrincipalServiceServer;
use crate::api::proto::proof_service_server::ProofServiceServer;
use crate::api::proto::subscription_service_server::SubscriptionServiceServer;
use crate::api::shared::Shared;
use crate::api::subscription_service::Subscriptions;
use crate::clock::Clock;
use crate::ledger::Ledger;
use crate::limits;
use std::net::SocketAddr;
use std::sync::Arc;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;
use tower_layer::layer_fn;

/// Why the server does not start, or ended.
#[derive(Debug, Error)]
pub enum ServerError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; choose another with --listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The descriptors that reflection shows are not sound.
    #[error("the descriptors of the services cannot be shown: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// A running server.
#[derive(Debug)]
pub struct GrpcServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

impl GrpcServer {
    /// Listens and serves. Port 0 takes a free one; `address` tells which.
    pub async fn start(ledger: Ledger, clock: Clock, listen: SocketAddr) -> Result<GrpcServer, ServerError> {
        let cannot_listen = |error| ServerError::Listen { address: listen, error };
        let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let (stop, stopping) = watch::channel(false);
        let (reporter, health_service) = tonic_health::server::health_reporter();
        tokio::spawn(watch_health(ledger.clone(), reporter, stopping.clone()));
        let shared = Arc::new(Shared::new(ledger, clock, stopping));
        let reflection = || {
            tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        };
        let ledgers = LedgerServiceServer::new(Ledgers::new(Arc::clone(&shared)));
        let proofs = ProofServiceServer::new(Proofs::new(Arc::clone(&shared)));
        let keys = KeyServiceServer::new(Keys::new(Arc::clone(&shared)));
        let subscriptions = SubscriptionServiceServer::new(Subscriptions::new(Arc::clone(&shared)));
        let lineages = LineageServiceServer::new(Lineages::new(Arc::clone(&shared)));
        let evidence = EvidenceServiceServer::new(Evidence::new(Arc::clone(&shared)));
        let erasures = ErasureServiceServer::new(Erasures::new(Arc::clone(&shared)));
        let policies = PolicyServiceServer::new(Policies::new(Arc::clone(&shared)));
        let approvals = ApprovalServiceServer::new(Approvals::new(Arc::clone(&shared)));
        let principals = PrincipalServiceServer::new(Directory::new(Arc::clone(&shared)));
        let router = builder()
            .layer(layer_fn(Completed))
            .add_service(health_service)
            .add_service(reflection().build_v1()?)
            .add_service(reflection().build_v1alpha()?)
            .add_service(Annotated(ledgers.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(proofs.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(keys.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(subscriptions.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(evidence.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(lineages.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(erasures.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(policies.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(approvals.max_decoding_message_size(limits::REQUEST_BYTES_MAX)))
            .add_service(Annotated(principals.max_decoding_message_size(limits::REQUEST_BYTES_MAX)));
        let served = tokio::spawn(async move {
            let stopping = shared.stopping();
            if let Err(error) = router.serve_with_incoming_shutdown(incoming::accept(listener), stopping).await {
                tracing::error!(%error, "the gRPC server ended");
            }
        });
        Ok(GrpcServer { address, stop, served })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more, ends the streams with `STOPPING` once their frames are settled, waits for the calls under
    /// way; whether all of them ended in time.
    pub async fn stop(mut self) -> bool {
        self.stop.send_replace(true);
        let in_time = timeout(limits::SHUTDOWN_TIMEOUT, &mut self.served).await.is_ok();
        self.served.abort();
        in_time
    }
}

fn builder() -> Server {
    Server::builder()
        .initial_stream_window_size(limits::HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::HTTP2_CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(limits::CONNECTION_STREAMS_MAX)
        .http2_keepalive_interval(Some(limits::HTTP2_KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(limits::HTTP2_KEEPALIVE_TIMEOUT))
}

/// Tells health whether the ledger takes appends, for the whole server and for each service.
///
/// At the end the statuses are taken back, which ends the watches that clients hold; stopping waits for them.
async fn watch_health(ledger: Ledger, mut reporter: HealthReporter, mut stopping: watch::Receiver<bool>) {
    let mut told = None;
    loop {
        let ready = ledger.status().ready && !*stopping.borrow();
        if told != Some(ready) {
            let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
            for name in NAMES {
                reporter.set_service_status(name, status).await;
            }
            told = Some(ready);
        }
        if *stopping.borrow() {
            break;
        }
        // Both outcomes lead to the next look; an error means that the server is gone.
        if let Ok(Err(_)) = timeout(limits::HEALTH_INTERVAL, stopping.changed()).await {
            break;
        }
    }
    for name in NAMES {
        reporter.clear_service_status(name).await;
    }
}

/// The empty name stands for the whole server.
const NAMES: [&str; 10] = [
    "",
    <LedgerServiceServer<Ledgers> as NamedService>::NAME,
    <ProofServiceServer<Proofs> as NamedService>::NAME,
    <KeyServiceServer<Keys> as NamedService>::NAME,
    <SubscriptionServiceServer<Subscriptions> as NamedService>::NAME,
    <ErasureServiceServer<Erasures> as NamedService>::NAME,
    <LineageServiceServer<Lineages> as NamedService>::NAME,
    <PolicyServiceServer<Policies> as NamedService>::NAME,
    <ApprovalServiceServer<Approvals> as NamedService>::NAME,
    <PrincipalServiceServer<Directory> as NamedService>::NAME,
];
