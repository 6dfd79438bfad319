//! Progress of long work, on the error stream, only for a person at a terminal and only when it lasts. It never
//! writes to standard output.

use crate::clock::Stopwatch;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

/// Work that is over sooner shows nothing.
const QUIET_SECONDS: f64 = 2.0;

/// Progress of one piece of work.
pub struct Progress {
    bar: Option<ProgressBar>,
    stopwatch: Stopwatch,
    terminal: bool,
    unit: &'static str,
}

impl Progress {
    /// Begins; nothing is shown yet.
    pub fn start(unit: &'static str) -> Progress {
        let terminal = std::io::stderr().is_terminal();
        Progress { bar: None, stopwatch: Stopwatch::start(), terminal, unit }
    }

    /// States how far it is; a total of 0 means that nobody knows.
    pub fn set(&mut self, done: u64, total: u64) {
        if !self.terminal || (self.bar.is_none() && self.stopwatch.seconds() < QUIET_SECONDS) {
            return;
        }
        let unit = self.unit;
        let bar = self.bar.get_or_insert_with(|| bar(unit));
        if total > 0 {
            bar.set_length(total);
        }
        bar.set_position(done);
    }

    /// Whether a person can see it.
    pub fn is_visible(&self) -> bool {
        self.terminal
    }

    /// Says what is going on, such as waiting for the server; shown at once.
    pub fn say(&mut self, text: &str) {
        if self.terminal {
            let unit = self.unit;
            self.bar.get_or_insert_with(|| bar(unit)).set_message(text.to_owned());
        }
    }

    /// Wipes the bar, so that remarks and results stand alone.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn bar(unit: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length();
    let template = format!("{{spinner}} {{human_pos}} of {{human_len}} {unit}  {{per_sec}}  {{wide_msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
