//! `deedbook lineage`: what led to what. The server answers; this asks, shows the answer as a table, as JSON or as a
//! picture, and says when it is not whole.

mod ask;
mod picture;
mod proof;
mod show;
mod export;
mod import;

use super::client::Client;
use super::errors::Failure;
use super::output::{Output, must_be_new};
use super::{Common, block_on};
use crate::api::proto;
use crate::limits::LINEAGE_PATHS_MAX;
use ask::Asking;
use clap::{Args, Subcommand};
use export::ExportArguments;
use import::ImportArguments;
use std::path::{Path, PathBuf};

/// What every question may say.
#[derive(Args, Debug)]
pub struct Scope {
    /// Answer as of this tree size
    #[arg(long, value_name = "SIZE", value_parser = clap::value_parser!(u64).range(1..))]
    as_of: Option<u64>,
    /// Pass through nodes of this kind only; may be given more than once
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    /// Follow edges of this kind only; may be given more than once
    #[arg(long = "edge", value_name = "KIND")]
    edges: Vec<String>,
    /// Look at so many nodes at most; 0, or none given: as many as the server looks at for one question
    #[arg(long, value_name = "N")]
    visited_max: Option<u64>,
    /// Draw the answer into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the answer into this file as DOT, for Graphviz
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
    #[command(flatten)]
    proof: ProofArguments,
}

/// Where to write what proves the answer.
#[derive(Args, Debug)]
pub struct ProofArguments {
    /// Write what proves the answer's edges offline into this file, for deedbook-verify lineage; never overwrites
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

/// A node, as `KIND:NAME`.
#[derive(Args, Debug)]
pub struct NodeArguments {
    /// Node, as KIND:NAME, such as dataset:orders or dataset:{warehouse}public.orders@42
    #[arg(value_name = "NODE")]
    node: String,
    #[command(flatten)]
    scope: Scope,
}

/// Two nodes.
#[derive(Args, Debug)]
pub struct BetweenArguments {
    /// Where to begin, as KIND:NAME
    #[arg(value_name = "FROM")]
    from: String,
    /// Where to end, as KIND:NAME
    #[arg(value_name = "TO")]
    to: String,
    #[command(flatten)]
    scope: Scope,
}

/// What `lineage` can do.
#[derive(Subcommand, Debug)]
pub enum LineageCommand {
    #[command(flatten)]
    Ask(Question),
    /// Write the log into a file that other programs read
    #[command(after_help = "Example:\n  deedbook lineage export --format openlineage --out events.jsonl")]
    Export(ExportArguments),
    /// Append what other programs wrote
    #[command(
        after_help = "Example:\n  deedbook lineage import --format openlineage --signer gateway.key events.jsonl"
    )]
    Import(ImportArguments),
}

