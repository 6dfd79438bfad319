//! The fold of the log into the graph: `(what is known, entry) -> nodes, edges, what is known about approvals`. It reads
//! facts, seals for streams' revisions and signers, and nothing of bodies; so a graph that is folded again after an
//! erasure is the same. It knows no rows: what stands before is asked of a [`Lookup`], what is new is handed out by
//! [`Fold::settle`].
//!
//! **What an entry adds.** Each entry names nodes by [`NodeKey`]; a node that was never named gets the next number, causes
//! before effects, so that edges run from lower numbers to higher ones. The exceptions are few: a version that was read
//! before it was written; whatever ends something that is older (`revoked`); somebody who turns out to answer for an agent
//! that was named before. Edges that say what something belongs to (`version_of`, `part_of`, `same_as`) are no flow and
//! run either way.
//!
//! **Commands** that were refused add nothing; the caller says so with the command, because the refusal stands directly
//! behind it, in the same batch. Commands that wait for a second administrator add what they ask for when they are made.
//!
//! **Approvals are folded here again, in small.** Of an action the fold keeps a [`Trace`]: stream, digest, grant, what
//! holds for a run that starts now, which runs nobody reported the end of. `approvals` knows all of it, but as of the end
//! of the log; the graph must come out the same when it is folded again from any position, and by whoever has nothing but
//! entries. Whether a command was right is not judged here: that was, when it was decided.
//!
//! **Keys.** Whoever holds a key has an `on_behalf` edge to it, and a key has a `performed` edge to every action, vote and
//! run that a frame of its stated; not the ledger's own keys, on which everything rests. A later statement that adds
//! something to a run adds the `performed` edges of key and actor again, at its own index: so what a key, or an agent,
//! contaminates that is not to be trusted since p is what its edges at or behind p lead to, and all that follows. One that
//! adds nothing contaminates nothing.
//!
//! **Versions.** A read or write that names none is of the version that the run wrote, or of the latest that was known;
//! a read's edge then is `inferred`. Two versions of a dataset are not joined: facts do not say whether a write kept what
//! was there, and an edge for every pair would make everything a cause of everything later.

mod known;
mod links;
mod delta;
mod tail;
mod step;
mod touch;
mod statement;
mod document;
mod action;
mod approval;
mod governance;
mod log;
mod grow;
mod rows;
mod page;
mod block;
mod memory;

pub use block::{BlockFold, FullBlock};
pub use delta::{Delta, NewEdge, NewGate, NewNode, Settled};
pub use key::NodeKey;
pub use known::{Carry, Cause, Known, Link, LinkKey, Lookup, Started, Trace};
pub use links::{Links, NearLink};
pub use log::{is_refusal_of, take_log};
pub use memory::Memory;
pub use page::{BLOCK_ENTRIES, BlockRuns, block_start, from_page, to_page};
pub use rows::{Head, Row, RowKey};

use crate::lineage::words::NodeId;
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Parent;
use deedbook_verify::frame::SignerRole;
use deedbook_verify::kind::Kind;
use deedbook_verify::lineage as key;
use deedbook_verify::words::{Index, KeyId};
use std::fmt;
use step::Step;
use tail::Tail;

/// Why an entry was not folded. The fold is not to be used any more: a part of the entry may be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoldError<E> {
    /// What stands before could not be asked.
    Lookup(E),
    /// There are `LINEAGE_NODES_MAX` nodes.
    Full,
}

impl<E: fmt::Display> fmt::Display for FoldError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FoldError::Lookup(error) => error.fmt(f),
            FoldError::Full => f.write_str("the lineage graph has as many nodes as it can number"),
        }
    }
}

impl<E: std::error::Error> std::error::Error for FoldError<E> {}

/// An entry at its place.
#[derive(Clone, Copy, Debug)]
pub struct Placed<'a> {
    /// Its index.
    pub index: Index,
    /// The entry.
    pub entry: &'a Entry<'a>,
    /// Whether it is a command behind which stands its refusal.
    pub refused: bool,
}

/// The fold, as of an entry. Owned by whoever appends.
#[derive(Clone, Debug, Default)]
pub struct Fold {
    nodes: u32,
    carry: Carry,
    tail: Tail,
    /// The key that signed last, which nearly always signs next.
    last_signer: Option<(KeyId, NodeId)>,
}

impl Fold {
    /// Goes on behind what was settled: so many nodes, and what carried over.
    pub fn resume(nodes_count: u32, carry: Carry) -> Fold {
        Fold { nodes: nodes_count, carry, ..Fold::default() }
    }

