//! `KeyService`: key commands are frames like any other; lists come from the folded history; the ref key goes only to
//! whoever proves to hold a key in force. It folds nothing itself.

use crate::api::proto::key_service_server::KeyService;
use crate::api::proto::{
    EnrollKeyRequest, EnrollKeyResponse, GetRefKeyRequest, GetRefKeyResponse, ListKeysRequest, ListKeysResponse,
    RevokeKeyRequest, RevokeKeyResponse, RotateKeyRequest, RotateKeyResponse,
};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::{append, convert, list, signed};
use crate::ledger::Reader;
use bytes::Bytes;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{KeyId, LedgerId, Micros};
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// What the holder of a key signs to be given the ref key.
pub fn ref_key_request(ledger: LedgerId, time: Micros) -> Vec<u8> {
    signed::signed_bytes(ledger, "GetRefKey", time, &[])
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
        signed::check_time(&self.shared, time)?;
        let reader = self.shared.ledger.reader();
        let bytes = ref_key_request(reader.ledger_id(), time);
        let source = signed::holder(&reader, key_id, &bytes, &request.signature).ok_or_else(signed::stranger)?;
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
