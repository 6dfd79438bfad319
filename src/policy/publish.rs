//! Publication: from text and schema to a set that may be evaluated, or to every defect with its line and remedy. No
//! defect is let pass: what a set says at publication is what it means for as long as it is in force.

use super::annotation::{self, Ask, Refused};
use super::form::{self, Form, Wanted};
use super::lint::{Lint, Lints, Rule};
use super::request::Votes;
use super::review;
use super::scan::{self, Statement};
use super::schema::Vocabulary;
use super::set::{PolicySet, Source, TeamRefs};
use super::slices::Slices;
use crate::domain::escape;
use crate::limits::{
    POLICIES_MAX, POLICY_BYTES_MAX, POLICY_DEPTH_MAX, POLICY_NAME_BYTES_MAX, POLICY_OPERATORS_MAX,
    POLICY_SCHEMA_BYTES_MAX, POLICY_SOURCE_BYTES_MAX, POLICY_TEXT_BYTES_MAX,
};
use cedar_policy::{Effect, EntityUid, Policy, PolicyId, ValidationMode, Validator};
use miette::Diagnostic as _;
use std::collections::{BTreeMap, BTreeSet};

/// The largest number of persons that the second evaluation grants: more than any quorum.
const PERSONS_MAXIMAL: u16 = u16::MAX;

/// Where a policy stands that was not found in the text.
const NOWHERE: Statement<'static> = Statement { text: "", line: 1, depth: 0, operators: 0 };

/// A policy whose own text has been read.
struct Named {
    policy: Policy,
    line: usize,
    text: String,
    ask: Option<Ask>,
}

/// Judges a set by every rule.
pub(super) fn check(source: &Source, team_ref: &TeamRefs<'_>) -> Result<PolicySet, Vec<Lint>> {
    let mut lints = Lints::default();
    bounds(source, &mut lints);
    hidden(&source.text, &mut lints);
    hidden(source.schema(), &mut lints);
    let statements = scan::statements(&source.text);
    sizes(&statements, &mut lints);
    schema_depth(source.schema(), &mut lints);
    if !lints.is_empty() {
        return Err(lints.into_vec());
    }
    let vocabulary = Vocabulary::parse(source.schema()).map_err(|lint| vec![lint])?;
    let parsed = parse(&source.text).map_err(|lint| vec![lint])?;
    let named = read(&parsed, &statements, &mut lints);
    let policies = validated(&named, &vocabulary, &mut lints);
    let teams = teams(&named, team_ref, &mut lints);
    if !lints.is_empty() {
        return Err(lints.into_vec());
    }
    let mut set = PolicySet {
        source: source.clone(),
        digest: source.digest(),
        slices: Slices::of(&policies, &vocabulary),
        vocabulary,
        policies,
        asks: BTreeMap::new(),
        advice: BTreeMap::new(),
        texts: BTreeMap::new(),
        maximal: Votes { distinct_approvers: PERSONS_MAXIMAL, groups: teams.keys().cloned().collect() },
        speaks_of_reviews: named.values().any(|named| review::names(&named.policy)),
        teams,
    };
    for (id, named) in named {
        set.advice.extend(named.policy.annotation("advice").map(|advice| (id.clone(), advice.to_owned())));
        set.texts.insert(id.clone(), named.text);
        set.asks.extend(named.ask.map(|ask| (id, ask)));
    }
    Ok(set)
}

fn bounds(source: &Source, lints: &mut Lints) {
    let mut bound = |what: &str, bytes: usize, bytes_max: usize| {
        if bytes > bytes_max {
            let problem = format!("{what} has {bytes} bytes, more than the limit of {bytes_max}");
            lints.push(Lint::set(Rule::Bound, problem, "shorten it"));
        }
    };
    bound("the text", source.text.len(), POLICY_TEXT_BYTES_MAX);
    bound("the schema", source.schema().len(), POLICY_SCHEMA_BYTES_MAX);
    bound("the set as it is recorded", source.to_bytes().len(), POLICY_SOURCE_BYTES_MAX);
}

