//! `deedbook controls`: how the computed tests stand that run beside the log, past runs, and a run now. The server judges; what
//! it says stands in the log, and a package proves it.

mod creep;

use super::client::Client;
use super::errors::{Failure, Status};
use super::export::framework;
use super::output::{Colour, Output, counted, remark};
use super::producer::{self, now, word};
use super::progress::Progress;
use super::{Common, block_on, files};
use crate::api::{self, proto};
use crate::limits::{TESTS_POLL, TESTS_RUN_WAIT_MAX};
use crate::record::line::time;
use clap::{Args, Subcommand};
use deedbook_verify::package::{Framework, Mapping, TestId, Verdict};
use deedbook_verify::words::{Hash, Micros};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What `controls` can do.
#[derive(Subcommand, Debug)]
pub enum ControlsCommand {
    /// How each test stands, and since when
    #[command(
        after_help = "Examples:\n  deedbook controls status\n  deedbook controls status --framework soc2\n\nEnds with 1 while \
        the log cannot be proved; a verdict that is no pass is no failure of the command."
    )]
    Status(StatusArguments),
    /// Run the tests now, and wait until they are over
    #[command(after_help = "Example:\n  deedbook controls run --signer auditor.key")]
    Run,
    /// What agents and services may do, beside what they did
    #[command(
        after_help = "Examples:\n  deedbook controls creep\n  deedbook controls creep --from 2026-07-01 --to 2026-09-30 --json"
    )]
    Creep(creep::CreepArguments),
    /// Past runs, the newest first
    #[command(after_help = "Example:\n  deedbook controls runs --limit 7")]
    Runs {
        /// How many
        #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(i32).range(1..=1_000))]
        limit: i32,
    },
}

/// What `status` takes.
#[derive(Args, Debug)]
pub struct StatusArguments {
    /// Show a framework's controls instead of the tests: soc2, fedramp, iso27001, iso42001, eu-ai-act
    #[arg(long, value_name = "NAME", value_parser = framework)]
    framework: Option<Framework>,
}

/// Runs one of them.
pub fn run(common: &Common, command: ControlsCommand, output: Output) -> Result<(), Failure> {
    match command {
        ControlsCommand::Status(arguments) => block_on(async {
            let standing = Client::connect(common).await?.controls().await?;
            show(&standing, arguments.framework, output)
        }),
        ControlsCommand::Run => block_on(run_now(common, output)),
        ControlsCommand::Creep(arguments) => creep::run(common, &arguments, output),
        ControlsCommand::Runs { limit } => block_on(async {
            let runs = Client::connect(common).await?.runs(limit).await?;
            show_runs(&runs, output)
        }),
    }
}

async fn run_now(common: &Common, output: Output) -> Result<(), Failure> {
    let signer = files::signer(common)?;
    let mut client = Client::connect(common).await?;
    let asker = producer::load(&mut client, signer).await?;
    let at = now();
    let by = proto::RequestSignature {
        key_id: bytes::Bytes::copy_from_slice(asker.key.public().id().as_bytes()),
        time_micros: at.0,
        signature: bytes::Bytes::copy_from_slice(&asker.key.sign(&api::run_request(asker.ledger, at))),
    };
    let before = client.run_tests(proto::RunTestsRequest { by: Some(by) }).await?.attempts;
    let mut progress = Progress::start("entries");
    let mut waited = std::time::Duration::ZERO;
    loop {
        let standing = client.controls().await?;
        if standing.attempts > before {
            progress.finish();
            return show(&standing, None, output);
        }
        if let Some(running) = &standing.running {
            progress.set(running.done, running.entries);
        }
        if waited >= TESTS_RUN_WAIT_MAX {
            let next = "`deedbook controls status` tells when it is over";
            return Err(Failure::failed("the run goes on, and was waited for long enough", next));
        }
        tokio::time::sleep(TESTS_POLL).await;
        waited = waited.saturating_add(TESTS_POLL);
    }
}

fn show(standing: &proto::GetControlsResponse, framework: Option<Framework>, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        output.value(&value(standing, framework))?;
    } else {
        match framework {
            Some(framework) => control_table(standing, framework, output)?,
            None => test_table(standing, output)?,
        }
        about(standing, output)?;
    }
    let unproved = standing.trouble.as_ref().is_some_and(|trouble| trouble.unproved) || refusal(standing).is_some();
    if unproved { Err(Failure::silent(Status::Failed)) } else { Ok(()) }
}

/// Why the newest run could not prove the log.
fn refusal(standing: &proto::GetControlsResponse) -> Option<&str> {
    let run = standing.last_run.as_ref()?;
    let fails = |result: &proto::TestResult| result.test == 0 && result.verdict() == proto::TestVerdict::Fail;
    let note = run.note.as_ref().map(|note| note.refusal.as_str()).filter(|refusal| !refusal.is_empty());
    run.results.iter().any(fails).then(|| note.unwrap_or("the run says no more"))
}

