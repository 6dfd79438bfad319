//! `deedbook policy`: checks policy sets by the rules of publication, compares two, and tries one out on questions. For
//! that it needs no server: the same code judges here and there. What it says to a server stands in `published`.

mod past;
mod published;

pub use published::publish_first;

use super::errors::{Failure, Status};
use super::glass::ReasonedGlass;
use super::output::{Output, escape_line, read_bounded};
use super::{Common, block_on};
use crate::limits::{POLICY_SCHEMA_BYTES_MAX, POLICY_TEXT_BYTES_MAX, QUESTION_BYTES_MAX};
use crate::policy::{Comparison, Difference, Evaluation, Lint, PolicySet, Question, Source};
use crate::record::canonical::Json;
use clap::Subcommand;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::Ref;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What `policy` can do.
#[derive(Subcommand, Debug)]
pub enum PolicyCommand {
    /// Put a policy set in force; signed by an administrator
    #[command(after_help = "Example:\n  deedbook policy publish --signer admin.key policies.cedar")]
    Publish {
        /// Cedar policies
        #[arg(value_name = "FILE.cedar")]
        file: PathBuf,
        /// A schema in place of the built-in one
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
        #[command(flatten)]
        glass: ReasonedGlass,
    },
    /// Take the set in force out of force; the built-in one takes its place
    #[command(after_help = "Example:\n  deedbook policy retire --signer admin.key")]
    Retire {
        #[command(flatten)]
        glass: ReasonedGlass,
    },
    /// List the sets that were published, newest first
    #[command(after_help = "Example:\n  deedbook policy list")]
    List,
    /// Show the set in force, or another by its digest
    #[command(after_help = "Example:\n  deedbook policy show")]
    Show {
        /// The set's digest
        #[arg(value_name = "DIGEST")]
        policy: Option<String>,
        /// The schema instead of the policies
        #[arg(long = "schema")]
        of_schema: bool,
    },
    /// Check a policy set by every rule of publication
    #[command(after_help = "Example:\n  deedbook policy check policies.cedar")]
    Check {
        /// Cedar policies
        #[arg(value_name = "FILE.cedar")]
        file: PathBuf,
        /// A schema in place of the built-in one
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
    },
    /// Say which policies differ between two sets
    #[command(
        after_help = "In place of a file, `in-force` names the server's set, and `built-in` the one that is in force\n\
        where nobody published any.\n\nExample:\n  deedbook policy diff in-force policies.cedar"
    )]
    Diff {
        /// The older set
        #[arg(value_name = "OLD.cedar")]
        old: PathBuf,
        /// The newer set
        #[arg(value_name = "NEW.cedar")]
        new: PathBuf,
        /// A schema in place of the built-in one, for both
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
    },
    /// Say what a set decides about questions, and where that differs from another set
    #[command(after_help = "A question is the JSON that a decision records (docs/FORMAT.md, Bodies of our own).\n\n\
        Example:\n  deedbook policy test policies.cedar --against in-force question.json\n  \
        deedbook policy test policies.cedar --past --since 2026-10-01T00:00:00Z")]
    Test {
        /// Cedar policies
        #[arg(value_name = "FILE.cedar")]
        file: PathBuf,
        /// The questions
        #[arg(value_name = "QUESTION.json", required_unless_present = "past")]
        questions: Vec<PathBuf>,
        /// Ask about every action in the log instead, and say which would be decided otherwise
        #[arg(long, conflicts_with_all = ["questions", "against"])]
        past: bool,
        #[command(flatten)]
        stretch: past::Stretch,
        /// The set to compare with
        #[arg(long, value_name = "FILE.cedar")]
        against: Option<PathBuf>,
        /// A schema in place of the built-in one, for both
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
    },
    /// List actions that ran under policies that were replaced since they were asked for, or while they ran
    #[command(after_help = "Example:\n  deedbook policy drift --since 2026-10-01T00:00:00Z")]
    Drift {
        #[command(flatten)]
        stretch: past::Stretch,
    },
}

