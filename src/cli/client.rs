//! The connection to a server, as commands see it: one call each, answers unpacked, errors with the next step. It
//! retries nothing; `append` alone knows what may be sent again.

mod approval;
mod evidence;
mod lineage;
mod principals;

pub use approval::Followed;
pub use principals::Change;

use super::Common;
use super::errors::Failure;
use super::remedy;
use crate::api::{self, ClientError, Clients, proto};
use bytes::Bytes;
use deedbook_verify::words::{EventId, Ref};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Replies of a stream that wait to be taken.
const REPLIES_WAITING_MAX: usize = 64;
/// Messages of events that wait to be shown; each is about 256 KiB.
const EVENTS_WAITING_MAX: usize = 2;
/// Keys and events on one page.
const PAGE_SIZE: i32 = 1_000;

/// A page of a list: events, the token of the next page, the tree that it is complete for.
pub struct Page {
    /// In log order.
    pub events: Vec<proto::StoredEvent>,
    /// Empty on the last page.
    pub next: String,
    /// Size of the tree.
    pub size: u64,
}

/// Whether a checkpoint must meet the server's witness policy.
#[derive(Clone, Copy, Debug)]
pub struct Witnessed(pub bool);

/// A server.
#[derive(Clone)]
pub struct Client {
    server: String,
    clients: Clients,
}

impl Client {
    /// Connects to the server that the flags name.
    pub async fn connect(common: &Common) -> Result<Client, Failure> {
        Ok(Client::open(&common.server).await?)
    }

    /// Connects to an address.
    pub async fn open(server: &str) -> Result<Client, ClientError> {
        Ok(Client { server: server.to_owned(), clients: api::connect(server).await? })
    }

    /// The address as it was given.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Names the ledger and its newest state.
    pub async fn ledger(&mut self) -> Result<proto::GetLedgerResponse, ClientError> {
        Ok(self.clients.ledger.get_ledger(proto::GetLedgerRequest {}).await?.into_inner())
    }

    /// One event.
    pub async fn event(&mut self, index: u64, view: proto::EventView) -> Result<proto::StoredEvent, ClientError> {
        let which = Some(proto::get_event_request::Which::Index(index));
        let request = proto::GetEventRequest { which, view: view.into() };
        let answer = self.clients.ledger.get_event(request).await?.into_inner();
        answer.event.ok_or_else(|| empty("the event"))
    }

    /// Where events of a source stand; one answer for each id.
    pub async fn lookup(&mut self, source: Ref, ids: &[EventId]) -> Result<Vec<Option<u64>>, ClientError> {
        let event_ids = ids.iter().map(|id| Bytes::copy_from_slice(id.as_bytes())).collect();
        let request = proto::LookupEventsRequest { source: Bytes::copy_from_slice(source.as_bytes()), event_ids };
        let answer = self.clients.ledger.lookup_events(request).await?.into_inner();
        if answer.results.len() == ids.len() {
            Ok(answer.results.into_iter().map(|result| result.index).collect())
        } else {
            Err(empty("an answer for each id"))
        }
    }

    /// A page of the events that match.
    pub async fn list(&mut self, request: proto::ListEventsRequest) -> Result<Page, ClientError> {
        let answer = self.clients.ledger.list_events(request).await?.into_inner();
        let size = answer.as_of.map_or(0, |head| head.size);
        Ok(Page { events: answer.events, next: answer.next_page_token, size })
    }

    /// Follows the log, message by message.
    pub async fn subscribe(
        &mut self,
        request: proto::SubscribeRequest,
    ) -> Result<mpsc::Receiver<Result<proto::SubscribeResponse, ClientError>>, ClientError> {
        let stream = self.clients.subscription.subscribe(request).await?.into_inner();
        Ok(api::receive(stream, EVENTS_WAITING_MAX, |answer| answer))
    }

    /// A range of the log, handed over message by message.
    pub async fn read(
        &mut self,
        range: std::ops::Range<u64>,
        view: proto::EventView,
    ) -> Result<mpsc::Receiver<Result<Vec<proto::StoredEvent>, ClientError>>, ClientError> {
        let request = proto::ReadEventsRequest { from: range.start, to: Some(range.end), view: view.into() };
        let stream = self.clients.ledger.read_events(request).await?.into_inner();
        Ok(api::receive(stream, REPLIES_WAITING_MAX, |answer| answer.events))
    }

    /// Opens an append stream: what goes into `outgoing` is sent, what comes back is received.
    pub async fn append_stream(
        &mut self,
        outgoing: mpsc::Receiver<proto::AppendStreamRequest>,
    ) -> Result<mpsc::Receiver<Result<proto::AppendStreamResponse, ClientError>>, ClientError> {
        let stream = self.clients.ledger.append_stream(ReceiverStream::new(outgoing)).await?.into_inner();
        Ok(api::receive(stream, REPLIES_WAITING_MAX, |answer| answer))
    }

