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
#[command(after_help = "Example:\n  deedbook init --data ./deedbook-data --origin ledger.example.com/prod\n  \
    deedbook init --origin ledger.example.com/prod --admin ann.key.pub --admin bob.key.pub --reviewer rita=rita.key.pub\n\n\
    With two administrators nobody governs alone, from the first entry on.")]
pub struct InitArguments {
    /// The ledger's name in checkpoints: unique, without spaces or `+`
    #[arg(long, value_name = "NAME")]
    origin: String,
    /// Public key of a first administrator; may be repeated. Without any, DIR/keys/admin.key is made
    #[arg(long = "admin", value_name = "A.pub")]
    admins: Vec<PathBuf>,
    /// Id and public key of a first reviewer; may be repeated. Nobody is administrator and reviewer
    #[arg(long = "reviewer", value_name = "ID=R.pub")]
    reviewers: Vec<String>,
}

/// Makes the ledger.
pub fn run(common: &Common, arguments: InitArguments, output: Output) -> Result<(), Failure> {
    let admins: Result<Vec<VerifierKey>, _> = arguments.admins.iter().map(|path| record::load_public(path)).collect();
    let dir = DataDir::new(&common.data);
    let reviewers: Result<Vec<(String, VerifierKey)>, Failure> = arguments.reviewers.iter().map(reviewer).collect();
    let made = ledger::init_with(&dir, &arguments.origin, (&admins?, &reviewers?), &Clock::system())?;
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

/// `ID=FILE`
fn reviewer(text: &String) -> Result<(String, VerifierKey), Failure> {
    match text.split_once('=') {
        Some((id, file)) if !id.is_empty() => Ok((id.to_owned(), record::load_public(file.as_ref())?)),
        Some(_) | None => Err(Failure::usage(
            format!("`--reviewer {text}` is not ID=FILE"),
            "write it like --reviewer ann=ann.key.pub",
        )),
    }
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
