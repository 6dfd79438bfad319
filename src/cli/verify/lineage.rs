//! What a proof of lineage shows, for people and for programs; the shapes are those of `deedbook-verify lineage`.

use super::{enroller, witness_pairs, witnesses};
use crate::cli::errors::Failure;
use crate::cli::output::{Colour, Output, counted, escape_line};
use crate::record::line::time;
use deedbook_verify::lineage::{LineageRefusal, LineageShown, ShownEdge, ShownEntry, ShownNode, Standing};
use serde_json::{Value, json};

/// Edges that are listed for people; `--json` has them all.
const LINES_MAX: usize = 200;

/// Says what a bundle proves, and what it cannot show.
pub fn show(name: &str, trusted: &str, shown: &LineageShown, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&value(name, trusted, shown));
    }
    output.line(&format!("{}: {}", escape_line(name), output.paint("valid", Colour::Green)))?;
    let count = |standing: fn(Standing) -> bool| shown.count(standing);
    let named = shown.nodes.iter().filter(|node| node.named.is_some()).count();
    let edges = format!(
        "{}: {} derived from one entry, {} from several, {} cited",
        shown.edges.len(),
        count(|standing| standing == Standing::Derived),
        count(|standing| standing == Standing::Joined),
        count(|standing| matches!(standing, Standing::Cited(_)))
    );
    let mut pairs = vec![
        ("ledger", shown.ledger.to_string()),
        ("tree", format!("{}, root {}", counted(shown.head.size.0, "entry", "entries"), shown.head.root)),
        ("key", format!("from {}: what that file is worth, this is worth", escape_line(trusted))),
        ("entries", format!("{}, each in the tree and signed", shown.entries.len())),
        ("nodes", format!("{}, {named} of them named by one of these entries", shown.nodes.len())),
        ("edges", edges),
    ];
    pairs.extend(shown.edges.iter().take(LINES_MAX).map(|edge| ("edge", edge_text(edge))));
    if let Some(more) = shown.edges.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        pairs.push(("edge", format!("{more} more: --json has them all")));
    }
    let mut gaps: Vec<_> = shown.edges.iter().filter_map(|edge| why(edge.standing)).collect();
    gaps.sort_unstable();
    let gaps = gaps.chunk_by(|one, two| one == two);
    pairs.extend(gaps.map(|same| {
        let of = counted(same.len() as u64, "edge", "edges");
        ("cited", format!("{of}: {}", same.first().copied().unwrap_or_default()))
    }));
    pairs.extend(witness_pairs(&shown.witnessing));
    pairs.extend(shown.limits().into_iter().map(|limit| ("note", limit.to_owned())));
    pairs.extend(shown.ignored.iter().map(|name| ("ignored", format!("signature line of {name}"))));
    output.pairs(&pairs)
}

fn edge_text(edge: &ShownEdge) -> String {
    let ShownEdge { from, kind, to, index, said_by, standing, .. } = edge;
    format!("{from} {} {to}: {} from entry {index}, {}", kind.name(), standing.name(), said_by.name())
}

fn why(standing: Standing) -> Option<&'static str> {
    match standing {
        Standing::Cited(gap) => Some(gap.why()),
        Standing::Derived | Standing::Joined => None,
    }
}

/// Says which check a bundle failed.
pub fn show_refusal(name: &str, refusal: &LineageRefusal, output: Output) -> Result<(), Failure> {
    let text = format!("{}: {}: {refusal}", escape_line(name), output.paint("NOT VALID", Colour::Red));
    let value = || json!({"file": name, "valid": false, "check": refusal.check(), "message": refusal.to_string()});
    output.either(&text, value)
}

fn value(name: &str, trusted: &str, shown: &LineageShown) -> Value {
    json!({
        "file": name,
        "valid": true,
        "ledger": shown.ledger.to_string(),
        "tree_size": shown.head.size.0,
        "root": shown.head.root.to_string(),
        "key_from": trusted,
        "entries": shown.entries.iter().map(entry_value).collect::<Vec<Value>>(),
        "nodes": shown.nodes.iter().map(node_value).collect::<Vec<Value>>(),
        "edges": shown.edges.iter().map(edge_value).collect::<Vec<Value>>(),
        "witnesses": witnesses(&shown.witnessing),
        "limits": shown.limits(),
        "ignored": shown.ignored,
    })
}

fn entry_value(entry: &ShownEntry) -> Value {
    json!({"index": entry.index.0, "kind": entry.kind.name(), "received": time::show(entry.received),
        "signer": entry.signer.to_string(), "enroller": enroller(&entry.enroller)})
}

fn node_value(node: &ShownNode) -> Value {
    json!({"node": node.key.to_string(), "named": node.named.map(|index| index.0)})
}

fn edge_value(edge: &ShownEdge) -> Value {
    json!({"from": edge.from.to_string(), "kind": edge.kind.name(), "to": edge.to.to_string(), "index": edge.index.0,
        "said_by": edge.said_by.name(), "standing": edge.standing.name(), "why": why(edge.standing)})
}
