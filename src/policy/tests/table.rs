//! The table of approvals.md, 4.1, with its policies as they stand there, and 4.2 for reviewers.

use super::*;
use crate::policy::{EvaluationError, Outcome, Review, Votes};
use deedbook_verify::detail::Verdict;
use deedbook_verify::requirement::{Requirement, Risk};
use deedbook_verify::vote::EvidenceLevel;

const INTERNAL: &str = "dataset:warehouse";
const EXTERNAL: &str = "s3://partner-bucket/x";

pub(super) const EXAMPLE: &str = r#"
@id("agents-may-export-own-tenant")
permit (principal, action == Gov::Action::"data.export", resource)
when { principal.tenant == resource.tenant };

@id("export-external-needs-two")
@requires_approval("data-owners,security")
@quorum("2")
@ttl("PT15M")
@advice("External export of non-public data")
forbid (principal, action == Gov::Action::"data.export", resource)
when   { context.destination_external && resource.classification != "public" }
unless { context.approval.granted && context.approval.distinct_approvers >= 2
         && context.approval.groups.containsAll([Gov::Team::"data-owners", Gov::Team::"security"]) };

@id("restricted-never-external")            // hard deny: no annotation
forbid (principal, action == Gov::Action::"data.export", resource)
when { resource.classification == "restricted" && context.destination_external };

@id("large-export-needs-owner")
@requires_approval("data-owners")
@risk("70")
@ttl("PT1H")
forbid (principal, action == Gov::Action::"data.export", resource)
when { if context has row_estimate then context.row_estimate > 100000 else true }
unless { context.approval.granted && context.approval.groups.contains(Gov::Team::"data-owners") };
"#;

const REVIEWERS: &str = r#"
@id("reviewer-eligible")
permit (principal, action in [Gov::Action::"review.approve", Gov::Action::"review.deny"], resource)
when { principal.active && principal.tenant == resource.tenant && principal in resource.reviewer_groups };
@id("no-self-approval")
forbid (principal, action == Gov::Action::"review.approve", resource)
when { resource.conflicted.contains(principal) };
@id("step-up-for-high-risk")
forbid (principal, action == Gov::Action::"review.approve", resource)
when { resource.risk >= 80 && context.assurance < 2 };
"#;

fn required(question: &Question) -> (Requirement, Vec<String>) {
    let evaluation = set(EXAMPLE).evaluate(question);
    assert_eq!(evaluation.errors, []);
    match evaluation.outcome {
        Outcome::RequireApproval(requirement) => (requirement, evaluation.reasons),
        Outcome::Allow | Outcome::Deny => panic!("{evaluation:?}"),
    }
}

#[test]
fn a_small_internal_export_is_allowed() {
    let evaluation = set(EXAMPLE).evaluate(&export(Some(500), INTERNAL, "internal"));
    assert_eq!((evaluation.outcome, evaluation.errors), (Outcome::Allow, vec![]));
    assert_eq!(evaluation.reasons, ["agents-may-export-own-tenant"]);
}

#[test]
fn a_large_internal_export_needs_its_owner() {
    let (requirement, reasons) = required(&export(Some(1_000_000), INTERNAL, "internal"));
    assert_eq!(reasons, ["large-export-needs-owner"]);
    let clauses: Vec<(Ref, u8)> = requirement.clauses.iter().map(|one| (one.team, one.persons_min.get())).collect();
    assert_eq!(clauses, [(team_ref("data-owners"), 1)]);
    assert_eq!((requirement.distinct_persons_min.get(), requirement.risk.percent()), (1, 70));
    assert_eq!(requirement.request_ttl_s.get(), 3_600);
}

#[test]
fn a_large_external_export_needs_both_united() {
    let (requirement, reasons) = required(&export(Some(1_000_000), EXTERNAL, "internal"));
    assert_eq!(reasons, ["export-external-needs-two", "large-export-needs-owner"]);
    let mut teams = vec![team_ref("data-owners"), team_ref("security")];
    teams.sort();
    assert_eq!(requirement.clauses.iter().map(|one| one.team).collect::<Vec<_>>(), teams);
    assert_eq!((requirement.distinct_persons_min.get(), requirement.risk.percent()), (2, 70));
    assert_eq!((requirement.request_ttl_s.get(), requirement.uses.get()), (900, 1));
    let evaluation = set(EXAMPLE).evaluate(&export(Some(1_000_000), EXTERNAL, "internal"));
    assert_eq!(evaluation.advice, ["External export of non-public data"]);
}

#[test]
fn a_restricted_external_export_is_denied_whoever_agrees() {
    let evaluation = set(EXAMPLE).evaluate(&export(Some(5), EXTERNAL, "restricted"));
    assert_eq!((evaluation.outcome, evaluation.errors), (Outcome::Deny, vec![]));
    assert!(evaluation.reasons.contains(&"restricted-never-external".to_owned()));
}

#[test]
fn an_unknown_size_fails_safe() {
    let (_, reasons) = required(&export(None, INTERNAL, "internal"));
    assert_eq!(reasons, ["large-export-needs-owner"]);
}

