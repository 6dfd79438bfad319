//! What a run or action read and wrote: versions that were named, versions that follow from what is known.

use super::FoldError;
use super::key::NodeKey;
use super::known::{Link, Lookup};
use super::step::{Named, Step};
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::NodeId;
use deedbook_verify::lineage::Touched;

/// A read whose version is settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    thing: NodeId,
    version: NodeId,
    inferred: bool,
}

impl<L: Lookup> Step<'_, L> {
    /// Names a dataset, model or artifact, and the version of it if there is one.
    pub fn thing(&mut self, touched: &Touched) -> Result<(Named, Option<Named>), FoldError<L::Error>> {
        let thing = self.name(touched.thing)?;
        let version = match touched.version {
            Some(version) => Some(self.version(version, thing.id)?),
            None => None,
        };
        Ok((thing, version))
    }

    /// Names a version.
    fn version(&mut self, key: NodeKey, of: NodeId) -> Result<Named, FoldError<L::Error>> {
        match self.find(key)? {
            Some(known) => Ok(Named::known(key, known)),
            None => self.new_version(key, of),
        }
    }

    fn new_version(&mut self, key: NodeKey, of: NodeId) -> Result<Named, FoldError<L::Error>> {
        let version = self.name_new(key)?;
        self.edge(version.id, of, EdgeKind::VersionOf);
        Ok(version)
    }

    /// Settles which version is read by a run, or by one that is not named yet. None: it was said before.
    pub fn reads(
        &mut self,
        touched: &Touched,
        by: Option<Named>,
        kind: EdgeKind,
    ) -> Result<Option<Read>, FoldError<L::Error>> {
        let (thing, stated) = self.thing(touched)?;
        if let Some(version) = stated {
            // Known by being read is known, where nothing better is.
            self.change(thing.key, |known| known.latest = known.latest.or(Some(version.id)))?;
            return Ok(Some(Read { thing: thing.id, version: version.id, inferred: false }));
        }
        if let Some(by) = by
            && self.link(by, kind, thing.id)?.is_some()
        {
            return Ok(None);
        }
        let latest = match by {
            Some(by) => self.link(by, EdgeKind::Generated, thing.id)?,
            None => None,
        };
        let latest = match latest {
            // A run does not read what it writes itself, but what was there before.
            Some(own) => own.before,
            None => thing.latest,
        };
        if let Some(version) = latest {
            return Ok(Some(Read { thing: thing.id, version, inferred: true }));
        }
        let Some(first) = NodeKey::unnamed_version(thing.key, None) else {
            // An artifact is its own version.
            return Ok(Some(Read { thing: thing.id, version: thing.id, inferred: false }));
        };
        let first = self.version(first, thing.id)?;
        self.change(thing.key, |known| known.latest = known.latest.or(Some(first.id)))?;
        Ok(Some(Read { thing: thing.id, version: first.id, inferred: true }))
    }

    /// Adds a read that was settled, unless it was said before.
    pub fn read(&mut self, read: Read, by: Named, kind: EdgeKind) -> Result<(), FoldError<L::Error>> {
        let Read { thing, version, inferred } = read;
        let link = Link { node: version, before: None };
        match self.link(by, kind, thing)? {
            None => self.put_link(by, kind, thing, link),
            Some(held) if held.node == version || inferred => return Ok(()),
            // One more version of the same thing.
            Some(_) if self.link(by, kind, version)?.is_some() => return Ok(()),
            Some(_) => self.put_link(by, kind, version, link),
        }
        self.add(version, by.id, kind, inferred);
        Ok(())
    }

    /// Adds a write by a run.
    pub fn write(&mut self, touched: &Touched, by: Named) -> Result<(), FoldError<L::Error>> {
        let kind = EdgeKind::Generated;
        let thing = self.name(touched.thing)?;
        let unnamed = || NodeKey::unnamed_version(touched.thing, Some(by.key));
        let before = thing.latest;
        let of_thing = self.link(by, kind, thing.id)?;
        let version = match (touched.version, of_thing) {
            (Some(stated), _) => self.version(stated, thing.id)?,
            (None, Some(_)) => return Ok(()),
            (None, None) => match unnamed() {
                // Nobody but this run can have named it, and it did not.
                Some(unnamed) => self.new_version(unnamed, thing.id)?,
                None => return self.leads_once(by, thing.id, kind),
            },
        };
        let link = Link { node: version.id, before };
        match of_thing {
            None => self.put_link(by, kind, thing.id, link),
            Some(held) if held.node == version.id => return Ok(()),
            Some(_) if self.link(by, kind, version.id)?.is_some() => return Ok(()),
            Some(held) => {
                self.put_link(by, kind, version.id, link);
                if self.is_unnamed(held.node, unnamed())? {
                    // What was written without a name, and now got one.
                    self.edge(held.node, version.id, EdgeKind::SameAs);
                }
            }
        }
        self.edge(by.id, version.id, kind);
        self.change(thing.key, |known| known.latest = Some(version.id))
    }

    fn is_unnamed(&mut self, node: NodeId, unnamed: Option<NodeKey>) -> Result<bool, FoldError<L::Error>> {
        let known = unnamed.map(|key| self.find(key)).transpose()?.flatten();
        Ok(known.is_some_and(|known| known.id == node))
    }
}
