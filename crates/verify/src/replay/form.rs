//! Rules of replay that need no state: which kinds are folded, who may share a frame, which sequence follows.

use crate::detail::RefusalReason;
use crate::facts::Facts;
use crate::frame::{FrameHeader, FrameRefusal, SignerRole};
use crate::kind::{Author, Kind};
use crate::plant::Bug;
use crate::words::{Epoch, LedgerId, Sequence};

/// The reasons that rest on what stands at the entries that an erasure names.
pub(super) const OF_BODIES: [RefusalReason; 4] =
    [RefusalReason::NoBody, RefusalReason::BodyPermanent, RefusalReason::BodyHeld, RefusalReason::RetentionNotPassed];

/// Whether this program folds the kind; the server answers `UNIMPLEMENTED` for the others.
pub fn is_built(kind: Kind) -> bool {
    !matches!(kind, Kind::LedgerSealed)
}

/// Which events may share a frame: of one author, and commands and gaps none.
pub fn check_company(facts: &Facts<'_>, first: Author, n: u16) -> Result<(), FrameRefusal> {
    let author = facts.author();
    if author != first {
        return Err(FrameRefusal::AuthorDiffers);
    }
    let solitary = author == Author::Asker || matches!(facts.kind, Kind::SourceGap | Kind::Genesis);
    if solitary && n != 1 { Err(FrameRefusal::NotAlone) } else { Ok(()) }
}

/// Whether sequenced facts follow the last (epoch, sequence) of their source. A new epoch starts at 1; a gap states
/// what was lost and stands at its end.
pub fn follows(last: Option<(Epoch, Sequence)>, facts: &Facts<'_>) -> bool {
    let last_sequence = match last {
        Some((epoch, sequence)) if epoch == facts.epoch => sequence.0,
        Some((epoch, _)) if epoch > facts.epoch => return false,
        Some(_) | None => 0,
    };
    let Some(next) = last_sequence.checked_add(1) else { return false };
    if let Some(lost) = facts.lost() {
        return lost.from.0 == next && lost.to == facts.sequence;
    }
    facts.sequence.0 == next || Bug::SequenceUnread.planted()
}

/// Genesis names no ledger yet, and is signed by the head and the sequencer key.
pub fn check_genesis_frame(header: &FrameHeader<'_>) -> Result<(), FrameRefusal> {
    if header.ledger != LedgerId::GENESIS {
        return Err(FrameRefusal::LedgerDiffers);
    }
    let roles: Vec<SignerRole> = header.signers().map(|signer| signer.role).collect();
    if roles == [SignerRole::Head, SignerRole::Sequencer] { Ok(()) } else { Err(FrameRefusal::RoleDiffers) }
}
