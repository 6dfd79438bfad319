//! What a kind says in fields of its own and OCSF 1.8.0 has no place for: reviews, dispositions, comparisons, votes, and what
//! was refused, as members under `unmapped`. A vote that was refused says so beside its decision.

use super::event::Clock;
use crate::evidence::hex::Hex;
use deedbook_verify::detail::{ApprovalCommand, Detail, Oversight, RefusalReason, Window};
use deedbook_verify::facts::Facts;
use serde::Serialize;

/// What a kind says of its own.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stated {
    /// Of access or of the log.
    Review {
        subject: &'static str,
        from: String,
        until: String,
        result: &'static str,
        tree_size: u64,
        root: Hex<[u8; 32]>,
    },
    /// Of a break-glass action.
    PostReview { outcome: &'static str },
    /// What becomes of an exception.
    Disposition { test: String, code: String, index: u64, disposition: &'static str },
    /// With an outside record.
    Reconciliation {
        source: Hex<[u8; 16]>,
        record: Hex<[u8; 16]>,
        from: String,
        until: String,
        here: u64,
        there: u64,
        only_here: u64,
        only_there: u64,
    },
    /// What a person decided, and on whose word that rests.
    Vote { decision: &'static str, rests_on: &'static str },
}

/// Why a command had no effect, and which one.
#[derive(Serialize)]
pub struct Refused {
    reason: &'static str,
    /// The command, in the entry that refuses it; the refusal, in the command's.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_at: Option<u64>,
}

impl Stated {
    /// Of an entry whose kind has such fields.
    pub fn of(facts: &Facts<'_>, clock: &mut Clock) -> Option<Stated> {
        if let Detail::Oversight(said) = &facts.detail {
            Some(Stated::of_oversight(said, clock))
        } else if let Detail::Approval(ApprovalCommand::VoteCast(vote)) = &facts.detail {
            Some(Stated::Vote { decision: vote.decision.name(), rests_on: vote.evidence.level().name() })
        } else if let Detail::Approval(ApprovalCommand::BreakglassReviewed(review)) = &facts.detail {
            Some(Stated::PostReview { outcome: review.outcome.name() })
        } else {
            None
        }
    }

    fn of_oversight(said: &Oversight<'_>, clock: &mut Clock) -> Stated {
        let mut edges = |window: Window| (clock.text(window.from), clock.text(window.until));
        match said {
            Oversight::Reviewed(review) => {
                let (from, until) = edges(review.window);
                let (subject, result) = (review.subject.name(), review.result.name());
                let (tree_size, root) = (review.reviewed.size.0, Hex(review.reviewed.root.0));
                Stated::Review { subject, from, until, result, tree_size, root }
            }
            Oversight::Disposed(said) => Stated::Disposition {
                test: said.test.to_string(),
                code: said.code.as_str().to_ascii_uppercase(),
                index: said.index.0,
                disposition: said.disposition.name(),
            },
            Oversight::Reconciled(said) => {
                let ((from, until), counts) = (edges(said.window), said.counts);
                Stated::Reconciliation {
                    source: Hex(said.source.0),
                    record: Hex(said.outside.0),
                    from,
                    until,
                    here: counts.here,
                    there: counts.there,
                    only_here: counts.only_here,
                    only_there: counts.only_there,
                }
            }
        }
    }
}

impl Refused {
    /// Of a command that was refused, or of the entry behind it that says so.
    pub fn of(facts: &Facts<'_>, index: u64, refused: Option<RefusalReason>) -> Option<Refused> {
        if let Some(reason) = refused {
            return Some(Refused { reason: reason.name(), command: None, refused_at: Some(index.saturating_add(1)) });
        }
        let Detail::CommandRefused { reason, .. } = facts.detail else { return None };
        Some(Refused { reason: reason.name(), command: index.checked_sub(1), refused_at: None })
    }
}
