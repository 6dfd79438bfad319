//! The policy set that was in force at a command, from the body that published it: the set is made again from its text,
//! by every rule of publication. It takes the ref key, because policies name teams and entries name refs.

use crate::audit::actions::names::Shelf;
use crate::audit::report::AuditError;
use crate::domain::{StreamName, principal_ref};
use crate::policy::{PolicySet, Source};
use deedbook_verify::facts::ActorKind;
use deedbook_verify::governance::{Policies, PublishedPolicy};
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::{Index, Ref};
use std::rc::Rc;
use std::sync::Arc;

/// The name of the one policy stream, written a second time on purpose: this code judges the other.
const STREAM: &str = "policy/default";

/// A set, or what is wrong with it.
type Set = Result<Arc<PolicySet>, String>;

/// The set in force, kept until another one is.
pub(super) struct Sets<'s> {
    shelf: Rc<dyn Shelf + 's>,
    refs: RefKey,
    stream: Option<Ref>,
    last: Option<(Option<Index>, Set)>,
}

impl<'s> Sets<'s> {
    pub fn new(shelf: Rc<dyn Shelf + 's>, refs: RefKey) -> Sets<'s> {
        let stream = StreamName::parse(STREAM).and_then(|name| name.to_ref(&refs)).ok();
        Sets { shelf, refs, stream, last: None }
    }

    /// The set that these policies put in force, or what is wrong with it.
    pub fn in_force(&mut self, policies: &Policies) -> Result<Set, AuditError> {
        let named = self.stream.and_then(|stream| policies.get(stream)).copied();
        let stated = named.map(|named| named.stated);
        if let Some((known, set)) = &self.last
            && *known == stated
        {
            return Ok(set.clone());
        }
        let set = match named {
            None => PolicySet::shared_built_in().map_err(|lints| format!("the built-in policies: {}", first(&lints))),
            Some(named) => self.published(named)?,
        };
        self.last = Some((stated, set.clone()));
        Ok(set)
    }

    fn published(&self, named: PublishedPolicy) -> Result<Set, AuditError> {
        let Some(body) = self.shelf.policy(&named)? else {
            return Ok(Err(format!("the body of entry {} is missing", named.stated)));
        };
        let set = Source::from_bytes(&body).map_err(|error| error.to_string()).and_then(|source| {
            let team = |name: &str| principal_ref(&self.refs, ActorKind::Team, name);
            PolicySet::publish(&source, &team).map_err(|lints| first(&lints))
        });
        let same =
            |set: PolicySet| if set.digest() == named.policy { Ok(set) } else { Err("another digest".to_owned()) };
        Ok(set.and_then(same).map(Arc::new).map_err(|what| format!("the policies of entry {}: {what}", named.stated)))
    }
}

fn first(lints: &[impl ToString]) -> String {
    lints.first().map_or_else(String::new, ToString::to_string)
}
