//! A command, decided again: its binding is held against its facts, its evaluation made again from the inputs that the
//! log recorded, these held against what the entries say, and the folds asked with the result. Where an erasure took
//! away what an evaluation rests on, the folds are asked with what the log says of it, and the report counts it.

use crate::approvals::{
    Action, BreakGlass, Command, Context, Decided, Judged, Judgement, Refused, Said, Screen, decide,
};
use crate::audit::actions::asked::Asked;
use crate::audit::actions::names::{self, Shelf, Stored};
use crate::audit::actions::sets::Sets;
use crate::audit::actions::{CHECK, action_name};
use crate::audit::report::{AuditError, Report, Unread};
use crate::domain::principal_ref;
use crate::policy::{Known, Outcome, Party, PolicySet, Question, Responsible, Votes};
use crate::record::action::{Stated, action_stream, binding_of, gives_reason};
use crate::record::binding::{Binding, PartyName};
use bytes::Bytes;
use deedbook_verify::detail::RefusalReason;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::{Digest, Index, Ref};
use std::rc::Rc;
use std::sync::Arc;

/// What follows from a command, or why nothing does.
pub(super) type Verdict = Result<Decided, Refused>;

/// What decides again.
pub(super) struct Judge<'s> {
    shelf: Rc<dyn Shelf + 's>,
    named: Option<(RefKey, Sets<'s>)>,
    origin: String,
}

/// The binding of the action that a command is about, as far as it can still be read.
enum Bound {
    /// It agrees with its facts.
    Sound(Box<Binding>, Option<String>),
    /// It does not: its command had to be refused.
    Flawed,
    /// Its body was erased, or the ref key is not at hand.
    Unreadable,
}

/// What policies said, made again.
struct Answer {
    policy: Digest,
    outcome: Outcome,
    permits: bool,
    inputs: Bytes,
}

