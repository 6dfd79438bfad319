//! An action's row: a versioned binary form of its own, not of the log. Strict both ways: equal states have equal bytes,
//! and bytes that `to_bytes` would not write are refused. Optional parts are led by a byte 0 or 1, lists by a u16.

use crate::approvals::action::{
    Action, Evaluated, Execution, ExecutionState, Grant, GrantState, Origin, PostReview, Request, RequestState,
    Resolution, Resolved, ReviewState, Shown, Vote,
};
use crate::limits;
use deedbook_verify::bytes::Reader;
use deedbook_verify::detail::{
    Assigned, Conflict, ConflictReason, ResolutionCode, Reversibility, ReviewOutcome, Verdict,
};
use deedbook_verify::facts::{Actor, ActorKind, Code};
use deedbook_verify::limits as formats;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::vote::{Decision, EvidenceLevel};
use deedbook_verify::words::{Digest, EventId, Index, Micros, Ref, Revision, SubjectId};
use std::num::NonZeroU16;
use thiserror::Error;

/// The first byte of a row.
pub const ACTION_BYTES_VERSION: u8 = 1;

/// A row that this program did not write, or that was damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the row of an action is damaged at its {0}")]
pub struct RowDefect(&'static str);

impl Action {
    /// The row, at most `ACTION_ROW_BYTES_MAX` bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        out.push(ACTION_BYTES_VERSION);
        out.extend(self.id.0);
        out.extend(self.stream.0);
        out.extend(self.revision.0.to_be_bytes());
        write_origin(&mut out, &self.origin);
        option(&mut out, self.evaluated.as_ref(), |out, evaluated| {
            out.push(evaluated.verdict.number());
            out.extend(evaluated.policy.0);
        });
        out.push(u8::from(self.blocked));
        option(&mut out, self.request.as_ref(), write_request);
        option(&mut out, self.grant.as_ref(), write_grant);
        list(&mut out, &self.executions, |out, run| {
            out.extend(run.id.0);
            out.extend(run.started.0.to_be_bytes());
            out.push(execution_number(run.state));
        });
        option(&mut out, self.post_review.as_ref(), write_review);
        out.extend(self.refusals.to_be_bytes());
        out
    }

    /// Reads a row.
    pub fn from_bytes(bytes: &[u8]) -> Result<Action, RowDefect> {
        let mut row = Row(Reader::new(bytes));
        if row.byte("version")? != ACTION_BYTES_VERSION {
            return Err(RowDefect("version"));
        }
        let action = Action {
            id: SubjectId(row.array("id")?),
            stream: Ref(row.array("stream")?),
            revision: Revision(row.number("revision")?),
            origin: row.origin()?,
            evaluated: row.option("evaluation", |row| {
                let verdict = row.code("verdict", Verdict::from_number)?;
                Ok(Evaluated { verdict, policy: Digest(row.array("policy")?) })
            })?,
            blocked: row.flag("blocked")?,
            request: row.option("request", Row::request)?,
            grant: row.option("grant", Row::grant)?,
            executions: row.list("executions", usize::from(limits::GRANT_USES_MAX), |row| {
                let (id, started) = (EventId(row.array("execution")?), Micros(row.number("execution")?));
                Ok(Execution { id, started, state: row.code("execution", execution_state)? })
            })?,
            post_review: row.option("review", Row::review)?,
            refusals: u32::from_be_bytes(row.array("refusals")?),
        };
        if row.0.is_empty() { Ok(action) } else { Err(RowDefect("end")) }
    }
}

fn option<T>(out: &mut Vec<u8>, value: Option<&T>, write: impl Fn(&mut Vec<u8>, &T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        write(out, value);
    }
}

fn list<T>(out: &mut Vec<u8>, values: &[T], write: impl Fn(&mut Vec<u8>, &T)) {
    // Every list is bounded far below this where it is filled.
    out.extend(u16::try_from(values.len()).unwrap_or(u16::MAX).to_be_bytes());
    values.iter().for_each(|value| write(out, value));
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend(bytes);
}

