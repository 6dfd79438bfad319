//! Policies from outside: published by administrators, refused with a record when they are none, in force from the entry
//! on that brings them about, found again at opening. A second administrator must agree once there are two.

use crate::support::grpc::{Served, check};
use crate::support::{House, Producer, event_id, now, open};
use deedbook::api::proto::{GetPolicyRequest, ListPoliciesRequest, PublishPolicyRequest};
use deedbook::api::{ClientError, to_frame};
use deedbook::domain::person_ref;
use deedbook::ledger::{self, AppendError, DataDir, Ledger, PolicyStanding};
use deedbook::policy::{POLICY_MEDIA_TYPE, PolicySet, Source};
use deedbook::record::{FactsBuilder, FrameBytes, SigningKey, load_ref_key};
use deedbook_verify::detail::{GOVERNANCE_ACTION, RefusalReason};
use deedbook_verify::facts::{Actor, ActorKind, Facts, Parent};
use deedbook_verify::governance::{Matter, governance_requirement};
use deedbook_verify::hash::request_id;
use deedbook_verify::key::ED25519;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::{Ballot, Decision, Evidence, ReviewerSignature};
use deedbook_verify::words::{Digest, Index, Micros, Revision};

const FIRST: &str = "@id(\"all\") permit (principal, action, resource);\n";
const SECOND: &str = "@id(\"all\") permit (principal, action, resource);\n@id(\"two\") @requires_approval(\"security\")\n\
     forbid (principal, action == Gov::Action::\"data.export\", resource)\n\
     unless { context.approval.granted && context.approval.groups.contains(Gov::Team::\"security\") };\n";

fn source(text: &str) -> Source {
    Source { text: text.to_owned(), schema: None }
}

fn publication(house: &House, by: &Producer, source: &Source) -> FrameBytes {
    by.one(stated(house, "policy/default", source.digest(), source.to_bytes()))
}

fn stated(house: &House, stream: &str, policy: Digest, body: Vec<u8>) -> FactsBuilder {
    let facts = FactsBuilder::new(Kind::PolicyPublished, event_id(), now()).stream(house.stream(stream));
    facts.policy_digest(policy).body(POLICY_MEDIA_TYPE, body.into())
}

fn retirement(house: &House, by: &Producer, policy: Digest) -> FrameBytes {
    let facts = FactsBuilder::new(Kind::PolicyRetired, event_id(), now()).stream(house.stream("policy/default"));
    by.one(facts.policy_digest(policy))
}

fn in_force(ledger: &Ledger) -> Digest {
    ledger.reader().policy().digest()
}

