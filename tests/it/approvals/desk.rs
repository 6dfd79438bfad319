//! A desk that runs approvals as a ledger would: it decides, records what follows, folds it, and forgets everything but
//! the bytes of its rows between any two steps. No transport, no store; the folds under test are the real ones.

use super::people::People;
use deedbook::approvals::{
    Action, Command, Context, Due, Effect, Event, Flow, Judged, PresentationInput, Recorded, Said, Screen, What, apply,
    decide, due,
};
use deedbook::approvals::{Cancel, CastVote, Party, Redeem, Review, RevokeGrant, Submit, Why};
use deedbook_verify::detail::{RefusalReason, Reversibility, ReviewOutcome};
use deedbook_verify::facts::{Actor, ActorKind, Outcome};
use deedbook_verify::requirement::{Clause, Demands, Requirement, Risk, Terms};
use deedbook_verify::vote::{Decision, EvidenceLevel};
use deedbook_verify::words::{Digest, EventId, Index, Micros, Ref, Revision, SubjectId};
use std::collections::BTreeMap;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

pub const MINUTE: u64 = 60_000_000;
pub const GATEWAY: Ref = Ref([0x6a; 16]);
pub const LEDGER: Ref = Ref([0x1e; 16]);

/// What the policies say at the moment.
#[derive(Clone, Debug)]
pub struct Policy {
    pub digest: Digest,
    pub says: Verdict,
    /// At redemptions.
    pub permits: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allow,
    Deny,
    Require(Requirement),
}

/// One line of the desk's log.
#[derive(Clone, Debug)]
pub struct Line {
    pub request: SubjectId,
    pub revision: Revision,
    pub received: Micros,
    pub signer: Ref,
    pub event: EventId,
    /// Lines of one batch were committed together.
    pub batch: u64,
    /// The principals as they stood.
    pub people: People,
    pub says: Says,
}

#[derive(Clone, Debug)]
pub enum Says {
    Command(Command),
    /// A refused command, and why.
    Refused(Command, RefusalReason),
    Event(Event),
    Report(Outcome),
}

pub struct Desk {
    pub people: People,
    pub policy: Policy,
    pub now: Micros,
    pub clock_behind: bool,
    pub binding: String,
    pub log: Vec<Line>,
    rows: BTreeMap<SubjectId, Vec<u8>>,
    heard: BTreeMap<SubjectId, Digest>,
    ids: u128,
    batches: u64,
    /// Commands that were tried.
    pub attempts: u64,
    /// The next command's append fails: it is decided, and nothing comes of it.
    pub append_fails: bool,
}

impl Desk {
    pub fn new(people: People) -> Desk {
        let says = Verdict::Require(requirement(&[], 1));
        Desk {
            people,
            policy: Policy { digest: Digest([1; 32]), says, permits: true },
            now: Micros(1_000_000_000_000),
            clock_behind: false,
            binding: BINDING.to_owned(),
            log: Vec::new(),
            rows: BTreeMap::new(),
            heard: BTreeMap::new(),
            ids: 0,
            batches: 0,
            attempts: 0,
            append_fails: false,
        }
    }

    /// A restart: the state is what its bytes say.
    pub fn action(&self, id: SubjectId) -> Option<Action> {
        let bytes = self.rows.get(&id)?;
        let action = Action::from_bytes(bytes).expect("rows that were written can be read");
        assert_eq!(action.to_bytes(), *bytes, "equal states have equal bytes");
        Some(action)
    }

    pub fn ids(&self) -> Vec<SubjectId> {
        self.rows.keys().copied().collect()
    }

    pub fn new_policy(&mut self, says: Verdict) {
        let digest = Digest([self.policy.digest.0[0].wrapping_add(1); 32]);
        self.policy = Policy { digest, says, permits: true };
    }

    pub fn pass(&mut self, micros: u64) {
        self.now = Micros(self.now.0 + micros);
    }

    fn fresh_id(&mut self) -> [u8; 16] {
        self.ids += 1;
        self.ids.to_be_bytes()
    }

    fn record(&mut self, request: SubjectId, signer: Ref, says: Says) -> EventId {
        let event = EventId(self.fresh_id());
        let action = self.action(request);
        let revision = Revision(action.as_ref().map_or(0, |action| action.revision.0) + 1);
        let what = match &says {
            Says::Command(command) => What::Command(command),
            Says::Refused(..) => What::Refused,
            Says::Event(event) => What::Event(event),
            Says::Report(outcome) => What::Report { outcome: Some(*outcome), grant: None, execution: None },
        };
        let at =
            Recorded { what, source: signer, event, revision, index: Index(self.log.len() as u64), received: self.now };
        if action.is_some() || !matches!(says, Says::Refused(..)) {
            let action = apply(action, at).unwrap_or_else(|error| panic!("{error}: {says:?}"));
            self.rows.insert(request, action.to_bytes());
        }
        if let Says::Event(Event::Evaluated { policy, .. }) = &says {
            self.heard.insert(request, *policy);
        }
        let (received, batch) = (self.now, self.batches);
        let people = self.people.clone();
        self.log.push(Line { request, revision, received, signer, event, batch, people, says });
        event
    }

