//! `SubscriptionService`: takes requests apart, asks the ledger, puts answers together. Streams have files of their own.

use crate::api::proto::subscription_service_server::SubscriptionService;
use crate::api::proto::{
    ConsumeRequest, ConsumeResponse, CreateSubscriptionRequest, CreateSubscriptionResponse, DeleteSubscriptionRequest,
    DeleteSubscriptionResponse, GetSubscriptionRequest, GetSubscriptionResponse, ListParkedEventsRequest,
    ListParkedEventsResponse, ListSubscriptionsRequest, ListSubscriptionsResponse, ReplayParkedEventsRequest,
    ReplayParkedEventsResponse, SubscribeRequest, SubscribeResponse,
};
use crate::api::shared::Shared;
use crate::api::{consume, subscribe, subscriptions};
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

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

    async fn create_subscription(
        &self,
        request: Request<CreateSubscriptionRequest>,
    ) -> Result<Response<CreateSubscriptionResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, subscriptions::create(&self.shared, request)).await
    }

    async fn get_subscription(
        &self,
        request: Request<GetSubscriptionRequest>,
    ) -> Result<Response<GetSubscriptionResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, subscriptions::get(&self.shared, request)).await
    }

    async fn list_subscriptions(
        &self,
        request: Request<ListSubscriptionsRequest>,
    ) -> Result<Response<ListSubscriptionsResponse>, Status> {
        self.shared.answer(request.metadata(), subscriptions::list(&self.shared)).await
    }

    async fn delete_subscription(
        &self,
        request: Request<DeleteSubscriptionRequest>,
    ) -> Result<Response<DeleteSubscriptionResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, subscriptions::delete(&self.shared, request)).await
    }

    type ConsumeStream = ReceiverStream<Result<ConsumeResponse, Status>>;

    async fn consume(
        &self,
        request: Request<Streaming<ConsumeRequest>>,
    ) -> Result<Response<Self::ConsumeStream>, Status> {
        consume::open(&self.shared, request).map_err(Status::from)
    }

    async fn list_parked_events(
        &self,
        request: Request<ListParkedEventsRequest>,
    ) -> Result<Response<ListParkedEventsResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, subscriptions::parked(&self.shared, request)).await
    }

    async fn replay_parked_events(
        &self,
        request: Request<ReplayParkedEventsRequest>,
    ) -> Result<Response<ReplayParkedEventsResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, subscriptions::replay(&self.shared, request)).await
    }
}
