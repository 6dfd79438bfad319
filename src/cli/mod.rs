//! The command line: what `deedbook` can be asked to do, one file for each family of commands. It decides nothing
//! that a verifier or a ledger decides; it asks them and shows what they say. docs/CLI.md is its contract.

mod errors;
mod output;
mod progress;
mod files;
mod show;
mod remedy;
mod client;
mod producer;
mod init;
mod serve;
mod usage;
mod witness;
mod glass;
mod key;
mod principal;
mod approve;
mod append;
mod source;
mod review;
mod reconcile;
mod filter;
mod read;
mod subscription;
mod consume;
mod proof;
mod erase;
mod keep;
mod policy;
mod approvals;
mod action;
mod exec;
mod lineage;
mod verify;
mod audit;
mod custody;
mod export;
mod controls;
mod oscal;
mod stage;
mod demo;
mod bench;

use clap::{Args, FromArgMatches, Parser, Subcommand};
use errors::Failure;
use output::{Output, remark};
use std::future::Future;
use std::path::PathBuf;
use std::process::ExitCode;

/// A signed, provable register of what AI agents did, to which data, and under whose approval.
#[derive(Parser, Debug)]
#[command(name = "deedbook", version, propagate_version = true)]
#[command(after_help = "Begin with:\n  deedbook demo          the whole story in a few seconds\n  \
    deedbook serve --dev   a ledger of your own, an export that waits for you, and what to type\n\n\
    Exit status: 0 done, 1 failed or not valid, 2 usage or unreadable, 3 refused by rule, 70 storage failed")]
struct Arguments {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// Keeps them apart from a command's own flags.
const EVERYWHERE: &str = "Flags of every command";

/// Flags that every command takes; each has an environment variable that stands in for it.
#[derive(Args, Debug, Clone)]
pub struct Common {
    /// The server's gRPC address
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "URL", env = "DEEDBOOK_SERVER", default_value = "http://127.0.0.1:7420")]
    pub server: String,
    /// Secret key file that signs what is sent
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE", env = "DEEDBOOK_SIGNER")]
    pub signer: Option<PathBuf>,
    /// The ledger's verifier key, got from somebody you trust
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "FILE", env = "DEEDBOOK_VKEY")]
    pub vkey: Option<PathBuf>,
    /// The ledger's data folder
    #[arg(long, global = true, help_heading = EVERYWHERE, value_name = "DIR", env = "DEEDBOOK_DATA", default_value = "./deedbook-data")]
    pub data: PathBuf,
    /// Print JSON for programs (docs/CLI.md names every field)
    #[arg(long, global = true, help_heading = EVERYWHERE)]
    pub json: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a ledger: its genesis, its keys, its verifier key
    Init(init::InitArguments),
    /// Run the server
    Serve(serve::ServeArguments),
    /// Witness logs: cosign what extends what was cosigned before
    Witness(witness::WitnessArguments),
    /// Make keys, and govern which keys may sign
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// People, agents, services and teams: who they are and what they may
    #[command(subcommand)]
    Principal(principal::PrincipalCommand),
    /// Agree to what waits for you
    Approve(approve::ApproveArguments),
    /// Say no to what waits for you
    Deny(approve::DenyArguments),
    /// Sign events and stream them to the server
    Append(append::AppendArguments),
    /// Say of a source that it is there, alive, missing something, or ended
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// State that you reviewed the log, or who has access
    #[command(subcommand)]
    Review(review::ReviewCommand),
    /// Say what becomes of an exception of a computed test
    #[command(subcommand)]
    Exception(review::ExceptionCommand),
    /// Compare what a source stated with a list that somebody else keeps
    Reconcile(reconcile::ReconcileArguments),
    /// Follow the log
    Tail(read::TailArguments),
    /// Show one event
    Get(read::GetArguments),
    /// List events that match filters
    List(read::ListArguments),
    /// Follow the log from a position that the server keeps
    #[command(subcommand)]
    Subscription(subscription::SubscriptionCommand),
    /// Fetch the newest signed checkpoint
    Checkpoint(proof::CheckpointArguments),
    /// Fetch the receipt of an event: proof that anybody can check offline
    Receipt(proof::ReceiptArguments),
    /// Check that a later checkpoint extends an earlier one
    Consistency(proof::ConsistencyArguments),
    /// Check receipts offline; needs no server
    Verify(verify::VerifyArguments),
    /// Erase bodies for ever, and keep everything that proves
    Erase(erase::EraseArguments),
    /// For how long bodies must be kept, by data class
    #[command(subcommand)]
    Retention(keep::RetentionCommand),
    /// Bodies that must not be erased until further notice
    #[command(subcommand)]
    Hold(keep::HoldCommand),
    /// Check, compare and try out policies, and put them in force
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// Ask before acting, redeem what was granted, report what became of it
    #[command(subcommand)]
    Action(action::ActionCommand),
    /// Run a command once people, or policy, allow it
    Exec(exec::ExecArguments),
    /// What waits for people
    #[command(subcommand)]
    Approvals(approvals::ApprovalsCommand),
    /// Take grants back
    #[command(subcommand)]
    Grant(action::GrantCommand),
    /// Run an action without waiting for people, in an emergency
    BreakGlass(action::BreakGlassArguments),
    /// What led to what: data, models, agents, people, policies, approvals
    #[command(subcommand)]
    Lineage(lineage::LineageCommand),
    /// Recompute everything in a data folder, and judge it; read-only
    Audit(audit::AuditArguments),
    /// Write an evidence package: a period, whole, with every test of it
    Export(export::ExportArguments),
    /// State in the log that a package was taken out
    Custody(custody::CustodyArguments),
    /// How the computed tests stand that run beside the log
    #[command(subcommand)]
    Controls(controls::ControlsCommand),
    /// Documents in OSCAL, which packages hold
    #[command(subcommand)]
    Oscal(oscal::OscalCommand),
    /// The head anchor beside the store
    #[command(subcommand)]
    Anchor(audit::AnchorCommand),
    /// The whole story, end to end, in a folder of its own
    Demo(demo::DemoArguments),
    /// Measure this machine's ceilings and Deedbook beside them, in one run
    Bench(bench::BenchArguments),
}

