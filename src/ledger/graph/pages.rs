//! Pages of the graph as the store has them.

use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::lineage::fold::{Delta, Row, from_page};
use crate::store::Direction;
use crate::store::keys;
use std::ops::{ControlFlow, Range};

/// What each of some full blocks added, in their order.
pub(super) fn read(reader: &Reader, blocks: Range<u64>) -> Result<Vec<Delta>, ReadError> {
    let key = |block| keys::lineage(reader.number, Row::Page { block, part: 0 }.key().as_slice());
    let range = keys::between(key(blocks.start), key(blocks.end));
    let mut pages: Vec<(u64, Vec<u8>)> = Vec::new();
    reader.shared.store.scan(&range, Direction::Forward, &mut |key, value| {
        // Block u64 and part u16 end the key; parts follow each other.
        let block = key.split_last_chunk::<2>().and_then(|(rest, _)| keys::trailing_u64(rest));
        match (block, pages.last_mut()) {
            (Some(block), Some((last, page))) if *last == block => page.extend_from_slice(value),
            (Some(block), _) => pages.push((block, value.to_vec())),
            (None, _) => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    })?;
    let missing = |block: u64| ReadError::Corrupt(format!("the lineage page of block {block} is missing"));
    if pages.len() as u64 != blocks.end.saturating_sub(blocks.start) {
        return Err(missing(blocks.start.saturating_add(pages.len() as u64)));
    }
    let read = |((block, page), wanted): (&(u64, Vec<u8>), u64)| {
        if *block != wanted {
            return Err(missing(wanted));
        }
        from_page(wanted, page).map_err(|error| ReadError::Corrupt(format!("block {wanted}: {error}")))
    };
    pages.iter().zip(blocks).map(read).collect()
}
