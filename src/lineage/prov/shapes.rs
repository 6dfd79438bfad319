//! The relations of PROV: which attributes name their ends, and which edges they are. PROV points from effect to cause; the
//! graph from cause to effect.

use deedbook_verify::detail::RelationKind;

/// What an end of a relation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Entity,
    Activity,
    Agent,
    /// Whatever it was declared to be; an entity if it was not.
    Any,
    /// The name of another relation or of a bundle: no end.
    Aside,
}

/// An edge: why, and the attributes that name cause and effect.
pub(super) type Leads = (RelationKind, &'static str, &'static str);

/// A relation.
#[derive(Debug)]
pub(super) struct Shape {
    pub section: &'static str,
    /// The attributes that are names of ends.
    pub ends: &'static [(&'static str, Role)],
    /// The edges, of those whose both ends are named.
    pub edges: &'static [Leads],
    /// Only the first of them that there is.
    pub one_edge: bool,
    /// The attribute that may hold several names.
    pub several: Option<&'static str>,
}

/// The sections of elements.
pub(super) const ELEMENTS: [&str; 3] = ["entity", "activity", "agent"];

/// Attributes that PROV itself gives a name for a value, wherever they stand.
pub(super) const NAMING: [&str; 23] = [
    "prov:informant",
    "prov:agent",
    "prov:generatedEntity",
    "prov:plan",
    "prov:alternate1",
    "prov:alternate2",
    "prov:informed",
    "prov:ender",
    "prov:delegate",
    "prov:influencee",
    "prov:responsible",
    "prov:influencer",
    "prov:starter",
    "prov:specificEntity",
    "prov:trigger",
    "prov:activity",
    "prov:usedEntity",
    "prov:generation",
    "prov:generalEntity",
    "prov:entity",
    "prov:collection",
    "prov:usage",
    "prov:bundle",
];

/// Attributes that are times.
pub(super) const TIMES: [&str; 3] = ["prov:time", "prov:startTime", "prov:endTime"];

const fn shape(section: &'static str, ends: &'static [(&'static str, Role)], edges: &'static [Leads]) -> Shape {
    Shape { section, ends, edges, one_edge: false, several: None }
}

/// Every relation.
pub(super) const RELATIONS: [Shape; 15] = [
    shape(
        "wasGeneratedBy",
        &[("prov:entity", Role::Entity), ("prov:activity", Role::Activity)],
        &[(RelationKind::Generated, "prov:activity", "prov:entity")],
    ),
    shape(
        "used",
        &[("prov:activity", Role::Activity), ("prov:entity", Role::Entity)],
        &[(RelationKind::Used, "prov:entity", "prov:activity")],
    ),
    shape(
        "wasInformedBy",
        &[("prov:informed", Role::Activity), ("prov:informant", Role::Activity)],
        &[(RelationKind::Called, "prov:informant", "prov:informed")],
    ),
    shape(
        "wasStartedBy",
        &[("prov:activity", Role::Activity), ("prov:trigger", Role::Entity), ("prov:starter", Role::Activity)],
        &[
            (RelationKind::Used, "prov:trigger", "prov:activity"),
            (RelationKind::Called, "prov:starter", "prov:activity"),
        ],
    ),
    shape(
        "wasEndedBy",
        &[("prov:activity", Role::Activity), ("prov:trigger", Role::Entity), ("prov:ender", Role::Activity)],
        &[
            (RelationKind::Influenced, "prov:trigger", "prov:activity"),
            (RelationKind::Influenced, "prov:ender", "prov:activity"),
        ],
    ),
    shape(
        "wasInvalidatedBy",
        &[("prov:entity", Role::Entity), ("prov:activity", Role::Activity)],
        &[(RelationKind::Revoked, "prov:activity", "prov:entity")],
    ),
    // A derivation by an activity says that this used the one and made the other (PROV-CONSTRAINTS, inference 11).
    shape(
        "wasDerivedFrom",
        &[
            ("prov:generatedEntity", Role::Entity),
            ("prov:usedEntity", Role::Entity),
            ("prov:activity", Role::Activity),
            ("prov:generation", Role::Aside),
            ("prov:usage", Role::Aside),
        ],
        &[
            (RelationKind::Derived, "prov:usedEntity", "prov:generatedEntity"),
            (RelationKind::Used, "prov:usedEntity", "prov:activity"),
            (RelationKind::Generated, "prov:activity", "prov:generatedEntity"),
        ],
    ),
    shape(
        "wasAttributedTo",
        &[("prov:entity", Role::Entity), ("prov:agent", Role::Agent)],
        &[(RelationKind::Performed, "prov:agent", "prov:entity")],
    ),
    shape(
        "wasAssociatedWith",
        &[("prov:activity", Role::Activity), ("prov:agent", Role::Agent), ("prov:plan", Role::Entity)],
        &[
            (RelationKind::Performed, "prov:agent", "prov:activity"),
            (RelationKind::PlannedBy, "prov:plan", "prov:activity"),
        ],
    ),
    // Whoever acts for another in one activity does not in all.
    Shape {
        section: "actedOnBehalfOf",
        ends: &[("prov:delegate", Role::Agent), ("prov:responsible", Role::Agent), ("prov:activity", Role::Activity)],
        edges: &[
            (RelationKind::OnBehalf, "prov:responsible", "prov:activity"),
            (RelationKind::OnBehalf, "prov:responsible", "prov:delegate"),
        ],
        one_edge: true,
        several: None,
    },
    shape(
        "wasInfluencedBy",
        &[("prov:influencee", Role::Any), ("prov:influencer", Role::Any)],
        &[(RelationKind::Influenced, "prov:influencer", "prov:influencee")],
    ),
    shape(
        "specializationOf",
        &[("prov:specificEntity", Role::Entity), ("prov:generalEntity", Role::Entity)],
        &[(RelationKind::VersionOf, "prov:specificEntity", "prov:generalEntity")],
    ),
    shape(
        "alternateOf",
        &[("prov:alternate1", Role::Entity), ("prov:alternate2", Role::Entity)],
        &[(RelationKind::SameAs, "prov:alternate1", "prov:alternate2")],
    ),
    Shape {
        section: "hadMember",
        ends: &[("prov:collection", Role::Entity), ("prov:entity", Role::Entity)],
        edges: &[(RelationKind::PartOf, "prov:entity", "prov:collection")],
        one_edge: false,
        several: Some("prov:entity"),
    },
    shape(
        "mentionOf",
        &[("prov:specificEntity", Role::Entity), ("prov:generalEntity", Role::Entity), ("prov:bundle", Role::Aside)],
        &[(RelationKind::VersionOf, "prov:specificEntity", "prov:generalEntity")],
    ),
];

/// The relation of a section.
pub(super) fn of_section(section: &str) -> Option<&'static Shape> {
    RELATIONS.iter().find(|shape| shape.section == section)
}
