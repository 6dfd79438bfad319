//! The whole graph as DOT, written as it comes: nothing is held but one page. Graphviz lays out some thousands of nodes;
//! other programs read more.

use super::ExportArguments;
use super::pages::{Pages, head_of};
use super::sink::Sink;
use crate::api::proto;
use crate::cli::Common;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::lineage::picture::{self, Marked};
use crate::cli::output::{Output, counted};
use crate::lineage::EdgeKind;
use crate::lineage::draw::{self, PathMark, Picture, PictureEdge};
use deedbook_verify::tree::TreeHead;
use serde_json::json;

/// Nodes and edges that were written.
#[derive(Default)]
struct Tally {
    nodes: u64,
    edges: u64,
}

/// Writes the file.
pub async fn run(common: &Common, arguments: &ExportArguments, output: Output) -> Result<(), Failure> {
    let mut pages = Pages::start(Client::connect(common).await?, arguments.as_of.unwrap_or(0));
    let mut sink = Sink::create(&arguments.out)?;
    match write(&mut pages, &mut sink).await {
        Ok((head, tally)) => {
            sink.finish()?;
            say(arguments, head, &tally, output)
        }
        Err(failure) => {
            sink.abandon();
            Err(failure)
        }
    }
}

async fn write(pages: &mut Pages, sink: &mut Sink) -> Result<(Option<TreeHead>, Tally), Failure> {
    let (mut head, mut tally) = (None, Tally::default());
    while let Some(page) = pages.next().await? {
        if head.is_none() {
            let as_of = head_of(&page)?;
            let title = "the lineage of the whole log".to_owned();
            let picture = Picture { title, as_of, nodes: Vec::new(), edges: Vec::new() };
            sink.write(draw::dot_opening(&picture).as_bytes())?;
            head = Some(as_of);
        }
        for node in page.nodes.iter().filter_map(|node| picture::node(node, &Marked::Nothing)) {
            sink.write(draw::dot_node(&node).as_bytes())?;
            tally.nodes = tally.nodes.saturating_add(1);
        }
        for edge in page.edges.iter().filter_map(edge) {
            sink.write(draw::dot_edge(&edge).as_bytes())?;
            tally.edges = tally.edges.saturating_add(1);
        }
    }
    sink.write(draw::DOT_CLOSING.as_bytes())?;
    Ok((head, tally))
}

fn edge(edge: &proto::LineageEdge) -> Option<PictureEdge> {
    let kind = EdgeKind::from_name(&edge.kind)?;
    let late = picture::is_late(edge, kind);
    let (from, to, path) = (edge.from, edge.to, PathMark::Plain);
    Some(PictureEdge { from, to, kind, to_authority: false, late, inferred: false, after: false, path })
}

fn say(arguments: &ExportArguments, head: Option<TreeHead>, tally: &Tally, output: Output) -> Result<(), Failure> {
    let out = arguments.out.display();
    if output.is_json() {
        let as_of = head.map(|head| json!({"size": head.size.0, "root": head.root.to_string()}));
        return output.value(&json!({
            "format": "dot", "out": out.to_string(), "as_of": as_of, "nodes": tally.nodes, "edges": tally.edges,
        }));
    }
    output.line(&format!(
        "{out}: {}, {}, as of size {}",
        counted(tally.nodes, "node", "nodes"),
        counted(tally.edges, "edge", "edges"),
        head.map_or(0, |head| head.size.0)
    ))
}
