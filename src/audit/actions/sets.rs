//! The policy set that was in force at a command, from the body that published it: the set is made again from its text,
//! by every rule of publication. It takes the ref key, because policies name teams and entries name refs.

use crate::audit::actions::names::Shelf;
use crate::audit::report::AuditError;
use crate::domain::{StreamName, principal_ref};
use crate::policy::{PolicySet, Source};
use deedbook_verify::facts::ActorKind;
use deedbook_verify::governance::{Policies, PublishedPolicy};
use deedbook_verify::hash::RefKey;
use deedbook_verify::package::BUILT_IN_POLICIES;
use deedbook_verify::words::{Digest, Index, Ref};
use std::rc::Rc;
use std::sync::Arc;

/// The name of the one policy stream, written a second time on purpose: this code judges the other.
const STREAM: &str = "policy/default";

/// What names a set: where it was published, or which built-in one was asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Published(Index),
    BuiltIn(Option<Digest>),
}

/// A set, or what is wrong with it.
type Set = Result<Arc<PolicySet>, String>;

/// The set in force, kept until another one is.
pub(super) struct Sets<'s> {
    shelf: Rc<dyn Shelf + 's>,
    refs: RefKey,
    stream: Option<Ref>,
    last: Option<(Named, Set)>,
}

impl<'s> Sets<'s> {
    pub fn new(shelf: Rc<dyn Shelf + 's>, refs: RefKey) -> Sets<'s> {
        let stream = StreamName::parse(STREAM).and_then(|name| name.to_ref(&refs)).ok();
        Sets { shelf, refs, stream, last: None }
    }

    /// The set that these policies put in force, or what is wrong with it. Where nobody published one it is the built-in
    /// set that was asked, as an evaluation names it.
    pub fn in_force(&mut self, policies: &Policies, asked: Option<Digest>) -> Result<Set, AuditError> {
        let named = self.stream.and_then(|stream| policies.get(stream)).copied();
        let stated = named.map_or(Named::BuiltIn(asked), |named| Named::Published(named.stated));
        if let Some((known, set)) = &self.last
            && *known == stated
        {
            return Ok(set.clone());
        }
        let set = match named {
            None => self.built_in(asked)?,
            Some(named) => self.published(named)?,
        };
        self.last = Some((stated, set.clone()));
        Ok(set)
    }

    /// This program's own set, unless the evaluation names another one that programs were built with: then its text has to
    /// be at hand, as in packages it is.
    fn built_in(&self, asked: Option<Digest>) -> Result<Set, AuditError> {
        let known = |digest: &Digest| BUILT_IN_POLICIES.iter().any(|known| Digest::from_hex(known) == Some(*digest));
        let wrong = |what: String| format!("the built-in policies: {what}");
        let own = PolicySet::shared_built_in().map_err(|lints| wrong(first(&lints)));
        let Some(digest) = asked.filter(known) else { return Ok(own) };
        match self.shelf.built_in(digest)? {
            Some(text) => Ok(self.made(&text, digest).map_err(wrong)),
            None if own.as_ref().is_ok_and(|own| own.digest() == digest) => Ok(own),
            None => Ok(Err(wrong(format!("the text of {digest} is not at hand")))),
        }
    }

    fn published(&self, named: PublishedPolicy) -> Result<Set, AuditError> {
        let Some(body) = self.shelf.policy(&named)? else {
            return Ok(Err(format!("the body of entry {} is missing", named.stated)));
        };
        Ok(self.made(&body, named.policy).map_err(|what| format!("the policies of entry {}: {what}", named.stated)))
    }

    /// A set from its text, which must have this digest.
    fn made(&self, text: &[u8], digest: Digest) -> Set {
        let set = Source::from_bytes(text).map_err(|error| error.to_string()).and_then(|source| {
            let team = |name: &str| principal_ref(&self.refs, ActorKind::Team, name);
            PolicySet::publish(&source, &team).map_err(|lints| first(&lints))
        });
        let same = |set: PolicySet| if set.digest() == digest { Ok(set) } else { Err("another digest".to_owned()) };
        set.and_then(same).map(Arc::new)
    }
}

fn first(lints: &[impl ToString]) -> String {
    lints.first().map_or_else(String::new, ToString::to_string)
}
