//! Who plays: people, agents and sources with keys of their own, and the frames that they sign. It promises nothing
//! itself, and sends nothing.

use crate::support::event_id;
use deedbook::clock::Clock;
use deedbook::domain::{principal_ref, source_ref};
use deedbook::ledger::SeenAction;
use deedbook::policy::{POLICY_MEDIA_TYPE, Source};
use deedbook::record::action::{Stated, action_id, action_stream};
use deedbook::record::binding::{BINDING_MEDIA_TYPE, Binding};
use deedbook::record::canonical::Json;
use deedbook::record::{FactsBuilder, FrameBytes, FrameSigner, Position, SigningKey, entropy};
use deedbook_verify::detail::{GOVERNANCE_ACTION, ReviewOutcome, Roles};
use deedbook_verify::facts::{Actor, ActorKind, Outcome};
use deedbook_verify::governance::{Matter, governance_requirement};
use deedbook_verify::hash::RefKey;
use deedbook_verify::key::ED25519;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::vote::{Ballot, Decision, Evidence, ReviewerSignature};
use deedbook_verify::words::{Digest, Index, LedgerId, Micros, Ref, Revision, SubjectId};
use serde_json::{Value, json};

/// Somebody who signs.
pub struct Who {
    pub id: String,
    pub kind: ActorKind,
    pub source: Ref,
    pub key: SigningKey,
}

impl Who {
    pub fn actor(&self) -> Actor {
        Actor { kind: self.kind, who: self.source }
    }

    fn party(&self) -> String {
        format!("{}:{}", self.kind.name(), self.id)
    }
}

/// A key that depends on nothing but its holder's name.
pub fn key_of(id: &str) -> SigningKey {
    SigningKey::from_seed(id, blake3::hash(id.as_bytes()).as_bytes()).unwrap()
}

/// One ledger's people.
#[derive(Clone)]
pub struct Cast {
    pub ledger: LedgerId,
    pub refs: RefKey,
    pub origin: String,
    pub clock: Clock,
}

impl Cast {
    fn who(&self, kind: ActorKind, id: &str) -> Who {
        let source = principal_ref(&self.refs, kind, id).unwrap();
        Who { id: id.to_owned(), kind, source, key: key_of(id) }
    }

    pub fn person(&self, id: &str) -> Who {
        self.who(ActorKind::Human, id)
    }

    pub fn agent(&self, id: &str) -> Who {
        self.who(ActorKind::Agent, id)
    }

    pub fn service(&self, id: &str) -> Who {
        self.who(ActorKind::Service, id)
    }

    pub fn team(&self, id: &str) -> Who {
        self.who(ActorKind::Team, id)
    }

    /// A source that is bound as nobody.
    pub fn gateway(&self, id: &str) -> Who {
        Who { source: source_ref(&self.refs, id).unwrap(), ..self.who(ActorKind::Service, id) }
    }

    pub fn sign(&self, by: &Who, facts: FactsBuilder) -> FrameBytes {
        let signer = FrameSigner { ledger: self.ledger, source: by.source, key: &by.key };
        signer.sign(Position::Unsequenced, vec![facts]).unwrap()
    }

    pub fn facts(&self, kind: Kind) -> FactsBuilder {
        FactsBuilder::new(kind, event_id(), self.clock.wall())
    }

    pub fn enrollment(&self, by: &Who, key: &SigningKey, source: Ref) -> FrameBytes {
        self.sign(by, self.facts(Kind::KeyEnrolled).key_grant(key.public(), source))
    }

    /// Lets somebody in, with a key of their own.
    pub fn binding_of(&self, by: &Who, who: &Who, roles: Roles, responsible: Option<&Who>) -> FrameBytes {
        let body = json!({"id": who.id}).to_string();
        let facts = self.facts(Kind::PrincipalBound).principal(who.actor()).roles(roles);
        let facts = facts.subject_key(who.key.public()).body("application/json", body.into());
        self.sign(by, responsible.map_or(facts.clone(), |person| facts.responsible(person.source)))
    }

    /// A command about somebody.
    pub fn about(
        &self,
        by: &Who,
        kind: Kind,
        who: &Who,
        state: impl FnOnce(FactsBuilder) -> FactsBuilder,
    ) -> FrameBytes {
        self.sign(by, state(self.facts(kind).principal(who.actor())))
    }

