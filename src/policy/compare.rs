//! Two policy sets beside each other: which policies differ, and what would have been said to questions of the past. It
//! publishes nothing.

use super::evaluate::Evaluation;
use super::question::Question;
use super::set::PolicySet;
use std::collections::BTreeSet;

/// How a set differs from one before it, by policy id.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Difference {
    /// Ids that only the newer set has.
    pub added: Vec<String>,
    /// Ids that only the older set has.
    pub removed: Vec<String>,
    /// Ids of both whose policies mean something else; spaces and comments do not count.
    pub changed: Vec<String>,
    /// Whether the schemas differ.
    pub schema_changed: bool,
}

impl Difference {
    /// Compares two sets.
    pub fn between(older: &PolicySet, newer: &PolicySet) -> Difference {
        let mut difference =
            Difference { schema_changed: older.source.schema() != newer.source.schema(), ..Difference::default() };
        let ids: BTreeSet<&String> = older.texts.keys().chain(newer.texts.keys()).collect();
        for id in ids {
            match (older.meaning(id), newer.meaning(id)) {
                (None, _) => difference.added.push(id.clone()),
                (_, None) => difference.removed.push(id.clone()),
                (Some(one), Some(two)) if one != two => difference.changed.push(id.clone()),
                (Some(_), Some(_)) => {}
            }
        }
        difference
    }

    /// Whether the two mean the same.
    pub fn is_empty(&self) -> bool {
        *self == Difference::default()
    }
}

/// What two sets say to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// What the set before says.
    pub before: Evaluation,
    /// What the other one says.
    pub after: Evaluation,
}

impl Comparison {
    /// Asks both sets.
    pub fn of(question: &Question, before: &PolicySet, after: &PolicySet) -> Comparison {
        Comparison { before: before.evaluate(question), after: after.evaluate(question) }
    }

    /// Whether verdict or requirement differ; which policies brought them about does not count.
    pub fn changes(&self) -> bool {
        self.before.outcome != self.after.outcome
    }
}

impl PolicySet {
    /// A policy as Cedar understands it.
    fn meaning(&self, id: &str) -> Option<serde_json::Value> {
        let policy = self.policies.policy(&cedar_policy::PolicyId::new(id))?;
        policy.to_json().ok()
    }
}
