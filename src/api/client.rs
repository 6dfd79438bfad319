//! The client side: a connection with the size limits set, and an error that names no transport. It retries nothing:
//! who may send the same bytes again is the caller's knowledge.

use crate::api::dial::Dial;
use crate::api::proto::approval_service_client::ApprovalServiceClient;
use crate::api::proto::erasure_service_client::ErasureServiceClient;
use crate::api::proto::evidence_service_client::EvidenceServiceClient;
use crate::api::proto::key_service_client::KeyServiceClient;
use crate::api::proto::ledger_service_client::LedgerServiceClient;
use crate::api::proto::lineage_service_client::LineageServiceClient;
use crate::api::proto::policy_service_client::PolicyServiceClient;
use crate::api::proto::principal_service_client::PrincipalServiceClient;
use crate::api::proto::proof_service_client::ProofServiceClient;
use crate::api::proto::subscription_service_client::SubscriptionServiceClient;
use crate::limits;
use std::collections::BTreeMap;
use thiserror::Error;
use tokio::sync::mpsc;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::StatusExt;

/// The clients of one server, over one connection. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Appending and reading.
    pub ledger: LedgerServiceClient<Channel>,
    /// Checkpoints, receipts, proofs.
    pub proof: ProofServiceClient<Channel>,
    /// Keys.
    pub key: KeyServiceClient<Channel>,
    /// Following.
    pub subscription: SubscriptionServiceClient<Channel>,
    /// Erasing.
    pub erasure: ErasureServiceClient<Channel>,
    /// What evidence packages rest on.
    pub evidence: EvidenceServiceClient<Channel>,
    /// `LineageService`.
    pub lineage: LineageServiceClient<Channel>,
    /// Policies.
    pub policy: PolicyServiceClient<Channel>,
    /// Asking before acting.
    pub approval: ApprovalServiceClient<Channel>,
    /// Principals.
    pub principal: PrincipalServiceClient<Channel>,
}

/// Why a call failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ClientError {
    /// The gRPC code's name, such as `ALREADY_EXISTS`.
    pub code: &'static str,
    /// The reason of error.proto, when the server gave one.
    pub reason: Option<String>,
    /// What happened, for people.
    pub message: String,
    /// The facts of the reason; `remedy` says what to do.
    pub metadata: BTreeMap<String, String>,
}

impl ClientError {
    /// Whether the server was not there, or is passing through a state in which the same bytes may succeed later.
    pub fn retryable(&self) -> bool {
        matches!(self.code, "UNAVAILABLE" | "DEADLINE_EXCEEDED" | "CANCELLED")
    }

    /// Whether a rule refused a command, and the refusal is in the log.
    pub fn refused_by_rule(&self) -> bool {
        self.metadata.contains_key("refusal_index")
    }

    /// What to do about it, if the server said.
    pub fn remedy(&self) -> Option<&str> {
        self.metadata.get("remedy").map(String::as_str)
    }

    fn unreachable(endpoint: &str, problem: impl ToString) -> ClientError {
        ClientError {
            code: "UNAVAILABLE",
            reason: None,
            message: format!("cannot reach {endpoint}: {}; is `deedbook serve` running there?", problem.to_string()),
            metadata: BTreeMap::new(),
        }
    }
}

/// How the transport begins its words when an answer of HTTP is none of gRPC.
const NO_GRPC: &str = "grpc-status header missing";

/// What the transport says where a page of HTTP stands in place of a message.
const NO_MESSAGE: &str = "while receiving response with status";

