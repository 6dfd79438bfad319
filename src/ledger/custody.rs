//! What the ledger states of its own keeping: that somebody read a part of it, that evidence left it, how its tests stood. The
//! caller says what happened and under which id; the writer gives it its place, and `ledger::sequencer` signs it. It judges
//! nobody's right to read: callers do.

use crate::ledger::error::AppendError;
use crate::ledger::import::ImportedEvent;
use crate::ledger::writer::Ledger;
use crate::limits;
use crate::record::{FactsBuilder, entropy};
use bytes::Bytes;
use deedbook_verify::detail::{Interval, TestResult};
use deedbook_verify::facts::Actor;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Digest, EventId, Index};

/// Something that the ledger did, or let be done, with its own entries.
#[derive(Clone, Debug)]
pub enum Act {
    /// Somebody read a part of the log as evidence.
    Read {
        /// What.
        interval: Interval,
        /// How many bodies were disclosed.
        disclosed: u64,
        /// Who; they have shown who they are.
        actor: Actor,
    },
    /// An evidence package left.
    Exported {
        /// What it covers; it ends at the head.
        interval: Interval,
        /// How many bodies it discloses.
        disclosed: u64,
        /// BLAKE3 of the question, keyed with the ref key.
        question: Digest,
        /// BLAKE3 of the package's manifest.
        package: Digest,
        /// The checkpoint at its end.
        head: TreeHead,
        /// Who took it.
        actor: Actor,
    },
    /// The computed tests ran.
    Verified {
        /// Over what; it ends at the head.
        interval: Interval,
        /// BLAKE3 of program and mapping.
        program: Digest,
        /// The checkpoint at its end.
        head: TreeHead,
        /// How each stands, ascending by test.
        results: Vec<TestResult>,
    },
}

impl Act {
    fn facts(&self, id: EventId, ledger: &Ledger) -> FactsBuilder {
        let now = ledger.shared.clock.wall();
        let begun = |kind| FactsBuilder::new(kind, id, now);
        match self {
            Act::Read { interval, disclosed, actor } => {
                begun(Kind::LogRead).interval(*interval).disclosed(*disclosed).actor(*actor)
            }
            Act::Exported { interval, disclosed, question, package, head, actor } => begun(Kind::EvidenceExported)
                .interval(*interval)
                .disclosed(*disclosed)
                .exported(*question, *package)
                .last_seen(*head)
                .actor(*actor),
            Act::Verified { interval, program, head, results } => {
                begun(Kind::VerificationRun).interval(*interval).verified(*program, results).last_seen(*head)
            }
        }
    }
}

impl Ledger {
    /// States an act, and answers where it stands once that is durable. The id names the act: the same one again, after an
    /// answer that was lost, gets its first place. The note is its body; it can be disclosed and erased like others.
    ///
    /// Errors: what the facts' form does not allow; a disk, a clock or a store that takes nothing now.
    pub async fn record(&self, id: EventId, act: &Act, note: Option<Bytes>) -> Result<Index, AppendError> {
        self.check_act(act)?;
        let facts = act.facts(id, self);
        let facts = match note {
            None => facts,
            Some(note) if note.len() > limits::BODY_BYTES_MAX => {
                return Err(AppendError::FrameTooLarge { bytes: note.len() });
            }
            Some(note) => facts.body("application/json", note),
        };
        let event = ImportedEvent::of_the_ledger(id, facts)?;
        let places = self.import(vec![event]).await?;
        let place = places.first().ok_or_else(|| AppendError::OwnFrame("an act without a place".to_owned()))?;
        Ok(place.index())
    }

    /// What the form cannot show: that the entries are there, and that the head is one of this history.
    fn check_act(&self, act: &Act) -> Result<(), AppendError> {
        let (interval, head) = match act {
            Act::Read { interval, .. } => (interval, None),
            Act::Exported { interval, head, .. } | Act::Verified { interval, head, .. } => (interval, Some(head)),
        };
        let size = self.reader.head().size;
        if interval.end > size {
            let (end, size) = (interval.end, size);
            return Err(AppendError::OwnFrame(format!("an interval that ends at {end} in a log of {size} entries")));
        }
        match head {
            Some(head) if !self.reader.had_head(head)? => Err(AppendError::LastSeenDiffers { offset: 0 }),
            Some(_) | None => Ok(()),
        }
    }

    /// An id for an act that has none yet.
    pub fn act_id() -> Result<EventId, AppendError> {
        let mut id = [0u8; 16];
        entropy::fill(&mut id).map_err(|error| AppendError::OwnFrame(error.to_string()))?;
        Ok(EventId(id))
    }
}