    fn record_effects(&mut self, request: SubjectId, effects: Vec<Effect>) -> Vec<Event> {
        let events: Vec<Event> = effects.into_iter().map(|effect| effect.event).collect();
        for event in &events {
            self.record(request, LEDGER, Says::Event(event.clone()));
        }
        events
    }

    /// Decides a command and records what follows, refusals too.
    pub fn run(&mut self, signer: Ref, command: Command) -> Result<Vec<Event>, RefusalReason> {
        let id = command.request();
        let action = self.action(id);
        let people = self.people.known();
        let (says, permits) = (self.policy.says.clone(), self.policy.permits);
        let binding = self.binding.clone();
        let input = presentation_input(id, &binding);
        let said = match &says {
            Verdict::Allow => Said::Allow,
            Verdict::Deny => Said::Deny,
            Verdict::Require(requirement) => Said::RequireApproval { requirement, screen: Screen::Render(&input) },
        };
        let judged = Judged { policy: self.policy.digest, said, permits, inputs: bytes::Bytes::from_static(b"{}") };
        let changed = self.heard.get(&id) != Some(&self.policy.digest) || !permits;
        let superseded = match &command {
            Command::Submit(submit) => submit.supersedes.and_then(|prior| self.action(prior)),
            _ => None,
        };
        let actor = match &command {
            Command::BreakGlass(glass) => Some(glass.action.actor.who),
            _ => None,
        };
        let overdue = self.ids().into_iter().filter_map(|id| self.action(id)?.overdue_review());
        let context = Context {
            people: &people,
            judged: changed.then_some(&judged),
            superseded: superseded.as_ref(),
            review_overdue: overdue.collect::<Vec<_>>().iter().any(|who| Some(*who) == actor),
            received: self.now,
            signer,
            stream: Ref(id.0),
            reviewer_permitted: true,
            clock_behind: self.clock_behind,
        };
        let first = decide(action.as_ref(), &command, &context);
        assert_eq!(first, decide(action.as_ref(), &command, &context), "a function of its arguments");
        if std::mem::take(&mut self.append_fails) {
            return first.map(|_| Vec::new()).map_err(|refused| refused.reason);
        }
        self.batches += 1;
        self.attempts += 1;
        match first {
            Ok(decided) => {
                self.record(id, signer, Says::Command(command.clone()));
                let events = self.record_effects(id, decided.effects);
                if let Some(prior) = superseded {
                    self.record_effects(prior.id, decided.superseded);
                }
                Ok(events)
            }
            Err(refused) => {
                self.record(id, signer, Says::Refused(command, refused.reason));
                self.record_effects(id, refused.effects);
                Err(refused.reason)
            }
        }
    }

    /// Lets the timer work until nothing is due.
    pub fn tick(&mut self) -> Vec<Due> {
        let mut all = Vec::new();
        for id in self.ids() {
            while let Some(first) = self.action(id).and_then(|action| due(&action, self.now).into_iter().next()) {
                self.batches += 1;
                self.record(id, LEDGER, Says::Event(first.event.clone()));
                all.push(first);
            }
        }
        all
    }

    pub fn submit(&mut self, actor: Actor) -> (SubjectId, Result<Vec<Event>, RefusalReason>) {
        let submit = self.proposal(actor);
        (submit.id, self.run(GATEWAY, Command::Submit(submit)))
    }

    pub fn proposal(&mut self, actor: Actor) -> Submit {
        let id = self.fresh_id();
        Submit {
            id: SubjectId(id),
            stream: Ref(id),
            actor,
            on_behalf_of: Vec::new(),
            responsible: None,
            action_type: "data.export".to_owned(),
            digest: digest_of(SubjectId(id)),
            reversibility: Reversibility::Irreversible,
            supersedes: None,
        }
    }

