//! Replay of an interval: the commands that governed before it are folded one by one, without what stands between them,
//! and the log is replayed from there on. That no governing command was left out is not known here.

use super::{Replay, ReplayRefusal};
use crate::detail::Detail;
use crate::entry::Entry;
use crate::facts::Facts;
use crate::frame::{FrameRefusal, check_signatures};
use crate::hash;
use crate::kind::{Author, Kind};
use crate::plant::Bug;
use crate::replay::genesis_authority;
use crate::replay::{check_company, check_genesis_frame};
use crate::tree::Frontier;
use crate::words::{Index, LedgerId};

/// The kinds of commands that may change who can do what. Votes on them do too.
pub const GOVERNING: [Kind; 15] = [
    Kind::KeyEnrolled,
    Kind::KeyRotated,
    Kind::KeyRevoked,
    Kind::PrincipalBound,
    Kind::PrincipalLinked,
    Kind::PrincipalDisabled,
    Kind::RoleGranted,
    Kind::RoleRevoked,
    Kind::DelegationSet,
    Kind::PolicyPublished,
    Kind::PolicyRetired,
    Kind::RetentionSet,
    Kind::HoldPlaced,
    Kind::HoldReleased,
    Kind::BodyErased,
];

/// Whether an entry may change who can do what: genesis, the governing commands, and votes on them.
pub fn governs(facts: &Facts<'_>) -> bool {
    let is_vote = facts.kind == Kind::VoteCast && facts.stream.is_none();
    is_vote || facts.kind == Kind::Genesis || GOVERNING.contains(&facts.kind)
}

impl Replay {
    /// Before what governed before an interval that begins at an index above 0.
    pub fn resuming(begins: Index) -> Replay {
        Replay { begins: Some(begins), ..Replay::default() }
    }

    /// Takes in an entry that stands before the interval: one that governs, the one directly behind it, which may refuse
    /// it, or another command, which may break a silence. They come in the order of the log, genesis first. Its place in
    /// the tree is the caller's to check.
    ///
    /// Everything is judged that does not rest on the entries between: its frame, whole; the key that signed it; the
    /// rules of governance; that a refused command is refused.
    pub fn stand_before(&mut self, index: Index, bytes: &[u8]) -> Result<(), ReplayRefusal> {
        let entry = Entry::parse(bytes)?;
        if (entry.facts.kind == Kind::Genesis) != (index == Index(0)) {
            return Err(ReplayRefusal::Genesis);
        }
        if self.received.is_some_and(|received| entry.seal.received < received) {
            return Err(ReplayRefusal::ReceivedDecreases);
        }
        self.received = Some(entry.seal.received);
        if let Detail::Genesis(genesis) = &entry.facts.detail {
            self.authority = Some(genesis_authority(LedgerId(entry.leaf().0), &entry.facts, genesis)?);
        }
        let folds = governs(&entry.facts) || entry.facts.kind == Kind::CommandRefused;
        // Another stands here to show that it is no refusal.
        if !folds && self.follow.take().is_some_and(|follow| !follow.may_end()) {
            return Err(ReplayRefusal::RefusalMissing);
        }
        if !folds && entry.facts.author() != Author::Asker {
            return Ok(());
        }
        let sealed = entry.seal.frame.ok_or(ReplayRefusal::FrameOrder)?;
        let header = &sealed.header;
        let keys = self.keys().ok_or(ReplayRefusal::Genesis)?;
        if index == Index(0) {
            check_genesis_frame(header)?;
        } else {
            keys.check_author(header, entry.facts.author())?;
        }
        header.agrees(0, &entry.facts)?;
        check_company(&entry.facts, entry.facts.author(), header.n)?;
        if header.n == 1 && header.root != hash::leaf(entry.facts.bytes) {
            return Err(FrameRefusal::RootDiffers.into());
        }
        check_signatures(header, &sealed.block, |signer| keys.key_for(header, signer, index))?;
        let signer = header.signers().last().ok_or(FrameRefusal::SignatureMissing)?;
        if folds {
            return self.fold(&entry, signer.key_id, index);
        }
        // What became of it decides nothing of who may do what; that it was signed does.
        let authority = self.authority.as_mut().ok_or(ReplayRefusal::Genesis)?;
        if !Bug::SilenceForgotten.planted() {
            authority.hear(entry.facts.source, index);
        }
        Ok(())
    }

    /// Whether the entry behind the last one must be looked at: it may refuse it.
    pub fn awaits_refusal(&self) -> bool {
        self.follow.is_some()
    }

    /// Goes on with the first entry behind the frontier, which is at the index where the interval begins.
    pub fn resume(&mut self, frontier: Frontier) {
        self.tree = frontier;
    }
}
