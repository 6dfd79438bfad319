//! `deedbook lineage`: what led to what. The server answers; this asks, shows the answer as a table, as JSON or as a
//! picture, and says when it is not whole.

mod picture;
mod show;
mod export;
mod import;

use super::client::Client;
use super::errors::Failure;
use super::output::Output;
use super::{Common, block_on};
use crate::api::proto;
use clap::{Args, Subcommand};
use export::ExportArguments;
use import::ImportArguments;
use picture::Marked;
use std::path::PathBuf;

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
    /// Look at so many nodes at most
    #[arg(long, value_name = "N")]
    visited_max: Option<u64>,
    /// Draw the answer into this file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Write the answer into this file as DOT, for Graphviz
    #[arg(long, value_name = "FILE")]
    dot: Option<PathBuf>,
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
        /// So many steps at most
        #[arg(long, value_name = "N", default_value_t = 0)]
        depth: u32,
        #[command(flatten)]
        node: NodeArguments,
    },
    /// What led to an outcome: data, models, agents, people, policies, approvals
    #[command(after_help = "Example:\n  deedbook lineage explain action:data.export --svg export.svg")]
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
        /// Name so many, at most 1,000
        #[arg(long, value_name = "N", default_value_t = 10)]
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

/// Runs one of them.
pub fn run(common: &Common, command: LineageCommand, output: Output) -> Result<(), Failure> {
    match command {
        LineageCommand::Export(arguments) => export::run(common, &arguments, output),
        LineageCommand::Import(arguments) => import::run(common, arguments, output),
        LineageCommand::Ask(question) => ask(common, question, output),
    }
}

fn ask(common: &Common, question: Question, output: Output) -> Result<(), Failure> {
    block_on(async {
        let mut client = Client::connect(common).await?;
        match question {
            Question::Stats => show::stats(&client.lineage_stats(proto::GetLineageStatsRequest {}).await?, output),
            Question::Search { letters, kind } => {
                let found = client.lineage_search(proto::SearchLineageRequest { letters, kind }).await?;
                show::answer(&whole(found.answer)?, &[], output)
            }
            Question::Trace { up, depth, node, .. } => trace(&mut client, (up, depth), &node, output).await,
            Question::Explain(node) => reach(&mut client, true, &node, output).await,
            Question::Impact(node) => reach(&mut client, false, &node, output).await,
            Question::Path(between) => paths(&mut client, 0, &between, output).await,
            Question::Paths { count, between } => paths(&mut client, count.max(1), &between, output).await,
            Question::Unapproved { from, node } => unapproved(&mut client, from, &node, output).await,
            Question::Coverage(node) => coverage(&mut client, &node, output).await,
            Question::ChokePoints { from, node } => choke_points(&mut client, from, &node, output).await,
            Question::Diff { earlier, node, scope } => {
                let request = proto::DiffLineageRequest { earlier_size: earlier, node, scope: scope.message() };
                let found = client.lineage_diff(request).await?;
                let answer = whole(found.answer)?;
                picture::write(&scope, &answer, &format!("added since size {earlier}"), Marked::Nothing)?;
                show::diff(&answer, &found.gates_changed, &found.coverage_changed, output)
            }
            Question::Contamination { since, node } => {
                let request = proto::GetContaminationRequest {
                    node: node.node.clone(),
                    since_index: since,
                    scope: node.scope.message(),
                };
                let found = client.lineage_contamination(request).await?;
                let answer = whole(found.answer)?;
                let title = format!("what {} led to since entry {since}", node.node);
                picture::write(&node.scope, &answer, &title, Marked::Node(&node.node))?;
                let more = [("open", found.open), ("gated", found.gated)];
                show::answer(&answer, &more, output)
            }
        }
    })
}

fn whole(answer: Option<proto::LineageAnswer>) -> Result<proto::LineageAnswer, Failure> {
    Ok(answer.ok_or_else(super::client::ended)?)
}

async fn trace(
    client: &mut Client,
    (up, depth_max): (bool, u32),
    node: &NodeArguments,
    output: Output,
) -> Result<(), Failure> {
    let request = proto::TraceLineageRequest { node: node.node.clone(), up, depth_max, scope: node.scope.message() };
    let answer = whole(client.lineage_trace(request).await?.answer)?;
    let title = format!("what {} {}", if up { "led to" } else { "came of" }, node.node);
    picture::write(&node.scope, &answer, &title, Marked::Start)?;
    show::answer(&answer, &[], output)
}

/// Everything up or down, by kind.
async fn reach(client: &mut Client, up: bool, node: &NodeArguments, output: Output) -> Result<(), Failure> {
    let request = proto::TraceLineageRequest { node: node.node.clone(), up, depth_max: 0, scope: node.scope.message() };
    let answer = whole(client.lineage_trace(request).await?.answer)?;
    let title = format!("what {} {}", if up { "led to" } else { "came of" }, node.node);
    picture::write(&node.scope, &answer, &title, Marked::Start)?;
    show::by_kind(&answer, output)
}

async fn paths(client: &mut Client, paths_max: u32, between: &BetweenArguments, output: Output) -> Result<(), Failure> {
    let (from, to) = (between.from.clone(), between.to.clone());
    let title = format!("paths from {from} to {to}");
    let found = client
        .lineage_paths(proto::FindLineagePathsRequest { from, to, paths_max, scope: between.scope.message() })
        .await?;
    let answer = whole(found.answer)?;
    picture::write(&between.scope, &answer, &title, Marked::Asked)?;
    show::paths(&answer, &found.paths, &found.count, output)
}

async fn unapproved(client: &mut Client, from: String, node: &NodeArguments, output: Output) -> Result<(), Failure> {
    let request = proto::FindUnapprovedPathRequest { from, to: node.node.clone(), scope: node.scope.message() };
    let found = client.lineage_unapproved(request).await?;
    let answer = whole(found.answer)?;
    picture::write(&node.scope, &answer, &format!("no approval on the way to {}", node.node), Marked::Unapproved)?;
    show::unapproved(&answer, (found.found, found.reached), output)
}

async fn coverage(client: &mut Client, node: &NodeArguments, output: Output) -> Result<(), Failure> {
    let request = proto::GetLineageCoverageRequest { node: node.node.clone(), scope: node.scope.message() };
    let found = client.lineage_coverage(request).await?;
    let answer = whole(found.answer)?;
    picture::write(&node.scope, &answer, &format!("approval of what led to {}", node.node), Marked::Node(&node.node))?;
    show::answer(&answer, &[("open", found.open), ("covered", found.covered)], output)
}

async fn choke_points(
    client: &mut Client,
    from: Vec<String>,
    node: &NodeArguments,
    output: Output,
) -> Result<(), Failure> {
    let request = proto::ListChokePointsRequest { from, to: node.node.clone(), scope: node.scope.message() };
    let found = client.lineage_choke_points(request).await?;
    let answer = whole(found.answer)?;
    picture::write(&node.scope, &answer, &format!("on every path to {}", node.node), Marked::Node(&node.node))?;
    show::choke_points(&answer, found.reached, output)
}
