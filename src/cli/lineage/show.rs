//! Answers as tables and as JSON. What is not whole says so last, and in `complete` of the JSON. Names are escaped.

use crate::api::proto;
use crate::cli::approvals::screen::hex;
use crate::cli::errors::Failure;
use crate::cli::output::{Colour, Output, counted, escape_line, remark};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Rows of a table that a person still reads.
const ROWS_MAX: usize = 200;
/// Parts of somebody on one line.
const PARTS_MAX: usize = 6;

/// Counts.
pub fn stats(stats: &proto::GetLineageStatsResponse, output: Output) -> Result<(), Failure> {
    let openlineage = json!({"runs": stats.openlineage_runs, "jobs": stats.openlineage_jobs,
        "datasets": stats.openlineage_datasets, "dataset_edges": stats.openlineage_dataset_edges,
        "column_edges": stats.openlineage_column_edges});
    if output.is_json() {
        return output.value(&json!({"as_of": head(stats.as_of.as_ref()), "nodes": counts(&stats.nodes),
            "edges": counts(&stats.edges), "openlineage": openlineage}));
    }
    let row =
        |what: &str, count: &proto::LineageCount| vec![what.to_owned(), count.kind.clone(), count.count.to_string()];
    let mut rows: Vec<Vec<String>> = stats.nodes.iter().map(|count| row("nodes", count)).collect();
    rows.extend(stats.edges.iter().map(|count| row("edges", count)));
    let openlineage = openlineage.as_object().into_iter().flatten();
    rows.extend(openlineage.map(|(kind, count)| vec!["openlineage".to_owned(), kind.clone(), count.to_string()]));
    output.table(&["of", "kind", "count"], &rows)
}

/// Nodes in the order of the answer.
pub fn answer(answer: &proto::LineageAnswer, more: &[(&str, u64)], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let mut value = object(answer);
        value.extend(more.iter().map(|(name, count)| ((*name).to_owned(), json!(count))));
        return output.value(&Value::Object(value));
    }
    table(&answer.nodes, output)?;
    for (name, count) in more {
        remark(&format!("{name}: {count}"));
    }
    close(answer, output)
}

/// The nodes on every path, or that there is no path.
pub fn choke_points(answer: &proto::LineageAnswer, reached: bool, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let mut value = object(answer);
        value.insert("reached".to_owned(), json!(reached));
        return output.value(&Value::Object(value));
    }
    match reached {
        true => table(&answer.nodes, output)?,
        false => output.line("no path leads there")?,
    }
    close(answer, output)
}

/// The fewest runs on every path, or why there are none.
pub fn cut(answer: &proto::LineageAnswer, (reached, enough): (bool, bool), output: Output) -> Result<(), Failure> {
    if output.is_json() {
        let mut value = object(answer);
        value.insert("reached".to_owned(), json!(reached));
        value.insert("enough".to_owned(), json!(enough));
        return output.value(&Value::Object(value));
    }
    match (answer.complete, reached, enough) {
        (false, _, _) => output.line("none was found, but not everything was looked at")?,
        (true, false, _) => output.line("no path leads there")?,
        (true, true, false) => output.line("no runs are enough: some path has none that may be taken")?,
        (true, true, true) => table(&answer.nodes, output)?,
    }
    close(answer, output)
}

/// Nodes under their kinds, people and approvals among them, each with the part that it played.
pub fn by_kind(answer: &proto::LineageAnswer, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&Value::Object(object(answer)));
    }
    let named: BTreeMap<u32, &proto::LineageNode> = answer.nodes.iter().map(|node| (node.id, node)).collect();
    let twins = twins(&answer.nodes);
    for count in &answer.counts {
        let kind = count.kind.replace('_', " ");
        output.line(&output.paint(&counted(count.count, &kind, &format!("{kind}s")), Colour::Bold))?;
        let nodes = answer.nodes.iter().filter(|node| node.kind == count.kind);
        let line = |node| format!("  {}{}{}", keyed(node, &twins), gate(node), parts(node, &named));
        let shown = nodes.take(ROWS_MAX / 10).map(line);
        let lines: Vec<String> = shown.collect();
        lines.iter().try_for_each(|line| output.line(line))?;
        let left = usize::try_from(count.count).unwrap_or(usize::MAX).saturating_sub(lines.len());
        if left > 0 {
            output.line(&format!("  … and {left} more"))?;
        }
    }
    close(answer, output)
}