/// Runs one of them.
pub fn run(common: &Common, command: PolicyCommand, output: Output) -> Result<(), Failure> {
    match command {
        PolicyCommand::Publish { file, schema, glass } => {
            block_on(published::publish(common, (&file, schema.as_deref()), &glass, output))
        }
        PolicyCommand::Retire { glass } => block_on(published::retire(common, &glass, output)),
        PolicyCommand::List => block_on(published::list(common, output)),
        PolicyCommand::Show { policy, of_schema } => {
            block_on(published::show(common, policy.as_deref(), of_schema, output))
        }
        PolicyCommand::Check { file, schema } => check(&file, schema.as_deref(), output),
        PolicyCommand::Diff { old, new, schema } => {
            let set = |file: &Path| sound_set(common, file, schema.as_deref());
            diff(&set(&old)?, &set(&new)?, output)
        }
        PolicyCommand::Test { file, past: true, stretch, schema, .. } => {
            let set = sound_set(common, &file, schema.as_deref())?;
            block_on(past::test(common, &set, &stretch, output))
        }
        PolicyCommand::Drift { stretch } => block_on(past::drift(common, &stretch, output)),
        PolicyCommand::Test { file, questions, against, schema, .. } => {
            let set = |file: &Path| sound_set(common, file, schema.as_deref());
            let against = against.map(|file| set(&file)).transpose()?;
            let set = set(&file)?;
            questions.iter().try_for_each(|question| test(question, &set, against.as_ref(), output))
        }
    }
}

/// Text and schema of a set, or the built-in one.
fn source(file: &Path, schema: Option<&Path>) -> Result<Source, Failure> {
    if file == Path::new("built-in") && !file.exists() {
        return Ok(Source::built_in());
    }
    let schema = schema.map(|schema| text(schema, POLICY_SCHEMA_BYTES_MAX)).transpose()?;
    Ok(Source { text: text(file, POLICY_TEXT_BYTES_MAX)?, schema })
}

fn text(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    String::from_utf8(read_bounded(path, bytes_max)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::usage(format!("{}: byte {at} is not UTF-8", path.display()), "write the file as UTF-8")
    })
}

/// Refs of teams that mean nothing outside this process: nothing is published here.
fn local_team(name: &str) -> Ref {
    let mut team = Ref([0; 16]);
    team.0.iter_mut().zip(blake3::hash(name.as_bytes()).as_bytes()).for_each(|(to, from)| *to = *from);
    team
}

fn judge(source: &Source) -> Result<PolicySet, Vec<Lint>> {
    PolicySet::publish(source, &|name| Ok(local_team(name)))
}

/// How a set would change the one in force, in lines: ids, and the text of what is new or other.
pub fn changes(in_force: &Source, offered: &Source) -> Vec<String> {
    let (Ok(older), Ok(newer)) = (judge(in_force), judge(offered)) else {
        return vec!["the set does not pass the rules of publication".to_owned()];
    };
    let difference = Difference::between(&older, &newer);
    let mut lines = vec![format!("{} policies, digest {}", newer.policies().count(), newer.digest())];
    if difference.is_empty() {
        lines.push("means the same".to_owned());
    }
    lines.extend(difference.removed.iter().map(|id| format!("- {id}")));
    for (mark, ids) in [("+", &difference.added), ("~", &difference.changed)] {
        for id in ids {
            lines.push(format!("{mark} {id}"));
            let text = newer.policies().find(|(known, _)| known == id).map(|(_, text)| text).unwrap_or_default();
            lines.extend(text.lines().map(|line| format!("    {}", line.replace('\t', "    "))));
        }
    }
    if difference.schema_changed {
        lines.push("~ the schema".to_owned());
    }
    lines
}

fn sound_set(common: &Common, file: &Path, schema: Option<&Path>) -> Result<PolicySet, Failure> {
    let source = match file == Path::new("in-force") && !file.exists() {
        true => block_on(published::in_force(common))?,
        false => source(file, schema)?,
    };
    judge(&source).map_err(|lints| {
        let first = lints.first().map_or_else(String::new, Lint::to_string);
        let more = match lints.len() {
            0 | 1 => String::new(),
            count => format!(" (and {} more)", count.saturating_sub(1)),
        };
        let next = format!("`deedbook policy check {}` names every defect", file.display());
        Failure::refused(format!("{}: {first}{more}", file.display()), next)
    })
}

/// The set in force, by its text, as this program reads it.
pub fn set_in_force(common: &Common) -> Result<PolicySet, Failure> {
    judge(&block_on(published::in_force(common))?).map_err(|lints| {
        let first = lints.first().map_or_else(String::new, Lint::to_string);
        Failure::failed(format!("the set in force: {first}"), "compare the versions of server and client")
    })
}

