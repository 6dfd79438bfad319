//! What nodes are called, read from bodies as the log is folded. Once a body was erased, the next question reads all names
//! again without it: no answer tells a name whose body was gone when it was asked. Until then the name is in memory.

use super::{LineageError, State};
use crate::domain::Filter;
use crate::ledger::bodies::{Bodies, StoredBody};
use crate::ledger::error::ReadError;
use crate::ledger::postings::rows_end;
use crate::ledger::reader::Reader;
use crate::ledger::state::Published;
use crate::limits::{LINEAGE_NAMED_MAX, LINEAGE_NAMING_ENTRIES};
use crate::lineage::fold::NodeKey;
use crate::lineage::openlineage::{Counts, Event, Tally};
use crate::lineage::{NodeName, Stop, names_in};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Index, TreeSize};
use foldhash::HashMap;
use foldhash::fast::RandomState;
use std::collections::BTreeSet;
use std::collections::hash_map::Entry::Vacant;
use std::hash::BuildHasher;
use std::ops::{ControlFlow, Range};

/// Kinds whose bodies say names.
const NAMING: [Kind; 6] = [
    Kind::OpenlineageReceived,
    Kind::ActionSubmitted,
    Kind::BreakglassInvoked,
    Kind::PrincipalBound,
    Kind::ExecutionReported,
    Kind::ProvReceived,
];

/// A name without its node.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Called {
    /// Namespace, or nothing.
    pub namespace: String,
    /// The name.
    pub name: String,
    /// Of a version, which.
    pub version: Option<String>,
}

/// Names by node, the first that was said of each; and how much OpenLineage was counted.
#[derive(Debug, Default)]
pub(super) struct Named {
    first: HashMap<NodeKey, Called>,
    /// Hashes of the names without namespace and version, each with whose it is: whoever asks by name waits for no search
    /// through all of them. Nothing stands as the least of its hash.
    by_name: BTreeSet<(u64, Option<NodeKey>)>,
    hashing: RandomState,
    tally: Tally,
    is_full: bool,
}

impl Named {
    /// Takes in what a body says.
    pub fn read(&mut self, facts: &Facts<'_>, body: &[u8], refs: &RefKey) {
        for NodeName { node, namespace, name, version } in names_in(facts, body, refs) {
            if self.first.len() >= LINEAGE_NAMED_MAX {
                self.is_full = true;
                break;
            }
            if let Vacant(free) = self.first.entry(node) {
                self.by_name.insert((self.hashing.hash_one(name.as_str()), Some(node)));
                free.insert(Called { namespace, name, version });
            }
        }
        if facts.kind == Kind::OpenlineageReceived
            && let Some(event) = Event::read(body)
        {
            self.tally.add(&event);
        }
    }

    /// What a node is called, if anything says it.
    pub fn of(&self, node: &NodeKey) -> Option<&Called> {
        self.first.get(node)
    }

    /// The nodes with this name, whatever their namespace and version.
    pub fn called(&self, name: &str) -> impl Iterator<Item = (&NodeKey, &Called)> {
        let hash = self.hashing.hash_one(name);
        let keys = self.by_name.range((hash, None)..).take_while(move |(of, _)| *of == hash);
        let keys = keys.filter_map(|(_, key)| self.first.get_key_value(key.as_ref()?));
        keys.filter(move |(_, called)| called.name == name)
    }

    /// How much OpenLineage there is.
    pub fn counts(&self) -> Counts {
        self.tally.counts()
    }

    /// Every node with a name, in no order.
    pub fn all(&self) -> impl Iterator<Item = (&NodeKey, &Called)> {
        self.first.iter()
    }

    /// Whether there are names that were not remembered.
    pub fn is_full(&self) -> bool {
        self.is_full
    }
}

impl State {
    /// Reads the names that bodies say and were not read; all of them again if a body was erased since, for its names are
    /// not said any more.
    pub(super) fn read_names(
        &mut self,
        reader: &Reader,
        published: &Published,
        stop: &dyn Stop,
    ) -> Result<(), LineageError> {
        if self.erasures != published.erasures {
            (self.named, self.named_to, self.erasures) = (Named::default(), Index(0), published.erasures);
        }
        let size = published.head.size;
        while self.named_to.0 < size.0 {
            let to = Index(size.0.min(self.named_to.0.saturating_add(LINEAGE_NAMING_ENTRIES)));
            for (index, at) in naming(reader, self.named_to..to)?.into_iter().zip(0u64..) {
                if at % 1_024 == 0 && stop.poll().is_some() {
                    self.named_to = index;
                    return Err(LineageError::Behind { folded: TreeSize(index.0), size });
                }
                let event = reader.event(index, Bodies::With)?;
                if let (StoredBody::Opened { body, .. }, Ok(entry)) = (&event.body, Entry::parse(&event.entry)) {
                    self.named.read(&entry.facts, body, reader.ref_key());
                }
            }
            self.named_to = to;
        }
        Ok(())
    }
}

/// The entries of a range whose bodies may say names: as postings say, and behind the last full block the entries.
fn naming(reader: &Reader, range: Range<Index>) -> Result<Vec<Index>, ReadError> {
    let rows_end = rows_end(TreeSize(range.end.0)).max(range.start);
    let mut found = Vec::new();
    for kind in NAMING {
        let filter = Filter { kind: Some(kind), ..Filter::default() };
        found.extend(reader.list(&filter, range.start, TreeSize(rows_end.0), usize::MAX)?);
    }
    found.sort_unstable();
    reader.range(rows_end, range.end, Bodies::Without, &mut |event| {
        let kind = Entry::parse(&event.entry).ok().map(|entry| entry.facts.kind);
        found.extend(kind.filter(|kind| NAMING.contains(kind)).map(|_| event.index));
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// What of a text may be the name in it: in front of that may stand a namespace in braces, behind it a version, and it may
/// hold the marks of either itself.
pub(super) fn names_of(text: &str) -> impl Iterator<Item = &str> {
    let after = |(at, brace): (usize, &str)| at.saturating_add(brace.len());
    let braces = text.match_indices('}').map(after).filter(|_| text.starts_with('{'));
    std::iter::once(0).chain(braces).filter_map(|from| text.get(from..)).flat_map(|rest| {
        let versions = rest.match_indices('@').filter_map(|(at, _)| rest.get(..at));
        std::iter::once(rest).chain(versions)
    })
}

impl Called {
    /// As commands take it: `{namespace}name@version`.
    pub fn text(&self) -> String {
        let namespace = if self.namespace.is_empty() { String::new() } else { format!("{{{}}}", self.namespace) };
        let version = self.version.as_ref().map_or_else(String::new, |version| format!("@{version}"));
        format!("{namespace}{}{version}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever a node is called, what it is called in full has its name in it.
    #[test]
    fn a_name_is_found_in_every_text_that_says_it() {
        let names = ["orders", "a@b", "a@b@c", "{x}y", "}", "@", "a}b@c}d"];
        for (namespace, version) in [("", None), ("shop", None), ("", Some("7")), ("s}h@p", Some("v@2"))] {
            for name in names {
                let called = Called {
                    namespace: namespace.to_owned(),
                    name: name.to_owned(),
                    version: version.map(str::to_owned),
                };
                let text = called.text();
                assert!(names_of(&text).any(|part| part == name), "{name} in {text}");
                assert!(names_of(name).any(|part| part == name), "{name} alone");
            }
        }
    }
}