/// A reviewer of policies must see what Cedar reads.
fn hidden(text: &str, lints: &mut Lints) {
    for (position, line) in text.lines().enumerate() {
        if escape(&line.replace('\t', " ")) != line.replace('\t', " ") {
            let lint =
                Lint::set(Rule::HiddenCharacter, "the line holds characters that are not seen", "leave them out");
            lints.push(lint.at(position.saturating_add(1)));
        }
    }
}

fn sizes(statements: &[Statement<'_>], lints: &mut Lints) {
    if statements.len() > POLICIES_MAX {
        let problem = format!("the set has {} policies, more than the limit of {POLICIES_MAX}", statements.len());
        lints.push(Lint::set(Rule::Bound, problem, "join policies that say the same of several actions"));
    }
    for statement in statements {
        if statement.text.len() > POLICY_BYTES_MAX {
            let problem =
                format!("a policy has {} bytes, more than the limit of {POLICY_BYTES_MAX}", statement.text.len());
            lints.push(Lint::set(Rule::Bound, problem, "divide it").at(statement.line));
        }
        if statement.depth > POLICY_DEPTH_MAX {
            let problem =
                format!("brackets and `if` stand {} deep, more than the limit of {POLICY_DEPTH_MAX}", statement.depth);
            lints.push(Lint::set(Rule::Bound, problem, "divide the policy").at(statement.line));
        }
        if statement.operators > POLICY_OPERATORS_MAX {
            let count = statement.operators;
            let problem = format!("a policy has {count} operators, more than the limit of {POLICY_OPERATORS_MAX}");
            lints.push(Lint::set(Rule::Bound, problem, "divide it, or compare with a set").at(statement.line));
        }
    }
}

fn schema_depth(schema: &str, lints: &mut Lints) {
    let deepest = scan::statements(schema).iter().map(|statement| statement.depth).max().unwrap_or_default();
    if deepest > POLICY_DEPTH_MAX {
        let problem = format!("brackets of the schema stand {deepest} deep, more than the limit of {POLICY_DEPTH_MAX}");
        lints.push(Lint::set(Rule::Bound, problem, "name the inner types"));
    }
}

fn parse(text: &str) -> Result<cedar_policy::PolicySet, Lint> {
    text.parse::<cedar_policy::PolicySet>().map_err(|errors| {
        let first = errors.iter().next();
        let problem = first.map_or_else(|| errors.to_string(), ToString::to_string);
        let offset = first.and_then(|error| error.labels()?.next()).map(|label| label.offset());
        let lint = Lint::set(Rule::Syntax, format!("the text is no Cedar: {problem}"), "mend it at this line");
        offset.map_or(lint.clone(), |offset| lint.at(scan::line_of(text, offset)))
    })
}

/// Names policies by `@id` and reads what each says by itself.
fn read(parsed: &cedar_policy::PolicySet, statements: &[Statement<'_>], lints: &mut Lints) -> BTreeMap<String, Named> {
    let place = |id: &PolicyId| {
        let position: Option<usize> =
            AsRef::<str>::as_ref(id).strip_prefix("policy").and_then(|text| text.parse().ok());
        position.and_then(|position| statements.get(position)).copied().unwrap_or(NOWHERE)
    };
    let template = "a policy has slots, and nothing would ever fill them";
    for slots in parsed.templates() {
        let lint = Lint::set(Rule::Template, template, "write the principal or resource where `?…` stands");
        lints.push(lint.at(place(slots.id()).line));
    }
    let mut ordered: Vec<(Statement<'_>, &Policy)> =
        parsed.policies().map(|policy| (place(policy.id()), policy)).collect();
    ordered.sort_by_key(|(statement, _)| statement.line);
    let mut named: BTreeMap<String, Named> = BTreeMap::new();
    for (statement, policy) in ordered {
        let line = statement.line;
        let Some(id) = id_of(policy) else {
            let lint =
                Lint::set(Rule::Id, "has no `@id`, or one that is empty, too long or more than a word", ID_REMEDY);
            lints.push(lint.of(policy.id().as_ref()).at(line));
            continue;
        };
        if let Some(first) = named.get(&id) {
            let problem = format!("has the `@id` of the policy at line {}", first.line);
            lints.push(Lint::set(Rule::IdRepeated, problem, "give each policy an id of its own").of(&id).at(line));
            continue;
        }
        let policy = policy.new_id(PolicyId::new(&id));
        let ask = judge(&id, &policy, line, lints);
        named.insert(id, Named { policy, line, text: statement.text.to_owned(), ask });
    }
    named
}

const ID_REMEDY: &str = "write @id(\"name\") before it, of letters, digits, `-`, `_`, `.`, `/`";

fn id_of(policy: &Policy) -> Option<String> {
    let id = policy.annotation("id")?;
    let word = id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte));
    (word && !id.is_empty() && id.len() <= POLICY_NAME_BYTES_MAX).then(|| id.to_owned())
}

/// The annotations of a policy, its effect, and how it looks at the approval, against each other.
fn judge(id: &str, policy: &Policy, line: usize, lints: &mut Lints) -> Option<Ask> {
    let mut push =
        |rule: Rule, problem: String, remedy: &str| lints.push(Lint::set(rule, problem, remedy).of(id).at(line));
    let annotations: BTreeMap<&str, &str> = policy.annotations().collect();
    let ask = annotation::read(&annotations).unwrap_or_else(|refused| {
        for refusal in refused {
            match refusal {
                Refused::Unknown(name) => {
                    let remedy = format!("use one of {}", annotation::known_names());
                    push(Rule::AnnotationUnknown, format!("has @{name}, which nothing reads"), &remedy);
                }
                Refused::Idle(name) => {
                    let problem = format!("has @{name} and asks for no approval");
                    push(Rule::AnnotationIdle, problem, "add @requires_approval, or leave it out");
                }
                Refused::Value(_, problem, remedy) => {
                    push(Rule::AnnotationValue, format!("cannot be read: {problem}"), remedy);
                }
            }
        }
        None
    });
    let asks = annotations.contains_key(annotation::REQUIRES_APPROVAL);
    let form = match policy.to_pst() {
        Ok(tree) => form::of(tree.body().clauses()),
        Err(_) => Form::Other("has a form that cannot be looked into"),
    };
    match (policy.effect(), asks, form) {
        (Effect::Permit, false, Form::Blind) | (Effect::Forbid, false, Form::Blind) => {}
        (Effect::Permit, _, _) => {
            let problem = "is a permit that has @requires_approval or looks at `context.approval`".to_owned();
            push(Rule::AnnotatedPermit, problem, "permit without it, and forbid … unless the approval is there");
        }
        (Effect::Forbid, _, Form::Other(problem)) => push(Rule::ApprovalForm, problem.to_owned(), FORM_REMEDY),
        (Effect::Forbid, false, Form::Lifted(_)) => {
            let problem = "looks at `context.approval` and has no @requires_approval".to_owned();
            push(Rule::ApprovalUnannotated, problem, "add @requires_approval with the teams that its text names");
        }
        (Effect::Forbid, true, Form::Blind) => {
            let problem = "has @requires_approval and no approval would lift it".to_owned();
            push(
                Rule::ApprovalUnused,
                problem,
                "add `unless { context.approval.granted … }`, or leave the annotation out",
            );
        }
        (Effect::Forbid, true, Form::Lifted(wanted)) => {
            for (rule, problem) in ask.iter().flat_map(|ask| differences(ask, &wanted)) {
                push(rule, problem, "let both say the same");
            }
        }
    }
    ask
}

const FORM_REMEDY: &str = "write one `unless { context.approval.granted && context.approval.distinct_approvers >= N && \
                           context.approval.groups.containsAll([Gov::Team::\"…\"]) }`, further conditions joined by &&";

/// Where text and annotation ask for different things: the annotation decides what is asked of people, the text what
/// Cedar lets pass at redemption, and neither may be looser than the other.
fn differences(ask: &Ask, wanted: &Wanted) -> Vec<(Rule, String)> {
    let mut found = Vec::new();
    if i64::from(ask.quorum.get()) != wanted.persons {
        let problem = format!("asks for {} persons by annotation and {} by its text", ask.quorum, wanted.persons);
        found.push((Rule::QuorumDiffers, problem));
    }
    if ask.teams != wanted.teams {
        let list = |teams: &BTreeSet<String>| teams.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        let problem = format!(
            "asks for the teams [{}] by annotation and [{}] by its text",
            list(&ask.teams),
            list(&wanted.teams)
        );
        found.push((Rule::TeamsDiffer, problem));
    }
    found
}

/// Strict validation. What is only a warning of Cedar's is a defect here: a policy that can never apply, a name written
/// in look-alike letters.
fn validated(named: &BTreeMap<String, Named>, vocabulary: &Vocabulary, lints: &mut Lints) -> cedar_policy::PolicySet {
    let mut set = cedar_policy::PolicySet::new();
    for (id, named) in named {
        if let Err(error) = set.add(named.policy.clone()) {
            lints.push(Lint::set(Rule::IdRepeated, error.to_string(), "give it another id").of(id).at(named.line));
        }
    }
    let result = Validator::new(vocabulary.schema.clone()).validate(&set, ValidationMode::Strict);
    // Cedar judges a policy once for each kind of request and in no fixed order: one defect then has many words.
    let mut words: BTreeMap<(&str, Rule), BTreeSet<String>> = BTreeMap::new();
    for error in result.validation_errors() {
        words.entry((error.policy_id().as_ref(), Rule::Validation)).or_default().insert(error.to_string());
    }
    for warning in result.validation_warnings() {
        words.entry((warning.policy_id().as_ref(), Rule::Suspect)).or_default().insert(warning.to_string());
    }
    for ((id, rule), said) in words {
        let (what, remedy) = if rule == Rule::Suspect {
            ("cannot be meant", "mend it, or leave the policy out")
        } else {
            ("does not fit the schema", VALIDATION_REMEDY)
        };
        let more = match said.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more like it)", count.saturating_sub(1)),
        };
        let first = said.first().map(String::as_str).unwrap_or_default();
        let first = first.strip_prefix(&format!("for policy `{id}`, ")).unwrap_or(first);
        let lint = Lint::set(rule, format!("{what}: {first}{more}"), remedy).of(id);
        lints.push(named.get(id).map_or(lint.clone(), |named| lint.at(named.line)));
    }
    set
}

