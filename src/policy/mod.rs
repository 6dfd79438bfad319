//! Policies: Cedar sets that say which actions an agent may do at once, which never, and which once people agree. Pure:
//! the same set and question have the same answer, in the server and in an auditor's replay. It holds no state, knows no
//! votes but as counts, and decides nothing about who may vote.

mod lint;
mod scan;
mod duration;
mod annotation;
mod form;
mod schema;
mod slices;
mod publish;
mod set;
mod question;
mod request;
mod evaluate;
mod review;
mod merge;
mod compare;
#[cfg(test)]
mod tests;

pub use compare::{Comparison, Difference};
pub use evaluate::{Denial, Evaluation, EvaluationError, Outcome};
pub use lint::{Lint, Rule};
pub use question::{Known, Party, QUESTION_SCHEMA, Question, Resource, Responsible, UNCLASSIFIED};
pub use request::Votes;
pub use review::Review;
pub use schema::BUILT_IN_SCHEMA;
pub use set::{BUILT_IN_POLICY, POLICY_MEDIA_TYPE, POLICY_SCHEMA, PolicySet, Source, TeamRefs};
