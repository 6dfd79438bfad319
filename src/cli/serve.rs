//! `deedbook serve`: hands the flags to `app::serve`. With `--dev` it sets a stage for a newcomer, and prints what to
//! paste next.

mod dev;

use super::errors::{Failure, Status};
use super::output::{Output, remark};
use super::{Common, files};
use crate::app::{self, ServeConfig, WitnessedBy};
use crate::ledger::{DataDir, Reach, Schedule};
use crate::limits::{
    LINEAGE_BYTES_DEFAULT, LINEAGE_MIB_MAX, TESTS_AFTER_START, TESTS_EVERY_HOURS_DEFAULT, TESTS_EVERY_HOURS_MAX,
    TESTS_OVER_DAYS_DEFAULT, TESTS_OVER_DAYS_MAX,
};
use clap::Args;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What `serve` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  deedbook serve --dev\n  deedbook serve --data /var/lib/deedbook\n\n\
    DEEDBOOK_LOG filters the log, such as DEEDBOOK_LOG=deedbook=debug.")]
pub struct ServeArguments {
    /// Make a ledger, an agent and people on the first start, and print what to type next
    #[arg(long)]
    dev: bool,
    /// Open although the wall clock stands behind the log; the log says so for ever
    #[arg(long)]
    accept_clock: bool,
    /// A further head anchor's folder, on another volume (`deedbook anchor add` makes it); may be repeated
    #[arg(long = "anchor", value_name = "DIR")]
    anchors: Vec<PathBuf>,
    /// Have checkpoints cosigned by the witnesses of this C2SP tlog-policy, whose lines have URLs
    #[arg(long, value_name = "FILE", env = "DEEDBOOK_WITNESS_POLICY")]
    witness_policy: Option<PathBuf>,
    /// Refuse to start unless the witnesses that answer make up the policy's quorum
    #[arg(long, requires = "witness_policy")]
    require_witness: bool,
    /// Memory for the lineage graph in MiB, and as much again for the keys of its nodes
    #[arg(long, value_name = "MIB", env = "DEEDBOOK_LINEAGE_MIB", default_value_t = LINEAGE_BYTES_DEFAULT >> 20,
        value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=LINEAGE_MIB_MAX as u64))]
    lineage_mib: usize,
    /// Hours from one run of the computed tests to the next; 0: they run when somebody asks
    #[arg(long, value_name = "HOURS", env = "DEEDBOOK_TESTS_EVERY_HOURS", default_value_t = TESTS_EVERY_HOURS_DEFAULT,
        value_parser = clap::value_parser!(u16).range(0..=i64::from(TESTS_EVERY_HOURS_MAX)))]
    tests_every_hours: u16,
    /// Days that a run of the tests looks back
    #[arg(long, value_name = "DAYS", env = "DEEDBOOK_TESTS_OVER_DAYS", default_value_t = TESTS_OVER_DAYS_DEFAULT,
        value_parser = clap::value_parser!(u16).range(1..=i64::from(TESTS_OVER_DAYS_MAX)))]
    tests_over_days: u16,
    /// Where gRPC listens
    #[arg(long, value_name = "ADDRESS", env = "DEEDBOOK_LISTEN", default_value = "127.0.0.1:7420")]
    listen: SocketAddr,
    /// Where HTTP listens: health and metrics
    #[arg(long, value_name = "ADDRESS", env = "DEEDBOOK_HTTP", default_value = "127.0.0.1:7421")]
    http: SocketAddr,
}

fn schedule(every_hours: u16, over_days: u16) -> Option<Schedule> {
    let every = Duration::from_secs(u64::from(every_hours).saturating_mul(3_600));
    let reach = Reach { days: over_days, ..Reach::default() };
    (every_hours > 0).then_some(Schedule { every, after_start: TESTS_AFTER_START, reach })
}

/// Serves until a signal or a failure of the store.
pub fn run(common: &Common, arguments: ServeArguments, output: Output) -> Result<(), Failure> {
    let data = DataDir::new(&common.data);
    let prepared = if arguments.dev { Some(dev::prepare(&data)?) } else { None };
    if !data.verifier_key().exists() {
        let message = format!("there is no ledger at {}", common.data.display());
        let next = "make one with `deedbook init --data DIR --origin NAME`, or try `deedbook serve --dev`";
        return Err(Failure::usage(message, next));
    }
    let witnesses = match &arguments.witness_policy {
        None => None,
        Some(path) => Some(WitnessedBy { policy: files::policy(path)?, require: arguments.require_witness }),
    };
    let config = ServeConfig {
        data,
        listen: arguments.listen,
        http: arguments.http,
        accept_clock: arguments.accept_clock,
        anchors: arguments.anchors,
        witnesses,
        lineage_bytes_max: arguments.lineage_mib << 20,
        tests: schedule(arguments.tests_every_hours, arguments.tests_over_days),
    };
    let code = app::serve(&config, |addresses| {
        let Some(prepared) = prepared else { return };
        let addresses = addresses.clone();
        tokio::spawn(async move {
            // The server goes on even when its welcome does not.
            if let Err(failure) = prepared.welcome(addresses, output).await {
                failure.lines().iter().for_each(|lines| remark(lines));
            }
        });
    });
    match code {
        0 => Ok(()),
        2 => Err(Failure::silent(Status::Usage)),
        3 => Err(Failure::silent(Status::Refused)),
        70 => Err(Failure::silent(Status::Storage)),
        _ => Err(Failure::silent(Status::Failed)),
    }
}
