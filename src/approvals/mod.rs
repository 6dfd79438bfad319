//! Approvals as pure folds: `decide` says what follows from a command, `apply` what an entry changes, `due` what time
//! alone causes. No IO, no clock, no policy engine: what a decision rests on is passed in, so that the server, the
//! auditor's replay and the property tests run the same code.

mod action;
mod apply;
mod bytes;
mod command;
mod conflicts;
mod deadlines;
mod decide;
mod event;
mod panel;
mod people;
mod presentation;
mod quorum;
mod strictness;
mod wire;

pub use action::{
    Action, Evaluated, Execution, ExecutionState, Grant, GrantState, Origin, PostReview, Request, RequestState,
    Resolution, Resolved, ReviewState, Shown, Vote,
};
pub use apply::{Misplaced, Recorded, What, apply};
pub use bytes::{ACTION_BYTES_VERSION, RowDefect};
pub use command::{BreakGlass, Cancel, CastVote, Command, Redeem, Review, RevokeGrant, Submit};
pub use deadlines::{Due, due, is_closed, next_deadline};
pub use decide::{Context, Decided, Effect, Judged, Refused, Said, Screen, decide};
pub use event::{Event, Judgement};
pub use people::{Known, People};
pub use presentation::{
    Earlier, Flow, Party, Presentation, PresentationDefect, PresentationInput, Reach, Row, Section, Source, Why,
    present, sections,
};
pub use quorum::{Approver, ClauseSet, assign, can_satisfy};
pub use strictness::{asks_for_more, strictest};
pub use wire::{EVALUATION_MEDIA_TYPE, PRESENTATION_MEDIA_TYPE, Subject};
