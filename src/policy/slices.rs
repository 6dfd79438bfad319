//! The policies of a set by the action that they can be about, so that a question is not asked of those whose scope
//! names another one. Such a policy neither applies nor fails: Cedar judges the scope first, and no scope can fail.

use super::schema::Vocabulary;
use crate::limits::POLICY_SLICED_MAX;
use cedar_policy::{ActionConstraint, Effect, EntityUid, Policy, PolicySet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A slice for each action of the schema; actions with the same policies share one.
#[derive(Clone, Debug, Default)]
pub(super) struct Slices(BTreeMap<String, Arc<Slice>>);

/// The policies that can be about an action.
#[derive(Debug)]
pub(super) struct Slice {
    pub all: PolicySet,
    /// Those of them that permit.
    pub permits: PolicySet,
}

impl Slices {
    /// Cuts a set. None are made of a set whose slices would hold more than `POLICY_SLICED_MAX` policies together.
    pub fn of(set: &PolicySet, vocabulary: &Vocabulary) -> Slices {
        let Ok(actions) = vocabulary.schema.action_entities() else { return Slices::default() };
        let mut made: BTreeMap<Vec<&str>, Arc<Slice>> = BTreeMap::new();
        let mut slices = BTreeMap::new();
        let mut held = 0_usize;
        for (name, shape) in vocabulary.actions() {
            let groups = actions.ancestors(&shape.uid);
            let matching: BTreeSet<&EntityUid> = groups.into_iter().flatten().chain([&shape.uid]).collect();
            let mut selected: Vec<&Policy> = set.policies().filter(|policy| may_apply(policy, &matching)).collect();
            selected.sort_by_key(|policy| id(policy));
            let ids = selected.iter().map(|policy| id(policy)).collect();
            if let Some(slice) = made.get(&ids) {
                slices.insert(name.clone(), Arc::clone(slice));
                continue;
            }
            held = held.saturating_add(selected.len());
            let permits = selected.iter().filter(|policy| policy.effect() == Effect::Permit);
            let permits = PolicySet::from_policies(permits.map(|policy| (*policy).clone()));
            let all = PolicySet::from_policies(selected.into_iter().cloned());
            let (Ok(all), Ok(permits), true) = (all, permits, held <= POLICY_SLICED_MAX) else {
                return Slices::default();
            };
            let slice = Arc::new(Slice { all, permits });
            made.insert(ids, Arc::clone(&slice));
            slices.insert(name.clone(), slice);
        }
        Slices(slices)
    }

    /// The policies that can be about this action; nothing where there is no slice of it.
    pub fn get(&self, action: &str) -> Option<&Slice> {
        self.0.get(action).map(Arc::as_ref)
    }
}

fn id(policy: &Policy) -> &str {
    policy.id().as_ref()
}

/// Whether the scope can hold for an action in these groups, itself among them.
fn may_apply(policy: &Policy, matching: &BTreeSet<&EntityUid>) -> bool {
    match policy.action_constraint() {
        ActionConstraint::Any => true,
        ActionConstraint::Eq(action) => matching.contains(&action),
        ActionConstraint::In(actions) => actions.iter().any(|action| matching.contains(action)),
    }
}
