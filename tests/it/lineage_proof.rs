//! Proofs of lineage: whatever the fold makes of a real log, its bundle is accepted, edge by edge; what was changed in an
//! answer or in a bundle is refused, each by its own name.

mod commands;
mod folds;
mod forged;
mod parts;