fn write_actor(out: &mut Vec<u8>, actor: &Actor) {
    out.push(actor.kind.number());
    out.extend(actor.who.0);
}

fn write_origin(out: &mut Vec<u8>, origin: &Origin) {
    out.extend(origin.source.0);
    out.extend(origin.event.0);
    out.extend(origin.index.0.to_be_bytes());
    out.extend(origin.received.0.to_be_bytes());
    write_actor(out, &origin.actor);
    list(out, &origin.on_behalf_of, |out, whom| out.extend(whom.0));
    option(out, origin.responsible.as_ref(), |out, person| out.extend(person.0));
    text(out, origin.action_type.as_bytes());
    out.extend(origin.digest.0);
    out.push(origin.reversibility.number());
    option(out, origin.supersedes.as_ref(), |out, prior| out.extend(prior.0));
}

fn write_request(out: &mut Vec<u8>, request: &Request) {
    text(out, &request.requirement.to_bytes());
    out.extend(request.opened.0);
    out.extend(request.opened_at.0.to_be_bytes());
    out.extend(request.expires_at.0.to_be_bytes());
    list(out, &request.conflicts, |out, conflict| out.extend(conflict.to_bytes()));
    option(out, request.shown.as_ref(), |out, shown| {
        out.extend(shown.digest.0);
        out.push(u8::from(shown.complete));
        out.extend(shown.revision.0.to_be_bytes());
    });
    list(out, &request.votes, |out, vote| {
        out.extend(vote.person.0);
        out.push(vote.decision.number());
        out.extend(vote.revision.0.to_be_bytes());
        out.extend(vote.shown.0.to_be_bytes());
        out.push(vote.level.number());
    });
    option(out, request.reminded.as_ref(), |out, at| out.extend(at.0.to_be_bytes()));
    out.push(u8::from(request.escalated));
    if let RequestState::Resolved(resolved) = &request.state {
        out.push(resolved.resolution.code().number());
        match &resolved.resolution {
            Resolution::Approved(votes) => list(out, votes, |out, vote| out.extend(vote.to_bytes())),
            Resolution::Superseded(by) => out.extend(by.0),
            Resolution::Denied
            | Resolution::Expired
            | Resolution::Cancelled
            | Resolution::Invalidated
            | Resolution::Unroutable
            | Resolution::BreakGlass => {}
        }
        out.extend(resolved.at.0.to_be_bytes());
    } else {
        out.push(PENDING);
    }
}

/// Stands where a resolution's number would; none has it.
const PENDING: u8 = 0;

fn write_grant(out: &mut Vec<u8>, grant: &Grant) {
    out.extend(grant.id.0);
    out.extend(grant.audience.0);
    out.extend(grant.uses.get().to_be_bytes());
    out.extend(grant.valid_until.0.to_be_bytes());
    match grant.state {
        GrantState::Issued { left } => {
            out.push(1);
            out.extend(left.get().to_be_bytes());
        }
        GrantState::Redeemed => out.push(2),
        GrantState::Expired => out.push(3),
        GrantState::Revoked => out.push(4),
    }
}

fn write_review(out: &mut Vec<u8>, review: &PostReview) {
    out.extend(review.invoker.0);
    out.extend(review.event.0);
    out.extend(review.due.0.to_be_bytes());
    match review.state {
        ReviewState::Open => out.push(1),
        ReviewState::Overdue => out.push(2),
        ReviewState::Decided { outcome, by } => {
            out.extend([3, outcome.number()]);
            out.extend(by.0);
        }
    }
}

fn execution_number(state: ExecutionState) -> u8 {
    match state {
        ExecutionState::Started => 1,
        ExecutionState::Succeeded => 2,
        ExecutionState::Failed => 3,
        ExecutionState::Unknown => 4,
    }
}

fn execution_state(number: u8) -> Option<ExecutionState> {
    Some(match number {
        1 => ExecutionState::Started,
        2 => ExecutionState::Succeeded,
        3 => ExecutionState::Failed,
        4 => ExecutionState::Unknown,
        _ => return None,
    })
}

/// A row that is being read.
struct Row<'a>(Reader<'a>);

