//! `deedbook audit` and `deedbook anchor`: what an operator does to a data folder with no server running. The judging
//! is `audit`'s, this shows its report.

mod package;

use super::errors::{Failure, Status};
use super::output::{Colour, Output, counted, remark};
use super::progress::Progress;
use super::{Common, files};
use crate::audit::{self, AuditError, AuditPaths, KeptCheckpoint, REF_KEY_CHECK, Report};
use crate::ledger::{self, DataDir, SoundAnchor};
use crate::limits::AUDIT_CHECKPOINTS_MAX;
use clap::{Args, Subcommand};
use deedbook_verify::tree::TreeHead;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// Entries of governance by break-glass that a person is shown; programs get them all.
const GLASS_SHOWN: usize = 20;

/// What `audit` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "With PACKAGE, an evidence package is verified and its policies asked again; it takes --vkey, and --ref-key for\n\
    whatever rests on names. Without it, a data folder is audited. A server may run beside it; if a file is missing, stop it and repeat. With --vkey, an auditor\n\
    brings a verifier key of their own. With --checkpoint, checkpoints that were kept elsewhere: only they show that\n\
    somebody with the folder rewrote what no producer signed, or took the end away.\n\n\
    Examples:\n  deedbook audit --data ./deedbook-data\n  \
    deedbook audit --data ./deedbook-data --vkey mine.vkey --checkpoint monday.checkpoint --checkpoint tuesday.checkpoint\n  \
    deedbook audit soc2-q3 --vkey mine.vkey --ref-key mine.ref"
)]
pub struct AuditArguments {
    /// The folder of an evidence package, in place of a data folder
    #[arg(value_name = "PACKAGE", conflicts_with = "checkpoints")]
    package: Option<PathBuf>,
    /// A checkpoint that you kept; the log must hold its tree. May be given more than once
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// The key of all pseudonyms, if it is not in the folder's keys: what policies said is judged with it
    #[arg(long, value_name = "FILE")]
    ref_key: Option<PathBuf>,
    /// Of a package: exit with 1 unless every command was decided again and every file rendered again
    #[arg(long, requires = "package")]
    complete: bool,
}

/// What a package has to show besides that nothing differs.
#[derive(Clone, Copy)]
struct Wanted {
    complete: bool,
}

/// Recomputes everything and shows every divergence.
pub fn run(common: &Common, arguments: AuditArguments, output: Output) -> Result<(), Failure> {
    if let Some(folder) = &arguments.package {
        let keys = (common.vkey.as_deref(), arguments.ref_key.as_deref());
        return package::run(folder, keys, Wanted { complete: arguments.complete }, output);
    }
    let mut paths = AuditPaths::of(&common.data);
    if let Some(key) = &common.vkey {
        paths.verifier_key.clone_from(key);
    }
    let brought = arguments.ref_key.is_some();
    if let Some(key) = arguments.ref_key {
        paths.ref_key = key;
        if !paths.ref_key.is_file() {
            let message = format!("{} is no file", paths.ref_key.display());
            return Err(Failure::usage(message, "name the ledger's ref.key, or leave --ref-key out"));
        }
    }
    let report = judge(&paths, &read_all(&arguments.checkpoints)?)?;
    if brought && report.findings.iter().any(|finding| finding.check == REF_KEY_CHECK) {
        return Err(package::other_ref_key(Some(&paths.ref_key)));
    }
    show(&report, output)?;
    if report.is_clean() { Ok(()) } else { Err(Failure::silent(Status::Failed)) }
}

/// Reads what the auditor kept. Every file that cannot be read is named, not only the first.
fn read_all(files: &[PathBuf]) -> Result<Vec<KeptCheckpoint>, Failure> {
    if files.len() > AUDIT_CHECKPOINTS_MAX {
        let message = format!("{} checkpoints are more than the limit of {AUDIT_CHECKPOINTS_MAX}", files.len());
        return Err(Failure::usage(message, "name the newest ones: each stands for all before it"));
    }
    let (mut kept, mut unreadable) = (Vec::new(), Vec::new());
    for path in files {
        match files::checkpoint(path) {
            Ok(note) => kept.push(KeptCheckpoint { name: path.display().to_string(), note }),
            Err(failure) => unreadable.push(failure.message),
        }
    }
    match unreadable.is_empty() {
        true => Ok(kept),
        false => Err(Failure::usage(unreadable.join("; "), "check the paths; nothing was audited")),
    }
}

