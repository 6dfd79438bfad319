//! HTTP on a port of its own: the log as static tiles, `/livez`, `/readyz`, `/metrics`, and events of OpenLineage
//! coming in. It signs nothing and shows no body. The pages of a witness, which is another server, stand in `witness`.

mod governance;
mod listener;
mod metrics;
mod openlineage;
mod runs;
mod tiles;
mod witness;

pub use metrics::Metrics;
pub use witness::serve_witness;

use crate::clock::Clock;
use crate::http::listener::Bounded;
use crate::http::tiles::Budget;
use crate::ledger::{Ledger, Status};
use crate::limits;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::future::Future;
use std::net::SocketAddr;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Why the server does not start.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {error}; choose another with --http")]
pub struct HttpError {
    address: SocketAddr,
    error: std::io::Error,
}

/// A running server.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    served: JoinHandle<()>,
}

impl HttpServer {
    /// Listens and serves. Port 0 takes a free one; `address` tells which.
    pub async fn start(ledger: Ledger, listen: SocketAddr) -> Result<HttpServer, HttpError> {
        let site = Site { ledger, metrics: Metrics::install(), budget: Budget::new() };
        HttpServer::serve(router(site), listen).await
    }

    async fn serve(app: Router, listen: SocketAddr) -> Result<HttpServer, HttpError> {
        let cannot_listen = |error| HttpError { address: listen, error };
        let listener = TcpListener::bind(listen).await.map_err(cannot_listen)?;
        let address = listener.local_addr().map_err(cannot_listen)?;
        let (stop, mut stopping) = watch::channel(false);
        let stopped = async move {
            // An error means that the handle is gone, which is a stop too.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        };
        let served = tokio::spawn(async move {
            let serving = axum::serve(Bounded::new(listener), app).with_graceful_shutdown(stopped);
            if let Err(error) = serving.await {
                tracing::error!(%error, "the HTTP server ended");
            }
        });
        Ok(HttpServer { address, stop, served })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Accepts nothing more and waits for the answers under way.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if timeout(limits::HTTP_TIMEOUT, &mut self.served).await.is_err() {
            self.served.abort();
        }
    }
}

#[derive(Clone)]
struct Site {
    ledger: Ledger,
    metrics: Metrics,
    budget: Budget,
}

fn router(site: Site) -> Router {
    let witnessed = witness::pages(site.ledger.clone());
    let openlineage = openlineage::pages(site.clone());
    Router::new()
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_page))
        .fallback(get(tiles::page).fallback(unknown))
        .with_state(site)
        .merge(witnessed)
        .merge(openlineage)
        .layer(DefaultBodyLimit::max(limits::HTTP_BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
}

/// Something is sent to where nothing is taken.
async fn unknown(place: Uri) -> Response {
    if place.path().starts_with("/api/") {
        let text = "nothing is taken here: events of OpenLineage go to /api/v1/lineage or /api/v1/lineage/batch\n";
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET,HEAD")]).into_response()
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = within(next.run(request)).await;
    metrics::count_answer(answer.status());
    answer
}

async fn within(answer: impl Future<Output = Response>) -> Response {
    match timeout(limits::HTTP_TIMEOUT, answer).await {
        Ok(answer) => answer,
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the answer took too long\n").into_response(),
    }
}

/// The process runs and answers; restarting it would mend nothing else.
async fn livez() -> &'static str {
    "ok\n"
}

/// Whether appends are taken.
async fn readyz(State(site): State<Site>) -> (StatusCode, String) {
    let (code, text) = readiness(&site.ledger.status());
    let reader = site.ledger.reader();
    let witnesses = witness::warnings(reader.witness_health().as_ref());
    let runs = runs::warnings(&site.ledger.tests_status());
    (code, text + &witnesses + &runs + &governance::warnings(&reader.authority(), Clock::system().wall()))
}

fn readiness(status: &Status) -> (StatusCode, String) {
    let size = status.head.size;
    let entries = if size.0 == 1 { "1 entry".to_owned() } else { format!("{size} entries") };
    match (&status.reason, status.ready) {
        (None, true) if status.anchors < 2 => (
            StatusCode::OK,
            format!(
                "ready: {entries}\nwarning: the head anchor has one member, so a roll-back of this whole machine \
                 would go unnoticed here; keep checkpoints elsewhere\n"
            ),
        ),
        (None, true) => (StatusCode::OK, format!("ready: {entries}\n")),
        (Some(reason), _) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")),
        (None, false) => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n".to_owned()),
    }
}

async fn metrics_page(State(site): State<Site>) -> Response {
    let page = site.metrics.render(&site.ledger).await;
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], page).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::ledger::{self, DataDir, OpenOptions};
    use deedbook_verify::hash;
    use deedbook_verify::tree::TreeHead;
    use deedbook_verify::words::TreeSize;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    async fn get(address: SocketAddr, path: &str) -> String {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_pages_answer() {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::new(folder.path().join("data"));
        ledger::init(&dir, "test.example/log", &[], &Clock::system()).unwrap();
        let ledger = Ledger::open(&dir, OpenOptions::default()).unwrap();
        let server = HttpServer::start(ledger.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = server.address();
        assert!(get(address, "/livez").await.starts_with("HTTP/1.1 200"));
        let ready = get(address, "/readyz").await;
        assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("ready: 1 entry\n"), "{ready}");
        let metrics = get(address, "/metrics").await;
        assert!(metrics.contains("\ndeedbook_tree_size 1\n"), "{metrics}");
        assert!(metrics.contains("\ndeedbook_checkpoint_size 1\n"), "{metrics}");
        assert!(get(address, "/checkpoint").await.starts_with("HTTP/1.1 200"));
        assert!(get(address, "/checkpoints").await.starts_with("HTTP/1.1 404"));
        let metrics = get(address, "/metrics").await;
        assert!(metrics.contains("\ndeedbook_http_requests_total{status=\"404\"} "), "{metrics}");
        let closed = ledger.clone();
        tokio::task::spawn_blocking(move || closed.close()).await.unwrap();
        assert!(get(address, "/readyz").await.starts_with("HTTP/1.1 503"));
        server.stop().await;
    }

    #[test]
    fn readiness_says_what_is_wrong() {
        let head = TreeHead { size: TreeSize(3), root: hash::empty_root() };
        let status = |ready, reason: Option<&str>, anchors| {
            readiness(&Status { ready, reason: reason.map(str::to_owned), anchors, head, queue_bytes: 0 })
        };
        assert_eq!(status(true, None, 2), (StatusCode::OK, "ready: 3 entries\n".to_owned()));
        let (code, text) = status(true, None, 1);
        assert!(code == StatusCode::OK && text.contains("one member"));
        let (code, text) = status(false, Some("the disk is full"), 2);
        assert!(code == StatusCode::SERVICE_UNAVAILABLE && text.contains("the disk is full"));
    }
}
