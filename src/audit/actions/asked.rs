//! A command of the approval machines, with what it is decided on and what the log says that followed.

use crate::approvals::{Action, Command, Event, Judgement, Misplaced, People, What, apply};
use crate::audit::actions::recorded;
use deedbook_verify::detail::{Detail, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Parent;
use deedbook_verify::governance::Policies;
use deedbook_verify::hash::derived_event_id;
use deedbook_verify::kind::Author;
use deedbook_verify::principals::Principals;
use deedbook_verify::words::{Digest, Index, Micros, Ref};
use std::sync::Arc;

/// What stood before the command.
pub(super) struct Known {
    pub people: Arc<People>,
    pub principals: Arc<Principals>,
    pub policies: Arc<Policies>,
    pub before: Option<Action>,
    pub superseded: Option<Action>,
    /// Whether its actor owes an overdue review.
    pub owes: bool,
    /// Whether it is about an action that began before what is audited.
    pub early: bool,
}

/// The command, and what followed.
pub(super) struct Asked {
    pub command: Command,
    pub parent: Parent,
    pub stream: Option<Ref>,
    pub received: Micros,
    pub index: Index,
    pub bytes: Vec<u8>,
    pub known: Known,
    pub followed: Vec<(Index, Vec<u8>)>,
    // Entries of the frame of consequences, once its first has arrived.
    frame: Option<u16>,
}

impl Asked {
    pub fn new((index, bytes): (Index, &[u8]), entry: &Entry<'_>, command: Command, known: Known) -> Asked {
        let facts = &entry.facts;
        Asked {
            command,
            parent: Parent { source: facts.source, event_id: facts.event_id },
            stream: facts.stream,
            received: entry.seal.received,
            index,
            bytes: bytes.to_vec(),
            known,
            followed: Vec::new(),
            frame: None,
        }
    }

    /// Takes an entry, if it follows from this command: the ledger's frame directly behind it, led by the first id that
    /// is derived from it. Replay has made sure that frames are whole.
    pub fn takes(&mut self, index: Index, bytes: &[u8], entry: &Entry<'_>) -> bool {
        let facts = &entry.facts;
        let taken = match self.frame {
            Some(count) => self.followed.len() < usize::from(count),
            None => {
                let own = facts.kind.author() == Author::Ledger && entry.seal.offset == 0;
                own && index.0 == self.index.0.saturating_add(1) && facts.event_id == derived_event_id(&self.parent, 0)
            }
        };
        if taken {
            self.frame = Some(entry.seal.n);
            self.followed.push((index, bytes.to_vec()));
        }
        taken
    }

    /// Why the log says that it was refused.
    pub fn refusal(&self) -> Option<RefusalReason> {
        let (_, bytes) = self.followed.first()?;
        let entry = Entry::parse(bytes).ok()?;
        if let Detail::CommandRefused { reason, .. } = entry.facts.detail { Some(reason) } else { None }
    }

    /// The first consequence of the command's own that a question is answered by.
    fn step<T>(&self, of: impl Fn(&Event) -> Option<T>) -> Option<(Index, T)> {
        self.followed.iter().find_map(|(index, bytes)| {
            let event = Event::from_facts(&Entry::parse(bytes).ok()?.facts).ok()??;
            Some((*index, of(&event)?))
        })
    }

    /// The evaluation that the log says was made: where, under which policies, and what they said.
    pub fn evaluated(&self) -> Option<(Index, (Digest, Judgement))> {
        self.step(|event| {
            let Event::Evaluated { policy, judgement } = event else { return None };
            Some((*policy, judgement.clone()))
        })
    }

    /// What the log says people were shown, and whether it was complete.
    pub fn shown(&self) -> Option<(Index, (Digest, bool))> {
        self.step(|event| {
            let Event::Shown { presentation, complete, .. } = event else { return None };
            Some((*presentation, *complete))
        })
    }

    /// The action with the command itself folded in; none: it begins nothing.
    pub fn begun(&self) -> Result<Option<Action>, Misplaced> {
        let Ok(entry) = Entry::parse(&self.bytes) else { return Ok(self.known.before.clone()) };
        let before = &self.known.before;
        let in_stream = before.as_ref().is_none_or(|action| self.stream == Some(action.stream));
        let what = match (before, self.refusal()) {
            (None, Some(_)) => return Ok(None),
            (Some(_), Some(_)) if !in_stream => return Ok(before.clone()),
            (Some(_), Some(_)) => What::Refused,
            (_, None) => What::Command(&self.command),
        };
        apply(before.clone(), recorded(self.index, &entry, what)).map(Some)
    }
}
