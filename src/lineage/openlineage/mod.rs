//! What the bodies of OpenLineage events say beyond their facts: names, column lineage, aliases, and what is odd about
//! them. Nothing of the graph's edges rests on it, so all of it can be erased with the body. Nothing is normalised:
//! namespaces and names stand here verbatim, and whoever shows them escapes them.

mod json;
mod event;
mod columns;
mod tally;
mod out;

pub use columns::ColumnEdge;
pub use event::{Event, Notes};
pub use out::{ActionText, Events, Exported, KnownNames, action_of};
pub use tally::{Counts, Tally};

/// A namespace and a name, verbatim.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name {
    /// The namespace.
    pub namespace: String,
    /// The name.
    pub name: String,
}
