//! A witness over HTTP (C2SP tlog-witness): `POST /add-checkpoint`, and for monitors `GET /<log>/checkpoint`, the log
//! named by the hex of SHA-256 of its origin; and what a ledger's server says of its witnesses. It decides nothing;
//! `crate::witness` and `crate::ledger` do.

use crate::http::{HttpError, HttpServer, in_time};
use crate::ledger::{Ledger, WitnessHealth};
use crate::limits;
use crate::witness::{Answer, Refusal, Witness};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use std::net::SocketAddr;
use std::sync::Arc;

/// The media type of a size, as C2SP names it.
const SIZE_TYPE: &str = "text/x.tlog.size";
const TEXT_TYPE: &str = "text/plain; charset=utf-8";

/// Serves a witness. Port 0 takes a free one.
pub async fn serve_witness(witness: Arc<Witness>, listen: SocketAddr) -> Result<HttpServer, HttpError> {
    let app = Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .route("/{log}/checkpoint", get(newest))
        .layer(DefaultBodyLimit::max(limits::WITNESS_BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
        .with_state(witness);
    HttpServer::serve(app, listen).await
}

/// What a ledger's server shows of its witnesses beside its health: `/checkpoint/witnessed`, the newest checkpoint that
/// meets the quorum.
pub(super) fn pages(ledger: Ledger) -> Router {
    Router::new().route("/checkpoint/witnessed", get(witnessed)).with_state(ledger)
}

async fn witnessed(State(ledger): State<Ledger>) -> Response {
    match ledger.reader().newest_witnessed() {
        Ok(note) => ([(header::CONTENT_TYPE, TEXT_TYPE), (header::CACHE_CONTROL, "no-cache")], note).into_response(),
        Err(error) => (StatusCode::NOT_FOUND, format!("{error}\n")).into_response(),
    }
}

/// What readiness says of the witnesses of a ledger: warnings only, for an absent witness stops no append.
pub(super) fn warnings(health: Option<&WitnessHealth>) -> String {
    let Some(health) = health else { return String::new() };
    let mut warnings: Vec<String> = health.alarms.iter().chain(&health.absent).cloned().collect();
    if health.heard < health.witnesses {
        warnings.push(format!("{} of {} witnesses were heard from since the start", health.heard, health.witnesses));
    }
    match (health.size, health.age_ms) {
        (None, _) => warnings.push("no checkpoint ever met the witness policy's quorum".to_owned()),
        (Some(size), None) => {
            warnings.push(format!("the quorum was not met since the start; before it, with {size} entries"));
        }
        (Some(size), Some(age)) if age > limits::WITNESSED_AGE_MS_MAX => {
            warnings.push(format!("the quorum was last met {} s ago, with {size} entries", age / 1_000));
        }
        (Some(_), Some(_)) => {}
    }
    warnings.iter().map(|warning| format!("warning: {warning}\n")).collect()
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    // The sync blocks. A client that goes away does not end what was begun.
    let answer = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body)).await;
    match answer.unwrap_or(Answer::Failed) {
        Answer::Cosigned(line) => ([(header::CONTENT_TYPE, TEXT_TYPE)], line).into_response(),
        Answer::Refused(Refusal::SizeDiffers { last }) => {
            (StatusCode::CONFLICT, [(header::CONTENT_TYPE, SIZE_TYPE)], format!("{last}\n")).into_response()
        }
        Answer::Refused(refusal) => (status(refusal), format!("{refusal}\n")).into_response(),
        Answer::Failed => {
            (StatusCode::INTERNAL_SERVER_ERROR, "this witness cannot remember, and cosigns no more\n").into_response()
        }
    }
}

fn status(refusal: Refusal) -> StatusCode {
    match refusal {
        Refusal::Malformed(_) | Refusal::OldAboveSize => StatusCode::BAD_REQUEST,
        Refusal::UnknownOrigin => StatusCode::NOT_FOUND,
        Refusal::NotSigned => StatusCode::FORBIDDEN,
        Refusal::SizeDiffers { .. } => StatusCode::CONFLICT,
        Refusal::Inconsistent(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

async fn newest(State(witness): State<Arc<Witness>>, Path(log): Path<String>) -> Response {
    // Behind the lock of a request that syncs this may wait for the disk.
    let note = tokio::task::spawn_blocking(move || witness.newest(&log)).await.ok().flatten();
    match note {
        Some(note) => ([(header::CONTENT_TYPE, TEXT_TYPE)], note).into_response(),
        None => (StatusCode::NOT_FOUND, "nothing of this log was cosigned here\n").into_response(),
    }
}
