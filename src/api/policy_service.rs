//! `PolicyService`: publications are frames like any other; which sets there are is read from the log. What a set means,
//! and whether it may be published, is the ledger's question.

use crate::api::proto::policy_service_server::PolicyService;
use crate::api::proto::{
    self, GetPolicyRequest, GetPolicyResponse, ListPoliciesRequest, ListPoliciesResponse, PublishPolicyRequest,
    PublishPolicyResponse, RetirePolicyRequest, RetirePolicyResponse,
};
use crate::api::shared::Shared;
use crate::api::{append, convert};
use crate::ledger::{PolicyRecord, PolicyStanding, Reader};
use crate::limits;
use bytes::Bytes;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::Digest;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Policies {
    shared: Arc<Shared>,
}

impl Policies {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Policies {
        Policies { shared }
    }
}

#[tonic::async_trait]
impl PolicyService for Policies {
    async fn publish_policy(
        &self,
        request: Request<PublishPolicyRequest>,
    ) -> Result<Response<PublishPolicyResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let placement = append::command(&self.shared, Kind::PolicyPublished, request.frame).await?;
            Ok(PublishPolicyResponse { placement: Some(convert::placement(&placement)) })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn retire_policy(
        &self,
        request: Request<RetirePolicyRequest>,
    ) -> Result<Response<RetirePolicyResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let placement = append::command(&self.shared, Kind::PolicyRetired, request.frame).await?;
            Ok(RetirePolicyResponse { placement: Some(convert::placement(&placement)) })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn list_policies(
        &self,
        request: Request<ListPoliciesRequest>,
    ) -> Result<Response<ListPoliciesResponse>, Status> {
        let work = async {
            let read = |reader: &Reader| reader.published_policies(limits::POLICIES_LISTED_MAX);
            let policies = self.shared.read(read).await?.iter().map(published).collect();
            Ok(ListPoliciesResponse { policies })
        };
        self.shared.answer(request.metadata(), work).await
    }

    async fn get_policy(&self, request: Request<GetPolicyRequest>) -> Result<Response<GetPolicyResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let wanted = convert::optional_array("policy_digest", &request.policy_digest)?.map(Digest);
            let (policy, source, built_in) = self.shared.read(move |reader| reader.policy_source(wanted)).await?;
            let schema = source.schema().to_owned();
            Ok(GetPolicyResponse { policy_digest: digest(&policy), text: source.text, schema, built_in })
        };
        self.shared.answer(&metadata, work).await
    }
}

fn digest(digest: &Digest) -> Bytes {
    Bytes::copy_from_slice(digest.as_bytes())
}

fn published(record: &PolicyRecord) -> proto::PublishedPolicy {
    let (standing, from_index) = match record.standing {
        PolicyStanding::InForce { from } => (proto::PolicyStanding::InForce, Some(from.0)),
        PolicyStanding::Waiting => (proto::PolicyStanding::Waiting, None),
        PolicyStanding::Refused => (proto::PolicyStanding::Refused, None),
        PolicyStanding::Past => (proto::PolicyStanding::Past, None),
    };
    proto::PublishedPolicy {
        policy_digest: digest(&record.policy),
        index: record.stated.0,
        standing: standing.into(),
        from_index,
        break_glass: record.break_glass,
    }
}
