//! The attack lab: carries attacks out against real bytes of a Deedbook ledger and of a plain hash chain, and lets the
//! verifier of each judge what it is left with. No verdict is written down here; each follows from what a verifier
//! said. It is no part of the product, and the product does not depend on it.

pub mod verdict;
pub mod chain;
pub mod books;
pub mod insider;
pub mod witness;
pub mod rewrite;
pub mod views;
pub mod times;
pub mod resent;
pub mod tail;
pub mod export;
pub mod fork;
pub mod unhashed;
pub mod confusion;
pub mod display;
pub mod print;

use verdict::{Lab, Row};

/// Carries every attack out, in the order of the table; what needs no attacker stands last.
pub async fn run() -> Lab<Vec<Row>> {
    let mut rows = rewrite::run().await?;
    rows.extend(views::run().await?);
    rows.extend(times::dated_back().await?);
    rows.extend(resent::run().await?);
    rows.extend(times::clock_set_back().await?);
    rows.extend(tail::run().await?);
    rows.push(export::run().await?);
    rows.push(fork::run().await?);
    rows.push(unhashed::run().await?);
    rows.push(confusion::run().await?);
    rows.push(display::run().await?);
    rows.push(times::stored_otherwise().await?);
    Ok(rows)
}
