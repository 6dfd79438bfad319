//! T01: approval before execution. Which actions need one is what `policy.evaluated` and `approval.opened` say; that they
//! follow from the policies is replayed by the audit, not here.

use crate::detail::{Assigned, Detail, Resolution, ResolutionCode, Step};
use crate::facts::Outcome;
use crate::kind::Kind;
use crate::package::code::PackageRefusal;
use crate::package::computed::governed::is_in_force;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::{CastVote, Ended, Granted, Request, Requests};
use crate::package::row::{Code, RestsOn, Row, RowVerdict, Subject};
use crate::plant::Bug;
use crate::requirement::Requirement;
use crate::words::{Digest, Index, Micros, Ref, SubjectId};

/// Approval before execution.
#[derive(Default)]
pub struct Approved {
    unasked: u64,
    glass: u64,
}

/// A run that is judged.
pub struct Run {
    grant: SubjectId,
    action: Digest,
    received: Micros,
}

/// What a run needed before it could start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// An approval.
    Approval,
    /// Nobody's, by what the policies said.
    Nothing,
    /// An approval, and the glass was broken instead.
    Glass,
    /// The interval does not hold its request.
    Unknown,
}

/// A run with everything that its approval rests on.
pub struct Weighed {
    pub needed: Needed,
    pub code: Option<(RowVerdict, Code)>,
    pub compared: Vec<Index>,
    pub persons: Vec<Ref>,
    pub policy: Option<Digest>,
    pub rests_on: RestsOn,
}

impl Test for Approved {
    fn id(&self) -> TestId {
        TestId::T01
    }

    fn see(&mut self, seen: &Seen<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        if !seen.in_period {
            return Ok(());
        }
        if let Detail::Step(step) = &seen.entry.facts.detail {
            let request = requests.get(step.of.request);
            if let Some(run) = Run::of(seen) {
                return self.ran(seen, &run, request, rows);
            }
            if let (Step::Resolved { resolution: Resolution::Approved(_), .. }, Some(request)) = (&step.step, request) {
                return resolved_late(seen, request, rows);
            }
            return Ok(());
        }
        if seen.entry.facts.kind == Kind::ExecutionReported { reported(seen, requests, rows) } else { Ok(()) }
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        rows.note(format!("{} runs needed no approval, by what the policies said, and are no rows", self.unasked));
        rows.note(format!("{} runs broke the glass: T05 judges their reviews", self.glass));
        Ok(())
    }
}

impl Approved {
    fn ran(
        &mut self,
        seen: &Seen<'_>,
        run: &Run,
        request: Option<&Request>,
        rows: &mut Rows,
    ) -> Result<(), PackageRefusal> {
        let weighed = run.weigh(seen, request);
        let counter = match weighed.needed {
            Needed::Glass => &mut self.glass,
            Needed::Nothing => &mut self.unasked,
            Needed::Approval | Needed::Unknown => {
                let subject = Subject::of(seen.index, seen.entry, seen.leaf);
                let stratum = request.map_or("unknown", |request| request.action_type.as_str());
                return rows.row(&weighed.row(subject, stratum));
            }
        };
        *counter = counter.saturating_add(1);
        Ok(())
    }
}

impl Run {
    /// The run that an entry starts.
    pub fn of(seen: &Seen<'_>) -> Option<Run> {
        let Detail::Step(step) = &seen.entry.facts.detail else { return None };
        let Step::ExecutionStarted { grant, action } = &step.step else { return None };
        Some(Run { grant: *grant, action: *action, received: seen.entry.seal.received })
    }