/// Paths, each as a chain.
pub fn paths(
    answer: &proto::LineageAnswer,
    paths: &[proto::LineagePath],
    count: &str,
    output: Output,
) -> Result<(), Failure> {
    if output.is_json() {
        let mut value = object(answer);
        value.insert("paths".to_owned(), json!(paths.iter().map(|path| path.nodes.clone()).collect::<Vec<_>>()));
        value.insert("count".to_owned(), json!(Some(count).filter(|count| !count.is_empty())));
        return output.value(&Value::Object(value));
    }
    let named = |id: &u32| {
        let node = answer.nodes.iter().find(|node| node.id == *id);
        node.map_or_else(|| id.to_string(), |node| format!("{}{}", name(node), gate(node)))
    };
    for path in paths {
        output.line(&path.nodes.iter().map(named).collect::<Vec<String>>().join("\n  → "))?;
    }
    match (paths.is_empty(), count) {
        (true, _) => remark("no path leads there"),
        (false, "") => {}
        (false, count) => remark(&format!("{count} in all")),
    }
    close(answer, output)
}

/// The path without approval, or that there is none.
pub fn unapproved(
    answer: &proto::LineageAnswer,
    (found, reached): (bool, bool),
    output: Output,
) -> Result<(), Failure> {
    if output.is_json() {
        let mut value = object(answer);
        value.insert("found".to_owned(), json!(found));
        value.insert("reached".to_owned(), json!(reached));
        return output.value(&Value::Object(value));
    }
    match (found, answer.complete) {
        (true, _) => {
            let chain: Vec<String> = answer.nodes.iter().map(|node| format!("{}{}", name(node), gate(node))).collect();
            output.line(&output.paint(&chain.join("\n  → "), Colour::Red))?;
        }
        (false, true) if !reached => output.line("no path leads there, approved or not")?,
        (false, true) => {
            let there =
                answer.target.as_ref().map_or_else(|| "there".to_owned(), |target| format!("to {}", name(target)));
            let said = format!("every path {there} has an approval by people");
            output.line(&output.paint(&said, Colour::Green))?;
        }
        (false, false) => output.line("none was found, but not everything was looked at")?,
    }
    close(answer, output)
}

/// What was added and what changed.
pub fn diff(
    answer: &proto::LineageAnswer,
    gates: &[proto::LineageNode],
    coverage: Option<&[proto::LineageNode]>,
    output: Output,
) -> Result<(), Failure> {
    if output.is_json() {
        let mut value = object(answer);
        value.insert("gates_changed".to_owned(), gates.iter().map(node_value).collect());
        let coverage = coverage.map(|coverage| coverage.iter().map(node_value).collect());
        value.insert("coverage_changed".to_owned(), coverage.unwrap_or(Value::Null));
        return output.value(&Value::Object(value));
    }
    let coverage = coverage.map(|coverage| ("coverage changed", coverage));
    if coverage.is_none() {
        remark("what is covered otherwise was not asked: name a node with --node");
    }
    for (title, nodes) in [("added", &answer.nodes[..]), ("approval changed", gates)].into_iter().chain(coverage) {
        output.line(&output.paint(&format!("{title}: {}", nodes.len()), Colour::Bold))?;
        if !nodes.is_empty() {
            table(nodes, output)?;
        }
    }
    close(answer, output)
}

