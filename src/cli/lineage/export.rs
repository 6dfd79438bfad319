//! `deedbook lineage export`: what the log says, in a format that others read, entry by entry and in the order of the
//! log. It holds one message of the server at a time, and hashes every entry that it read, so that it can say on which
//! tree the file rests.

mod dot;
mod openlineage;
mod pages;
mod prov;
mod sink;

use crate::api::proto;
use crate::cli::client::{Client, ended};
use crate::cli::errors::Failure;
use crate::cli::output::Output;
use crate::cli::progress::Progress;
use crate::cli::{Common, block_on};
use clap::{Args, ValueEnum};
use deedbook_verify::entry::Entry;
use deedbook_verify::tree::{Frontier, TreeHead};
use std::path::PathBuf;

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
    size: u64,
    tree: Frontier,
    progress: Progress,
}

impl Walk {
    /// Connects; the size is that of the log now, unless the flags name one.
    async fn start(common: &Common, arguments: &ExportArguments) -> Result<Walk, Failure> {
        let mut client = Client::connect(common).await?;
        let size = match arguments.as_of {
            Some(size) => size,
            None => client.ledger().await?.head.map_or(0, |head| head.size),
        };
        Ok(Walk { client, size, tree: Frontier::new(), progress: Progress::start("entries") })
    }

    /// Hands over each entry in the order of the log.
    async fn each(
        &mut self,
        mut take: impl FnMut(&proto::StoredEvent, &Entry<'_>) -> Result<(), Failure>,
    ) -> Result<TreeHead, Failure> {
        let mut events = self.client.read(0..self.size, proto::EventView::Full).await?;
        while self.tree.size().0 < self.size {
            for event in events.recv().await.unwrap_or_else(|| Err(ended()))? {
                if event.index != self.tree.size().0 {
                    return Err(Failure::failed(
                        format!("the server sent index {} where {} was next", event.index, self.tree.size()),
                        "compare the versions of server and client",
                    ));
                }
                let entry = Entry::parse(&event.entry)?;
                take(&event, &entry)?;
                self.tree.push(entry.leaf());
            }
            self.progress.set(self.tree.size().0, self.size);
        }
        self.progress.finish();
        Ok(self.tree.head())
    }
}
