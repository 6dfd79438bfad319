//! Every rule of publication with a set that breaks it and one that does not.

use super::table::EXAMPLE;
use super::*;
use crate::limits::{
    POLICIES_MAX, POLICY_BYTES_MAX, POLICY_DEPTH_MAX, POLICY_LINTS_MAX, POLICY_OPERATORS_MAX, POLICY_SCHEMA_BYTES_MAX,
    POLICY_TEXT_BYTES_MAX,
};
use crate::policy::Rule;

const PERMIT: &str = "@id(\"all\")\npermit (principal, action, resource);\n";

/// What is found in a set: rule, policy, line.
fn found(text: &str) -> Vec<(Rule, Option<String>, Option<usize>)> {
    let lints = publish(text).expect_err(text);
    for lint in &lints {
        assert!(!lint.problem.is_empty() && !lint.remedy.is_empty());
        assert!(lint.to_string().ends_with(&format!("[{}]", lint.rule.name())), "{lint}");
    }
    lints.into_iter().map(|lint| (lint.rule, lint.policy, lint.line)).collect()
}

/// A forbid at line 3 with these annotations and clauses, behind a permit.
fn forbid(annotations: &str, clauses: &str) -> String {
    format!(
        "{PERMIT}@id(\"it\") {annotations}\nforbid (principal, action == Gov::Action::\"data.export\", resource)\n{clauses};\n"
    )
}

fn only(text: &str, rule: Rule) {
    assert_eq!(found(text), [(rule, Some("it".to_owned()), Some(3))], "{text}");
}

const ONE: &str = "unless { context.approval.granted }";
const TWO: &str = "unless { context.approval.granted && context.approval.distinct_approvers >= 2 }";

#[test]
fn the_examples_publish_as_they_stand() {
    let set = set(EXAMPLE);
    assert_eq!(set.policies().map(|(id, _)| id).collect::<Vec<_>>().len(), 4);
    assert_eq!(set.policies().next().unwrap().0, "agents-may-export-own-tenant");
    assert_eq!(set.team_names(&[team_ref("security"), team_ref("nobody")]), names(&["security"]));
    assert_eq!(set.digest(), set.source().digest());
    assert_eq!(Source::from_bytes(&set.source().to_bytes()), Ok(set.source().clone()));
}

#[test]
fn bounds() {
    let whole = |text: &str| found(text).into_iter().map(|(rule, _, line)| (rule, line)).collect::<Vec<_>>();
    assert_eq!(whole(&"// x\n".repeat(POLICY_TEXT_BYTES_MAX / 5 + 1)), [(Rule::Bound, None)]);
    let many = |count: usize| -> String {
        (0..count).map(|n| format!("@id(\"p{n}\") permit (principal, action, resource);\n")).collect()
    };
    assert_eq!(whole(&many(POLICIES_MAX + 1)), [(Rule::Bound, None)]);
    assert!(publish(&many(POLICIES_MAX)).is_ok());
    let long = |bytes: usize| {
        format!(
            "{PERMIT}\n@id(\"x\") permit (principal, action, resource) when {{ \"{}\" != \"\" }};",
            "x".repeat(bytes)
        )
    };
    assert_eq!(whole(&long(POLICY_BYTES_MAX)), [(Rule::Bound, Some(4))]);
    assert!(publish(&long(POLICY_BYTES_MAX - 200)).is_ok());
    let deep = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        format!(
            "{PERMIT}@id(\"x\") permit (principal, action, resource) when {{ {open}resource.tenant == \"a\"{close} }};"
        )
    };
    assert_eq!(whole(&deep(POLICY_DEPTH_MAX)), [(Rule::Bound, Some(3))]);
    assert!(publish(&deep(POLICY_DEPTH_MAX - 1)).is_ok());
    let schema = "// ".to_owned() + &"x".repeat(POLICY_SCHEMA_BYTES_MAX);
    assert_eq!(publish_with(PERMIT, Some(&schema)).unwrap_err()[0].rule, Rule::Bound);
    let schema = format!("namespace Gov {{ type A = {}Long{}; }}", "{ a: ".repeat(9_000), "}".repeat(9_000));
    assert_eq!(publish_with(PERMIT, Some(&schema)).unwrap_err()[0].rule, Rule::Bound);
}

#[test]
fn text_that_is_no_cedar_names_its_line() {
    assert_eq!(found("@id(\"a\")\npermit (principal,\n  akction, resource);"), [(Rule::Syntax, None, Some(3))]);
    assert_eq!(found("@id(\"a\") @id(\"b\") permit (principal, action, resource);")[0].0, Rule::Syntax);
    assert!(publish(PERMIT).is_ok());
}

