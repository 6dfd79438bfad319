//! The graph's own passes against petgraph's algorithms, or the plainest ones where petgraph has none: random graphs, as of
//! random positions, with late edges, circles and revocations. What makes the graph from a log is tested with the fold.

mod world;
mod views;
mod growth;
mod walks;
mod routes;
mod cover;
mod cuts;
mod changes;
mod bounds;