fn test_table(standing: &proto::GetControlsResponse, output: Output) -> Result<(), Failure> {
    let rows: Vec<Vec<String>> = standing
        .tests
        .iter()
        .map(|test| {
            let result = test.result.unwrap_or_default();
            let since = if test.since_or_before { "before " } else { "" };
            vec![
                name(result.test),
                shown(&result).to_owned(),
                format!("{since}{}", minute(test.since_micros)),
                result.population.to_string(),
                result.exceptions.to_string(),
                test.run_index.to_string(),
                title(result.test).to_owned(),
            ]
        })
        .collect();
    output.table(&["test", "verdict", "since", "population", "exceptions", "run", "asks"], &rows)
}

/// The worst verdict of each control's tests.
fn controls(
    standing: &proto::GetControlsResponse,
    framework: Framework,
) -> Vec<(&'static str, Option<proto::TestVerdict>)> {
    let verdicts: BTreeMap<u32, proto::TestVerdict> =
        standing.tests.iter().filter_map(|test| test.result).map(|result| (result.test, result.verdict())).collect();
    let judged = |id: &&TestId| id.judges();
    let worst = |tests: &[TestId]| {
        tests.iter().filter(judged).filter_map(|id| verdicts.get(&u32::from(id.number()))).copied().max()
    };
    Mapping::of(framework).controls.into_iter().map(|control| (control.id, worst(&control.tests))).collect()
}

fn control_table(standing: &proto::GetControlsResponse, framework: Framework, output: Output) -> Result<(), Failure> {
    let mapping = Mapping::of(framework);
    let rows: Vec<Vec<String>> = controls(standing, framework)
        .into_iter()
        .zip(&mapping.controls)
        .map(|((id, worst), control)| {
            let tests: Vec<&str> = control.tests.iter().map(|test| test.name()).collect();
            let worst = worst.map_or(control.unjudged(), verdict);
            vec![id.to_owned(), worst.to_owned(), tests.join(" "), control.asks.to_owned()]
        })
        .collect();
    output.table(&["control", "verdict", "tests", "asks"], &rows)
}

/// What there is to know beside the table.
fn about(standing: &proto::GetControlsResponse, output: Output) -> Result<(), Failure> {
    output.line("")?;
    match &standing.last_run {
        None => output.line("the tests have not run yet; `deedbook controls run --signer FILE` runs them")?,
        Some(run) => output.line(&last(run))?,
    }
    if let Some(running) = &standing.running {
        let (done, entries) = (running.done, running.entries);
        output.line(&format!(
            "a run is under way since {}: {done} of {}",
            minute(running.started_micros),
            counted(entries, "entry", "entries")
        ))?;
    }
    match &standing.schedule {
        None => output.line("they run when somebody asks: the server has no schedule")?,
        Some(schedule) => {
            let (hours, days) = (schedule.every_s / 3_600, schedule.over_days);
            let next = minute(schedule.next_micros);
            output
                .line(&format!("they run every {hours} hours over the last {days} days; the next run is due {next}"))?;
        }
    }
    if let Some(refusal) = refusal(standing) {
        remark(&output.paint(&format!("THE LOG CANNOT BE PROVED: {refusal}"), Colour::Red));
    }
    if let Some(trouble) = &standing.trouble {
        let what =
            if trouble.unproved { "THE LOG CANNOT BE PROVED" } else { "the newest run did not get into the log" };
        remark(&format!("{what} ({}): {}", minute(trouble.at_micros), trouble.what));
    }
    Ok(())
}

fn last(run: &proto::Run) -> String {
    let sizes = run.sizes.unwrap_or_default();
    let entries = counted(sizes.ends.saturating_sub(sizes.begins), "entry", "entries");
    let (index, at) = (run.index, minute(run.recorded_micros));
    let line = format!("last run: {at}, index {index}, over {entries} up to {}", sizes.ends);
    match &run.note {
        Some(note) if note.shortened => {
            format!("{line}; its period is shortened to begin {}", minute(note.from_micros))
        }
        Some(_) | None => line,
    }
}

fn show_runs(runs: &[proto::Run], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return runs.iter().try_for_each(|run| output.value(&run_value(run)));
    }
    // T17 is for information, and counts nowhere.
    let judges = |it: &&proto::TestResult| TestId::from_name(&name(it.test)).is_none_or(TestId::judges);
    let count = |run: &proto::Run, wanted| {
        run.results.iter().filter(judges).filter(|it| it.verdict() == wanted).count().to_string()
    };
    let worse = |run: &proto::Run| {
        let worse = run.results.iter().filter(|it| is_worse(it)).map(|it| name(it.test));
        worse.collect::<Vec<_>>().join(" ")
    };
    let rows: Vec<Vec<String>> = runs
        .iter()
        .map(|run| {
            let sizes = run.sizes.unwrap_or_default();
            vec![
                run.index.to_string(),
                minute(run.recorded_micros),
                format!("{} to {}", sizes.begins, sizes.ends),
                count(run, proto::TestVerdict::Pass),
                count(run, proto::TestVerdict::NotOperated),
                count(run, proto::TestVerdict::Indeterminate),
                count(run, proto::TestVerdict::Fail),
                worse(run),
            ]
        })
        .collect();
    output.table(&["run", "recorded", "entries", "pass", "not operated", "indeterminate", "fail", "worse"], &rows)
}

