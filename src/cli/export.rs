//! `deedbook export`: an evidence package, written and verified here, entry by entry as the server hands them out. It holds
//! one message of the server at a time. Until it is whole it stands beside its final name, and what stands there is taken up
//! again by the next run of the same question.

mod advice;
mod lacks;
mod pack;
mod resume;

use super::Common;
use super::block_on_beside;
use super::client::Client;
use super::custody::{self, Package, Recorded};
use super::errors::Failure;
use super::output::{Output, counted};
use super::producer::{self, Producer, word};
use super::{files, filter, verify};
use crate::api::proto;
use clap::Args;
use deedbook_verify::note::{VerifierKey, open_checkpoint};
use deedbook_verify::package::{Filter, Framework, Nonce, Period, Question, Redaction, Rendered, SAMPLE_MAX, Verdict};
use deedbook_verify::words::{Index, LedgerId, TreeSize};
use lacks::Lacks;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What `export` takes.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  deedbook export --framework soc2 --from 2026-07-01 --to 2026-09-30 --signer exporter.key \\\n    \
    --out soc2-2026q3\n  deedbook-verify package --vkey ledger.vkey soc2-2026q3"
)]
pub struct ExportArguments {
    /// Whose controls the tests are read against: soc2, fedramp, iso27001, iso42001, eu-ai-act
    #[arg(long, value_name = "NAME", value_parser = framework)]
    framework: Framework,
    /// The period's first day, in UTC, or its first moment
    #[arg(long, value_name = "DATE")]
    from: String,
    /// The period's last day, which belongs to it, or the first moment behind it; one beyond the log is cut there
    #[arg(long, value_name = "DATE")]
    to: String,
    /// Which entries of the period are listed, such as `kind = vote.cast and actor_kind = human`; all are in the package
    #[arg(long, value_name = "EXPR", value_parser = filter, default_value = "all")]
    filter: Filter,
    /// What is left out: bodies; or none
    #[arg(long, value_name = "WHAT", value_parser = redaction, default_value = "none")]
    redact: Redaction,
    /// The auditor's part in drawing samples: 8 to 32 bytes in hex, chosen once the population is known
    #[arg(long, value_name = "HEX", value_parser = nonce)]
    nonce: Option<Nonce>,
    /// Rows to be drawn in each stratum
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(0..=i64::from(SAMPLE_MAX)))]
    sample: u32,
    /// The interval of an earlier package, as its question.txt names it, to ask the same question again
    #[arg(long, num_args = 2, value_names = ["BEGINS", "ENDS"])]
    interval: Option<Vec<u64>>,
    /// The new folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Reads a framework's name.
pub fn framework(text: &str) -> Result<Framework, String> {
    Framework::from_name(text)
        .ok_or_else(|| format!("one of {}", names(Framework::ALL.iter().map(|known| known.name()))))
}

fn redaction(text: &str) -> Result<Redaction, String> {
    Redaction::from_name(text)
        .ok_or_else(|| format!("one of {}", names(Redaction::ALL.iter().map(|known| known.name()))))
}

fn names<'a>(all: impl Iterator<Item = &'a str>) -> String {
    all.collect::<Vec<_>>().join(", ")
}

fn filter(text: &str) -> Result<Filter, String> {
    Filter::parse(text).map_err(|refusal| format!("{refusal}; docs/EVIDENCE.md, \"The filter\", has the grammar"))
}

fn nonce(text: &str) -> Result<Nonce, String> {
    Nonce::from_hex(text).ok_or_else(|| "8 to 32 bytes in lower-case hex".to_owned())
}

/// What a package is made from, once the server has named it.
struct Asked {
    question: Question,
    key: VerifierKey,
    start_note: Vec<u8>,
    end_note: Vec<u8>,
}

/// Exports.
pub fn run(common: &Common, arguments: &ExportArguments, output: Output) -> Result<(), Failure> {
    let window = filter::period(&arguments.from, &arguments.to)?;
    filter::begun(&arguments.from, window.from)?;
    let period = Period { from: window.from, to: window.until };
    if arguments.out.exists() {
        let message = format!("{} exists", arguments.out.display());
        return Err(Failure::usage(message, "choose another --out; a package is never written over"));
    }
    // Looked at before the export is put on record.
    if let Some(above) = arguments.out.parent().filter(|above| !above.as_os_str().is_empty() && !above.is_dir()) {
        let message = format!("--out {}: {} is no folder", arguments.out.display(), above.display());
        return Err(Failure::usage(message, "make the folder first; a package takes the last part of the path"));
    }
    let key = files::own_verifier_key(common)?;
    let (rendered, recorded) = block_on_beside(async {
        let mut client = Client::connect(common).await?;
        let exporter = match &common.signer {
            Some(signer) => Some(producer::load(&mut client, signer).await?),
            None => None,
        };
        let asked = ask(&mut client, (arguments, period), key).await?;
        let read = match &exporter {
            Some(exporter) => Some(custody::read(&mut client, exporter, &asked.question).await?),
            None => None,
        };
        let rendered = pack::write(client.clone(), asked, (&arguments.out, exporter.as_ref())).await?;
        let recorded = match &exporter {
            Some(exporter) => Some(record(&mut client, exporter, (&arguments.out, &rendered), read).await?),
            None => None,
        };
        Ok((rendered, recorded))
    })?;
    let shown = Shown { out: &arguments.out, vkey: &files::own_verifier_key_file(common), rendered: &rendered };
    show(&shown, recorded.as_ref(), output)
}

