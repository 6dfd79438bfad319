//! What a command of the approval machines needs beyond its facts: the binding it states, what the policies say, what
//! people are to be shown. Made on the caller's task against a published state, so that the writer evaluates nothing;
//! the writer compares what it rests on with what is in force there, and sends the command back if that has changed.

use crate::approvals::{Action, Command, Judged, PresentationInput, Said, Screen};
use crate::ledger::approval::page::Page;
use crate::ledger::approval::reviewer::Reviewed;
use crate::ledger::bodies::{Bodies, StoredBody};
use crate::ledger::error::{AppendError, ReadError};
use crate::ledger::reader::Reader;
use crate::ledger::state::Published;
use crate::plant::Bug;
use crate::policy::{Known, Outcome, Party, PolicySet, Question, Responsible, Votes};
use crate::record::action::{Stated, action_stream, binding_of, gives_reason};
use crate::record::binding::{Binding, PartyName};
use bytes::Bytes;
use deedbook_verify::detail::{ApprovalCommand, Detail, RefusalReason};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Code, Facts};
use deedbook_verify::vote::Evidence;
use deedbook_verify::words::{Digest, Index, KeyId, Ref, SubjectId};

/// What an evaluation rests on besides the action: compared again where the command is placed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) struct Basis {
    /// The policy set in force.
    pub policy: Digest,
    /// How often the principals changed.
    pub principals: u64,
}

/// A command, ready for the writer.
#[derive(Clone)]
pub(in crate::ledger) struct Prepared {
    /// What is asked.
    pub command: Command,
    /// What is wrong with it already, whatever stands in the log.
    pub flaw: Option<RefusalReason>,
    /// What the policies say; none where they are not asked.
    evaluated: Option<Evaluated>,
    /// What that rests on.
    pub basis: Option<Basis>,
    /// What the policies about reviewers say of a vote; none where none speak of them.
    pub reviewed: Option<Reviewed>,
    /// The key that signed a vote for its person; it must still be in force where the vote is placed.
    pub reviewer_key: Option<KeyId>,
}

/// What the policies say, and all that follows from it.
#[derive(Clone)]
pub(in crate::ledger) struct Evaluated {
    policy: Digest,
    outcome: Outcome,
    permits: bool,
    inputs: Bytes,
    page: Option<Page>,
}

impl Prepared {
    fn flawed(command: Command, flaw: RefusalReason) -> Prepared {
        Prepared { flaw: Some(flaw), ..Prepared::plain(command) }
    }

    /// Hands over what the policies say, in the form in which the folds take it.
    pub fn with_judged<R>(&self, then: impl FnOnce(Option<&Judged<'_>>) -> R) -> R {
        match &self.evaluated {
            None => then(None),
            Some(evaluated) => evaluated.with_judged(|judged| then(Some(judged))),
        }
    }
}

impl Evaluated {
    fn with_judged<R>(&self, then: impl FnOnce(&Judged<'_>) -> R) -> R {
        match (&self.outcome, &self.page) {
            (Outcome::Allow, _) => then(&self.judged(Said::Allow)),
            (Outcome::RequireApproval(requirement), Some(page)) => page.with_input(|input: &PresentationInput<'_>| {
                then(&self.judged(Said::RequireApproval { requirement, screen: Screen::Render(input) }))
            }),
            // A requirement that nobody could be shown is none that anybody could meet.
            (Outcome::Deny, _) | (Outcome::RequireApproval(_), None) => then(&self.judged(Said::Deny)),
        }
    }

    fn judged<'a>(&self, said: Said<'a>) -> Judged<'a> {
        Judged { policy: self.policy, said, permits: self.permits, inputs: self.inputs.clone() }
    }
}

/// What stands around a binding: the action it is of, who signed for it, how its data was classified.
#[derive(Clone, Copy)]
struct Asked<'a> {
    id: SubjectId,
    source: Ref,
    classification: Option<&'a str>,
}

/// The state that a command is prepared against.
pub(in crate::ledger) struct Preparer<'a> {
    pub reader: &'a Reader,
    pub published: &'a Published,
}

