//! Governance by break-glass on the real ledger: the removal of somebody silent over restarts and a fortnight of server
//! time, what opening finds again, and the program's own commands from the first word to the audit's.

mod story;

use crate::support::{House, Producer, close, event_id, patiently, statement};
use deedbook::clock::{Clock, Reading};
use deedbook::domain::person_ref;
use deedbook::ledger::{AppendError, DataDir, Ledger, OpenOptions, PolicyStanding, init_with};
use deedbook::policy::{POLICY_MEDIA_TYPE, Source};
use deedbook::record::action::action_stream;
use deedbook::record::{FactsBuilder, FrameBytes, Position, SigningKey, WhyAlone, load_ref_key};
use deedbook_verify::detail::{GOVERNANCE_ACTION, RefusalReason, Roles};
use deedbook_verify::facts::{Actor, ActorKind, Facts, Parent};
use deedbook_verify::governance::{Matter, governance_requirement};
use deedbook_verify::hash::request_id;
use deedbook_verify::key::ED25519;
use deedbook_verify::kind::Kind;
use deedbook_verify::limits::{GOVERNANCE_SILENCE_US, GOVERNANCE_TTL_US};
use deedbook_verify::principals::Governors;
use deedbook_verify::vote::{Ballot, Decision, Evidence, ReviewerSignature};
use deedbook_verify::words::{Index, Micros, Ref, Revision, SubjectId};
use tempfile::TempDir;

const WHY: WhyAlone<'_> = WhyAlone { reason: "gone for a month", incident: "INC-7" };
const START: Micros = Micros(1_767_590_000_000_000);

/// A ledger of two administrators and a reviewer, and its clock.
struct Town {
    house: House,
    clock: Clock,
    ann: Producer,
    ben: Producer,
    rita: Producer,
    _folder: TempDir,
}

impl Town {
    fn found() -> Town {
        let folder = TempDir::new().unwrap();
        let clock = Clock::manual(Reading { wall: START, boot: Micros(0) });
        let dir = DataDir::new(folder.path().join("data"));
        let [ann, ben, rita] = ["ann", "ben", "rita"].map(|name| SigningKey::generate(name).unwrap());
        let admins = [ann.verifier_key().clone(), ben.verifier_key().clone()];
        let reviewers = [("rita".to_owned(), rita.verifier_key().clone())];
        let made = init_with(&dir, "test.example/glass", (&admins, &reviewers), &clock).unwrap();
        let refs = load_ref_key(&dir.ref_key()).unwrap();
        let [ann, ben, rita] = [ann, ben, rita].map(|key| {
            let source = person_ref(&refs, "", key.name()).unwrap();
            Producer { source, key, ledger: made.ledger }
        });
        Town { house: House::of(dir, made.ledger), clock, ann, ben, rita, _folder: folder }
    }

    fn open(&self) -> Ledger {
        let options = || OpenOptions { clock: self.clock.clone(), ..OpenOptions::default() };
        patiently(|| Ledger::open(&self.house.dir, options())).unwrap()
    }

    fn reopen(&self, ledger: Ledger) -> Ledger {
        let before = folded(&ledger);
        close(ledger, &self.house.dir);
        let ledger = self.open();
        assert_eq!(folded(&ledger), before, "opening folds what the writer folded");
        ledger
    }

    /// So long after the start.
    fn at(&self, micros: u64) {
        self.clock.set(Reading { wall: Micros(START.0 + micros), boot: Micros(micros) });
    }

    fn command(&self, kind: Kind) -> FactsBuilder {
        FactsBuilder::new(kind, event_id(), self.clock.wall())
    }

    fn removal(&self) -> FrameBytes {
        let ben = Actor { kind: ActorKind::Human, who: self.ben.source };
        let facts = self.command(Kind::PrincipalDisabled).principal(ben);
        self.ann.one(facts.by_break_glass(&[self.ben.source], WHY).unwrap())
    }

    /// Ben signs something: of what he governs, or what concerns nobody.
    fn sign_of_life(&self, refused: Option<RefusalReason>) -> FrameBytes {
        let ben = Actor { kind: ActorKind::Human, who: self.ben.source };
        let delegation = |to: Ref| self.command(Kind::DelegationSet).principal(ben).delegate(to);
        self.ben.one(match refused {
            None => delegation(self.rita.source),
            Some(RefusalReason::ConflictDelegate) => delegation(self.ben.source),
            Some(_) => {
                let facts = self.command(Kind::ApprovalCancelRequested).actor(ben);
                let nothing = SubjectId([7; 16]);
                facts.stream(action_stream(&self.house.refs, nothing).unwrap()).request_id(nothing)
            }
        })
    }

