//! `deedbook lineage export`: what the log says, in a format that others read, entry by entry and in the order of the
//! log. It holds one message of the server at a time, and hashes every entry that it read, so that it can say on which
//! tree the file rests.

mod dot;
mod openlineage;
mod pages;
mod prov;
mod sink;

use crate::api::{ClientError, proto};
use crate::cli::client::{Client, ended};
use crate::cli::errors::Failure;
use crate::cli::output::Output;
use crate::cli::producer::word;
use crate::cli::progress::Progress;
use crate::cli::{Common, block_on};
use clap::{Args, ValueEnum};
use deedbook_verify::entry::Entry;
use deedbook_verify::tree::{Frontier, TreeHead};
use deedbook_verify::words::LedgerId;
use std::path::PathBuf;
use tokio::sync::mpsc;

/// What `lineage export` takes.
#[derive(Args, Debug)]
pub struct ExportArguments {
    /// How the file is written
    #[arg(long, value_enum)]
    format: ExportFormat,
    /// The new file; an existing one is never overwritten
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Export the log as of this tree size
    #[arg(long, value_name = "SIZE", value_parser = clap::value_parser!(u64).range(1..))]
    as_of: Option<u64>,
    /// Export one imported document alone, as it came: that of the event at this index; with `--format prov`
    #[arg(long, value_name = "INDEX")]
    document: Option<u64>,
}

/// The formats that lineage goes out in.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// OpenLineage events, one a line
    Openlineage,
    /// PROV-JSON: a bundle for each imported document, and bundles of all the rest
    Prov,
    /// The graph as DOT, for Graphviz
    Dot,
}

/// Exports.
pub fn run(common: &Common, arguments: &ExportArguments, output: Output) -> Result<(), Failure> {
    match arguments.format {
        ExportFormat::Openlineage | ExportFormat::Dot if arguments.document.is_some() => {
            Err(Failure::usage("`--document` is for imported PROV documents", "add `--format prov`, or leave it out"))
        }
        ExportFormat::Openlineage => block_on(openlineage::run(common, arguments, output)),
        ExportFormat::Prov => block_on(prov::run(common, arguments, output)),
        ExportFormat::Dot => block_on(dot::run(common, arguments, output)),
    }
}

/// The entries from genesis up to a tree size, with their bodies.
struct Walk {
    client: Client,
    origin: String,
    ledger: LedgerId,
    size: u64,
    /// What the server sends, once somebody has asked for it.
    events: Option<mpsc::Receiver<Result<Vec<proto::StoredEvent>, ClientError>>>,
    tree: Frontier,
    progress: Progress,
}

impl Walk {
    /// Connects; the size is that of the log now, unless the flags name one.
    async fn start(common: &Common, arguments: &ExportArguments) -> Result<Walk, Failure> {
        let mut client = Client::connect(common).await?;
        let about = client.ledger().await?;
        let ledger = word(&about.ledger_id, "ledger_id").map(LedgerId)?;
        let size = arguments.as_of.unwrap_or(about.head.map_or(0, |head| head.size));
        let (tree, progress) = (Frontier::new(), Progress::start("entries"));
        Ok(Walk { client, origin: about.origin, ledger, size, events: None, tree, progress })
    }

    /// The next entries in the order of the log, some at a time; none: these were all.
    async fn next(&mut self) -> Result<Option<Vec<proto::StoredEvent>>, Failure> {
        self.progress.set(self.tree.size().0, self.size);
        if self.tree.size().0 >= self.size {
            self.progress.finish();
            return Ok(None);
        }
        let sent = match &mut self.events {
            Some(events) => events,
            None => self.events.insert(self.client.read(0..self.size, proto::EventView::Full).await?),
        };
        let events = sent.recv().await.unwrap_or_else(|| Err(ended()))?;
        for event in &events {
            if event.index != self.tree.size().0 {
                return Err(Failure::failed(
                    format!("the server sent index {} where {} was next", event.index, self.tree.size()),
                    "compare the versions of server and client",
                ));
            }
            self.tree.push(Entry::parse(&event.entry)?.leaf());
        }
        Ok(Some(events))
    }

    /// Hands over each entry in the order of the log.
    async fn each(
        &mut self,
        mut take: impl FnMut(&proto::StoredEvent, &Entry<'_>) -> Result<(), Failure>,
    ) -> Result<TreeHead, Failure> {
        while let Some(events) = self.next().await? {
            events.iter().try_for_each(|event| take(event, &Entry::parse(&event.entry)?))?;
        }
        Ok(self.head())
    }

    /// The tree of what was handed over.
    fn head(&self) -> TreeHead {
        self.tree.head()
    }
}