/// Runs the program and says how it ended.
pub fn main() -> ExitCode {
    let parsed = usage::command().try_get_matches().and_then(|matches| Arguments::from_arg_matches(&matches));
    let arguments = match parsed {
        Ok(arguments) => arguments,
        Err(error) => {
            if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
                let _ = Output::new(true).value(&usage::misread(&error).value());
            }
            // Help goes to standard output with code 0, a wrong command line to the error stream with code 2.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let json = arguments.common.json;
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if json && failure.lines().is_some() {
                // A closed output cannot be told of; the exit code says it too.
                let _ = Output::new(true).value(&failure.value());
            }
            if let Some(lines) = failure.lines() {
                remark(&lines);
            }
            ExitCode::from(failure.status.code())
        }
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    let common = arguments.common;
    let output = Output::new(common.json);
    match arguments.command {
        Command::Init(arguments) => init::run(&common, arguments, output),
        Command::Serve(arguments) => serve::run(&common, arguments, output),
        Command::Witness(arguments) => witness::run(&common, arguments, output),
        Command::Key(command) => key::run(&common, command, output),
        Command::Principal(command) => block_on(principal::run(&common, command, output)),
        Command::Approve(arguments) => block_on(approve::approve(&common, arguments, output)),
        Command::Deny(arguments) => block_on(approve::deny(&common, arguments, output)),
        Command::Append(arguments) => block_on(append::run(&common, arguments, output)),
        Command::Source(command) => block_on(source::run(&common, command, output)),
        Command::Review(command) => block_on(review::review(&common, command, output)),
        Command::Exception(command) => block_on(review::exception(&common, command, output)),
        Command::Reconcile(arguments) => block_on(reconcile::run(&common, arguments, output)),
        Command::Tail(arguments) => block_on(read::tail(&common, arguments, output)),
        Command::Get(arguments) => block_on(read::get(&common, arguments, output)),
        Command::List(arguments) => block_on(read::list(&common, arguments, output)),
        Command::Subscription(command) => subscription::run(&common, command, output),
        Command::Checkpoint(arguments) => block_on(proof::checkpoint(&common, arguments, output)),
        Command::Receipt(arguments) => block_on(proof::receipt(&common, arguments, output)),
        Command::Consistency(arguments) => block_on(proof::consistency(&common, arguments, output)),
        Command::Verify(arguments) => verify::run(&common, arguments, output),
        Command::Erase(arguments) => block_on(erase::run(&common, arguments, output)),
        Command::Retention(command) => block_on(keep::retention(&common, command, output)),
        Command::Hold(command) => block_on(keep::hold(&common, command, output)),
        Command::Policy(command) => policy::run(&common, command, output),
        Command::Action(command) => action::run(&common, command, output),
        Command::Exec(arguments) => exec::run(&common, &arguments, output),
        Command::Approvals(command) => approvals::run(&common, command, output),
        Command::Grant(command) => action::grant(&common, command, output),
        Command::BreakGlass(arguments) => action::break_glass(&common, arguments, output),
        Command::Lineage(command) => lineage::run(&common, command, output),
        Command::Audit(arguments) => audit::run(&common, arguments, output),
        Command::Export(arguments) => export::run(&common, &arguments, output),
        Command::Custody(arguments) => custody::run(&common, &arguments, output),
        Command::Controls(command) => controls::run(&common, command, output),
        Command::Oscal(command) => oscal::run(command, output),
        Command::Anchor(command) => audit::anchor(&common, command, output),
        Command::Demo(arguments) => demo::run(arguments, output),
        Command::Bench(arguments) => bench::run(&arguments, output),
    }
}

