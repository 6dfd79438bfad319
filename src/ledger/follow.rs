//! Following the log: the events behind a position, and the wait for more. Between two calls a follower is a position
//! and nothing else: no snapshot, no iterator, no queue of events. One that rests for an hour holds nothing of the
//! store, and reads later what it would have read then.

use crate::domain::Filter;
use crate::ledger::bodies::{Beside, Bodies, StoredBody};
use crate::ledger::error::ReadError;
use crate::ledger::reader::{Reader, StoredEvent};
use crate::ledger::state::Published;
use crate::limits;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, TreeSize};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::watch;

/// How much one step may bring.
#[derive(Clone, Copy, Debug)]
pub struct Portion {
    /// Events at most.
    pub events_max: usize,
    /// Bytes of entries and bodies at which it ends; one event may exceed them.
    pub bytes_enough: usize,
}

/// A part of the log that was looked through.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// What met the filter, in order.
    pub events: Vec<StoredEvent>,
    /// The index behind everything that was looked at: where the next step begins.
    pub position: Index,
    /// The tree that was published when the step began.
    pub head: TreeHead,
}

impl Stretch {
    /// Whether everything of that tree was looked at.
    pub fn caught_up(&self) -> bool {
        self.position.0 >= self.head.size.0
    }
}

impl StoredEvent {
    /// Bytes of entry and body.
    pub fn bytes(&self) -> usize {
        let body = match &self.body {
            StoredBody::Opened { body, .. } => body.len(),
            StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => 0,
        };
        self.entry.len().saturating_add(body)
    }
}

impl Reader {
    /// One step from a position on: at most `STRETCH_ENTRIES_MAX` entries are looked through, and everything that was
    /// opened in the store for it is closed again. Fails for a position beyond the tree.
    pub fn stretch(
        &self,
        filter: &Filter,
        from: Index,
        bodies: Bodies,
        portion: Portion,
    ) -> Result<Stretch, ReadError> {
        let head = self.head();
        if from.0 > head.size.0 {
            return Err(ReadError::OutsideTree { size: head.size });
        }
        let end = Index(from.0.saturating_add(limits::STRETCH_ENTRIES_MAX).min(head.size.0));
        let mut stretch = Stretch { events: Vec::new(), position: end, head };
        let mut bytes = 0usize;
        self.select(filter, from..end, &mut |index, entry| {
            let Beside { body, refused } = self.beside(index, &entry, bodies)?;
            let event = StoredEvent { index, entry, body, refused };
            bytes = bytes.saturating_add(event.bytes());
            stretch.events.push(event);
            if bytes < portion.bytes_enough && stretch.events.len() < portion.events_max {
                return Ok(ControlFlow::Continue(()));
            }
            stretch.position = Index(index.0.saturating_add(1));
            Ok(ControlFlow::Break(()))
        })?;
        Ok(stretch)
    }

    /// A wait for more.
    pub fn growth(&self) -> Growth {
        Growth(self.shared.published.subscribe())
    }
}

/// Wakes a follower when the log grows. It sees the newest state only: what is published while nobody waits wakes
/// nobody, and is found by the next wait.
#[derive(Debug)]
pub struct Growth(watch::Receiver<Arc<Published>>);

impl Growth {
    /// Resolves when more than so many entries are published, at once if they are; never after the ledger is gone. May
    /// be given up at any time.
    pub async fn beyond(&mut self, size: TreeSize) {
        if self.0.wait_for(|published| published.head.size > size).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