/// Puts the export on record. The package stands, whatever comes of it.
async fn record(
    client: &mut Client,
    exporter: &Producer,
    (out, rendered): (&Path, &Rendered),
    read: Option<Index>,
) -> Result<Recorded, Failure> {
    let package = Package { folder: out, root: rendered.root, disclosed: rendered.bodies.opened };
    custody::export(client, exporter, &package, read).await.map_err(|failure| {
        let stands = format!("{} stands, whole and verified, but its export is not on record", out.display());
        let next = format!("put it on record with `deedbook custody --signer FILE {}`", out.display());
        Failure { message: format!("{stands}: {}", failure.message), next, ..failure }
    })
}

async fn ask(
    client: &mut Client,
    (arguments, period): (&ExportArguments, Period),
    key: VerifierKey,
) -> Result<Asked, Failure> {
    let about = client.ledger().await?;
    let sizes = match arguments.interval.as_deref() {
        Some([begins, ends]) => Some(proto::Sizes { begins: *begins, ends: *ends }),
        Some(_) | None => None,
    };
    let request = proto::GetIntervalRequest { from_micros: period.from.0, to_micros: period.to.0, sizes };
    let interval = client.interval(request).await?;
    let sizes = interval.sizes.unwrap_or_default();
    let question = Question {
        ledger: word(&about.ledger_id, "ledger_id").map(LedgerId)?,
        framework: arguments.framework,
        period,
        begins: TreeSize(sizes.begins),
        ends: TreeSize(sizes.ends),
        filter: arguments.filter.clone(),
        sample: arguments.sample,
        nonce: arguments.nonce.clone(),
        redaction: arguments.redact,
    };
    let (start_note, end_note) = (interval.start_note.to_vec(), interval.end_note.to_vec());
    // A key of somebody else is told apart before anything is on record or written.
    open_checkpoint(&end_note, &key).map_err(|refusal| {
        Failure::failed(format!("the log's checkpoint: {refusal}"), verify::other_key(&key, &end_note))
    })?;
    Ok(Asked { question, key, start_note, end_note })
}

/// What there is to say about.
struct Shown<'p> {
    out: &'p Path,
    /// The key that it was judged under.
    vkey: &'p Path,
    rendered: &'p Rendered,
}

fn show(shown: &Shown<'_>, recorded: Option<&Recorded>, output: Output) -> Result<(), Failure> {
    let Shown { out, vkey, rendered } = *shown;
    let (question, report) = (&rendered.question, out.join("data/report.html"));
    let lacks = Lacks::read(out, rendered)?;
    if output.is_json() {
        let test = |(id, verdict, rows, exceptions): &(deedbook_verify::package::TestId, Verdict, u64, u64)| json!({"test": id.name(), "verdict": id.word(*verdict), "rows": rows, "exceptions": exceptions});
        return output.value(&json!({
            "package": out.display().to_string(),
            "report": report.display().to_string(),
            "framework": question.framework.name(),
            "interval": {"begins": question.begins.0, "ends": question.ends.0},
            "root": rendered.root.to_string(),
            "entries": rendered.counts.entries,
            "in_period": rendered.counts.in_period,
            "listed": rendered.counts.listed,
            "cut_at_head": rendered.is_cut(),
            "files": rendered.files.len(),
            "tests": rendered.tests.iter().map(test).collect::<Vec<_>>(),
            "missing": lacks.value(),
            "custody": recorded.map(Recorded::value),
        }));
    }
    let rows: Vec<Vec<String>> = rendered
        .tests
        .iter()
        .map(|(id, verdict, rows, exceptions)| {
            vec![
                id.name().to_owned(),
                id.word(*verdict).to_owned(),
                rows.to_string(),
                exceptions.to_string(),
                id.title().to_owned(),
            ]
        })
        .collect();
    output.table(&["test", "verdict", "rows", "exceptions", "asks"], &rows)?;
    output.line("")?;
    let entries = counted(rendered.counts.entries, "entry", "entries");
    output.line(&format!("{}: {entries}, verified as they were written", out.display()))?;
    if rendered.is_cut() {
        output
            .line("the log ends before the period does: the package is complete up to its last entry, and says so")?;
    }
    lacks.show(output)?;
    output.line(&format!("read it: {}", report.display()))?;
    match recorded {
        Some(recorded) => output.line(&recorded.line(out))?,
        None => output.line("who exported it is not on record: nobody signed for it, see --signer")?,
    }
    output.line(&format!("check it anywhere: deedbook-verify package --vkey {} {}", vkey.display(), out.display()))
}