async fn refused(ledger: &Ledger, frame: FrameBytes, wanted: RefusalReason) {
    match ledger.append(frame).await {
        Err(AppendError::Refused { reason, command, refusal }) => {
            assert_eq!((reason, refusal), (wanted, Index(command.0 + 1)));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_is_in_force_from_its_command_on_and_after_every_opening() {
    let house = House::build();
    let (mut ledger, admin) = (house.open(), house.admin());
    let built_in = PolicySet::built_in().unwrap().digest();
    assert_eq!(in_force(&ledger), built_in);
    for text in [FIRST, SECOND] {
        let frame = publication(&house, &admin, &source(text));
        let placed = ledger.append(frame.clone()).await.unwrap();
        assert_eq!(in_force(&ledger), source(text).digest());
        let again = ledger.append(frame).await.unwrap();
        assert_eq!((again.first_index, again.repeated), (placed.first_index, true));
        house.close(ledger);
        house.assert_clean();
        ledger = house.open();
        assert_eq!(in_force(&ledger), source(text).digest());
    }
    let records = ledger.reader().published_policies(10).unwrap();
    let standings: Vec<PolicyStanding> = records.iter().map(|record| record.standing).collect();
    assert_eq!(standings, [PolicyStanding::InForce { from: records[0].stated }, PolicyStanding::Past]);
    assert_eq!(ledger.reader().policy_source(Some(source(FIRST).digest())).unwrap().1, source(FIRST));
    refused(&ledger, retirement(&house, &admin, source(FIRST).digest()), RefusalReason::PolicyInvalid).await;
    ledger.append(retirement(&house, &admin, source(SECOND).digest())).await.unwrap();
    assert_eq!(in_force(&ledger), built_in);
    house.close(ledger);
    house.assert_clean();
    let ledger = house.open();
    assert_eq!(in_force(&ledger), built_in);
    house.close(ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_set_is_refused_on_record_and_changes_nothing() {
    let house = House::build();
    let (ledger, admin) = (house.open(), house.admin());
    let gateway = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    ledger.append(publication(&house, &admin, &source(FIRST))).await.unwrap();
    let sound = source(SECOND);
    let invalid = RefusalReason::PolicyInvalid;
    refused(&ledger, publication(&house, &gateway, &sound), RefusalReason::NotAdministrator).await;
    for text in ["permit (principal, action, resource);", "@id(\"x\") permit (principal", "forbid"] {
        refused(&ledger, publication(&house, &admin, &source(text)), invalid).await;
        assert_eq!(in_force(&ledger), source(FIRST).digest(), "{text}");
    }
    let elsewhere = stated(&house, "policy/other", sound.digest(), sound.to_bytes());
    refused(&ledger, admin.one(elsewhere), invalid).await;
    let differs = stated(&house, "policy/default", source(FIRST).digest(), sound.to_bytes());
    refused(&ledger, admin.one(differs), invalid).await;
    let spaced = [b" ".as_slice(), &sound.to_bytes()].concat();
    let digest = Digest(*blake3::hash(&spaced).as_bytes());
    refused(&ledger, admin.one(stated(&house, "policy/default", digest, spaced)), invalid).await;
    assert_eq!(in_force(&ledger), source(FIRST).digest());
    let records = ledger.reader().published_policies(10).unwrap();
    assert_eq!(records.iter().filter(|record| record.standing == PolicyStanding::Refused).count(), 7);
    house.close(ledger);
    house.assert_clean();
    let ledger = house.open();
    assert_eq!(in_force(&ledger), source(FIRST).digest());
    house.close(ledger);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_publish_and_read_sets_over_grpc() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut client = served.clients().await.policy;
    let answer = client.get_policy(GetPolicyRequest::default()).await.unwrap().into_inner();
    assert!(answer.built_in && answer.text == Source::built_in().text);
    let publish = |source: &Source| {
        let frame = to_frame(publication(&house, &house.admin(), source));
        PublishPolicyRequest { frame: Some(frame) }
    };
    client.publish_policy(publish(&source(SECOND))).await.unwrap();
    let answer = client.get_policy(GetPolicyRequest::default()).await.unwrap().into_inner();
    assert_eq!((answer.text.as_str(), answer.built_in), (SECOND, false));
    let listed = client.list_policies(ListPoliciesRequest {}).await.unwrap().into_inner().policies;
    assert_eq!((listed.len(), &listed[0].policy_digest), (1, &answer.policy_digest));
    let error = client.publish_policy(publish(&source("permit"))).await.unwrap_err();
    check(&error.into(), "FAILED_PRECONDITION", "POLICY_INVALID");
    let unknown = GetPolicyRequest { policy_digest: vec![7; 32].into() };
    let error = ClientError::from(client.get_policy(unknown).await.unwrap_err());
    assert_eq!((error.code, error.reason.as_deref()), ("NOT_FOUND", Some("NOT_FOUND")));
    let short = GetPolicyRequest { policy_digest: vec![7; 31].into() };
    check(&client.get_policy(short).await.unwrap_err().into(), "INVALID_ARGUMENT", "FIELD_INVALID");
    served.stop().await;
}

/// A ledger with two administrators.
fn governed_by_two(folder: &std::path::Path) -> (House, [Producer; 2]) {
    let dir = DataDir::new(folder.join("data"));
    let keys = ["ann", "ben"].map(|name| SigningKey::generate(name).unwrap());
    let admins = keys.each_ref().map(|key| key.verifier_key().clone());
    let made = ledger::init(&dir, "test.example/two", &admins, &deedbook::clock::Clock::system()).unwrap();
    let refs = load_ref_key(&dir.ref_key()).unwrap();
    let producers = keys.map(|key| {
        let source = person_ref(&refs, "", key.name()).unwrap();
        Producer { source, key, ledger: made.ledger }
    });
    (House::of(dir, made.ledger), producers)
}

fn vote(ledger: &Ledger, by: &Producer, command: &FrameBytes, decision: Decision) -> FrameBytes {
    let facts = Facts::parse(&command.events[0].facts).unwrap();
    let request = request_id(&Parent { source: facts.source, event_id: facts.event_id });
    let matter = Matter::of(&command.events[0].facts);
    let (valid_until, requirement) = (Micros(now().0 + 60_000_000), governance_requirement());
    let (action, presentation, revision) = (matter.action, matter.presentation, Revision(0));
    let ballot =
        Ballot { ledger: by.ledger, request, revision, action, requirement, presentation, decision, valid_until };
    let bytes = by.key.sign(&ballot.digest().0);
    let signature = ReviewerSignature { algorithm: ED25519, key_id: by.key.public().id(), bytes: &bytes };
    let facts = FactsBuilder::new(Kind::VoteCast, event_id(), now())
        .actor(Actor { kind: ActorKind::Human, who: by.source })
        .action_type(GOVERNANCE_ACTION)
        .action_digest(action)
        .request_id(request)
        .requirement_digest(requirement)
        .presentation_digest(presentation)
        .request_revision(revision)
        .decision(decision)
        .evidence(&Evidence::Reviewer(signature))
        .valid_until(valid_until)
        .last_seen(ledger.reader().head());
    by.one(facts)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_administrators_one_publishes_and_the_other_agrees() {
    let folder = tempfile::tempdir().unwrap();
    let (house, [ann, ben]) = governed_by_two(folder.path());
    let mut ledger = house.open();
    let built_in = in_force(&ledger);
    let asked = publication(&house, &ann, &source(FIRST));
    ledger.append(asked.clone()).await.unwrap();
    assert_eq!(in_force(&ledger), built_in, "nobody governs alone");
    assert_eq!(ledger.reader().published_policies(1).unwrap()[0].standing, PolicyStanding::Waiting);
    refused(&ledger, vote(&ledger, &ann, &asked, Decision::Approve), RefusalReason::ConflictRequester).await;
    assert_eq!(in_force(&ledger), built_in);
    let agreed = ledger.append(vote(&ledger, &ben, &asked, Decision::Approve)).await.unwrap().first_index;
    assert_eq!(in_force(&ledger), source(FIRST).digest());
    let standing = PolicyStanding::InForce { from: agreed };
    assert_eq!(ledger.reader().published_policies(1).unwrap()[0].standing, standing);
    // What waits over a restart is read from the log when somebody agrees.
    let later = publication(&house, &ben, &source(SECOND));
    ledger.append(later.clone()).await.unwrap();
    refused(&ledger, publication(&house, &ann, &source("permit")), RefusalReason::PolicyInvalid).await;
    house.close(ledger);
    house.assert_clean();
    ledger = open(&house.dir).unwrap();
    assert_eq!(in_force(&ledger), source(FIRST).digest());
    ledger.append(vote(&ledger, &ann, &later, Decision::Approve)).await.unwrap();
    assert_eq!(in_force(&ledger), source(SECOND).digest());
    let denied = publication(&house, &ann, &source(FIRST));
    ledger.append(denied.clone()).await.unwrap();
    ledger.append(vote(&ledger, &ben, &denied, Decision::Deny)).await.unwrap();
    assert_eq!(ledger.reader().published_policies(1).unwrap()[0].standing, PolicyStanding::Past);
    house.close(ledger);
    house.assert_clean();
    ledger = house.open();
    assert_eq!(in_force(&ledger), source(SECOND).digest());
    house.close(ledger);
}