impl<'s> Judge<'s> {
    pub fn new(shelf: Rc<dyn Shelf + 's>, refs: Option<RefKey>, origin: &str) -> Judge<'s> {
        let named = refs.map(|refs| (refs.clone(), Sets::new(Rc::clone(&shelf), refs)));
        Judge { shelf, named, origin: origin.to_owned() }
    }

    /// Whether the ref key, if there is one, has this digest; else it is not used.
    pub fn knows(&mut self, digest: &Digest) -> bool {
        let known = self.named.as_ref().is_none_or(|(refs, _)| refs.digest() == *digest);
        if !known {
            self.named = None;
        }
        known
    }

    /// Decides a command again.
    pub fn decide(&mut self, asked: &Asked, report: &mut Report) -> Result<Verdict, AuditError> {
        let refusal = asked.refusal();
        // That the evidence of a vote fails is replay's own verdict.
        if let (Command::Vote(_), Some(reason @ (RefusalReason::EvidenceInvalid | RefusalReason::EvidenceNotBuilt))) =
            (&asked.command, refusal)
        {
            return Ok(Err(reason.into()));
        }
        let bound = self.bound(asked)?;
        let begins = begins(&asked.command);
        match &bound {
            Bound::Flawed if begins => return Ok(Err(RefusalReason::BindingInvalid.into())),
            Bound::Unreadable if begins && refusal == Some(RefusalReason::BindingInvalid) => {
                return Ok(Err(RefusalReason::BindingInvalid.into()));
            }
            Bound::Unreadable | Bound::Flawed if refusal == Some(RefusalReason::PolicyInvalid) => {
                let origin = asked.known.before.as_ref().map_or(asked.index, |action| action.origin.index);
                if self.shelf.erased_before(origin, asked.index)? {
                    return Ok(Err(RefusalReason::PolicyInvalid.into()));
                }
            }
            Bound::Sound(..) | Bound::Flawed | Bound::Unreadable => {}
        }
        let permitted = self.permitted(asked)?;
        if !self.asks(asked)? {
            return Ok(ask(asked, permitted, None));
        }
        match self.answer(asked, &bound, report)? {
            Some(answer) => {
                report.evaluations = report.evaluations.saturating_add(1);
                Ok(with_answer(asked, permitted, &answer))
            }
            None => {
                report.unread(asked.index, self.why_unread(asked)?);
                Ok(as_recorded(asked, permitted))
            }
        }
    }

    /// Why the policies cannot be asked again.
    fn why_unread(&self, asked: &Asked) -> Result<Unread, AuditError> {
        if self.named.is_none() {
            return Ok(Unread::NoRefKey);
        }
        let origin = asked.known.before.as_ref().filter(|_| !begins(&asked.command));
        let origin = origin.map_or(asked.index, |action| action.origin.index);
        let erased = self.shelf.erased_before(origin, Index(u64::MAX))?;
        Ok(if erased { Unread::Erased } else { Unread::BodyMissing })
    }

    /// Whether a vote's body gives a reason; where it was erased, what the log says is taken.
    pub fn hear_reason(&self, asked: &mut Asked) -> Result<(), AuditError> {
        let recorded = asked.refusal() != Some(RefusalReason::RationaleRequired);
        let Command::Vote(vote) = &mut asked.command else { return Ok(()) };
        if vote.has_rationale {
            let body = self.shelf.body(asked.index, &asked.bytes)?;
            vote.has_rationale = body.map_or(recorded, |body| gives_reason(&body));
        }
        Ok(())
    }

    /// What people were shown must have the digest that their votes bind.
    pub fn check_shown(&self, asked: &Asked, report: &mut Report) -> Result<(), AuditError> {
        let Some((index, (digest, _))) = asked.shown() else { return Ok(()) };
        let body = names::read(self.shelf.as_ref(), index)?.and_then(|stored| stored.body);
        if body.is_some_and(|body| *blake3::hash(&body).as_bytes() != digest.0) {
            report.find(
                Some(index),
                CHECK,
                "what was shown has another digest than the one that votes bind".to_owned(),
            );
        }
        Ok(())
    }

    /// Whether the policies had to be asked. About a vote they are when other ones are in force than when they were
    /// last asked, and may be when that had just become so.
    fn asks(&mut self, asked: &Asked) -> Result<bool, AuditError> {
        let before = asked.known.before.as_ref();
        Ok(match &asked.command {
            Command::Submit(_) => true,
            Command::BreakGlass(glass) => glass.request.is_none() || before.is_some(),
            Command::Redeem(_) => before.is_some(),
            Command::Vote(_) => {
                let last = before.and_then(|action| action.evaluated).map(|evaluated| evaluated.policy);
                asked.evaluated().is_some() || before.is_some() && last != self.in_force(asked)?.or(last)
            }
            Command::Cancel(_) | Command::RevokeGrant(_) | Command::Review(_) => false,
        })
    }

    fn in_force(&mut self, asked: &Asked) -> Result<Option<Digest>, AuditError> {
        Ok(self.set_in_force(asked)?.map(|set| set.digest()))
    }

    /// The set in force at a command; none: it is not sound, or the ref key is not at hand.
    pub(super) fn set_in_force(&mut self, asked: &Asked) -> Result<Option<Arc<PolicySet>>, AuditError> {
        let Some((_, sets)) = &mut self.named else { return Ok(None) };
        Ok(sets.in_force(&asked.known.policies, policy_asked(asked))?.ok())
    }

    /// The ledger's origin, the tenant of everybody.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The binding that the command, or the one that began its action, states.
    fn bound(&self, asked: &Asked) -> Result<Bound, AuditError> {
        let stored = if begins(&asked.command) {
            let body = self.shelf.body(asked.index, &asked.bytes)?;
            Some(Stored { entry: asked.bytes.clone(), body })
        } else {
            match &asked.known.before {
                Some(action) => names::read(self.shelf.as_ref(), action.origin.index)?,
                None => None,
            }
        };
        let (Some(stored), Some((refs, _))) = (stored, &self.named) else { return Ok(Bound::Unreadable) };
        let (Ok(entry), Some(body)) = (Entry::parse(&stored.entry), stored.body) else { return Ok(Bound::Unreadable) };
        let Some((binding, reversibility)) = binding_of(&entry.facts, Some(&body)) else { return Ok(Bound::Flawed) };
        let stated = Stated::of(&binding, refs).ok();
        let agrees = stated.is_some_and(|stated| stated.differs(&entry.facts, reversibility).is_none());
        let id = asked.command.request();
        let own_stream = !begins(&asked.command) || action_stream(refs, id).ok() == entry.facts.stream;
        if !agrees || !own_stream || binding.tenant != self.origin {
            return Ok(Bound::Flawed);
        }
        let class = entry.facts.data_class.map(|code| code.as_str().to_owned());
        Ok(Bound::Sound(Box::new(binding), class))
    }

    /// Asks the policies again; none: what that takes is gone.
    fn answer(&mut self, asked: &Asked, bound: &Bound, report: &mut Report) -> Result<Option<Answer>, AuditError> {
        let Some((_, sets)) = &mut self.named else { return Ok(None) };
        let set = match sets.in_force(&asked.known.policies, policy_asked(asked))? {
            Ok(set) => set,
            Err(what) => {
                report.find(Some(asked.index), CHECK, format!("its policies cannot be asked: {what}"));
                return Ok(None);
            }
        };
        let Bound::Sound(binding, class) = bound else { return Ok(None) };
        let Some(expected) = self.question(asked, &set, binding, class.clone())? else { return Ok(None) };
        let question = match self.recorded(asked)? {
            Some((_, Some(recorded))) if recorded.to_bytes() == expected.to_bytes() => recorded,
            Some((index, Some(recorded))) if self.same_but_for_names(asked, &expected, &recorded) => {
                let _the_name_was_another = index;
                recorded
            }
            Some((index, Some(_))) => {
                let message = "its inputs are not what the entries before it say".to_owned();
                report.find(Some(index), CHECK, message);
                expected
            }
            Some((index, None)) => {
                report.find(Some(index), CHECK, "its body is no question to policies".to_owned());
                expected
            }
            None => expected,
        };
        Ok(Some(answer(asked, &set, &question)))
    }

    /// The inputs that the log recorded: where, and what they are if they are a question. None: nothing was recorded,
    /// or it was erased.
    fn recorded(&self, asked: &Asked) -> Result<Option<(Index, Option<Question>)>, AuditError> {
        let Some((index, _)) = asked.evaluated() else { return Ok(None) };
        let body = names::read(self.shelf.as_ref(), index)?.and_then(|stored| stored.body);
        Ok(body.map(|body| (index, Question::from_bytes(&body).ok())))
    }

    /// Names may have been erased since, the only thing that the entries do not show for ever: a person who answers is
    /// then known by the ref, which the name that was recorded must have.
    fn same_but_for_names(&self, asked: &Asked, expected: &Question, recorded: &Question) -> bool {
        let mut recorded = recorded.clone();
        let mut parties: Vec<&mut Party> =
            std::iter::once(&mut recorded.principal).chain(recorded.on_behalf_of.iter_mut()).collect();
        let meant = std::iter::once(&expected.principal).chain(&expected.on_behalf_of);
        for (party, meant) in parties.iter_mut().zip(meant) {
            let (Some(said), Some(wanted)) = (party.responsible.as_mut(), &meant.responsible) else { continue };
            let person = self.reference(meant.name.kind(), meant.name.id());
            let answers = person.and_then(|who| asked.known.people.get(who)).and_then(|known| known.responsible);
            let named = answers.is_some() && self.reference(ActorKind::Human, &said.id) == answers
                || answers.is_some_and(|who| said.id == who.to_string());
            if named {
                said.id.clone_from(&wanted.id);
            }
        }
        recorded == *expected
    }

    fn reference(&self, kind: ActorKind, id: &str) -> Option<Ref> {
        let (refs, _) = self.named.as_ref()?;
        principal_ref(refs, kind, id).ok()
    }

    /// The question as the entries put it.
    fn question(
        &self,
        asked: &Asked,
        set: &PolicySet,
        binding: &Binding,
        classification: Option<String>,
    ) -> Result<Option<Question>, AuditError> {
        let party = |name: &PartyName| self.party(asked, set, name);
        let known = Known {
            principal: party(&binding.agent)?,
            on_behalf_of: binding.on_behalf_of.iter().map(party).collect::<Result<_, _>>()?,
            resource_tenant: binding.tenant.clone(),
            classification,
        };
        Ok(Question::new(binding, known))
    }

    fn party(&self, asked: &Asked, set: &PolicySet, name: &PartyName) -> Result<Party, AuditError> {
        let mut party = Party::named(name.clone(), &self.origin);
        let people = &asked.known.people;
        let known = self.reference(name.kind(), name.id()).and_then(|who| people.get(who));
        let Some(known) = known else { return Ok(party) };
        party.teams = set.team_names(&known.teams);
        if let Some(person) = known.responsible {
            let teams = people.get(person).map(|person| set.team_names(&person.teams)).unwrap_or_default();
            party.responsible = Some(Responsible { id: self.id_of(asked, person)?, teams });
        }
        Ok(party)
    }

    /// The id that somebody was bound under, else their ref.
    fn id_of(&self, asked: &Asked, who: Ref) -> Result<String, AuditError> {
        Ok(self.known_id(asked, who)?.unwrap_or_else(|| who.to_string()))
    }

    /// The id that somebody was bound under, if it is still there and is the one that their ref was made of.
    pub(super) fn known_id(&self, asked: &Asked, who: Ref) -> Result<Option<String>, AuditError> {
        let principal = asked.known.principals.get(who);
        let stored = match principal {
            Some(principal) => names::read(self.shelf.as_ref(), principal.stated)?,
            None => None,
        };
        let id = stored.and_then(|stored| names::id_in(&stored.body?));
        let kind = principal.map(|principal| principal.kind);
        Ok(id.filter(|id| kind.and_then(|kind| self.reference(kind, id)) == Some(who)))
    }
}

/// The set that the log says was asked: about this command, else about its action before.
fn policy_asked(asked: &Asked) -> Option<Digest> {
    let before = asked.known.before.as_ref().and_then(|action| action.evaluated).map(|evaluated| evaluated.policy);
    asked.evaluated().map(|(_, (policy, _))| policy).or(before)
}

/// Whether a command begins an action.
pub(super) fn begins(command: &Command) -> bool {
    matches!(command, Command::Submit(_) | Command::BreakGlass(BreakGlass { request: None, .. }))
}

fn answer(asked: &Asked, set: &Arc<PolicySet>, question: &Question) -> Answer {
    let before = asked.known.before.as_ref();
    Answer {
        policy: set.digest(),
        outcome: set.evaluate(question).outcome,
        permits: before.is_some_and(|action| set.permits(question, &votes_of(action, set)).is_ok()),
        inputs: Bytes::from(question.to_bytes()),
    }
}

/// The votes that approved an action, as policies see them; written a second time on purpose.
fn votes_of(action: &Action, set: &PolicySet) -> Votes {
    let slots = action.approval().unwrap_or_default();
    let clauses = action.request.as_ref().map(|request| request.requirement.clauses.as_slice()).unwrap_or_default();
    let team = |clause: Option<u8>| clauses.get(usize::from(clause?)).map(|clause| clause.team);
    let teams: Vec<Ref> = slots.iter().filter_map(|slot| team(slot.clause)).collect();
    Votes { distinct_approvers: u16::try_from(slots.len()).unwrap_or(u16::MAX), groups: set.team_names(&teams) }
}

/// What stands in the log that people were shown: replay does not render it again, for names may have been erased since.
fn screen(asked: &Asked) -> Screen<'static> {
    let (digest, complete) = asked.shown().map_or((Digest([0; 32]), false), |(_, shown)| shown);
    Screen::Recorded { digest, complete }
}

