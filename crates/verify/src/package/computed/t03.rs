//! T03: segregation of duties: over policies, approvals and reviews of break-glass actions.

use crate::detail::{ApprovalCommand, Detail, Resolution, Step};
use crate::package::code::PackageRefusal;
use crate::package::computed::governed::policy_changes;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::{CastVote, Requests};
use crate::package::row::{Code, RestsOn, Row, RowVerdict, Subject};
use crate::words::{Index, Ref};

/// Pairs of duties in one hand.
pub struct Duties;

impl Test for Duties {
    fn id(&self) -> TestId {
        TestId::T03
    }

    fn see(&mut self, seen: &Seen<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        if !seen.in_period {
            return Ok(());
        }
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        for change in policy_changes(seen) {
            let code = (!change.by_two).then_some((RowVerdict::Exception, Code::GovernedAlone));
            let (policy, persons, rests_on) = (Some(change.policy), &change.persons, RestsOn::Governors);
            rows.row(&Row { code, policy, persons, rests_on, ..Row::of(subject, "policy") })?;
        }
        if let Detail::Step(step) = &seen.entry.facts.detail
            && let Step::Resolved { resolution: Resolution::Approved(votes), .. } = &step.step
        {
            return approved(subject, step.of.request, votes.iter().map(|vote| vote.vote), requests, rows);
        }
        if let Detail::Approval(ApprovalCommand::BreakglassReviewed(review)) = &seen.entry.facts.detail
            && seen.refused.is_none()
        {
            let request = requests.get(review.of.request);
            let involved = request.is_some_and(|request| request.involved.contains(&review.actor.who));
            let code = match request {
                None => Some((RowVerdict::Indeterminate, Code::BeforeInterval)),
                Some(_) if involved => Some((RowVerdict::Exception, Code::SelfReview)),
                Some(_) => None,
            };
            let compared: Vec<Index> = request.map(|request| request.subject.index).into_iter().collect();
            rows.row(&Row { code, compared: &compared, persons: &[review.actor.who], ..Row::of(subject, "review") })?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        Ok(())
    }
}

fn approved(
    subject: Subject,
    request: crate::words::SubjectId,
    counted: impl Iterator<Item = crate::words::Revision>,
    requests: &Requests,
    rows: &mut Rows,
) -> Result<(), PackageRefusal> {
    let Some(request) = requests.get(request) else {
        let code = Some((RowVerdict::Indeterminate, Code::BeforeInterval));
        return rows.row(&Row { code, ..Row::of(subject, "approval") });
    };
    let votes: Vec<&CastVote> =
        counted.filter_map(|revision| request.votes.iter().find(|vote| vote.revision == revision)).collect();
    let persons: Vec<Ref> = votes.iter().map(|vote| vote.person).collect();
    let compared: Vec<Index> = votes.iter().map(|vote| vote.index).collect();
    let code = if persons.iter().any(|person| request.involved.contains(person)) {
        Some((RowVerdict::Exception, Code::SelfApproval))
    } else if votes.iter().any(|vote| vote.governs) {
        Some((RowVerdict::Exception, Code::ApproverGoverns))
    } else {
        None
    };
    let rests_on = votes.iter().map(|vote| vote.level).min().map_or(RestsOn::Ledger, RestsOn::from);
    rows.row(&Row { code, compared: &compared, persons: &persons, rests_on, ..Row::of(subject, "approval") })
}
