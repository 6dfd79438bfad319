//! What one run or action was said to have done, as far as it stands together.

use super::known::Link;
use crate::limits::LINEAGE_LINKS_NEAR_MAX;
use crate::lineage::kinds::EdgeKind;
use crate::lineage::words::NodeId;

/// The first links of something, in the order in which they were said; at most `LINEAGE_LINKS_NEAR_MAX`, those beyond
/// stand one by one. Nearly everything has few, and they are looked for all at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links(Vec<NearLink>);

/// What something did, to what, and what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NearLink {
    /// What it did.
    pub kind: EdgeKind,
    /// The other end of the edge, or the dataset or model of which that is a version.
    pub to: NodeId,
    /// What was said.
    pub link: Link,
}

impl Links {
    /// What was said of it, if it is among these.
    pub fn get(&self, kind: EdgeKind, to: NodeId) -> Option<Link> {
        self.0.iter().find(|near| near.kind == kind && near.to == to).map(|near| near.link)
    }

    /// Whether there may be more beside these.
    pub fn is_full(&self) -> bool {
        self.0.len() >= LINEAGE_LINKS_NEAR_MAX
    }

    /// Adds one; false if there is no room.
    pub fn push(&mut self, near: NearLink) -> bool {
        let has_room = !self.is_full();
        if has_room {
            self.0.push(near);
        }
        has_room
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &NearLink> {
        self.0.iter()
    }
}