impl<'a> Row<'a> {
    fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], RowDefect> {
        self.0.array(what).map_err(|_| RowDefect(what))
    }

    fn byte(&mut self, what: &'static str) -> Result<u8, RowDefect> {
        self.array(what).map(|[byte]| byte)
    }

    fn number(&mut self, what: &'static str) -> Result<u64, RowDefect> {
        self.array(what).map(u64::from_be_bytes)
    }

    fn code<T>(&mut self, what: &'static str, from: impl Fn(u8) -> Option<T>) -> Result<T, RowDefect> {
        from(self.byte(what)?).ok_or(RowDefect(what))
    }

    fn flag(&mut self, what: &'static str) -> Result<bool, RowDefect> {
        self.code(what, |byte| (byte <= 1).then_some(byte == 1))
    }

    fn option<T>(
        &mut self,
        what: &'static str,
        read: impl Fn(&mut Row<'a>) -> Result<T, RowDefect>,
    ) -> Result<Option<T>, RowDefect> {
        if self.flag(what)? { read(self).map(Some) } else { Ok(None) }
    }

    fn list<T>(
        &mut self,
        what: &'static str,
        count_max: usize,
        read: impl Fn(&mut Row<'a>) -> Result<T, RowDefect>,
    ) -> Result<Vec<T>, RowDefect> {
        let count = self.array(what).map(u16::from_be_bytes)?;
        if usize::from(count) > count_max {
            return Err(RowDefect(what));
        }
        let mut values = Vec::with_capacity(usize::from(count));
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }

    fn text(&mut self, what: &'static str, bytes_max: usize) -> Result<&'a [u8], RowDefect> {
        let length = self.array(what).map(|length| usize::from(u16::from_be_bytes(length)))?;
        if length > bytes_max {
            return Err(RowDefect(what));
        }
        self.0.take(what, length).map_err(|_| RowDefect(what))
    }

    fn actor(&mut self) -> Result<Actor, RowDefect> {
        let kind = self.code("actor", ActorKind::from_number)?;
        Ok(Actor { kind, who: Ref(self.array("actor")?) })
    }

    fn origin(&mut self) -> Result<Origin, RowDefect> {
        Ok(Origin {
            source: Ref(self.array("source")?),
            event: EventId(self.array("event")?),
            index: Index(self.number("index")?),
            received: Micros(self.number("received")?),
            actor: self.actor()?,
            on_behalf_of: self
                .list("on behalf of", formats::ON_BEHALF_OF_MAX, |row| row.array("on behalf of").map(Ref))?,
            responsible: self.option("responsible", |row| row.array("responsible").map(Ref))?,
            action_type: {
                let bytes = self.text("action type", formats::CODE_BYTES_MAX)?;
                let text = std::str::from_utf8(bytes).map_err(|_| RowDefect("action type"))?;
                Code::new(text).ok_or(RowDefect("action type"))?;
                text.to_owned()
            },
            digest: Digest(self.array("digest")?),
            reversibility: self.code("reversibility", Reversibility::from_number)?,
            supersedes: self.option("supersedes", |row| row.array("supersedes").map(SubjectId))?,
        })
    }

    fn request(&mut self) -> Result<Request, RowDefect> {
        let requirement = self.text("requirement", formats::FACTS_BYTES_MAX)?;
        let requirement = Requirement::parse(requirement).map_err(|_| RowDefect("requirement"))?;
        let request = Request {
            requirement_digest: requirement.digest(),
            requirement,
            opened: EventId(self.array("opening")?),
            opened_at: Micros(self.number("opening")?),
            expires_at: Micros(self.number("expiry")?),
            conflicts: self.list("conflicts", formats::CONFLICTS_MAX, |row| {
                let person = Ref(row.array("conflict")?);
                Ok(Conflict { person, reason: row.code("conflict", ConflictReason::from_number)? })
            })?,
            shown: self.option("presentation", |row| {
                let (digest, complete) = (Digest(row.array("presentation")?), row.flag("presentation")?);
                Ok(Shown { digest, complete, revision: Revision(row.number("presentation")?) })
            })?,
            votes: self.list("votes", limits::APPROVALS_KEPT_MAX + 1, Row::vote)?,
            reminded: self.option("reminder", |row| row.number("reminder").map(Micros))?,
            escalated: self.flag("escalation")?,
            state: self.state()?,
        };
        let ordered = request.conflicts.iter().zip(request.conflicts.iter().skip(1)).all(|(a, b)| a.person < b.person);
        let in_order = request.votes.iter().zip(request.votes.iter().skip(1)).all(|(a, b)| a.revision < b.revision);
        if ordered && in_order { Ok(request) } else { Err(RowDefect("order")) }
    }

    fn vote(&mut self) -> Result<Vote, RowDefect> {
        let person = Ref(self.array("vote")?);
        let decision = self.code("vote", Decision::from_number)?;
        if decision == Decision::Abstain {
            return Err(RowDefect("vote"));
        }
        let (revision, shown) = (Revision(self.number("vote")?), Revision(self.number("vote")?));
        Ok(Vote { person, decision, revision, shown, level: self.code("vote", EvidenceLevel::from_number)? })
    }

    fn state(&mut self) -> Result<RequestState, RowDefect> {
        let number = self.byte("resolution")?;
        if number == PENDING {
            return Ok(RequestState::Pending);
        }
        let resolution = match ResolutionCode::from_number(number).ok_or(RowDefect("resolution"))? {
            ResolutionCode::Approved => {
                Resolution::Approved(self.list("assignment", formats::ASSIGNMENT_MAX, Row::assigned)?)
            }
            ResolutionCode::Superseded => Resolution::Superseded(SubjectId(self.array("successor")?)),
            ResolutionCode::Denied => Resolution::Denied,
            ResolutionCode::Expired => Resolution::Expired,
            ResolutionCode::Cancelled => Resolution::Cancelled,
            ResolutionCode::Invalidated => Resolution::Invalidated,
            ResolutionCode::Unroutable => Resolution::Unroutable,
            ResolutionCode::BreakGlass => Resolution::BreakGlass,
        };
        Ok(RequestState::Resolved(Resolved { resolution, at: Micros(self.number("resolution")?) }))
    }

    fn assigned(&mut self) -> Result<Assigned, RowDefect> {
        let clause = match self.byte("assignment")? {
            u8::MAX => None,
            at if usize::from(at) < formats::CLAUSES_MAX => Some(at),
            _ => return Err(RowDefect("assignment")),
        };
        let person = Ref(self.array("assignment")?);
        Ok(Assigned { clause, person, vote: Revision(self.number("assignment")?) })
    }

    fn grant(&mut self) -> Result<Grant, RowDefect> {
        let (id, audience) = (SubjectId(self.array("grant")?), Ref(self.array("grant")?));
        let count =
            |row: &mut Row<'a>| NonZeroU16::new(u16::from_be_bytes(row.array("uses")?)).ok_or(RowDefect("uses"));
        let uses = count(self)?;
        let valid_until = Micros(self.number("grant")?);
        let state = match self.byte("grant")? {
            1 => GrantState::Issued { left: count(self)? },
            2 => GrantState::Redeemed,
            3 => GrantState::Expired,
            4 => GrantState::Revoked,
            _ => return Err(RowDefect("grant")),
        };
        if matches!(state, GrantState::Issued { left } if left > uses) {
            return Err(RowDefect("uses"));
        }
        Ok(Grant { id, audience, uses, valid_until, state })
    }

    fn review(&mut self) -> Result<PostReview, RowDefect> {
        let (invoker, event) = (Ref(self.array("review")?), EventId(self.array("review")?));
        let due = Micros(self.number("review")?);
        let state = match self.byte("review")? {
            1 => ReviewState::Open,
            2 => ReviewState::Overdue,
            3 => {
                let outcome = self.code("review", ReviewOutcome::from_number)?;
                ReviewState::Decided { outcome, by: Ref(self.array("review")?) }
            }
            _ => return Err(RowDefect("review")),
        };
        Ok(PostReview { invoker, event, due, state })
    }
}
