//! `deedbook demo`: the whole story in one run, told to a newcomer. Every step does the real thing, over gRPC and
//! with the verifier's own code, and a step that does not do what it says ends the demo with an error.

mod events;
mod steps;
mod tamper;

use super::errors::Failure;
use super::output::{Colour, Output};
use crate::app;
use crate::record::entropy;
use clap::Args;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Duration;

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

/// How often the folder's removal is tried again.
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
    let mut tale = Tale { output, step: 0 };
    let runtime = app::runtime().map_err(|error| super::no_runtime(&error))?;
    let ended = runtime.block_on(steps::tell(&mut tale, &folder, arguments.openlineage.or(fixture)));
    runtime.shutdown_background();
    finish(&tale, &folder, kept, ended)
}

fn finish(tale: &Tale, folder: &Path, kept: bool, ended: Result<(), Failure>) -> Result<(), Failure> {
    let removed = if kept { Ok(()) } else { remove(folder) };
    ended?;
    removed?;
    tale.say(&if kept {
        format!("Everything is in {}; its store is damaged on purpose.", folder.display())
    } else {
        "The folder is removed; `--keep DIR` keeps it. Next: `deedbook serve --dev`.".to_owned()
    })
}

/// Removes the folder, patiently: the engine's own threads may still be writing their last log lines.
fn remove(folder: &Path) -> Result<(), Failure> {
    let mut tries = 0;
    loop {
        match std::fs::remove_dir_all(folder) {
            Ok(()) => return Ok(()),
            Err(error) if tries >= REMOVE_TRIES_MAX => return Err(Failure::file(folder, &error)),
            Err(_) => std::thread::sleep(REMOVE_PAUSE),
        }
        tries += 1;
    }
}

/// The voice of the demo.
struct Tale {
    output: Output,
    step: u32,
}

impl Tale {
    /// Begins a step.
    fn step(&mut self, title: &str, text: &str) -> Result<(), Failure> {
        self.step = self.step.saturating_add(1);
        let heading = self.output.paint(&format!("{}. {title}", self.step), Colour::Bold);
        let step = self.step;
        self.output.either(&format!("\n{heading}\n{text}"), || json!({"step": step, "title": title, "text": text}))
    }

    /// Says what happened.
    fn say(&self, text: &str) -> Result<(), Failure> {
        let step = self.step;
        self.output.either(&format!("   {}", text.replace('\n', "\n   ")), || json!({"step": step, "result": text}))
    }
}

impl Tale {
    /// Shows a result as its command would; programs get it as one object under the step.
    fn show(
        &self,
        show: impl FnOnce(Output) -> Result<(), Failure>,
        value: impl FnOnce() -> serde_json::Value,
    ) -> Result<(), Failure> {
        if self.output.is_json() {
            return self.output.value(&json!({"step": self.step, "result": value()}));
        }
        show(self.output)
    }
}

/// A step did not do what it says.
fn broken(what: &str) -> Failure {
    Failure::failed(format!("the demo broke: {what}"), "please report it, with the output above")
}