/// The columns that say anything.
fn table(nodes: &[proto::LineageNode], output: Output) -> Result<(), Failure> {
    type Column = (&'static str, fn(&proto::LineageNode) -> String);
    let columns: [Column; 6] = [
        ("step", |node| if node.depth == 0 { String::new() } else { node.depth.to_string() }),
        ("node", name),
        ("approval", |node| node.gate.join(" ")),
        ("covered", |node| node.covered.map_or("", |covered| if covered { "yes" } else { "no" }).to_owned()),
        ("paths", |node| node.paths.clone()),
        ("index", |node| node.born_index.to_string()),
    ];
    if nodes.is_empty() {
        remark("nothing was found");
        return Ok(());
    }
    let says = |(_, cell): &&Column| nodes.iter().any(|node| !cell(node).is_empty());
    let columns: Vec<&Column> = columns.iter().filter(says).collect();
    let headings: Vec<&str> = columns.iter().map(|(heading, _)| *heading).collect();
    let twins = twins(nodes);
    let shown = |(heading, cell): &&Column, node: &proto::LineageNode| match *heading {
        "node" => keyed(node, &twins),
        _ => cell(node),
    };
    let row = |node: &proto::LineageNode| columns.iter().map(|column| shown(column, node)).collect::<Vec<String>>();
    let rows: Vec<Vec<String>> = nodes.iter().take(ROWS_MAX).map(row).collect();
    output.table(&headings, &rows)?;
    if nodes.len() > ROWS_MAX {
        remark(&format!("{} more in this answer: --json has them", nodes.len() - ROWS_MAX));
    }
    Ok(())
}

/// Texts that several nodes of an answer have.
fn twins(nodes: &[proto::LineageNode]) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    nodes.iter().map(|node| node.text.as_str()).filter(|text| !seen.insert(*text)).collect()
}

/// A node's name; its key beside, if another has that name too.
fn keyed(node: &proto::LineageNode, twins: &BTreeSet<&str>) -> String {
    if twins.contains(node.text.as_str()) {
        format!("{}  {}:{}", name(node), node.kind, hex(node.key.get(1..).unwrap_or_default()))
    } else {
        name(node)
    }
}

/// Which of several versions was asked about, where the question named none.
fn taken(answer: &proto::LineageAnswer) -> Option<String> {
    let target = answer.target.as_ref().filter(|_| answer.target_versions > 1)?;
    let (node, versions, kind) = (name(target), answer.target_versions, &target.kind);
    let of = match (kind.strip_suffix("_version"), target.namespace.as_str(), target.name.as_str()) {
        (None, _, _) | (_, _, "") => "NODE".to_owned(),
        (Some(kind), "", name) => format!("{kind}:{name}"),
        (Some(kind), namespace, name) => format!("{kind}:{{{namespace}}}{name}"),
    };
    let all = format!("`deedbook lineage trace '{}' --down --kind {kind}`", escape_line(&of));
    Some(format!(
        "asked about {node}, the latest of {versions} versions; {all} lists them, to be asked about as they stand there"
    ))
}

/// On which tree it rests, which version was taken, and whether it is whole.
fn close(answer: &proto::LineageAnswer, output: Output) -> Result<(), Failure> {
    if let Some(taken) = taken(answer) {
        remark(&taken);
    }
    let size = answer.as_of.as_ref().map_or(0, |head| head.size);
    remark(&format!("as of size {size}: {}", counted(answer.visited, "node looked at", "nodes looked at")));
    if answer.complete {
        return Ok(());
    }
    let why = match answer.truncated_by.as_str() {
        "nodes" => "it would have looked at more nodes than it may: ask with a larger --visited-max, or for one --kind",
        "depth" => "there is more beyond that depth: leave --depth out",
        "answer" => {
            "it would have named more than an answer holds: ask for less, with --depth, --kind, --count or more letters"
        }
        "deadline" => "its time was over: ask for less, with --depth or --kind",
        "budget" => "the server's graph ends before that position: its memory is spent",
        other => other,
    };
    output.line(&output.paint(&format!("NOT WHOLE: {why}"), Colour::Red))
}

