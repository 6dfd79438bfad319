//! A second opinion on the folds, written another way: it knows no state machine, keeps nothing, and answers every
//! question by reading the log of one request from its beginning.

use super::desk::{Line, Says};
use super::people::People;
use deedbook::approvals::{Command, Event, Judgement, Resolution, Submit};
use deedbook_verify::facts::{ActorKind, Outcome};
use deedbook_verify::requirement::Requirement;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Micros, Ref, SubjectId};
use std::collections::BTreeSet;

/// The log of one request, up to some line.
#[derive(Clone, Copy)]
pub struct Story<'a>(pub &'a [&'a Line]);

/// An approval that was not refused.
#[derive(Clone, Copy)]
pub struct Approval<'a> {
    pub line: &'a Line,
    pub vote: &'a deedbook::approvals::CastVote,
}

impl<'a> Story<'a> {
    pub fn events(self) -> impl Iterator<Item = (&'a Line, &'a Event)> {
        self.0.iter().filter_map(|line| match &line.says {
            Says::Event(event) => Some((*line, event)),
            _ => None,
        })
    }

    pub fn commands(self) -> impl Iterator<Item = (&'a Line, &'a Command)> {
        self.0.iter().filter_map(|line| match &line.says {
            Says::Command(command) => Some((*line, command)),
            _ => None,
        })
    }

    /// What was proposed, and by which source.
    pub fn proposal(self) -> Option<(&'a Line, &'a Submit)> {
        self.commands().find_map(|(line, command)| match command {
            Command::Submit(submit) => Some((line, submit)),
            Command::BreakGlass(glass) if glass.request.is_none() => Some((line, &glass.action)),
            _ => None,
        })
    }

    pub fn opened(self) -> Option<(&'a Line, &'a Event)> {
        self.events().find(|(_, event)| matches!(event, Event::Opened { .. }))
    }

