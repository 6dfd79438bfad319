//! Nodes and edges of the graph as records of PROV. A node's name there is its kind and the digits of its key; what it is
//! called stands in attributes, where a body still says it.

use super::bundles::quoted;
use super::words::{PROV, XSD};
use crate::lineage::{EdgeKind, NodeKind};
use deedbook_verify::words::LedgerId;
use std::fmt::Write as _;

/// A node, and what is known of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it stands for.
    pub kind: NodeKind,
    /// What tells it from others of its kind.
    pub id: [u8; 16],
    /// Namespace, name and version as a body says them; empty where none does.
    pub called: [String; 3],
    /// The entry that named it first.
    pub born_index: u64,
    /// What is known of its approval, by name.
    pub gates: Vec<String>,
}

/// An edge between two nodes, each by kind and key.
#[derive(Clone, Copy, Debug)]
pub struct Tie {
    /// Why.
    pub kind: EdgeKind,
    /// The cause.
    pub from: (NodeKind, [u8; 16]),
    /// The effect.
    pub to: (NodeKind, [u8; 16]),
    /// The entry that says so.
    pub index: u64,
}

/// What PROV takes a node for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kin {
    Entity,
    Activity,
    Agent,
}

impl Kin {
    pub fn of(kind: NodeKind) -> Kin {
        match kind {
            NodeKind::Run | NodeKind::Session | NodeKind::Vote => Kin::Activity,
            NodeKind::Agent | NodeKind::Service | NodeKind::Person | NodeKind::Team | NodeKind::Source => Kin::Agent,
            NodeKind::Dataset
            | NodeKind::DatasetVersion
            | NodeKind::Model
            | NodeKind::ModelVersion
            | NodeKind::Artifact
            | NodeKind::Policy
            | NodeKind::PolicyVersion
            | NodeKind::Key
            | NodeKind::Job
            | NodeKind::Action
            | NodeKind::Approval
            | NodeKind::Outcome => Kin::Entity,
        }
    }

    pub fn section(self) -> &'static str {
        match self {
            Kin::Entity => "entity",
            Kin::Activity => "activity",
            Kin::Agent => "agent",
        }
    }
}

/// The name of a node.
pub(super) fn name((kind, id): (NodeKind, [u8; 16])) -> String {
    format!("{}:{:032x}", kind.name(), u128::from_be_bytes(id))
}

/// The namespace of the nodes of a kind.
pub(super) fn space(ledger: LedgerId, kind: &str) -> String {
    format!("urn:lin:{ledger}:{kind}:")
}

/// The class of PROV that a node has besides its own.
fn class(kind: NodeKind) -> Option<&'static str> {
    match kind {
        NodeKind::Person => Some("Person"),
        NodeKind::Team => Some("Organization"),
        NodeKind::Agent | NodeKind::Service | NodeKind::Source => Some("SoftwareAgent"),
        NodeKind::PolicyVersion | NodeKind::Job | NodeKind::Action => Some("Plan"),
        NodeKind::Dataset
        | NodeKind::DatasetVersion
        | NodeKind::Model
        | NodeKind::ModelVersion
        | NodeKind::Artifact
        | NodeKind::Policy
        | NodeKind::Key
        | NodeKind::Session
        | NodeKind::Run
        | NodeKind::Vote
        | NodeKind::Approval
        | NodeKind::Outcome => None,
    }
}

fn qualified(name: &str) -> String {
    format!("{{\"$\":{},\"type\":\"xsd:QName\"}}", quoted(name))
}

pub(super) fn whole(number: u64) -> String {
    format!("{{\"$\":\"{number}\",\"type\":\"xsd:unsignedLong\"}}")
}

/// The record of a node: its attributes as a JSON object.
pub(super) fn of_node(told: &Told, ledger: LedgerId) -> String {
    let own = qualified(&format!("lin:{}", told.kind.name()));
    let types = match class(told.kind) {
        Some(class) => format!("[{own},{}]", qualified(&format!("prov:{class}"))),
        None => own,
    };
    let mut out = format!("{{\"prov:type\":{types},\"lin:pos\":{}", whole(told.born_index));
    let [namespace, name, version] = &told.called;
    if !name.is_empty() {
        let label = if version.is_empty() { name.clone() } else { format!("{name}@{version}") };
        push(&mut out, "prov:label", &quoted(&label));
        push(&mut out, "lin:urn", &quoted(&urn(told, ledger)));
        push(&mut out, "lin:name", &quoted(name));
    }
    for (attribute, value) in [("lin:namespace", namespace), ("lin:version", version)] {
        if !value.is_empty() {
            push(&mut out, attribute, &quoted(value));
        }
    }
    let gates: Vec<String> = told.gates.iter().map(|gate| quoted(gate)).collect();
    match gates.as_slice() {
        [] => {}
        [gate] => push(&mut out, "lin:gate", gate),
        several => push(&mut out, "lin:gate", &format!("[{}]", several.join(","))),
    }
    out.push('}');
    out
}

