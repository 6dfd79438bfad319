//! `deedbook demo`: the whole story in one run, told to a newcomer. Each command that it shows is run, by this same
//! program against a real server, and a step that does not go as it says ends the demo with an error.

mod terminal;
mod setting;
mod approval;
mod proof;
mod package;
mod events;
mod tamper;

use super::errors::Failure;
use super::output::{Colour, Output};
use crate::app;
use crate::record::entropy;
use clap::Args;
use deedbook_verify::words::{EventId, Index};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;
use terminal::{Ran, Terminal};
use tokio::runtime::Runtime;

/// What `demo` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook demo --keep ./deedbook-demo")]
pub struct DemoArguments {
    /// OpenLineage events to stream instead of the demo's own
    #[arg(long, value_name = "FILE")]
    openlineage: Option<PathBuf>,
    /// Keep the folder, and make it here
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// Where the demo finds events of others when it runs from its own repository.
const FIXTURE: &str = "../shared/fixtures/openlineage/marquez/food_delivery.jsonl";

/// How often a removal is tried again.
const REMOVE_TRIES_MAX: u32 = 20;
/// The pause between two tries.
const REMOVE_PAUSE: Duration = Duration::from_millis(100);

/// Tells the story.
pub fn run(arguments: DemoArguments, output: Output) -> Result<(), Failure> {
    let fixture = Some(PathBuf::from(FIXTURE)).filter(|path| path.exists());
    let (folder, kept) = match arguments.keep {
        Some(folder) => (folder, true),
        None => {
            let [a, b, c, d] = entropy::array::<4>()?;
            (std::env::temp_dir().join(format!("deedbook-demo-{a:02x}{b:02x}{c:02x}{d:02x}")), false)
        }
    };
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    let mut tale = Tale { output, step: 0, terminal: Terminal::open(&folder)? };
    let runtime = app::runtime().map_err(|error| super::no_runtime(&error))?;
    let ended = tell(&mut tale, &runtime, arguments.openlineage.or(fixture));
    runtime.shutdown_background();
    finish(&tale, &folder, kept, ended)
}

/// The whole story.
fn tell(tale: &mut Tale, runtime: &Runtime, openlineage: Option<PathBuf>) -> Result<(), Failure> {
    setting::birth(tale)?;
    let served = setting::Served::start(tale, runtime)?;
    let told = online(tale, openlineage);
    served.stop(runtime);
    let vote = told?;
    proof::audit(tale)?;
    proof::harm(tale, vote)
}

/// Everything that needs the server; gives a vote of the log.
fn online(tale: &mut Tale, openlineage: Option<PathBuf>) -> Result<(Index, EventId), Failure> {
    setting::cast(tale)?;
    setting::policy(tale)?;
    tale.done("deedbook checkpoint --vkey ledger/ledger.vkey --out before.checkpoint", Part::Nothing)?;
    approval::tell(tale)?;
    proof::gateways(tale, openlineage)?;
    let vote = proof::receipts(tale)?;
    package::tell(tale)?;
    Ok(vote)
}

fn finish(tale: &Tale, folder: &Path, kept: bool, ended: Result<(), Failure>) -> Result<(), Failure> {
    let report = package::report(folder);
    let removed = match (kept, &report, &ended) {
        (true, _, _) => Ok(()),
        (false, Some(_), Ok(())) => package::keep_alone(folder, remove),
        (false, _, _) => remove(folder),
    };
    ended?;
    removed?;
    if let Some(report) = report {
        tale.say(&format!("The SOC 2 package stays; begin to read it at {}", report.display()))?;
    }
    tale.say(&if kept {
        format!("Everything is in {}; its store is damaged on purpose.", folder.display())
    } else {
        "Everything else is removed; `--keep DIR` keeps it. Next: `deedbook serve --dev`.".to_owned()
    })
}

/// Removes a file or folder, patiently: the engine's own threads may still be writing their last log lines.
fn remove(path: &Path) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
        match removed {
            Ok(()) => return Ok(()),
            Err(error) if tries >= REMOVE_TRIES_MAX => return Err(Failure::file(path, &error)),
            Err(_) => std::thread::sleep(REMOVE_PAUSE),
        }
        tries += 1;
    }
}

