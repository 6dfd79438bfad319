//! `deedbook review` and `deedbook exception`: what people state who look after the ledger. Whoever signs may state it;
//! whether it counts is a reader's question, which is asked here first, so that nobody states it in vain.

mod known;

use super::action::step;
use super::client::Client;
use super::errors::Failure;
use super::output::{Output, counted, remark};
use super::producer::Producer;
use super::{Common, filter, key, proof};
use crate::record::line::time;
use crate::record::{FactsBuilder, entropy};
use clap::{Args, Subcommand};
use deedbook_verify::detail::{Disposition, ReviewResult, ReviewSubject, Roles, TestNumber};
use deedbook_verify::facts::{ActorKind, Code};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{EventId, Index};
use serde_json::json;
use std::path::PathBuf;

/// What `review` can do.
#[derive(Subcommand, Debug)]
pub enum ReviewCommand {
    /// You went through who has access: principals, roles and keys
    #[command(after_help = "Example:\n  deedbook review access --signer rita.key --from 2026-01-01 --to 2026-03-31 \
        --note \"two roles taken\" --findings")]
    Access(ReviewArguments),
    /// You went through what the log says
    #[command(after_help = "Example:\n  deedbook review log --signer rita.key --from 2026-01-05 --to 2026-01-11 \
        --checkpoint sunday.checkpoint --vkey ledger.vkey")]
    Log(ReviewArguments),
}

/// What was reviewed, and what was found.
#[derive(Args, Debug)]
pub struct ReviewArguments {
    /// The first day that was reviewed, or its first moment (RFC 3339); by received time
    #[arg(long, value_name = "DAY|TIME")]
    from: String,
    /// The last day, which belongs to it, or the first moment behind it
    #[arg(long, value_name = "DAY|TIME")]
    to: String,
    /// Something was found; say what with --note
    #[arg(long, requires = "note")]
    findings: bool,
    /// What was looked at, found and done; stands in the body
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// The checkpoint that was reviewed; without it the newest. Needs --vkey
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
}

/// What `exception` can do.
#[derive(Subcommand, Debug)]
pub enum ExceptionCommand {
    /// Accept it, say that it was remediated, or that it is none
    #[command(
        after_help = "Example:\n  deedbook exception dispose --signer rita.key --test T01 --code late --index 4711 \
        --as accepted --reason \"approved by phone, incident 31\" --package soc2-q3\n\nTest, code and index of every \
        exception stand in data/tests/TEST/exceptions.csv of a package."
    )]
    Dispose(DisposeArguments),
}

/// Which exception, and what becomes of it.
#[derive(Args, Debug)]
pub struct DisposeArguments {
    /// The test, such as T01
    #[arg(long, value_name = "TEST", value_parser = test)]
    test: TestNumber,
    /// The exception's code, as the test's result names it
    #[arg(long, value_name = "CODE")]
    code: String,
    /// The entry at which the exception stands
    #[arg(long, value_name = "INDEX")]
    index: u64,
    /// accepted, remediated or false_positive
    #[arg(long = "as", value_name = "WORD", value_parser = disposition)]
    disposition: Disposition,
    /// Why; stands in the body, never in the open
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// A package that lists the exception; without it only the newest run's counts are asked
    #[arg(long, value_name = "DIR")]
    package: Option<PathBuf>,
}

fn test(text: &str) -> Result<TestNumber, String> {
    TestNumber::parse(text).ok_or_else(|| "write it like T01".to_owned())
}

fn disposition(text: &str) -> Result<Disposition, String> {
    Disposition::from_name(text).ok_or_else(|| "use accepted, remediated or false_positive".to_owned())
}