/// What it can be asked.
#[derive(Subcommand, Debug)]
pub enum Question {
    /// Count nodes and edges by kind, and what OpenLineage bodies say
    #[command(after_help = "Example:\n  deedbook lineage stats")]
    Stats,
    /// Find nodes by letters of their names
    #[command(after_help = "Example:\n  deedbook lineage search orders")]
    Search {
        /// Letters of a name
        #[arg(value_name = "LETTERS", default_value = "")]
        letters: String,
        /// Of this kind only
        #[arg(long, value_name = "KIND", default_value = "")]
        kind: String,
        #[command(flatten)]
        proof: ProofArguments,
    },
    /// What led to a node, or what it led to, step by step
    #[command(after_help = "Example:\n  deedbook lineage trace dataset:orders --down --depth 3")]
    Trace {
        /// To causes
        #[arg(long, conflicts_with = "down", required_unless_present = "down")]
        up: bool,
        /// To effects
        #[arg(long)]
        down: bool,
        /// So many steps at most; 0: as far as it goes
        #[arg(long, value_name = "N", default_value_t = 0)]
        depth: u32,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// What led to an outcome: data, models, agents, people, policies, approvals
    #[command(after_help = "Example:\n  deedbook lineage explain dataset:partner-orders --svg why.svg")]
    Explain(NodeArguments),
    /// What a node led to, by kind
    #[command(after_help = "Example:\n  deedbook lineage impact dataset:orders")]
    Impact(NodeArguments),
    /// The shortest path between two nodes
    #[command(after_help = "Example:\n  deedbook lineage path dataset:orders dataset:report")]
    Path(BetweenArguments),
    /// Paths between two nodes, the shortest first, and how many there are
    #[command(after_help = "Example:\n  deedbook lineage paths dataset:orders dataset:report --count 5")]
    Paths {
        /// Name so many
        #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=LINEAGE_PATHS_MAX as i64))]
        count: u32,
        #[command(flatten)]
        between: BetweenArguments,
    },
    /// The shortest path to a node on which no person approved anything
    #[command(after_help = "Example:\n  deedbook lineage unapproved dataset:report --svg gap.svg")]
    Unapproved {
        /// Begin here, as KIND:NAME; else at any version of a dataset or model, or any artifact
        #[arg(long, value_name = "NODE", default_value = "")]
        from: String,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// For every cause of a node, whether each path from there was approved
    #[command(after_help = "Example:\n  deedbook lineage coverage dataset:report")]
    Coverage(NodeArguments),
    /// The nodes on every path to a node
    #[command(after_help = "Example:\n  deedbook lineage choke-points --from dataset:orders dataset:report")]
    ChokePoints {
        /// Where paths begin, as KIND:NAME; may be given more than once
        #[arg(long, value_name = "NODE", required = true)]
        from: Vec<String>,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// The fewest runs whose approval would stand on every path to a node
    #[command(after_help = "Example:\n  deedbook lineage cut --from dataset:orders dataset:report")]
    Cut {
        /// Where paths begin, as KIND:NAME; may be given more than once
        #[arg(long, value_name = "NODE", required = true)]
        from: Vec<String>,
        /// Of the runs that are approved, the fewest that still stand on every path
        #[arg(long)]
        approved: bool,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// What two positions differ in
    #[command(after_help = "Example:\n  deedbook lineage diff 1000 --node dataset:report")]
    Diff {
        /// The earlier tree size
        #[arg(value_name = "SIZE")]
        earlier: u64,
        /// Compare what leads to this node, as KIND:NAME
        #[arg(long, value_name = "NODE", default_value = "")]
        node: String,
        #[command(flatten)]
        scope: Scope,
    },
    /// What a node led to that is not to be trusted since an entry
    #[command(
        after_help = "Example:\n  deedbook lineage contamination key:5f0c9f7d6a3e4b21908f7d6c5b4a3e2d --since 1200"
    )]
    Contamination {
        /// Index from which on it is not to be trusted
        #[arg(long, value_name = "INDEX", default_value_t = 0)]
        since: u64,
        #[command(flatten)]
        node: NodeArguments,
    },
}

impl Scope {
    fn message(&self) -> Option<proto::LineageScope> {
        Some(proto::LineageScope {
            as_of_size: self.as_of.unwrap_or(0),
            node_kinds: self.kinds.clone(),
            edge_kinds: self.edges.clone(),
            visited_max: self.visited_max.unwrap_or(0),
        })
    }
}

impl Question {
    /// The files that it shall write.
    fn files(&self) -> impl Iterator<Item = &Path> {
        let (scope, proof) = match self {
            Question::Stats => (None, None),
            Question::Search { proof, .. } => (None, Some(proof)),
            Question::Trace { node, .. }
            | Question::Explain(node)
            | Question::Impact(node)
            | Question::Unapproved { node, .. }
            | Question::Coverage(node)
            | Question::ChokePoints { node, .. }
            | Question::Cut { node, .. }
            | Question::Contamination { node, .. } => (Some(&node.scope), Some(&node.scope.proof)),
            Question::Path(between) | Question::Paths { between, .. } => {
                (Some(&between.scope), Some(&between.scope.proof))
            }
            Question::Diff { scope, .. } => (Some(scope), Some(&scope.proof)),
        };
        let drawn = scope.into_iter().flat_map(|scope| [&scope.svg, &scope.dot]);
        drawn.chain(proof.map(|proof| &proof.proof)).filter_map(Option::as_deref)
    }
}

/// Runs one of them.
pub fn run(common: &Common, command: LineageCommand, output: Output) -> Result<(), Failure> {
    match command {
        LineageCommand::Export(arguments) => export::run(common, &arguments, output),
        LineageCommand::Import(arguments) => import::run(common, arguments, output),
        LineageCommand::Ask(question) => ask(common, question, output),
    }
}

fn ask(common: &Common, question: Question, output: Output) -> Result<(), Failure> {
    // Before anything is asked, so that none of several files is left behind alone.
    question.files().try_for_each(must_be_new)?;
    block_on(async {
        let mut asking = Asking { client: Client::connect(common).await?, vkey: common.vkey.as_deref(), output };
        match question {
            Question::Stats => asking.stats().await,
            Question::Search { letters, kind, proof } => asking.search(letters, kind, &proof).await,
            Question::Trace { up, depth, node, .. } => asking.trace(up, depth, &node).await,
            Question::Explain(node) => asking.reach(true, &node).await,
            Question::Impact(node) => asking.reach(false, &node).await,
            Question::Path(between) => asking.paths(0, &between).await,
            Question::Paths { count, between } => asking.paths(count, &between).await,
            Question::Unapproved { from, node } => asking.unapproved(from, &node).await,
            Question::Coverage(node) => asking.coverage(&node).await,
            Question::ChokePoints { from, node } => asking.choke_points(from, &node).await,
            Question::Cut { from, approved, node } => asking.cut(from, approved, &node).await,
            Question::Diff { earlier, node, scope } => asking.diff(earlier, node, &scope).await,
            Question::Contamination { since, node } => asking.contamination(since, &node).await,
        }
    })
}
