//! `deedbook verify`: receipts and proofs of lineage judged offline by `deedbook_verify`. It opens no connection and no data folder.

mod lineage;

use super::Common;
use super::errors::{Failure, Status};
use super::files;
use super::output::{Colour, Output, counted, escape_line, read_bounded, remark};
use crate::record::line::time;
use clap::Args;
use deedbook_verify::judge::{BodyState, Enroller, Verified, Witnessing, verify_receipt, verify_witnessed};
use deedbook_verify::limits;
use deedbook_verify::lineage::{BUNDLE_HEADER, LineageRefusal, LineageShown, verify_lineage, verify_lineage_witnessed};
use deedbook_verify::note::{NoteRefusal, VerifierKey, signers};
use deedbook_verify::policy::Policy;
use deedbook_verify::receipt::{Finding, ReceiptRefusal};
use deedbook_verify::witnessed::Cosigned;
use deedbook_verify::words::Micros;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What `verify` takes.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  deedbook verify --vkey ledger.vkey export-17.tlog-proof\n  \
    deedbook verify --policy auditors.policy export-17.tlog-proof")]
pub struct VerifyArguments {
    /// Witness policy (C2SP tlog-policy), got from somebody you trust: names the ledger, its witnesses and the quorum
    #[arg(long, value_name = "FILE", env = "DEEDBOOK_POLICY")]
    policy: Option<PathBuf>,
    /// Receipts (.tlog-proof), and proofs of lineage as `deedbook lineage … --proof` writes them
    #[arg(required = true, value_name = "FILE")]
    receipts: Vec<PathBuf>,
}

/// Judges each receipt; the exit code is 0 only when all are valid. A file that cannot be read is named, and does not
/// keep the others from being judged.
pub fn run(common: &Common, arguments: VerifyArguments, output: Output) -> Result<(), Failure> {
    let trust = Trust::of(common, arguments.policy.as_deref())?;
    let trusted = arguments.policy.as_ref().or(common.vkey.as_ref());
    let trusted = trusted.map(|path| path.display().to_string()).unwrap_or_default();
    let (mut refused, mut unread) = (false, false);
    for path in &arguments.receipts {
        let name = path.display().to_string();
        let bytes = match read_bounded(path, limits::RECEIPT_BYTES_MAX.max(limits::BUNDLE_BYTES_MAX)) {
            Ok(bytes) => bytes,
            Err(failure) => {
                // The others are judged all the same.
                unread = true;
                show_unread(&name, &failure, output)?;
                continue;
            }
        };
        if bytes.starts_with(BUNDLE_HEADER) {
            refused |= !judge_lineage(&trust, (&name, &trusted), &bytes, output)?;
            continue;
        }
        match trust.judge(&bytes) {
            Ok(verified) => show(&name, &verified, output)?,
            Err(refusal) => {
                refused = true;
                show_refusal(&name, &refusal, output)?;
                if let Some(hint) = trust.hint(&bytes, &refusal) {
                    remark(&format!("next: {hint}"));
                }
            }
        }
    }
    match (refused, unread) {
        (true, _) => Err(Failure::silent(Status::Failed)),
        (false, true) => Err(Failure::silent(Status::Usage)),
        (false, false) => Ok(()),
    }
}

/// What the caller trusts.
enum Trust {
    Key(VerifierKey),
    Policy(Policy),
}

impl Trust {
    /// With a policy, no verifier key is needed; if one is given too, it alone counts as the ledger's.
    fn of(common: &Common, policy: Option<&Path>) -> Result<Trust, Failure> {
        let Some(path) = policy else { return Ok(Trust::Key(files::verifier_key(common)?)) };
        let policy = files::policy(path)?;
        let Some(key) = &common.vkey else { return Ok(Trust::Policy(policy)) };
        let narrowed = policy.for_log(&files::verifier_key_at(key)?).map(Trust::Policy);
        narrowed.ok_or_else(|| {
            let message = format!("{}: the policy does not list {} as a log", path.display(), key.display());
            Failure::usage(message, "leave `--vkey` (or DEEDBOOK_VKEY) out, or take the policy of that ledger")
        })
    }

    fn judge(&self, receipt: &[u8]) -> Result<Verified, ReceiptRefusal> {
        match self {
            Trust::Key(key) => verify_receipt(receipt, key),
            Trust::Policy(policy) => verify_witnessed(receipt, policy),
        }
    }

    fn judge_lineage(&self, bundle: &[u8]) -> Result<LineageShown, LineageRefusal> {
        match self {
            Trust::Key(key) => verify_lineage(bundle, key),
            Trust::Policy(policy) => verify_lineage_witnessed(bundle, policy),
        }
    }

    /// What a person may have mixed up, where the refusal looks like it.
    fn hint(&self, bytes: &[u8], refusal: &ReceiptRefusal) -> Option<String> {
        if files::is_checkpoint(bytes) {
            return Some("this is a checkpoint; `deedbook consistency` compares two of them".to_owned());
        }
        match (self, &refusal.found) {
            (Trust::Key(key), Finding::Note(NoteRefusal::NoKnownSignature)) => Some(other_key(key, bytes)),
            _ => None,
        }
    }
}