    fn vote(&self, ledger: &Ledger, by: &Producer, command: &FrameBytes) -> FrameBytes {
        let facts = Facts::parse(&command.events[0].facts).unwrap();
        let request = request_id(&Parent { source: facts.source, event_id: facts.event_id });
        let matter = Matter::of(&command.events[0].facts);
        let (action, presentation, requirement) = (matter.action, matter.presentation, governance_requirement());
        let (revision, decision) = (Revision(0), Decision::Approve);
        let valid_until = Micros(self.clock.wall().0 + 60_000_000);
        let ballot =
            Ballot { ledger: by.ledger, request, revision, action, requirement, presentation, decision, valid_until };
        let bytes = by.key.sign(&ballot.digest().0);
        let signature = ReviewerSignature { algorithm: ED25519, key_id: by.key.public().id(), bytes: &bytes };
        let facts = self.command(Kind::VoteCast).actor(Actor { kind: ActorKind::Human, who: by.source });
        let facts = facts.action_type(GOVERNANCE_ACTION).action_digest(action).request_id(request);
        let facts = facts.requirement_digest(requirement).presentation_digest(presentation).request_revision(revision);
        let facts = facts.decision(decision).evidence(&Evidence::Reviewer(signature)).valid_until(valid_until);
        by.one(facts.last_seen(ledger.reader().head()))
    }
}

fn folded(ledger: &Ledger) -> String {
    format!("{:?}", ledger.reader().authority())
}

fn bound_by(ledger: &Ledger, who: Ref) -> Governors {
    ledger.reader().authority().principals().get(who).unwrap().bound_by
}

