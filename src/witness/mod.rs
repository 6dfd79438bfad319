//! A C2SP witness: remembers the largest tree that it saw of each log, and cosigns what extends it. It knows no HTTP,
//! no ledger and no store; what it decides is decided in `judge`, which is pure.

mod judge;
mod request;
mod state;

pub use judge::{Refusal, judge};
pub use request::{AddCheckpoint, Malformed};
pub use state::{Answer, StateError, Witness, WitnessOptions};