impl From<Status> for ClientError {
    fn from(status: Status) -> ClientError {
        // A proxy that is passing through says 502 or 503, which is UNAVAILABLE; any other answer stays as it is.
        let is_page = status.message().starts_with(NO_GRPC) || status.message().contains(NO_MESSAGE);
        if is_page && status.code() != Code::Unavailable {
            return ClientError {
                code: "UNIMPLEMENTED",
                reason: None,
                message: "what answers at this address speaks HTTP, but no gRPC".to_owned(),
                metadata: [(
                    "remedy".to_owned(),
                    "name the port that `serve --listen` has, not its HTTP port".to_owned(),
                )]
                .into(),
            };
        }
        let info = status.get_details_error_info();
        // A broken connection reaches callers as UNKNOWN, or as INTERNAL with the transport's error behind it when it
        // breaks in the middle of a frame of HTTP/2: to them it is a server that went away.
        let from_transport = status.code() == Code::Internal && std::error::Error::source(&status).is_some();
        let broken = info.is_none() && (status.code() == Code::Unknown || from_transport);
        let code = if broken { Code::Unavailable } else { status.code() };
        let message = match std::error::Error::source(&status) {
            Some(cause) if info.is_none() => format!("the connection broke: {}", chain(cause)),
            Some(_) | None => status.message().to_owned(),
        };
        ClientError {
            code: crate::api::annotate::code_name(code),
            reason: info.as_ref().map(|info| info.reason.clone()),
            message,
            metadata: info.map(|info| info.metadata.into_iter().collect()).unwrap_or_default(),
        }
    }
}

/// Connects to `host:port` or `http://host:port`, and insists that somebody answers there. The connection comes back by
/// itself when the server does.
pub async fn connect(endpoint: &str) -> Result<Clients, ClientError> {
    let channel = channel(endpoint).await?;
    hear(endpoint, channel.clone()).await?;
    let max = limits::RESPONSE_BYTES_MAX;
    Ok(Clients {
        ledger: LedgerServiceClient::new(channel.clone()).max_decoding_message_size(max),
        proof: ProofServiceClient::new(channel.clone()).max_decoding_message_size(max),
        key: KeyServiceClient::new(channel.clone()).max_decoding_message_size(max),
        subscription: SubscriptionServiceClient::new(channel.clone()).max_decoding_message_size(max),
        erasure: ErasureServiceClient::new(channel.clone()).max_decoding_message_size(max),
        evidence: EvidenceServiceClient::new(channel.clone()).max_decoding_message_size(max),
        lineage: LineageServiceClient::new(channel.clone()).max_decoding_message_size(max),
        policy: PolicyServiceClient::new(channel.clone()).max_decoding_message_size(max),
        approval: ApprovalServiceClient::new(channel.clone()).max_decoding_message_size(max),
        principal: PrincipalServiceClient::new(channel).max_decoding_message_size(max),
    })
}

/// Waits for an answer, whatever it says: the system takes connections for a server that has no room for them, and each
/// call would wait without a word.
async fn hear(endpoint: &str, channel: Channel) -> Result<(), ClientError> {
    let question = HealthCheckRequest { service: String::new() };
    let mut health = HealthClient::new(channel);
    match tokio::time::timeout(limits::CONNECT_TIMEOUT, health.check(question)).await {
        Ok(_) => Ok(()),
        Err(_) => Err(ClientError {
            code: "UNAVAILABLE",
            reason: None,
            message: format!(
                "{endpoint} took the connection and does not answer within {} s; a server holds {} connections at once",
                limits::CONNECT_TIMEOUT.as_secs(),
                limits::CONNECTIONS_MAX
            ),
            metadata: [(
                "remedy".to_owned(),
                "if it is busy, try again later; look for clients that were stopped and hold connections".to_owned(),
            )]
            .into(),
        }),
    }
}

