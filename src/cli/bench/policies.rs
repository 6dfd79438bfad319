//! How long a question takes that a thousand policies are asked: submissions wait for it.

use super::{Figure, median};
use crate::cli::errors::Failure;
use crate::clock::Stopwatch;
use crate::policy::{Lint, Party, PolicySet, Question, Resource, Source};
use crate::record::binding::{Nonce, PartyName};
use crate::record::canonical::{Json, Whole};
use deedbook_verify::detail::Reversibility;
use deedbook_verify::words::Ref;
use std::fmt::Write as _;

const POLICIES: usize = 1_000;
const QUESTIONS: u32 = 2_000;
/// What is asked for.
const ACTION: &str = "data.export";
const ACTIONS: [&str; 10] = [
    ACTION,
    "data.share",
    "data.publish",
    "data.read",
    "data.write",
    "data.delete",
    "data.transform",
    "model.invoke",
    "tool.call",
    "message.send",
];

/// What is asked: of policies that are all about the action of the question, and of as many about ten actions. Each time
/// three policies stop the action and an approval lifts them, so that both evaluations are made.
pub(super) fn measure() -> Result<Vec<Figure>, Failure> {
    let question = question().ok_or_else(|| Failure::failed("the question has no name", "report this"))?;
    let built_in = PolicySet::built_in().map_err(|lints| refused(&lints))?;
    let one = publish(&text(&[ACTION]))?;
    let ten = publish(&text(&ACTIONS))?;
    Ok(vec![
        Figure::goal("1,000 policies of one action, median", microseconds(&one, &question), "us", "<= 1000"),
        Figure::goal("1,000 policies of ten actions, median", microseconds(&ten, &question), "us", "<= 1000"),
        Figure::ceiling("the built-in policies, median", microseconds(&built_in, &question), "us"),
    ])
}

fn microseconds(set: &PolicySet, question: &Question) -> f64 {
    let mut times = Vec::new();
    for _ in 0..QUESTIONS {
        let watch = Stopwatch::start();
        std::hint::black_box(set.evaluate(question));
        times.push(watch.seconds() * 1e6);
    }
    median(&mut times)
}

fn text(actions: &[&str]) -> String {
    let mut text = String::from("@id(\"all\") permit (principal, action, resource);\n");
    for (number, action) in (1..POLICIES).zip(actions.iter().cycle()) {
        let team = number % 4;
        // The first of each action stop the question, the others wait for more rows.
        let rows = if number <= 3 * actions.len() { 100 } else { 1_000_000 + number };
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "@id(\"p{number}\") @requires_approval(\"team-{team}\") forbid (principal, action == \
             Gov::Action::\"{action}\", resource) when {{ context.destination_external && context has row_estimate \
             && context.row_estimate > {rows} }} unless {{ context.approval.granted && \
             context.approval.groups.contains(Gov::Team::\"team-{team}\") }};"
        );
    }
    text
}

fn publish(text: &str) -> Result<PolicySet, Failure> {
    let source = Source { text: text.to_owned(), schema: None };
    let team = |name: &str| {
        let mut team = Ref([0; 16]);
        team.0.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
        Ok(team)
    };
    PolicySet::publish(&source, &team).map_err(|lints| refused(&lints))
}

fn refused(lints: &[Lint]) -> Failure {
    let first = lints.first().map_or_else(String::new, Lint::to_string);
    Failure::failed(format!("a policy set was refused: {first}"), "report this")
}

fn question() -> Option<Question> {
    Some(Question {
        nonce: Nonce([7; 16]),
        action: ACTION.to_owned(),
        principal: Party::named(PartyName::parse("agent:bench")?, "bench"),
        on_behalf_of: Vec::new(),
        resource: Resource::parse("dataset:customers@v42", "bench", Some("internal"))?,
        destination: Some("s3://partner/x".to_owned()),
        environment: "production".to_owned(),
        reversibility: Reversibility::Irreversible,
        dataset_sources: vec!["dataset:customers@v42".to_owned()],
        params: Json::object([("rows", Json::Number(Whole::from(500)))]),
    })
}
