//! A file of PROV-JSON that holds what a log says: each document that was taken in as a bundle, the rest of the graph as
//! bundles of bounded size, and an entity for each bundle that says where in the log it is from. It is handed out in
//! pieces, so that nobody holds it whole; writing them is the caller's.

use super::bundles::{Lifted, Piece, quoted};
use super::record::{Kin, Tie, Told, name, of_edge, of_node, prefixes, space, whole};
use super::words::{EXPORT, INSIDE, INSIDE_AS, LIN, PROV, XSD};
use crate::limits::PROV_BUNDLE_BYTES;
use crate::lineage::NodeKind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::LedgerId;
use std::collections::{BTreeMap, BTreeSet};

/// The prefixes of bundles' names.
const DOCUMENT: &str = "doc";
const GRAPH: &str = "graph";

/// A file in the making.
#[derive(Debug)]
pub struct Export {
    ledger: LedgerId,
    /// Prefixes of documents' names: one that a document binds itself cannot name it.
    documents: BTreeSet<String>,
    entities: Vec<String>,
    graphs: u64,
    is_begun: bool,
}

impl Export {
    /// Begins a file about a log as of a position.
    pub fn new(ledger: LedgerId, head: TreeHead) -> Export {
        let about = format!(
            "\"{GRAPH}:log\":{{\"prov:type\":{{\"$\":\"lin:{EXPORT}\",\"type\":\"xsd:QName\"}},\"lin:ledger\":\"{ledger}\",\
             \"lin:size\":{},\"lin:root\":\"{}\"}}",
            whole(head.size.0),
            head.root
        );
        let documents = BTreeSet::from([DOCUMENT.to_owned()]);
        Export { ledger, documents, entities: vec![about], graphs: 0, is_begun: false }
    }

    /// A document that was taken in at an index.
    pub fn document(&mut self, index: u64, lifted: &Lifted) -> String {
        let id = self.document_name(&lifted.own, &index.to_string());
        let mut out = self.bundle(&id, &lifted.own.text);
        self.entity(&id, index, "");
        for (number, (inner, piece)) in (1u64..).zip(&lifted.inside) {
            let lifted_id = self.document_name(piece, &format!("{index}.{number}"));
            out.push_str(&self.bundle(&lifted_id, &piece.text));
            let inside = format!(
                ",\"{INSIDE}\":{{\"$\":{},\"type\":\"xsd:QName\"}},\"{INSIDE_AS}\":{}",
                quoted(&id),
                quoted(inner)
            );
            self.entity(&lifted_id, index, &inside);
        }
        out
    }

    /// A document whose body is not there any more, or cannot be read: `why` says which.
    pub fn missing(&mut self, index: u64, why: &str) {
        self.entity(&format!("{DOCUMENT}:{index}"), index, &format!(",\"lin:missing\":{}", quoted(why)));
    }

    /// A part of the graph.
    pub fn graph(&mut self, bundle: &GraphBundle) -> String {
        self.graphs = self.graphs.saturating_add(1);
        let id = format!("{GRAPH}:{}", self.graphs);
        self.entity(&id, bundle.first_index, "");
        self.bundle(&id, &bundle.text())
    }

    /// What ends the file.
    pub fn close(self) -> String {
        let opening = if self.is_begun { "" } else { "{\"bundle\":{" };
        let documents = self.documents.iter().map(|prefix| (prefix.as_str(), space(self.ledger, "document")));
        let fixed = [("prov", PROV), ("xsd", XSD), ("lin", LIN)].map(|(prefix, space)| (prefix, space.to_owned()));
        let all = fixed.into_iter().chain([(GRAPH, space(self.ledger, GRAPH))]).chain(documents);
        let prefixes: Vec<String> = all.map(|(prefix, space)| format!("\"{prefix}\":{}", quoted(&space))).collect();
        format!(
            "{opening}}},\n\"entity\":{{\n{}}},\n\"prefix\":{{{}}}}}\n",
            self.entities.join(",\n"),
            prefixes.join(",")
        )
    }

    fn document_name(&mut self, piece: &Piece, local: &str) -> String {
        let is_free = |prefix: &String| !piece.prefixes.contains(prefix);
        let numbered = (1u64..).map(|number| format!("{DOCUMENT}_{number}"));
        let prefix = std::iter::once(DOCUMENT.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
        let id = format!("{prefix}:{local}");
        self.documents.insert(prefix);
        id
    }

    fn bundle(&mut self, id: &str, text: &str) -> String {
        let before = if self.is_begun { ",\n" } else { "{\"bundle\":{\n" };
        self.is_begun = true;
        format!("{before}{}:{text}", quoted(id))
    }

    fn entity(&mut self, id: &str, index: u64, more: &str) {
        self.entities.push(format!(
            "{}:{{\"prov:type\":{{\"$\":\"prov:Bundle\",\"type\":\"xsd:QName\"}},\"lin:pos\":{}{more}}}",
            quoted(id),
            whole(index)
        ));
    }
}

/// A part of the graph: records that stand in one bundle.
#[derive(Debug)]
pub struct GraphBundle {
    ledger: LedgerId,
    sections: BTreeMap<&'static str, Vec<String>>,
    kinds: BTreeSet<NodeKind>,
    first_index: u64,
    relations: u64,
    bytes: usize,
}

impl GraphBundle {
    /// An empty one.
    pub fn new(ledger: LedgerId) -> GraphBundle {
        let (sections, kinds) = (BTreeMap::new(), BTreeSet::new());
        GraphBundle { ledger, sections, kinds, first_index: 0, relations: 0, bytes: 0 }
    }

    /// Whether it has as much as it should have.
    pub fn is_full(&self) -> bool {
        self.bytes >= PROV_BUNDLE_BYTES
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.sections.is_empty()
    }

    /// Adds a node.
    pub fn node(&mut self, told: &Told) {
        self.kinds.insert(told.kind);
        let record = format!("{}:{}", quoted(&name((told.kind, told.id))), of_node(told, self.ledger));
        self.record(Kin::of(told.kind).section(), told.born_index, record);
    }

    /// Adds an edge.
    pub fn edge(&mut self, tie: &Tie) {
        self.kinds.extend([tie.from.0, tie.to.0]);
        let (section, attributes) = of_edge(tie);
        self.relations = self.relations.saturating_add(1);
        self.record(section, tie.index, format!("\"_:e{}\":{attributes}", self.relations));
    }

    fn record(&mut self, section: &'static str, index: u64, record: String) {
        if self.is_empty() {
            self.first_index = index;
        }
        self.bytes = self.bytes.saturating_add(record.len());
        self.sections.entry(section).or_default().push(record);
    }

    fn text(&self) -> String {
        let mut out = format!("{{\"prefix\":{}", prefixes(self.ledger, self.kinds.iter().copied()));
        for (section, records) in &self.sections {
            out.push_str(&format!(",\n\"{section}\":{{\n{}}}", records.join(",\n")));
        }
        out.push('}');
        out
    }
}