/// The connection under the clients, with windows and keepalive as every client of ours has them.
pub(crate) async fn channel(endpoint: &str) -> Result<Channel, ClientError> {
    let invalid =
        |message: String| ClientError { code: "INVALID_ARGUMENT", reason: None, message, metadata: BTreeMap::new() };
    let address = match endpoint.split_once("://") {
        None => format!("http://{endpoint}"),
        Some(("http", _)) => endpoint.to_owned(),
        // The transport would take any scheme and speak in the clear.
        Some((scheme, _)) => {
            let message = format!("`{scheme}://` is not spoken here: TLS is not built yet; write http://host:port");
            return Err(invalid(message));
        }
    };
    Endpoint::from_shared(address)
        .map_err(|error| invalid(format!("`{endpoint}` is no server address ({error}); write host:port")))?
        .connect_timeout(limits::CONNECT_TIMEOUT)
        .initial_stream_window_size(limits::HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::HTTP2_CONNECTION_WINDOW_BYTES)
        .http2_keep_alive_interval(limits::HTTP2_KEEPALIVE_INTERVAL)
        .keep_alive_timeout(limits::HTTP2_KEEPALIVE_TIMEOUT)
        .connect_with_connector(Dial::new())
        .await
        .map_err(|error| ClientError::unreachable(endpoint, chain(&error)))
}

/// Hands a stream over message by message, each as `take` gives it, to whoever reads slower than it comes: at most
/// `waiting_max` wait here, the others with the server. Ends with the stream, after an error, or when nobody reads.
pub(crate) fn receive<T: Send + 'static, U: Send + 'static>(
    mut stream: Streaming<T>,
    waiting_max: usize,
    take: fn(T) -> U,
) -> mpsc::Receiver<Result<U, ClientError>> {
    let (sender, receiver) = mpsc::channel(waiting_max);
    tokio::spawn(async move {
        while let Some(answer) = stream.message().await.transpose() {
            if sender.send(answer.map(take).map_err(ClientError::from)).await.is_err() {
                return;
            }
        }
    });
    receiver
}

/// The innermost cause, which is what a person can act on.
fn chain(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::proto::Reason;
    use crate::api::reason::Fault;

    #[test]
    fn a_fault_arrives_with_its_facts() {
        let sent = Fault::new(Reason::RevisionDiffers, "expected 3").with("actual", 4);
        let got = ClientError::from(Status::from(sent));
        assert_eq!((got.code, got.reason.as_deref()), ("ABORTED", Some("REVISION_DIFFERS")));
        assert_eq!(got.metadata.get("actual").map(String::as_str), Some("4"));
        assert!(got.remedy().is_some() && !got.retryable() && !got.refused_by_rule());
    }

    #[tokio::test]
    async fn no_other_scheme_is_spoken_in_the_clear() {
        for endpoint in ["https://127.0.0.1:7420", "ftp://127.0.0.1:7420", "HTTPS://127.0.0.1:7420"] {
            let refused = channel(endpoint).await.unwrap_err();
            assert!(refused.code == "INVALID_ARGUMENT" && refused.message.contains("TLS"), "{endpoint}: {refused:?}");
        }
    }

    #[test]
    fn an_answer_without_grpc_is_waited_for_only_if_a_proxy_says_so() {
        let heard = |code| ClientError::from(Status::new(code, format!("{NO_GRPC}, mapped from HTTP status code 405")));
        assert!(!heard(Code::Unknown).retryable() && heard(Code::Unknown).message.contains("no gRPC"));
        assert!(heard(Code::Unavailable).retryable());
        // A page that has words, where a message should begin.
        let page = format!("protocol error: invalid compression flag: 116 {NO_MESSAGE}: 404 Not Found");
        let page = ClientError::from(Status::internal(page));
        assert!(!page.retryable() && page.message.contains("no gRPC"), "{page:?}");
    }

    #[test]
    fn a_broken_connection_is_retryable() {
        assert!(ClientError::from(Status::unknown("transport error")).retryable());
        // As h2 reports a peer that was killed in the middle of a frame.
        let mut torn = Status::internal("h2 protocol error: http2 error");
        torn.set_source(std::sync::Arc::new(std::io::Error::other("connection reset")));
        let torn = ClientError::from(torn);
        assert!(torn.retryable() && torn.message == "the connection broke: connection reset", "{torn:?}");
        // What the server itself calls internal stays so.
        assert!(!ClientError::from(Status::internal("a defect")).retryable());
    }
}
