//! Approvals in the log: what a command needs before it is placed, what follows behind it in the same batch, what time
//! alone causes, and the rows from which all of it is found again. The rules are `crate::approvals`' and
//! `crate::policy`'s; here they are asked, and their answers written.

mod flow;
mod page;
mod prepare;
mod reviewer;
mod meters;
mod rows;
mod deadlines;
mod follow;
mod timed;
mod view;
mod waiters;

pub(in crate::ledger) use follow::{Report, decide_command, place_following, take_report};
pub(in crate::ledger) use prepare::{Prepared, Preparer};
pub(in crate::ledger) use rows::ActionStates;
pub(in crate::ledger) use timed::place_due;
pub use view::{About, InboxRow, SeenAction, SeenPresentation};
pub(in crate::ledger) use waiters::Waiters;
pub use waiters::Waiting;
