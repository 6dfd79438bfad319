//! Common fields that a kind cannot do without. A field that is absent is named by the error.

use crate::bytes::{Defect, Malformed, Tag};
use crate::facts::{Actor, Facts};
use crate::tags;
use crate::tree::TreeHead;
use crate::words::{Digest, Micros, Ref, SubjectId};

fn need<T>(value: Option<T>, tag: Tag) -> Result<T, Malformed> {
    value.ok_or(Malformed::new(tag.name, Defect::Missing))
}

impl Facts<'_> {
    pub(super) fn need_stream(&self) -> Result<Ref, Malformed> {
        need(self.stream, tags::STREAM)
    }

    pub(super) fn need_valid_until(&self) -> Result<Micros, Malformed> {
        need(self.valid_until, tags::VALID_UNTIL)
    }

    pub(super) fn need_last_seen(&self) -> Result<TreeHead, Malformed> {
        need(self.last_seen, tags::LAST_SEEN)
    }

    pub(super) fn need_actor(&self) -> Result<Actor, Malformed> {
        need(self.actor, tags::ACTOR)
    }

    pub(super) fn need_action(&self) -> Result<Digest, Malformed> {
        need(self.action_digest, tags::ACTION_DIGEST)
    }

    pub(super) fn need_policy(&self) -> Result<Digest, Malformed> {
        need(self.policy_digest, tags::POLICY_DIGEST)
    }

    pub(super) fn need_request(&self) -> Result<SubjectId, Malformed> {
        need(self.request_id, tags::REQUEST_ID)
    }

    pub(super) fn need_grant(&self) -> Result<SubjectId, Malformed> {
        need(self.grant_id, tags::GRANT_ID)
    }

    pub(super) fn need_body(&self) -> Result<(), Malformed> {
        need(self.commitment, tags::COMMITMENT).map(|_| ())
    }
}
