//! OpenLineage as its clients send it: `POST /api/v1/lineage` takes one run, job or dataset event, `/api/v1/lineage/batch` a
//! list of them (OpenLineage's spec/OpenLineage.yml). Bytes in, answers out; what becomes of an event the ledger decides.

mod answer;
mod body;

use crate::domain::Caller;
use crate::http::Site;
use crate::ledger::{ImportError, Imported, ImportedEvent, Ledger};
use crate::limits;
use answer::{Failed, Refusal, json_answer};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Semaphore;

type Posted = Result<Bytes, BytesRejection>;

/// The two paths. A request takes its place before its body is read, so that bodies are bounded in number too.
pub(super) fn pages(site: Site) -> Router {
    let places = Arc::new(Semaphore::new(limits::OPENLINEAGE_POSTS_MAX));
    Router::new()
        .route("/api/v1/lineage", post(one))
        .route("/api/v1/lineage/batch", post(batch))
        .layer(DefaultBodyLimit::max(limits::OPENLINEAGE_POST_BYTES_MAX))
        .layer(middleware::from_fn_with_state(places, in_its_place))
        .with_state(site)
}

async fn in_its_place(State(places): State<Arc<Semaphore>>, request: Request, next: Next) -> Response {
    // Else a length that is only promised would be waited for.
    let promised = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if promised.is_some_and(|bytes: u64| bytes > limits::OPENLINEAGE_POST_BYTES_MAX as u64) {
        return Refusal::too_large().into_response();
    }
    // Nobody closes the semaphore; whoever waits too long is answered by the time limit of all pages.
    let Ok(_place) = places.acquire_owned().await else { return StatusCode::SERVICE_UNAVAILABLE.into_response() };
    next.run(request).await
}

/// One event: 201 with its place when it was appended, 200 when it stood in the log already.
async fn one(State(site): State<Site>, headers: HeaderMap, posted: Posted) -> Response {
    match take_one(&site.ledger, &headers, posted).await {
        Ok(answer) => answer,
        Err(refusal) => refusal.into_response(),
    }
}

async fn take_one(ledger: &Ledger, headers: &HeaderMap, posted: Posted) -> Result<Response, Refusal> {
    let (sent, caller) = (body::sent(headers, posted)?, caller(headers)?);
    let reader = ledger.clone();
    let read = tokio::task::spawn_blocking(move || {
        let text = sent.inflate()?;
        read(&reader, text.trim_ascii(), caller.as_deref()).map_err(Refusal::from)
    });
    let event = read.await.unwrap_or_else(|_| Err(Refusal::ended()))?;
    let id = event.id();
    let placed = ledger.import(vec![event]).await?;
    let Some(place) = placed.first() else { return Err(Refusal::ended()) };
    count(&placed, 0);
    let (status, state) = match place {
        Imported::Appended(_) => (StatusCode::CREATED, "appended"),
        Imported::Known(_) => (StatusCode::OK, "known"),
    };
    let said = json!({"index": place.index().0, "event_id": id.to_string(), "state": state});
    Ok(json_answer(status, &said))
}

/// A list of events: 200, and how many were taken. Those that are none are named by their place in the list; the others
/// are in the log.
async fn batch(State(site): State<Site>, headers: HeaderMap, posted: Posted) -> Response {
    match take_batch(&site.ledger, &headers, posted).await {
        Ok(said) => json_answer(StatusCode::OK, &said),
        Err(refusal) => refusal.into_response(),
    }
}

async fn take_batch(ledger: &Ledger, headers: &HeaderMap, posted: Posted) -> Result<Value, Refusal> {
    let (sent, caller) = (body::sent(headers, posted)?, caller(headers)?);
    let reader = ledger.clone();
    let read = tokio::task::spawn_blocking(move || read_all(&reader, &sent.inflate()?, caller.as_deref()));
    let (events, failed) = read.await.unwrap_or_else(|_| Err(Refusal::ended()))?;
    let received = events.len().saturating_add(failed.len());
    let placed = ledger.import(events).await?;
    count(&placed, failed.len());
    let status = if failed.is_empty() { "success" } else { "partial_success" };
    let summary = json!({"received": received, "successful": placed.len(), "failed": failed.len(),
        "retriable": 0, "non_retriable": failed.len()});
    let failed: Vec<Value> = failed.iter().map(Failed::value).collect();
    Ok(json!({"status": status, "summary": summary, "failed_events": failed}))
}

/// The events of a list, and those of its elements that are none.
fn read_all(ledger: &Ledger, text: &[u8], caller: Option<&str>) -> Result<(Vec<ImportedEvent>, Vec<Failed>), Refusal> {
    let elements: Vec<&RawValue> = serde_json::from_slice(text)
        .map_err(|error| Refusal::malformed(format!("the body is no JSON list: {error}")))?;
    if elements.len() > limits::OPENLINEAGE_BATCH_EVENTS_MAX {
        return Err(Refusal::too_many(elements.len()));
    }
    let (mut events, mut failed) = (Vec::with_capacity(elements.len()), Vec::new());
    for (index, element) in elements.into_iter().enumerate() {
        match read(ledger, element.get().as_bytes(), caller) {
            Ok(event) => events.push(event),
            Err(ImportError::Event(error)) => failed.push(Failed { index, error }),
            Err(ImportError::Append(error)) => return Err(error.into()),
        }
    }
    Ok((events, failed))
}

fn read(ledger: &Ledger, raw: &[u8], caller: Option<&str>) -> Result<ImportedEvent, ImportError> {
    ledger.read_openlineage(raw, caller.map_or(Caller::Anonymous, Caller::Bearer))
}

/// The token that the caller shows. Nobody checks it: it tells callers apart, and admits nobody.
fn caller(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text =
        value.to_str().map_err(|_| Refusal::field("authorization", "is not plain ASCII", "send `Bearer TOKEN`"))?;
    let token =
        text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    Ok(token.map(str::trim).filter(|token| !token.is_empty()).map(str::to_owned))
}

fn count(placed: &[Imported], failed: usize) {
    let appended = placed.iter().filter(|place| matches!(place, Imported::Appended(_))).count();
    let known = placed.len().saturating_sub(appended);
    for (result, events) in [("appended", appended), ("known", known), ("failed", failed)] {
        if events > 0 {
            let events = u64::try_from(events).unwrap_or(u64::MAX);
            metrics::counter!("deedbook_openlineage_events_total", "result" => result).increment(events);
        }
    }
}