#[test]
fn a_schema_must_be_one_and_hold_what_is_asked_by() {
    let refused = |schema: &str, line: Option<usize>| {
        let lints = publish_with(PERMIT, Some(schema)).unwrap_err();
        assert_eq!(
            lints.iter().map(|lint| (lint.rule, lint.line)).collect::<Vec<_>>(),
            [(Rule::Schema, line)],
            "{schema}"
        );
    };
    refused("namespace Gov {\n entity\n}", Some(3));
    refused("namespace Other { entity A; action x appliesTo { principal: [A], resource: [A] }; }", None);
    refused("namespace Gov { entity A; action x; }", None);
    refused("namespace Gov { entity A; action x appliesTo { principal: [B], resource: [A] }; }", Some(1));
    let least = "namespace Gov { entity Agent; entity Dataset; action \"data.read\" appliesTo { principal: [Agent], resource: [Dataset] }; }";
    assert!(publish_with(PERMIT, Some(least)).is_ok());
}

#[test]
fn hidden_characters() {
    let hide = |c: char| format!("{PERMIT}// looks harmless{c}\n");
    assert_eq!(found(&hide('\u{202e}')), [(Rule::HiddenCharacter, None, Some(3))]);
    assert_eq!(found(&hide('\u{0}')), [(Rule::HiddenCharacter, None, Some(3))]);
    assert!(publish(&PERMIT.replace('\n', "\r\n\t")).is_ok());
}

#[test]
fn templates() {
    let text = format!("{PERMIT}\n@id(\"t\") permit (principal == ?principal, action, resource);");
    assert_eq!(found(&text), [(Rule::Template, None, Some(4))]);
}

#[test]
fn ids() {
    assert_eq!(
        found(&format!("{PERMIT}forbid (principal, action, resource);"))[0],
        (Rule::Id, Some("policy1".into()), Some(3))
    );
    for id in ["", "two words", "é", &"x".repeat(300)] {
        let text = format!("{PERMIT}@id(\"{id}\") permit (principal, action, resource);");
        assert_eq!(found(&text)[0], (Rule::Id, Some("policy1".into()), Some(3)), "{id}");
    }
    let twice = format!("{PERMIT}\n@id(\"all\") forbid (principal, action, resource);");
    assert_eq!(found(&twice), [(Rule::IdRepeated, Some("all".into()), Some(4))]);
    assert!(publish(&format!("{PERMIT}@id(\"a-b_c.d/E9\") permit (principal, action, resource);")).is_ok());
}

#[test]
fn annotations_that_nothing_reads() {
    only(&forbid("@requires_approval @quorm(\"2\")", ONE), Rule::AnnotationUnknown);
    only(&forbid("@owner(\"security\")", ""), Rule::AnnotationUnknown);
    only(&forbid("@quorum(\"2\")", ""), Rule::AnnotationIdle);
    only(&forbid("@ttl(\"PT5M\")", ""), Rule::AnnotationIdle);
    assert!(publish(&forbid("@advice(\"Ask first.\")", "")).is_ok());
}

