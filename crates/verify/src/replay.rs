//! Replay: every entry from genesis on, in order, judged by what stands before it. It knows no storage: the caller
//! hands over bytes. What it accepts is a ledger in which nothing is unsigned, out of place, or doubly numbered.

mod follow;
mod form;
mod refusal;
#[cfg(feature = "package")]
mod resumed;
mod step;

pub use follow::is_of_approvals;
pub use form::{check_company, check_genesis_frame, follows, is_built};
pub use refusal::ReplayRefusal;
#[cfg(feature = "package")]
pub use resumed::{GOVERNING, governs};

use crate::authority::KeyHistory;
use crate::detail::{ApprovalCommand, Detail, Genesis, RefusalReason, Rules};
use crate::entry::{Entry, SealedFrame};
use crate::erasure::{ErasedBodies, Erasure, Standings, Stood};
use crate::facts::{Facts, Parent};
use crate::frame::{FrameHeader, FrameRefusal, SignatureChecks};
use crate::governance::{Authority, Stated};
use crate::hash::EntryHashes;
use crate::kind::{Author, Kind};
use crate::plant::Bug;
use crate::replay::follow::{Follow, Following, Steps, Undoable, check_timed};
use crate::replay::form::OF_BODIES;
use crate::tree::{Frontier, TreeHead};
use crate::words::{Epoch, EventId, Hash, Index, KeyId, LedgerId, Micros, Ref, Revision, Sequence, TreeSize};
use std::collections::{HashMap, HashSet, hash_map};
use std::convert::Infallible;

/// The frame whose entries are arriving.
struct OpenFrame {
    header: Vec<u8>,
    digest: Hash,
    received: Micros,
    facts: Frontier,
    next_offset: u16,
    author: Author,
    signer: KeyId,
}

/// Tree levels that one level of tiles spans (C2SP tlog-tiles).
const TILE_HEIGHT: u32 = 8;

/// What the ledger makes is sequenced in one epoch, from 1 = genesis on.
pub const LEDGER_EPOCH: Epoch = Epoch(1);

/// The state after some number of entries. Memory grows by source ref and event id, 32 bytes, and by what
/// `Standings` keeps, with every entry; and by 24 bytes with every stream.
#[derive(Default)]
pub struct Replay {
    tree: Frontier,
    leaf: Option<Hash>,
    completed: Vec<Hash>,
    received: Option<Micros>,
    authority: Option<Authority>,
    open: Option<OpenFrame>,
    follow: Option<Follow>,
    sources: HashMap<Ref, (Epoch, Sequence)>,
    events: Option<HashSet<(Ref, EventId)>>,
    streams: HashMap<Ref, Revision>,
    bodies: Standings,
    erasure: Option<Erasure>,
    /// Where it begins, if not at genesis: of sources, streams and bodies it knows only what stands from there on.
    begins: Option<Index>,
}

impl Replay {
    /// Before genesis.
    pub fn new() -> Replay {
        Replay { events: Some(HashSet::new()), ..Replay::default() }
    }

    /// Before genesis, for a caller that shows by other means that no source states two events with one id: this one
    /// does not remember them.
    pub fn without_ids() -> Replay {
        Replay::default()
    }

    /// Size and root of what was accepted.
    pub fn head(&self) -> TreeHead {
        self.tree.head()
    }

    /// Size of what was accepted; cheaper than the head, which hashes.
    pub fn head_size(&self) -> TreeSize {
        self.tree.size()
    }

    /// The leaf hash of the last entry.
    pub fn leaf(&self) -> Option<Hash> {
        self.leaf
    }

    /// The roots of the subtrees of 256, 65,536, and so on, leaves that the last entry completed: what tlog-tiles puts
    /// into the levels above the leaves.
    pub fn completed(&self) -> &[Hash] {
        &self.completed
    }

    /// The received time of the last entry.
    pub fn received(&self) -> Option<Micros> {
        self.received
    }