fn is_worse(result: &proto::TestResult) -> bool {
    let before = result.before();
    before != proto::TestVerdict::Unspecified && result.verdict() > before
}

fn value(standing: &proto::GetControlsResponse, framework: Option<Framework>) -> Value {
    let tests = standing.tests.iter().map(|test| {
        let result = test.result.unwrap_or_default();
        let mut value = result_value(&result);
        if let Value::Object(members) = &mut value {
            members.insert("title".to_owned(), title(result.test).into());
            members.insert("since".to_owned(), moment(test.since_micros).into());
            members.insert("since_index".to_owned(), test.since_index.into());
            members.insert("since_or_before".to_owned(), test.since_or_before.into());
            members.insert("run_index".to_owned(), test.run_index.into());
        }
        value
    });
    let controls = framework.map(|framework| {
        let all = controls(standing, framework).into_iter();
        all.map(|(id, worst)| json!({"control": id, "control_verdict": worst.map(verdict)})).collect::<Vec<_>>()
    });
    let running = standing.running.as_ref();
    let trouble = standing.trouble.as_ref();
    let schedule = standing.schedule.as_ref();
    json!({
        "controls": controls,
        "tests": tests.collect::<Vec<_>>(),
        "last_run": standing.last_run.as_ref().map(run_value),
        "running": running.map(|it| json!({"started": moment(it.started_micros), "done": it.done, "entries": it.entries})),
        "trouble": trouble.map(|it| json!({"at": moment(it.at_micros), "what": it.what, "unproved": it.unproved})),
        "schedule": schedule.map(|it| json!({"every_s": it.every_s, "over_days": it.over_days,
            "next": moment(it.next_micros)})),
    })
}

fn run_value(run: &proto::Run) -> Value {
    let sizes = run.sizes.unwrap_or_default();
    let note = run.note.as_ref();
    json!({
        "run_index": run.index,
        "recorded": moment(run.recorded_micros),
        "interval": {"begins": sizes.begins, "ends": sizes.ends},
        "root": word(&run.root, "root").map(|root| Hash(root).to_string()).ok(),
        "started": note.map(|note| moment(note.started_micros)),
        "finished": note.map(|note| moment(note.finished_micros)),
        "from": note.map(|note| moment(note.from_micros)),
        "to": note.map(|note| moment(note.to_micros)),
        "cause": note.map(|note| note.cause.as_str()),
        "shortened": note.map(|note| note.shortened),
        "refusal": note.map(|note| note.refusal.as_str()).filter(|refusal| !refusal.is_empty()),
        "results": run.results.iter().map(result_value).collect::<Vec<_>>(),
    })
}

fn result_value(result: &proto::TestResult) -> Value {
    json!({
        "test": name(result.test),
        "test_verdict": verdict(result.verdict()),
        "before": Some(result.before()).filter(|before| *before != proto::TestVerdict::Unspecified).map(verdict),
        "population": result.population,
        "exceptions": result.exceptions,
        "indeterminate": result.indeterminate,
    })
}

fn name(test: u32) -> String {
    format!("T{test:02}")
}

/// What a test is about; a server that is newer may have others.
fn title(test: u32) -> &'static str {
    TestId::from_name(&name(test)).map_or("", TestId::title)
}

fn verdict(verdict: proto::TestVerdict) -> &'static str {
    match verdict {
        proto::TestVerdict::Pass => "pass",
        proto::TestVerdict::NotOperated => "not operated",
        proto::TestVerdict::Indeterminate => "indeterminate",
        proto::TestVerdict::Fail => "fail",
        proto::TestVerdict::Unspecified => "unknown",
    }
}

/// The word in the place of a verdict: T17 is for information.
fn shown(result: &proto::TestResult) -> &'static str {
    match TestId::from_name(&name(result.test)) {
        Some(id) if !id.judges() => id.word(Verdict::Pass),
        Some(_) | None => verdict(result.verdict()),
    }
}

fn moment(micros: u64) -> String {
    time::show(Micros(micros))
}

/// For people, who need no microseconds.
fn minute(micros: u64) -> String {
    let moment = moment(micros);
    let (day, time) = moment.split_once('T').unwrap_or((moment.as_str(), ""));
    format!("{day} {}", time.get(..5).unwrap_or_default()).trim_end().to_owned()
}
