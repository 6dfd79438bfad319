//! Policies that cannot be evaluated, and actions that their schema does not know.

use crate::approvals_server::desk::Desk;
use deedbook::approvals::GrantState;
use deedbook::ledger::AppendError;
use deedbook::policy::{BUILT_IN_SCHEMA, POLICY_MEDIA_TYPE, Source};
use deedbook::record::canonical::Json;
use deedbook_verify::detail::Verdict;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use serde_json::json;

/// An approval needs a reason.
const REASONED: &str = "@id(\"reasoned\") @requires_approval @quorum(\"1\") @rationale(\"approve\")\n\
     forbid (principal, action == Gov::Action::\"data.export\", resource) unless { context.approval.granted };\n";
const PERMIT: &str = "@id(\"known\") permit (principal, action, resource);\n";

/// More rows than a number can hold: an error in the middle of an evaluation, which the engine alone would let pass.
const OVERFLOWS: &str = "@id(\"overflows\") forbid (principal, action, resource)\n\
     when { context has row_estimate && context.row_estimate * 9223372036854775807 > 0 };\n";
/// The same where an approval would lift it.
const OVERFLOWS_LIFTED: &str = "@id(\"overflows\") @requires_approval @quorum(\"1\") forbid (principal, action, resource)\n\
     when { context has row_estimate && context.row_estimate * 9223372036854775807 > 0 }\n\
     unless { context.approval.granted };\n";
/// What is large needs one person, and so does what does not say how large it is.
const LARGE: &str = "@id(\"large\") @requires_approval @quorum(\"1\")\n\
     forbid (principal, action == Gov::Action::\"data.export\", resource)\n\
     when { if context has row_estimate then context.row_estimate > 1000 else true }\n\
     unless { context.approval.granted };\n";

impl Desk {
    fn publish(&self, policies: &[&str]) {
        self.done(self.cast.publication(&self.cast.person("adm"), &policies.concat()));
    }
}

#[test]
fn an_evaluation_that_fails_denies_when_asked_when_voted_on_and_when_redeemed() {
    for failing in [OVERFLOWS, OVERFLOWS_LIFTED] {
        let desk = Desk::set();
        let (agent, bob) = (desk.cast.agent("a1"), desk.cast.person("bob"));
        let (pending, approved) = (desk.export(), desk.export());
        desk.done(desk.vote(&bob, approved, Decision::Approve));
        desk.publish(&[PERMIT, failing]);
        let asked = desk.export();
        let action = desk.seen(asked).action;
        assert!(action.blocked && action.evaluated.unwrap().verdict == Verdict::Deny, "{action:?}");
        desk.assert_not_approved(asked, "asked");
        // The vote is heard, and the policies before it.
        desk.done(desk.vote(&bob, pending, Decision::Approve));
        assert_eq!(desk.seen(pending).action.request.unwrap().resolution().unwrap().code().name(), "invalidated");
        desk.assert_not_approved(pending, "voted on");
        desk.refused("redeemed", desk.redemption(&agent, approved), "POLICY_TIGHTENED");
        let action = desk.seen(approved).action;
        assert_eq!((action.grant.unwrap().state, action.executions.len()), (GrantState::Revoked, 0));
        desk.judge();
        // What was taken back stays so, whatever the policies say afterwards.
        desk.publish(&[PERMIT]);
        desk.refused("redeemed", desk.redemption(&agent, approved), "TERMINAL");
        desk.judge();
        desk.ledger.close();
    }
}

#[test]
fn what_an_action_does_not_say_is_not_taken_for_harmless() {
    let desk = Desk::set();
    let agent = desk.cast.agent("a1");
    desk.publish(&[PERMIT, LARGE]);
    for (params, waits) in
        [("{\"rows\":10}", false), ("{\"rows\":2000}", true), ("{}", true), ("{\"rows\":\"few\"}", true)]
    {
        let mut wish = desk.cast.wish(&agent, "data.export", &[]);
        wish.params = Json::parse(params.as_bytes(), 100).unwrap();
        let id = desk.submit(&agent, &wish);
        assert_eq!(desk.seen(id).action.pending().is_some(), waits, "{params}");
        assert_eq!(desk.seen(id).action.grant.is_some(), !waits, "{params}");
    }
    desk.judge();
    desk.ledger.close();
}

