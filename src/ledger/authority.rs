//! Authority at opening: every command that governs, found through posting rows and folded in its order, as the writer
//! folded it. Votes on actions are not among them; there are too many, and they change no authority.

use crate::ledger::OpenError;
use crate::ledger::genesis::FIRST_LEDGER;
use crate::ledger::open::{damaged, required};
use crate::ledger::postings::{action_value, indexes_of, kind_value, rows_end};
use crate::store::keys::{self, Dimension, PostingValue};
use crate::store::{Direction, Store};
use deedbook_verify::detail::{Detail, GOVERNANCE_ACTION, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::erasure::{ErasedBodies, Stood};
use deedbook_verify::facts::Facts;
use deedbook_verify::governance::{Authority, Stated};
use deedbook_verify::kind::{Author, Kind};
use deedbook_verify::replay::{self, GOVERNING};
use deedbook_verify::words::{Index, Ref, TreeSize};
use std::convert::Infallible;
use std::ops::ControlFlow;

/// Whether authority is folded from this entry, behind genesis.
pub(super) fn governs(facts: &Facts<'_>) -> bool {
    facts.kind != Kind::Genesis && replay::governs(facts)
}

/// Folds the commands that govern, in their order: those of full blocks, found through their posting rows, and those
/// given, which stand behind them.
pub(super) fn fold_authority(
    store: &dyn Store,
    authority: &mut Authority,
    commands: &mut Vec<Index>,
) -> Result<(), OpenError> {
    for kind in GOVERNING {
        // One administrator's erasures change no authority, and there may be many; they are needed once two govern.
        if kind != Kind::BodyErased {
            find(store, Dimension::Kind, &kind_value(kind), commands)?;
        }
    }
    find(store, Dimension::ActionType, &action_value(GOVERNANCE_ACTION), commands)?;
    let mut erasures = Vec::new();
    find(store, Dimension::Kind, &kind_value(Kind::BodyErased), &mut erasures)?;
    commands.sort_unstable();
    commands.dedup();
    erasures.sort_unstable();
    let mut erasures = erasures.into_iter().peekable();
    for index in commands.iter().copied() {
        while let Some(erasure) = erasures.next_if(|erasure| *erasure < index) {
            fold_erasure(store, authority, erasure)?;
        }
        fold(store, authority, index)?;
    }
    erasures.try_for_each(|erasure| fold_erasure(store, authority, erasure))
}

fn find(
    store: &dyn Store,
    dimension: Dimension,
    value: &PostingValue,
    found: &mut Vec<Index>,
) -> Result<(), OpenError> {
    let range = keys::postings(FIRST_LEDGER, dimension, value);
    store.scan(&range, Direction::Forward, &mut |key, value| {
        if let (Some(block), Ok(bitmap)) = (keys::trailing_u64(key), value.try_into()) {
            found.extend(indexes_of(block, bitmap));
        }
        ControlFlow::Continue(())
    })?;
    Ok(())
}

fn fold_erasure(store: &dyn Store, authority: &mut Authority, index: Index) -> Result<(), OpenError> {
    if authority.needs_two() { fold(store, authority, index) } else { Ok(()) }
}

/// Takes note of who signed a command behind a removal over their silence: the fold knows it while it runs, and commands
/// that do not govern were not folded here. Removals that wait so are few, and what administrators sign too.
pub(super) fn hear(store: &dyn Store, authority: &mut Authority, size: TreeSize) -> Result<(), OpenError> {
    let mut heard = Vec::new();
    for waiting in authority.waiting().values().filter(|waiting| waiting.silence.is_some()) {
        for who in waiting.silent().iter().copied() {
            heard.extend(first_command(store, who, waiting.index, size)?.map(|at| (at, who)));
        }
    }
    heard.sort_unstable();
    heard.into_iter().for_each(|(at, who)| authority.hear(who, at));
    Ok(())
}

/// The first command that a source signed behind an entry.
fn first_command(store: &dyn Store, source: Ref, behind: Index, size: TreeSize) -> Result<Option<Index>, OpenError> {
    let mut stated = Vec::new();
    find(store, Dimension::Source, &source.0, &mut stated)?;
    let tail = (rows_end(size).0..size.0).map(Index);
    for index in stated.into_iter().chain(tail).filter(|index| *index > behind) {
        if is_command_of(store, source, index)? {
            return Ok(Some(index));
        }
    }
    Ok(None)
}

fn is_command_of(store: &dyn Store, source: Ref, index: Index) -> Result<bool, OpenError> {
    let bytes = required(store, keys::entry(FIRST_LEDGER, index), "an entry")?;
    let facts = Entry::parse(&bytes).map_err(damaged)?.facts;
    Ok(facts.source == source && facts.author() == Author::Asker)
}

/// Folds one command, unless the log says that it was refused.
fn fold(store: &dyn Store, authority: &mut Authority, index: Index) -> Result<(), OpenError> {
    let bytes = required(store, keys::entry(FIRST_LEDGER, index), "a governing command")?;
    let entry = Entry::parse(&bytes).map_err(damaged)?;
    if !governs(&entry.facts) {
        return Ok(());
    }
    let signer = entry.seal.frame.and_then(|frame| frame.header.sole_signer());
    let signer = signer.ok_or_else(|| damaged("a command without a signer"))?.key_id;
    let stated = Stated { facts: &entry.facts, signer, index, received: entry.seal.received };
    // What stands at the named indexes decides refusals alone, and those stand in the log.
    let standings = |bodies: ErasedBodies<'_>| Ok::<_, Infallible>(bodies.indexes().map(|_| Stood::ERASED).collect());
    let Ok(decided) = authority.decide(&stated, standings);
    let rests_on_more = matches!(entry.facts.kind, Kind::BodyErased | Kind::PolicyPublished | Kind::VoteCast);
    if let Ok(consequence) = decided
        && !(rests_on_more && refusal(store, index)?.is_some())
    {
        authority.apply(consequence, index, entry.seal.received);
    }
    Ok(())
}

/// The refusal that stands behind a command, if it was refused.
fn refusal(store: &dyn Store, command: Index) -> Result<Option<RefusalReason>, OpenError> {
    let behind = Index(command.0.saturating_add(1));
    let Some(bytes) = store.get(keys::entry(FIRST_LEDGER, behind).as_slice())? else { return Ok(None) };
    let entry = Entry::parse(&bytes).map_err(damaged)?;
    if let Detail::CommandRefused { reason, .. } = entry.facts.detail { Ok(Some(reason)) } else { Ok(None) }
}
