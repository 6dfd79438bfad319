//! The log as PROV-JSON: what came in as PROV comes out as it came, each document as a bundle of its own; all the rest of
//! the graph stands beside it in bundles of bounded size. What a document says is not said a second time from facts,
//! unless its body is gone: then facts are all there is.

use super::pages::{Pages, head_of};
use super::sink::Sink;
use super::{ExportArguments, Walk};
use crate::api::proto;
use crate::cli::Common;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::{Output, counted, remark};
use crate::cli::producer::word;
use crate::lineage::prov::{Document, Export, GraphBundle, Tie, Told, lifted};
use crate::lineage::{EdgeKind, NodeKind};
use deedbook_verify::detail::Detail;
use deedbook_verify::facts::Facts;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{EventId, LedgerId, Ref};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// What was written, and what was not.
#[derive(Default)]
struct Tally {
    documents: u64,
    erased: u64,
    unreadable: u64,
    nodes: u64,
    edges: u64,
}

/// Writes the file.
pub async fn run(common: &Common, arguments: &ExportArguments, output: Output) -> Result<(), Failure> {
    if let Some(index) = arguments.document {
        return one(common, arguments, index, output).await;
    }
    let mut client = Client::connect(common).await?;
    let ledger = word(&client.ledger().await?.ledger_id, "ledger_id").map(LedgerId)?;
    let mut pages = Pages::start(client, arguments.as_of.unwrap_or(0));
    let first = pages.next().await?.unwrap_or_default();
    let head = head_of(&first)?;
    let mut writing = Writing {
        sink: Sink::create(&arguments.out)?,
        export: Export::new(ledger, head),
        documents: BTreeMap::new(),
        held: BTreeSet::new(),
        bundle: GraphBundle::new(ledger),
        ledger,
        nodes: Vec::new(),
        waiting: BTreeMap::new(),
        tally: Tally::default(),
    };
    match writing.all(common, arguments, (first, head), &mut pages).await {
        Ok(()) => {
            writing.sink.finish()?;
            writing.tally.say(arguments, head, output)
        }
        Err(failure) => {
            writing.sink.abandon();
            Err(failure)
        }
    }
}

/// One document alone, byte for byte.
async fn one(common: &Common, arguments: &ExportArguments, index: u64, output: Output) -> Result<(), Failure> {
    let event = Client::connect(common).await?.event(index, proto::EventView::Full).await?;
    let entry = deedbook_verify::entry::Entry::parse(&event.entry)?;
    let is_document = matches!(&entry.facts.detail, Detail::Document(document) if document.part == 0);
    if !is_document {
        let next = "find the first part of one with `deedbook list --kind prov.received`";
        return Err(Failure::failed(format!("the event at index {index} holds no document"), next));
    }
    if event.body_state() != proto::BodyState::Opened {
        let next = "what facts say of it is in the export of the whole log";
        return Err(Failure::failed(format!("the document at index {index} was erased, or is withheld"), next));
    }
    let mut sink = Sink::create(&arguments.out)?;
    match sink.write(&event.body) {
        Ok(()) => sink.finish()?,
        Err(failure) => {
            sink.abandon();
            return Err(failure);
        }
    }
    let (out, bytes) = (arguments.out.display().to_string(), event.body.len());
    if output.is_json() {
        return output.value(&json!({"format": "prov", "out": out, "document": index, "bytes": bytes}));
    }
    output.line(&format!("{out}: the document at index {index}, {bytes} bytes, as it came"))
}

struct Writing {
    sink: Sink,
    export: Export,
    /// Whether the document with this first part comes out as it came.
    documents: BTreeMap<(Ref, EventId), bool>,
    /// Entries of documents that do.
    held: BTreeSet<u64>,
    bundle: GraphBundle,
    ledger: LedgerId,
    /// Every node that was seen, by its number.
    nodes: Vec<Option<(NodeKind, [u8; 16])>>,
    /// Nodes that a document named first: they are said again only where something else rests on them.
    waiting: BTreeMap<u32, Told>,
    tally: Tally,
}

impl Writing {
    async fn all(
        &mut self,
        common: &Common,
        arguments: &ExportArguments,
        (first, head): (proto::ListLineageResponse, TreeHead),
        pages: &mut Pages,
    ) -> Result<(), Failure> {
        let mut walk = Walk::start(common, arguments).await?;
        walk.size = head.size.0;
        let read = walk.each(|event, entry| self.entry(event, &entry.facts)).await?;
        if read != head {
            let message = format!("the entries have root {}, the graph rests on {}", read.root, head.root);
            return Err(Failure::failed(message, "do not trust this server; audit its ledger"));
        }
        self.page(&first)?;
        while let Some(page) = pages.next().await? {
            self.page(&page)?;
        }
        self.flush()?;
        let ledger = self.ledger;
        let export = std::mem::replace(&mut self.export, Export::new(ledger, head));
        self.sink.write(export.close().as_bytes())
    }

