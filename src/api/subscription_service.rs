//! `SubscriptionService`: takes requests apart, asks the ledger, puts answers together. Streams have files of their own.

use crate::api::proto::subscription_service_server::SubscriptionService;
use crate::api::proto::{SubscribeRequest, SubscribeResponse};
use crate::api::shared::Shared;
use crate::api::subscribe;
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// The service.
pub struct Subscriptions {
    shared: Arc<Shared>,
}

impl Subscriptions {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Subscriptions {
        Subscriptions { shared }
    }
}

#[tonic::async_trait]
impl SubscriptionService for Subscriptions {
    type SubscribeStream = ReceiverStream<Result<SubscribeResponse, Status>>;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Self::SubscribeStream>, Status> {
        subscribe::open(&self.shared, request).await.map_err(Status::from)
    }
}
