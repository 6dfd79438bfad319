//! A ledger's pages, by C2SP tlog-tiles: `checkpoint`, `tile/<L>/<N>[.p/<W>]`, `tile/entries/<N>[.p/<W>]`, and
//! `checkpoint/<size>` for the checkpoints that are kept. Paths, headers and bounds; what a page holds is the ledger's.

use crate::http::Site;
use crate::ledger::{ReadError, Reader};
use crate::limits;
use crate::merkle::TilePath;
use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use deedbook_verify::note::decimal;
use deedbook_verify::words::{LedgerId, TreeSize};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The memory that answers may take together.
#[derive(Clone)]
pub struct Budget(Arc<Semaphore>);

impl Budget {
    /// All of it.
    pub fn new() -> Budget {
        Budget(Arc::new(Semaphore::new(limits::HTTP_ANSWER_BYTES_MAX)))
    }

    /// Waits for room for an answer of at most so many bytes; none when the server is gone.
    async fn room(&self, bytes_max: u32) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).acquire_many_owned(bytes_max).await.ok()
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    Checkpoint,
    CheckpointOf(TreeSize),
    Tile(TilePath),
}

/// Why there is no page. The text is for whoever reads the answer.
enum Missing {
    /// Nothing is there, now at least.
    Absent(String),
    /// It cannot be read.
    Failed(ReadError),
}

impl From<ReadError> for Missing {
    fn from(error: ReadError) -> Missing {
        match error {
            ReadError::OutsideTree { size } => Missing::Absent(format!(
                "not implied by any signed checkpoint: the newest has {size} entries; fetch /checkpoint again\n"
            )),
            ReadError::NotFound { .. }
            | ReadError::CheckpointNotKept { .. }
            | ReadError::NoWitnessPolicy
            | ReadError::NotWitnessed { .. } => Missing::Absent(format!("{error}\n")),
            ReadError::Corrupt(_) | ReadError::Storage(_) | ReadError::NoCheckpoint(_) => Missing::Failed(error),
        }
    }
}

impl Page {
    /// The page of a raw path. The ledger's name may be left out, as this server has one ledger.
    fn parse(path: &str, ledger: &LedgerId) -> Option<Page> {
        let path = path.strip_prefix('/')?;
        let own = path.strip_prefix(&ledger.to_string()).and_then(|rest| rest.strip_prefix('/'));
        let page = own.unwrap_or(path);
        if page == "checkpoint" {
            return Some(Page::Checkpoint);
        }
        match page.strip_prefix("checkpoint/") {
            Some(size) => decimal(size).map(|size| Page::CheckpointOf(TreeSize(size))),
            None => TilePath::parse(page).map(Page::Tile),
        }
    }

    fn bytes_max(self) -> u32 {
        match self {
            Page::Checkpoint | Page::CheckpointOf(_) | Page::Tile(TilePath::Hashes { .. }) => {
                limits::HTTP_PAGE_BYTES_MAX
            }
            Page::Tile(TilePath::Entries(_)) => limits::HTTP_BUNDLE_BYTES_MAX,
        }
    }

    fn read(self, reader: &Reader) -> Result<Vec<u8>, Missing> {
        match self {
            Page::Checkpoint => Ok(reader.signed_checkpoint()?.note),
            Page::CheckpointOf(size) => Ok(reader.note_of(size)?),
            Page::Tile(TilePath::Hashes { level, span }) => Ok(reader.tile(level, span)?),
            Page::Tile(TilePath::Entries(span)) => Ok(reader.entry_bundle(span)?),
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Page::Checkpoint | Page::CheckpointOf(_) => "text/plain; charset=utf-8",
            Page::Tile(_) => "application/octet-stream",
        }
    }

    /// A kept checkpoint may still gain cosignatures. Bundles are for those who may read the log, so no cache that is
    /// shared with others shall keep them.
    fn cache_control(self) -> &'static str {
        match self {
            Page::Checkpoint | Page::CheckpointOf(_) => "public, max-age=1",
            Page::Tile(TilePath::Hashes { .. }) => "public, max-age=31536000, immutable",
            Page::Tile(TilePath::Entries(_)) => "private, max-age=31536000, immutable",
        }
    }
}