    /// Every requirement that was heard of while people could vote.
    pub fn requirements(self) -> Vec<&'a Requirement> {
        let mut open = false;
        let mut found = Vec::new();
        for (_, event) in self.events() {
            match event {
                Event::Opened { requirement, .. } => {
                    open = true;
                    found.push(requirement);
                }
                Event::Evaluated { judgement: Judgement::RequireApproval(said), .. } if open => found.push(said),
                Event::Resolved { .. } => open = false,
                _ => {}
            }
        }
        found
    }

    pub fn resolutions(self) -> Vec<(&'a Line, &'a Resolution)> {
        let found = self.events().filter_map(|(line, event)| match event {
            Event::Resolved { resolution } => Some((line, resolution)),
            _ => None,
        });
        found.collect()
    }

    pub fn approvals(self) -> impl Iterator<Item = Approval<'a>> {
        self.commands().filter_map(|(line, command)| match command {
            Command::Vote(vote) if vote.decision == Decision::Approve => Some(Approval { line, vote }),
            _ => None,
        })
    }

    /// Where it stands, in words.
    pub fn standing(self) -> String {
        let request = match (self.opened(), self.resolutions().as_slice()) {
            (None, _) => "none".to_owned(),
            (Some(_), []) => "pending".to_owned(),
            (Some(_), [(_, resolution), ..]) => resolution.code().name().to_owned(),
        };
        let mut grant = "none".to_owned();
        let mut left = 0;
        let (mut started, mut ended) = (0, Vec::new());
        for line in self.0 {
            match &line.says {
                Says::Event(Event::GrantIssued { uses, .. }) => left = uses.get(),
                Says::Event(Event::GrantRedeemed { .. }) => left -= 1,
                Says::Event(Event::GrantRevoked) => grant = "revoked".to_owned(),
                Says::Event(Event::GrantExpired { .. }) => grant = "expired".to_owned(),
                Says::Event(Event::ExecutionStarted) => started += 1,
                Says::Report(outcome) if self.may_report(line) => ended.push(*outcome),
                _ => {}
            }
            if matches!(line.says, Says::Event(Event::GrantIssued { .. } | Event::GrantRedeemed { .. })) {
                grant = if left == 0 { "redeemed".to_owned() } else { format!("issued {left}") };
            }
        }
        let failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed | Outcome::Aborted);
        let run = match ended.iter().find(|outcome| **outcome == Outcome::Succeeded || failed(outcome)) {
            _ if started == 0 => "not started",
            Some(Outcome::Succeeded) => "succeeded",
            Some(_) => "failed",
            None if ended.contains(&Outcome::Other) => "unknown",
            None => "started",
        };
        let review = self.commands().find_map(|(_, command)| match command {
            Command::Review(review) => Some(review.outcome.name()),
            _ => None,
        });
        let glass = self.commands().any(|(_, command)| matches!(command, Command::BreakGlass(_)));
        format!("request {request}, grant {grant}, run {run}, glass {glass}, review {review:?}")
    }

    /// A report counts when its source may redeem, and something has started before it.
    fn may_report(self, report: &Line) -> bool {
        let before = || self.events().filter(|(line, _)| line.revision < report.revision);
        before().any(|(_, event)| matches!(event, Event::ExecutionStarted))
            && before()
                .any(|(_, event)| matches!(event, Event::GrantIssued { audience, .. } if *audience == report.signer))
    }

    /// The approvals that count if the people stand like this: of each person the last, on what was shown last.
    pub fn counting(self, all: &[Line], people: &People) -> Vec<Ref> {
        let shown = self.events().filter(|(_, event)| matches!(event, Event::Shown { .. })).last();
        let Some((_, Event::Shown { presentation, requirement, .. })) = shown else { return Vec::new() };
        let conflicted = self.conflicted(all, people);
        let requirements = self.requirements();
        let persons: BTreeSet<Ref> = self
            .approvals()
            .filter(|approval| approval.vote.presentation == *presentation)
            .filter(|approval| approval.vote.requirement == *requirement)
            .filter(|approval| requirements.iter().all(|said| approval.vote.level >= said.evidence_floor))
            .map(|approval| approval.vote.actor.who)
            .filter(|person| !conflicted.contains(person) && people.reviews(*person))
            .collect();
        persons.into_iter().collect()
    }

    /// Everybody who may not approve, if the people stand like this: as frozen, and as they stand.
    pub fn conflicted(self, all: &[Line], people: &People) -> BTreeSet<Ref> {
        let mut set = BTreeSet::new();
        if let Some((_, Event::Opened { conflicts, .. })) = self.opened() {
            set.extend(conflicts.iter().map(|conflict| conflict.person));
        }
        set.extend(self.commands().filter_map(|(_, command)| match command {
            Command::BreakGlass(glass) => Some(glass.action.actor.who),
            _ => None,
        }));
        let Some((line, proposal)) = self.proposal() else { return set };
        set.extend(stand_behind(proposal, line.signer, people));
        // At the opening, what a superseded proposal held is in it too; frozen since.
        if let (Some(prior), Some((opened, _))) = (proposal.supersedes, self.opened())
            && std::ptr::eq(people, &opened.people)
        {
            let lines: Vec<&Line> =
                all.iter().filter(|other| other.request == prior && other.event < opened.event).collect();
            set.extend(Story(&lines).conflicted(all, people));
        }
        while let Some(more) = people.0.keys().find(|who| !set.contains(*who) && touches(people, **who, &set)) {
            set.insert(*more);
        }
        set
    }
}

fn stand_behind(proposal: &Submit, source: Ref, people: &People) -> Vec<Ref> {
    let mut named = vec![proposal.actor.who];
    named.extend(&proposal.on_behalf_of);
    named.extend(people.0.get(&source).map(|_| source));
    let mut behind: Vec<Ref> = proposal.responsible.into_iter().collect();
    for who in named.iter().copied() {
        match people.0.get(&who) {
            Some(known) if known.kind != ActorKind::Human => behind.extend(known.responsible),
            _ => behind.push(who),
        }
    }
    // Whose account somebody is, the source among them; a source that is nobody's is a gateway.
    for who in named.into_iter().chain([source]) {
        behind.extend(people.0.iter().filter(|(_, known)| known.accounts.contains(&who)).map(|(person, _)| *person));
    }
    behind
}

