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

/// A question that half of the policies would stop and approvals lift, so that both evaluations are made.
pub(super) fn measure() -> Result<Vec<Figure>, Failure> {
    let set = publish(&text())?;
    let built_in = PolicySet::built_in().map_err(|lints| refused(&lints))?;
    let question = question().ok_or_else(|| Failure::failed("the question has no name", "report this"))?;
    let many = microseconds(&set, &question);
    let few = microseconds(&built_in, &question);
    Ok(vec![
        Figure::goal("evaluation of 1,000 policies, twice, median", many, "us", "<= 1000"),
        Figure::ceiling("evaluation of the built-in policies, median", few, "us"),
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

/// Every policy is about the action that is asked for, so that none can be passed over by its scope.
fn text() -> String {
    let mut text = String::from("@id(\"all\") permit (principal, action, resource);\n");
    for number in 1..POLICIES {
        let team = number % 4;
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "@id(\"p{number}\") @requires_approval(\"team-{team}\") forbid (principal, action == \
             Gov::Action::\"data.export\", resource) when {{ context.destination_external && context has row_estimate \
             && context.row_estimate > {number} }} unless {{ context.approval.granted && \
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
        action: "data.export".to_owned(),
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
