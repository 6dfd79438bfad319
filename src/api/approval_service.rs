//! `ApprovalService`: commands are frames like any other; what followed from one is read behind it. Who may approve what
//! is the ledger's question, and every answer is what readers see.

use crate::api::proto::approval_service_server::ApprovalService;
use crate::api::proto::{
    BreakGlassRequest, BreakGlassResponse, CancelRequestRequest, CancelRequestResponse, CastVoteRequest,
    CastVoteResponse, DecidePostReviewRequest, DecidePostReviewResponse, GetRequestRequest, GetRequestResponse,
    ListInboxRequest, ListInboxResponse, RedeemGrantRequest, RedeemGrantResponse, ReportExecutionRequest,
    ReportExecutionResponse, RevokeGrantRequest, RevokeGrantResponse, SubmitActionRequest, SubmitActionResponse,
    WaitDecisionRequest,
};
use crate::api::shared::Shared;
use crate::api::{action, append, inbox, wait};
use deedbook_verify::kind::Kind;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Approvals {
    shared: Arc<Shared>,
}

impl Approvals {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Approvals {
        Approvals { shared }
    }
}

/// One method that takes a frame of one kind, and answers with its placement and the action behind it.
macro_rules! answer_command {
    ($self:ident, $request:ident, $kind:expr, $response:ident) => {{
        let (metadata, _, request) = $request.into_parts();
        let work = async {
            let done = append::command_of_action(&$self.shared, $kind, request.frame).await?;
            Ok($response { placement: Some(done.placement), action: done.action })
        };
        $self.shared.answer(&metadata, work).await
    }};
}

#[tonic::async_trait]
impl ApprovalService for Approvals {
    type WaitDecisionStream = wait::Told;

    async fn submit_action(
        &self,
        request: Request<SubmitActionRequest>,
    ) -> Result<Response<SubmitActionResponse>, Status> {
        answer_command!(self, request, Kind::ActionSubmitted, SubmitActionResponse)
    }

    async fn wait_decision(
        &self,
        request: Request<WaitDecisionRequest>,
    ) -> Result<Response<Self::WaitDecisionStream>, Status> {
        Ok(wait::open(&self.shared, request).await?)
    }

    async fn get_request(&self, request: Request<GetRequestRequest>) -> Result<Response<GetRequestResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, action::get(&self.shared, request)).await
    }

    async fn list_inbox(&self, request: Request<ListInboxRequest>) -> Result<Response<ListInboxResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, inbox::list(&self.shared, request)).await
    }

    async fn cast_vote(&self, request: Request<CastVoteRequest>) -> Result<Response<CastVoteResponse>, Status> {
        answer_command!(self, request, Kind::VoteCast, CastVoteResponse)
    }

    async fn cancel_request(
        &self,
        request: Request<CancelRequestRequest>,
    ) -> Result<Response<CancelRequestResponse>, Status> {
        answer_command!(self, request, Kind::ApprovalCancelRequested, CancelRequestResponse)
    }

    async fn redeem_grant(
        &self,
        request: Request<RedeemGrantRequest>,
    ) -> Result<Response<RedeemGrantResponse>, Status> {
        answer_command!(self, request, Kind::GrantRedeemRequested, RedeemGrantResponse)
    }

    async fn report_execution(
        &self,
        request: Request<ReportExecutionRequest>,
    ) -> Result<Response<ReportExecutionResponse>, Status> {
        answer_command!(self, request, Kind::ExecutionReported, ReportExecutionResponse)
    }

    async fn revoke_grant(
        &self,
        request: Request<RevokeGrantRequest>,
    ) -> Result<Response<RevokeGrantResponse>, Status> {
        answer_command!(self, request, Kind::GrantRevokeRequested, RevokeGrantResponse)
    }

    async fn break_glass(&self, request: Request<BreakGlassRequest>) -> Result<Response<BreakGlassResponse>, Status> {
        answer_command!(self, request, Kind::BreakglassInvoked, BreakGlassResponse)
    }

    async fn decide_post_review(
        &self,
        request: Request<DecidePostReviewRequest>,
    ) -> Result<Response<DecidePostReviewResponse>, Status> {
        answer_command!(self, request, Kind::BreakglassReviewed, DecidePostReviewResponse)
    }
}
