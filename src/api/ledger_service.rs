//! `LedgerService`: takes requests apart, asks the ledger, puts answers together. Streams have files of their own.

use crate::api::proto::ledger_service_server::LedgerService;
use crate::api::proto::{
    AppendRequest, AppendResponse, AppendStreamRequest, AppendStreamResponse, GetEventRequest, GetEventResponse,
    GetLedgerRequest, GetLedgerResponse, ListEventsRequest, ListEventsResponse, LookupEventsRequest,
    LookupEventsResponse, LookupEventsResult, ReadEventsRequest, ReadEventsResponse, get_event_request::Which,
};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::{append, convert, list, range, stream};
use crate::ledger::{ReadError, Reader};
use crate::limits;
use bytes::Bytes;
use deedbook_verify::words::{EventId, Index, Ref};
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// The service.
pub struct Ledgers {
    shared: Arc<Shared>,
}

impl Ledgers {
    /// Serves a ledger.
    pub fn new(shared: Arc<Shared>) -> Ledgers {
        Ledgers { shared }
    }

    async fn get_event_of(&self, request: GetEventRequest) -> Result<GetEventResponse, Fault> {
        let bodies = convert::bodies(request.view)?;
        let wanted = match convert::required("which", request.which)? {
            Which::Index(index) => Wanted::At(Index(index)),
            Which::Name(name) => Wanted::Named {
                source: Ref(convert::array("name.source", &name.source)?),
                event_id: EventId(convert::array("name.event_id", &name.event_id)?),
            },
        };
        let read = move |reader: &Reader| {
            let index = match wanted {
                Wanted::At(index) => index,
                Wanted::Named { source, event_id } => {
                    reader.find(source, event_id)?.ok_or(ReadError::NotFound { what: "event" })?
                }
            };
            reader.event(index, bodies)
        };
        let event = self.shared.read(read).await?;
        Ok(GetEventResponse { event: Some(convert::stored(event)) })
    }

    async fn lookup(&self, request: LookupEventsRequest) -> Result<LookupEventsResponse, Fault> {
        let source = Ref(convert::array("source", &request.source)?);
        let count = request.event_ids.len();
        if count == 0 || count > limits::LOOKUP_IDS_MAX {
            let problem = format!("{count} ids; 1 to {} are possible", limits::LOOKUP_IDS_MAX);
            return Err(Fault::field("event_ids", problem));
        }
        let id = |bytes: &Bytes| convert::array("event_ids", bytes).map(EventId);
        let ids = request.event_ids.iter().map(id).collect::<Result<Vec<EventId>, Fault>>()?;
        let find = move |reader: &Reader| -> Result<Vec<LookupEventsResult>, ReadError> {
            let one = |id| Ok(LookupEventsResult { index: reader.find(source, id)?.map(|index| index.0) });
            ids.into_iter().map(one).collect()
        };
        Ok(LookupEventsResponse { results: self.shared.read(find).await? })
    }

    /// All of it is in memory.
    fn describe(&self) -> GetLedgerResponse {
        let reader = self.shared.ledger.reader();
        GetLedgerResponse {
            ledger_id: Bytes::copy_from_slice(reader.ledger_id().as_bytes()),
            origin: reader.origin().to_owned(),
            verifier_key: reader.verifier_key().to_string(),
            head: Some(convert::head(reader.head())),
            ledger_source: convert::reference(reader.ledger_source()),
            anchors: u32::try_from(self.shared.ledger.status().anchors).unwrap_or(u32::MAX),
        }
    }
}

/// The event that a request names.
enum Wanted {
    At(Index),
    Named { source: Ref, event_id: EventId },
}

#[tonic::async_trait]
impl LedgerService for Ledgers {
    async fn append(&self, request: Request<AppendRequest>) -> Result<Response<AppendResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        let work = async {
            let placement = append::frame(&self.shared, request.frame).await?;
            let leaf_hashes = convert::hashes(&placement.leaves);
            Ok(AppendResponse { placement: Some(convert::placement(&placement)), leaf_hashes })
        };
        self.shared.answer(&metadata, work).await
    }

    type AppendStreamStream = ReceiverStream<Result<AppendStreamResponse, Status>>;

    async fn append_stream(
        &self,
        request: Request<Streaming<AppendStreamRequest>>,
    ) -> Result<Response<Self::AppendStreamStream>, Status> {
        stream::open(&self.shared, request).map_err(Status::from)
    }

    async fn get_event(&self, request: Request<GetEventRequest>) -> Result<Response<GetEventResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, self.get_event_of(request)).await
    }

    async fn lookup_events(
        &self,
        request: Request<LookupEventsRequest>,
    ) -> Result<Response<LookupEventsResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, self.lookup(request)).await
    }

    async fn list_events(&self, request: Request<ListEventsRequest>) -> Result<Response<ListEventsResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        self.shared.answer(&metadata, list::events(&self.shared, request)).await
    }

    type ReadEventsStream = ReceiverStream<Result<ReadEventsResponse, Status>>;

    async fn read_events(
        &self,
        request: Request<ReadEventsRequest>,
    ) -> Result<Response<Self::ReadEventsStream>, Status> {
        range::open(&self.shared, request).map_err(Status::from)
    }

    async fn get_ledger(&self, request: Request<GetLedgerRequest>) -> Result<Response<GetLedgerResponse>, Status> {
        self.shared.answer(request.metadata(), async { Ok(self.describe()) }).await
    }
}