/// Runs a command that talks to the server, on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    drive(&mut tokio::runtime::Builder::new_current_thread(), work)
}

/// The same with one more thread, which receives while the work computes.
fn block_on_beside<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    drive(tokio::runtime::Builder::new_multi_thread().worker_threads(1), work)
}

fn drive<T>(
    builder: &mut tokio::runtime::Builder,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let runtime = builder.enable_all().build().map_err(|error| no_runtime(&error))?;
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

fn no_runtime(error: &std::io::Error) -> Failure {
    Failure::failed(format!("no threads or sockets: {error}"), "check ulimit -n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definition_is_sound_and_every_command_shows_an_example() {
        let command = Arguments::command();
        command.clone().debug_assert();
        check_examples(&command, "deedbook");
    }

    fn check_examples(command: &clap::Command, path: &str) {
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name());
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let leaf = command.get_subcommands().count() == 0;
            assert!(!leaf || help.contains(path.as_str()), "{path} shows no example");
            check_examples(command, &path);
        }
    }

    /// Every command and long flag of a command tree.
    fn words(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        for flag in command.get_arguments().filter_map(clap::Arg::get_long).filter(|flag| *flag != "help") {
            found.push(format!("--{flag}"));
        }
        for command in command.get_subcommands() {
            let path = format!("{path} {}", command.get_name());
            found.push(path.clone());
            words(command, &path, found);
        }
    }

    #[test]
    fn the_document_names_every_command_flag_and_fact() {
        let document = include_str!("../../docs/CLI.md");
        let mut wanted = Vec::new();
        words(&Arguments::command(), "deedbook", &mut wanted);
        wanted.extend(crate::record::line::LINE_NAMES.iter().map(|name| format!("| `{name}` |")));
        wanted.extend(crate::record::line::FACT_NAMES.iter().map(|name| format!("| `{name}` |")));
        let missing: Vec<&String> = wanted.iter().filter(|word| !document.contains(word.as_str())).collect();
        assert!(missing.is_empty(), "docs/CLI.md lacks {missing:?}");
        let section = document.split("## Facts of an event line").nth(1).and_then(|rest| rest.split("\n## ").next());
        let rows = section.unwrap_or_default().lines().filter_map(|line| line.strip_prefix("| `"));
        for name in rows.filter_map(|row| row.split('`').next()) {
            assert!(
                crate::record::line::FACT_NAMES.contains(&name),
                "docs/CLI.md names `{name}`, the program does not"
            );
        }
    }

    /// The sources that print JSON. Members stand in them as `"name": value` or `put("name", value)`.
    const JSON_SOURCES: &[&str] = &[
        include_str!("append.rs"),
        include_str!("approvals/screen.rs"),
        include_str!("audit.rs"),
        include_str!("bench.rs"),
        include_str!("controls.rs"),
        include_str!("controls/creep.rs"),
        include_str!("custody.rs"),
        include_str!("demo.rs"),
        include_str!("erase.rs"),
        include_str!("init.rs"),
        include_str!("keep.rs"),
        include_str!("lineage/export/openlineage.rs"),
        include_str!("key.rs"),
        include_str!("principal.rs"),
        include_str!("approve.rs"),
        include_str!("oscal.rs"),
        include_str!("policy.rs"),
        include_str!("policy/published.rs"),
        include_str!("proof.rs"),
        include_str!("serve/dev.rs"),
        include_str!("reconcile.rs"),
        include_str!("review.rs"),
        include_str!("show.rs"),
        include_str!("show/evidence.rs"),
        include_str!("source.rs"),
        include_str!("subscription.rs"),
        include_str!("verify.rs"),
        include_str!("witness.rs"),
    ];

    #[test]
    fn the_document_names_every_member_of_every_json_shape() {
        let document = include_str!("../../docs/CLI.md");
        let mut found = 0;
        for text in JSON_SOURCES {
            let members = text.match_indices("\": ").map(|(at, _)| text.get(..at).unwrap_or_default());
            let members = members.filter_map(|before| before.rsplit('"').next());
            let put = text.split("put(\"").skip(1).filter_map(|behind| behind.split('"').next());
            for name in members.chain(put) {
                if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
                    found += 1;
                    assert!(document.contains(&format!("`{name}`")), "docs/CLI.md does not name `{name}`");
                }
            }
        }
        assert!(found > 80, "only {found} members were found");
    }
}
