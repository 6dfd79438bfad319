//! The invariants of the approvals' specification, I1 to I17, as questions to the log of a run. Each is asked of every
//! request; `interleavings` makes the runs.

use super::desk::{Desk, LEDGER, Line, Says};
use super::model::{Story, expires_at, fallback_counts, of, satisfied};
use deedbook::approvals::{Action, Command, Event, Judgement, Recorded, Resolution, What, apply};
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::Index;

/// Asks all of them.
pub fn check(desk: &Desk) {
    let tried = desk.log.iter().filter(|line| matches!(line.says, Says::Command(_) | Says::Refused(..))).count();
    assert_eq!(tried as u64, desk.attempts, "I15: every attempt is on record, the refused ones too");
    for id in desk.ids() {
        let lines = of(&desk.log, id);
        let story = Story(&lines);
        ended_once(story);
        released_with_a_reason(story);
        redeemed_as_granted(story);
        votes_bind_what_was_shown(story);
        reviewed_by_somebody_else(story, &desk.log);
        for at in 0..lines.len() {
            approved_by_distinct_people(Story(&lines[..=at]), &desk.log);
            refused_and_taken_rightly(Story(&lines[..=at]), &desk.log);
        }
        replays(desk, story);
    }
}

/// I2, and that what is over stays over.
fn ended_once(story: Story<'_>) {
    let resolutions = story.resolutions();
    assert!(resolutions.len() <= 1, "I2: at most one resolution");
    if let Some((end, _)) = resolutions.first() {
        let after = story.events().filter(|(line, _)| line.revision > end.revision);
        let asks = |event: &Event| matches!(event, Event::Opened { .. } | Event::Shown { .. });
        assert_eq!(after.filter(|(_, event)| asks(event)).count(), 0, "nobody is asked after the end");
        let votes = story
            .commands()
            .filter(|(line, command)| line.revision > end.revision && matches!(command, Command::Vote(_)));
        assert_eq!(votes.count(), 0, "nobody votes after the end");
    }
}

/// I1, I7, I8, I9: a grant stands behind an approval, a break-glass or an allowing policy, in one batch; and an approval
/// behind a vote in time that no denial precedes.
fn released_with_a_reason(story: Story<'_>) {
    for (grant, _) in story.events().filter(|(_, event)| matches!(event, Event::GrantIssued { .. })) {
        let batch = || story.events().filter(|(line, _)| line.batch == grant.batch).map(|(_, event)| event);
        let approved = batch().any(|event| {
            matches!(event, Event::Resolved { resolution: Resolution::Approved(_) | Resolution::BreakGlass })
        });
        let allowed = batch().any(|event| matches!(event, Event::Evaluated { judgement: Judgement::Allow, .. }));
        assert!(approved || (allowed && story.opened().is_none()), "I1: nothing is granted without a reason");
    }
    for (end, resolution) in story.resolutions() {
        if !matches!(resolution, Resolution::Approved(_)) {
            continue;
        }
        assert!(end.received < expires_at(story).unwrap(), "I7: not at or after the expiry");
        let denials = story.commands().filter(|(line, command)| {
            line.revision < end.revision && matches!(command, Command::Vote(vote) if vote.decision == Decision::Deny)
        });
        assert_eq!(denials.count(), 0, "I8: a denial before the quorum prevents it");
        let cause = story.commands().find(|(line, _)| line.batch == end.batch);
        let voted = matches!(cause, Some((_, Command::Vote(vote))) if vote.decision == Decision::Approve);
        assert!(voted, "I9: nothing but a vote approves");
    }
}