#[test]
fn annotation_values() {
    for bad in [
        "@quorum(\"0\")",
        "@quorum(\"two\")",
        "@quorum(\"+1\")",
        "@quorum(\"33\")",
        "@quorum(\"\")",
        "@quorum(\"1.0\")",
        "@ttl(\"15m\")",
        "@ttl(\"PT0S\")",
        "@ttl(\"P1Y\")",
        "@ttl(\"P91D\")",
        "@grant_ttl(\"soon\")",
        "@uses(\"0\")",
        "@uses(\"1001\")",
        "@risk(\"101\")",
        "@risk(\"-1\")",
        "@evidence(\"mfa\")",
        "@rationale(\"always\")",
        "@complete(\"no\")",
        "@recheck(\"false\")",
        "@remind(\"P2D\")",
        "@ttl(\"PT5M\") @remind(\"PT5M\")",
        "@ttl(\"PT5M\") @escalate(\"PT1H\")",
        "@fallback(\"\")",
        "@fallback(\"a,b\")",
        "@advice(\"\")",
    ] {
        only(&forbid(&format!("@requires_approval {bad}"), ONE), Rule::AnnotationValue);
    }
    for bad in [",", "a,", "a,a", " ,b", "a,b,c,d,e,f,g,h,i"] {
        let lints = found(&forbid(&format!("@requires_approval(\"{bad}\")"), ONE));
        assert!(lints.iter().any(|(rule, _, _)| *rule == Rule::AnnotationValue), "{bad}: {lints:?}");
    }
    let all = "@requires_approval @ttl(\"PT1H\") @grant_ttl(\"PT5M\") @uses(\"3\") @risk(\"100\") @evidence(\"reviewer\") \
               @rationale(\"both\") @complete @recheck @remind(\"PT10M\") @escalate(\"PT30M\") @fallback(\"on-call\")";
    let set = set(&forbid(all, ONE));
    let evaluation = set.evaluate(&export(Some(1), "s3://x", "internal"));
    let terms = evaluation.requirement().unwrap();
    assert_eq!((terms.request_ttl_s.get(), terms.grant_ttl_s.get(), terms.uses.get()), (3_600, 300, 3));
    assert_eq!((terms.risk.percent(), terms.evidence_floor.number()), (100, 3));
    let demands = terms.demands;
    assert!(
        demands.rationale_to_approve
            && demands.rationale_to_deny
            && demands.complete_presentation
            && demands.recheck_membership
    );
    assert_eq!((terms.reminder_s.unwrap().get(), terms.escalate_s.unwrap().get()), (600, 1_800));
    assert_eq!(terms.fallback, Some(team_ref("on-call")));
}

#[test]
fn a_permit_neither_asks_for_approvals_nor_looks_at_them() {
    let permit = |annotations: &str, clauses: &str| {
        format!(
            "\n\n@id(\"it\") {annotations} permit (principal, action == Gov::Action::\"data.export\", resource) {clauses};"
        )
    };
    only(&permit("@requires_approval", ""), Rule::AnnotatedPermit);
    only(&permit("", "when { context.approval.granted }"), Rule::AnnotatedPermit);
    only(&permit("@requires_approval", "when { context.approval.granted }"), Rule::AnnotatedPermit);
    only(&permit("", "when { {a: context}.a.approval.granted }"), Rule::AnnotatedPermit);
    assert!(publish(&permit("", "when { context.environment == \"test\" }")).is_ok());
}

#[test]
fn an_approval_is_looked_at_exactly_where_it_is_asked_for() {
    only(&forbid("", ONE), Rule::ApprovalUnannotated);
    only(&forbid("@requires_approval", ""), Rule::ApprovalUnused);
    only(&forbid("@requires_approval", "unless { context.environment == \"test\" }"), Rule::ApprovalUnused);
    assert!(publish(&forbid("@requires_approval", ONE)).is_ok());
    assert!(
        publish(&forbid(
            "@requires_approval",
            "unless { context.environment == \"test\" } unless { context.approval.granted }"
        ))
        .is_ok()
    );
}

#[test]
fn an_approval_is_looked_at_in_one_form() {
    for clauses in [
        "when { !context.approval.granted }",
        "unless { !context.approval.granted }",
        "unless { context.approval.granted || context.environment == \"test\" }",
        "unless { context.approval.distinct_approvers >= 1 }",
        "unless { context.approval.granted && context.approval.distinct_approvers == 1 }",
        "unless { context.approval.granted && context.approval.distinct_approvers < 2 }",
        "unless { context.approval.granted && 2 < context.approval.distinct_approvers + 1 }",
        "unless { context.approval.granted && context.approval.groups.containsAny([Gov::Team::\"a\", Gov::Team::\"b\"]) }",
        "unless { context.approval.granted && !context.approval.groups.isEmpty() }",
        "unless { context.approval.granted } unless { context.approval.granted }",
        "unless { context.approval == {granted: true, distinct_approvers: 1, groups: [Gov::Team::\"a\"]} }",
        "unless { if context.approval.granted then true else false }",
        "unless { {a: context}.a.approval.granted }",
    ] {
        only(&forbid("@requires_approval", clauses), Rule::ApprovalForm);
    }
    for clauses in [
        "when { resource.classification == \"secret\" } unless { context.environment == \"test\" && context.approval.granted }",
        "unless { context.approval.granted && 1 <= context.approval.distinct_approvers }",
        "unless { context.approval.granted && (context.approval.distinct_approvers > 0 && principal has tenant) }",
    ] {
        assert!(
            publish(&forbid("@requires_approval", clauses)).is_ok(),
            "{clauses}: {:?}",
            publish(&forbid("@requires_approval", clauses))
        );
    }
}

