//! `deedbook init`: a ledger is born. What genesis holds is decided by `ledger::init`; this shows what it made.

use super::Common;
use super::errors::Failure;
use super::output::Output;
use crate::clock::Clock;
use crate::ledger::{self, DataDir, InitError};
use crate::record;
use clap::Args;
use deedbook_verify::note::VerifierKey;
use serde_json::json;
use std::path::PathBuf;

/// What `init` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook init --data ./deedbook-data --origin ledger.example.com/prod")]
pub struct InitArguments {
    /// The ledger's name in checkpoints: unique, without spaces or `+`
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// Public key of a first administrator; may be repeated. Without any, DIR/keys/admin.key is made
    #[arg(long = "admin", value_name = "A.pub")]
    admins: Vec<PathBuf>,
}

/// Makes the ledger.
pub fn run(common: &Common, arguments: InitArguments, output: Output) -> Result<(), Failure> {
    let admins: Result<Vec<VerifierKey>, _> = arguments.admins.iter().map(|path| record::load_public(path)).collect();
    let dir = DataDir::new(&common.data);
    let made = ledger::init(&dir, &arguments.origin, &admins?, &Clock::system())?;
    let vkey = dir.verifier_key();
    if output.is_json() {
        return output.value(&json!({
            "ledger_id": made.ledger.to_string(),
            "origin": arguments.origin,
            "verifier_key": made.verifier_key.to_string(),
            "verifier_key_file": vkey.display().to_string(),
        }));
    }
    output.line(&format!("made ledger {} in {}", arguments.origin, common.data.display()))?;
    output.pairs(&[
        ("ledger id", made.ledger.to_string()),
        ("verifier key", format!("{} (give it to everybody who verifies)", vkey.display())),
        ("secret keys", format!("{} (back them up; nobody else may read them)", dir.keys().display())),
    ])?;
    output.line(&format!("next: deedbook serve --data {}", common.data.display()))
}

impl From<InitError> for Failure {
    fn from(error: InitError) -> Failure {
        let message = error.to_string();
        match error {
            InitError::LedgerThere(_)
            | InitError::NotEmpty(_)
            | InitError::Origin(_)
            | InitError::Administrator(_)
            | InitError::Io { .. } => Failure::usage(message, ""),
            InitError::Key(error) => Failure::from(error),
            InitError::Build(_) | InitError::Genesis(_) => Failure::failed(message, ""),
            InitError::Store(_) | InitError::Anchor(_) => Failure::storage(message, ""),
        }
    }
}