/// I3, I4.
fn redeemed_as_granted(story: Story<'_>) {
    let grants: Vec<u16> = story
        .events()
        .filter_map(|(_, event)| match event {
            Event::GrantIssued { uses, .. } => Some(uses.get()),
            _ => None,
        })
        .collect();
    assert!(grants.len() <= 1, "one grant");
    let redeemed: Vec<&Line> = story
        .events()
        .filter(|(_, event)| matches!(event, Event::GrantRedeemed { .. }))
        .map(|(line, _)| line)
        .collect();
    assert!(redeemed.len() <= usize::from(grants.first().copied().unwrap_or(0)), "I3: no more uses than granted");
    let Some((_, proposal)) = story.proposal() else { return };
    for line in redeemed {
        let command = story.commands().find(|(other, _)| other.batch == line.batch);
        let Some((_, Command::Redeem(redeem))) = command else { panic!("I4: nobody asked to redeem") };
        assert_eq!(redeem.action, proposal.digest, "I4: exactly what was proposed runs");
        for approval in story.approvals() {
            assert_eq!(approval.vote.action, proposal.digest, "I4: and was voted on");
        }
    }
}

/// I11.
fn votes_bind_what_was_shown(story: Story<'_>) {
    for approval in story.approvals() {
        let before = story.events().filter(|(line, _)| line.revision < approval.line.revision);
        let shown = before.filter(|(_, event)| matches!(event, Event::Shown { .. })).last();
        let Some((_, Event::Shown { presentation, requirement, .. })) = shown else { panic!("I11: nothing was shown") };
        assert_eq!((approval.vote.presentation, approval.vote.requirement), (*presentation, *requirement), "I11");
    }
}

/// I12.
fn reviewed_by_somebody_else(story: Story<'_>, log: &[Line]) {
    let glasses = story.commands().filter(|(_, command)| matches!(command, Command::BreakGlass(_))).count();
    let reviews: Vec<_> = story
        .commands()
        .filter_map(|(line, command)| match command {
            Command::Review(review) => Some((line, review)),
            _ => None,
        })
        .collect();
    assert!(glasses <= 1 && reviews.len() <= glasses, "I12: one review for one break-glass");
    for (line, review) in reviews {
        let before: Vec<&Line> = story.0.iter().copied().filter(|other| other.revision < line.revision).collect();
        let conflicted = Story(&before).conflicted(log, &line.people);
        assert!(!conflicted.contains(&review.actor.who), "I12: by nobody in conflict");
    }
}

/// I5, I6, I10, I16, asked where the story ends with an approval; and the other way round, that votes that suffice are
/// never left uncounted.
fn approved_by_distinct_people(story: Story<'_>, log: &[Line]) {
    let [before @ .., last] = story.0 else { return };
    if let Says::Event(Event::Resolved { resolution: Resolution::Approved(votes) }) = &last.says {
        let before = Story(before);
        let people = &last.people;
        let mut persons: Vec<_> = votes.iter().map(|vote| vote.person).collect();
        persons.sort();
        persons.dedup();
        assert_eq!(persons.len(), votes.len(), "I6, I16: a person counts once");
        let conflicted = before.conflicted(log, people);
        for vote in votes {
            assert!(people.reviews(vote.person), "I5: people decide, in force and with the role");
            assert!(!conflicted.contains(&vote.person), "I5: nobody in conflict");
            let cast = before.approvals().find(|approval| approval.line.revision == vote.vote);
            assert_eq!(cast.expect("a vote that was cast").vote.actor.who, vote.person, "I6: their own vote");
        }
        let fallback = fallback_counts(before, log, people);
        let counted = before.counting(log, people);
        assert!(persons.iter().all(|person| counted.contains(person)), "I10: on what was shown last");
        assert!(
            satisfied(&before.requirements(), &persons, people, fallback),
            "I10: they satisfy every requirement that was heard of"
        );
    }
}

