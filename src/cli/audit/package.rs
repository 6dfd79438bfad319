//! `deedbook audit PACKAGE`: shows what `audit::run_package` finds. The tables of the tests are `deedbook-verify package`'s
//! to show; here stands what replay adds.

use super::{Wanted, approvals, finding_rows, findings};
use crate::audit::{self, AuditError, Compared, PackageAudit, PackageVerdict};
use crate::cli::errors::{Failure, Status};
use crate::cli::output::{Colour, Output, counted};
use crate::cli::progress::Progress;
use crate::ledger::DataDir;
use crate::record::{load_public, load_ref_key};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::package::PackageRefusal;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::path::Path;

/// Verifies the package, asks the policies again, and shows every divergence.
pub fn run(
    folder: &Path,
    (vkey, ref_key): (Option<&Path>, Option<&Path>),
    wanted: Wanted,
    output: Output,
) -> Result<(), Failure> {
    if DataDir::new(folder.to_owned()).store().is_dir() {
        let message = format!("{} is a ledger's data folder, and no package", folder.display());
        return Err(Failure::usage(message, format!("audit it with `deedbook audit --data {}`", folder.display())));
    }
    let Some(vkey) = vkey else {
        let next = "name it with --vkey; get it from somebody you trust, never from the package";
        return Err(Failure::usage("a package takes the ledger's verifier key".to_owned(), next));
    };
    if !folder.is_dir() {
        let message = format!("{} is no folder", folder.display());
        return Err(Failure::usage(message, "name the folder of a package, or a data folder with --data"));
    }
    let (key, refs) = (load_public(vkey)?, ref_key.map(load_ref_key).transpose()?);
    let progress = RefCell::new(Progress::start("entries"));
    let audited = audit::run_package(folder, &key, refs, &|done, total| progress.borrow_mut().set(done, total));
    progress.borrow_mut().finish();
    let audited = audited.map_err(|error| match error {
        AuditError::Package(refusal) => refused(&refusal),
        AuditError::RefKey => other_ref_key(ref_key),
        AuditError::Key(error) => Failure::from(error),
        AuditError::Store(error) => Failure::failed(error.to_string(), "try again"),
    })?;
    show(folder, vkey, &audited, output)?;
    match audited.verdict() {
        PackageVerdict::Clean => Ok(()),
        PackageVerdict::Incomplete if !wanted.complete => Ok(()),
        PackageVerdict::Incomplete | PackageVerdict::Findings => Err(Failure::silent(Status::Failed)),
    }
}

/// The caller brought the ref key of another ledger; nothing is wrong with what is audited.
pub fn other_ref_key(brought: Option<&Path>) -> Failure {
    let file = brought.map(|file| file.display().to_string()).unwrap_or_default();
    let next = "take the `.ref` file that `deedbook` keeps beside a signer of this ledger, or leave --ref-key out: what rests \
                on names is then counted, and not decided";
    Failure::usage(format!("--ref-key {file}: genesis names another ref key, so it is not of this ledger"), next)
}

/// A package that does not hold: nothing of it was replayed.
pub fn refused(refusal: &PackageRefusal) -> Failure {
    let failure = Failure::failed(refusal.to_string(), "see docs/EVIDENCE.md, \"Refusals\"; nothing was replayed");
    let facts = [("file".to_owned(), refusal.file.clone()), ("found".to_owned(), refusal.found.clone())].into();
    Failure { reason: Some(refusal.code.name().to_owned()), facts, ..failure }
}

fn show(folder: &Path, vkey: &Path, audited: &PackageAudit, output: Output) -> Result<(), Failure> {
    let PackageAudit { shown, report, .. } = audited;
    if output.is_json() {
        return output.value(&value(folder, audited));
    }
    let (rendered, question) = (&shown.rendered, &shown.rendered.question);
    let found = match audited.verdict() {
        PackageVerdict::Incomplete => output.paint("incomplete", Colour::Bold),
        PackageVerdict::Clean | PackageVerdict::Findings => findings(report, output),
    };
    output.line(&format!("audit: {found}"))?;
    output.pairs(&[
        ("package", format!("{}, valid by {}", folder.display(), vkey.display())),
        ("period", format!("{} to {}", rfc3339(question.period.from), rfc3339(question.period.to))),
        ("interval", format!("{} to {}, root {}", question.begins, question.ends, rendered.root)),
        ("entries", format!("{} judged and replayed", report.entries)),
        ("approvals", approvals(report)),
        ("renderings", renderings(audited)),
    ])?;
    for (why, (count, first)) in &report.unread {
        let shown: Vec<String> = first.iter().take(10).map(ToString::to_string).collect();
        let more = if *count > 10 { ", …" } else { "" };
        output.line(&format!(
            "{} not decided again ({}): {}. {} {}{more}",
            counted(*count, "command", "commands"),
            why.name(),
            why.sentence(),
            if shown.len() == 1 { "Entry" } else { "Entries" },
            shown.join(", ")
        ))?;
    }
    for (path, compared) in &audited.files {
        if let Compared::NotRendered(why) = compared {
            output.line(&format!("{path}: not re-rendered: {why}"))?;
        }
    }
    if !report.is_clean() {
        output.table(&["index", "check", "finding"], &finding_rows(report))?;
    }
    output.line(&closing(audited))
}