/// Runs the audit with progress.
pub fn judge(paths: &AuditPaths, kept: &[KeptCheckpoint]) -> Result<Report, Failure> {
    if !paths.store.is_dir() {
        let message = format!("{} is no folder", paths.store.display());
        return Err(Failure::usage(message, "name the ledger's data folder with --data"));
    }
    let progress = RefCell::new(Progress::start("entries"));
    let report = audit::run(paths, kept, &|done, total| progress.borrow_mut().set(done, total));
    progress.borrow_mut().finish();
    report.map_err(|error| match error {
        AuditError::Key(error) => Failure::from(error),
        AuditError::Store(error) => {
            let next = "keep the folder as it is; restore the newest copy elsewhere, and compare it with checkpoints";
            Failure::storage(format!("the audit cannot be made: {error}"), next)
        }
        AuditError::Package(refusal) => package::refused(&refusal),
        AuditError::RefKey => package::other_ref_key(Some(&paths.ref_key)),
    })
}

/// The report, for a person or a program.
pub fn show(report: &Report, output: Output) -> Result<(), Failure> {
    let clean = report.is_clean();
    if output.is_json() {
        return output.value(&value(report));
    }
    output.line(&format!("audit: {}", findings(report, output)))?;
    let tree = |head: TreeHead| format!("{}, root {}", counted(head.size.0, "entry", "entries"), head.root);
    output.pairs(&[
        ("tree", report.head.map_or_else(|| "cannot be read".to_owned(), tree)),
        ("entries", format!("{} judged", report.entries)),
        ("bodies", bodies(report)),
        ("approvals", approvals(report)),
        ("governance", governance(report)),
        ("checkpoints", checkpoints(report)),
    ])?;
    if clean {
        return Ok(());
    }
    output.table(&["index", "check", "finding"], &finding_rows(report))
}

/// `clean`, or how many findings there are.
fn findings(report: &Report, output: Output) -> String {
    let count = u64::try_from(report.findings.len()).unwrap_or(u64::MAX).saturating_add(report.findings_omitted);
    match count {
        0 => output.paint("clean", Colour::Green),
        count => output.paint(&counted(count, "FINDING", "FINDINGS"), Colour::Red),
    }
}

fn finding_rows(report: &Report) -> Vec<Vec<String>> {
    let row = |finding: &audit::Finding| {
        let index = finding.index.map_or_else(String::new, |index| index.to_string());
        vec![index, finding.check.to_owned(), finding.message.clone()]
    };
    report.findings.iter().map(row).collect()
}

fn approvals(report: &Report) -> String {
    let unread = match report.evaluations_unread {
        0 => String::new(),
        count => {
            format!(
                "; {} could not be made again, and those commands are not counted",
                counted(count, "evaluation", "evaluations")
            )
        }
    };
    format!(
        "{}, {} decided again, {} made again{unread}",
        counted(report.actions, "action", "actions"),
        counted(report.commands_decided, "command", "commands"),
        counted(report.evaluations, "evaluation", "evaluations")
    )
}

fn governance(report: &Report) -> String {
    let glass = report.broken_glass;
    if glass.commands == 0 {
        return "nothing by break-glass".to_owned();
    }
    let shown: Vec<String> = report.broken_glass_at.iter().take(GLASS_SHOWN).map(ToString::to_string).collect();
    let more = if glass.commands > GLASS_SHOWN as u64 { ", …" } else { "" };
    let commands = counted(glass.commands, "command", "commands");
    format!("ONE ADMINISTRATOR ALONE, by break-glass: {commands}, in effect by {}{more}", shown.join(", "))
}

fn checkpoints(report: &Report) -> String {
    let kept = match report.checkpoints_kept {
        0 => String::new(),
        count => format!("; {count} that were kept elsewhere agree"),
    };
    let cosignatures = counted(report.cosignatures, "cosignature", "cosignatures");
    format!("{} signed and right, {cosignatures}{kept}", report.checkpoints)
}

