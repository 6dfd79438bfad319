//! What must hold for any set and any question: a further forbid never loosens, errors never allow, the same question has
//! the same answer, and a recorded question is the question.

use super::*;
use crate::policy::{Comparison, Difference, Evaluation, Outcome, Responsible, Votes};
use deedbook_verify::requirement::Requirement;
use proptest::prelude::*;

const TEAMS: [&str; 4] = ["data-owners", "security", "legal", "finance"];

/// A policy of random meaning and this id.
fn any_policy(id: usize) -> impl Strategy<Value = String> {
    let condition = prop_oneof![
        Just("when { context.destination_external }"),
        Just("when { resource has classification && resource.classification == \"secret\" }"),
        Just("when { context.environment == \"production\" }"),
        Just("when { if context has row_estimate then context.row_estimate > 1000 else true }"),
        Just("when { context has row_estimate && context.row_estimate * 4611686018427387904 > 0 }"),
        Just("when { principal.tenant == resource.tenant }"),
        Just("when { principal in Gov::Team::\"security\" }"),
        Just("when { context.reversibility == \"irreversible\" }"),
        Just(""),
    ];
    let action = prop_oneof![
        Just("action"),
        Just("action == Gov::Action::\"data.export\""),
        Just("action in Gov::Action::\"privileged\""),
        Just("action == Gov::Action::\"data.read\""),
    ];
    let asks = prop::option::of((prop::sample::subsequence(TEAMS.to_vec(), 0..=3), 0_u8..3, 0_u8..=100, 1_u32..500));
    (condition, action, asks, 0_u8..4).prop_map(move |(condition, action, asks, kind)| {
        let (annotations, unless) = match (&asks, kind) {
            (Some((teams, more, risk, minutes)), 1..) => {
                let quorum = teams.len().max(1) + usize::from(*more);
                let literals: Vec<String> = teams.iter().map(|team| format!("Gov::Team::\"{team}\"")).collect();
                let groups = match teams.is_empty() {
                    true => String::new(),
                    false => format!(" && context.approval.groups.containsAll([{}])", literals.join(", ")),
                };
                (
                    format!("@requires_approval(\"{}\") @quorum(\"{quorum}\") @risk(\"{risk}\") @ttl(\"PT{minutes}M\")", teams.join(",")),
                    format!("unless {{ context.approval.granted && context.approval.distinct_approvers >= {quorum}{groups} }}"),
                )
            }
            _ => (String::new(), String::new()),
        };
        let effect = if kind == 0 { "permit" } else { "forbid" };
        // What looks at the context cannot be said of all actions: that of reviewers is another one.
        let any = unless.is_empty() && !condition.contains("context");
        let action = if any || action != "action" { action } else { "action == Gov::Action::\"data.export\"" };
        format!("@id(\"p{id}\") {annotations} {effect} (principal, {action}, resource) {condition} {unless};\n")
    })
}

fn any_question() -> impl Strategy<Value = Question> {
    let action = prop_oneof![Just("data.export"), Just("data.read"), Just("nothing.known")];
    let place = prop_oneof![Just(None), Just(Some("s3://partner/x")), Just(Some("dataset:warehouse"))];
    let class = prop_oneof![Just("public"), Just("secret"), Just("internal")];
    let party =
        (prop::sample::subsequence(TEAMS.to_vec(), 0..=4), prop_oneof![Just("acme"), Just("other")], any::<bool>());
    let who = prop_oneof![Just("agent:a1"), Just("service:ci"), Just("human:eve")];
    let chain = prop::collection::vec(party.clone(), 0..3);
    ((action, place, class, prop::option::of(0_u32..5_000)), (who, party, chain, any::<[u8; 16]>(), any::<String>()))
        .prop_map(|((action, place, class, rows), (who, principal, chain, nonce, note))| {
            let made = |name: &str, (teams, tenant, answers): (Vec<&str>, &str, bool)| Party {
                teams: names(&teams),
                tenant: tenant.to_owned(),
                responsible: answers.then(|| Responsible { id: "carol".to_owned(), teams: names(&["legal"]) }),
                ..party_named(name)
            };
            let mut question = export(rows, "", class);
            question.action = action.to_owned();
            question.destination = place.map(str::to_owned);
            question.nonce = Nonce(nonce);
            question.principal = made(who, principal);
            question.on_behalf_of = chain.into_iter().map(|party| made("human:alice", party)).collect();
            question.params = question.params.with("note", Some(Json::Text(note)));
            question
        })
}

fn party_named(name: &str) -> Party {
    super::party(name)
}

fn any_texts() -> impl Strategy<Value = Vec<String>> {
    (any_policy(0), any_policy(1), any_policy(2), any_policy(3), any_policy(4))
        .prop_map(|(one, two, three, four, five)| vec![one, two, three, four, five])
}

const ALL: &str = "@id(\"all\") permit (principal, action, resource);\n";

/// How strict an outcome is: later ones are stricter.
fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Allow => 0,
        Outcome::RequireApproval(_) => 1,
        Outcome::Deny => 2,
    }
}

fn covers(stricter: &Requirement, looser: &Requirement) -> bool {
    let teams = looser
        .clauses
        .iter()
        .all(|old| stricter.clauses.iter().any(|new| new.team == old.team && new.persons_min >= old.persons_min));
    teams
        && stricter.distinct_persons_min >= looser.distinct_persons_min
        && stricter.risk >= looser.risk
        && stricter.request_ttl_s <= looser.request_ttl_s
        && stricter.grant_ttl_s <= looser.grant_ttl_s
        && stricter.uses <= looser.uses
        && stricter.evidence_floor >= looser.evidence_floor
}

