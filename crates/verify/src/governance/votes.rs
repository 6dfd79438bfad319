//! Votes on what waits for a second administrator, and the evidence of every vote.

use crate::detail::{RefusalReason, Roles, Vote};
use crate::erasure::{ErasedBodies, Stood};
use crate::facts::ActorKind;
use crate::frame::SignerRole;
use crate::governance::rules::Case;
use crate::governance::{Authority, Consequence, Effect, Stated, Waiting};
use crate::key::ED25519;
use crate::principals::Governors;
use crate::vote::{Decision, Evidence, EvidenceLevel};
use crate::words::{Digest, Index, Micros, Ref, Revision};

/// What votes on governance name as their requirement: BLAKE3 of `deedbook.governance/1`. One other administrator decides.
pub fn governance_requirement() -> Digest {
    Digest(*blake3::hash(b"deedbook.governance/1").as_bytes())
}

impl Authority {
    /// Whether a vote's evidence is what it says, at the vote's index. It says nothing of what the vote needs.
    ///
    /// A reviewer's signature must be by a key in force for the person's own source, over the vote digest.
    pub fn check_evidence(&self, vote: &Vote<'_>, index: Index) -> Result<EvidenceLevel, RefusalReason> {
        let signature = match vote.evidence {
            // Nothing in the log says yet whose word counts for a person.
            Evidence::Operator | Evidence::Idp => return Err(RefusalReason::EvidenceNotBuilt),
            Evidence::Reviewer(signature) => signature,
        };
        let own = |tenure: &&crate::authority::Tenure| {
            tenure.source == vote.actor.who && tenure.role == SignerRole::Source && tenure.in_force(index)
        };
        let tenure = self.keys.tenure(&signature.key_id).filter(own).ok_or(RefusalReason::EvidenceInvalid)?;
        let digest = vote.ballot(self.keys.ledger()).digest();
        let signed = signature.algorithm == ED25519 && tenure.key.accepts(&digest.0, signature.bytes);
        if signed { Ok(EvidenceLevel::Reviewer) } else { Err(RefusalReason::EvidenceInvalid) }
    }

    /// Whether an administrator may agree to what another asked: a person of their own, not made by the asker alone.
    pub(super) fn may_agree(&self, asker: Ref, other: Ref) -> Result<(), RefusalReason> {
        if other == asker {
            return Err(RefusalReason::ConflictRequester);
        }
        match self.principals.get(other).map(|principal| principal.bound_by) {
            Some(Governors::One(binder) | Governors::BreakGlass(binder)) if binder == asker => {
                Err(RefusalReason::ConflictBinder)
            }
            Some(Governors::One(_) | Governors::BreakGlass(_) | Governors::Two(_) | Governors::Genesis) => Ok(()),
            None => Err(RefusalReason::PrincipalUnknown),
        }
    }

    pub(super) fn decide_vote<E>(
        &self,
        stated: &Stated<'_>,
        vote: &Vote<'_>,
        standings: impl FnOnce(ErasedBodies<'_>) -> Result<Vec<Stood>, E>,
    ) -> Result<Result<Consequence, RefusalReason>, E> {
        let waiting = match self.check_vote(stated, vote) {
            Ok(waiting) => waiting,
            Err(reason) => return Ok(Err(reason)),
        };
        match vote.decision {
            Decision::Abstain => return Ok(Ok(Consequence::Nothing)),
            Decision::Deny => return Ok(Ok(Consequence::Decided(waiting.request, None))),
            Decision::Approve => {}
        }
        let agreed = vote.actor.who;
        let governors = match self.governors_by(waiting, agreed, stated.received) {
            Ok(governors) => governors,
            Err(reason) => return Ok(Err(reason)),
        };
        // The facts were parsed when the command was taken; they are the same bytes.
        let Ok(facts) = waiting.command() else { return Ok(Err(RefusalReason::RequestUnknown)) };
        let case = Case {
            facts: &facts,
            signer: waiting.signer,
            asker: waiting.asker,
            governors,
            stated: waiting.index,
            at: stated.index,
            now: stated.received,
        };
        let judged = self.judge(&case, standings)?;
        let by = governors;
        Ok(judged.map(|(_, change)| Consequence::Decided(waiting.request, Some(Effect { change, by }))))
    }

    /// Everything that a vote on governance needs, whatever it decides.
    fn check_vote(&self, stated: &Stated<'_>, vote: &Vote<'_>) -> Result<&Waiting, RefusalReason> {
        let waiting = self.waiting.get(&vote.request).ok_or(RefusalReason::RequestUnknown)?;
        if waiting.is_over(stated.received) || is_past(vote.valid_until, stated.received) {
            return Err(RefusalReason::Expired);
        }
        let person = self.principals.get(vote.actor.who).ok_or(RefusalReason::PrincipalUnknown)?;
        if vote.actor.kind != ActorKind::Human || person.kind != ActorKind::Human {
            return Err(RefusalReason::NonHuman);
        }
        if !person.is_enabled() {
            return Err(RefusalReason::PrincipalDisabled);
        }
        if vote.evidence.level() == EvidenceLevel::Operator {
            return Err(RefusalReason::AssuranceTooLow);
        }
        self.check_evidence(vote, stated.index)?;
        let matter = waiting.matter();
        if vote.action != matter.action {
            return Err(RefusalReason::ActionDigestMismatch);
        }
        let shown = vote.presentation == matter.presentation && vote.revision == Revision(0);
        if !shown || vote.requirement != governance_requirement() {
            return Err(RefusalReason::StalePresentation);
        }
        if person.roles.has(Roles::ADMINISTRATOR) { Ok(waiting) } else { Err(RefusalReason::NotAdministrator) }
    }

    /// Who stands behind a waiting command once this person says yes: two, or the asker alone over a long silence.
    fn governors_by(&self, waiting: &Waiting, agreed: Ref, now: Micros) -> Result<Governors, RefusalReason> {
        let governors = if agreed == waiting.asker {
            self.were_silent(waiting, now)?;
            Governors::BreakGlass(agreed)
        } else {
            self.may_agree(waiting.asker, agreed)?;
            self.principals.governors(waiting.asker, Some(agreed))
        };
        self.still_asks(waiting).map(|()| governors)
    }

    /// Whoever asked must still be able to: their key has not ended since.
    fn still_asks(&self, waiting: &Waiting) -> Result<(), RefusalReason> {
        self.keys.live(&waiting.signer).map(|_| ())
    }
}

/// A time that is reached has passed.
fn is_past(deadline: Micros, now: Micros) -> bool {
    now >= deadline
}