/// The last line: how much of it was looked at, whatever stands above.
fn closing(audited: &PackageAudit) -> String {
    let (decided, open) = (audited.report.commands_decided, audited.commands_undecided());
    let all = decided.saturating_add(open);
    let commands = match (all, open) {
        (0, _) => "no command about an action stands in it".to_owned(),
        (_, 0) => format!("{} decided again", counted(all, "command", "commands")),
        (_, _) => {
            let why = audited.report.unread.iter().map(|(why, (count, _))| format!("{count} {}", why.name()));
            let why: Vec<String> = why.collect();
            format!(
                "{decided} of {} decided again, {open} not: {}",
                counted(all, "command", "commands"),
                why.join(", ")
            )
        }
    };
    let unseen = audited.files.values().filter(|compared| matches!(compared, Compared::NotRendered(_))).count();
    let files = match u64::try_from(unseen).unwrap_or(u64::MAX) {
        0 => String::new(),
        unseen => format!("; {} not rendered again", counted(unseen, "file", "files")),
    };
    format!("{}: {commands}{files}", audited.verdict().name())
}

/// How many of the files that the verifier does not judge are what the judged data gives.
fn renderings(audited: &PackageAudit) -> String {
    let same = audited.files.values().filter(|compared| **compared == Compared::Same).count();
    let all = u64::try_from(audited.files.len()).unwrap_or(u64::MAX);
    format!("{same} of {} for people and other programs are what the judged data gives", counted(all, "file", "files"))
}

fn value(folder: &Path, audited: &PackageAudit) -> Value {
    let PackageAudit { shown, report, .. } = audited;
    let unread = report.unread.iter().map(|(why, (count, first))| {
        let first: Vec<u64> = first.iter().map(|index| index.0).collect();
        json!({"why": why.name(), "commands": count, "first": first})
    });
    let tests = shown.rendered.tests.iter().map(|(id, verdict, rows, exceptions)| {
        json!({"test": id.name(), "verdict": id.word(*verdict), "rows": rows, "exceptions": exceptions})
    });
    let file = |(path, compared): (&String, &Compared)| match compared {
        Compared::Same => json!({"file": path, "rendered": "same"}),
        Compared::Differs(at) => json!({"file": path, "rendered": "differs", "byte": at}),
        Compared::Missing => json!({"file": path, "rendered": "missing"}),
        Compared::Foreign => json!({"file": path, "rendered": "foreign"}),
        Compared::NotRendered(why) => json!({"file": path, "rendered": "not_rendered", "why": why}),
    };
    let finding = |finding: &audit::Finding| json!({"index": finding.index.map(|index| index.0), "check": finding.check, "message": finding.message});
    json!({
        "package": folder.display().to_string(),
        "verdict": audited.verdict().name(),
        "clean": audited.verdict() == PackageVerdict::Clean,
        "ledger": shown.rendered.question.ledger.to_string(),
        "interval": [shown.rendered.question.begins.0, shown.rendered.question.ends.0],
        "root": shown.rendered.root.to_string(),
        "entries": report.entries,
        "actions": report.actions,
        "commands_decided": report.commands_decided,
        "commands_undecided": audited.commands_undecided(),
        "evaluations": report.evaluations,
        "evaluations_unread": report.evaluations_unread,
        "not_replayed": unread.collect::<Vec<_>>(),
        "files": audited.files.iter().map(file).collect::<Vec<_>>(),
        "tests": tests.collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "findings_omitted": report.findings_omitted,
    })
}