    /// The keys as folded up to here; none before genesis.
    pub fn keys(&self) -> Option<&KeyHistory> {
        self.authority.as_ref().map(|authority| authority.keys().as_ref())
    }

    /// Keys, principals, policies and what waits, as folded up to here; none before genesis. A policy set that the very
    /// next entry says is none counts until then.
    pub fn authority(&self) -> Option<&Authority> {
        self.authority.as_ref()
    }

    /// Last sequence of each source, by epoch.
    pub fn sources(&self) -> &HashMap<Ref, (Epoch, Sequence)> {
        &self.sources
    }

    /// Last revision of each stream.
    pub fn streams(&self) -> &HashMap<Ref, Revision> {
        &self.streams
    }

    /// What stands at each index, as far as erasure asks; where replay began in the midst, from there on.
    pub fn bodies(&self) -> &Standings {
        &self.bodies
    }

    /// The bodies that the last entry erased; those that were erased before are not among them.
    pub fn erased(&self) -> &[Index] {
        self.erasure.as_ref().map_or(&[], |erasure| &erasure.bodies)
    }

    /// The command that erased them: the last entry, or the one whose second administrator it is.
    pub fn erased_by(&self) -> Option<Index> {
        self.erasure.as_ref().map(|erasure| erasure.command)
    }

    fn take_in(
        &mut self,
        entry: &Entry<'_>,
        hashes: EntryHashes,
        signatures: impl FnOnce(SignatureChecks) -> Result<(), FrameRefusal>,
    ) -> Result<(), ReplayRefusal> {
        let index = Index(self.tree.size().0);
        if (entry.facts.kind == Kind::Genesis) != (index == Index(0)) {
            return Err(ReplayRefusal::Genesis);
        }
        if self.received.is_some_and(|received| entry.seal.received < received) && !Bug::ReceivedUnread.planted() {
            return Err(ReplayRefusal::ReceivedDecreases);
        }
        let leaf = hashes.leaf;
        if let Detail::Genesis(genesis) = &entry.facts.detail {
            self.authority = Some(genesis_authority(LedgerId(leaf.0), &entry.facts, genesis)?);
        }
        let mut frame = match (self.open.take(), &entry.seal.frame) {
            (None, Some(sealed)) => {
                let (checks, frame) = self.begin_frame(entry, sealed, index)?;
                signatures(checks)?;
                frame
            }
            (Some(open), None) => open,
            (Some(_), Some(_)) | (None, None) => return Err(ReplayRefusal::FrameOrder),
        };
        self.place_in_frame(&mut frame, entry, hashes.facts)?;
        self.follow_source(&entry.facts)?;
        self.follow_stream(entry)?;
        self.fold(entry, frame.signer, index)?;
        if frame.next_offset < entry.seal.n {
            self.open = Some(frame);
        } else if FrameHeader::parse(&frame.header)?.root != frame.facts.root() && !Bug::FrameRootUnread.planted() {
            return Err(FrameRefusal::RootDiffers.into());
        }
        self.received = Some(entry.seal.received);
        self.bodies.push(Stood::of(&entry.facts, entry.seal.received));
        if let Some(erasure) = &self.erasure {
            let begins = self.begins.unwrap_or(Index(0));
            let known = erasure.bodies.iter().filter_map(|index| index.0.checked_sub(begins.0).map(Index));
            known.for_each(|place| self.bodies.erase(place));
        }
        self.completed.clear();
        self.tree.push_noting(leaf, |height, root| {
            if height.is_multiple_of(TILE_HEIGHT) {
                self.completed.push(*root);
            }
        });
        self.leaf = Some(leaf);
        Ok(())
    }

    /// Refuses a log that ends inside a frame or owes a refusal.
    pub fn finish(&self) -> Result<(), ReplayRefusal> {
        match (&self.open, &self.follow) {
            (Some(_), _) => Err(ReplayRefusal::FrameOrder),
            (None, Some(follow)) if !follow.may_end() => Err(ReplayRefusal::RefusalMissing),
            (None, Some(_) | None) => Ok(()),
        }
    }

