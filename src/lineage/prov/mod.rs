//! PROV-JSON (W3C member submission): documents of others read and taken into facts, and the graph written as PROV. Pure: no
//! IO, no clock. A document is kept byte for byte as a body; what is read of it here is which things it names and what leads
//! to what among them. Names are verbatim text from outside: whoever shows them escapes them.
//!
//! What is read, and what `prov` of PyPI would refuse, drop or guess at, is refused: a document that is taken in can be
//! exported beside others, and none can make the file unreadable for the rest.

mod words;
mod scope;
mod value;
mod shapes;
mod document;
mod graph;
mod parts;
mod bundles;
mod record;
mod export;

pub use bundles::{Lifted, Piece, documents_of, lifted};
pub use document::Document;
pub use export::{Export, GraphBundle};
pub use graph::{Class, Link, Thing, Things};
pub use parts::{Origin, events};
pub use record::{Tie, Told};
