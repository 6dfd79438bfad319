//! The state of one action: where it came from, and three machines (request, grant, execution) with the review that
//! break-glass owes. Data only: `apply` changes it, `decide` reads it.

use crate::approvals::conflicts::Chain;
use deedbook_verify::detail::{self, Assigned, Conflict, Reversibility, ReviewOutcome, Verdict};
use deedbook_verify::facts::Actor;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::vote::{Decision, EvidenceLevel};
use deedbook_verify::words::{Digest, EventId, Index, Micros, Ref, Revision, SubjectId};
use std::num::NonZeroU16;

/// The fold of one action's stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The action's id, which is also its request's.
    pub id: SubjectId,
    /// The action's stream.
    pub stream: Ref,
    /// The stream's last revision.
    pub revision: Revision,
    /// Where it came from.
    pub origin: Origin,
    /// What the policies said last.
    pub evaluated: Option<Evaluated>,
    /// Whether the policies denied it for good.
    pub blocked: bool,
    /// The first machine: people are asked.
    pub request: Option<Request>,
    /// The second machine: exactly this may run.
    pub grant: Option<Grant>,
    /// The third machine, once for each use of the grant, in the order of their starts.
    pub executions: Vec<Execution>,
    /// What break-glass owes.
    pub post_review: Option<PostReview>,
    /// Commands that were refused.
    pub refusals: u32,
}

/// Who asked for what. It never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The source that signed the command; it alone may redeem.
    pub source: Ref,
    /// The command's event id.
    pub event: EventId,
    /// The command's index.
    pub index: Index,
    /// When it was received.
    pub received: Micros,
    /// Who acts.
    pub actor: Actor,
    /// For whom, in order.
    pub on_behalf_of: Vec<Ref>,
    /// Who answers for the actor, as the command states it.
    pub responsible: Option<Ref>,
    /// What is done.
    pub action_type: String,
    /// The digest of the exact action.
    pub digest: Digest,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// The request that this one takes the place of.
    pub supersedes: Option<SubjectId>,
}

/// What the policies said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evaluated {
    /// Their verdict.
    pub verdict: Verdict,
    /// The policy set.
    pub policy: Digest,
}

/// A request for approval.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it takes now. It never loosens.
    pub requirement: Requirement,
    /// The digest of that.
    pub requirement_digest: Digest,
    /// The event that opened it, and set its deadlines.
    pub opened: EventId,
    /// When it was opened.
    pub opened_at: Micros,
    /// From here on it is expired.
    pub expires_at: Micros,
    /// Who may not approve, as frozen when it was opened; by person, ascending, nobody twice.
    pub conflicts: Vec<Conflict>,
    /// What people are shown now.
    pub shown: Option<Shown>,
    /// Approvals and denials, one of each person, by revision. Abstentions are on record, and change nothing.
    pub votes: Vec<Vote>,
    /// The deadline of the last reminder.
    pub reminded: Option<Micros>,
    /// Whether the fallback team was brought in.
    pub escalated: bool,
    /// Where it stands.
    pub state: RequestState,
}

/// A presentation that stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// BLAKE3 of its bytes.
    pub digest: Digest,
    /// Whether nothing was left out.
    pub complete: bool,
    /// Its revision; votes that bound another do not count.
    pub revision: Revision,
}

/// A vote that the fold keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vote {
    /// Whose.
    pub person: Ref,
    /// Approve or deny.
    pub decision: Decision,
    /// Its revision.
    pub revision: Revision,
    /// The revision of the presentation that it bound.
    pub shown: Revision,
    /// How strongly it is bound to the person.
    pub level: EvidenceLevel,
}

/// Where a request stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestState {
    /// People may vote.
    Pending,
    /// It is over, for ever.
    Resolved(Resolved),
}

/// How and when a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// How.
    pub resolution: Resolution,
    /// When.
    pub at: Micros,
}

/// How a request ended. The votes that approved it stand by clause and person, ascending, those without a clause last.
pub type Resolution = detail::Resolution<Vec<Assigned>>;

