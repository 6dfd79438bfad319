//! Each event becomes facts that the verifier accepts, and the same event again; each command comes out of its facts.

use super::*;
use crate::approvals::Resolution;
use crate::approvals::decide::Effect;
use bytes::Bytes;
use deedbook_verify::detail::{Assigned, Conflict, ConflictReason, Escalation, Reversibility, ReviewOutcome};
use deedbook_verify::facts::{Actor, ActorKind};
use deedbook_verify::hash::Salt;
use deedbook_verify::requirement::{Demands, Requirement, Risk, Terms};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::vote::{Decision, Evidence, EvidenceLevel};
use deedbook_verify::words::{Epoch, Hash, Revision, Sequence, TreeSize};
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

const STREAM: Ref = Ref([1; 16]);
const REQUEST: SubjectId = SubjectId([2; 16]);
const GRANT: SubjectId = SubjectId([3; 16]);
const ACTION: Digest = Digest([4; 32]);
const ID: EventId = EventId([5; 16]);
const TIME: Micros = Micros(7_000_000);
const PERSON: Actor = Actor { kind: ActorKind::Human, who: Ref([6; 16]) };
const SEEN: TreeHead = TreeHead { size: TreeSize(9), root: Hash([9; 32]) };

fn requirement() -> Requirement {
    Requirement::new(Terms {
        distinct_persons_min: NonZeroU8::MIN,
        evidence_floor: EvidenceLevel::Reviewer,
        demands: Demands::default(),
        risk: Risk::new(10).unwrap(),
        request_ttl_s: NonZeroU32::MIN,
        grant_ttl_s: NonZeroU32::MIN,
        uses: NonZeroU16::MIN,
        reminder_s: None,
        escalate_s: None,
        fallback: None,
        clauses: Vec::new(),
    })
    .unwrap()
}

/// The facts' bytes at a place of their own, as the verifier's parser accepted them.
fn encoded(facts: FactsBuilder) -> Bytes {
    facts.encode(Ref([8; 16]), Epoch(1), Sequence(1), Salt([0; 32])).unwrap().facts
}

#[test]
fn events_there_and_back() {
    let policy = Digest([10; 32]);
    let conflicts = vec![Conflict { person: Ref([1; 16]), reason: ConflictReason::Owner }];
    let votes = vec![
        Assigned { clause: Some(0), person: Ref([2; 16]), vote: Revision(5) },
        Assigned { clause: None, person: Ref([1; 16]), vote: Revision(6) },
    ];
    let resolutions = [
        Resolution::Approved(votes),
        Resolution::Denied,
        Resolution::Expired,
        Resolution::Cancelled,
        Resolution::Superseded(GRANT),
        Resolution::Invalidated,
        Resolution::Unroutable,
        Resolution::BreakGlass,
    ];
    let judgements = [Judgement::Allow, Judgement::Deny, Judgement::RequireApproval(requirement())];
    let mut events: Vec<Event> = resolutions.map(|resolution| Event::Resolved { resolution }).into();
    events.extend(judgements.map(|judgement| Event::Evaluated { policy, judgement }));
    events.extend([
        Event::Opened { requirement: requirement(), conflicts, expires_at: TIME },
        Event::Shown { requirement: requirement().digest(), presentation: Digest([11; 32]), complete: false },
        Event::Escalated { escalation: Escalation::Reminder, deadline: TIME },
        Event::GrantIssued { audience: STREAM, uses: NonZeroU16::MIN, valid_until: TIME },
        Event::GrantRedeemed { policy },
        Event::ExecutionStarted,
        Event::GrantRevoked,
        Event::GrantExpired { deadline: TIME },
        Event::Blocked { policy },
    ]);
    let subject = Subject { stream: STREAM, request: REQUEST, action: ACTION, grant: Some(GRANT) };
    for event in events {
        let has_body = matches!(event, Event::Evaluated { .. } | Event::Shown { .. });
        let body = has_body.then(|| Bytes::from_static(b"{}"));
        let bytes = encoded(Effect { event: event.clone(), body }.to_facts(&subject, ID, TIME));
        let facts = Facts::parse(&bytes).unwrap();
        assert_eq!(Event::from_facts(&facts).unwrap(), Some(event));
        assert!(Command::from_facts(&facts).is_none());
        assert_eq!((facts.stream, facts.request_id), (Some(STREAM), Some(REQUEST)));
    }
}

