//! What commands about retention and holds need and do. What they mean for an erasure is `keeping`'s.

use crate::detail::KeepingCommand;
use crate::facts::Parent;
use crate::governance::Authority;
use crate::governance::rules::{Case, Change, Needs, Ruling};
use crate::hash;
use crate::keeping::{Hold, Retention};

impl Authority {
    /// What must be kept needs two in both directions: who may lift it could not be trusted to set it alone either.
    pub(super) fn keep(&self, case: &Case<'_>, command: &KeepingCommand<'_>) -> Ruling {
        self.governs(case)?;
        let (stated, from) = (case.stated, case.at);
        let change = match *command {
            KeepingCommand::Retention { class, days } => {
                self.keeping.takes_class(class)?;
                Change::Retain(Retention { class: class.map(|class| class.as_str().into()), days, stated, from })
            }
            KeepingCommand::HoldPlaced { class, held } => {
                self.keeping.takes_hold(held)?;
                let command = Parent { source: case.facts.source, event_id: case.facts.event_id };
                Change::Place(hash::request_id(&command), Hold::new(class, held, stated, from))
            }
            KeepingCommand::HoldReleased { hold } => {
                self.keeping.has_hold(hold)?;
                Change::Release(hold)
            }
        };
        Ok((Needs::Two, change))
    }
}