/// A grant: what its action's exact call may redeem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its id, which is that of the event that issued it.
    pub id: SubjectId,
    /// The source that may redeem it.
    pub audience: Ref,
    /// How often it may be redeemed in all.
    pub uses: NonZeroU16,
    /// From here on it is expired.
    pub valid_until: Micros,
    /// Where it stands.
    pub state: GrantState,
}

/// Where a grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// It can be redeemed.
    Issued {
        /// So often.
        left: NonZeroU16,
    },
    /// Every use is spent.
    Redeemed,
    /// Its time passed first.
    Expired,
    /// It was taken back, or the policies forbid it now.
    Revoked,
}

/// One use of a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Execution {
    /// The event that started it.
    pub id: EventId,
    /// When.
    pub started: Micros,
    /// What is known of it.
    pub state: ExecutionState,
}

/// What is known of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionState {
    /// It runs, or nobody has said otherwise.
    Started,
    /// It ended well.
    Succeeded,
    /// It failed.
    Failed,
    /// Its source cannot tell; it may still be reconciled.
    Unknown,
}

/// The review that break-glass owes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PostReview {
    /// Who broke the glass; they may not review it.
    pub invoker: Ref,
    /// The command, which set the deadline.
    pub event: EventId,
    /// From here on it is overdue.
    pub due: Micros,
    /// Where it stands.
    pub state: ReviewState,
}

/// Where a review stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewState {
    /// It is owed.
    Open,
    /// It is owed for too long.
    Overdue,
    /// It was given, for ever.
    Decided {
        /// What was said.
        outcome: ReviewOutcome,
        /// By whom.
        by: Ref,
    },
}

impl Origin {
    /// Whom the command named.
    pub fn chain(&self) -> Chain<'_> {
        let Origin { source, actor, responsible, on_behalf_of, .. } = self;
        Chain { source: *source, actor: *actor, responsible: *responsible, on_behalf_of }
    }
}

impl Action {
    /// The request, while people may vote on it.
    pub fn pending(&self) -> Option<&Request> {
        self.request.as_ref().filter(|request| request.state == RequestState::Pending)
    }

    /// The votes that approved it, once it is approved.
    pub fn approval(&self) -> Option<&[Assigned]> {
        match self.request.as_ref().and_then(Request::resolution)? {
            Resolution::Approved(votes) => Some(votes),
            Resolution::Denied
            | Resolution::Expired
            | Resolution::Cancelled
            | Resolution::Superseded(_)
            | Resolution::Invalidated
            | Resolution::Unroutable
            | Resolution::BreakGlass => None,
        }
    }

    /// Whether it says what another state says, the stream's revision aside: what an entry without effect leaves behind.
    pub fn says_what(&self, other: &Action) -> bool {
        Action { revision: other.revision, ..self.clone() } == *other
    }

    /// Who owes that this break-glass be reviewed, if its time has passed: they break no more glass until it is.
    pub fn overdue_review(&self) -> Option<Ref> {
        self.post_review.filter(|review| review.state == ReviewState::Overdue).map(|review| review.invoker)
    }
}

impl Request {
    /// How it ended, once it has.
    pub fn resolution(&self) -> Option<&Resolution> {
        match &self.state {
            RequestState::Pending => None,
            RequestState::Resolved(resolved) => Some(&resolved.resolution),
        }
    }

    /// Approvals that bound what is shown now.
    pub fn current_approvals(&self) -> impl Iterator<Item = &Vote> {
        let shown = self.shown.map(|shown| shown.revision);
        let current = move |vote: &&Vote| vote.decision == Decision::Approve && Some(vote.shown) == shown;
        self.votes.iter().filter(current)
    }

    /// The vote of a person.
    pub fn vote_of(&self, person: Ref) -> Option<&Vote> {
        self.votes.iter().find(|vote| vote.person == person)
    }
}

impl Grant {
    /// Whether it can still be redeemed, its time aside.
    pub fn is_issued(&self) -> bool {
        matches!(self.state, GrantState::Issued { .. })
    }
}
