//! The policy set in force: judged before its command is placed, put in force with it or with the vote by which a second
//! administrator agrees, and found again at opening. What a set says about actions is `policy`'s question.

use crate::domain::{Filter, StreamName, principal_ref};
use crate::ledger::OpenError;
use crate::ledger::bodies::{self, Bodies, StoredBody};
use crate::ledger::error::ReadError;
use crate::ledger::reader::Reader;
use crate::ledger::recent::Recent;
use crate::ledger::state::StateError;
use crate::limits;
use crate::policy::{PolicySet, Source};
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Store, StoreError};
use bytes::Bytes;
use deedbook_verify::detail::{Detail, PolicyCommand};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{ActorKind, Facts, Parent};
use deedbook_verify::governance::{Authority, Policies};
use deedbook_verify::hash::{self, RefKey};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Index, Ref};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The stream of the one set that a ledger has.
pub const POLICY_STREAM: &str = "policy/default";
/// KiB of published sets that are remembered: whatever may be built and not durable yet, which are three commits with
/// their last frames.
const OFFERED_KIB: usize = 3 * (limits::COMMIT_BYTES_MAX + limits::FRAME_BYTES_MAX) / 1024;

/// A set that a command wants to publish, as admission found it.
#[derive(Clone)]
pub(super) struct Offered {
    /// The body, which is the set.
    pub body: Bytes,
    /// The set, unless it has a defect.
    pub set: Option<Arc<PolicySet>>,
}

impl Offered {
    /// Judges a `policy.published`. A set of a thousand policies takes up to a second of one core, so only what an
    /// administrator signed is judged; what another signed is refused either way.
    pub fn judge(facts: &Facts<'_>, body: &Bytes, governs: bool, refs: &RefKey) -> Option<Offered> {
        let Detail::Policy(PolicyCommand::Published { stream, policy }) = facts.detail else { return None };
        let sound = governs && stream_ref(refs) == Some(stream);
        let set = if sound { read(body, policy, refs).ok().map(Arc::new) } else { None };
        Some(Offered { body: body.clone(), set })
    }
}

fn stream_ref(refs: &RefKey) -> Option<Ref> {
    StreamName::parse(POLICY_STREAM).and_then(|name| name.to_ref(refs)).ok()
}

/// A set from the body that published it, with the digest that its command states; else what is wrong.
fn read(body: &[u8], policy: Digest, refs: &RefKey) -> Result<PolicySet, String> {
    let source = Source::from_bytes(body).map_err(|error| error.to_string())?;
    let set = PolicySet::publish(&source, &|name| principal_ref(refs, ActorKind::Team, name));
    let set = set.map_err(|lints| lints.first().map_or_else(String::new, ToString::to_string))?;
    if set.digest() == policy { Ok(set) } else { Err("the digest is another one".to_owned()) }
}

/// The set in force, and what it takes to put another one in its place.
pub(super) struct PolicyBook {
    refs: RefKey,
    stream: Ref,
    built_in: Arc<PolicySet>,
    in_force: Arc<PolicySet>,
    /// Where it was published; nothing for the built-in one.
    stated: Option<Index>,
    offered: Recent<Index, Bytes>,
}

impl PolicyBook {
    /// The built-in set, as at the ledger's birth.
    pub fn founded(refs: &RefKey) -> Result<PolicyBook, OpenError> {
        let defect = || OpenError::Damaged("the built-in policies do not pass their own rules".to_owned());
        let built_in = PolicySet::shared_built_in().map_err(|_| defect())?;
        Ok(PolicyBook {
            refs: refs.clone(),
            stream: stream_ref(refs).ok_or_else(defect)?,
            in_force: Arc::clone(&built_in),
            built_in,
            stated: None,
            offered: Recent::new(OFFERED_KIB),
        })
    }

    /// The set that authority names, from its stored body.
    pub fn recover(
        store: &dyn Store,
        number: LedgerNumber,
        authority: &Authority,
        refs: &RefKey,
    ) -> Result<PolicyBook, OpenError> {
        let mut book = PolicyBook::founded(refs)?;
        book.follow(store, number, authority.policies(), None)
            .map_err(|error| OpenError::Damaged(error.to_string()))?;
        Ok(book)
    }

    /// The set by which actions are judged.
    pub fn in_force(&self) -> &Arc<PolicySet> {
        &self.in_force
    }

    /// Remembers a set that is placed at this index, until it is durable.
    pub fn remember(&mut self, index: Index, offered: &Offered) {
        let kib = offered.body.len() / 1024;
        self.offered.insert_weighing(kib.saturating_add(1), index, offered.body.clone());
    }

