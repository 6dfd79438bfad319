//! Lists of events and keys: pages of one tree size. Which entries match is the ledger's answer.

use crate::api::convert;
use crate::api::proto::{
    Key, KeyRole, ListEventsRequest, ListEventsResponse, ListKeysRequest, ListKeysResponse, StoredEvent,
};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::token::Place;
use crate::ledger::{ReadError, Reader};
use crate::limits;
use bytes::Bytes;
use deedbook_verify::authority::Tenure;
use deedbook_verify::frame::SignerRole;
use deedbook_verify::governance::Authority;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, KeyId, Ref, TreeSize};
use prost::Message as _;

const EVENTS: &str = "ListEvents";
const KEYS: &str = "ListKeys";

/// One page of events.
pub async fn events(shared: &Shared, request: ListEventsRequest) -> Result<ListEventsResponse, Fault> {
    let filter = convert::list_filter(&request)?;
    let bodies = convert::bodies(request.view)?;
    let count = convert::page_size(request.page_size)?;
    let token = request.page_token.clone();
    // Every present and future argument is bound; only the size of a page may change on the way.
    let arguments = ListEventsRequest { page_token: String::new(), page_size: 0, ..request }.encode_to_vec();
    let place = match token.as_str() {
        "" => Place { size: shared.ledger.reader().head().size, cursor: 0u64.to_be_bytes().to_vec() },
        token => shared.tokens.open(EVENTS, &arguments, token)?,
    };
    let from = convert::index_cursor(&place.cursor)?;
    let size = place.size;
    let read = move |reader: &Reader| -> Result<(Vec<StoredEvent>, Option<Index>, TreeHead), ReadError> {
        let indexes = reader.list(&filter, from, size, count.saturating_add(1))?;
        let mut page = Vec::new();
        let mut bytes = 0usize;
        let mut next = None;
        for index in indexes {
            if page.len() == count || bytes >= limits::PAGE_BYTES {
                next = Some(index);
                break;
            }
            let event = convert::stored(reader.event(index, bodies)?);
            bytes = bytes.saturating_add(convert::stored_bytes(&event));
            page.push(event);
        }
        Ok((page, next, reader.head_at(size)?))
    };
    let (events, next, head) = shared.read(read).await?;
    let token =
        |next: Index| shared.tokens.seal(EVENTS, &arguments, &Place { size, cursor: next.0.to_be_bytes().to_vec() });
    Ok(ListEventsResponse {
        events,
        next_page_token: next.map(token).unwrap_or_default(),
        as_of: Some(convert::head(head)),
    })
}

/// One page of keys. They are in memory; only the head of the tree is read.
pub async fn keys(shared: &Shared, request: ListKeysRequest) -> Result<ListKeysResponse, Fault> {
    let source = convert::optional_array("source", &request.source)?.map(Ref);
    let in_force = request.in_force;
    let count = convert::page_size(request.page_size)?;
    let token = request.page_token.clone();
    let arguments = ListKeysRequest { page_token: String::new(), page_size: 0, ..request }.encode_to_vec();
    let reader = shared.ledger.reader();
    let (size, behind) = match token.as_str() {
        "" => (reader.head().size, None),
        token => {
            let place = shared.tokens.open(KEYS, &arguments, token)?;
            (place.size, Some(KeyId(convert::array("page_token", &place.cursor)?)))
        }
    };
    let authority = reader.authority();
    let history = authority.keys();
    let wanted = |id: &KeyId, tenure: &Tenure| {
        behind.is_none_or(|behind| *id > behind)
            && tenure.from.0 < size.0
            && source.is_none_or(|source| tenure.source == source)
            && (!in_force || ended(tenure, size).is_none())
    };
    let mut found = history.tenures().filter(|(id, tenure)| wanted(id, tenure));
    let page: Vec<(&KeyId, &Tenure)> = found.by_ref().take(count).collect();
    let more = found.next().is_some();
    let token = |id: &KeyId| shared.tokens.seal(KEYS, &arguments, &Place { size, cursor: id.0.to_vec() });
    let next_page_token = page.last().filter(|_| more).map(|(id, _)| token(id)).unwrap_or_default();
    let head = shared.read(move |reader: &Reader| reader.head_at(size)).await?;
    Ok(ListKeysResponse {
        keys: page.into_iter().map(|(id, tenure)| key(id, tenure, size, &authority)).collect(),
        next_page_token,
        as_of: Some(convert::head(head)),
    })
}

/// The entry that ended a key, as the tree of this size knows it.
fn ended(tenure: &Tenure, size: TreeSize) -> Option<Index> {
    tenure.until.filter(|until| until.0 < size.0)
}

fn key(id: &KeyId, tenure: &Tenure, size: TreeSize, authority: &Authority) -> Key {
    let role = match tenure.role {
        SignerRole::Source => KeyRole::Source,
        SignerRole::Head => KeyRole::Head,
        SignerRole::Sequencer => KeyRole::Sequencer,
    };
    Key {
        key_id: Bytes::copy_from_slice(&id.0),
        public_key: Bytes::copy_from_slice(&tenure.key.to_wire()),
        source: convert::reference(tenure.source),
        role: role.into(),
        administrator: tenure.role == SignerRole::Source && authority.is_administrator(tenure.source),
        enrolled_index: tenure.from.0,
        ended_index: ended(tenure, size).map(|until| until.0),
    }
}
