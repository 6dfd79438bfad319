//! A question about lineage ends when nobody waits for its answer any more, over a real socket: the thread that runs it is
//! told, whether the caller went away or its time is over. That passes listen is tested where they are.

use super::Rig;
use crate::api::lineage_service::Lineages;
use crate::api::proto;
use crate::api::proto::lineage_service_client::LineageServiceClient;
use crate::api::proto::lineage_service_server::{LineageService, LineageServiceServer};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::clock::Clock;
use crate::ledger::Reader;
use crate::lineage::{Halt, Stop};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

/// What a waiting question tells: that it runs, and then why it stopped.
type Told = mpsc::Sender<Option<Halt>>;

/// The service, with one question that never ends by itself.
struct Endless {
    lineages: Lineages,
    told: Told,
}

fn endless(told: &Told, stop: &dyn Stop) -> proto::GetLineageStatsResponse {
    told.blocking_send(None).unwrap();
    loop {
        if let Some(halt) = stop.poll() {
            told.blocking_send(Some(halt)).unwrap();
            return proto::GetLineageStatsResponse::default();
        }
        std::thread::yield_now();
    }
}

macro_rules! others {
    ($($name:ident, $request:ident => $response:ident;)+) => {
        #[tonic::async_trait]
        impl LineageService for Endless {
            async fn get_lineage_stats(
                &self,
                request: Request<proto::GetLineageStatsRequest>,
            ) -> Result<Response<proto::GetLineageStatsResponse>, Status> {
                let told = self.told.clone();
                let work = move |_: &Reader, stop: &dyn Stop| Ok::<_, Fault>(endless(&told, stop));
                self.lineages.ask(request.metadata(), work).await
            }

            $(
                async fn $name(&self, request: Request<proto::$request>) -> Result<Response<proto::$response>, Status> {
                    self.lineages.$name(request).await
                }
            )+
        }
    };
}

others! {
    trace_lineage, TraceLineageRequest => TraceLineageResponse;
    find_lineage_paths, FindLineagePathsRequest => FindLineagePathsResponse;
    find_unapproved_path, FindUnapprovedPathRequest => FindUnapprovedPathResponse;
    get_lineage_coverage, GetLineageCoverageRequest => GetLineageCoverageResponse;
    list_choke_points, ListChokePointsRequest => ListChokePointsResponse;
    find_lineage_cut, FindLineageCutRequest => FindLineageCutResponse;
    prove_lineage, ProveLineageRequest => ProveLineageResponse;
    get_contamination, GetContaminationRequest => GetContaminationResponse;
    diff_lineage, DiffLineageRequest => DiffLineageResponse;
    list_lineage, ListLineageRequest => ListLineageResponse;
    search_lineage, SearchLineageRequest => SearchLineageResponse;
}

async fn served(rig: &Rig, told: Told) -> (SocketAddr, watch::Sender<bool>) {
    let (stop, stopping) = watch::channel(false);
    let shared = Shared::new(rig.ledger.clone(), Clock::system(), stopping);
    let service = LineageServiceServer::new(Endless { lineages: Lineages::new(Arc::new(shared)), told });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tonic::transport::Server::builder().add_service(service);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    (address, stop)
}

/// What it tells next; a minute is for ever.
async fn hears(told: &mut mpsc::Receiver<Option<Halt>>) -> Option<Halt> {
    timeout(Duration::from_secs(60), told.recv()).await.expect("the question goes on").unwrap()
}

#[tokio::test]
async fn a_question_stops_when_its_caller_goes_away_or_has_no_time_left() {
    let rig = Rig::start().await;
    let (told, mut heard) = mpsc::channel(4);
    let (address, _stop) = served(&rig, told).await;
    let mut client = LineageServiceClient::connect(format!("http://{address}")).await.unwrap();

    let mut caller = client.clone();
    let call = tokio::spawn(async move { caller.get_lineage_stats(proto::GetLineageStatsRequest {}).await });
    assert_eq!(hears(&mut heard).await, None, "it runs");
    call.abort();
    assert_eq!(hears(&mut heard).await, Some(Halt::Cancelled));

    let mut request = Request::new(proto::GetLineageStatsRequest {});
    request.set_timeout(Duration::from_millis(500));
    let answer = client.get_lineage_stats(request).await;
    assert_eq!((hears(&mut heard).await, hears(&mut heard).await), (None, Some(Halt::Deadline)));
    assert!(answer.is_ok(), "what was found in time is the answer");
    rig.stop().await;
}