    fn begin_frame(
        &self,
        entry: &Entry<'_>,
        sealed: &SealedFrame<'_>,
        index: Index,
    ) -> Result<(SignatureChecks, OpenFrame), ReplayRefusal> {
        let keys = self.keys().ok_or(ReplayRefusal::Genesis)?;
        let header = &sealed.header;
        if index == Index(0) {
            check_genesis_frame(header)?;
        } else {
            keys.check_author(header, entry.facts.author())?;
        }
        let checks = SignatureChecks::of(header, &sealed.block, |signer| keys.key_for(header, signer, index))?;
        let signer = header.signers().last().ok_or(FrameRefusal::SignatureMissing)?;
        let frame = OpenFrame {
            header: header.bytes.to_vec(),
            digest: entry.seal.frame_digest,
            received: entry.seal.received,
            facts: Frontier::new(),
            next_offset: 0,
            author: entry.facts.author(),
            signer: signer.key_id,
        };
        Ok((checks, frame))
    }

    fn place_in_frame(&self, frame: &mut OpenFrame, entry: &Entry<'_>, leaf: Hash) -> Result<(), ReplayRefusal> {
        let (seal, facts) = (&entry.seal, &entry.facts);
        let header = FrameHeader::parse(&frame.header)?;
        let continues = seal.offset == frame.next_offset
            && seal.frame_digest == frame.digest
            && seal.n == header.n
            && seal.received == frame.received;
        if !continues {
            return Err(ReplayRefusal::FrameOrder);
        }
        header.agrees(seal.offset, facts)?;
        check_company(facts, frame.author, header.n)?;
        frame.facts.push(leaf);
        frame.next_offset = frame.next_offset.saturating_add(1);
        Ok(())
    }

    fn follow_source(&mut self, facts: &Facts<'_>) -> Result<(), ReplayRefusal> {
        let new = self.events.as_mut().is_none_or(|events| events.insert((facts.source, facts.event_id)));
        if !new {
            return Err(ReplayRefusal::EventIdKnown);
        }
        let own = facts.author() == Author::Ledger;
        if own && facts.epoch != LEDGER_EPOCH || facts.lost().is_some() && facts.epoch == Epoch(0) {
            return Err(ReplayRefusal::SourceOrder);
        }
        if facts.epoch == Epoch(0) {
            return Ok(());
        }
        let now = (facts.epoch, facts.sequence);
        let last = match self.sources.entry(facts.source) {
            hash_map::Entry::Occupied(mut last) => Some(last.insert(now)),
            hash_map::Entry::Vacant(first) => {
                first.insert(now);
                None
            }
        };
        let unknown = last.is_none() && self.begins.is_some();
        if unknown || follows(last, facts) { Ok(()) } else { Err(ReplayRefusal::SourceOrder) }
    }

    fn follow_stream(&mut self, entry: &Entry<'_>) -> Result<(), ReplayRefusal> {
        let (Some(stream), Some(revision)) = (entry.facts.stream, entry.seal.revision) else { return Ok(()) };
        // Where replay begins in the midst, the first entry of a stream says itself how many stand before it.
        let unknown = if self.begins.is_some() { revision.0.saturating_sub(1) } else { 0 };
        let last = std::mem::replace(self.streams.entry(stream).or_insert(Revision(unknown)), revision);
        let expected = entry.facts.expected_revision.is_none_or(|expected| expected == last);
        let next = last.0.checked_add(1) == Some(revision.0);
        if expected && next { Ok(()) } else { Err(ReplayRefusal::StreamOrder) }
    }

