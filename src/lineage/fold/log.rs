//! A log folded from entries at hand, each looked at with the one behind it: whether a command was refused stands there.

use super::delta::Delta;
use super::known::Lookup;
use super::{Fold, FoldError, Placed};
use crate::lineage::words::NodeId;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::words::Index;

/// Whether the facts behind a command say that it was refused.
pub fn is_refusal_of(command: &Facts<'_>, behind: &Facts<'_>) -> bool {
    let named = Parent { source: command.source, event_id: command.event_id };
    matches!(behind.detail, Detail::CommandRefused { .. }) && behind.parents().eq([named])
}

/// Folds neighbouring entries, the first at `first`, which must end where a commit ended. Entries that this program cannot
/// read add nothing. `taken` hears of each: its index, its facts, the run that it is of.
pub fn take_log<'a, L: Lookup>(
    fold: &mut Fold,
    lookup: &mut L,
    first: Index,
    entries: impl IntoIterator<Item = &'a [u8]>,
    delta: &mut Delta,
    mut taken: impl FnMut(&mut L, Index, &Entry<'a>, Option<NodeId>),
) -> Result<(), FoldError<L::Error>> {
    let mut entries = entries.into_iter().map(|bytes| Entry::parse(bytes).ok()).zip(first.0..).peekable();
    while let Some((entry, index)) = entries.next() {
        let Some(entry) = entry else { continue };
        let behind = entries.peek().and_then(|(behind, _)| behind.as_ref());
        let refused = behind.is_some_and(|behind| is_refusal_of(&entry.facts, &behind.facts));
        let run = fold.take(lookup, Placed { index: Index(index), entry: &entry, refused }, delta)?;
        taken(lookup, Index(index), &entry, run);
    }
    Ok(())
}
