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

    /// States that an interval is read as evidence.
    pub async fn record_read(
        &mut self,
        request: proto::RecordReadRequest,
    ) -> Result<proto::RecordReadResponse, ClientError> {
        Ok(self.clients.evidence.record_read(request).await?.into_inner())
    }

    /// States that a package was made.
    pub async fn record_export(
        &mut self,
        request: proto::RecordExportRequest,
    ) -> Result<proto::RecordExportResponse, ClientError> {
        Ok(self.clients.evidence.record_export(request).await?.into_inner())
    }

    /// How the computed tests stand.
    pub async fn controls(&mut self) -> Result<proto::GetControlsResponse, ClientError> {
        Ok(self.clients.evidence.get_controls(proto::GetControlsRequest {}).await?.into_inner())
    }

    /// Has the computed tests run.
    pub async fn run_tests(&mut self, request: proto::RunTestsRequest) -> Result<proto::RunTestsResponse, ClientError> {
        Ok(self.clients.evidence.run_tests(request).await?.into_inner())
    }

    /// Past runs, the newest first: a page of so many at most.
    pub async fn runs(&mut self, page_size: i32) -> Result<Vec<proto::Run>, ClientError> {
        let request = proto::ListRunsRequest { page_size, page_token: String::new() };
        Ok(self.clients.evidence.list_runs(request).await?.into_inner().runs)
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