/// How much of what a command printed is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// All of it.
    All,
    /// Its result, behind the screen of an earlier step.
    Result,
    /// What it said on the error stream.
    Remarks,
    /// The error that it ended with, behind the screen of an earlier step.
    Error,
    /// Not even the command: it prepares something that needs no explanation.
    Nothing,
}

/// The voice of the demo, and its hands.
struct Tale {
    output: Output,
    step: u32,
    terminal: Terminal,
}

impl Tale {
    /// Begins a step: what happens, and why it matters.
    fn step(&mut self, title: &str, text: &str) -> Result<(), Failure> {
        self.step = self.step.saturating_add(1);
        let heading = self.output.paint(&format!("{}. {title}", self.step), Colour::Bold);
        let step = self.step;
        self.output.either(&format!("\n{heading}\n{text}"), || json!({"step": step, "title": title, "text": text}))
    }

    /// Says what happened.
    fn say(&self, text: &str) -> Result<(), Failure> {
        let step = self.step;
        self.output.either(&indented(text), || json!({"step": step, "result": text}))
    }

    /// Runs a command that must end well.
    fn done(&self, line: &str, part: Part) -> Result<Ran, Failure> {
        self.ended(line, self.terminal.run(line)?, part)
    }

    /// Shows a command that has run and must have ended well.
    fn ended(&self, line: &str, ran: Ran, part: Part) -> Result<Ran, Failure> {
        self.show(line, &ran, part)?;
        if ran.code == Some(0) { Ok(ran) } else { Err(broken(&format!("`{line}` failed: {}", ran.err.trim_end()))) }
    }

    /// Runs a command that a rule must refuse, for this reason.
    fn refused(&self, line: &str, reason: &str) -> Result<(), Failure> {
        let ran = self.terminal.run(line)?;
        self.show(line, &ran, Part::Error)?;
        let so = ran.code == Some(3) && ran.err.contains(&format!("refused by rule {reason}:"));
        if so { Ok(()) } else { Err(broken(&format!("`{line}` was not refused as {reason}"))) }
    }

    /// Runs a check that must find something wrong.
    fn found(&self, line: &str) -> Result<(), Failure> {
        let ran = self.terminal.run(line)?;
        self.show(line, &ran, Part::All)?;
        match ran.code {
            Some(1 | 70) => Ok(()),
            Some(_) | None => Err(broken(&format!("`{line}` found nothing"))),
        }
    }

    fn show(&self, line: &str, ran: &Ran, part: Part) -> Result<(), Failure> {
        let whole = format!("{}{}", ran.out, ran.err);
        let printed = match part {
            Part::All => whole,
            Part::Result => format!("(the screen of step 5, then)\n{}", ran.out),
            Part::Remarks => ran.err.clone(),
            Part::Error => {
                let before = |line: &&str| !line.starts_with("deedbook: ");
                ran.err.lines().skip_while(before).collect::<Vec<&str>>().join("\n")
            }
            Part::Nothing if ran.code == Some(0) => return Ok(()),
            Part::Nothing => whole,
        };
        let step = self.step;
        if self.output.is_json() {
            return self.output.value(&json!({"step": step, "command": line, "exit": ran.code, "printed": printed}));
        }
        self.output.line(&format!("   {}", self.output.paint(&format!("$ {line}"), Colour::Bold)))?;
        if !printed.trim_end().is_empty() {
            self.output.line(&indented(printed.trim_end()))?;
        }
        match ran.code {
            Some(0) => Ok(()),
            Some(code) => self.output.line(&indented(&self.output.paint(&format!("exit status {code}"), Colour::Red))),
            None => self.output.line(&indented("ended by a signal")),
        }
    }
}

/// Text under its step.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("   {line}").trim_end().to_owned()).collect::<Vec<String>>().join("\n")
}

/// A step did not go as it must.
fn broken(what: &str) -> Failure {
    Failure::failed(format!("the demo broke: {what}"), "please report it, with the output above")
}
