//! The command line as a whole: how its usage lines read, and what programs are told of a wrong one. It runs nothing.

use super::Arguments;
use super::errors::Failure;
use clap::CommandFactory as _;

/// A command line that is wrong, for programs: its first line, which names the flag or word.
pub fn misread(error: &clap::Error) -> Failure {
    let text = error.to_string();
    let problem = text.lines().next().unwrap_or_default();
    Failure::usage(problem.strip_prefix("error: ").unwrap_or(problem), "see --help of the command")
}

/// The command line. Each usage line is fixed beforehand: one made after an error would name every flag whose environment
/// variable is set, as if it were required.
pub fn command() -> clap::Command {
    let mut command = Arguments::command();
    command.build();
    fix_usage(&mut command);
    command
}

fn fix_usage(command: &mut clap::Command) {
    for inner in command.get_subcommands_mut() {
        fix_usage(inner);
        let usage = inner.render_usage().to_string();
        let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage).to_owned();
        *inner = std::mem::take(inner).override_usage(usage);
    }
}