fn errs(evaluation: &Evaluation) -> bool {
    !evaluation.errors.is_empty()
}

/// What meets a requirement: its teams, and as many persons as it wants.
fn votes_of(requirement: &Requirement) -> Votes {
    let teams = TEAMS.iter().filter(|team| requirement.clauses.iter().any(|clause| clause.team == team_ref(team)));
    let slots: u8 = requirement.clauses.iter().map(|clause| clause.persons_min.get()).sum();
    Votes {
        distinct_approvers: u16::from(requirement.distinct_persons_min.get().max(slots)),
        groups: teams.map(|&team| team.to_owned()).collect(),
    }
}

/// Cases of each property: publishing six policies takes most of the time.
fn cases() -> ProptestConfig {
    ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_further_forbid_never_loosens(texts in any_texts(), question in any_question()) {
        let forbids: Vec<&String> = texts.iter().filter(|text| text.contains("forbid")).collect();
        let mut text = ALL.to_owned();
        let mut before = set(&text).evaluate(&question);
        for forbid in forbids {
            text.push_str(forbid);
            let after = set(&text).evaluate(&question);
            prop_assert!(rank(&after.outcome) >= rank(&before.outcome), "{}\n{:?}\n{:?}", text, before, after);
            if let (Some(old), Some(new)) = (before.requirement(), after.requirement()) {
                prop_assert!(covers(new, old), "{}\n{:?}\n{:?}", text, old, new);
            }
            before = after;
        }
    }

    #[test]
    fn an_error_is_a_deny_and_so_is_what_the_schema_does_not_know(texts in any_texts(), question in any_question()) {
        let set = set(&(ALL.to_owned() + &texts.concat()));
        let evaluation = set.evaluate(&question);
        if errs(&evaluation) {
            prop_assert_eq!(&evaluation.outcome, &Outcome::Deny);
        }
        let everything = Votes { distinct_approvers: 1_000, groups: names(&TEAMS) };
        if question.action == "nothing.known" {
            prop_assert!(errs(&evaluation));
            prop_assert!(set.permits(&question, &everything).is_err());
        }
    }

    #[test]
    fn what_is_required_is_what_lets_pass(texts in any_texts(), question in any_question()) {
        let set = set(&(ALL.to_owned() + &texts.concat()));
        let nobody = Votes { distinct_approvers: 0, groups: BTreeSet::new() };
        match set.evaluate(&question).outcome {
            Outcome::Allow => prop_assert_eq!(set.permits(&question, &nobody), Ok(())),
            Outcome::Deny => {
                let everything = Votes { distinct_approvers: 1_000, groups: names(&TEAMS) };
                prop_assert!(set.permits(&question, &everything).is_err());
            }
            Outcome::RequireApproval(requirement) => {
                let votes = votes_of(&requirement);
                prop_assert_eq!(set.permits(&question, &votes), Ok(()));
                let fewer = Votes { distinct_approvers: 0, ..votes.clone() };
                prop_assert!(set.permits(&question, &fewer).is_err() || requirement.distinct_persons_min.get() == 1);
                for team in &votes.groups {
                    let mut without = votes.clone();
                    without.groups.remove(team);
                    prop_assert!(set.permits(&question, &without).is_err());
                }
            }
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer(texts in any_texts(), question in any_question()) {
        let text = ALL.to_owned() + &texts.concat();
        let mut reversed = texts.clone();
        reversed.reverse();
        let (one, other) = (set(&text), set(&(reversed.concat() + ALL)));
        let evaluation = one.evaluate(&question);
        prop_assert_eq!(&evaluation, &one.evaluate(&question));
        prop_assert_eq!(&evaluation, &other.evaluate(&question));
        let whole = PolicySet { slices: Default::default(), ..one.clone() };
        prop_assert_eq!(&evaluation, &whole.evaluate(&question));
        prop_assert!(Difference::between(&one, &other).is_empty());
        let recorded = Question::from_bytes(&question.to_bytes()).unwrap();
        prop_assert_eq!(&evaluation, &one.evaluate(&recorded));
        prop_assert!(!Comparison::of(&recorded, &one, &other).changes());
    }

    #[test]
    fn a_recorded_question_is_the_question(question in any_question(), cut in any::<prop::sample::Index>()) {
        let bytes = question.to_bytes();
        let read = Question::from_bytes(&bytes).unwrap();
        prop_assert_eq!(&read, &question);
        prop_assert_eq!(read.to_bytes(), bytes.clone());
        prop_assert!(Question::from_bytes(&bytes[..cut.index(bytes.len())]).is_err());
        let mut spaced = bytes.clone();
        spaced.insert(1, b' ');
        prop_assert!(Question::from_bytes(&spaced).is_err());
    }
}

#[test]
fn two_sets_beside_each_other() {
    let before = set(&format!(
        "{ALL}@id(\"a\") forbid (principal, action == Gov::Action::\"data.read\", resource);\n@id(\"b\") forbid (principal, action, resource) when {{ resource has version }};"
    ));
    let after = set(&format!(
        "{ALL}// a comment\n@id(\"c\") forbid (principal is Gov::Service, action, resource);\n@id(\"a\") forbid (principal,   action == Gov::Action::\"data.write\", resource);"
    ));
    let difference = Difference::between(&before, &after);
    assert_eq!(
        (difference.added, difference.removed, difference.changed),
        (vec!["c".to_owned()], vec!["b".to_owned()], vec!["a".to_owned()])
    );
    assert!(!difference.schema_changed);
    let comparison = Comparison::of(&export(Some(1), "s3://x", "internal"), &before, &after);
    assert!(comparison.changes());
    assert_eq!((comparison.before.outcome, comparison.after.outcome), (Outcome::Deny, Outcome::Allow));
}