    /// Puts the set in force that authority names by now. `placed` is the set that the last command published.
    pub fn follow(
        &mut self,
        store: &dyn Store,
        number: LedgerNumber,
        policies: &Policies,
        placed: Option<(Index, &Arc<PolicySet>)>,
    ) -> Result<(), StateError> {
        let named = policies.get(self.stream);
        if named.map(|named| named.stated) == self.stated {
            return Ok(());
        }
        self.in_force = match named {
            None => Arc::clone(&self.built_in),
            Some(named) if let Some((_, set)) = placed.filter(|(index, _)| *index == named.stated) => Arc::clone(set),
            Some(named) => {
                let body = match self.offered.get(&named.stated) {
                    Some(body) => body.clone(),
                    None => stored(store, number, named.stated)?,
                };
                let damaged = |what: String| StoreError::Damaged(format!("the policy at {}: {what}", named.stated));
                Arc::new(read(&body, named.policy, &self.refs).map_err(damaged)?)
            }
        };
        self.stated = named.map(|named| named.stated);
        Ok(())
    }
}

/// The body of a published set. It cannot be erased.
fn stored(store: &dyn Store, number: LedgerNumber, index: Index) -> Result<Bytes, StateError> {
    let missing = || StoreError::Damaged(format!("the policy at {index} is missing"));
    let entry = store.get(keys::entry(number, index).as_slice())?.ok_or_else(missing)?;
    Entry::parse(&entry)?;
    match bodies::read(store, number, (index, &entry), Bodies::With, None)?.body {
        StoredBody::Opened { body, .. } => Ok(Bytes::from(body)),
        StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => Err(missing().into()),
    }
}

/// A set that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyRecord {
    /// Its digest.
    pub policy: Digest,
    /// The command.
    pub stated: Index,
    /// How it stands.
    pub standing: PolicyStanding,
    /// Whether it was published by break-glass, by one administrator alone.
    pub break_glass: bool,
}

/// How a published set stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyStanding {
    /// It judges every action.
    InForce {
        /// Since this entry.
        from: Index,
    },
    /// It waits for a second administrator.
    Waiting,
    /// It was refused.
    Refused,
    /// It is not in force any more, or never was.
    Past,
}

impl Reader {
    /// The sets that were published, newest first: at most `count_max` of them.
    pub fn published_policies(&self, count_max: usize) -> Result<Vec<PolicyRecord>, ReadError> {
        let filter = Filter { kind: Some(Kind::PolicyPublished), ..Filter::default() };
        let authority = self.authority();
        let mut newest = VecDeque::new();
        self.select(&filter, Index(0)..Index(u64::MAX), &mut |index, entry| {
            if newest.len() >= count_max {
                newest.pop_back();
            }
            newest.push_front((index, entry));
            Ok(ControlFlow::Continue(()))
        })?;
        newest.into_iter().map(|(index, entry)| self.policy_record(&authority, index, &entry)).collect()
    }

    fn policy_record(&self, authority: &Authority, stated: Index, bytes: &[u8]) -> Result<PolicyRecord, ReadError> {
        let corrupt = |what: String| ReadError::Corrupt(what);
        let facts = Entry::parse(bytes).map_err(|error| corrupt(error.to_string()))?.facts;
        let policy = facts.policy_digest.ok_or_else(|| corrupt(format!("the policy at {stated} has no digest")))?;
        let request = hash::request_id(&Parent { source: facts.source, event_id: facts.event_id });
        let in_force = authority.policies().iter().find(|(_, named)| named.stated == stated);
        let standing = match in_force {
            Some((_, named)) => PolicyStanding::InForce { from: named.from },
            None if authority.waiting().contains_key(&request) => PolicyStanding::Waiting,
            None if self.beside(stated, bytes, Bodies::Without)?.refused.is_some() => PolicyStanding::Refused,
            None => PolicyStanding::Past,
        };
        Ok(PolicyRecord { policy, stated, standing, break_glass: facts.break_glass.is_some() })
    }

    /// Digest and text of a set, and whether it is the built-in one: the one in force, or the one of this digest.
    pub fn policy_source(&self, wanted: Option<Digest>) -> Result<(Digest, Source, bool), ReadError> {
        let (current, built_in) = (self.policy(), Source::built_in());
        let wanted = wanted.unwrap_or(current.digest());
        let is_built_in = wanted == built_in.digest();
        if wanted == current.digest() {
            return Ok((wanted, current.source().clone(), is_built_in));
        }
        if is_built_in {
            return Ok((wanted, built_in, true));
        }
        let filter = Filter { kind: Some(Kind::PolicyPublished), policy: Some(wanted), ..Filter::default() };
        let found = self.list(&filter, Index(0), self.head().size, 1)?;
        let index = found.first().copied().ok_or(ReadError::NotFound { what: "policy" })?;
        let corrupt = |what: &dyn std::fmt::Display| ReadError::Corrupt(format!("the policy at {index}: {what}"));
        match self.event(index, Bodies::With)?.body {
            StoredBody::Opened { body, .. } => {
                let source = Source::from_bytes(&body).map_err(|error| corrupt(&error))?;
                Ok((wanted, source, false))
            }
            StoredBody::None | StoredBody::Withheld | StoredBody::Erased { .. } => Err(corrupt(&"its body is missing")),
        }
    }
}
