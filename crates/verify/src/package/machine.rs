//! Requests as the entries of an interval tell them: what was asked, what the policies said, who voted, how it ended,
//! what ran. It judges nothing; the tests do, over what is kept here. About 400 bytes stay for each request.

use crate::detail::{ApprovalCommand, ApprovalStep, Assigned, Detail, Judgement, PostReview, ReviewOutcome};
use crate::detail::{Resolution, ResolutionCode, Step, Submission, Verdict, Vote};
use crate::facts::{Facts, Object, ObjectClass, ObjectRole, Outcome, Parent};
use crate::governance::Authority;
use crate::hash::request_id;
use crate::kind::Kind;
use crate::package::exam::Seen;
use crate::package::row::Subject;
use crate::principals::Principals;
use crate::requirement::Requirement;
use crate::vote::{Decision, EvidenceLevel};
use crate::words::{Digest, Index, Micros, Ref, Revision, SubjectId};
use std::collections::BTreeMap;

/// A vote as it was cast and not refused.
#[derive(Clone, Debug)]
pub struct CastVote {
    pub index: Index,
    pub received: Micros,
    pub revision: Revision,
    pub person: Ref,
    pub human: bool,
    pub action: Digest,
    pub approves: bool,
    pub valid_until: Micros,
    pub level: EvidenceLevel,
    /// Whether its evidence holds, by the keys in force at it.
    pub holds: bool,
    /// Whether the person had the role reviewer there.
    pub reviews: bool,
    /// Whether the person governed there.
    pub governs: bool,
    /// The person's teams there.
    pub teams: Vec<Ref>,
}

/// How a request ended.
#[derive(Clone, Debug)]
pub struct Ended {
    pub subject: Subject,
    pub code: ResolutionCode,
    pub votes: Vec<Assigned>,
}

/// A grant and what became of it.
#[derive(Clone, Debug)]
pub struct Granted {
    pub id: SubjectId,
    pub uses: u16,
    pub valid_until: Micros,
    /// It was revoked, or expired.
    pub over: Option<Index>,
    /// What ran under it.
    pub runs: Vec<Subject>,
    /// Reports that a run under it came to an end.
    pub completions: u64,
}

/// What a person said of a break-glass action.
#[derive(Clone, Debug)]
pub struct Reviewed {
    pub index: Index,
    pub received: Micros,
    pub person: Ref,
    pub outcome: ReviewOutcome,
}

/// One request.
#[derive(Clone, Debug)]
pub struct Request {
    pub subject: Subject,
    pub action: Digest,
    pub action_type: String,
    pub broke_glass: Option<Subject>,
    /// Persons who act, ask, answer for who acts, or are acted for.
    pub involved: Vec<Ref>,
    /// Persons whom the ledger says to be in conflict, these among them.
    pub conflicts: Vec<Ref>,
    /// What the policies said first.
    pub verdict: Option<Verdict>,
    /// What the policies said last, and by which set.
    pub policy: Option<(Index, Digest)>,
    /// What an approval takes, as it was said last.
    pub requirement: Option<Requirement>,
    pub valid_until: Option<Micros>,
    pub votes: Vec<CastVote>,
    pub ended: Option<Ended>,
    pub grants: Vec<Granted>,
    pub reviews: Vec<Reviewed>,
    /// The first report of a run that names the request and no grant that was issued.
    pub claimed: Option<Subject>,
    /// Since when people can see what they vote on now.
    pub shown: Option<Micros>,
    /// Sources that redeemed a grant of it: they alone speak of its runs.
    pub runners: Vec<Ref>,
    pub flow: Flow,
}

/// What is known of the data that a request's runs read and wrote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Something was named that it reads.
    pub reads: bool,
    /// Something was named that it wrote.
    pub writes: bool,
    /// Some of what it touched was left out of the facts.
    pub omits: bool,
    /// The last entry that said so.
    pub said: Option<Index>,
}

impl Flow {
    fn take_in(&mut self, facts: &Facts<'_>, index: Index) {
        let flows = |object: &Object| object.class.version().is_some() || is_version(object.class);
        let touched = facts.objects().filter(flows);
        let (mut reads, mut writes) = (false, false);
        touched.for_each(|object| match object.role {
            ObjectRole::Output => writes = true,
            ObjectRole::Input | ObjectRole::Used => reads = true,
        });
        self.omits = self.omits || facts.objects_omitted.is_some();
        if reads || writes {
            self.said = Some(index);
        }
        (self.reads, self.writes) = (self.reads || reads, self.writes || writes);
    }
}