/// The JSON object of a report.
pub fn value(report: &Report) -> Value {
    let finding = |finding: &audit::Finding| json!({"index": finding.index.map(|index| index.0), "check": finding.check, "message": finding.message});
    json!({
        "clean": report.is_clean(),
        "ledger": report.ledger.map(|ledger| ledger.to_string()),
        "tree_size": report.head.map(|head| head.size.0),
        "root": report.head.map(|head| head.root.to_string()),
        "entries": report.entries,
        "entry_bytes": report.entry_bytes,
        "bodies_opened": report.bodies_opened,
        "body_bytes": report.body_bytes,
        "bodies_erased": report.bodies_erased,
        "erasures_pending": report.erasures_pending,
        "actions": report.actions,
        "commands_decided": report.commands_decided,
        "evaluations": report.evaluations,
        "evaluations_unread": report.evaluations_unread,
        "broken_glass": report.broken_glass.commands,
        "broken_glass_at": report.broken_glass_at.iter().map(|index| index.0).collect::<Vec<_>>(),
        "checkpoints": report.checkpoints,
        "checkpoints_kept": report.checkpoints_kept,
        "cosignatures": report.cosignatures,
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "findings_omitted": report.findings_omitted,
    })
}

/// Whether two folders share a file system; a folder that cannot be asked is not said to.
fn is_one_volume(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let volume = |folder: &Path| folder.metadata().ok().map(|folder| folder.dev());
    volume(one).is_some_and(|device| volume(other) == Some(device))
}

fn bodies(report: &Report) -> String {
    let pending = match report.erasures_pending {
        0 => String::new(),
        1 => "; 1 erasure is not finished: its keys may still lie in files of the store".to_owned(),
        count => format!("; {count} erasures are not finished: their keys may still lie in files of the store"),
    };
    format!("{} opened, {} erased{pending}", report.bodies_opened, report.bodies_erased)
}

/// What `anchor` can do.
#[derive(Subcommand, Debug)]
pub enum AnchorCommand {
    /// Make the head anchor anew, vouched for by a published checkpoint
    #[command(after_help = "The operator's way out of a lost or damaged anchor. Take the checkpoint from somebody \
        else: an auditor,\na witness, another machine. The old anchor is kept beside the new one.\n\nExample:\n  \
        deedbook anchor rebuild --data ./deedbook-data --checkpoint newest.checkpoint")]
    Rebuild {
        /// The newest checkpoint that anybody has
        #[arg(long, value_name = "FILE")]
        checkpoint: PathBuf,
        /// Replace the anchor although it is sound and knows more than the store holds: that is forgotten for good
        #[arg(long)]
        force: bool,
    },
    /// Make a further head anchor in a folder on another volume; the server must be stopped
    #[command(after_help = "With a second anchor the roll-back of the data folder together with its own anchor is \
        refused. The folder\nis made if it is not there; name it with `serve --anchor` at every start.\n\nExample:\n  \
        deedbook anchor add --data ./deedbook-data --anchor /mnt/other/deedbook")]
    Add {
        /// The folder; one for each ledger
        #[arg(long, value_name = "DIR")]
        anchor: PathBuf,
    },
}

/// Rebuilds the anchor, or makes a further one.
pub fn anchor(common: &Common, command: AnchorCommand, output: Output) -> Result<(), Failure> {
    let data = DataDir::new(&common.data);
    let (record, what) = match &command {
        AnchorCommand::Rebuild { checkpoint, force } => {
            let note = files::checkpoint(checkpoint)?;
            let sound = if *force { SoundAnchor::Replace } else { SoundAnchor::Keep };
            (ledger::rebuild_anchor(&data, &note, sound)?, "the old one is kept beside it".to_owned())
        }
        AnchorCommand::Add { anchor } => {
            let record = ledger::add_anchor(&data, anchor)?;
            if is_one_volume(&common.data, anchor) {
                remark(&format!(
                    "{} is on the volume of the data folder: an anchor there is lost or rolled back together with it",
                    anchor.display()
                ));
            }
            (record, format!("serve with `--anchor {}` from now on", anchor.display()))
        }
    };
    let text = format!(
        "the anchor stands at commit {} with {}; {what}",
        record.commit,
        counted(record.size.0, "entry", "entries")
    );
    output.either(&text, || json!({"commit": record.commit, "tree_size": record.size.0}))
}
