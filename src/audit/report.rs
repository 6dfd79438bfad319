//! What an audit says.

use crate::record::KeyFileError;
use crate::store::StoreError;
use deedbook_verify::governance::BrokenGlass;
use deedbook_verify::package::PackageRefusal;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, LedgerId};
use std::collections::BTreeMap;
use thiserror::Error;

/// Findings kept; more are counted only, so that a wholly damaged store has a short report.
const FINDINGS_MAX: usize = 1_000;

/// Entries of governance by break-glass that are named; more are counted only.
const GLASS_MAX: usize = 1_000;

/// Commands that are named for each reason why they could not be decided again; more are counted only.
const UNREAD_MAX: usize = 100;

/// The check of the ref key, in findings: who brought it may have taken the wrong file.
pub const REF_KEY_CHECK: &str = "ref key";

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

/// Why something could not be decided again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unread {
    /// Names are refs without it.
    NoRefKey,
    /// The body that it rests on was erased.
    Erased,
    /// The body that it rests on is not there: a package withholds it, or it is damaged, which is a finding of its own.
    BodyMissing,
    /// The action began before the interval that is audited.
    BeforeInterval,
}

impl Unread {
    /// The name in output.
    pub fn name(self) -> &'static str {
        match self {
            Unread::NoRefKey => "no_ref_key",
            Unread::Erased => "erased",
            Unread::BodyMissing => "body_missing",
            Unread::BeforeInterval => "before_interval",
        }
    }

    /// What it means, and what would help.
    pub fn sentence(self) -> &'static str {
        match self {
            Unread::NoRefKey => {
                "policies name people and entries name refs: bring the ledger's ref key, with --ref-key"
            }
            Unread::Erased => "the body that it rests on was erased; nobody can decide it again",
            Unread::BodyMissing => "the body that it rests on is withheld: ask for a package without --redact bodies",
            Unread::BeforeInterval => "its action began before the interval: ask for a package that begins earlier",
        }
    }
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
    /// Why, with how often and the first commands of each.
    pub unread: BTreeMap<Unread, (u64, Vec<Index>)>,
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

    /// Counts something that could not be decided again.
    pub(super) fn unread(&mut self, index: Index, why: Unread) {
        if why != Unread::BeforeInterval {
            self.evaluations_unread = self.evaluations_unread.saturating_add(1);
        }
        let (count, first) = self.unread.entry(why).or_default();
        *count = count.saturating_add(1);
        if first.len() < UNREAD_MAX {
            first.push(index);
        }
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
    /// A ref key of another ledger was brought.
    #[error("genesis names another ref key")]
    RefKey,
    /// The package does not hold, or does not read.
    #[error("{0}")]
    Package(#[from] PackageRefusal),
}
