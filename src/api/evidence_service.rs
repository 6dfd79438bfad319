//! `EvidenceService`: what evidence packages rest on, and who took them. It renders and judges none: whoever writes a
//! package does.

use crate::api::annotate;
use crate::api::controls;
use crate::api::proto;
use crate::api::proto::evidence_service_server::EvidenceService;
use crate::api::reason::Fault;
use crate::api::recorded;
use crate::api::shared::{Shared, deadline, late, stopping_fault, until_deadline};
use crate::ledger::{Interval, ReadError, Reader};
use crate::limits;
use bytes::Bytes;
use deedbook_verify::package::Period;
use deedbook_verify::words::{Micros, TreeSize};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status};

type Parts = ReceiverStream<Result<proto::ReadStartResponse, Status>>;

/// The service.
pub struct Evidence {
    shared: Arc<Shared>,
}

impl Evidence {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Evidence {
        Evidence { shared }
    }

    /// Reads what stood before, then hands it out part by part. A client that is gone ends it at the next part.
    fn start(&self, request: Request<proto::ReadStartRequest>) -> Result<Response<Parts>, Fault> {
        let limit = deadline(request.metadata());
        let begins = TreeSize(request.into_inner().begins);
        if begins.0 == 0 {
            return Err(Fault::field("begins", "an interval that begins with genesis has nothing before it"));
        }
        let permit = self.shared.enter_stream()?;
        let (parts, stream) = mpsc::channel(limits::STREAM_RESPONSES_MAX);
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            let _permit = permit;
            let end = tokio::select! {
                () = until_deadline(limit) => Err(late()),
                () = shared.stopping() => Err(stopping_fault()),
                () = parts.closed() => Ok(()),
                end = send(&shared, begins, &parts) => end,
            };
            let status = end.map_err(Status::from);
            annotate::count("ReadStart", status.as_ref().err().map_or(Code::Ok, Status::code));
            if let Err(status) = status {
                // A client that is gone needs no status.
                let _ = parts.send(Err(status)).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }
}

async fn send(
    shared: &Shared,
    begins: TreeSize,
    parts: &mpsc::Sender<Result<proto::ReadStartResponse, Status>>,
) -> Result<(), Fault> {
    let start = shared.read(move |reader: &Reader| reader.start_of(begins)).await?;
    let bytes = Bytes::from(start.to_bytes());
    let mut sent = 0usize;
    while sent < bytes.len() {
        let end = bytes.len().min(sent.saturating_add(limits::START_PART_BYTES));
        if parts.send(Ok(proto::ReadStartResponse { part: bytes.slice(sent..end) })).await.is_err() {
            return Ok(());
        }
        sent = end;
    }
    Ok(())
}

fn interval(reader: &Reader, request: &proto::GetIntervalRequest) -> Result<proto::GetIntervalResponse, Fault> {
    let period = Period { from: Micros(request.from_micros), to: Micros(request.to_micros) };
    if period.from >= period.to {
        return Err(Fault::field("to_micros", "the period ends where it begins, or before"));
    }
    let Interval { begins, ends } = match &request.sizes {
        Some(sizes) => Interval { begins: TreeSize(sizes.begins), ends: TreeSize(sizes.ends) },
        None => reader.interval_of(period)?,
    };
    if begins >= ends {
        return Err(Fault::field("sizes", format!("{begins} is not below {ends}")));
    }
    let note = |size: TreeSize| -> Result<Bytes, ReadError> { Ok(Bytes::from(reader.note_of(size)?)) };
    Ok(proto::GetIntervalResponse {
        sizes: Some(proto::Sizes { begins: begins.0, ends: ends.0 }),
        start_note: if begins.0 == 0 { Bytes::new() } else { note(begins)? },
        end_note: note(ends)?,
    })
}

#[tonic::async_trait]
impl EvidenceService for Evidence {
    async fn get_interval(
        &self,
        request: Request<proto::GetIntervalRequest>,
    ) -> Result<Response<proto::GetIntervalResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = self.shared.read(move |reader: &Reader| interval(reader, &request));
        self.shared.answer(&metadata, work).await
    }

    type ReadStartStream = Parts;

    async fn read_start(
        &self,
        request: Request<proto::ReadStartRequest>,
    ) -> Result<Response<Self::ReadStartStream>, Status> {
        self.start(request).map_err(Status::from)
    }

    async fn record_read(
        &self,
        request: Request<proto::RecordReadRequest>,
    ) -> Result<Response<proto::RecordReadResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, recorded::read(&self.shared, request)).await
    }

    async fn record_export(
        &self,
        request: Request<proto::RecordExportRequest>,
    ) -> Result<Response<proto::RecordExportResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, recorded::export(&self.shared, request)).await
    }

    async fn get_controls(
        &self,
        request: Request<proto::GetControlsRequest>,
    ) -> Result<Response<proto::GetControlsResponse>, Status> {
        self.shared.answer(request.metadata(), controls::standing(&self.shared)).await
    }

    async fn list_runs(
        &self,
        request: Request<proto::ListRunsRequest>,
    ) -> Result<Response<proto::ListRunsResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, controls::list(&self.shared, request)).await
    }

    async fn run_tests(
        &self,
        request: Request<proto::RunTestsRequest>,
    ) -> Result<Response<proto::RunTestsResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, async { controls::start(&self.shared, request) }).await
    }
}