/// Whether it is data, a model or what a program made, in a version of its own.
fn is_version(class: ObjectClass) -> bool {
    matches!(class, ObjectClass::DatasetVersion | ObjectClass::ModelVersion | ObjectClass::Artifact)
}

impl Request {
    /// Whether an approval was ever asked for.
    pub fn needs_approval(&self) -> bool {
        self.requirement.is_some()
    }

    /// Everything that ran, in the order of the log of each grant.
    pub fn runs(&self) -> impl Iterator<Item = &Subject> {
        self.grants.iter().flat_map(|grant| &grant.runs)
    }

    pub fn grant(&self, id: SubjectId) -> Option<&Granted> {
        self.grants.iter().find(|grant| grant.id == id)
    }

    fn grant_mut(&mut self, id: SubjectId) -> Option<&mut Granted> {
        self.grants.iter_mut().find(|grant| grant.id == id)
    }
}

/// All requests of the interval, by id.
#[derive(Default)]
pub struct Requests {
    by_id: BTreeMap<SubjectId, Request>,
}

impl Requests {
    /// One of them.
    pub fn get(&self, id: SubjectId) -> Option<&Request> {
        self.by_id.get(&id)
    }

    /// All of them, in the order of the log.
    pub fn in_order(&self) -> Vec<&Request> {
        let mut all: Vec<&Request> = self.by_id.values().collect();
        all.sort_by_key(|request| request.subject.index);
        all
    }

    /// Takes an entry in. What was refused changes nothing.
    pub fn take_in(&mut self, seen: &Seen<'_>) {
        let facts = &seen.entry.facts;
        if let Detail::Approval(command) = &facts.detail {
            if seen.refused.is_none() {
                self.command(seen, command);
            }
        } else if let Detail::Step(step) = &facts.detail {
            self.step(seen, step);
        } else if matches!(facts.kind, Kind::ExecutionReported | Kind::DataAccessed) {
            self.report(seen);
        }
    }

    fn command(&mut self, seen: &Seen<'_>, command: &ApprovalCommand<'_>) {
        let facts = &seen.entry.facts;
        match command {
            ApprovalCommand::Submitted(submission) => self.open(seen, submission, None),
            ApprovalCommand::BreakglassInvoked(submission) => {
                let broke = Subject::of(seen.index, seen.entry, seen.leaf);
                let known = facts.request_id.and_then(|request| self.by_id.get_mut(&request));
                match known {
                    Some(request) => {
                        request.broke_glass = Some(broke);
                        request.involved.extend(parties(facts, seen.after.principals()));
                    }
                    None => self.open(seen, submission, Some(broke)),
                }
            }
            ApprovalCommand::VoteCast(vote) => {
                let cast = cast(seen, vote);
                if let Some(request) = self.by_id.get_mut(&vote.request) {
                    request.votes.push(cast);
                }
            }
            ApprovalCommand::BreakglassReviewed(PostReview { of, outcome, actor }) => {
                let (index, received) = (seen.index, seen.entry.seal.received);
                if let Some(request) = self.by_id.get_mut(&of.request) {
                    request.reviews.push(Reviewed { index, received, person: actor.who, outcome: *outcome });
                }
            }
            ApprovalCommand::RedeemRequested(redemption) => {
                if let Some(request) = self.by_id.get_mut(&redemption.of.request)
                    && !request.runners.contains(&facts.source)
                {
                    request.runners.push(facts.source);
                }
            }
            ApprovalCommand::CancelRequested(_) | ApprovalCommand::RevokeRequested(_) => {}
        }
    }

    fn open(&mut self, seen: &Seen<'_>, submission: &Submission<'_>, broke_glass: Option<Subject>) {
        let facts = &seen.entry.facts;
        let asked = request_id(&Parent { source: facts.source, event_id: facts.event_id });
        let involved = parties(facts, seen.after.principals());
        let mut flow = Flow::default();
        flow.take_in(facts, seen.index);
        let request = Request {
            subject: Subject::of(seen.index, seen.entry, seen.leaf),
            action: submission.action,
            action_type: submission.action_type.as_str().to_owned(),
            broke_glass,
            involved,
            conflicts: Vec::new(),
            verdict: None,
            policy: None,
            requirement: None,
            valid_until: None,
            votes: Vec::new(),
            ended: None,
            grants: Vec::new(),
            reviews: Vec::new(),
            claimed: None,
            shown: None,
            runners: Vec::new(),
            flow,
        };
        self.by_id.insert(facts.request_id.unwrap_or(asked), request);
    }

