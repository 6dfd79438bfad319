//! Around each service: counts its answers, and completes the statuses that tonic makes itself (a message too large,
//! an unknown method), so that every error carries `ErrorInfo`. It reads no message.

use crate::api::reason::complete;
use std::convert::Infallible;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;
use tonic::{Code, Status};

/// Methods by the names that metrics show; what a caller invents is counted as `unknown`.
const METHODS: [&str; 63] = [
    "Append",
    "AppendStream",
    "GetEvent",
    "LookupEvents",
    "ListEvents",
    "ReadEvents",
    "GetLedger",
    "GetCheckpoint",
    "GetReceipt",
    "GetInclusionProof",
    "GetConsistencyProof",
    "GetIntervalProof",
    "EnrollKey",
    "RotateKey",
    "RevokeKey",
    "ListKeys",
    "GetRefKey",
    "Subscribe",
    "EraseBodies",
    "ListPendingErasures",
    "ListKeeping",
    "BindPrincipal",
    "LinkAccount",
    "DisablePrincipal",
    "GrantRole",
    "RevokeRole",
    "SetDelegation",
    "ListPrincipals",
    "ListPending",
    "CreateSubscription",
    "GetSubscription",
    "ListSubscriptions",
    "DeleteSubscription",
    "Consume",
    "ListParkedEvents",
    "ReplayParkedEvents",
    "SubmitAction",
    "WaitDecision",
    "GetRequest",
    "ListInbox",
    "CastVote",
    "CancelRequest",
    "RedeemGrant",
    "ReportExecution",
    "RevokeGrant",
    "BreakGlass",
    "DecidePostReview",
    "PublishPolicy",
    "RetirePolicy",
    "ListPolicies",
    "GetPolicy",
    "GetLineageStats",
    "TraceLineage",
    "FindLineagePaths",
    "FindUnapprovedPath",
    "GetLineageCoverage",
    "ListChokePoints",
    "GetContamination",
    "DiffLineage",
    "FindLineageCut",
    "ProveLineage",
    "ListLineage",
    "SearchLineage",
];

/// A service whose errors are complete.
#[derive(Clone, Debug)]
pub struct Annotated<S>(pub S);

impl<S: NamedService> NamedService for Annotated<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Annotated<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = method_name(request.uri().path());
        let answer = self.0.call(request);
        Box::pin(async move { Ok(finish(method, answer.await?)) })
    }
}

/// Around all services together: a path that leads to none of them is answered as completely as a method that is not
/// there. The services of others, such as reflection, answer as they do.
#[derive(Clone, Debug)]
pub struct Completed<S>(pub S);

impl<S> Service<http::Request<Body>> for Completed<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<http::Response<Body>, Infallible>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            let response = answer.await?;
            match Status::from_header_map(response.headers()) {
                Some(status) if status.code() == Code::Unimplemented && status.details().is_empty() => {
                    Ok(complete(status).into_http())
                }
                Some(_) | None => Ok(response),
            }
        })
    }
}

/// Counts a call that ended.
pub fn count(method: &'static str, code: Code) {
    metrics::counter!("deedbook_grpc_requests_total", "method" => method, "code" => code_name(code)).increment(1);
}

/// An answer whose status stands in its headers is an error and has no body. Streams count themselves when they end.
fn finish(method: &'static str, response: http::Response<Body>) -> http::Response<Body> {
    let streams = matches!(method, "AppendStream" | "ReadEvents" | "Subscribe" | "Consume");
    match Status::from_header_map(response.headers()) {
        Some(status) => {
            count(method, status.code());
            if status.details().is_empty() { complete(status).into_http() } else { response }
        }
        None if streams => response,
        None => {
            count(method, Code::Ok);
            response
        }
    }
}

fn method_name(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or_default();
    METHODS.into_iter().find(|method| *method == name).unwrap_or("unknown")
}

/// The name of a code, as gRPC spells it.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_methods_have_one_name() {
        assert_eq!(method_name("/deedbook.v1.LedgerService/Append"), "Append");
        assert_eq!(method_name("/deedbook.v1.LedgerService/Append2"), "unknown");
        assert_eq!(method_name(""), "unknown");
    }

    #[test]
    fn every_method_of_the_protos_is_counted_by_name() {
        let protos = [
            include_str!("../../proto/deedbook/v1/ledger_service.proto"),
            include_str!("../../proto/deedbook/v1/proof_service.proto"),
            include_str!("../../proto/deedbook/v1/key_service.proto"),
            include_str!("../../proto/deedbook/v1/subscription_service.proto"),
            include_str!("../../proto/deedbook/v1/erasure_service.proto"),
            include_str!("../../proto/deedbook/v1/lineage_service.proto"),
            include_str!("../../proto/deedbook/v1/policy_service.proto"),
            include_str!("../../proto/deedbook/v1/approval_service.proto"),
            include_str!("../../proto/deedbook/v1/principal_service.proto"),
        ];
        for line in protos.iter().flat_map(|text| text.lines()) {
            if let Some(name) = line.trim().strip_prefix("rpc ").and_then(|rest| rest.split('(').next()) {
                assert!(METHODS.contains(&name), "{name}");
            }
        }
    }
}
