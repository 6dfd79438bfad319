//! `deedbook oscal check`: what no published checker of OSCAL asks, for whoever has documents, ours or others'. Needs no
//! server. The rules are `evidence`'s, this shows what they found.

use super::errors::{Failure, Status};
use super::output::{Output, counted, escape};
use crate::evidence::exchange::oscal::{Code, Report, check};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::path::PathBuf;

/// What `oscal` does.
#[derive(Subcommand, Debug)]
pub enum OscalCommand {
    /// Check that what documents name is there, and is what they say: references, targets, methods, times, hashes of files
    Check(CheckArguments),
}

/// What `oscal check` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "It is no schema: run one, too. Imports and files are followed by relative path, inside the document's\n\
    folder or the bag around it; nothing is fetched.\n\n\
    Examples:\n  deedbook oscal check soc2-2026q3/data/oscal/*.json\n  \
    deedbook oscal check --json assessment-results.json"
)]
pub struct CheckArguments {
    /// OSCAL documents in JSON
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Checks documents.
pub fn run(command: OscalCommand, output: Output) -> Result<(), Failure> {
    let OscalCommand::Check(arguments) = command;
    let report = check(arguments.files);
    show(&report, output)?;
    match report.problems.iter().any(|problem| problem.code == Code::Document) {
        true => Err(Failure::silent(Status::Usage)),
        false if report.problems.is_empty() => Ok(()),
        false => Err(Failure::silent(Status::Failed)),
    }
}

fn show(report: &Report, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&value(report));
    }
    for problem in &report.problems {
        output.line(&escape(&problem.to_string()))?;
    }
    for left in &report.not_checked {
        output.line(&escape(&format!("not checked: {}: {}: {}", left.document.display(), left.at, left.why)))?;
    }
    let documents = counted(report.documents, "document", "documents");
    let problems = counted(u64::try_from(report.problems.len()).unwrap_or(u64::MAX), "problem", "problems");
    let left = report.not_checked.len();
    output.line(&format!("{documents}, {problems}, {left} not checked"))
}

fn value(report: &Report) -> Value {
    let problems = report.problems.iter().map(|problem| {
        json!({
            "code": problem.code.name(),
            "document": problem.document.display().to_string(),
            "at": problem.at,
            "found": problem.found,
        })
    });
    let not_checked = report.not_checked.iter().map(|left| {
        json!({
            "document": left.document.display().to_string(),
            "at": left.at,
            "why": left.why,
        })
    });
    json!({
        "documents": report.documents,
        "problems": problems.collect::<Vec<_>>(),
        "not_checked": not_checked.collect::<Vec<_>>(),
    })
}