/// Judges a proof of lineage, and says so; whether it is valid.
fn judge_lineage(trust: &Trust, (name, trusted): (&str, &str), bytes: &[u8], output: Output) -> Result<bool, Failure> {
    match trust.judge_lineage(bytes) {
        Ok(shown) => lineage::show(name, trusted, &shown, output).map(|()| true),
        Err(refusal) => {
            lineage::show_refusal(name, &refusal, output)?;
            if let (Trust::Key(key), LineageRefusal::Checkpoint(NoteRefusal::NoKnownSignature)) = (trust, &refusal) {
                remark(&format!("next: {}", other_key(key, bytes)));
            }
            Ok(false)
        }
    }
}

/// What to do when a note or receipt has no signature by the key that was given: the key may be a producer's, or of
/// another ledger. The note itself says whose it claims to be.
pub fn other_key(key: &VerifierKey, bytes: &[u8]) -> String {
    let names = signers(bytes);
    match names.first() {
        Some(name) if !names.iter().any(|name| name == key.name()) => format!(
            "the key given is `{}`, the signature is by `{name}`: take the ledger.vkey of `{name}` from somebody you trust",
            key.name()
        ),
        Some(_) | None => "check that the verifier key is this ledger's, got from somebody you trust".to_owned(),
    }
}

/// A file that could not be read is no receipt, and said to be none.
fn show_unread(name: &str, failure: &Failure, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output
            .value(&json!({"file": name, "valid": false, "check": "readable", "message": failure.message.clone()}));
    }
    failure.lines().iter().for_each(|lines| remark(lines));
    Ok(())
}

/// Says what a receipt proves, and what it cannot show.
pub fn show(name: &str, verified: &Verified, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&value(name, verified));
    }
    output.line(&format!("{}: {}", escape_line(name), output.paint("valid", Colour::Green)))?;
    let mut pairs = vec![
        ("ledger", verified.ledger.to_string()),
        ("tree", format!("{}, root {}", counted(verified.head.size.0, "entry", "entries"), verified.head.root)),
        ("entry", format!("{} at index {}", verified.kind.name(), verified.index)),
        ("received", format!("{}, by the server's clock", time::show(verified.received))),
        ("signed", format!("by key {}, {}", verified.signer, enroller(&verified.enroller))),
        ("body", body(verified.body)),
    ];
    if let Some(export) = &verified.exported {
        let disclosed = counted(export.disclosed, "body", "bodies");
        let (first, end, who) = (export.interval.first, export.interval.end, export.actor.who);
        pairs.push(("package", format!("package_digest {}, BLAKE3 of its manifest-sha256.txt", export.package)));
        pairs.push(("", format!("interval {first} to {end}, {disclosed} disclosed, taken out by {who}")));
    }
    pairs.extend(witness_pairs(&verified.witnessing));
    pairs.extend(verified.limits().into_iter().map(|limit| ("note", limit.to_owned())));
    pairs.extend(verified.ignored.iter().map(|name| ("ignored", format!("signature line of {name}"))));
    output.pairs(&pairs)
}

/// Says which check a receipt failed.
pub fn show_refusal(name: &str, refusal: &ReceiptRefusal, output: Output) -> Result<(), Failure> {
    let text = format!("{}: {}: {refusal}", escape_line(name), output.paint("NOT VALID", Colour::Red));
    output.either(&text, || refusal_value(name, refusal))
}

/// The JSON object of a receipt that is not valid.
pub fn refusal_value(name: &str, refusal: &ReceiptRefusal) -> Value {
    json!({"file": name, "valid": false, "check": refusal.check.name(), "message": refusal.to_string()})
}

/// The JSON object of a valid receipt.
pub fn value(name: &str, verified: &Verified) -> Value {
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
        "package_digest": verified.exported.map(|export| export.package.to_string()),
        "witnesses": witnesses(&verified.witnessing),
        "limits": verified.limits(),
        "ignored": verified.ignored,
    })
}

/// Who cosigned, for people; none where no policy asked.
fn witness_pairs(witnessing: &Witnessing) -> Vec<(&'static str, String)> {
    let Witnessing::Met(cosigned) = witnessing else { return Vec::new() };
    let text = |by: &Cosigned| format!("{} ({}) at {}, by its own clock", by.witness, by.key_name, at(by));
    cosigned.iter().map(|by| ("witness", escape_line(&text(by)))).collect()
}

/// The same for programs.
fn witnesses(witnessing: &Witnessing) -> Value {
    match witnessing {
        Witnessing::NotAsked => Value::Null,
        Witnessing::Met(cosigned) => {
            cosigned.iter().map(|by| json!({"witness": by.witness, "key_name": by.key_name, "time": at(by)})).collect()
        }
    }
}

/// A time beyond the calendar is shown as a number of microseconds.
fn at(by: &Cosigned) -> String {
    time::show(Micros(by.time.0.saturating_mul(1_000_000)))
}

fn enroller(enroller: &Enroller) -> String {
    match enroller {
        Enroller::Genesis => "named by genesis".to_owned(),
        Enroller::Administrator(id) => format!("enrolled by genesis administrator {id}"),
        Enroller::SecondNotShown(id) => format!("enrollment asked for by genesis administrator {id}"),
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
