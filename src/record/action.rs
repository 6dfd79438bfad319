//! From a binding to the facts that state it, and back: what an `action.submitted` says in the open must be what its
//! body says in full. Who asks and whether they may is decided elsewhere.

use super::binding::{BINDING_MEDIA_TYPE, Binding};
use super::canonical::Json;
use super::facts::FactsBuilder;
use super::members::Members;
use super::objects::Objects;
use crate::domain::{self, DatasetText, NameError};
use crate::limits::BINDING_BYTES_MAX;
use bytes::Bytes;
use deedbook_verify::detail::{ApprovalCommand, Detail, Reversibility};
use deedbook_verify::facts::{Actor, Code, Facts, Object, ObjectRole, Parent};
use deedbook_verify::hash::{RefKey, request_id};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, EventId, Ref, SubjectId};

/// The id of the action that a command begins.
pub fn action_id(source: Ref, command: EventId) -> SubjectId {
    request_id(&Parent { source, event_id: command })
}

/// The stream of an action: that of `action/<id>`, the id as 32 hex digits.
pub fn action_stream(refs: &RefKey, id: SubjectId) -> Result<Ref, NameError> {
    domain::StreamName::parse(&format!("action/{id}"))?.to_ref(refs)
}

/// What a binding says in the open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The digest of the binding.
    pub digest: Digest,
    /// Who acts.
    pub actor: Actor,
    /// For whom, in order.
    pub on_behalf_of: Vec<Ref>,
    /// The action's code.
    pub action_type: String,
    /// Whether it can be undone.
    pub reversibility: Reversibility,
    /// The class of what it acts on, where that is a code.
    pub resource_class: Option<String>,
    /// Where it runs.
    pub environment: String,
    /// The datasets that it reads, each with its version behind it where one is named.
    pub objects: Vec<Object>,
    /// How many more there are.
    pub objects_omitted: Option<u32>,
}

impl Stated {
    /// Reads it off a binding.
    pub fn of(binding: &Binding, refs: &RefKey) -> Result<Stated, NameError> {
        let party = |name: &super::binding::PartyName| domain::principal_ref(refs, name.kind(), name.id());
        let actor = Actor { kind: binding.agent.kind(), who: party(&binding.agent)? };
        let on_behalf_of = binding.on_behalf_of.iter().map(party).collect::<Result<_, _>>()?;
        let class = binding.resource.split(':').next().and_then(Code::new);
        let mut objects = Objects::default();
        for source in &binding.dataset_sources {
            objects.add(&DatasetText::parse(source).objects(ObjectRole::Input, refs)?);
        }
        let (objects, objects_omitted) = objects.into_parts();
        Ok(Stated {
            digest: binding.digest(),
            actor,
            on_behalf_of,
            action_type: binding.action.clone(),
            reversibility: binding.reversibility,
            resource_class: class.map(|code| code.as_str().to_owned()),
            environment: binding.environment.clone(),
            objects,
            objects_omitted,
        })
    }

    /// Puts it into facts, and the binding into their body.
    pub fn state(&self, facts: FactsBuilder, binding: &Binding) -> FactsBuilder {
        self.open(facts).body(BINDING_MEDIA_TYPE, Bytes::from(binding.to_bytes()))
    }

    fn open(&self, facts: FactsBuilder) -> FactsBuilder {
        let facts = facts
            .actor(self.actor)
            .on_behalf_of(&self.on_behalf_of)
            .action_type(&self.action_type)
            .action_digest(self.digest)
            .reversibility(self.reversibility)
            .environment(&self.environment)
            .objects(&self.objects);
        let facts = match &self.resource_class {
            Some(class) => facts.resource_class(class),
            None => facts,
        };
        match self.objects_omitted {
            Some(count) => facts.objects_omitted(count),
            None => facts,
        }
    }

    /// The first field in which facts say something else; none: they agree.
    pub fn differs(&self, facts: &Facts<'_>, reversibility: Reversibility) -> Option<&'static str> {
        let same = [
            ("action_digest", facts.action_digest == Some(self.digest)),
            ("actor", facts.actor == Some(self.actor)),
            ("on_behalf_of", facts.on_behalf_of().eq(self.on_behalf_of.iter().copied())),
            ("action_type", facts.action_type.map(Code::as_str) == Some(&self.action_type)),
            ("reversibility", reversibility == self.reversibility),
            ("resource_class", facts.resource_class.map(Code::as_str) == self.resource_class.as_deref()),
            ("environment", facts.environment.map(Code::as_str) == Some(&self.environment)),
            ("objects", facts.objects().eq(self.objects.iter().copied())),
            ("objects_omitted", facts.objects_omitted == self.objects_omitted),
        ];
        same.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
    }
}

/// Whether a body gives a reason in words: `{"reason": TEXT}`, the text not blank.
pub fn gives_reason(body: &[u8]) -> bool {
    let members = Json::parse(body, BINDING_BYTES_MAX).and_then(|json| Members::of(json, ""));
    members.and_then(|mut members| members.text("reason")).is_ok_and(|reason| !reason.trim().is_empty())
}

/// The binding of a submission, or of a break-glass, whose body says why beside it.
pub fn binding_of(facts: &Facts<'_>, body: Option<&[u8]>) -> Option<(Binding, Reversibility)> {
    let reversibility = if let Detail::Approval(
        ApprovalCommand::Submitted(submission) | ApprovalCommand::BreakglassInvoked(submission),
    ) = facts.detail
    {
        submission.reversibility
    } else {
        return None;
    };
    if facts.kind != Kind::BreakglassInvoked {
        return Some((Binding::from_bytes(body?).ok()?, reversibility));
    }
    let mut members = Members::of(Json::parse_canonical(body?, BINDING_BYTES_MAX.saturating_mul(2)).ok()?, "").ok()?;
    let binding = Binding::from_json(members.required("binding").ok()?).ok()?;
    let stated = |name| members.text(name).is_ok_and(|text: String| !text.trim().is_empty());
    let complete = ["reason", "incident"].map(stated).into_iter().all(|stated| stated);
    complete.then_some((binding, reversibility))
}

#[cfg(test)]
mod tests {
    use super::gives_reason;

    #[test]
    fn a_body_alone_is_no_reason() {
        assert!(gives_reason(br#"{"reason":"ticket 7"}"#));
        for body in [&b""[..], b"{}", br#"{"reason":""}"#, br#"{"reason":" \t\n"}"#, br#"{"reason":7}"#] {
            assert!(!gives_reason(body), "{}", body.escape_ascii());
        }
    }
}