    /// The newest checkpoint.
    pub async fn checkpoint(&mut self, witnessed: Witnessed) -> Result<Bytes, ClientError> {
        let request = proto::GetCheckpointRequest { witnessed: witnessed.0 };
        Ok(self.clients.proof.get_checkpoint(request).await?.into_inner().note)
    }

    /// A receipt.
    pub async fn receipt(
        &mut self,
        index: u64,
        redacted: bool,
        witnessed: Witnessed,
    ) -> Result<proto::GetReceiptResponse, ClientError> {
        let request = proto::GetReceiptRequest { index, redacted, witnessed: witnessed.0 };
        Ok(self.clients.proof.get_receipt(request).await?.into_inner())
    }

    /// A consistency proof.
    pub async fn consistency(
        &mut self,
        old_size: u64,
        new_size: u64,
    ) -> Result<proto::GetConsistencyProofResponse, ClientError> {
        let request = proto::GetConsistencyProofRequest { old_size, new_size };
        Ok(self.clients.proof.get_consistency_proof(request).await?.into_inner())
    }

    /// Every key, of one source or of all.
    pub async fn keys(&mut self, source: Bytes, in_force: bool) -> Result<Vec<proto::Key>, ClientError> {
        let mut keys = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = proto::ListKeysRequest { source: source.clone(), in_force, page_size: PAGE_SIZE, page_token };
            let answer = self.clients.key.list_keys(request).await?.into_inner();
            keys.extend(answer.keys);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return Ok(keys);
            }
        }
    }

    /// What the holder of a key needs.
    pub async fn ref_key(&mut self, request: proto::GetRefKeyRequest) -> Result<proto::GetRefKeyResponse, ClientError> {
        Ok(self.clients.key.get_ref_key(request).await?.into_inner())
    }

    /// Sends a `key.enrolled`.
    pub async fn enroll_key(&mut self, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let request = proto::EnrollKeyRequest { frame: Some(frame) };
        let answer = self.clients.key.enroll_key(request).await?.into_inner();
        answer.placement.ok_or_else(|| empty("the command's place"))
    }

    /// Sends a `key.rotated`.
    pub async fn rotate_key(&mut self, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let request = proto::RotateKeyRequest { frame: Some(frame) };
        let answer = self.clients.key.rotate_key(request).await?.into_inner();
        answer.placement.ok_or_else(|| empty("the command's place"))
    }

    /// Sends a `body.erased`.
    pub async fn erase(&mut self, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let request = proto::EraseBodiesRequest { frame: Some(frame) };
        let answer = self.clients.erasure.erase_bodies(request).await?.into_inner();
        answer.placement.ok_or_else(|| empty("the command's place"))
    }

    /// Sends a `policy.published`.
    pub async fn publish_policy(&mut self, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let request = proto::PublishPolicyRequest { frame: Some(frame) };
        let answer = self.clients.policy.publish_policy(request).await?.into_inner();
        answer.placement.ok_or_else(|| empty("PublishPolicy"))
    }

    /// Sends a `policy.retired`.
    pub async fn retire_policy(&mut self, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let request = proto::RetirePolicyRequest { frame: Some(frame) };
        let answer = self.clients.policy.retire_policy(request).await?.into_inner();
        answer.placement.ok_or_else(|| empty("RetirePolicy"))
    }

    /// The sets that were published, newest first.
    pub async fn policies(&mut self) -> Result<Vec<proto::PublishedPolicy>, ClientError> {
        Ok(self.clients.policy.list_policies(proto::ListPoliciesRequest {}).await?.into_inner().policies)
    }

    /// A set; an empty digest asks for the one in force.
    pub async fn policy(&mut self, policy_digest: Bytes) -> Result<proto::GetPolicyResponse, ClientError> {
        Ok(self.clients.policy.get_policy(proto::GetPolicyRequest { policy_digest }).await?.into_inner())
    }

    /// Indexes of the erasures that are not finished.
    pub async fn pending_erasures(&mut self) -> Result<Vec<u64>, ClientError> {
        let request = proto::ListPendingErasuresRequest {};
        Ok(self.clients.erasure.list_pending_erasures(request).await?.into_inner().indexes)
    }

    /// Sends a `key.revoked`.
    pub async fn revoke_key(&mut self, frame: proto::Frame) -> Result<proto::Placement, ClientError> {
        let request = proto::RevokeKeyRequest { frame: Some(frame) };
        let answer = self.clients.key.revoke_key(request).await?.into_inner();
        answer.placement.ok_or_else(|| empty("the command's place"))
    }

    /// Makes a persistent subscription.
    pub async fn create_subscription(
        &mut self,
        request: proto::CreateSubscriptionRequest,
    ) -> Result<proto::Subscription, ClientError> {
        let answer = self.clients.subscription.create_subscription(request).await?.into_inner();
        answer.subscription.ok_or_else(|| empty("the subscription"))
    }

    /// How a persistent subscription stands.
    pub async fn subscription(&mut self, name: String) -> Result<proto::Subscription, ClientError> {
        let request = proto::GetSubscriptionRequest { name };
        let answer = self.clients.subscription.get_subscription(request).await?.into_inner();
        answer.subscription.ok_or_else(|| empty("the subscription"))
    }

    /// Every persistent subscription.
    pub async fn subscriptions(&mut self) -> Result<Vec<proto::Subscription>, ClientError> {
        let request = proto::ListSubscriptionsRequest {};
        Ok(self.clients.subscription.list_subscriptions(request).await?.into_inner().subscriptions)
    }

    /// Deletes a persistent subscription.
    pub async fn delete_subscription(&mut self, name: String) -> Result<(), ClientError> {
        self.clients.subscription.delete_subscription(proto::DeleteSubscriptionRequest { name }).await?;
        Ok(())
    }

    /// Everything that a persistent subscription has put aside.
    pub async fn parked(&mut self, name: &str) -> Result<Vec<proto::ParkedEvent>, ClientError> {
        let (mut events, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = proto::ListParkedEventsRequest { name: name.to_owned(), page_size: PAGE_SIZE, page_token };
            let answer = self.clients.subscription.list_parked_events(request).await?.into_inner();
            events.extend(answer.events);
            page_token = answer.next_page_token;
            if page_token.is_empty() {
                return Ok(events);
            }
        }
    }

    /// Lets parked events be delivered again; no index means all. How many.
    pub async fn replay(&mut self, name: String, indexes: Vec<u64>) -> Result<u32, ClientError> {
        let request = proto::ReplayParkedEventsRequest { name, indexes };
        Ok(self.clients.subscription.replay_parked_events(request).await?.into_inner().count)
    }

    /// Consumes a persistent subscription: what goes into `outgoing` is sent, what comes back is received.
    pub async fn consume(
        &mut self,
        outgoing: mpsc::Receiver<proto::ConsumeRequest>,
    ) -> Result<mpsc::Receiver<Result<proto::ConsumeResponse, ClientError>>, ClientError> {
        let stream = self.clients.subscription.consume(ReceiverStream::new(outgoing)).await?.into_inner();
        Ok(api::receive(stream, EVENTS_WAITING_MAX, |answer| answer))
    }
}