/// States a review.
pub async fn review(common: &Common, command: ReviewCommand, output: Output) -> Result<(), Failure> {
    let (subject, arguments) = match command {
        ReviewCommand::Access(arguments) => (ReviewSubject::Access, arguments),
        ReviewCommand::Log(arguments) => (ReviewSubject::Log, arguments),
    };
    let window = filter::period(&arguments.from, &arguments.to)?;
    filter::no_later_than_today(&arguments.to, window.until, "nobody can have reviewed it")?;
    let (mut client, producer) = key::governor(common).await?;
    let reviewed = match &arguments.checkpoint {
        Some(file) => proof::head_of(common, file)?,
        None => step::last_seen(&mut client).await?,
    };
    warn_unless_counted(&mut client, &producer).await?;
    let result = if arguments.findings { ReviewResult::Findings } else { ReviewResult::NothingFound };
    let facts = begun(Kind::ReviewCompleted, &producer)?.reviewed(subject, result).window(window).last_seen(reviewed);
    let facts = match &arguments.note {
        Some(note) => facts.body("application/json", json!({"note": note}).to_string().into()),
        None => facts,
    };
    let index = client.append(step::signed(&producer, facts)?).await?.first_index;
    let (from, until) = (time::show(window.from), time::show(window.until));
    let size = reviewed.size;
    let text = format!(
        "review of {} at index {index}: {from} to {until}, up to {}",
        subject.name(),
        counted(size.0, "entry", "entries")
    );
    output.either(&text, || {
        json!({"index": index, "review_subject": subject.name(), "review_result": result.name(), "from": from,
            "until": until, "tree_size": size.0, "root": reviewed.root.to_string()})
    })
}

/// States what becomes of an exception.
pub async fn exception(common: &Common, command: ExceptionCommand, output: Output) -> Result<(), Failure> {
    let ExceptionCommand::Dispose(arguments) = command;
    let next = "take the code as the test's result writes it";
    let lower = arguments.code.to_ascii_lowercase();
    let code = Code::new(&lower);
    let code = code.ok_or_else(|| Failure::usage(format!("`--code {}` is no code", arguments.code), next))?;
    if arguments.reason.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "say why with --reason"));
    }
    let (mut client, producer) = key::governor(common).await?;
    let size = client.ledger().await?.head.map_or(0, |head| head.size);
    if arguments.index >= size {
        let message = format!("`--index {}`: the log has {}", arguments.index, counted(size, "entry", "entries"));
        return Err(Failure::usage(message, "take the index as the test's result writes it"));
    }
    let upper = arguments.code.to_ascii_uppercase();
    let named = known::Named { test: arguments.test, code: &upper, index: arguments.index };
    let checked = known::check(&mut client, &named, arguments.package.as_deref()).await?;
    warn_unless_counted(&mut client, &producer).await?;
    let body = json!({"reason": arguments.reason}).to_string();
    let facts = begun(Kind::ExceptionDisposed, &producer)?
        .exception(arguments.test, code, Index(arguments.index))
        .disposition(arguments.disposition)
        .body("application/json", body.into());
    let index = client.append(step::signed(&producer, facts)?).await?.first_index;
    let (test, disposition) = (arguments.test, arguments.disposition.name());
    let text = format!("{test} {} at {}: {disposition}, stated at index {index}", code.as_str(), arguments.index);
    output.either(&text, || {
        json!({"index": index, "test": test.to_string(), "exception_code": code.as_str(),
            "exception_index": arguments.index, "disposition": disposition, "checked": checked.name()})
    })
}

/// Facts of a statement by the person whose key signs.
pub fn begun(kind: Kind, producer: &Producer) -> Result<FactsBuilder, Failure> {
    let facts = FactsBuilder::new(kind, EventId(entropy::array()?), super::producer::now());
    Ok(facts.actor(step::person(producer)))
}

/// Says it if no reader will count what this key states. The rule itself stands in the verifier.
pub async fn warn_unless_counted(client: &mut Client, producer: &Producer) -> Result<(), Failure> {
    let (principals, _) = client.principals().await?;
    let own = principals.iter().find(|principal| principal.r#ref == producer.source.as_bytes()[..]);
    let looks_after = [Roles::ADMINISTRATOR, Roles::REVIEWER, Roles::AUDITOR];
    let counts = own.is_some_and(|principal| {
        let has = |role: &String| Roles::from_name(role).is_some_and(|role| looks_after.contains(&role));
        principal.kind == ActorKind::Human.name()
            && principal.disabled_index.is_none()
            && principal.roles.iter().any(has)
    });
    if !counts {
        remark(
            "no reader will count this: the key is not that of a bound person who is administrator, reviewer or auditor; what \
             such a key says is shown with NO_ROLE and decides nothing; see `deedbook principal list`",
        );
    }
    Ok(())
}
