//! `KeyService`: key commands are frames like any other; lists come from the folded history; the ref key goes only to
//! whoever proves to hold a key in force. It folds nothing itself.

use crate::api::proto::key_service_server::KeyService;
use crate::api::proto::{
    EnrollKeyRequest, EnrollKeyResponse, GetRefKeyRequest, GetRefKeyResponse, ListKeysRequest, ListKeysResponse,
    Reason, RevokeKeyRequest, RevokeKeyResponse, RotateKeyRequest, RotateKeyResponse,
};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::{append, convert, list};
use crate::ledger::Reader;
use crate::limits;
use bytes::Bytes;
use deedbook_verify::frame::{SignerRole, pre_authentication_encoding};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Index, KeyId, LedgerId, Micros, Ref};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The DSSE payload type of signed requests.
pub const REQUEST_TYPE: &str = "application/vnd.deedbook.request.v1";

/// What the holder of a key signs to be given the ref key.
pub fn ref_key_request(ledger: LedgerId, time: Micros) -> Vec<u8> {
    let payload = [ledger.as_bytes(), b"GetRefKey", &time.0.to_be_bytes()].concat();
    pre_authentication_encoding(REQUEST_TYPE, &payload)
}

/// The service.
pub struct Keys {
    shared: Arc<Shared>,
}

impl Keys {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Keys {
        Keys { shared }
    }

    async fn ref_key(&self, request: GetRefKeyRequest) -> Result<GetRefKeyResponse, Fault> {
        let key_id = KeyId(convert::array("key_id", &request.key_id)?);
        let time = Micros(request.time_micros);
        // Judged first and told apart, because it depends on the request alone and only its sender can mend it.
        if self.shared.clock.wall().0.abs_diff(time.0) > limits::REQUEST_TIME_WINDOW_MS.saturating_mul(1_000) {
            let window = limits::REQUEST_TIME_WINDOW_MS;
            let message = format!("the request's time is more than {window} ms from the server's");
            return Err(Fault::new(Reason::RequestTimeOutside, message).with("window_ms", window));
        }
        let reader = self.shared.ledger.reader();
        let source = holder(&reader, key_id, time, &request.signature).ok_or_else(|| {
            Fault::new(Reason::RequestNotAuthenticated, "the request is not signed by a key in force")
        })?;
        let last = self.shared.read(move |reader: &Reader| reader.source_head(source)).await?;
        Ok(GetRefKeyResponse {
            ledger_id: Bytes::copy_from_slice(reader.ledger_id().as_bytes()),
            source: convert::reference(source),
            ref_key: Bytes::copy_from_slice(&reader.ref_key().0),
            last_epoch: last.map_or(0, |head| head.epoch.0),
            last_sequence: last.map_or(0, |head| head.sequence.0),
        })
    }
}

/// The source of a key in force that signed this request. An unknown key is met with a signature check too, so that
/// the time of the answer does not tell which keys there are.
fn holder(reader: &Reader, key_id: KeyId, time: Micros, signature: &[u8]) -> Option<Ref> {
    let signed = ref_key_request(reader.ledger_id(), time);
    let keys = reader.keys();
    let now = Index(reader.head().size.0);
    let tenure = keys.tenure(&key_id).filter(|tenure| tenure.role == SignerRole::Source && tenure.in_force(now));
    let key = tenure.map_or(reader.verifier_key().key(), |tenure| &tenure.key);
    let accepted = key.accepts(&signed, signature);
    tenure.filter(|_| accepted).map(|tenure| tenure.source)
}

#[tonic::async_trait]
impl KeyService for Keys {
    async fn enroll_key(&self, request: Request<EnrollKeyRequest>) -> Result<Response<EnrollKeyResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let placement = append::command(&self.shared, Kind::KeyEnrolled, request.frame).await?;
            Ok(EnrollKeyResponse { placement: Some(convert::placement(&placement)) })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn rotate_key(&self, request: Request<RotateKeyRequest>) -> Result<Response<RotateKeyResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let placement = append::command(&self.shared, Kind::KeyRotated, request.frame).await?;
            Ok(RotateKeyResponse { placement: Some(convert::placement(&placement)) })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn revoke_key(&self, request: Request<RevokeKeyRequest>) -> Result<Response<RevokeKeyResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let placement = append::command(&self.shared, Kind::KeyRevoked, request.frame).await?;
            Ok(RevokeKeyResponse { placement: Some(convert::placement(&placement)) })
        };
        self.shared.answer(&metadata, work).await
    }

    async fn list_keys(&self, request: Request<ListKeysRequest>) -> Result<Response<ListKeysResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, list::keys(&self.shared, request)).await
    }

    async fn get_ref_key(&self, request: Request<GetRefKeyRequest>) -> Result<Response<GetRefKeyResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, self.ref_key(request)).await
    }
}