#[test]
fn what_the_schema_does_not_know_is_denied() {
    let desk = Desk::set();
    let agent = desk.cast.agent("a1");
    desk.publish(&[PERMIT]);
    let odd = [
        ("data.teleport", "dataset:customers"),
        ("agent.deploy", "dataset:customers"),
        ("data.export", "spaceship:enterprise"),
        ("data.export", "role:admin"),
        ("review.approve", "dataset:customers"),
    ];
    for (action, resource) in odd {
        let mut wish = desk.cast.wish(&agent, action, &[]);
        wish.resource = resource.to_owned();
        let (id, frame) = desk.cast.submission(&agent, &wish, None);
        match desk.append(frame) {
            Ok(_) => assert!(desk.seen(id).action.blocked, "{action} {resource}"),
            Err(AppendError::Refused { .. }) => {}
            Err(other) => panic!("{action} {resource}: {other}"),
        }
        desk.assert_not_approved(id, action);
    }
    desk.judge();
    desk.ledger.close();
}

/// A schema that wants to know more than actions say is either not published, or nothing passes by it.
#[test]
fn a_schema_that_asks_for_more_lets_nothing_pass() {
    let stricter = BUILT_IN_SCHEMA.replace("row_estimate?: Long", "row_estimate: Long");
    let unmet = BUILT_IN_SCHEMA.replace("environment: String,", "environment: String, clearance: Long,");
    assert!(stricter != BUILT_IN_SCHEMA && unmet != BUILT_IN_SCHEMA);
    for schema in [stricter, unmet] {
        let desk = Desk::set();
        let (agent, bob, adm) = (desk.cast.agent("a1"), desk.cast.person("bob"), desk.cast.person("adm"));
        let pending = desk.export();
        let source = Source { text: PERMIT.to_owned(), schema: Some(schema) };
        let stream = deedbook::domain::StreamName::parse("policy/default").unwrap().to_ref(&desk.cast.refs).unwrap();
        let facts = desk.cast.facts(Kind::PolicyPublished).stream(stream).policy_digest(source.digest());
        let published = desk.append(desk.cast.sign(&adm, facts.body(POLICY_MEDIA_TYPE, source.to_bytes().into())));
        println!("{published:?}");
        let mut wish = desk.cast.wish(&agent, "data.export", &[]);
        wish.params = Json::object([]);
        let id = desk.submit(&agent, &wish);
        desk.assert_not_approved(id, "asked");
        if published.is_ok() {
            assert!(desk.seen(id).action.blocked);
            desk.done(desk.vote(&bob, pending, Decision::Deny));
        }
        desk.judge();
        desk.ledger.close();
    }
}

/// What stands in the body of a vote is no reason because it is a body.
#[test]
fn a_reason_that_is_demanded_must_say_something() {
    let desk = Desk::set();
    let bob = desk.cast.person("bob");
    desk.publish(&[PERMIT, REASONED]);
    let id = desk.export();
    let vote = |body| {
        let ballot = desk.cast.ballot(&desk.seen(id), Decision::Approve);
        desk.cast.vote_saying(&bob, &ballot, desk.head(), body)
    };
    for nothing in
        [json!({}), json!({"reason": ""}), json!({"reason": " \t\n"}), json!({"reason": 7}), json!("because")]
    {
        desk.refused("says nothing", vote(nothing), "RATIONALE_REQUIRED");
    }
    desk.judge();
    desk.done(vote(json!({"reason": "ticket 7"})));
    assert!(desk.seen(id).action.approval().is_some());
    desk.judge();
    desk.ledger.close();
}