const VALIDATION_REMEDY: &str = "use names and types of the schema; where an attribute may be absent write \
                                 `if context has x then … else true`, not `!(context has x) || …`";

/// Every team that annotations or texts name, with its ref.
fn teams(
    named: &BTreeMap<String, Named>,
    team_ref: &TeamRefs<'_>,
    lints: &mut Lints,
) -> BTreeMap<String, deedbook_verify::words::Ref> {
    let mut teams = BTreeMap::new();
    for (id, named) in named {
        let asked = named.ask.iter().flat_map(|ask| ask.teams.iter().chain(&ask.fallback).cloned());
        let literal = named.policy.entity_literals().into_iter().filter_map(team_name);
        for name in asked.chain(literal) {
            if teams.contains_key(&name) {
                continue;
            }
            match team_ref(&name) {
                Ok(team) if name.len() <= POLICY_NAME_BYTES_MAX => {
                    teams.insert(name, team);
                }
                _ => {
                    let problem = format!("names a team with {} bytes", name.len());
                    let lint = Lint::set(Rule::Bound, problem, "a team's id has at most 256 bytes");
                    lints.push(lint.of(id).at(named.line));
                }
            }
        }
    }
    teams
}

fn team_name(uid: EntityUid) -> Option<String> {
    (uid.type_name().to_string() == "Gov::Team").then(|| AsRef::<str>::as_ref(uid.id()).to_owned())
}
