//! Qualified names and the IRIs that they stand for. `ex:a` with `ex` bound to `http://example.org/` is
//! `http://example.org/a`; a name without a prefix is in the default namespace; a bundle sees the prefixes of its document.

use super::words::{BUILT_IN, DEFAULT};
use crate::limits::{PROV_NAME_BYTES_MAX, PROV_PREFIXES_MAX};
use crate::record::line::LineError;
use crate::record::line::json::{self, Members};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The prefixes that are in scope.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope<'a> {
    own: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
    outer: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
}

impl<'a> Scope<'a> {
    /// Reads the member `prefix` of a document, or of a bundle in one.
    pub fn read(members: &Members<'a>, path: &str, outer: Option<&Scope<'a>>) -> Result<Scope<'a>, LineError> {
        let mut scope = Scope { own: BTreeMap::new(), outer: outer.map(|outer| outer.own.clone()).unwrap_or_default() };
        let Some(raw) = members.get("prefix") else { return Ok(scope) };
        let path = json::below(path, "prefix");
        let bound = json::object(raw, &path)?.0;
        if bound.len() > PROV_PREFIXES_MAX {
            let problem = format!("binds {} prefixes, more than the limit of {PROV_PREFIXES_MAX}", bound.len());
            return Err(LineError::new(&path, problem, "leave out those that no name has"));
        }
        for (prefix, raw) in bound {
            let path = json::below(&path, &prefix);
            let namespace = json::text(raw, &path)?;
            if namespace.is_empty() {
                return Err(LineError::new(
                    &path,
                    "is bound to nothing",
                    "bind it to the IRI that its names begin with",
                ));
            }
            scope.own.insert(prefix, namespace);
        }
        Ok(scope)
    }

    /// The IRI of a qualified name, or why it has none.
    pub fn iri(&self, name: &str, path: &str) -> Result<String, LineError> {
        let iri = self.resolve(name).ok_or_else(|| {
            let remedy = if name.starts_with("_:") {
                "give it a name of its own: only relations may go without"
            } else {
                "bind its prefix in `prefix`, or bind `default`"
            };
            LineError::new(path, format!("is `{name}`, which stands for no IRI"), remedy)
        })?;
        if iri.len() > PROV_NAME_BYTES_MAX {
            let problem = format!("is a name of {} bytes, more than the limit of {PROV_NAME_BYTES_MAX}", iri.len());
            return Err(LineError::new(path, problem, "name it by something shorter"));
        }
        Ok(iri)
    }

    /// The IRI, where there is one.
    pub fn resolve(&self, name: &str) -> Option<String> {
        match name.split_once(':') {
            Some(("_", _)) => None,
            None => self.namespace(DEFAULT).filter(|_| !name.is_empty()).map(|space| format!("{space}{name}")),
            Some((prefix, local)) => match self.namespace(prefix).filter(|_| prefix != DEFAULT) {
                Some(space) => Some(format!("{space}{local}")),
                // Written out in full; taken only where a prefix for it is there.
                None => self.spaces().any(|space| name.starts_with(space)).then(|| name.to_owned()),
            },
        }
    }

    /// Bytes of the prefixes that it binds itself, and of what they are bound to.
    pub fn own_bytes(&self) -> usize {
        self.own.iter().map(|(prefix, space)| prefix.len().saturating_add(space.len())).sum()
    }

    /// The prefixes of the document itself, or of the bundle and its document, its own before the others.
    pub fn all(&self) -> BTreeMap<&str, &str> {
        let outer = self.outer.iter().chain(&self.own);
        outer.map(|(prefix, space)| (prefix.as_ref(), space.as_ref())).collect()
    }

    fn namespace(&self, prefix: &str) -> Option<&str> {
        let built_in = BUILT_IN.iter().find(|(known, _)| *known == prefix).map(|(_, space)| *space);
        let bound = || self.own.get(prefix).or_else(|| self.outer.get(prefix)).map(Cow::as_ref);
        built_in.or_else(bound)
    }

    fn spaces(&self) -> impl Iterator<Item = &str> {
        self.own.values().chain(self.outer.values()).map(Cow::as_ref).chain(BUILT_IN.map(|(_, space)| space))
    }
}
