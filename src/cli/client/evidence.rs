//! What evidence packages rest on, asked of a server.

use super::{Client, REPLIES_WAITING_MAX};
use crate::api::{self, ClientError, proto};
use deedbook_verify::limits::BEFORE_BYTES_MAX;

impl Client {
    /// The interval of a period, or the named one.
    pub async fn interval(
        &mut self,
        request: proto::GetIntervalRequest,
    ) -> Result<proto::GetIntervalResponse, ClientError> {
        Ok(self.clients.evidence.get_interval(request).await?.into_inner())
    }

    /// What stood before an interval, as a package holds it; at most one byte more than that may have.
    pub async fn start_of(&mut self, begins: u64) -> Result<Vec<u8>, ClientError> {
        let stream = self.clients.evidence.read_start(proto::ReadStartRequest { begins }).await?.into_inner();
        let mut parts = api::receive(stream, REPLIES_WAITING_MAX, |answer| answer.part);
        let mut bytes = Vec::new();
        while let Some(part) = parts.recv().await {
            bytes.extend_from_slice(&part?);
            if bytes.len() > BEFORE_BYTES_MAX {
                break;
            }
        }
        Ok(bytes)
    }
}