#[test]
fn text_and_annotation_ask_for_the_same() {
    only(&forbid("@requires_approval", TWO), Rule::QuorumDiffers);
    only(&forbid("@requires_approval @quorum(\"3\")", TWO), Rule::QuorumDiffers);
    only(&forbid("@requires_approval @quorum(\"2\")", ONE), Rule::QuorumDiffers);
    assert!(publish(&forbid("@requires_approval @quorum(\"2\")", TWO)).is_ok());
    let teams = |names: &str| {
        format!("unless {{ context.approval.granted && context.approval.groups.containsAll([{names}]) }}")
    };
    only(&forbid("@requires_approval(\"a\")", ONE), Rule::TeamsDiffer);
    only(&forbid("@requires_approval", &teams("Gov::Team::\"a\"")), Rule::TeamsDiffer);
    only(&forbid("@requires_approval(\"b\")", &teams("Gov::Team::\"a\"")), Rule::TeamsDiffer);
    assert!(publish(&forbid("@requires_approval(\"a\")", &teams("Gov::Team::\"a\""))).is_ok());
    let both =
        teams("Gov::Team::\"a\", Gov::Team::\"b\"").replace(" }", " && context.approval.distinct_approvers >= 2 }");
    assert!(publish(&forbid("@requires_approval(\"a, b\")", &both)).is_ok());
    only(&forbid("@requires_approval(\"a,b\") @quorum(\"1\")", &both), Rule::AnnotationValue);
}

#[test]
fn strict_validation() {
    only(&forbid("", "when { resource.clasification == \"secret\" }"), Rule::Validation);
    only(&forbid("", "when { !(context has row_estimate) || context.row_estimate > 5 }"), Rule::Validation);
    only(&forbid("", "when { context.row_estimate > 5 }"), Rule::Validation);
    assert!(
        publish(&forbid("", "when { if context has row_estimate then context.row_estimate > 5 else true }")).is_ok()
    );
    let lints = publish(&forbid("", "when { !(context has row_estimate) || context.row_estimate > 5 }")).unwrap_err();
    assert!(lints[0].remedy.contains("if context has x then"), "{}", lints[0]);
}

#[test]
fn what_cannot_be_meant() {
    only(&forbid("", "when { 1 == 2 }"), Rule::Suspect);
    only(&forbid("", "when { resource.classification == \"sесret\" }"), Rule::Suspect);
}

#[test]
fn many_defects_are_counted_and_each_has_its_place() {
    let text: String = (0..POLICY_LINTS_MAX + 50)
        .map(|n| format!("@id(\"p{n}\") @x forbid (principal, action, resource);\n"))
        .collect();
    let lints = publish(&text).unwrap_err();
    assert_eq!(lints.len(), POLICY_LINTS_MAX + 1);
    assert_eq!((lints[0].line, lints[1].line), (Some(1), Some(2)));
    assert!(lints.last().unwrap().problem.contains("50 more"), "{}", lints.last().unwrap());
}

#[test]
fn deep_texts_end_no_thread() {
    let judged = |text: String| {
        let judge = move || publish(&text).map(|set| set.evaluate(&export(Some(1), "s3://x", "internal")).verdict());
        std::thread::Builder::new().stack_size(2 << 20).spawn(judge).unwrap().join().unwrap()
    };
    for link in ["(true && ", "if true then 1 else ", "!", "-", "[", "1 + ", "true && ", "context.a.", "principal in "]
    {
        for count in [POLICY_OPERATORS_MAX, POLICY_BYTES_MAX / 2 / link.len()] {
            let text = format!(
                "{PERMIT}@id(\"it\") forbid (principal, action, resource) when {{ {} true }};",
                link.repeat(count)
            );
            if let Ok(verdict) = judged(text) {
                assert_eq!((link, verdict), ("true && ", deedbook_verify::detail::Verdict::Deny));
            }
        }
    }
    // As long a chain as may be published: three operators in each link, one in the scope.
    let long = "context.environment == \"a\" || ".repeat((POLICY_OPERATORS_MAX - 1) / 3);
    assert_eq!(judged(forbid("", &format!("when {{ {long} true }}"))), Ok(deedbook_verify::detail::Verdict::Deny));
    let beyond = "context.environment == \"a\" || ".repeat(POLICY_OPERATORS_MAX / 3 + 1);
    assert_eq!(found(&forbid("", &format!("when {{ {beyond} true }}")))[0].0, Rule::Bound);
}
