//! Checkpoints, receipts and consistency: fetched from the server, written as they came, and, where the verifier key
//! is known, judged here before anything is called good.

use super::client::{Client, Witnessed};
use super::errors::{Failure, Status};
use super::output::{Colour, Output, remark, write_new};
use super::producer::word;
use super::{Common, files, show, verify};
use crate::api::proto;
use clap::Args;
use deedbook_verify::judge::verify_receipt;
use deedbook_verify::note::{Checkpoint, NoteRefusal, VerifierKey, open_checkpoint};
use deedbook_verify::receipt::Finding;
use deedbook_verify::tree::{ConsistencyProof, TreeHead};
use deedbook_verify::words::Hash;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What `checkpoint` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook checkpoint --vkey ledger.vkey --out monday.checkpoint")]
pub struct CheckpointArguments {
    /// The newest that meets the server's witness policy, instead of the newest
    #[arg(long)]
    witnessed: bool,
    /// Write it to this file; never overwrites
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Fetches the newest checkpoint.
pub async fn checkpoint(common: &Common, arguments: CheckpointArguments, output: Output) -> Result<(), Failure> {
    let note = Client::connect(common).await?.checkpoint(Witnessed(arguments.witnessed)).await?;
    let verified = match &common.vkey {
        Some(path) => Some(open(&note, &files::verifier_key_at(path)?, "the server's checkpoint")?),
        None => None,
    };
    if let Some(path) = &arguments.out {
        write_new(path, &note)?;
    }
    let text = String::from_utf8_lossy(&note).into_owned();
    match &arguments.out {
        _ if output.is_json() => output.value(&json!({
            "note": text,
            "verified": verified.is_some(),
            "tree_size": verified.as_ref().map(|head| head.size.0),
            "root": verified.as_ref().map(|head| head.root.to_string()),
        })),
        Some(path) => output.line(&format!("wrote {}{}", path.display(), signed(verified.as_ref()))),
        None => output.bytes(&note),
    }
}

fn signed(head: Option<&TreeHead>) -> String {
    match head {
        Some(head) => format!(": {} entries, signature valid", head.size),
        None => ", signature not checked (add --vkey)".to_owned(),
    }
}

/// What `receipt` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook receipt 17 --out export-17.tlog-proof")]
pub struct ReceiptArguments {
    /// The event's index
    #[arg(value_name = "INDEX")]
    index: u64,
    /// Leave the body out
    #[arg(long)]
    redacted: bool,
    /// Under a checkpoint that meets the server's witness policy
    #[arg(long)]
    witnessed: bool,
    /// Write it to this file; never overwrites
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Fetches a receipt.
pub async fn receipt(common: &Common, arguments: ReceiptArguments, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let answer = client.receipt(arguments.index, arguments.redacted, Witnessed(arguments.witnessed)).await?;
    let (receipt, body) = (&answer.receipt, show::body_state(answer.body_state()));
    let verified = match &common.vkey {
        None => false,
        Some(path) => {
            let key = files::verifier_key_at(path)?;
            verify_receipt(receipt, &key).map_err(|refusal| {
                // An honest server and a key of something else look like this.
                let next = match refusal.found == Finding::Note(NoteRefusal::NoKnownSignature) {
                    true => verify::other_key(&key, receipt),
                    false => "keep this receipt, and compare checkpoints with other auditors".to_owned(),
                };
                Failure::failed(format!("the server's receipt is not valid: {refusal}"), next)
            })?;
            true
        }
    };
    if answer.body_state() == proto::BodyState::Erased {
        remark("the body was erased: the receipt is redacted");
    }
    match &arguments.out {
        Some(path) => {
            write_new(path, receipt)?;
            let state = if verified { "valid" } else { "not checked; `deedbook verify` does" };
            let text = format!("wrote {} ({} bytes, {state})", path.display(), receipt.len());
            let file = path.display().to_string();
            let value = || json!({"index": arguments.index, "file": file, "verified": verified, "body_state": body});
            output.either(&text, value)
        }
        None if output.is_json() => {
            let text = String::from_utf8_lossy(receipt).into_owned();
            let index = arguments.index;
            output.value(&json!({"index": index, "receipt": text, "verified": verified, "body_state": body}))
        }
        None => output.bytes(receipt),
    }
}

/// What `consistency` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook consistency --vkey ledger.vkey monday.checkpoint tuesday.checkpoint")]
pub struct ConsistencyArguments {
    /// The earlier checkpoint file
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The later checkpoint file
    #[arg(value_name = "NEW")]
    new: PathBuf,
}

/// Verifies both checkpoints, asks the server for the proof, and judges it here.
pub async fn consistency(common: &Common, arguments: ConsistencyArguments, output: Output) -> Result<(), Failure> {
    let key = files::verifier_key(common)?;
    let old = read_checkpoint(&arguments.old, &key)?;
    let new = read_checkpoint(&arguments.new, &key)?;
    if old.size > new.size {
        let message = format!("{} is the later one of the two", arguments.old.display());
        return Err(Failure::usage(message, "name the earlier checkpoint first"));
    }
    let mut client = Client::connect(common).await?;
    let verdict = prove(&mut client, old, new).await?;
    let value = |message: Option<&str>| -> Value {
        json!({"consistent": message.is_none(), "old_size": old.size.0, "new_size": new.size.0, "message": message})
    };
    match verdict {
        Ok(()) => {
            let text = format!(
                "{}: the tree of {} entries extends the tree of {}",
                output.paint("consistent", Colour::Green),
                new.size,
                old.size
            );
            output.either(&text, || value(None))
        }
        Err(refusal) => {
            let text = format!("{}: {refusal}", output.paint("NOT CONSISTENT", Colour::Red));
            output.either(&text, || value(Some(&refusal)))?;
            Err(Failure::silent(Status::Failed))
        }
    }
}

/// Asks for the proof between two heads that are known already, and verifies it: what the server says of the heads
/// does not count.
pub async fn prove(client: &mut Client, old: TreeHead, new: TreeHead) -> Result<Result<(), String>, Failure> {
    let path = if old.size.0 == 0 || old.size == new.size {
        Vec::new()
    } else {
        let answer = client.consistency(old.size.0, new.size.0).await?;
        answer.path.iter().map(|hash| word(hash, "path").map(Hash)).collect::<Result<Vec<Hash>, Failure>>()?
    };
    Ok(ConsistencyProof { old, new, path }.verify().map_err(|refusal| refusal.to_string()))
}

/// Reads a checkpoint file and checks its signature.
pub fn read_checkpoint(path: &Path, key: &VerifierKey) -> Result<TreeHead, Failure> {
    open(&files::checkpoint(path)?, key, &path.display().to_string())
}

/// The head of a checkpoint file, by the verifier key that was given.
pub fn head_of(common: &Common, file: &Path) -> Result<TreeHead, Failure> {
    open(&files::checkpoint(file)?, &files::verifier_key(common)?, &file.display().to_string())
}

fn open(note: &[u8], key: &VerifierKey, name: &str) -> Result<TreeHead, Failure> {
    let opened = open_checkpoint(note, key).map_err(|refusal| {
        let next = match refusal == NoteRefusal::NoKnownSignature {
            true => verify::other_key(key, note),
            false => "check that the file is a checkpoint, and whole".to_owned(),
        };
        Failure::failed(format!("{name} is NOT VALID: {refusal}"), next)
    })?;
    let Checkpoint { head, .. } = opened.checkpoint();
    Ok(*head)
}
