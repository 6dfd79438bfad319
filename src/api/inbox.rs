//! `ListInbox`: the requests that wait for people, by their expiry. Pages go on behind the last row that was seen, so
//! that a request which is decided meanwhile is left out and none is shown twice.

use crate::api::action;
use crate::api::convert;
use crate::api::proto::{ListInboxRequest, ListInboxResponse};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::token::Place;
use crate::ledger::Reader;
use deedbook_verify::words::{Micros, SubjectId};

const METHOD: &str = "ListInbox";

/// One page.
pub async fn list(shared: &Shared, request: ListInboxRequest) -> Result<ListInboxResponse, Fault> {
    let count = convert::page_size(request.page_size)?;
    let reader = shared.ledger.reader();
    let size = reader.head().size;
    let behind = match request.page_token.as_str() {
        "" => None,
        token => Some(cursor(&shared.tokens.open(METHOD, &[], token)?.cursor)?),
    };
    let read = move |reader: &Reader| reader.inbox(behind, count.saturating_add(1));
    let mut found = shared.read(read).await?;
    let more = found.len() > count;
    found.truncate(count);
    let last = found.last().filter(|_| more).map(|row| row.place);
    let token = |(expires, id): (Micros, SubjectId)| {
        let cursor = [expires.0.to_be_bytes().as_slice(), id.as_bytes()].concat();
        shared.tokens.seal(METHOD, &[], &Place { size, cursor })
    };
    Ok(ListInboxResponse {
        actions: found.into_iter().map(|row| action::message_about(&row.seen, row.about)).collect(),
        next_page_token: last.map(token).unwrap_or_default(),
    })
}

fn cursor(bytes: &[u8]) -> Result<(Micros, SubjectId), Fault> {
    let bytes: [u8; 24] = convert::array("page_token", bytes)?;
    let mut reader = deedbook_verify::bytes::Reader::new(&bytes);
    let parsed = reader.u64("page_token").and_then(|expires| {
        let id = SubjectId(reader.array("page_token")?);
        Ok((Micros(expires), id))
    });
    Ok(parsed?)
}
