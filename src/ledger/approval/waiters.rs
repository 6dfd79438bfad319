//! Who waits for an action to change. The committer tells them once the change is durable; it holds the lock for as long
//! as it takes to look up the actions of one commit, and nobody holds it while reading or sending.

use deedbook_verify::words::SubjectId;
use foldhash::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The waiting, by action. An action that nobody waits for has no place here.
#[derive(Default)]
pub(in crate::ledger) struct Waiters {
    actions: Mutex<HashMap<SubjectId, watch::Sender<()>>>,
}

impl Waiters {
    /// Waits for an action from now on: a change that becomes durable after this returns wakes the caller.
    pub fn enter(self: &Arc<Waiters>, id: SubjectId) -> Waiting {
        let mut actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = actions.entry(id).or_insert_with(|| watch::Sender::new(())).subscribe();
        Waiting { waiters: Arc::clone(self), id, changes: Some(changes) }
    }

    /// These actions changed, and readers see it.
    pub fn changed(&self, ids: &[SubjectId]) {
        if ids.is_empty() {
            return;
        }
        let actions = self.actions.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ids {
            if let Some(sender) = actions.get(id) {
                sender.send_replace(());
            }
        }
    }

    /// How many actions are waited for.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.actions.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// One who waits. Leaves when it is dropped; the last one takes the action's place away.
pub struct Waiting {
    waiters: Arc<Waiters>,
    id: SubjectId,
    changes: Option<watch::Receiver<()>>,
}

impl Waiting {
    /// Resolves with the next change, or at once if there was one since the last call.
    pub async fn changed(&mut self) {
        match &mut self.changes {
            // The sender stays while anybody waits, so that an error cannot come.
            Some(changes) => drop(changes.changed().await),
            None => std::future::pending().await,
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut actions = self.waiters.actions.lock().unwrap_or_else(PoisonError::into_inner);
        self.changes = None;
        if actions.get(&self.id).is_some_and(|sender| sender.receiver_count() == 0) {
            actions.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::time::timeout;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn each_who_waits_is_woken_by_its_action_and_no_other() {
        let waiters = Arc::new(Waiters::default());
        let (one, two) = (SubjectId([1; 16]), SubjectId([2; 16]));
        let (mut first, mut second, mut other) = (waiters.enter(one), waiters.enter(one), waiters.enter(two));
        waiters.changed(&[one]);
        first.changed().await;
        second.changed().await;
        assert!(timeout(SHORT, other.changed()).await.is_err());
        assert!(timeout(SHORT, first.changed()).await.is_err(), "one change wakes once");
        waiters.changed(&[two, one]);
        other.changed().await;
        first.changed().await;
    }

    #[tokio::test]
    async fn the_last_who_leaves_takes_the_place_away() {
        let waiters = Arc::new(Waiters::default());
        let id = SubjectId([1; 16]);
        let (first, second) = (waiters.enter(id), waiters.enter(id));
        drop(first);
        assert_eq!(waiters.len(), 1);
        drop(second);
        assert_eq!(waiters.len(), 0);
        waiters.changed(&[id]);
        let mut late = waiters.enter(id);
        assert!(timeout(SHORT, late.changed()).await.is_err(), "what changed before is not told");
    }
}