/// As it can be asked for again; and what it is a version or a run of, where that is not said so.
fn name(node: &proto::LineageNode) -> String {
    let is_key = node.text.ends_with(&hex(node.key.get(1..).unwrap_or_default()));
    let of = match node.kind.as_str() {
        "run" if !node.namespace.is_empty() => format!("{} {}", node.namespace, node.name),
        _ if is_key => node.name.clone(),
        _ => String::new(),
    };
    let text = if of.is_empty() { node.text.clone() } else { format!("{} ({of})", node.text) };
    // A name may hold the two letters that stand for a line feed elsewhere.
    escape_line(&text.replace('\n', "\\u{a}"))
}

/// What somebody did, each as `approved data.export customers (17)`.
fn parts(node: &proto::LineageNode, named: &BTreeMap<u32, &proto::LineageNode>) -> String {
    let told = |part: &proto::LineagePart| {
        let of = named.get(&part.node).map(|of| called(of));
        let word = match part.part.as_str() {
            "answers" => "answers for",
            "broke_glass" => "broke the glass for",
            word => word,
        };
        format!("{word} {} ({})", of.unwrap_or_else(|| format!("node {}", part.node)), part.index)
    };
    let mut parts: Vec<String> = node.parts.iter().take(PARTS_MAX).map(told).collect();
    if node.parts.len() > PARTS_MAX {
        parts.push(format!("and {} more: --json has them all", node.parts.len() - PARTS_MAX));
    }
    if parts.is_empty() { String::new() } else { format!("  {}", escape_line(&parts.join(", "))) }
}

/// What a node is called, without its kind; of an action what is done, and on what.
fn called(node: &proto::LineageNode) -> String {
    match (node.kind.as_str(), node.name.as_str()) {
        ("action", name) if !name.is_empty() => format!("{} {name}", node.namespace),
        ("run", name) if !name.is_empty() => format!("run of {} {name}", node.namespace),
        (kind, "") => {
            format!("{kind} {}", node.text.rsplit(':').next().unwrap_or_default().get(..8).unwrap_or_default())
        }
        (kind, name) => format!("{kind} {name}"),
    }
}

fn gate(node: &proto::LineageNode) -> String {
    if node.gate.is_empty() { String::new() } else { format!("  [{}]", node.gate.join(", ")) }
}

fn head(head: Option<&proto::TreeHead>) -> Value {
    head.map_or(Value::Null, |head| json!({"size": head.size, "root": hex(&head.root)}))
}

fn counts(counts: &[proto::LineageCount]) -> Value {
    Value::Object(counts.iter().map(|count| (count.kind.clone(), json!(count.count))).collect())
}

fn node_value(node: &proto::LineageNode) -> Value {
    let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    json!({"id": node.id, "kind": node.kind, "node": node.text, "key": hex(&node.key),
        "namespace": given(&node.namespace), "name": given(&node.name), "version": given(&node.version),
        "born_index": node.born_index, "gate": node.gate, "approved": node.approved, "depth": node.depth,
        "covered": node.covered, "paths": given(&node.paths),
        "parts": node.parts.iter().map(part_value).collect::<Vec<Value>>()})
}

fn part_value(part: &proto::LineagePart) -> Value {
    json!({"part": part.part, "node": part.node, "index": part.index})
}

fn object(answer: &proto::LineageAnswer) -> Map<String, Value> {
    let edge =
        |edge: &proto::LineageEdge| json!({"from": edge.from, "to": edge.to, "kind": edge.kind, "index": edge.index});
    let mut out = Map::new();
    let versions = answer.target_versions;
    out.insert("as_of".to_owned(), head(answer.as_of.as_ref()));
    out.insert("target".to_owned(), answer.target.as_ref().map_or(Value::Null, node_value));
    out.insert("target_versions".to_owned(), answer.target.as_ref().map_or(Value::Null, |_| json!(versions)));
    out.insert("complete".to_owned(), json!(answer.complete));
    out.insert("truncated_by".to_owned(), json!(Some(&answer.truncated_by).filter(|cut| !cut.is_empty())));
    out.insert("visited".to_owned(), json!(answer.visited));
    out.insert("counts".to_owned(), counts(&answer.counts));
    out.insert("nodes".to_owned(), answer.nodes.iter().map(node_value).collect());
    out.insert("edges".to_owned(), answer.edges.iter().map(edge).collect());
    out
}