/// What the log took and refused of approvals, against the model's own idea of conflict and quorum.
fn refused_and_taken_rightly(story: Story<'_>, log: &[Line]) {
    let [before @ .., last] = story.0 else { return };
    match &last.says {
        Says::Command(Command::Vote(vote)) if vote.decision == Decision::Approve => {
            assert!(!Story(before).conflicted(log, &last.people).contains(&vote.actor.who), "I5");
            assert!(last.people.reviews(vote.actor.who), "I5");
            let batch: Vec<&Line> = log.iter().filter(|line| line.batch == last.batch).collect();
            let silent = !batch
                .iter()
                .any(|line| matches!(line.says, Says::Event(Event::Resolved { .. } | Event::Shown { .. })));
            if silent {
                let fallback = fallback_counts(story, log, &last.people);
                let counted = story.counting(log, &last.people);
                let enough = satisfied(&story.requirements(), &counted, &last.people, fallback);
                assert!(!enough, "votes that suffice are counted at once");
            }
        }
        Says::Refused(Command::Vote(vote), reason) => {
            let conflicted = Story(before).conflicted(log, &last.people).contains(&vote.actor.who);
            let says_so = reason.name().starts_with("CONFLICT_");
            assert!(!says_so || (conflicted && vote.decision == Decision::Approve), "{reason:?} for nothing");
            if *reason == RefusalReason::Expired {
                let late = expires_at(Story(before)).is_some_and(|end| last.received >= end);
                assert!(late || last.received >= vote.valid_until);
            }
        }
        _ => {}
    }
}

/// I13, I14, I17: replaying the stream gives the same state, the model reads the same out of the log, and nothing that
/// was not appended left a trace.
fn replays(desk: &Desk, story: Story<'_>) {
    let Some(first) = story.0.first() else { return };
    let kept = desk.action(first.request).unwrap();
    let mut action: Option<Action> = None;
    for line in story.0 {
        let what = match &line.says {
            Says::Command(command) => What::Command(command),
            Says::Refused(..) => What::Refused,
            Says::Event(event) => What::Event(event),
            Says::Report(outcome) => What::Report { outcome: Some(*outcome), grant: None, execution: None },
        };
        if action.is_none() && matches!(what, What::Refused) {
            continue;
        }
        let index = desk.log.iter().position(|other| std::ptr::eq(other, *line)).unwrap();
        let recorded = Recorded {
            what,
            source: if matches!(what, What::Event(_)) { LEDGER } else { line.signer },
            event: line.event,
            revision: line.revision,
            index: Index(index as u64),
            received: line.received,
        };
        action = Some(apply(action, recorded).unwrap());
    }
    assert_eq!(action.as_ref(), Some(&kept), "I14, I17");
    let approved = story.resolutions().iter().any(|(_, end)| matches!(end, Resolution::Approved(_)));
    assert_eq!(kept.approval().is_some(), approved, "I13: approved is what the log says, and nothing else");
    assert_eq!(standing(&kept), story.standing());
}

/// The state in the model's words.
fn standing(action: &Action) -> String {
    use deedbook::approvals::{ExecutionState, GrantState, ReviewState};
    let request = match &action.request {
        None => "none".to_owned(),
        Some(request) => request.resolution().map_or("pending", |end| end.code().name()).to_owned(),
    };
    let grant = match action.grant.map(|grant| grant.state) {
        None => "none".to_owned(),
        Some(GrantState::Issued { left }) => format!("issued {left}"),
        Some(GrantState::Redeemed) => "redeemed".to_owned(),
        Some(GrantState::Expired) => "expired".to_owned(),
        Some(GrantState::Revoked) => "revoked".to_owned(),
    };
    let run = match action.executions.first().map(|run| run.state) {
        None => "not started",
        Some(ExecutionState::Started) => "started",
        Some(ExecutionState::Succeeded) => "succeeded",
        Some(ExecutionState::Failed) => "failed",
        Some(ExecutionState::Unknown) => "unknown",
    };
    let review = match action.post_review.map(|review| review.state) {
        Some(ReviewState::Decided { outcome, .. }) => Some(outcome.name()),
        Some(ReviewState::Open | ReviewState::Overdue) | None => None,
    };
    format!("request {request}, grant {grant}, run {run}, glass {}, review {review:?}", action.post_review.is_some())
}