fn empty(what: &str) -> ClientError {
    ClientError {
        code: "INTERNAL",
        reason: None,
        message: format!("the server's answer lacks {what}"),
        metadata: [("remedy".to_owned(), "compare the versions of server and client".to_owned())].into(),
    }
}

/// A stream that ended without a word: the server closed it, or went away.
pub fn ended() -> ClientError {
    ClientError {
        code: "UNAVAILABLE",
        reason: None,
        message: "the server ended the stream".to_owned(),
        metadata: std::collections::BTreeMap::new(),
    }
}

/// The event of a refused frame that the server named.
pub fn offset(error: &ClientError) -> Option<usize> {
    let named = error.metadata.get("offset").or_else(|| error.metadata.get("offsets"))?;
    named.split(',').next()?.parse().ok()
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        let reason = error.reason.as_deref().unwrap_or(error.code);
        let next = match (remedy::of(reason, &error.metadata), error.remedy()) {
            (Some(ours), _) => ours.to_owned(),
            (None, Some(theirs)) => theirs.to_owned(),
            (None, None) if error.retryable() => "start the server, or name its address with --server".to_owned(),
            (None, None) => String::new(),
        };
        let told = error.reason.is_none() || error.message.contains(reason);
        let message = if told { error.message.clone() } else { format!("{} ({reason})", error.message) };
        let failure = match (reason, error.code) {
            _ if error.refused_by_rule() => Failure::refused(message, next),
            ("STORAGE_FAILED" | "CORRUPT" | "READ_FAILED", _) => Failure::storage(message, next),
            (_, "PERMISSION_DENIED" | "UNAUTHENTICATED") => Failure::refused(message, next),
            // What was typed cannot stand as it is.
            ("FIELD_INVALID" | "INVALID_ARGUMENT", _) => Failure::usage(message, next),
            _ => Failure::failed(message, next),
        };
        Failure { reason: Some(reason.to_owned()), facts: error.metadata.clone(), ..failure }
    }
}
