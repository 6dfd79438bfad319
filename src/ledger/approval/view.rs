//! Actions as readers see them: the durable rows, names beside them, and what was shown to people.

use crate::approvals::{Action, ExecutionState, GrantState, RequestState, Resolution, Shown, is_closed};
use crate::ledger::approval::rows;
use crate::ledger::approval::waiters::Waiting;
use crate::ledger::bodies::{Bodies, StoredBody};
use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::record::action::binding_of;
use crate::record::binding::Binding;
use crate::store::Direction;
use crate::store::keys;
use deedbook_verify::entry::Entry;
use deedbook_verify::words::{Index, Micros, Ref, Revision, SubjectId};
use std::ops::ControlFlow;
use std::sync::Arc;

/// An action, and the names of those who stand in it.
#[derive(Clone, Debug)]
pub struct SeenAction {
    /// The fold of its stream.
    pub action: Action,
    names: Vec<(Ref, Arc<str>)>,
}

/// What was shown to people.
#[derive(Clone, Debug)]
pub struct SeenPresentation {
    /// Its bytes, whose digest votes bind.
    pub text: Vec<u8>,
    /// Digest, completeness, revision.
    pub shown: Shown,
}

/// A request that waits for people.
#[derive(Clone, Debug)]
pub struct InboxRow {
    /// Where it stands in the inbox: expiry and id.
    pub place: (Micros, SubjectId),
    /// The action.
    pub seen: SeenAction,
    /// What it is about, unless its body was erased.
    pub about: Option<About>,
}

/// What an action is about, as the body of its command says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// What it acts on, such as `dataset:customers@42`.
    pub resource: String,
    /// Where its result goes.
    pub destination: Option<String>,
}

impl SeenAction {
    /// The last revision of its stream that changed it.
    pub fn revision(&self) -> Revision {
        self.action.revision
    }

    /// Whether nothing can happen to it any more but reports.
    pub fn is_closed(&self) -> bool {
        is_closed(&self.action)
    }

    /// A name, or nothing where it is not known or was erased.
    pub fn name(&self, who: Ref) -> String {
        let name = self.names.iter().find(|(known, _)| *known == who);
        name.map(|(_, name)| name.to_string()).unwrap_or_default()
    }
}

impl Reader {
    /// The row of an action.
    pub(in crate::ledger) fn action_row(&self, id: SubjectId) -> Result<Option<Action>, ReadError> {
        Ok(rows::read(self.shared.store.as_ref(), self.number, id)?)
    }

    /// An action, if there is one.
    pub fn action(&self, id: SubjectId) -> Result<Option<SeenAction>, ReadError> {
        Ok(self.action_row(id)?.map(|action| self.seen(action)))
    }

    fn seen(&self, action: Action) -> SeenAction {
        let mut refs = vec![action.origin.actor.who];
        refs.extend(&action.origin.on_behalf_of);
        if let Some(request) = &action.request {
            refs.extend(request.votes.iter().map(|vote| vote.person));
            refs.extend(request.conflicts.iter().map(|conflict| conflict.person));
            refs.extend(request.requirement.clauses.iter().map(|clause| clause.team));
        }
        let named = |who: Ref| self.id_of(who).map(|name| (who, name));
        SeenAction { action, names: refs.into_iter().filter_map(named).collect() }
    }

    /// What people are shown of an action now; none: nothing is shown, or it was erased.
    pub fn presentation(&self, seen: &SeenAction) -> Result<Option<SeenPresentation>, ReadError> {
        let Some(shown) = seen.action.request.as_ref().and_then(|request| request.shown) else { return Ok(None) };
        let row = self.shared.store.get(keys::stream(self.number, &seen.action.stream, shown.revision).as_slice())?;
        let Some(row) = row else { return Ok(None) };
        let index = crate::ledger::rows::parse_u64(&row).map_err(|error| ReadError::Corrupt(error.to_string()))?;
        if index >= self.head().size.0 {
            // Stored, and not shown yet.
            return Ok(None);
        }
        match self.event(Index(index), Bodies::With)?.body {
            StoredBody::Opened { body, .. } => Ok(Some(SeenPresentation { text: body, shown })),
            StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => Ok(None),
        }
    }

    /// Requests that wait for people, by their expiry, behind a place.
    pub fn inbox(&self, behind: Option<(Micros, SubjectId)>, count_max: usize) -> Result<Vec<InboxRow>, ReadError> {
        let mut range = keys::inbox_rows(self.number);
        if let Some((expires, id)) = behind {
            range.from = keys::inbox(self.number, expires, &id).as_slice().to_vec();
            range.from.push(0);
        }
        let mut places = Vec::new();
        self.shared.store.scan(&range, Direction::Forward, &mut |key, _| {
            places.extend(keys::trailing_time_and_id(key));
            if places.len() < count_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        let (mut found, size) = (Vec::with_capacity(places.len()), self.head().size);
        for place in places {
            let action = self.action_row(place.1)?;
            // One that was decided since the scan is left out, and so is one whose commit is stored but not shown yet: its
            // entries are not there for readers.
            if let Some(action) = action.filter(|action| action.pending().is_some() && action.origin.index.0 < size.0) {
                let about = self.about(&action)?;
                found.push(InboxRow { place, seen: self.seen(action), about });
            }
        }
        Ok(found)
    }

    /// What an action is about; none: its body was erased.
    pub fn about(&self, action: &Action) -> Result<Option<About>, ReadError> {
        let stored = self.event(action.origin.index, Bodies::With)?;
        let StoredBody::Opened { body, .. } = &stored.body else { return Ok(None) };
        let entry = Entry::parse(&stored.entry).map_err(|error| ReadError::Corrupt(error.to_string()))?;
        let binding = binding_of(&entry.facts, Some(body)).map(|(binding, _)| binding);
        Ok(binding.map(|Binding { resource, destination, .. }| About { resource, destination }))
    }

    /// Waits for changes of an action from now on.
    pub fn wait_for_action(&self, id: SubjectId) -> Waiting {
        Arc::clone(&self.shared.waiters).enter(id)
    }
}

/// How an action ended, or stands, in a few words.
pub(super) fn in_words(action: &Action) -> String {
    let request = match action.request.as_ref().map(|request| &request.state) {
        None if action.blocked => "denied by policy",
        None => "allowed by policy",
        Some(RequestState::Pending) => "waits for people",
        Some(RequestState::Resolved(resolved)) => match resolved.resolution {
            Resolution::Approved(_) => "approved",
            Resolution::Denied => "denied",
            Resolution::Expired => "expired",
            Resolution::Cancelled => "cancelled",
            Resolution::Superseded(_) => "superseded",
            Resolution::Invalidated => "invalidated by policy",
            Resolution::Unroutable => "nobody could decide",
            Resolution::BreakGlass => "by break-glass",
        },
    };
    let run = match action.executions.last().map(|run| run.state) {
        Some(ExecutionState::Succeeded) => ", succeeded",
        Some(ExecutionState::Failed) => ", failed",
        Some(ExecutionState::Started | ExecutionState::Unknown) => ", started",
        None if action.grant.is_some_and(|grant| grant.state == GrantState::Expired) => ", never run",
        None => "",
    };
    format!("{request}{run}")
}
