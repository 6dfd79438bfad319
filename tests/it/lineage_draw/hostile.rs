//! Names come from outside: whatever they hold, the texts stay well-formed, harmless and legible.

use super::sheet::sheet;
use super::{add, connect, empty};
use deedbook::lineage::draw::{dot, svg};
use deedbook::lineage::{EdgeKind, NodeKind};
use roxmltree::Document;

const NAMES: &[&str] = &[
    "</title><script>alert(1)</script>",
    "\"' onload=\"alert(1)",
    "]]>&amp;&lt;&#0;<![CDATA[",
    "\u{0}\u{1}\u{b}\u{1f}\u{7f}\u{85}\u{9b}\u{fffe}\u{ffff}",
    "\u{202e}desrever\u{2066}\u{200f}\u{feff}",
    "two\nlines\r\n\tand a tab",
    "\\N \\G \\l \"; n0 -> n1; }",
    "日本語の名前 名前 名前 名前 名前 名前 名前",
    "a\u{301}\u{302}\u{303}",
    "",
    " ",
];

#[test]
fn hostile_names_do_no_harm() {
    for kind in NodeKind::ALL {
        let mut picture = empty();
        picture.title = NAMES.concat();
        for name in NAMES {
            let node = add(&mut picture, *kind, name);
            picture.nodes[node].sublabel = (*name).to_owned();
            connect(&mut picture, 0, node, EdgeKind::Derived);
        }
        let drawing = svg(&picture).unwrap();
        assert!(!drawing.svg.chars().any(|c| (c.is_control() && c != '\n') || matches!(c, '\u{202e}' | '\u{2066}')));
        let document = Document::parse(&drawing.svg).unwrap();
        for node in document.descendants().filter(|node| node.is_element()) {
            let name = node.tag_name().name();
            assert!(matches!(name, "svg" | "g" | "path" | "rect" | "style" | "text" | "title"), "{name}");
            for attribute in node.attributes() {
                assert!(!attribute.name().starts_with("on") && !attribute.value().contains("alert"), "{attribute:?}");
            }
        }
        assert!(!drawing.svg.contains("url(") && !drawing.svg.contains("href") && !drawing.svg.contains("@import"));
        let sheet = sheet(&picture);
        assert!(sheet.box_titles["n4"].starts_with("\\u{202e}desrever\\u{2066}\\u{200f}\\u{feff}\n"));
        assert!(sheet.box_titles["n0"].starts_with("</title><script>alert(1)</script>\n"));
    }
}

#[test]
fn long_names_lose_their_middle_and_stand_in_full_behind_the_box() {
    let name = format!("s3://bucket/{}/part-00042.parquet", "directory/".repeat(30));
    let mut picture = empty();
    let node = add(&mut picture, NodeKind::DatasetVersion, &name);
    picture.nodes[node].sublabel = "9f".repeat(32);
    picture.nodes[node].unseen = 1328;
    let sheet = sheet(&picture);
    assert!(sheet.boxes["n0"].width <= 260.0, "{:?}", sheet.boxes);
    let label = sheet.texts.iter().find(|text| text.starts_with("s3://")).unwrap();
    assert!(label.ends_with(".parquet") && label.contains('…') && label.chars().count() < 40, "{label}");
    assert!(sheet.box_titles["n0"].starts_with(&name));
    assert!(sheet.says("dataset version · 1,328 not shown"), "what is said of a node is not cut: {:?}", sheet.texts);
    picture.nodes[node].label = "x".repeat(1_000_000);
    assert!(svg(&picture).unwrap().svg.len() < 10_000);
}

/// DOT has no parser here: each line is one statement, and a string ends at the first quote that no backslash escapes.
#[test]
fn dot_holds_hostile_names_in_its_strings() {
    let mut picture = empty();
    picture.title = NAMES.concat();
    for name in NAMES {
        let node = add(&mut picture, NodeKind::Run, name);
        picture.nodes[node].sublabel = (*name).to_owned();
        connect(&mut picture, 0, node, EdgeKind::Called);
    }
    let text = dot(&picture).unwrap();
    let mut statements = 0;
    for line in text.lines() {
        let bare = outside_strings(line);
        assert!(bare.is_ascii() && !bare.contains("alert") && !bare.contains('\\'), "{bare}");
        assert_eq!(bare.matches("->").count(), usize::from(bare.contains(" -> ")), "{bare}");
        statements += usize::from(bare.starts_with("  n") && !bare.starts_with("  node"));
    }
    assert_eq!(statements, picture.nodes.len() + picture.edges.len());
    assert!(text.starts_with("digraph lineage {\n") && text.ends_with("}\n"));
}

fn outside_strings(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars();
    let mut inside = false;
    while let Some(c) = chars.next() {
        match (c, inside) {
            ('"', _) => inside = !inside,
            ('\\', true) => {
                chars.next();
            }
            (_, true) => {}
            (_, false) => out.push(c),
        }
    }
    assert!(!inside, "a string does not end on its line: {line}");
    out
}