impl Preparer<'_> {
    /// Prepares a command; none: the facts are no command of the approval machines.
    pub fn prepare(&self, facts: &Facts<'_>, body: Option<&[u8]>) -> Result<Option<Prepared>, AppendError> {
        let Some(mut command) = Command::from_facts(facts) else { return Ok(None) };
        if let Command::Vote(vote) = &mut command {
            // A body alone is no reason.
            vote.has_rationale = body.is_some_and(gives_reason);
        }
        let prepared = match &command {
            Command::Submit(submit) => self.submission(facts, body, submit.id, &command)?,
            Command::BreakGlass(glass) if glass.request.is_none() => {
                self.submission(facts, body, glass.action.id, &command)?
            }
            Command::BreakGlass(_) | Command::Redeem(_) => self.again(&command, Always(true))?,
            Command::Vote(vote) => match self.evidence(facts) {
                Ok(key) => {
                    let reviewed = self.review(vote)?;
                    Prepared { reviewer_key: Some(key), reviewed, ..self.again(&command, Always(false))? }
                }
                Err(reason) => Prepared::flawed(command, reason),
            },
            Command::Cancel(_) | Command::RevokeGrant(_) | Command::Review(_) => Prepared::plain(command),
        };
        Ok(Some(prepared))
    }

    /// The key by which a person signed a vote. What a channel's service says of a person is not taken: nothing says yet
    /// which services may.
    fn evidence(&self, facts: &Facts<'_>) -> Result<KeyId, RefusalReason> {
        let Detail::Approval(ApprovalCommand::VoteCast(vote)) = facts.detail else {
            return Err(RefusalReason::EvidenceInvalid);
        };
        self.published.authority.check_evidence(&vote, Index(self.published.head.size.0))?;
        let Evidence::Reviewer(signature) = vote.evidence else { return Err(RefusalReason::EvidenceNotBuilt) };
        Ok(signature.key_id)
    }

    /// An action that is new: what its body says in full must be what its facts say in the open.
    fn submission(
        &self,
        facts: &Facts<'_>,
        body: Option<&[u8]>,
        id: SubjectId,
        command: &Command,
    ) -> Result<Prepared, AppendError> {
        let flawed = || Ok(Prepared::flawed(command.clone(), RefusalReason::BindingInvalid));
        let Some((binding, reversibility)) = binding_of(facts, body) else { return flawed() };
        let refs = self.reader.ref_key();
        let stated = Stated::of(&binding, refs).ok();
        let own_stream = action_stream(refs, id).ok() == facts.stream;
        let agrees = stated.is_some_and(|stated| stated.differs(facts, reversibility).is_none());
        if !agrees || !own_stream || binding.tenant != self.reader.origin() {
            return flawed();
        }
        let classification = facts.data_class.map(Code::as_str);
        let asked = Asked { id, source: facts.source, classification };
        Ok(self.judge(command, &binding, asked, None))
    }

    /// An action that stands in the log: judged by its stored binding, with the votes that it has.
    fn again(&self, command: &Command, always: Always) -> Result<Prepared, AppendError> {
        let Some(action) = self.action(command.request())? else {
            return Ok(Prepared::plain(command.clone()));
        };
        let same = action.evaluated.is_some_and(|evaluated| evaluated.policy == self.published.policy.digest());
        if same && !always.0 {
            let basis = Some(self.basis());
            return Ok(Prepared { basis, ..Prepared::plain(command.clone()) });
        }
        let Some((binding, classification)) = self.stored_binding(&action)? else {
            return Ok(Prepared::flawed(command.clone(), RefusalReason::PolicyInvalid));
        };
        let asked = Asked { id: action.id, source: action.origin.source, classification: classification.as_deref() };
        Ok(self.judge(command, &binding, asked, Some(&action)))
    }

    /// Asks the policies.
    fn judge(&self, command: &Command, binding: &Binding, asked: Asked<'_>, action: Option<&Action>) -> Prepared {
        let set = &self.published.policy;
        let flawed = || Prepared::flawed(command.clone(), RefusalReason::BindingInvalid);
        let Some(question) = self.question(binding, asked.classification) else { return flawed() };
        let evaluation = set.evaluate(&question);
        for error in &evaluation.errors {
            tracing::warn!(%error, action = %binding.action, "policies could not be evaluated in full: denied");
        }
        let permits = action.is_some_and(|action| set.permits(&question, &votes_of(action, set)).is_ok());
        let page = evaluation.requirement().map(|requirement| {
            let mut page = Page::new(self.reader, self.published, binding, (asked.id, asked.source));
            page.asked_by(&evaluation, requirement, set);
            page
        });
        let evaluated = Evaluated {
            policy: set.digest(),
            outcome: if Bug::EvaluationAltered.planted() { Outcome::Allow } else { evaluation.outcome },
            permits,
            inputs: Bytes::from(question.to_bytes()),
            page,
        };
        Prepared { evaluated: Some(evaluated), basis: Some(self.basis()), ..Prepared::plain(command.clone()) }
    }

    pub(super) fn action(&self, id: SubjectId) -> Result<Option<Action>, AppendError> {
        self.reader.action_row(id).map_err(unread)
    }

    fn basis(&self) -> Basis {
        Basis { policy: self.published.policy.digest(), principals: self.published.authority.principals().revision() }
    }

    fn question(&self, binding: &Binding, classification: Option<&str>) -> Option<Question> {
        let known = Known {
            principal: self.party(&binding.agent)?,
            on_behalf_of: binding.on_behalf_of.iter().map(|name| self.party(name)).collect::<Option<_>>()?,
            resource_tenant: binding.tenant.clone(),
            classification: classification.map(str::to_owned),
        };
        Question::new(binding, known)
    }

    /// What the ledger knows of somebody; who is bound to nothing is known by name alone.
    fn party(&self, name: &PartyName) -> Option<Party> {
        let mut party = Party::named(name.clone(), self.reader.origin());
        let who = crate::domain::principal_ref(self.reader.ref_key(), name.kind(), name.id()).ok()?;
        let people = &self.published.people;
        let teams = |who: Ref| people.get(who).map(|known| self.published.policy.team_names(&known.teams));
        party.teams = teams(who).unwrap_or_default();
        party.responsible = people.get(who).and_then(|known| known.responsible).map(|person| Responsible {
            id: self.reader.id_of(person).map_or_else(|| person.to_string(), |id| id.to_string()),
            teams: teams(person).unwrap_or_default(),
        });
        Some(party)
    }

    fn stored_binding(&self, action: &Action) -> Result<Option<(Binding, Option<String>)>, AppendError> {
        let stored = self.reader.event(action.origin.index, Bodies::With).map_err(unread)?;
        let StoredBody::Opened { body, .. } = stored.body else { return Ok(None) };
        let entry = Entry::parse(&stored.entry)?;
        let binding = binding_of(&entry.facts, Some(&body)).map(|(binding, _)| binding);
        let class = entry.facts.data_class.map(|code| code.as_str().to_owned());
        Ok(binding.map(|binding| (binding, class)))
    }
}

impl Prepared {
    fn plain(command: Command) -> Prepared {
        Prepared { command, flaw: None, evaluated: None, basis: None, reviewed: None, reviewer_key: None }
    }
}

/// Whether the policies are asked even if they are the same as last time.
#[derive(Clone, Copy)]
struct Always(bool);

/// The votes that approved an action, as policies see them.
pub(in crate::ledger) fn votes_of(action: &Action, set: &PolicySet) -> Votes {
    let slots = action.approval().unwrap_or_default();
    let clauses = action.request.as_ref().map(|request| request.requirement.clauses.as_slice()).unwrap_or_default();
    let team = |clause: Option<u8>| clauses.get(usize::from(clause?)).map(|clause| clause.team);
    let teams: Vec<Ref> = slots.iter().filter_map(|slot| team(slot.clause)).collect();
    let distinct_approvers = u16::try_from(slots.len()).unwrap_or(u16::MAX);
    Votes { distinct_approvers, groups: set.team_names(&teams) }
}

fn unread(_: ReadError) -> AppendError {
    AppendError::StorageFailed
}