    fn fold(&mut self, entry: &Entry<'_>, signer: KeyId, index: Index) -> Result<(), ReplayRefusal> {
        self.erasure = None;
        let facts = &entry.facts;
        if let Some(follow) = self.follow.take() {
            match follow.next(entry)? {
                Following::Nothing => {}
                Following::Belongs(follow) => {
                    self.follow = follow;
                    return Ok(());
                }
                Following::Undone(before) => {
                    self.authority = Some(*before);
                    return Ok(());
                }
            }
        }
        if let Detail::CommandRefused { .. } = facts.detail {
            return Err(ReplayRefusal::RefusalUnfounded);
        }
        if let Detail::Step(step) = &facts.detail {
            return check_timed(entry, step);
        }
        if let Detail::ClockChecked { rules, .. }
        | Detail::Imported { rules }
        | Detail::Custody { rules, .. }
        | Detail::Genesis(Genesis { rules, .. }) = &facts.detail
            && *rules != Rules::CURRENT
        {
            return Err(ReplayRefusal::Rules);
        }
        if !is_built(facts.kind) {
            return Err(ReplayRefusal::KindNotBuilt(facts.kind));
        }
        if facts.author() != Author::Asker {
            return Ok(());
        }
        if let Some(authority) = &mut self.authority {
            authority.hear(facts.source, index);
        }
        let stated = Stated { facts, signer, index, received: entry.seal.received };
        self.follow = self.decide(&stated)?;
        Ok(())
    }

    /// Decides a command, takes it in, and says what it leaves open.
    fn decide(&mut self, stated: &Stated<'_>) -> Result<Option<Follow>, ReplayRefusal> {
        let authority = self.authority.as_mut().ok_or(ReplayRefusal::Genesis)?;
        let (facts, index) = (stated.facts, stated.index);
        let command = Parent { source: facts.source, event_id: facts.event_id };
        if let Detail::Approval(asked) = &facts.detail {
            let evidence = match asked {
                ApprovalCommand::VoteCast(vote) if vote.stream.is_none() => None,
                ApprovalCommand::VoteCast(vote) => Some(authority.check_evidence(vote, index).err()),
                ApprovalCommand::Submitted(_)
                | ApprovalCommand::CancelRequested(_)
                | ApprovalCommand::RedeemRequested(_)
                | ApprovalCommand::RevokeRequested(_)
                | ApprovalCommand::BreakglassInvoked(_)
                | ApprovalCommand::BreakglassReviewed(_) => Some(None),
            };
            if let Some(evidence) = evidence {
                return Ok(Some(Follow::Steps(Steps { command, kind: facts.kind, next: 0, evidence })));
            }
        }
        let (begins, mut guessed) = (self.begins.unwrap_or(Index(0)), false);
        // What stands before the place where this replay began is not known; whatever the rules say of it may follow.
        let stood = |index: Index| match index.0.checked_sub(begins.0) {
            None => {
                guessed = true;
                Stood::ERASED
            }
            Some(place) => self.bodies.stood(Index(place)).unwrap_or(Stood::NOTHING),
        };
        let standings = |named: ErasedBodies<'_>| Ok::<_, Infallible>(named.indexes().map(stood).collect());
        let Ok(decided) = authority.decide(stated, standings);
        let consequence = match decided {
            Ok(consequence) => consequence,
            Err(_) if guessed => return Ok(Some(Follow::Owed(command, OF_BODIES.to_vec()))),
            Err(reason) => return Ok(Some(Follow::Owed(command, vec![reason]))),
        };
        self.erasure = consequence.erasure().cloned();
        let reasons: &[RefusalReason] = match (facts.kind == Kind::PolicyPublished, guessed) {
            (true, _) => &[RefusalReason::PolicyInvalid],
            (false, true) => &OF_BODIES,
            (false, false) => &[],
        };
        let undoable = || Undoable { command, reasons, before: Box::new(authority.clone()) };
        let follow = (!reasons.is_empty()).then(|| Follow::Undoable(undoable()));
        authority.apply(consequence, index, stated.received);
        Ok(follow)
    }
}

/// The authority that genesis founds; its persons, head and sequencer keys must all be sound.
fn genesis_authority(ledger: LedgerId, facts: &Facts<'_>, genesis: &Genesis<'_>) -> Result<Authority, ReplayRefusal> {
    Authority::from_genesis(ledger, facts.source, genesis).map_err(|_| ReplayRefusal::Genesis)
}
