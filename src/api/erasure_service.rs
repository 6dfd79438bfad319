//! `ErasureService`: erasures are frames like any other; which are not finished is read from the store. Who may erase
//! what is the ledger's question.

use crate::api::proto::erasure_service_server::ErasureService;
use crate::api::proto::{
    EraseBodiesRequest, EraseBodiesResponse, HeldRange, Hold, ListKeepingRequest, ListKeepingResponse,
    ListPendingErasuresRequest, ListPendingErasuresResponse, RetentionRule,
};
use crate::api::shared::Shared;
use crate::api::{append, convert};
use crate::ledger::Reader;
use crate::limits;
use bytes::Bytes;
use deedbook_verify::keeping::{self, Keeping, Retention};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::SubjectId;
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

    async fn list_keeping(
        &self,
        request: Request<ListKeepingRequest>,
    ) -> Result<Response<ListKeepingResponse>, Status> {
        let work = async { Ok(keeping(self.shared.ledger.reader().authority().keeping())) };
        self.shared.answer(request.metadata(), work).await
    }
}

fn keeping(keeping: &Keeping) -> ListKeepingResponse {
    let class = |class: &Option<Box<str>>| class.as_deref().unwrap_or_default().to_owned();
    let rule = |rule: &Retention| RetentionRule {
        data_class: class(&rule.class),
        retention_days: rule.days.into(),
        stated_index: rule.stated.0,
        from_index: rule.from.0,
    };
    let range = |range: &keeping::HeldRange| HeldRange {
        first_index: range.first.0,
        end_index: (range.end != keeping::HeldRange::NO_END).then_some(range.end.0),
    };
    let hold = |(id, hold): (SubjectId, &keeping::Hold)| Hold {
        hold_id: Bytes::copy_from_slice(id.as_bytes()),
        data_class: class(&hold.class),
        ranges: hold.held.iter().map(range).collect(),
        stated_index: hold.stated.0,
        from_index: hold.from.0,
    };
    ListKeepingResponse { rules: keeping.retention().map(rule).collect(), holds: keeping.holds().map(hold).collect() }
}