fn with_answer(asked: &Asked, permitted: bool, answer: &Answer) -> Verdict {
    let said = match &answer.outcome {
        Outcome::Allow => Said::Allow,
        Outcome::Deny => Said::Deny,
        Outcome::RequireApproval(requirement) => Said::RequireApproval { requirement, screen: screen(asked) },
    };
    let judged = Judged { policy: answer.policy, said, permits: answer.permits, inputs: answer.inputs.clone() };
    ask(asked, permitted, Some(&judged))
}

/// The folds, asked with the evaluation as the log has it.
fn as_recorded(asked: &Asked, permitted: bool) -> Verdict {
    let Some((_, (policy, judgement))) = asked.evaluated() else {
        // Refused before it was recorded what policies said: nothing is left to hold it against.
        return asked.refusal().map_or_else(|| ask(asked, permitted, None), |reason| Err(reason.into()));
    };
    let said = match &judgement {
        Judgement::Allow => Said::Allow,
        Judgement::Deny => Said::Deny,
        Judgement::RequireApproval(requirement) => Said::RequireApproval { requirement, screen: screen(asked) },
    };
    let permits = asked.refusal() != Some(RefusalReason::PolicyTightened);
    ask(asked, permitted, Some(&Judged { policy, said, permits, inputs: Bytes::new() }))
}

fn ask(asked: &Asked, permitted: bool, judged: Option<&Judged<'_>>) -> Verdict {
    let known = &asked.known;
    let context = Context {
        people: &known.people,
        judged,
        reviewer_permitted: permitted,
        superseded: known.superseded.as_ref(),
        review_overdue: known.owes,
        received: asked.received,
        signer: asked.parent.source,
        stream: asked.stream.unwrap_or(Ref([0; 16])),
        // No entry shows what the wall clock said; that it was behind can only have refused something.
        clock_behind: asked.refusal() == Some(RefusalReason::ClockBehind),
    };
    decide(known.before.as_ref(), &asked.command, &context)
}

/// What an action is called in a finding about the command.
pub(super) fn about(asked: &Asked) -> String {
    action_name(asked.command.request())
}