async fn refused(ledger: &Ledger, frame: FrameBytes, wanted: RefusalReason) {
    match ledger.append(frame).await {
        Err(AppendError::Refused { reason, command, refusal }) => {
            assert_eq!((reason, refusal), (wanted, Index(command.0 + 1)));
        }
        other => panic!("{wanted:?}: {other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stays_silent_is_removed_and_the_ledger_recovers() {
    let town = Town::found();
    let ledger = town.open();
    let asked = town.removal();
    let placed = ledger.append(asked.clone()).await.unwrap();
    assert!(placed.waits.is_some());
    let ledger = town.reopen(ledger);
    // What sources state meanwhile is no sign of life, and a full block of it makes the posting rows.
    for _ in 0..9 {
        town.at(60_000_000);
        ledger.append(town.ann.sign(Position::Unsequenced, (0..32).map(|_| statement()).collect())).await.unwrap();
        ledger.append(town.ben.one(statement())).await.unwrap();
    }
    town.at(GOVERNANCE_SILENCE_US - 1);
    refused(&ledger, town.vote(&ledger, &town.ann, &asked), RefusalReason::TooEarly).await;
    let ledger = town.reopen(ledger);
    town.at(GOVERNANCE_SILENCE_US);
    refused(&ledger, town.vote(&ledger, &town.rita, &asked), RefusalReason::NotAdministrator).await;
    let removed = ledger.append(town.vote(&ledger, &town.ann, &asked)).await.unwrap().first_index;
    let ledger = town.reopen(ledger);
    let authority = ledger.reader().authority();
    assert_eq!(authority.principals().get(town.ben.source).unwrap().disabled_at, Some(removed));
    assert_eq!(authority.broken_glass().last, Some(removed));
    // Alone now, she makes the reviewer whom genesis names the second one; from then on it takes both again.
    let rita = Actor { kind: ActorKind::Human, who: town.rita.source };
    let promotion = town.command(Kind::RoleGranted).principal(rita).roles(Roles::ADMINISTRATOR);
    refused(&ledger, town.ann.one(promotion.clone()), RefusalReason::SecondPersonMissing).await;
    let declared = town.ann.one(
        town.command(Kind::RoleGranted).principal(rita).roles(Roles::ADMINISTRATOR).by_break_glass(&[], WHY).unwrap(),
    );
    let promoted = ledger.append(declared).await.unwrap().first_index;
    assert_eq!(bound_by(&ledger, town.rita.source), Governors::Genesis);
    let late = town.ann.one(
        town.command(Kind::KeyRevoked).subject_key_id(town.rita.key.public().id()).by_break_glass(&[], WHY).unwrap(),
    );
    refused(&ledger, late, RefusalReason::NotAlone).await;
    let ledger = town.reopen(ledger);
    close(ledger, &town.house.dir);
    let report = town.house.assert_clean();
    assert_eq!((report.broken_glass.commands, report.broken_glass_at), (2, vec![removed, promoted]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_of_life_is_found_again_at_opening_wherever_it_stands() {
    // In the block that is being filled, and in one that is full; a command that is taken, and two that are refused: one
    // that governs, and one that does not.
    use RefusalReason::{ConflictDelegate, RequestUnknown};
    for (behind, sign) in
        [0, 300].into_iter().flat_map(|n| [None, Some(ConflictDelegate), Some(RequestUnknown)].map(|sign| (n, sign)))
    {
        let town = Town::found();
        let ledger = town.open();
        let asked = town.removal();
        ledger.append(asked.clone()).await.unwrap();
        ledger.append(town.rita.one(statement())).await.unwrap();
        match (ledger.append(town.sign_of_life(sign)).await, sign) {
            (Ok(_), None) => {}
            (Err(AppendError::Refused { reason, .. }), Some(wanted)) => assert_eq!(reason, wanted),
            (other, wanted) => panic!("{wanted:?}: {other:?}"),
        }
        if behind > 0 {
            let filler = (0..behind).map(|_| statement()).collect();
            ledger.append(town.rita.sign(Position::Unsequenced, filler)).await.unwrap();
        }
        let ledger = town.reopen(ledger);
        town.at(GOVERNANCE_SILENCE_US);
        refused(&ledger, town.vote(&ledger, &town.ann, &asked), RefusalReason::NotSilent).await;
        // A package that begins here is handed what shows that the silence was broken.
        let head = ledger.reader().head();
        let start = tokio::task::block_in_place(|| ledger.reader().start_of(head.size)).unwrap();
        start.judge(head, |_, _, _| ()).unwrap_or_else(|refusal| panic!("{sign:?}: {refusal}"));
        // Ben may still agree to go: then it is no break-glass.
        let agreed = ledger.append(town.vote(&ledger, &town.ben, &asked)).await.unwrap().first_index;
        let authority = ledger.reader().authority();
        assert_eq!(authority.principals().get(town.ben.source).unwrap().disabled_at, Some(agreed));
        assert_eq!(authority.broken_glass().commands, 0);
        close(ledger, &town.house.dir);
        assert_eq!(town.house.assert_clean().broken_glass.commands, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_too_late_asks_again() {
    let town = Town::found();
    let ledger = town.open();
    let asked = town.removal();
    ledger.append(asked.clone()).await.unwrap();
    town.at(GOVERNANCE_SILENCE_US + GOVERNANCE_TTL_US);
    refused(&ledger, town.vote(&ledger, &town.ann, &asked), RefusalReason::Expired).await;
    assert!(ledger.append(town.removal()).await.unwrap().waits.is_some());
    close(ledger, &town.house.dir);
    town.house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn it_must_say_why_and_a_policy_says_so_beside_the_set() {
    let town = Town::found();
    let ledger = town.open();
    let own = town.command(Kind::KeyRevoked).subject_key_id(town.ben.key.public().id());
    ledger.append(town.ben.one(own)).await.unwrap();
    let source = Source { text: "@id(\"all\") permit (principal, action, resource);\n".to_owned(), schema: None };
    let publication = || {
        let facts = town.command(Kind::PolicyPublished).stream(town.house.stream("policy/default"));
        facts.policy_digest(source.digest()).body(POLICY_MEDIA_TYPE, source.to_bytes().into())
    };
    for why in [WhyAlone { reason: " ", incident: "INC-7" }, WhyAlone { reason: "gone", incident: "" }] {
        let blank = town.ann.one(publication().by_break_glass(&[], why).unwrap());
        assert_eq!(ledger.append(blank).await.map(|_| ()), Err(AppendError::GlassUnexplained));
    }
    let size = ledger.reader().head().size;
    let declared = town.ann.one(publication().by_break_glass(&[], WHY).unwrap());
    let at = ledger.append(declared).await.unwrap().first_index;
    assert_eq!(at.0, size.0, "what does not say why is not appended");
    let ledger = town.reopen(ledger);
    assert_eq!(ledger.reader().policy().digest(), source.digest());
    let record = ledger.reader().published_policies(1).unwrap()[0];
    assert_eq!((record.standing, record.break_glass), (PolicyStanding::InForce { from: at }, true));
    // One with a defect never takes effect, so nothing was governed by it.
    let defective = Source { text: "permit".to_owned(), schema: None };
    let facts = town.command(Kind::PolicyPublished).stream(town.house.stream("policy/default"));
    let facts = facts.policy_digest(defective.digest()).body(POLICY_MEDIA_TYPE, defective.to_bytes().into());
    refused(&ledger, town.ann.one(facts.by_break_glass(&[], WHY).unwrap()), RefusalReason::PolicyInvalid).await;
    let ledger = town.reopen(ledger);
    assert_eq!(ledger.reader().authority().broken_glass().commands, 1);
    close(ledger, &town.house.dir);
    let report = town.house.assert_clean();
    assert_eq!((report.broken_glass.commands, report.broken_glass_at), (1, vec![at]));
}