/// Says every defect, and ends with the code for what a rule refuses.
fn say(file: &Path, lints: &[Lint], output: Output) -> Result<(), Failure> {
    for lint in lints {
        output.either(&format!("{}: {lint}", escape_line(&file.display().to_string())), || {
            json!({"rule": lint.rule.name(), "policy": lint.policy, "line": lint.line,
                "problem": lint.problem, "remedy": lint.remedy})
        })?;
    }
    Err(Failure::silent(Status::Refused))
}

fn check(file: &Path, schema: Option<&Path>, output: Output) -> Result<(), Failure> {
    match judge(&source(file, schema)?) {
        Ok(set) => {
            let count = set.policies().count();
            let text = format!("{}: {count} policies, no defect\ndigest {}", file.display(), set.digest());
            output.either(&text, || json!({"policies": count, "policy_digest": set.digest().to_string()}))
        }
        Err(lints) => say(file, &lints, output),
    }
}

fn diff(old: &PolicySet, new: &PolicySet, output: Output) -> Result<(), Failure> {
    let difference = Difference::between(old, new);
    if output.is_json() {
        return output.value(&json!({"added": difference.added, "removed": difference.removed,
            "changed": difference.changed, "schema_changed": difference.schema_changed}));
    }
    if difference.is_empty() {
        return output.line("the sets mean the same");
    }
    let marks = [("+", &difference.added), ("-", &difference.removed), ("~", &difference.changed)];
    for (mark, ids) in marks {
        ids.iter().try_for_each(|id| output.line(&format!("{mark} {id}")))?;
    }
    if difference.schema_changed { output.line("~ the schema") } else { Ok(()) }
}

fn test(path: &Path, set: &PolicySet, against: Option<&PolicySet>, output: Output) -> Result<(), Failure> {
    let malformed = |error: crate::record::canonical::JsonError| {
        Failure::usage(format!("{}: {error}", path.display()), "see docs/FORMAT.md, Bodies of our own")
    };
    let json = Json::parse(&read_bounded(path, QUESTION_BYTES_MAX)?, QUESTION_BYTES_MAX).map_err(malformed)?;
    let question = Question::from_json(json).map_err(malformed)?;
    let (evaluation, before) = match against {
        None => (set.evaluate(&question), None),
        Some(against) => {
            let comparison = Comparison::of(&question, against, set);
            let differs = comparison.changes();
            (comparison.after, Some((comparison.before, differs)))
        }
    };
    if output.is_json() {
        let before = before.as_ref().map(|(before, differs)| (described(before), *differs));
        return output.value(&json!({"question": path.display().to_string(), "evaluation": described(&evaluation),
            "before": before.as_ref().map(|(before, _)| before), "changes": before.as_ref().map(|(_, differs)| differs)}));
    }
    output.line(&format!("{}: {}", escape_line(&path.display().to_string()), sentence(&evaluation)))?;
    match before {
        Some((before, true)) => output.line(&format!("  before: {}", sentence(&before))),
        Some((_, false)) => output.line("  before: the same"),
        None => Ok(()),
    }
}

fn sentence(evaluation: &Evaluation) -> String {
    let mut text = evaluation.verdict().name().to_owned();
    if let Some(requirement) = evaluation.requirement() {
        text.push_str(&format!(
            " of {} persons, risk {}",
            requirement.distinct_persons_min,
            requirement.risk.percent()
        ));
    }
    if !evaluation.reasons.is_empty() {
        text.push_str(&format!(", by {}", evaluation.reasons.join(", ")));
    } else if evaluation.errors.is_empty() {
        text.push_str(", because nothing permits it");
    }
    for error in &evaluation.errors {
        text.push_str(&format!("; {error}"));
    }
    escape_line(&text)
}

/// An evaluation for programs.
fn described(evaluation: &Evaluation) -> serde_json::Value {
    let errors: Vec<String> = evaluation.errors.iter().map(ToString::to_string).collect();
    json!({"outcome": evaluation.verdict().name(), "reasons": evaluation.reasons, "advice": evaluation.advice,
        "errors": errors, "requirement": evaluation.requirement().map(terms)})
}

fn terms(requirement: &Requirement) -> serde_json::Value {
    json!({"distinct_persons_min": requirement.distinct_persons_min.get(),
        "evidence_floor": requirement.evidence_floor.name(), "risk": requirement.risk.percent(),
        "request_ttl_s": requirement.request_ttl_s.get(), "grant_ttl_s": requirement.grant_ttl_s.get(),
        "uses": requirement.uses.get(), "clauses": requirement.clauses.len()})
}
