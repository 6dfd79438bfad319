//! `ErasureService`: erasures are frames like any other; which are not finished is read from the store. Who may erase
//! what is the ledger's question.

use crate::api::proto::erasure_service_server::ErasureService;
use crate::api::proto::{
    EraseBodiesRequest, EraseBodiesResponse, ListPendingErasuresRequest, ListPendingErasuresResponse,
};
use crate::api::shared::Shared;
use crate::api::{append, convert};
use crate::ledger::Reader;
use crate::limits;
use deedbook_verify::kind::Kind;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Erasures {
    shared: Arc<Shared>,
}

impl Erasures {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Erasures {
        Erasures { shared }
    }
}

#[tonic::async_trait]
impl ErasureService for Erasures {
    async fn erase_bodies(
        &self,
        request: Request<EraseBodiesRequest>,
    ) -> Result<Response<EraseBodiesResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let placement = append::command(&self.shared, Kind::BodyErased, request.frame).await?;
            Ok(EraseBodiesResponse { placement: Some(convert::placement(&placement)) })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn list_pending_erasures(
        &self,
        request: Request<ListPendingErasuresRequest>,
    ) -> Result<Response<ListPendingErasuresResponse>, Status> {
        let work = async {
            let read = |reader: &Reader| reader.pending_erasures(limits::PENDING_ERASURES_NAMED_MAX);
            let indexes = self.shared.read(read).await?.into_iter().map(|index| index.0).collect();
            Ok(ListPendingErasuresResponse { indexes })
        };
        self.shared.answer(request.metadata(), work).await
    }
}