/// An answer's bytes and the room that they take, given back together.
struct Held {
    bytes: Vec<u8>,
    _room: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Answers every path that is no other page's.
pub async fn page(State(site): State<Site>, uri: Uri) -> Response {
    let reader = site.ledger.reader();
    let Some(page) = Page::parse(uri.path(), &reader.ledger_id()) else {
        return absent("no such page\n".to_owned());
    };
    let Some(room) = site.budget.room(page.bytes_max()).await else {
        return failed(StatusCode::SERVICE_UNAVAILABLE, "the server is stopping\n");
    };
    // The room goes with the read: when the answer is given up, a read that hangs still counts.
    let read = tokio::task::spawn_blocking(move || page.read(&reader).map(|bytes| hold(bytes, room)));
    match read.await {
        Ok(Ok(body)) => {
            let headers = [(header::CONTENT_TYPE, page.content_type()), (header::CACHE_CONTROL, page.cache_control())];
            (headers, Body::from(body)).into_response()
        }
        Ok(Err(Missing::Absent(text))) => absent(text),
        Ok(Err(Missing::Failed(error))) => {
            tracing::error!(%error, path = uri.path(), "a page cannot be read");
            failed(StatusCode::INTERNAL_SERVER_ERROR, "the page cannot be read; the server's log says why\n")
        }
        Err(_) => failed(StatusCode::INTERNAL_SERVER_ERROR, "a read ended early\n"),
    }
}

/// Keeps as much of the room as the bytes take.
fn hold(bytes: Vec<u8>, mut room: OwnedSemaphorePermit) -> Bytes {
    drop(room.split(room.num_permits().saturating_sub(bytes.len())));
    Bytes::from_owner(Held { bytes, _room: room })
}

/// What is not there may be there in a moment, so nobody shall remember that it was not.
fn absent(text: String) -> Response {
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

fn failed(status: StatusCode, text: &'static str) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_takes_what_it_holds_until_it_is_sent() {
        let budget = Budget::new();
        let room = budget.room(limits::HTTP_BUNDLE_BYTES_MAX).await.unwrap();
        let free = || budget.0.available_permits();
        assert_eq!(free(), limits::HTTP_ANSWER_BYTES_MAX - limits::HTTP_BUNDLE_BYTES_MAX as usize);
        let body = hold(vec![1; 1_000], room);
        let part = body.slice(..10);
        assert_eq!((body.len(), free()), (1_000, limits::HTTP_ANSWER_BYTES_MAX - 1_000));
        drop(body);
        assert_eq!(free(), limits::HTTP_ANSWER_BYTES_MAX - 1_000, "a part still waits to be sent");
        drop(part);
        assert_eq!(free(), limits::HTTP_ANSWER_BYTES_MAX);
    }

    #[test]
    fn damage_is_no_absence() {
        let absent = |error| matches!(Missing::from(error), Missing::Absent(_));
        assert!(absent(ReadError::OutsideTree { size: TreeSize(3) }) && absent(ReadError::NotFound { what: "x" }));
        assert!(!absent(ReadError::Corrupt("x".to_owned())) && !absent(ReadError::NoCheckpoint("x".to_owned())));
    }

    #[test]
    fn ledgers_are_named_in_one_way() {
        let id = LedgerId([0xab; 32]);
        let named = |name: &str| Page::parse(&format!("/{name}/checkpoint"), &id);
        assert_eq!(Page::parse("/checkpoint", &id), Some(Page::Checkpoint));
        assert_eq!(named(&"ab".repeat(32)), Some(Page::Checkpoint));
        for other in ["AB".repeat(32), "ab".repeat(31), "ac".repeat(32), "ab".repeat(33), String::new()] {
            assert_eq!(named(&other), None, "{other}");
        }
        assert_eq!(Page::parse("/checkpoint/7", &id), Some(Page::CheckpointOf(TreeSize(7))));
    }
}