    fn step(&mut self, seen: &Seen<'_>, step: &ApprovalStep<'_>) {
        let Some(request) = self.by_id.get_mut(&step.of.request) else { return };
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        match &step.step {
            Step::Evaluated { policy, judgement, .. } => {
                request.verdict = request.verdict.or(Some(judgement.verdict()));
                request.policy = Some((seen.index, *policy));
                if let Judgement::RequireApproval(requirement) = judgement
                    && request.requirement.is_none()
                {
                    request.requirement = requirement.read().ok();
                }
            }
            Step::Opened { requirement, conflicts, valid_until, .. } => {
                request.requirement = requirement.read().ok();
                request.valid_until = Some(*valid_until);
                request.conflicts.extend(conflicts.iter().map(|conflict| conflict.person));
                request.shown = Some(subject.received);
            }
            Step::Shown { .. } => request.shown = Some(subject.received),
            Step::Resolved { resolution, .. } => {
                let votes =
                    if let Resolution::Approved(votes) = resolution { votes.iter().collect() } else { Vec::new() };
                request.ended = Some(Ended { subject, code: resolution.code(), votes });
            }
            Step::GrantIssued { grant, uses, valid_until, .. } => request.grants.push(Granted {
                id: *grant,
                uses: uses.get(),
                valid_until: *valid_until,
                over: None,
                runs: Vec::new(),
                completions: 0,
            }),
            Step::GrantRevoked { grant } | Step::GrantExpired { grant, .. } => {
                if let Some(granted) = request.grant_mut(*grant) {
                    granted.over = granted.over.or(Some(seen.index));
                }
            }
            Step::ExecutionStarted { grant, .. } => {
                if let Some(granted) = request.grant_mut(*grant) {
                    granted.runs.push(subject);
                }
            }
            Step::Escalated { .. } | Step::GrantRedeemed { .. } | Step::Blocked { .. } => {}
        }
    }

    fn report(&mut self, seen: &Seen<'_>) {
        let facts = &seen.entry.facts;
        let Some(request) = facts.request_id.and_then(|request| self.by_id.get_mut(&request)) else { return };
        if request.runners.contains(&facts.source) {
            request.flow.take_in(facts, seen.index);
        }
        if facts.kind == Kind::DataAccessed {
            return;
        }
        let ends = !matches!(facts.outcome, Some(Outcome::Started | Outcome::Running));
        // One that names no grant, where some were issued, is about the last of them.
        let named = facts.grant_id.and_then(|grant| request.grants.iter().position(|granted| granted.id == grant));
        let place = named.or_else(|| request.grants.len().checked_sub(1));
        match place.and_then(|place| request.grants.get_mut(place)) {
            Some(granted) if ends => granted.completions = granted.completions.saturating_add(1),
            Some(_) => {}
            None => {
                let claimed = Subject::of(seen.index, seen.entry, seen.leaf);
                request.claimed = request.claimed.or(Some(claimed));
            }
        }
    }
}

fn cast(seen: &Seen<'_>, vote: &Vote<'_>) -> CastVote {
    let (authority, entry): (&Authority, _) = (seen.before, seen.entry);
    let person = authority.principals().get(vote.actor.who);
    let human = vote.actor.kind == crate::facts::ActorKind::Human && person.is_some_and(|person| person.is_person());
    let has = |role| authority.principals().has_role(vote.actor.who, role);
    CastVote {
        index: seen.index,
        received: entry.seal.received,
        revision: entry.seal.revision.unwrap_or(Revision(0)),
        person: vote.actor.who,
        human,
        action: vote.action,
        approves: vote.decision == Decision::Approve,
        valid_until: vote.valid_until,
        level: vote.evidence.level(),
        holds: authority.check_evidence(vote, seen.index).is_ok(),
        reviews: has(crate::detail::Roles::REVIEWER),
        governs: has(crate::detail::Roles::ADMINISTRATOR),
        teams: person.map_or_else(Vec::new, |person| person.teams.clone()),
    }
}

/// The persons whom a submission names or stands for: a person themselves, whoever answers for an agent or a service,
/// whoever an account is linked to.
pub fn parties(facts: &Facts<'_>, principals: &Principals) -> Vec<Ref> {
    let named = facts.actor.map(|actor| actor.who).into_iter().chain([facts.source]).chain(facts.on_behalf_of());
    let mut persons: Vec<Ref> = Vec::new();
    for who in named {
        let holder = principals.of_account(who);
        let responsible = principals.get(who).and_then(|principal| principal.responsible);
        persons.extend([Some(who), holder, responsible].into_iter().flatten());
    }
    persons.extend(facts.responsible);
    persons.sort_unstable();
    persons.dedup();
    persons
}
