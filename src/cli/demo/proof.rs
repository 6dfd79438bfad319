//! The demo's second half: events of gateways, receipts that need no server, the audit, and harm that it finds.

use super::setting::ADMINISTRATOR;
use super::{Part, Tale, broken, events, tamper};
use crate::cli::errors::Failure;
use crate::cli::output::write_new;
use crate::cli::producer;
use crate::ledger::DataDir;
use deedbook_verify::words::{EventId, Index};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Two gateways of other systems stream at the same time.
pub fn gateways(tale: &mut Tale, openlineage: Option<PathBuf>) -> Result<(), Failure> {
    tale.step(
        "Two gateways stream what happens elsewhere",
        "One sends OpenLineage events, kept byte for byte, one what an agent did. A file sent twice appends nothing.",
    )?;
    let folder = tale.terminal.folder().to_owned();
    let actions = events::actions(producer::now());
    let expected = actions.lines().count();
    write_new(&folder.join("actions.jsonl"), actions.as_bytes())?;
    match openlineage {
        None => write_new(&folder.join("openlineage.jsonl"), events::openlineage().as_bytes())?,
        Some(path) => {
            let copied = std::fs::copy(&path, folder.join("openlineage.jsonl"));
            copied.map_err(|error| Failure::file(&path, &error))?;
            tale.say(&format!("openlineage.jsonl is a copy of {}", path.display()))?;
        }
    }
    for name in ["gateway-lineage", "gateway-agents"] {
        tale.done(&format!("deedbook key new --name {name} --out {name}.key"), Part::Nothing)?;
        tale.done(&format!("deedbook key enroll --source {name} {name}.key.pub {ADMINISTRATOR}"), Part::All)?;
    }
    let lines = [
        "deedbook append --format openlineage --signer gateway-lineage.key openlineage.jsonl",
        "deedbook append --signer gateway-agents.key actions.jsonl",
    ];
    let [lineage, actions] = lines;
    let (one, two) = std::thread::scope(|threads| {
        let one = threads.spawn(|| tale.terminal.run(lineage));
        (one.join(), tale.terminal.run(actions))
    });
    let one = one.map_err(|_| broken("a gateway's thread ended early"))?;
    tale.ended(lineage, one?, Part::Remarks)?;
    tale.ended(actions, two?, Part::Remarks)?;
    let ran = tale.done(actions, Part::Remarks)?;
    let known = ran.out.lines().count();
    let nothing = ran.err.contains("0 events appended") && known == expected;
    if nothing { Ok(()) } else { Err(broken("a repeated file was appended again")) }
}

/// Receipts, checked with the verifier key and nothing else; the vote that is proved.
pub fn receipts(tale: &mut Tale) -> Result<(Index, EventId), Failure> {
    tale.step(
        "Proof without the server",
        "A receipt proves one entry to anybody who has the verifier key: here Carol's vote, signed by her own key.",
    )?;
    let votes = tale.terminal.values("deedbook list --kind vote.cast")?;
    let (index, event) = votes.last().and_then(placed).ok_or_else(|| broken("the vote was not found"))?;
    tale.done(&format!("deedbook receipt {index} --out vote.tlog-proof"), Part::All)?;
    tale.done("deedbook verify --vkey ledger/ledger.vkey vote.tlog-proof", Part::All)?;
    tale.step(
        "A receipt with one letter changed",
        "The same check, after somebody exchanged a single letter in the file. It names what is wrong.",
    )?;
    let path = tale.terminal.folder().join("vote.tlog-proof");
    let sound = std::fs::read(&path).map_err(|error| Failure::file(&path, &error))?;
    write_new(&tale.terminal.folder().join("changed.tlog-proof"), &tamper::receipt(&sound))?;
    tale.found("deedbook verify --vkey ledger/ledger.vkey changed.tlog-proof")?;
    Ok((index, event))
}

/// Index and event id of an event object.
fn placed(event: &Value) -> Option<(Index, EventId)> {
    let index = event.get("index")?.as_u64().map(Index)?;
    Some((index, EventId::from_hex(event.get("event_id")?.as_str()?)?))
}

/// The audit of the honest ledger, with a checkpoint that was kept.
pub fn audit(tale: &mut Tale) -> Result<(), Failure> {
    tale.step(
        "The audit replays everything",
        "The server is stopped. From the stored bytes alone every hash and signature is checked, every decision and policy\n\
         evaluation made again; and the log must hold the checkpoint that was kept before the export was asked for.",
    )?;
    let ran = tale.done("deedbook audit --data ledger --checkpoint before.checkpoint", Part::All)?;
    if ran.out.contains("audit: clean") { Ok(()) } else { Err(broken("the audit of an honest ledger is not clean")) }
}

/// Harm of two kinds, and what finds it.
pub fn harm(tale: &mut Tale, vote: (Index, EventId)) -> Result<(), Failure> {
    tale.step(
        "An insider rewrites the vote",
        "Somebody with access to the store changes one bit of Carol's vote, by the store's own means, so that its checksums\n\
         are right. The hashes and signatures of the log are not.",
    )?;
    let store = DataDir::new(tale.terminal.folder().join("ledger")).store();
    let (index, event) = vote;
    tamper::entry(&store, index, event.as_bytes()).map_err(|error| broken(&error.to_string()))?;
    tale.found("deedbook audit --data ledger")?;
    tale.step(
        "One byte of the store's files is flipped",
        "Somebody with access to the disk, or the disk itself, changes a single bit, and the store's checksum meets it.",
    )?;
    let (path, at) = tamper::store(&store, event.as_bytes())?.ok_or_else(|| broken("the vote is in no file"))?;
    tale.say(&format!("flipped one bit of byte {at} in {}", name_of(&path)))?;
    tale.found("deedbook audit --data ledger")
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