    pub fn erasure(&self, by: &Who, index: Index) -> FrameBytes {
        let facts = self.facts(Kind::BodyErased).erased_bodies([index]);
        self.sign(by, facts.body("application/json", r#"{"reason":"asked for"}"#.into()))
    }

    pub fn publication(&self, by: &Who, text: &str) -> FrameBytes {
        let source = Source { text: text.to_owned(), schema: None };
        let stream = deedbook::domain::StreamName::parse("policy/default").unwrap().to_ref(&self.refs).unwrap();
        let facts = self.facts(Kind::PolicyPublished).stream(stream).policy_digest(source.digest());
        self.sign(by, facts.body(POLICY_MEDIA_TYPE, source.to_bytes().into()))
    }

    /// What somebody wants to do, for whom.
    pub fn wish(&self, actor: &Who, action: &str, whom: &[&Who]) -> Binding {
        let whom: Vec<String> = whom.iter().map(|who| who.party()).collect();
        let nonce: [u8; 16] = entropy::array().unwrap();
        let text = json!({"schema": "deedbook.action/1", "tenant": self.origin, "action": action,
            "resource": "dataset:customers", "agent": {"id": actor.party(), "key": actor.key.public().id().to_string()},
            "on_behalf_of": whom, "params": {"rows": 120_000}, "dataset_sources": ["dataset:customers@v42"],
            "destination": "s3://partner/x", "reversibility": "irreversible", "environment": "production",
            "nonce": SubjectId(nonce).to_string()});
        Binding::from_json(Json::parse(text.to_string().as_bytes(), 65_536).unwrap()).unwrap()
    }

    pub fn submission(&self, by: &Who, wish: &Binding, supersedes: Option<SubjectId>) -> (SubjectId, FrameBytes) {
        let event = event_id();
        let id = action_id(by.source, event);
        let facts = FactsBuilder::new(Kind::ActionSubmitted, event, self.clock.wall()).stream(self.stream(id));
        let facts = Stated::of(wish, &self.refs).unwrap().state(facts, wish);
        (id, self.sign(by, supersedes.map_or(facts.clone(), |prior| facts.supersedes(prior))))
    }

    /// Runs something at once: a new action, or one that waits for people.
    pub fn glass(&self, by: &Who, wish: &Binding, pending: Option<SubjectId>) -> (SubjectId, FrameBytes) {
        let event = event_id();
        let id = pending.unwrap_or_else(|| action_id(by.source, event));
        let facts = FactsBuilder::new(Kind::BreakglassInvoked, event, self.clock.wall()).stream(self.stream(id));
        let inner = Json::parse(&wish.to_bytes(), 65_536).unwrap();
        let why = [("reason", Json::text("the site is down")), ("incident", Json::text("INC-7"))];
        let [reason, incident] = why;
        let body = Json::object([("binding", inner), reason, incident]).to_bytes();
        let facts = Stated::of(wish, &self.refs).unwrap().state(facts, wish).body(BINDING_MEDIA_TYPE, body.into());
        // Who runs it is whoever breaks the glass, also where somebody else had asked.
        let facts = if pending.is_some() { facts.actor(by.actor()) } else { facts };
        (id, self.sign(by, pending.map_or(facts.clone(), |request| facts.request_id(request))))
    }

    fn stream(&self, id: SubjectId) -> Ref {
        action_stream(&self.refs, id).unwrap()
    }

    fn of_request(&self, kind: Kind, id: SubjectId) -> FactsBuilder {
        self.facts(kind).stream(self.stream(id)).request_id(id)
    }

    /// What a vote on an action binds, as it stands and as it is shown.
    pub fn ballot(&self, seen: &SeenAction, decision: Decision) -> Ballot {
        let request = seen.action.request.as_ref();
        let shown = request.and_then(|request| request.shown);
        Ballot {
            ledger: self.ledger,
            request: seen.action.id,
            revision: shown.map_or(seen.action.revision, |shown| shown.revision),
            action: seen.action.origin.digest,
            requirement: request.map_or(Digest([0; 32]), |request| request.requirement_digest),
            presentation: shown.map_or(Digest([0; 32]), |shown| shown.digest),
            decision,
            valid_until: Micros(self.clock.wall().0 + 3_600_000_000),
        }
    }

    /// A person's own vote, signed twice by them.
    pub fn vote(&self, who: &Who, ballot: &Ballot, head: TreeHead) -> FrameBytes {
        let signature = signature(who, ballot);
        self.relayed(who, who.actor(), ballot, &evidence(&who.key, &signature), head)
    }

    /// A vote that somebody sends for somebody.
    pub fn relayed(
        &self,
        by: &Who,
        actor: Actor,
        ballot: &Ballot,
        evidence: &Evidence<'_>,
        head: TreeHead,
    ) -> FrameBytes {
        self.with_body(by, actor, ballot, evidence, (head, json!({"reason": "because"})))
    }

    /// A person's own vote with a body of the test's.
    pub fn vote_saying(&self, who: &Who, ballot: &Ballot, head: TreeHead, body: Value) -> FrameBytes {
        let signature = signature(who, ballot);
        self.with_body(who, who.actor(), ballot, &evidence(&who.key, &signature), (head, body))
    }

    fn with_body(
        &self,
        by: &Who,
        actor: Actor,
        ballot: &Ballot,
        evidence: &Evidence<'_>,
        (head, body): (TreeHead, Value),
    ) -> FrameBytes {
        let facts =
            bound(self.of_request(Kind::VoteCast, ballot.request).actor(actor), ballot, evidence).last_seen(head);
        self.sign(by, facts.body("application/json", body.to_string().into()))
    }

    /// An approval of a governing command that waits for a second administrator, signed by whoever sends it.
    pub fn governing_vote(
        &self,
        by: &Who,
        actor: Actor,
        (request, command): (SubjectId, &[u8]),
        head: TreeHead,
    ) -> FrameBytes {
        let matter = Matter::of(command);
        let ballot = Ballot {
            ledger: self.ledger,
            request,
            revision: Revision(0),
            action: matter.action,
            requirement: governance_requirement(),
            presentation: matter.presentation,
            decision: Decision::Approve,
            valid_until: Micros(self.clock.wall().0 + 3_600_000_000),
        };
        let signature = signature(by, &ballot);
        let facts = self.facts(Kind::VoteCast).action_type(GOVERNANCE_ACTION).request_id(request).actor(actor);
        let facts = bound(facts, &ballot, &evidence(&by.key, &signature)).last_seen(head);
        self.sign(by, facts)
    }

    pub fn redemption(&self, by: &Who, seen: &SeenAction, digest: Digest, head: TreeHead) -> FrameBytes {
        let facts = self.of_request(Kind::GrantRedeemRequested, seen.action.id).grant_id(grant_of(seen));
        self.sign(by, facts.action_digest(digest).actor(seen.action.origin.actor).last_seen(head))
    }

    pub fn report(&self, by: &Who, seen: &SeenAction, outcome: Outcome) -> FrameBytes {
        let facts = self.of_request(Kind::ExecutionReported, seen.action.id).grant_id(grant_of(seen));
        self.sign(by, facts.outcome(outcome))
    }

    pub fn cancellation(&self, by: &Who, id: SubjectId) -> FrameBytes {
        self.sign(by, self.of_request(Kind::ApprovalCancelRequested, id))
    }

    pub fn revocation(&self, by: &Who, seen: &SeenAction) -> FrameBytes {
        self.sign(by, self.of_request(Kind::GrantRevokeRequested, seen.action.id).grant_id(grant_of(seen)))
    }

    pub fn review(&self, by: &Who, id: SubjectId, outcome: ReviewOutcome) -> FrameBytes {
        self.sign(by, self.of_request(Kind::BreakglassReviewed, id).actor(by.actor()).review(outcome))
    }
}

/// Everything that a vote binds, and what it rests on.
fn bound(facts: FactsBuilder, ballot: &Ballot, evidence: &Evidence<'_>) -> FactsBuilder {
    facts
        .action_digest(ballot.action)
        .requirement_digest(ballot.requirement)
        .presentation_digest(ballot.presentation)
        .request_revision(ballot.revision)
        .decision(ballot.decision)
        .evidence(evidence)
        .valid_until(ballot.valid_until)
}

/// The person's own signature over what they decided.
pub fn signature(who: &Who, ballot: &Ballot) -> [u8; 64] {
    who.key.sign(ballot.digest().as_bytes())
}

pub fn evidence<'a>(key: &SigningKey, signature: &'a [u8; 64]) -> Evidence<'a> {
    Evidence::Reviewer(ReviewerSignature { algorithm: ED25519, key_id: key.public().id(), bytes: signature })
}

/// The grant's id; where none was issued, one that nobody has.
fn grant_of(seen: &SeenAction) -> SubjectId {
    seen.action.grant.map_or(SubjectId([9; 16]), |grant| grant.id)
}