/// Whether somebody lent or borrowed their decision, or was let in by one person alone, who is in the set.
fn touches(people: &People, who: Ref, set: &BTreeSet<Ref>) -> bool {
    let known = &people.0[&who];
    let lends = known.delegate.is_some_and(|to| set.contains(&to));
    let borrows = people.0.iter().any(|(from, other)| set.contains(from) && other.delegate == Some(who));
    let alone = known.bound_by.len() == 1 && set.contains(&known.bound_by[0]);
    known.kind == ActorKind::Human && (lends || borrows || alone)
}

impl People {
    pub fn reviews(&self, who: Ref) -> bool {
        self.0.get(&who).is_some_and(|known| known.kind == ActorKind::Human && known.reviewer && !known.disabled)
    }

    fn is_member(&self, who: Ref, team: Ref) -> bool {
        self.0.get(&who).is_some_and(|known| known.teams.contains(&team))
    }
}

/// Whether these persons satisfy what all requirements together ask: every way to give slots to persons is tried.
pub fn satisfied(requirements: &[&Requirement], persons: &[Ref], people: &People, fallback: bool) -> bool {
    let teams: BTreeSet<Ref> = requirements.iter().flat_map(|said| &said.clauses).map(|clause| clause.team).collect();
    let fallback = requirements
        .first()
        .and_then(|first| first.fallback)
        .filter(|team| fallback && requirements.iter().all(|said| said.fallback == Some(*team)));
    let may =
        |who: Ref, team: Ref| people.is_member(who, team) || fallback.is_some_and(|other| people.is_member(who, other));
    let mut slots = Vec::new();
    for team in &teams {
        let clauses = requirements.iter().flat_map(|said| &said.clauses).filter(|clause| clause.team == *team);
        slots.extend(vec![*team; clauses.map(|clause| usize::from(clause.persons_min.get())).max().unwrap()]);
    }
    let asked = |who: &Ref| teams.is_empty() || teams.iter().any(|team| may(*who, *team));
    let counted: Vec<Ref> = persons.iter().copied().filter(asked).collect();
    let distinct = requirements.iter().map(|said| usize::from(said.distinct_persons_min.get())).max().unwrap();
    counted.len() >= distinct && fill(&slots, &counted, &may)
}

fn fill(slots: &[Ref], free: &[Ref], may: &dyn Fn(Ref, Ref) -> bool) -> bool {
    let [slot, rest @ ..] = slots else { return true };
    (0..free.len()).any(|at| {
        let mut others = free.to_vec();
        let one = others.remove(at);
        may(one, *slot) && fill(rest, &others, may)
    })
}

/// Whether the fallback team counts: the request was escalated, or nobody could do it without.
pub fn fallback_counts(story: Story<'_>, all: &[Line], people: &People) -> bool {
    let escalated = story
        .events()
        .any(|(_, event)| matches!(event, Event::Escalated { escalation, .. } if escalation.name() == "escalated"));
    let conflicted = story.conflicted(all, people);
    let free: Vec<Ref> =
        people.0.keys().copied().filter(|who| people.reviews(*who) && !conflicted.contains(who)).collect();
    escalated || !satisfied(&story.requirements(), &free, people, false)
}

/// The lines of one request.
pub fn of(log: &[Line], request: SubjectId) -> Vec<&Line> {
    log.iter().filter(|line| line.request == request).collect()
}

/// When the request expires.
pub fn expires_at(story: Story<'_>) -> Option<Micros> {
    match story.opened() {
        Some((_, Event::Opened { expires_at, .. })) => Some(*expires_at),
        _ => None,
    }
}
