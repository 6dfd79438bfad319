//! `deedbook witness`: hands the flags to `app::witness`, and prints the key that others shall trust.

use super::Common;
use super::errors::Failure;
use super::output::{Output, remark};
use crate::app::{self, WitnessConfig, WitnessError};
use clap::Args;
use serde_json::json;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What `witness` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "The folder of --data is this witness's memory, not a ledger's. Keep it for as long as the key \
    is in use: a witness\nthat forgets can be made to cosign a second history.\n\n\
    Examples:\n  deedbook key new --witness --name witness.example/w1 --out witness.key\n  \
    deedbook witness --data ./witness-data --key witness.key --log ledger.vkey --new\n  \
    deedbook witness --data ./witness-data --key witness.key --log ledger.vkey"
)]
pub struct WitnessArguments {
    /// The witness's secret key, made by `deedbook key new --witness`; used for cosigning and nothing else
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Verifier key of a log to witness; may be repeated
    #[arg(long = "log", value_name = "VKEYFILE", required = true)]
    logs: Vec<PathBuf>,
    /// Where it listens
    #[arg(long, value_name = "ADDRESS", env = "DEEDBOOK_WITNESS_LISTEN", default_value = "127.0.0.1:7423")]
    listen: SocketAddr,
    /// Make the folder first: only for a key that never cosigned
    #[arg(long)]
    new: bool,
}

/// Witnesses until a signal or a failure of its memory.
pub fn run(common: &Common, arguments: WitnessArguments, output: Output) -> Result<(), Failure> {
    let config = WitnessConfig {
        folder: common.data.clone(),
        key: arguments.key,
        logs: arguments.logs,
        listen: arguments.listen,
        new: arguments.new,
    };
    let ended = app::witness(&config, |watching| {
        let text = format!("verifier key: {}\nsubmissions:  http://{}/", watching.verifier_key, watching.address);
        let value = || json!({"verifier_key": watching.verifier_key, "address": watching.address.to_string()});
        // It witnesses even when nobody can read its welcome.
        if let Err(failure) = output.either(&text, value) {
            failure.lines().iter().for_each(|lines| remark(lines));
        }
    });
    ended.map_err(|error| match error {
        WitnessError::Key(error) => Failure::from(error),
        WitnessError::Memory => Failure::storage(error.to_string(), ""),
        WitnessError::Address(_) => Failure::usage(error.to_string(), ""),
        WitnessError::State(_) | WitnessError::Start(_) | WitnessError::System(_) => {
            Failure::failed(error.to_string(), "")
        }
    })
}
