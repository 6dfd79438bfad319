//! What a lineage bundle proves, as text and as one line of JSON. JSON is written by hand here, for the verifier takes in
//! no library for it: all that is not a number or a fixed word goes through `quoted`.

use deedbook_verify::calendar::rfc3339;
use deedbook_verify::lineage::{Gap, LineageRefusal, LineageShown, ShownEdge, ShownEntry, ShownNode, Standing};
use deedbook_verify::verdict::{Enroller, Witnessing};
use deedbook_verify::words::Micros;
use std::collections::BTreeMap;

/// Edges that are listed for people; `--json` has them all.
const LINES_MAX: usize = 200;

/// A file, and from where the key came that it was judged by.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The bundle's name.
    pub file: &'a str,
    /// The file of the key or policy.
    pub key: &'a str,
}

/// For people.
pub fn text(source: Source<'_>, shown: &LineageShown) -> String {
    let count = |standing: fn(Standing) -> bool| shown.count(standing);
    let named = shown.nodes.iter().filter(|node| node.named.is_some()).count();
    let mut lines = vec![
        format!("{}: valid", plain(source.file)),
        format!("  ledger   {}", shown.ledger),
        format!("  tree     {}, root {}", counted(shown.head.size.0, "entry", "entries"), shown.head.root),
        format!("  key      from {}: what that file is worth, this is worth", plain(source.key)),
        format!("  entries  {}, each in the tree and signed", shown.entries.len()),
        format!("  nodes    {}, {named} of them named by one of these entries", shown.nodes.len()),
        format!(
            "  edges    {}: {} derived from one entry, {} from several, {} cited",
            shown.edges.len(),
            count(|standing| standing == Standing::Derived),
            count(|standing| standing == Standing::Joined),
            count(|standing| matches!(standing, Standing::Cited(_))),
        ),
    ];
    lines.extend(shown.edges.iter().take(LINES_MAX).map(edge_line));
    if let Some(more) = shown.edges.len().checked_sub(LINES_MAX).filter(|more| *more > 0) {
        lines.push(format!("  edge     {more} more: --json has them all"));
    }
    let mut gaps: BTreeMap<Gap, usize> = BTreeMap::new();
    for edge in &shown.edges {
        if let Standing::Cited(gap) = edge.standing {
            *gaps.entry(gap).or_default() += 1;
        }
    }
    lines.extend(gaps.into_iter().map(|(gap, count)| format!("  cited    {count}: {}", gap.why())));
    if let Witnessing::Met(cosigned) = &shown.witnessing {
        lines.extend(cosigned.iter().map(|by| {
            let at = rfc3339(Micros(by.time.0.saturating_mul(1_000_000)));
            format!("  witness  {} ({}) at {at}, by its own clock", plain(&by.witness), by.key_name)
        }));
    }
    lines.extend(shown.limits().into_iter().map(|limit| format!("  note     {limit}")));
    lines.extend(shown.ignored.iter().map(|name| format!("  ignored  signature line of {name}")));
    lines.join("\n") + "\n"
}

fn edge_line(edge: &ShownEdge) -> String {
    let ShownEdge { from, kind, to, index, said_by, standing, .. } = edge;
    format!("  edge     {from} {} {to}: {} from entry {index}, {}", kind.name(), standing.name(), said_by.name())
}

/// For programs: the shape that docs/CLI.md gives `deedbook verify --json` too.
pub fn json(source: Source<'_>, shown: &LineageShown) -> String {
    let witnesses = match &shown.witnessing {
        Witnessing::NotAsked => "null".to_owned(),
        Witnessing::Met(cosigned) => array(cosigned.iter().map(|by| {
            let at = rfc3339(Micros(by.time.0.saturating_mul(1_000_000)));
            let (witness, key_name) = (quoted(&by.witness), quoted(&by.key_name));
            object(&[("witness", witness), ("key_name", key_name), ("time", quoted(&at))])
        })),
    };
    object(&[
        ("file", quoted(source.file)),
        ("valid", "true".to_owned()),
        ("ledger", quoted(&shown.ledger.to_string())),
        ("tree_size", shown.head.size.to_string()),
        ("root", quoted(&shown.head.root.to_string())),
        ("key_from", quoted(source.key)),
        ("entries", array(shown.entries.iter().map(entry))),
        ("nodes", array(shown.nodes.iter().map(node))),
        ("edges", array(shown.edges.iter().map(edge))),
        ("witnesses", witnesses),
        ("limits", array(shown.limits().into_iter().map(quoted))),
        ("ignored", array(shown.ignored.iter().map(|name| quoted(name)))),
    ]) + "\n"
}

/// One that is not valid.
pub fn refused_json(file: &str, refusal: &LineageRefusal) -> String {
    let (check, message) = (quoted(refusal.check()), quoted(&refusal.to_string()));
    object(&[("file", quoted(file)), ("valid", "false".to_owned()), ("check", check), ("message", message)]) + "\n"
}

fn entry(entry: &ShownEntry) -> String {
    object(&[
        ("index", entry.index.to_string()),
        ("kind", quoted(entry.kind.name())),
        ("received", quoted(&rfc3339(entry.received))),
        ("signer", quoted(&entry.signer.to_string())),
        ("enroller", quoted(&enroller(&entry.enroller))),
    ])
}

fn node(node: &ShownNode) -> String {
    let named = node.named.map_or("null".to_owned(), |index| index.to_string());
    object(&[("node", quoted(&node.key.to_string())), ("named", named)])
}

fn edge(edge: &ShownEdge) -> String {
    let why = match edge.standing {
        Standing::Cited(gap) => quoted(gap.why()),
        Standing::Derived | Standing::Joined => "null".to_owned(),
    };
    object(&[
        ("from", quoted(&edge.from.to_string())),
        ("kind", quoted(edge.kind.name())),
        ("to", quoted(&edge.to.to_string())),
        ("index", edge.index.to_string()),
        ("said_by", quoted(edge.said_by.name())),
        ("standing", quoted(edge.standing.name())),
        ("why", why),
    ])
}

/// Who let a key in.
pub fn enroller(enroller: &Enroller) -> String {
    match enroller {
        Enroller::Genesis => "named by genesis".to_owned(),
        Enroller::Administrator(id) => format!("enrolled by genesis administrator {id}"),
        Enroller::SecondNotShown(id) => format!("enrollment asked for by genesis administrator {id}"),
        Enroller::NotShown(id) => format!("enrolled under key {id}"),
    }
}

/// A number with its noun.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// A JSON object of members whose values are JSON.
pub fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", members.join(","))
}

/// A JSON list.
pub fn array(elements: impl Iterator<Item = String>) -> String {
    format!("[{}]", elements.collect::<Vec<String>>().join(","))
}

/// A JSON string (RFC 8259, 7): whatever is not plain ASCII is escaped, so that nothing steers a terminal.
pub fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'"') => out.push_str("\\\""),
            Ok(b'\\') => out.push_str("\\\\"),
            Ok(plain @ 0x20..=0x7e) => out.push(char::from(plain)),
            Ok(_) | Err(_) => out.push_str(&format!("\\u{unit:04x}")),
        }
    }
    out.push('"');
    out
}

/// Names may hold any characters; none of them shall steer a terminal.
pub fn plain(name: &str) -> String {
    name.escape_debug().to_string()
}
