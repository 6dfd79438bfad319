//! Lineage, as far as bytes alone decide it: what nodes and edges are called, which edges an entry says, and bundles that
//! prove the edges of an answer offline. The server's fold names nodes by the same keys; what it keeps between entries
//! (numbers, latest versions, who is known as what) is not here, and an edge that rests on it is shown as far as it goes.

mod kinds;
mod key;
mod touched;
mod said;
mod governs;
mod known;
mod bundle;
mod inclusions;
mod proven;
mod shown;
mod refusal;

pub use bundle::{BUNDLE_HEADER, Bundle, BundleEdge, BundleEntry};
pub use inclusions::root_of_many;
pub use key::NodeKey;
pub use kinds::{EdgeKind, NodeKind};
pub use refusal::{EdgeFault, LineageRefusal};
pub use shown::{
    Gap, LineageShown, ShownEdge, ShownEntry, ShownNode, Standing, verify_lineage, verify_lineage_witnessed,
};
pub use touched::{Touched, touched};
