//! The calls of `ApprovalService`, as commands see them.

use super::{Client, EVENTS_WAITING_MAX, empty};
use crate::api::{ClientError, proto};
use bytes::Bytes;
use deedbook_verify::words::SubjectId;
use tokio::sync::mpsc;

/// Requests on one page.
const INBOX_PAGE_SIZE: i32 = 1_000;

/// What a command led to.
pub struct Followed {
    action: Option<proto::Action>,
}

impl Followed {
    /// The action, which the server must have named.
    pub fn action(self, method: &str) -> Result<proto::Action, ClientError> {
        self.action.ok_or_else(|| empty(method))
    }
}

/// One call that takes a frame and answers with a placement and an action.
macro_rules! frame_calls {
    ($($(#[$doc:meta])* $name:ident = $rpc:ident, $request:ident;)+) => {
        impl Client {
            $(
                $(#[$doc])*
                pub async fn $name(&mut self, frame: proto::Frame) -> Result<Followed, ClientError> {
                    let request = proto::$request { frame: Some(frame) };
                    let answer = self.clients.approval.$rpc(request).await?.into_inner();
                    Ok(Followed { action: answer.action })
                }
            )+
        }
    };
}

frame_calls! {
    /// Sends an `action.submitted`.
    submit_action = submit_action, SubmitActionRequest;
    /// Sends a `vote.cast`.
    cast_vote = cast_vote, CastVoteRequest;
    /// Sends an `approval.cancel_requested`.
    cancel_request = cancel_request, CancelRequestRequest;
    /// Sends a `grant.redeem_requested`.
    redeem_grant = redeem_grant, RedeemGrantRequest;
    /// Sends an `execution.reported`.
    report_execution = report_execution, ReportExecutionRequest;
    /// Sends a `grant.revoke_requested`.
    revoke_grant = revoke_grant, RevokeGrantRequest;
    /// Sends a `breakglass.invoked`.
    break_glass = break_glass, BreakGlassRequest;
    /// Sends a `breakglass.reviewed`.
    decide_post_review = decide_post_review, DecidePostReviewRequest;
}

impl Client {
    /// One action, and what a reviewer is shown of it.
    pub async fn request(
        &mut self,
        id: SubjectId,
    ) -> Result<(proto::Action, Option<proto::Presentation>), ClientError> {
        let request = proto::GetRequestRequest { request_id: Bytes::copy_from_slice(id.as_bytes()) };
        let answer = self.clients.approval.get_request(request).await?.into_inner();
        Ok((answer.action.ok_or_else(|| empty("GetRequest"))?, answer.presentation))
    }

    /// Every request that waits for people, the first to expire first.
    pub async fn inbox(&mut self) -> Result<Vec<proto::Action>, ClientError> {
        let (mut actions, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = proto::ListInboxRequest { page_size: INBOX_PAGE_SIZE, page_token };
            let answer = self.clients.approval.list_inbox(request).await?.into_inner();
            actions.extend(answer.actions);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return Ok(actions);
            }
        }
    }

    /// The states of an action beyond a revision, as they come.
    pub async fn wait_decision(
        &mut self,
        id: SubjectId,
        after_revision: u64,
    ) -> Result<mpsc::Receiver<Result<proto::Action, ClientError>>, ClientError> {
        let request_id = Bytes::copy_from_slice(id.as_bytes());
        let request = proto::WaitDecisionRequest { request_id, after_revision };
        let mut stream = self.clients.approval.wait_decision(request).await?.into_inner();
        let (sender, receiver) = mpsc::channel(EVENTS_WAITING_MAX);
        tokio::spawn(async move {
            while let Some(answer) = stream.message().await.transpose() {
                let answer = answer.map_err(ClientError::from);
                let answer = answer.and_then(|answer| answer.action.ok_or_else(|| empty("WaitDecision")));
                if sender.send(answer).await.is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}