    /// How many nodes there are.
    pub fn nodes_count(&self) -> u32 {
        self.nodes
    }

    /// Folds the next entry, and adds what it adds to `delta`. Returns the run that the entry is of, for
    /// [`Lookup::run_of`].
    pub fn take<L: Lookup>(
        &mut self,
        lookup: &mut L,
        placed: Placed<'_>,
        delta: &mut Delta,
    ) -> Result<Option<NodeId>, FoldError<L::Error>> {
        let Placed { index, entry, refused } = placed;
        if let Some(frame) = &entry.seal.frame {
            let mut signers = frame.header.signers().filter(|signer| signer.role == SignerRole::Source);
            self.carry.signer = signers.next().map(|signer| signer.key_id);
        }
        let mut step = Step { fold: self, lookup, delta, index, here: None };
        let run = step.entry(entry, refused)?;
        step.finish();
        Ok(run)
    }

    /// Hands out what is new since the last time, for rows, and forgets it: from here on a lookup answers for it.
    pub fn settle(&mut self) -> Settled {
        self.tail.settle(self.nodes, self.carry)
    }

    /// What was settled before this was called the last time is in rows, and need not be kept at hand.
    pub fn let_go(&mut self) {
        self.tail.let_go();
    }
}

impl<L: Lookup> Step<'_, L> {
    fn entry(&mut self, entry: &Entry<'_>, refused: bool) -> Result<Option<NodeId>, FoldError<L::Error>> {
        match entry.facts.kind {
            Kind::ExecutionReported | Kind::DataAccessed | Kind::ModelInvoked => self.statement(entry).map(Some),
            Kind::ProvReceived => self.prov(entry),
            Kind::OpenlineageReceived => self.openlineage(entry),
            Kind::PolicyEvaluated
            | Kind::ApprovalOpened
            | Kind::PresentationShown
            | Kind::ApprovalEscalated
            | Kind::ApprovalResolved
            | Kind::GrantIssued
            | Kind::GrantRedeemed
            | Kind::GrantRevoked
            | Kind::GrantExpired
            | Kind::ExecutionStarted
            | Kind::ActionBlocked => self.followed(entry),
            Kind::ActionSubmitted
            | Kind::VoteCast
            | Kind::ApprovalCancelRequested
            | Kind::GrantRedeemRequested
            | Kind::GrantRevokeRequested
            | Kind::BreakglassInvoked
            | Kind::BreakglassReviewed
            | Kind::KeyEnrolled
            | Kind::KeyRotated
            | Kind::KeyRevoked
            | Kind::PrincipalBound
            | Kind::PrincipalLinked
            | Kind::PrincipalDisabled
            | Kind::RoleGranted
            | Kind::RoleRevoked
            | Kind::DelegationSet
            | Kind::PolicyPublished
            | Kind::PolicyRetired
            | Kind::RetentionSet
            | Kind::HoldPlaced
            | Kind::HoldReleased
            | Kind::BodyErased => self.command(entry, refused).map(|()| None),
            Kind::Genesis => self.genesis(entry).map(|()| None),
            Kind::LedgerSealed
            | Kind::CommandRefused
            | Kind::EvidenceExported
            | Kind::LogRead
            | Kind::VerificationRun
            | Kind::ClockChecked
            | Kind::SourceOpened
            | Kind::SourceHeartbeat
            | Kind::SourceGap
            | Kind::SourceClosed
            | Kind::ReviewCompleted
            | Kind::ExceptionDisposed
            | Kind::ReconciliationCompleted => Ok(None),
        }
    }
    /// A command. What carries over is which one it was, even if it was refused: the ledger may say more behind it.
    fn command(&mut self, entry: &Entry<'_>, refused: bool) -> Result<(), FoldError<L::Error>> {
        let facts = &entry.facts;
        let signer = self.fold.carry.signer;
        let command = Parent { source: facts.source, event_id: facts.event_id };
        self.fold.carry.cause = Some(Cause { command, kind: facts.kind, node: None, actor: None, signer });
        if refused {
            return Ok(());
        }
        let (node, actor) = if let Detail::Approval(asked) = &facts.detail {
            self.asked(entry, asked)?
        } else {
            (Some(self.governs(entry)?), None)
        };
        if let Some(cause) = &mut self.fold.carry.cause {
            (cause.node, cause.actor) = (node, actor);
        }
        Ok(())
    }
}
