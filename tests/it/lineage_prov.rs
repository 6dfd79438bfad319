//! PROV-JSON: what is read of a document and what is refused; that its facts make the graph that it means; that it comes
//! back from a ledger as it was, and from a second one too.

mod reading;
mod graph;
mod random;
mod exchange;
