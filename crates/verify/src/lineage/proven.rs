//! The entries of a bundle, each judged as a receipt judges its own: in the tree, in the frame that its source signed,
//! by a key that genesis names or that an entry of the bundle let in.

use super::bundle::{Bundle, BundleEntry};
use super::inclusions::root_of_many;
use super::refusal::LineageRefusal;
use crate::authority::Tenure;
use crate::entry::{Entry, SealedFrame};
use crate::frame::{SignerRole, check_signatures};
use crate::governance::Authority;
use crate::judge::{Enrollment, Opened, base_of, check_author, check_frame, founded, last_signer, let_in, let_in_by};
use crate::kind::Kind;
use crate::receipt::{Check, Finding, ReceiptRefusal};
use crate::verdict::Enroller;
use crate::words::{Hash, Index, KeyId};
use std::collections::{BTreeMap, BTreeSet};

/// An entry that is in the tree and was signed.
pub(super) struct Shown<'a> {
    pub index: Index,
    pub entry: Entry<'a>,
    /// The key that signed its frame, whosever it is.
    pub signer: KeyId,
    pub enroller: Enroller,
    /// The same key, if it is a producer's: the fold names no others.
    pub producer: Option<KeyId>,
}

/// Judges all entries, in the order of the log.
pub(super) fn entries<'a>(bundle: &Bundle<'a>, opened: &Opened) -> Result<(Authority, Vec<Shown<'a>>), LineageRefusal> {
    let mut parsed = Vec::with_capacity(bundle.entries.len());
    for BundleEntry { index, proven } in &bundle.entries {
        if index.0 >= opened.head.size.0 {
            return Err(LineageRefusal::Older { index: *index, size: opened.head.size });
        }
        let entry = Entry::parse(proven.entry).map_err(Check::Entry.malformed()).map_err(at(*index))?;
        parsed.push(entry);
    }
    let leaves: Vec<(Index, Hash)> =
        bundle.entries.iter().zip(&parsed).map(|(at, entry)| (at.index, entry.leaf())).collect();
    match root_of_many(opened.head.size, &leaves, &bundle.hashes) {
        Ok(root) if root == opened.head.root => {}
        Ok(_) => return Err(LineageRefusal::Inclusion(crate::tree::ProofRefusal::RootDiffers)),
        Err(refusal) => return Err(LineageRefusal::Inclusion(refusal)),
    }
    let (first, genesis) = match (bundle.entries.first(), parsed.first()) {
        (Some(first), Some(genesis)) if first.index == Index(0) => (first, genesis),
        (_, _) => return Err(LineageRefusal::NoGenesis),
    };
    let authority = founded(&first.proven, genesis, &opened.log).map_err(at(Index(0)))?;
    let mut frames = BTreeMap::new();
    for (BundleEntry { index, proven }, entry) in bundle.entries.iter().zip(&parsed) {
        let frame = check_frame(Check::Frame, proven, entry, *index).map_err(at(*index))?;
        frames.insert(*index, frame);
    }
    let mut signers = Signers {
        authority: &authority,
        let_in: enrollments(&bundle.entries, &parsed, &frames),
        seen: BTreeSet::new(),
    };
    let mut shown = Vec::with_capacity(parsed.len());
    for (index, entry) in bundle.entries.iter().map(|at| at.index).zip(parsed) {
        let frame = frames.get(&index).ok_or(LineageRefusal::NoGenesis)?;
        shown.push(signers.judge(index, entry, frame).map_err(at(index))?);
    }
    Ok((authority, shown))
}

fn at(index: Index) -> impl Fn(ReceiptRefusal) -> LineageRefusal {
    move |refusal| LineageRefusal::Entry { index, refusal }
}

/// The entries that let keys in, by key. A key is let in once; should two entries say so, the first counts.
fn enrollments<'a>(
    entries: &[BundleEntry<'a>],
    parsed: &[Entry<'a>],
    frames: &BTreeMap<Index, SealedFrame<'a>>,
) -> BTreeMap<KeyId, Enrollment<'a>> {
    let mut let_in = BTreeMap::new();
    for (BundleEntry { index, .. }, entry) in entries.iter().zip(parsed) {
        if let (Some(grant), Some(frame)) = (let_in_by(entry), frames.get(index)) {
            let enrollment = Enrollment { from: *index, entry: *entry, frame: *frame };
            let_in.entry(grant.key.id()).or_insert(enrollment);
        }
    }
    let_in
}

struct Signers<'v, 'a> {
    authority: &'v Authority,
    let_in: BTreeMap<KeyId, Enrollment<'a>>,
    /// Frames whose signatures were checked.
    seen: BTreeSet<Hash>,
}

impl<'a> Signers<'_, 'a> {
    fn judge(&mut self, index: Index, entry: Entry<'a>, frame: &SealedFrame<'a>) -> Result<Shown<'a>, ReceiptRefusal> {
        let (keys, signer, base) = (self.authority.keys(), last_signer(frame)?, base_of(&entry, index));
        let (tenure, enroller) = match keys.tenure(&signer.key_id) {
            Some(_) => (None, Enroller::Genesis),
            None => self.enrolled(base, frame).map(|(tenure, enroller)| (Some(tenure), enroller))?,
        };
        check_author(&entry, frame, keys, index)?;
        // What is equal to the digest was signed as a whole, once.
        if self.seen.insert(entry.seal.frame_digest) || entry.facts.kind == Kind::Genesis {
            check_signatures(&frame.header, &frame.block, |signer| match &tenure {
                Some(tenure) if tenure.key.id() == signer.key_id => Some(&tenure.key),
                Some(_) | None => keys.key_for(&frame.header, signer, base),
            })
            .map_err(|refusal| Check::Signature.refuse(Finding::Frame(refusal)))?;
        }
        let mut producers = frame.header.signers().filter(|signer| signer.role == SignerRole::Source);
        let producer = producers.next().map(|signer| signer.key_id);
        Ok(Shown { index, entry, signer: signer.key_id, enroller, producer })
    }

    fn enrolled(&self, base: Index, frame: &SealedFrame<'_>) -> Result<(Tenure, Enroller), ReceiptRefusal> {
        let check = Check::Enrollment;
        let enrollment = self.let_in.get(&last_signer(frame)?.key_id);
        let enrollment = enrollment.ok_or(check.refuse(Finding::Missing("the enrollment of the signing key")))?;
        if enrollment.from >= base {
            return Err(check.refuse(Finding::Differs("the order of enrollment and frame")));
        }
        let_in(self.authority, frame, enrollment)
    }
}