    /// A vote on what is shown now, by the person's own key, with a reason.
    pub fn ballot(&self, id: SubjectId, person: Ref, decision: Decision) -> CastVote {
        let action = self.action(id).unwrap();
        let request = action.request.as_ref();
        let shown = request.and_then(|request| request.shown);
        CastVote {
            request: id,
            actor: human(person),
            decision,
            action: action.origin.digest,
            requirement: request.map_or(Digest([0; 32]), |request| request.requirement_digest),
            presentation: shown.map_or(Digest([0; 32]), |shown| shown.digest),
            revision: action.revision,
            level: EvidenceLevel::Reviewer,
            valid_until: Micros(self.now.0 + 5 * MINUTE),
            has_rationale: true,
        }
    }

    pub fn vote(&mut self, id: SubjectId, person: Ref, decision: Decision) -> Result<Vec<Event>, RefusalReason> {
        let vote = self.ballot(id, person, decision);
        self.run(person, Command::Vote(vote))
    }

    pub fn approve(&mut self, id: SubjectId, person: Ref) -> Result<Vec<Event>, RefusalReason> {
        self.vote(id, person, Decision::Approve)
    }

    pub fn deny(&mut self, id: SubjectId, person: Ref) -> Result<Vec<Event>, RefusalReason> {
        self.vote(id, person, Decision::Deny)
    }

    pub fn redemption(&self, id: SubjectId) -> Redeem {
        let action = self.action(id).unwrap();
        let grant = action.grant.map_or(SubjectId([0; 16]), |grant| grant.id);
        Redeem { request: id, grant, action: action.origin.digest, actor: action.origin.actor }
    }

    pub fn redeem(&mut self, id: SubjectId) -> Result<Vec<Event>, RefusalReason> {
        let redeem = self.redemption(id);
        let audience = self.action(id).unwrap().grant.map_or(GATEWAY, |grant| grant.audience);
        self.run(audience, Command::Redeem(redeem))
    }

    pub fn cancel(&mut self, id: SubjectId, signer: Ref) -> Result<Vec<Event>, RefusalReason> {
        self.run(signer, Command::Cancel(Cancel { request: id }))
    }

    pub fn revoke(&mut self, id: SubjectId, signer: Ref) -> Result<Vec<Event>, RefusalReason> {
        let grant = self.redemption(id).grant;
        self.run(signer, Command::RevokeGrant(RevokeGrant { request: id, grant }))
    }

    pub fn review(&mut self, id: SubjectId, person: Ref) -> Result<Vec<Event>, RefusalReason> {
        let review = Review { request: id, actor: human(person), outcome: ReviewOutcome::Ratified };
        self.run(person, Command::Review(review))
    }

    pub fn report(&mut self, id: SubjectId, source: Ref, outcome: Outcome) {
        self.batches += 1;
        self.record(id, source, Says::Report(outcome));
    }
}

pub fn digest_of(id: SubjectId) -> Digest {
    Digest(*blake3::hash(&id.0).as_bytes())
}

pub fn human(who: Ref) -> Actor {
    Actor { kind: ActorKind::Human, who }
}

pub fn agent(who: Ref) -> Actor {
    Actor { kind: ActorKind::Agent, who }
}

pub const BINDING: &str = r#"{"nonce":"00112233445566778899aabbccddeeff","params":{"rows":1000000}}"#;

pub fn presentation_input(id: SubjectId, binding: &str) -> PresentationInput<'_> {
    PresentationInput {
        request: id,
        actor: Party { kind: Some(ActorKind::Agent), name: Some("exporter"), who: Ref([7; 16]) },
        relayed_by: None,
        on_behalf_of: &[],
        responsible: None,
        binding,
        action: digest_of(id),
        policy: Digest([1; 32]),
        why: &[Why { policy: "exports-need-one", advice: Some("data leaves the house") }],
        teams: &[],
        flow: Flow::default(),
        earlier: &[],
    }
}

/// Clauses as (team, persons).
pub fn terms(clauses: &[(Ref, u8)], distinct_persons_min: u8) -> Terms {
    let seconds = |seconds| NonZeroU32::new(seconds).unwrap();
    let clause = |(team, min): &(Ref, u8)| Clause { team: *team, persons_min: NonZeroU8::new(*min).unwrap() };
    Terms {
        distinct_persons_min: NonZeroU8::new(distinct_persons_min).unwrap(),
        evidence_floor: EvidenceLevel::Reviewer,
        demands: Demands::default(),
        risk: Risk::new(50).unwrap(),
        request_ttl_s: seconds(3600),
        grant_ttl_s: seconds(300),
        uses: NonZeroU16::MIN,
        reminder_s: None,
        escalate_s: None,
        fallback: None,
        clauses: clauses.iter().map(clause).collect(),
    }
}

pub fn requirement(clauses: &[(Ref, u8)], distinct_persons_min: u8) -> Requirement {
    Requirement::new(terms(clauses, distinct_persons_min)).unwrap()
}
