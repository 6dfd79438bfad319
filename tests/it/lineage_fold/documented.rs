//! The pages about lineage name everything that there is, by the names and numbers that the code has.

use deedbook::lineage::{EdgeKind, Gate, NodeKind};
use deedbook_verify::kind::Kind;

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/docs/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_page_names_every_kind_of_entry_edge_and_gate() {
    let page = page("LINEAGE.md");
    let kinds = Kind::ALL.iter().map(|kind| kind.name());
    let edges = EdgeKind::ALL.iter().map(|kind| kind.name());
    for name in kinds.chain(edges).chain(Gate::NAMES.iter().map(|(_, name)| *name)) {
        assert!(page.contains(&format!("`{name}`")), "docs/LINEAGE.md says nothing of `{name}`");
    }
}

#[test]
fn every_kind_of_node_has_its_number_in_the_format() {
    let page = page("FORMAT.md");
    let (_, keys) = page.split_once("## Keys of the lineage graph").unwrap();
    let (keys, _) = keys.split_once("\n## ").unwrap();
    let mut numbered = Vec::new();
    for row in keys.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let ends: Vec<u8> = cells[2].split([' ', ',']).filter_map(|text| text.parse().ok()).collect();
        let numbers = ends[0]..=ends[ends.len() - 1];
        numbered.extend(cells[1].split(", ").zip(numbers).map(|(name, number)| (name.to_owned(), number)));
    }
    let expected: Vec<(String, u8)> =
        NodeKind::ALL.iter().map(|kind| (kind.name().to_owned(), kind.number())).collect();
    assert_eq!(numbered, expected);
}
