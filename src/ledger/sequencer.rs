//! The sequencer key and the only code that signs with it: frames that the ledger makes itself. It can sign neither
//! commands nor votes, because no check accepts its role for those kinds.

use crate::record::frame::{BuildError, FrameBytes, FrameSigner, Position};
use crate::record::{FactsBuilder, SigningKey};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::facts::Parent;
use deedbook_verify::frame::SignerRole;
use deedbook_verify::hash::derived_event_id;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Epoch, EventId, KeyId, LedgerId, Micros, Ref, Sequence};

/// The secret that speaks for the ledger inside the log.
pub struct SequencerKey(SigningKey);

impl SequencerKey {
    /// Takes the key; it is not given back.
    pub fn new(key: SigningKey) -> SequencerKey {
        SequencerKey(key)
    }

    /// Its id.
    pub fn id(&self) -> KeyId {
        self.0.public().id()
    }
}

/// Signs the ledger's frames with a gapless sequence: epoch 1, genesis being 1.
pub(super) struct Sequencer {
    key: SequencerKey,
    ledger: LedgerId,
    source: Ref,
    last: Sequence,
}

impl Sequencer {
    pub fn new(key: SequencerKey, ledger: LedgerId, source: Ref, last: Sequence) -> Sequencer {
        Sequencer { key, ledger, source, last }
    }

    /// Signs what follows from one command or one deadline, in its order. A frame that cannot be built uses no number.
    pub fn frame(&mut self, events: Vec<FactsBuilder>) -> Result<FrameBytes, BuildError> {
        let count = u64::try_from(events.len()).unwrap_or(u64::MAX);
        let first = Sequence(self.last.0.saturating_add(1));
        let signer = FrameSigner { ledger: self.ledger, source: self.source, key: &self.key.0 };
        let at = Position::Sequenced { epoch: Epoch(1), first };
        let frame = signer.sign_as(&[(SignerRole::Sequencer, &self.key.0)], at, events)?;
        self.last = Sequence(self.last.0.saturating_add(count));
        Ok(frame)
    }

    /// The refusal that stands directly behind a refused command.
    pub fn refusal(
        &mut self,
        command: Parent,
        reason: RefusalReason,
        received: Micros,
    ) -> Result<FrameBytes, BuildError> {
        let id = derived_event_id(&command, 0);
        let facts = FactsBuilder::new(Kind::CommandRefused, id, received).parents(&[command]).reason(reason);
        self.frame(vec![facts])
    }

    /// The note that the ledger was opened with the wall clock behind.
    pub fn clock_checked(&mut self, id: EventId, wall: Micros, received: Micros) -> Result<FrameBytes, BuildError> {
        self.frame(vec![FactsBuilder::new(Kind::ClockChecked, id, received).wall_clock(wall)])
    }
}