    /// Judges it as its request stands before it.
    pub fn weigh(&self, seen: &Seen<'_>, request: Option<&Request>) -> Weighed {
        let rests_on = RestsOn::Ledger;
        let (compared, persons, policy) = (Vec::new(), Vec::new(), None);
        let Some(request) = request else {
            let (needed, code) = (Needed::Unknown, Some(unknown(seen)));
            return Weighed { needed, code, compared, persons, policy, rests_on };
        };
        let policy = request.policy.map(|(_, policy)| policy);
        let by_glass = |ended: &Ended| ended.code == ResolutionCode::BreakGlass;
        let glass = request.broke_glass.is_some() && request.ended.as_ref().is_none_or(by_glass);
        if glass || !request.needs_approval() {
            let needed = if glass { Needed::Glass } else { Needed::Nothing };
            let compared = vec![request.subject.index];
            let code = self.was_asked(seen, request).err().map(|code| (RowVerdict::Exception, code));
            return Weighed { needed, code, compared, persons, policy, rests_on };
        }
        let votes = counted(request);
        let ended = request.ended.as_ref().map(|ended| ended.subject.index);
        let voted = votes.iter().map(|vote| vote.index);
        Weighed {
            needed: Needed::Approval,
            code: judge(seen, self, request, &votes).err().map(|code| (RowVerdict::Exception, code)),
            compared: [request.subject.index].into_iter().chain(voted).chain(ended).collect(),
            persons: votes.iter().map(|vote| vote.person).collect(),
            policy,
            rests_on: votes.iter().map(|vote| vote.level).min().map_or(RestsOn::Ledger, RestsOn::from),
        }
    }

    /// Whether it is the action that the policies were asked about, and they were those in force.
    fn was_asked(&self, seen: &Seen<'_>, request: &Request) -> Result<(), Code> {
        if self.action != request.action {
            return Err(Code::DigestMismatch);
        }
        let policy = request.policy.map(|(_, policy)| policy).ok_or(Code::WrongPolicy)?;
        if is_in_force(seen.before, policy) { Ok(()) } else { Err(Code::WrongPolicy) }
    }
}

impl Weighed {
    /// Its row.
    pub fn row<'a>(&'a self, subject: Subject, stratum: &'a str) -> Row<'a> {
        let Weighed { needed: _, code, compared, persons, policy, rests_on } = self;
        let row = Row::of(subject, stratum);
        Row { code: *code, compared, policy: *policy, persons, rests_on: *rests_on, ..row }
    }
}

/// A request that the interval does not hold: opened before it, or never.
pub fn unknown(seen: &Seen<'_>) -> (RowVerdict, Code) {
    if seen.begins == Index(0) {
        (RowVerdict::Exception, Code::NoApproval)
    } else {
        (RowVerdict::Indeterminate, Code::BeforeInterval)
    }
}

/// The votes that the approval says it rests on, as far as they were cast.
fn counted(request: &Request) -> Vec<&CastVote> {
    let find = |assigned: &Assigned| {
        request.votes.iter().find(|vote| vote.revision == assigned.vote && vote.person == assigned.person)
    };
    request.ended.iter().flat_map(|ended| &ended.votes).filter_map(find).collect()
}

fn judge(seen: &Seen<'_>, run: &Run, request: &Request, votes: &[&CastVote]) -> Result<(), Code> {
    let ended = request.ended.as_ref().ok_or(Code::NoApproval)?;
    match ended.code {
        ResolutionCode::Approved => {}
        ResolutionCode::Expired => return Err(Code::Expired),
        ResolutionCode::Cancelled | ResolutionCode::Superseded | ResolutionCode::Invalidated => {
            return Err(Code::Withdrawn);
        }
        ResolutionCode::Denied | ResolutionCode::Unroutable | ResolutionCode::BreakGlass => {
            return Err(Code::NoApproval);
        }
    }
    judge_grant(run, request.grant(run.grant).ok_or(Code::NoApproval)?)?;
    if run.action != request.action {
        return Err(Code::DigestMismatch);
    }
    if votes.len() < ended.votes.len() {
        return Err(Code::NoApproval);
    }
    let requirement = request.requirement.as_ref().ok_or(Code::NoApproval)?;
    for (vote, assigned) in votes.iter().zip(&ended.votes) {
        judge_vote(run, request, requirement, vote, assigned.clause)?;
    }
    judge_quorum(requirement, votes, &ended.votes)?;
    run.was_asked(seen, request)
}