#[test]
fn an_action_without_permit_is_denied_by_default() {
    let question = Question { action: "data.read".to_owned(), ..export(Some(5), INTERNAL, "internal") };
    let evaluation = set(EXAMPLE).evaluate(&question);
    assert_eq!((evaluation.outcome, evaluation.reasons, evaluation.errors), (Outcome::Deny, vec![], vec![]));
}

#[test]
fn an_action_or_class_that_the_schema_does_not_know_is_denied_with_its_name() {
    let permit_all = "@id(\"all\") permit (principal, action, resource);";
    let unknown = Question { action: "data.exprot".to_owned(), ..export(Some(5), INTERNAL, "internal") };
    for set in [set(permit_all), PolicySet::built_in().unwrap()] {
        let evaluation = set.evaluate(&unknown);
        assert_eq!(evaluation.outcome, Outcome::Deny);
        assert_eq!(evaluation.errors, [EvaluationError::UnknownAction("data.exprot".to_owned())]);
        let mut question = export(Some(5), INTERNAL, "internal");
        question.resource.class = "mailbox".to_owned();
        let evaluation = set.evaluate(&question);
        assert_eq!(evaluation.outcome, Outcome::Deny);
        assert_eq!(evaluation.errors, [EvaluationError::UnknownClass("mailbox".to_owned())]);
    }
}

#[test]
fn a_group_is_no_action() {
    let question = Question { action: "privileged".to_owned(), ..export(Some(5), INTERNAL, "internal") };
    assert_eq!(set(EXAMPLE).evaluate(&question).errors, [EvaluationError::UnknownAction("privileged".to_owned())]);
}

#[test]
fn redemption_is_judged_with_the_votes_that_were_cast() {
    let (set, question) = (set(EXAMPLE), export(Some(5), EXTERNAL, "internal"));
    let votes = |count: u16, groups: &[&str]| Votes { distinct_approvers: count, groups: names(groups) };
    let denial = set.permits(&question, &votes(1, &["security"])).unwrap_err();
    assert_eq!((denial.reasons, denial.errors), (vec!["export-external-needs-two".to_owned()], vec![]));
    assert!(set.permits(&question, &votes(1, &["data-owners", "security"])).is_err());
    assert!(set.permits(&question, &votes(2, &["security"])).is_err());
    assert!(set.permits(&question, &Votes::default()).is_err());
    assert_eq!(set.permits(&question, &votes(2, &["data-owners", "security"])), Ok(()));
    let restricted = export(Some(5), EXTERNAL, "restricted");
    assert!(set.permits(&restricted, &votes(2, &["data-owners", "security"])).is_err());
}

#[test]
fn owners_may_deny_but_not_approve_their_own() {
    let set = set(REVIEWERS);
    let vote = |who: &str, approves: bool, risk: u8, evidence: EvidenceLevel| {
        set.review(&Review {
            reviewer: Party { teams: names(&["data-owners"]), ..party(who) },
            approves,
            request: "00".repeat(16),
            tenant: "acme".to_owned(),
            reviewer_groups: names(&["data-owners"]),
            conflicted: names(&["owner"]),
            risk: Risk::new(risk).unwrap(),
            evidence,
        })
    };
    assert!(vote("human:owner", true, 10, EvidenceLevel::Reviewer).is_err());
    assert_eq!(vote("human:owner", false, 10, EvidenceLevel::Reviewer), Ok(()));
    assert_eq!(vote("human:bob", true, 10, EvidenceLevel::Operator), Ok(()));
    assert!(vote("human:bob", true, 90, EvidenceLevel::Operator).is_err());
    assert_eq!(vote("human:bob", true, 90, EvidenceLevel::Idp), Ok(()));
    let agent = vote("agent:a1", true, 10, EvidenceLevel::Reviewer).unwrap_err();
    assert!(matches!(agent.errors[..], [EvaluationError::Mismatch(_)]), "{agent:?}");
}

#[test]
fn a_forbid_that_fails_denies_although_the_engine_says_allow() {
    let text = r#"
        @id("all") permit (principal, action, resource);
        @id("overflows") forbid (principal, action == Gov::Action::"data.export", resource)
        when { context has row_estimate && context.row_estimate * 9223372036854775807 > 5 };
    "#;
    let evaluation = set(text).evaluate(&export(Some(3), INTERNAL, "internal"));
    assert_eq!(evaluation.outcome, Outcome::Deny);
    assert!(matches!(&evaluation.errors[..], [EvaluationError::Policy { policy, .. }] if policy == "overflows"));
    assert!(set(text).permits(&export(Some(3), INTERNAL, "internal"), &Votes::default()).is_err());
}

