//! Bodies as readers get them: opened, withheld, or erased. A body that neither opens nor was erased is damage; which
//! bodies may be erased is decided elsewhere.

use crate::ledger::ahead::Ahead;
use crate::ledger::error::ReadError;
use crate::ledger::rows::parse_u64;
use crate::record::body::BodyKey;
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Direction, Store};
use deedbook_verify::entry::Entry;
use deedbook_verify::hash::{Commitment, Salt};
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::words::Index;
use std::ops::ControlFlow;
use zeroize::Zeroizing;

/// Whether bodies are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bodies {
    /// Decrypted, where they are not erased.
    With,
    /// Left out.
    Without,
}

/// The body of a stored event.
#[derive(Clone, Debug)]
pub enum StoredBody {
    /// The event has none.
    None,
    /// It has one, which was not asked for.
    Withheld,
    /// It had one, which was erased.
    Erased {
        /// The entry that erased it.
        by: Index,
    },
    /// Salt and body.
    Opened {
        /// What the commitment is keyed with.
        salt: Salt,
        /// The exact bytes.
        body: Vec<u8>,
    },
}

/// What a reader learns beside an entry's own bytes.
pub(super) struct Beside {
    /// What became of its body.
    pub body: StoredBody,
    /// Where a rule refused it, if it is a command that was refused.
    pub refused: Option<Index>,
}

/// What stands beside an entry. Readers of a range bring what they know ahead of erasures.
pub(super) fn read(
    store: &dyn Store,
    number: LedgerNumber,
    (index, entry): (Index, &[u8]),
    bodies: Bodies,
    ahead: Option<&mut Ahead<'_>>,
) -> Result<Beside, ReadError> {
    let facts = Entry::parse(entry).map_err(corrupt)?.facts;
    let refused = match facts.kind.author() {
        Author::Asker => refused_by(store, number, index)?,
        Author::Witness | Author::Ledger => None,
    };
    let body = match facts.commitment {
        None => StoredBody::None,
        Some(commitment) => read_body(store, number, (index, &commitment), bodies, ahead)?,
    };
    Ok(Beside { body, refused })
}

/// A refusal stands directly behind its command, in the same commit.
fn refused_by(store: &dyn Store, number: LedgerNumber, command: Index) -> Result<Option<Index>, ReadError> {
    let behind = Index(command.0.saturating_add(1));
    let Some(bytes) = store.get(keys::entry(number, behind).as_slice())? else { return Ok(None) };
    let refused = Entry::parse(&bytes).map_err(corrupt)?.facts.kind == Kind::CommandRefused;
    Ok(refused.then_some(behind))
}

fn read_body(
    store: &dyn Store,
    number: LedgerNumber,
    (index, commitment): (Index, &Commitment),
    bodies: Bodies,
    ahead: Option<&mut Ahead<'_>>,
) -> Result<StoredBody, ReadError> {
    let (erased, otherwise) = match (bodies, ahead) {
        (Bodies::Without, Some(ahead)) => (ahead.erased(index)?, Ok(StoredBody::Withheld)),
        (Bodies::Without, None) => (erased_by(store, number, index)?, Ok(StoredBody::Withheld)),
        (Bodies::With, ahead) => {
            let read = ahead.and_then(|ahead| ahead.body(index));
            let opened = read.and_then(|(key, sealed)| unseal(&key, sealed, index, commitment).ok());
            match opened.map_or_else(|| open(store, number, index, commitment), Ok) {
                Ok(opened) => (None, Ok(opened)),
                // An erasure may take the key and the bytes away at any time, so it is asked for now, not ahead.
                Err(failed) => (erased_by(store, number, index)?, Err(failed)),
            }
        }
    };
    erased.map_or(otherwise, |by| Ok(StoredBody::Erased { by }))
}

fn open(
    store: &dyn Store,
    number: LedgerNumber,
    index: Index,
    commitment: &Commitment,
) -> Result<StoredBody, ReadError> {
    let key = store.get(keys::body_key(number, index).as_slice())?.map(Zeroizing::new);
    let key = key.ok_or_else(|| corrupt(format!("the body key of entry {index} is missing, and nothing erased it")))?;
    let key = BodyKey::from_stored(&key).ok_or_else(|| corrupt("a body key of the wrong length"))?;
    let mut sealed = Vec::new();
    store.scan(&keys::body_blocks(number, index), Direction::Forward, &mut |_, block| {
        sealed.extend_from_slice(block);
        ControlFlow::Continue(())
    })?;
    unseal(&key, sealed, index, commitment)
}

fn unseal(key: &BodyKey, sealed: Vec<u8>, index: Index, commitment: &Commitment) -> Result<StoredBody, ReadError> {
    let (salt, body) = key.open(sealed).map_err(|error| corrupt(format!("entry {index}: {error}")))?;
    match commitment.opens(&salt, &body) {
        true => Ok(StoredBody::Opened { salt, body }),
        false => Err(corrupt(format!("the body of entry {index} does not open its commitment"))),
    }
}

/// Which erasure erased a body, if one did.
fn erased_by(store: &dyn Store, number: LedgerNumber, index: Index) -> Result<Option<Index>, ReadError> {
    let row = store.get(keys::erased(number, index).as_slice())?;
    row.map(|bytes| parse_u64(&bytes).map(Index).map_err(corrupt)).transpose()
}

pub(super) fn corrupt(error: impl std::fmt::Display) -> ReadError {
    ReadError::Corrupt(error.to_string())
}
