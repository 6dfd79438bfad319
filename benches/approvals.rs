//! How fast approval events fold: `cargo bench --bench approvals`. A million events of requests that open, are voted
//! on, released, redeemed and reported; once in memory alone, once with the action's row read and written at each step.
//! It measures; that the folds are right is tested elsewhere.

use deedbook::approvals::{
    Action, CastVote, Command, Event, Judgement, Recorded, Redeem, Resolution, Submit, What, apply,
};
use deedbook::clock::Clock;
use deedbook_verify::detail::{Assigned, Conflict, ConflictReason, Reversibility};
use deedbook_verify::facts::{Actor, ActorKind, Outcome};
use deedbook_verify::requirement::{Demands, Requirement, Risk, Terms};
use deedbook_verify::vote::{Decision, EvidenceLevel};
use deedbook_verify::words::{Digest, EventId, Index, Micros, Ref, Revision, SubjectId};
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

const EVENTS: u64 = 1_000_000;
const REQUEST: SubjectId = SubjectId([1; 16]);
const GATEWAY: Ref = Ref([2; 16]);
const AGENT: Actor = Actor { kind: ActorKind::Agent, who: Ref([3; 16]) };

enum Step {
    Command(Command),
    Event(Event),
    Report,
}

fn main() {
    let Some(steps) = steps() else {
        eprintln!("the requirement of this bench is not legal");
        std::process::exit(1);
    };
    for (name, through_rows) in [("in memory", false), ("row by row", true)] {
        let clock = Clock::system();
        let start = clock.read().boot;
        let mut folded = 0u64;
        while folded < EVENTS {
            folded += run(&steps, through_rows);
        }
        let seconds = clock.read().boot.0.saturating_sub(start.0) as f64 / 1e6;
        println!("{name}: {folded} events in {seconds:.3} s, {:.0} events/s", folded as f64 / seconds);
    }
}

fn run(steps: &[Step], through_rows: bool) -> u64 {
    let mut action: Option<Action> = None;
    let mut folded = 0u64;
    for step in steps {
        folded += 1;
        let what = match step {
            Step::Command(command) => What::Command(command),
            Step::Event(event) => What::Event(event),
            Step::Report => What::Report { outcome: Some(Outcome::Succeeded), grant: None, execution: None },
        };
        let (event, revision, index) = (EventId([9; 16]), Revision(folded), Index(folded));
        let recorded = Recorded { what, source: GATEWAY, event, revision, index, received: Micros(folded) };
        match apply(action, recorded) {
            Ok(next) if through_rows => action = Action::from_bytes(&next.to_bytes()).ok(),
            Ok(next) => action = Some(next),
            Err(error) => {
                eprintln!("{error}");
                std::process::exit(1);
            }
        }
    }
    std::hint::black_box(action);
    folded
}

/// The life of one action in 12 events.
fn steps() -> Option<Vec<Step>> {
    let requirement = Requirement::new(Terms {
        distinct_persons_min: NonZeroU8::new(2)?,
        evidence_floor: EvidenceLevel::Reviewer,
        demands: Demands::default(),
        risk: Risk::new(50)?,
        request_ttl_s: NonZeroU32::new(900)?,
        grant_ttl_s: NonZeroU32::new(300)?,
        uses: NonZeroU16::MIN,
        reminder_s: None,
        escalate_s: None,
        fallback: None,
        clauses: Vec::new(),
    })
    .ok()?;
    let (policy, action, presentation) = (Digest([4; 32]), Digest([5; 32]), Digest([6; 32]));
    let submit = Submit {
        id: REQUEST,
        stream: Ref([1; 16]),
        actor: AGENT,
        on_behalf_of: vec![Ref([7; 16])],
        responsible: None,
        action_type: "data.export".to_owned(),
        digest: action,
        reversibility: Reversibility::Irreversible,
        supersedes: None,
    };
    let vote = |person: u8, revision: u64| {
        Step::Command(Command::Vote(CastVote {
            request: REQUEST,
            actor: Actor { kind: ActorKind::Human, who: Ref([person; 16]) },
            decision: Decision::Approve,
            action,
            requirement: requirement.digest(),
            presentation,
            revision: Revision(revision),
            level: EvidenceLevel::Reviewer,
            valid_until: Micros(u64::MAX),
            has_rationale: true,
        }))
    };
    let assigned = |person: u8, vote| Assigned { clause: None, person: Ref([person; 16]), vote: Revision(vote) };
    let conflicts = (10..14).map(|person| Conflict { person: Ref([person; 16]), reason: ConflictReason::Owner });
    let shown = Event::Shown { requirement: requirement.digest(), presentation, complete: true };
    let resolution = Resolution::Approved(vec![assigned(20, 5), assigned(21, 6)]);
    let valid_until = Micros(u64::MAX);
    let redeem = Redeem { request: REQUEST, grant: SubjectId([9; 16]), action, actor: AGENT };
    let judgement = Judgement::RequireApproval(requirement.clone());
    Some(vec![
        Step::Command(Command::Submit(submit)),
        Step::Event(Event::Evaluated { policy, judgement }),
        Step::Event(Event::Opened {
            requirement: requirement.clone(),
            conflicts: conflicts.collect(),
            expires_at: valid_until,
        }),
        Step::Event(shown),
        vote(20, 4),
        vote(21, 4),
        Step::Event(Event::Resolved { resolution }),
        Step::Event(Event::GrantIssued { audience: GATEWAY, uses: NonZeroU16::MIN, valid_until }),
        Step::Command(Command::Redeem(redeem)),
        Step::Event(Event::GrantRedeemed { policy }),
        Step::Event(Event::ExecutionStarted),
        Step::Report,
    ])
}
