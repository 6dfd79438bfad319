//! `deedbook verify`: receipts judged offline by `deedbook_verify`. It opens no connection and no data folder.

use super::Common;
use super::errors::{Failure, Status};
use super::files;
use super::output::{Colour, Output, escape_line, read_bounded};
use crate::record::line::time;
use clap::Args;
use deedbook_verify::judge::{BodyState, Enroller, Verified, verify_receipt};
use deedbook_verify::limits;
use deedbook_verify::receipt::ReceiptRefusal;
use serde_json::{Value, json};
use std::path::PathBuf;

/// What `verify` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook verify --vkey ledger.vkey export-17.tlog-proof")]
pub struct VerifyArguments {
    /// Receipt files (.tlog-proof)
    #[arg(required = true, value_name = "RECEIPT")]
    receipts: Vec<PathBuf>,
}

/// Judges each receipt; the exit code is 0 only when all are valid.
pub fn run(common: &Common, arguments: VerifyArguments, output: Output) -> Result<(), Failure> {
    let key = files::verifier_key(common)?;
    let mut all_valid = true;
    for path in &arguments.receipts {
        let name = path.display().to_string();
        let bytes = read_bounded(path, limits::RECEIPT_BYTES_MAX)?;
        match verify_receipt(&bytes, &key) {
            Ok(verified) => show(&name, &verified, output)?,
            Err(refusal) => {
                all_valid = false;
                show_refusal(&name, &refusal, output)?;
            }
        }
    }
    if all_valid { Ok(()) } else { Err(Failure::silent(Status::Failed)) }
}

/// Says what a receipt proves, and what it cannot show.
pub fn show(name: &str, verified: &Verified, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&value(name, verified));
    }
    output.line(&format!("{}: {}", escape_line(name), output.paint("valid", Colour::Green)))?;
    let mut pairs = vec![
        ("ledger", verified.ledger.to_string()),
        ("tree", format!("{} entries, root {}", verified.head.size, verified.head.root)),
        ("entry", format!("{} at index {}", verified.kind.name(), verified.index)),
        ("received", format!("{}, by the server's clock", time::show(verified.received))),
        ("signed", format!("by key {}, {}", verified.signer, enroller(&verified.enroller))),
        ("body", body(verified.body)),
    ];
    pairs.extend(verified.limits().into_iter().map(|limit| ("note", limit.to_owned())));
    pairs.extend(verified.ignored.iter().map(|name| ("ignored", format!("signature line of {name}"))));
    output.pairs(&pairs)
}

/// Says which check a receipt failed.
pub fn show_refusal(name: &str, refusal: &ReceiptRefusal, output: Output) -> Result<(), Failure> {
    let text = format!("{}: {}: {refusal}", escape_line(name), output.paint("NOT VALID", Colour::Red));
    let value = || json!({"file": name, "valid": false, "check": refusal.check.name(), "message": refusal.to_string()});
    output.either(&text, value)
}

fn value(name: &str, verified: &Verified) -> Value {
    let state = match verified.body {
        BodyState::Disclosed(_) => "disclosed",
        BodyState::Redacted => "redacted",
        BodyState::None => "none",
    };
    json!({
        "file": name,
        "valid": true,
        "ledger": verified.ledger.to_string(),
        "tree_size": verified.head.size.0,
        "root": verified.head.root.to_string(),
        "index": verified.index.0,
        "kind": verified.kind.name(),
        "received": time::show(verified.received),
        "signer": verified.signer.to_string(),
        "enroller": enroller(&verified.enroller),
        "body": state,
        "limits": verified.limits(),
        "ignored": verified.ignored,
    })
}

fn enroller(enroller: &Enroller) -> String {
    match enroller {
        Enroller::Genesis => "named by genesis".to_owned(),
        Enroller::Administrator(id) => format!("enrolled by genesis administrator {id}"),
        Enroller::NotShown(id) => format!("enrolled under key {id}"),
    }
}

fn body(state: BodyState) -> String {
    match state {
        BodyState::Disclosed(length) => format!("{length} bytes, opens its commitment"),
        BodyState::Redacted => "redacted".to_owned(),
        BodyState::None => "none".to_owned(),
    }
}