fn judge_grant(run: &Run, grant: &Granted) -> Result<(), Code> {
    if grant.over.is_some() {
        Err(Code::Withdrawn)
    } else if run.received >= grant.valid_until {
        Err(Code::Expired)
    } else if grant.runs.len() >= usize::from(grant.uses) {
        Err(Code::Reused)
    } else {
        Ok(())
    }
}

fn judge_vote(
    run: &Run,
    request: &Request,
    requirement: &Requirement,
    vote: &CastVote,
    clause: Option<u8>,
) -> Result<(), Code> {
    let team = clause.and_then(|clause| requirement.clauses.get(usize::from(clause))).map(|clause| clause.team);
    let belongs =
        |team: Ref| vote.teams.contains(&team) || requirement.fallback.is_some_and(|team| vote.teams.contains(&team));
    let timely = vote.received < vote.valid_until && request.valid_until.is_none_or(|until| vote.received < until);
    let rules = [
        (vote.approves, Code::NoApproval),
        (vote.action == run.action, Code::DigestMismatch),
        (timely, Code::Expired),
        (vote.human, Code::AgentApprover),
        (!request.involved.contains(&vote.person) || Bug::SelfApprovalTaken.planted(), Code::SelfApproval),
        (!request.conflicts.contains(&vote.person), Code::Conflict),
        (vote.reviews && team.is_none_or(belongs), Code::NoRole),
        (vote.level >= requirement.evidence_floor, Code::WeakEvidence),
        (vote.holds, Code::BadEvidence),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map_or(Ok(()), |(_, code)| Err(code))
}

fn judge_quorum(requirement: &Requirement, votes: &[&CastVote], assigned: &[Assigned]) -> Result<(), Code> {
    let mut persons: Vec<Ref> = votes.iter().map(|vote| vote.person).collect();
    persons.sort_unstable();
    persons.dedup();
    if persons.len() < votes.len() {
        return Err(Code::SamePerson);
    }
    let fills = |at: usize| assigned.iter().filter(|vote| vote.clause.map(usize::from) == Some(at)).count();
    let full =
        requirement.clauses.iter().enumerate().all(|(at, clause)| fills(at) >= usize::from(clause.persons_min.get()));
    let enough = persons.len() >= usize::from(requirement.distinct_persons_min.get());
    if full && enough { Ok(()) } else { Err(Code::TooFew) }
}

/// An approval of what ran already.
fn resolved_late(seen: &Seen<'_>, request: &Request, rows: &mut Rows) -> Result<(), PackageRefusal> {
    let ran: Vec<Index> = request.runs().chain(&request.claimed).map(|run| run.index).collect();
    if ran.is_empty() || request.ended.is_some() {
        return Ok(());
    }
    let subject = Subject::of(seen.index, seen.entry, seen.leaf);
    let code = Some((RowVerdict::Exception, Code::Late));
    rows.besides(&Row { code, compared: &ran, ..Row::of(subject, &request.action_type) })
}

/// A report of a run that no gate released: what the policies would have said, entries do not say.
fn reported(seen: &Seen<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
    let facts = &seen.entry.facts;
    let subject = Subject::of(seen.index, seen.entry, seen.leaf);
    let code = match (facts.request_id, facts.request_id.and_then(|request| requests.get(request))) {
        (None, _) if matches!(facts.outcome, Some(Outcome::Started | Outcome::Running)) => return Ok(()),
        (None, _) => (RowVerdict::Indeterminate, Code::NotEvaluated),
        (Some(_), None) => unknown(seen),
        (Some(_), Some(request)) if request.claimed.is_some() || !request.grants.is_empty() => return Ok(()),
        (Some(_), Some(request)) if request.verdict.is_none() => (RowVerdict::Indeterminate, Code::NotEvaluated),
        (Some(_), Some(_)) => (RowVerdict::Exception, Code::NoApproval),
    };
    let stratum = facts.action_type.map_or("unknown", |code| code.as_str());
    rows.row(&Row { code: Some(code), ..Row::of(subject, stratum) })
}