#[test]
fn the_root_of_the_chain_must_be_allowed_too() {
    let text = r#"
        @id("agents") permit (principal is Gov::Agent, action, resource);
        @id("people") permit (principal is Gov::User, action == Gov::Action::"data.export", resource)
        when { principal in Gov::Team::"exporters" };
        @id("people-need-one") @requires_approval("security") @risk("40")
        forbid (principal is Gov::User, action == Gov::Action::"data.export", resource)
        when { resource.classification == "secret" }
        unless { context.approval.granted && context.approval.groups.contains(Gov::Team::"security") };
    "#;
    let set = set(text);
    let asked = |teams: &[&str], classification: &str| {
        let alice = Party { teams: names(teams), ..party("human:alice") };
        set.evaluate(&Question { on_behalf_of: vec![alice], ..export(Some(5), INTERNAL, classification) })
    };
    assert_eq!(set.evaluate(&export(Some(5), INTERNAL, "secret")).verdict(), Verdict::Allow);
    assert_eq!(asked(&["exporters"], "internal").verdict(), Verdict::Allow);
    assert_eq!(asked(&["others"], "internal").verdict(), Verdict::Deny);
    let united = asked(&["exporters"], "secret");
    assert_eq!(united.requirement().unwrap().risk.percent(), 40);
    assert_eq!(united.reasons, ["people-need-one"]);
    let nobody = Votes { distinct_approvers: 0, groups: BTreeSet::new() };
    let alice = Party { teams: names(&["others"]), ..party("human:alice") };
    let question = Question { on_behalf_of: vec![alice], ..export(Some(5), INTERNAL, "internal") };
    assert!(set.permits(&question, &nobody).is_err());
}

#[test]
fn the_built_in_set_asks_one_person_for_exports_privileges_and_deployments() {
    let set = PolicySet::built_in().unwrap();
    let asked = |action: &str, resource: &str| {
        let resource = Resource::parse(resource, "acme", None).unwrap();
        let question = Question { action: action.to_owned(), resource, ..export(Some(5), EXTERNAL, "internal") };
        let evaluation = set.evaluate(&question);
        assert_eq!(evaluation.errors, [], "{action}");
        evaluation
    };
    for (action, resource) in [
        ("data.export", "dataset:customers"),
        ("data.share", "system:crm"),
        ("role.grant", "human:bob"),
        ("access.grant", "dataset:customers"),
        ("policy.change", "policy:default"),
        ("agent.deploy", "agent:a1"),
        ("agent.deploy", "agent:a2"),
        ("model.deploy", "service:scoring"),
    ] {
        let evaluation = asked(action, resource);
        let requirement = evaluation.requirement().unwrap_or_else(|| panic!("{action}: {evaluation:?}"));
        assert_eq!((requirement.distinct_persons_min.get(), requirement.clauses.len()), (1, 0), "{action}");
    }
    for (action, resource) in [("data.read", "dataset:customers"), ("tool.call", "system:crm")] {
        assert_eq!(asked(action, resource).outcome, Outcome::Allow, "{action}");
    }
    let mut foreign = export(Some(5), EXTERNAL, "internal");
    foreign.resource.tenant = "other".to_owned();
    assert_eq!(set.evaluate(&foreign).verdict(), Verdict::Deny);
}

#[test]
fn an_own_schema_types_parameters() {
    let schema = r#"namespace Gov {
        entity Team;
        entity User in [Team];
        entity Agent in [Team] = { tenant: String };
        entity Account = { tenant: String };
        type Approval = { granted: Bool, distinct_approvers: Long, groups: Set<Team> };
        action "refund.issue" appliesTo {
            principal: [Agent], resource: [Account],
            context: { approval: Approval, params: { cents: Long, reason: String } }
        };
    }"#;
    let text = r#"
        @id("refunds") permit (principal, action == Gov::Action::"refund.issue", resource);
        @id("large") @requires_approval("finance")
        forbid (principal, action, resource) when { context.params.cents > 10000 }
        unless { context.approval.granted && context.approval.groups.contains(Gov::Team::"finance") };
    "#;
    let set = publish_with(text, Some(schema)).unwrap();
    let ask = |params: &str| {
        let params = Json::parse(params.as_bytes(), 1_000).unwrap();
        let resource = Resource::parse("account:4711", "acme", None).unwrap();
        let question = export(None, INTERNAL, "internal");
        set.evaluate(&Question { action: "refund.issue".to_owned(), resource, params, ..question })
    };
    assert_eq!(ask(r#"{"cents":500,"reason":"late"}"#).verdict(), Verdict::Allow);
    assert_eq!(ask(r#"{"cents":50000,"reason":"late"}"#).verdict(), Verdict::RequireApproval);
    for strange in [
        r#"{"cents":500}"#,
        r#"{"cents":"500","reason":"late"}"#,
        r#"{"cents":500,"reason":"late","more":1}"#,
        r#"{"cents":500,"reason":null}"#,
        r#"{"cents":{"__extn":{"fn":"decimal","arg":"1.0"}},"reason":"late"}"#,
    ] {
        let evaluation = ask(strange);
        assert_eq!(evaluation.verdict(), Verdict::Deny, "{strange}");
        assert!(matches!(evaluation.errors[..], [EvaluationError::Mismatch(_)]), "{strange}: {evaluation:?}");
    }
    assert_eq!(
        set.evaluate(&export(None, INTERNAL, "x")).errors,
        [EvaluationError::UnknownAction("data.export".into())]
    );
}