fn command(facts: FactsBuilder) -> Option<Command> {
    let bytes = encoded(facts);
    let facts = Facts::parse(&bytes).unwrap();
    assert_eq!(Event::from_facts(&facts), Ok(None));
    Command::from_facts(&facts)
}

#[test]
fn commands_come_out_of_their_facts() {
    let new = |kind| FactsBuilder::new(kind, ID, TIME).stream(STREAM);
    let of = |kind| new(kind).request_id(REQUEST);
    let submission = |kind| {
        new(kind)
            .actor(PERSON)
            .on_behalf_of(&[Ref([12; 16])])
            .responsible(PERSON.who)
            .action_type("data.export")
            .action_digest(ACTION)
            .reversibility(Reversibility::Irreversible)
            .supersedes(GRANT)
            .body("application/json", Bytes::from_static(b"{}"))
    };
    let submit = Submit {
        id: request_id(&Parent { source: Ref([8; 16]), event_id: ID }),
        stream: STREAM,
        actor: PERSON,
        on_behalf_of: vec![Ref([12; 16])],
        responsible: Some(PERSON.who),
        action_type: "data.export".to_owned(),
        digest: ACTION,
        reversibility: Reversibility::Irreversible,
        supersedes: Some(GRANT),
    };
    assert_eq!(command(submission(Kind::ActionSubmitted)), Some(Command::Submit(submit.clone())));
    let glass = BreakGlass { action: submit.clone(), request: None };
    assert_eq!(command(submission(Kind::BreakglassInvoked)), Some(Command::BreakGlass(glass)));
    let glass = BreakGlass { action: Submit { id: REQUEST, ..submit }, request: Some(REQUEST) };
    let facts = submission(Kind::BreakglassInvoked).request_id(REQUEST);
    assert_eq!(command(facts), Some(Command::BreakGlass(glass)));
    let vote = of(Kind::VoteCast)
        .actor(PERSON)
        .action_digest(ACTION)
        .requirement_digest(Digest([13; 32]))
        .presentation_digest(Digest([14; 32]))
        .request_revision(Revision(4))
        .decision(Decision::Approve)
        .evidence(&Evidence::Operator)
        .valid_until(TIME)
        .last_seen(SEEN);
    let cast = CastVote {
        request: REQUEST,
        actor: PERSON,
        decision: Decision::Approve,
        action: ACTION,
        requirement: Digest([13; 32]),
        presentation: Digest([14; 32]),
        revision: Revision(4),
        level: EvidenceLevel::Operator,
        valid_until: TIME,
        has_rationale: false,
    };
    assert_eq!(command(vote.clone()), Some(Command::Vote(cast)));
    let with_reason = vote.body("application/json", Bytes::from_static(b"{\"reason\":\"ticket\"}"));
    assert_eq!(command(with_reason), Some(Command::Vote(CastVote { has_rationale: true, ..cast })));
    let cancel = command(of(Kind::ApprovalCancelRequested));
    assert_eq!(cancel, Some(Command::Cancel(Cancel { request: REQUEST })));
    let redeem = of(Kind::GrantRedeemRequested).grant_id(GRANT).action_digest(ACTION).actor(PERSON).last_seen(SEEN);
    let expected = Redeem { request: REQUEST, grant: GRANT, action: ACTION, actor: PERSON };
    assert_eq!(command(redeem), Some(Command::Redeem(expected)));
    let revoke = command(of(Kind::GrantRevokeRequested).grant_id(GRANT));
    assert_eq!(revoke, Some(Command::RevokeGrant(RevokeGrant { request: REQUEST, grant: GRANT })));
    let review = command(of(Kind::BreakglassReviewed).actor(PERSON).review(ReviewOutcome::Ratified));
    let expected = Review { request: REQUEST, actor: PERSON, outcome: ReviewOutcome::Ratified };
    assert_eq!(review, Some(Command::Review(expected)));
}
