//! What an audit says.

use crate::record::KeyFileError;
use crate::store::StoreError;
use deedbook_verify::governance::BrokenGlass;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, LedgerId};
use thiserror::Error;

/// Findings kept; more are counted only, so that a wholly damaged store has a short report.
const FINDINGS_MAX: usize = 1_000;

/// Entries of governance by break-glass that are named; more are counted only.
const GLASS_MAX: usize = 1_000;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The entry, if it is about one.
    pub index: Option<Index>,
    /// The check that failed.
    pub check: &'static str,
    /// What it found.
    pub message: String,
}

/// The result of an audit.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The ledger, if its genesis could be read.
    pub ledger: Option<LedgerId>,
    /// What the entries hash to.
    pub head: Option<TreeHead>,
    /// Entries judged.
    pub entries: u64,
    /// Bytes of those entries.
    pub entry_bytes: u64,
    /// Bodies that opened their commitments.
    pub bodies_opened: u64,
    /// Bytes of those bodies.
    pub body_bytes: u64,
    /// Bodies that were erased, their keys gone.
    pub bodies_erased: u64,
    /// Erasures whose keys may still lie in files of the store.
    pub erasures_pending: u64,
    /// Stored checkpoints whose signature and root are right.
    pub checkpoints: u64,
    /// Checkpoints that the auditor kept, and that the log agrees with.
    pub checkpoints_kept: u64,
    /// Cosignature lines on stored checkpoints that have the form; whose they are, and that they verify, only a policy
    /// can tell.
    pub cosignatures: u64,
    /// Actions that were folded again.
    pub actions: u64,
    /// Commands about actions that were decided again.
    pub commands_decided: u64,
    /// Policy evaluations that were made again.
    pub evaluations: u64,
    /// Those that could not be: what they rested on was erased, or the ref key is not at hand.
    pub evaluations_unread: u64,
    /// What was governed by break-glass, one administrator alone: no finding, and to be known for ever.
    pub broken_glass: BrokenGlass,
    /// The entries by which it took effect, in their order; the first of them.
    pub broken_glass_at: Vec<Index>,
    /// What is wrong, in the order in which it was found.
    pub findings: Vec<Finding>,
    /// Findings beyond those kept.
    pub findings_omitted: u64,
}

impl Report {
    /// Whether everything is as it must be.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Takes in what was found beside it.
    pub(super) fn take_in(&mut self, other: Report) {
        self.bodies_opened = self.bodies_opened.saturating_add(other.bodies_opened);
        self.body_bytes = self.body_bytes.saturating_add(other.body_bytes);
        self.findings_omitted = self.findings_omitted.saturating_add(other.findings_omitted);
        other.findings.into_iter().for_each(|Finding { index, check, message }| self.find(index, check, message));
    }

    /// Takes in what replay knows of break-glass behind an entry. A publication counts until the very next entry says that
    /// it was none.
    pub(super) fn note_glass(&mut self, glass: BrokenGlass) {
        if glass.commands < self.broken_glass.commands {
            self.broken_glass_at.retain(|at| Some(*at) <= glass.last);
        } else if glass.commands > self.broken_glass.commands && self.broken_glass_at.len() < GLASS_MAX {
            self.broken_glass_at.extend(glass.last);
        }
        self.broken_glass = glass;
    }

    pub(super) fn find(&mut self, index: Option<Index>, check: &'static str, message: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(Finding { index, check, message });
        } else {
            self.findings_omitted = self.findings_omitted.saturating_add(1);
        }
    }
}

/// Why no audit could be made.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The verifier key.
    #[error("{0}")]
    Key(#[from] KeyFileError),
    /// The store does not open or read.
    #[error("{0}")]
    Store(#[from] StoreError),
}
