//! What the writer has in hands: a commit that is being built, with the answers that wait for it; and one that is full and
//! closed, whose turn has not come because the one before it syncs. Both are lost together if we crash, and nobody was told.

use crate::ledger::commit::{Before, Commit};
use crate::ledger::committer::{Answers, Committer, Handover};
use crate::ledger::state::{State, StateError};
use crate::store::Store;

/// At most two commits. Owned by the writer thread.
#[derive(Default)]
pub(super) struct Building {
    pub commit: Commit,
    pub answers: Answers,
    full: Option<Handover>,
}

impl Building {
    /// Whether nothing waits for its turn.
    pub fn is_empty(&self) -> bool {
        self.full.is_none() && self.commit.is_empty() && self.answers.is_empty()
    }

    /// Closes a commit that takes no more while the one before it syncs, so that it can be handed over at once, and the
    /// next one is built meanwhile. False if there is nothing to close.
    pub fn close_full(
        &mut self,
        state: &mut State,
        store: &dyn Store,
        committer: &Committer,
    ) -> Result<bool, StateError> {
        let closes = self.full.is_none() && !self.commit.has_room();
        if closes {
            self.full = Some(self.close(state, store, committer, Before::Syncing)?);
        }
        Ok(closes)
    }

    /// What is handed over next. To be called when everything that was handed over is durable.
    pub fn next(
        &mut self,
        state: &mut State,
        store: &dyn Store,
        committer: &Committer,
    ) -> Result<Handover, StateError> {
        match self.full.take() {
            Some(full) => Ok(full),
            None => self.close(state, store, committer, Before::Durable),
        }
    }

    fn close(
        &mut self,
        state: &mut State,
        store: &dyn Store,
        committer: &Committer,
        before: Before,
    ) -> Result<Handover, StateError> {
        let built = std::mem::replace(&mut self.commit, Commit::within(committer.spare_batch()));
        let finished = (!built.is_empty()).then(|| built.finish(state, store, before)).transpose()?;
        Ok((finished, std::mem::take(&mut self.answers)))
    }
}