fn push(out: &mut String, name: &str, value: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, ",\"{name}\":{value}");
}

/// The name of a node as one text: every byte that is not unreserved (RFC 3986) in percent.
fn urn(told: &Told, ledger: LedgerId) -> String {
    let [namespace, name, version] = &told.called;
    let mut out = space(ledger, told.kind.name());
    percent(&mut out, namespace);
    out.push(':');
    percent(&mut out, name);
    if !version.is_empty() {
        out.push(':');
        percent(&mut out, version);
    }
    out
}

fn percent(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

/// The relation of an edge: its section, and its attributes as a JSON object. What PROV has no closer word for is an
/// influence; which edge it was stands beside.
pub(super) fn of_edge(tie: &Tie) -> (&'static str, String) {
    let (from, to) = (name(tie.from), name(tie.to));
    let (section, ends) = relation(tie.kind, Kin::of(tie.from.0), Kin::of(tie.to.0));
    let mut out = String::from("{");
    for (attribute, is_cause) in ends {
        let _ = write!(out, "\"prov:{attribute}\":{},", quoted(if *is_cause { &from } else { &to }));
    }
    let _ = write!(out, "\"lin:edge\":\"{}\",\"lin:pos\":{}}}", tie.kind.name(), whole(tie.index));
    (section, out)
}

/// Which attribute names the cause (`true`), and which the effect.
type Ends = &'static [(&'static str, bool)];

fn relation(kind: EdgeKind, from: Kin, to: Kin) -> (&'static str, Ends) {
    const INFLUENCE: (&str, Ends) = ("wasInfluencedBy", &[("influencee", false), ("influencer", true)]);
    match (from, to) {
        (Kin::Entity, Kin::Activity) if kind == EdgeKind::PlannedBy => {
            ("wasAssociatedWith", &[("activity", false), ("plan", true)])
        }
        (Kin::Entity, Kin::Activity) => ("used", &[("activity", false), ("entity", true)]),
        (Kin::Activity, Kin::Entity) if kind == EdgeKind::Revoked => {
            ("wasInvalidatedBy", &[("entity", false), ("activity", true)])
        }
        (Kin::Activity, Kin::Entity) if kind == EdgeKind::Generated => {
            ("wasGeneratedBy", &[("entity", false), ("activity", true)])
        }
        (Kin::Activity, Kin::Activity) if kind == EdgeKind::Called => {
            ("wasInformedBy", &[("informed", false), ("informant", true)])
        }
        (Kin::Agent, Kin::Activity) => ("wasAssociatedWith", &[("activity", false), ("agent", true)]),
        (Kin::Agent, Kin::Entity) => ("wasAttributedTo", &[("entity", false), ("agent", true)]),
        (Kin::Agent, Kin::Agent) if kind == EdgeKind::OnBehalf => {
            ("actedOnBehalfOf", &[("delegate", false), ("responsible", true)])
        }
        (Kin::Entity, Kin::Entity) => match kind {
            EdgeKind::Derived | EdgeKind::Previous => {
                ("wasDerivedFrom", &[("generatedEntity", false), ("usedEntity", true)])
            }
            EdgeKind::VersionOf => ("specializationOf", &[("specificEntity", true), ("generalEntity", false)]),
            EdgeKind::SameAs => ("alternateOf", &[("alternate1", true), ("alternate2", false)]),
            EdgeKind::PartOf => ("hadMember", &[("collection", false), ("entity", true)]),
            EdgeKind::Used
            | EdgeKind::Generated
            | EdgeKind::Performed
            | EdgeKind::OnBehalf
            | EdgeKind::PlannedBy
            | EdgeKind::Proposed
            | EdgeKind::Reviewed
            | EdgeKind::Decided
            | EdgeKind::Authorized
            | EdgeKind::Realised
            | EdgeKind::Called
            | EdgeKind::Revoked
            | EdgeKind::Superseded
            | EdgeKind::Influenced => INFLUENCE,
        },
        (Kin::Activity, _) | (Kin::Agent, Kin::Agent) | (Kin::Entity, Kin::Agent) => INFLUENCE,
    }
}

/// The prefixes of a bundle of the graph.
pub(super) fn prefixes(ledger: LedgerId, kinds: impl Iterator<Item = NodeKind>) -> String {
    let own = kinds.map(|kind| (kind.name(), space(ledger, kind.name())));
    let fixed = [("prov", PROV.to_owned()), ("xsd", XSD.to_owned()), ("lin", super::words::LIN.to_owned())];
    let all: Vec<String> =
        fixed.into_iter().chain(own).map(|(prefix, space)| format!("\"{prefix}\":{}", quoted(&space))).collect();
    format!("{{{}}}", all.join(","))
}
