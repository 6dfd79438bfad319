//! What part people and agents played in what an answer names: who asked, who agreed, for whom it was done, who answers
//! for it. Edges say that somebody had a part; which one, the entries say that made them, which are read here.

use crate::api::lineage::Asked;
use crate::api::proto;
use crate::ledger::{Bodies, Reader};
use crate::limits::LINEAGE_PARTS_READ_MAX;
use crate::lineage::{Edge, EdgeKind, NodeId, NodeKind};
use deedbook_verify::detail::{ApprovalCommand, Detail, ReviewOutcome};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Index, Ref};
use std::collections::BTreeMap;

/// Parts by whoever played them.
pub(super) type Parts = BTreeMap<NodeId, Vec<proto::LineagePart>>;

/// The parts that the edges of an answer say, in the order of the log; of at most `LINEAGE_PARTS_READ_MAX` entries.
pub(super) fn parts(asked: &Asked<'_>, reader: &Reader, edges: &[Edge]) -> Parts {
    let kind = |node| asked.kind(node);
    let is_somebody = |node: NodeId| {
        let somebody = [NodeKind::Person, NodeKind::Agent, NodeKind::Service, NodeKind::Team, NodeKind::Source];
        kind(node).is_some_and(|kind| somebody.contains(&kind))
    };
    let voted = edges.iter().filter(|edge| edge.kind == EdgeKind::Reviewed);
    let voted: BTreeMap<NodeId, NodeId> = voted.map(|edge| (edge.to, edge.from)).collect();
    let (mut parts, mut read, mut held) = (Parts::new(), 0, None);
    for edge in edges.iter().filter(|edge| is_somebody(edge.from)) {
        let words = match (edge.kind, kind(edge.to)) {
            (EdgeKind::Proposed, _) => vec!["asked"],
            (EdgeKind::Performed, _) => vec!["performed"],
            (EdgeKind::Revoked, _) => vec!["revoked"],
            (EdgeKind::OnBehalf, Some(NodeKind::Key)) => vec!["holds"],
            (EdgeKind::OnBehalf | EdgeKind::Decided, _) => {
                if read == LINEAGE_PARTS_READ_MAX || asked.is_over() {
                    break;
                }
                // Edges stand in the order of the log.
                if held.as_ref().is_none_or(|(index, _)| *index != edge.index) {
                    read += 1;
                    held = reader.event(edge.index, Bodies::Without).ok().map(|event| (edge.index, event.entry));
                }
                let who = asked.reference(edge.from);
                held.as_ref().zip(who).map(|((_, entry), who)| said(entry, edge.kind, who)).unwrap_or_default()
            }
            (_, _) => Vec::new(),
        };
        let node = voted.get(&edge.to).filter(|_| edge.kind == EdgeKind::Decided).unwrap_or(&edge.to).number();
        let Index(index) = edge.index;
        let said = words.into_iter().map(|part| proto::LineagePart { part: part.to_owned(), node, index });
        parts.entry(edge.from).or_default().extend(said);
    }
    parts
}

/// Which parts an entry says that somebody played.
fn said(entry: &[u8], kind: EdgeKind, who: Ref) -> Vec<&'static str> {
    let Ok(entry) = Entry::parse(entry) else { return Vec::new() };
    let facts = &entry.facts;
    if kind == EdgeKind::Decided { decided(facts).into_iter().collect() } else { behalf(facts, who) }
}

fn decided(facts: &Facts<'_>) -> Option<&'static str> {
    if let Detail::Approval(ApprovalCommand::VoteCast(vote)) = &facts.detail {
        return Some(match vote.decision {
            Decision::Approve => "approved",
            Decision::Deny => "denied",
            Decision::Abstain => "abstained",
        });
    }
    if let Detail::Approval(ApprovalCommand::BreakglassReviewed(review)) = &facts.detail {
        return Some(match review.outcome {
            ReviewOutcome::Ratified => "ratified",
            ReviewOutcome::Repudiated => "repudiated",
        });
    }
    // A request that is resolved by whoever broke the glass.
    (facts.kind == Kind::ApprovalResolved).then_some("broke_glass")
}

fn behalf(facts: &Facts<'_>, who: Ref) -> Vec<&'static str> {
    let answers = (facts.responsible == Some(who)).then_some("answers");
    let whom = facts.on_behalf_of().any(|whom| whom == who).then_some("for");
    let said: Vec<&'static str> = answers.into_iter().chain(whom).collect();
    if said.is_empty() { vec!["about"] } else { said }
}