    /// Writes the document that begins at an entry, and remembers which entries say the same.
    fn entry(&mut self, event: &proto::StoredEvent, facts: &Facts<'_>) -> Result<(), Failure> {
        let Detail::Document(document) = &facts.detail else { return Ok(()) };
        let first = match (document.part, facts.parents().next()) {
            (0, _) => (facts.source, facts.event_id),
            (_, Some(parent)) => (parent.source, parent.event_id),
            (_, None) => return Ok(()),
        };
        if document.part == 0 {
            let is_held = self.document(event)?;
            self.documents.insert(first, is_held);
        }
        if self.documents.get(&first) == Some(&true) {
            self.held.insert(event.index);
        }
        Ok(())
    }

    fn document(&mut self, event: &proto::StoredEvent) -> Result<bool, Failure> {
        if event.body_state() != proto::BodyState::Opened {
            self.tally.erased = self.tally.erased.saturating_add(1);
            self.export.missing(event.index, "erased");
            return Ok(false);
        }
        // A producer may call anything a document; what is none would make the whole file unreadable.
        let Ok(document) = Document::read(&event.body) else {
            self.tally.unreadable = self.tally.unreadable.saturating_add(1);
            self.export.missing(event.index, "no PROV-JSON");
            return Ok(false);
        };
        let text = self.export.document(event.index, &lifted(&document, &event.body));
        self.sink.write(text.as_bytes())?;
        self.tally.documents = self.tally.documents.saturating_add(1);
        Ok(true)
    }

    fn page(&mut self, page: &proto::ListLineageResponse) -> Result<(), Failure> {
        for node in &page.nodes {
            let told = told(node);
            self.nodes.push(told.as_ref().map(|told| (told.kind, told.id)));
            match told {
                Some(told) if self.held.contains(&told.born_index) => {
                    self.waiting.insert(node.id, told);
                }
                Some(told) => self.node(&told)?,
                None => {}
            }
        }
        for edge in &page.edges {
            if self.held.contains(&edge.index) {
                continue;
            }
            for end in [edge.from, edge.to] {
                if let Some(told) = self.waiting.remove(&end) {
                    self.node(&told)?;
                }
            }
            let end = |number: u32| *self.nodes.get(usize::try_from(number).ok()?)?;
            if let (Some(kind), Some(from), Some(to)) = (EdgeKind::from_name(&edge.kind), end(edge.from), end(edge.to))
            {
                self.bundle.edge(&Tie { kind, from, to, index: edge.index });
                self.tally.edges = self.tally.edges.saturating_add(1);
                self.flush_full()?;
            }
        }
        Ok(())
    }

    fn node(&mut self, told: &Told) -> Result<(), Failure> {
        self.bundle.node(told);
        self.tally.nodes = self.tally.nodes.saturating_add(1);
        self.flush_full()
    }

    fn flush_full(&mut self) -> Result<(), Failure> {
        if self.bundle.is_full() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if self.bundle.is_empty() {
            return Ok(());
        }
        let bundle = std::mem::replace(&mut self.bundle, GraphBundle::new(self.ledger));
        self.sink.write(self.export.graph(&bundle).as_bytes())
    }
}

/// A node as the server tells it; none: of a kind that this program does not know.
fn told(node: &proto::LineageNode) -> Option<Told> {
    let kind = NodeKind::from_name(&node.kind)?;
    let (_, id) = node.key.split_first_chunk::<1>()?;
    Some(Told {
        kind,
        id: id.try_into().ok()?,
        called: [node.namespace.clone(), node.name.clone(), node.version.clone()],
        born_index: node.born_index,
        gates: node.gate.clone(),
    })
}

impl Tally {
    fn say(&self, arguments: &ExportArguments, head: TreeHead, output: Output) -> Result<(), Failure> {
        let out = arguments.out.display();
        if output.is_json() {
            return output.value(&json!({
                "format": "prov", "out": out.to_string(),
                "as_of": {"size": head.size.0, "root": head.root.to_string()},
                "documents": self.documents, "erased": self.erased, "unreadable": self.unreadable,
                "nodes": self.nodes, "edges": self.edges,
            }));
        }
        output.line(&format!(
            "{out}: {}, as they came in, and {} with {} of the graph, as of size {}",
            counted(self.documents, "document", "documents"),
            counted(self.nodes, "node", "nodes"),
            counted(self.edges, "edge", "edges"),
            head.size
        ))?;
        for (count, why) in
            [(self.erased, "its body was erased or is withheld"), (self.unreadable, "its body is no PROV-JSON")]
        {
            if count > 0 {
                remark(&format!("{} told from facts alone: {why}", counted(count, "document", "documents")));
            }
        }
        Ok(())
    }
}
