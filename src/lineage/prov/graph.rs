//! What a document names, and what leads to what among it, in an order in which causes stand before effects.

use super::shapes::Role;
use super::words::PROV;
use crate::domain::principal_ref;
use crate::limits::PROV_THINGS_MAX;
use crate::record::line::LineError;
use deedbook_verify::detail::RelationKind;
use deedbook_verify::facts::{ActorKind, ObjectClass};
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::words::Ref;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// What a thing is. PROV knows three; of agents it may say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// An entity.
    Artifact,
    /// An activity.
    Run,
    /// An agent, `prov:SoftwareAgent` or of no type.
    Agent,
    /// `prov:Person`.
    Person,
    /// `prov:Organization`.
    Team,
}

impl Class {
    /// The class in facts.
    pub fn object(self) -> ObjectClass {
        match self {
            Class::Artifact => ObjectClass::Artifact,
            Class::Run => ObjectClass::Run,
            Class::Agent => ObjectClass::Agent,
            Class::Person => ObjectClass::Person,
            Class::Team => ObjectClass::Team,
        }
    }
}

/// Something that a document names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    /// What it is.
    pub class: Class,
    /// Its name, verbatim: an IRI.
    pub iri: String,
}

impl Thing {
    /// Its pseudonym; none: the name is longer than a ref takes in, which a document that was read cannot have.
    pub fn to_ref(&self, refs: &RefKey) -> Option<Ref> {
        let identity = |class| Identity { class, namespace: "", name: &self.iri };
        let actor = |kind| principal_ref(refs, kind, &self.iri).ok();
        match self.class {
            Class::Artifact => refs.make(identity(ObjectClass::Artifact.name())),
            Class::Run => refs.make(identity(ObjectClass::Run.name())),
            Class::Agent => actor(ActorKind::Agent),
            Class::Person => actor(ActorKind::Human),
            Class::Team => actor(ActorKind::Team),
        }
    }
}

/// One thing leads to another; both by their places among the things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Link {
    /// The cause.
    pub cause: usize,
    /// The effect.
    pub effect: usize,
    /// The number of the relation's kind.
    kind: u8,
}

impl Link {
    /// Why.
    pub fn kind(&self) -> Option<RelationKind> {
        RelationKind::from_number(self.kind)
    }

    /// Whether it says which of the two was there first.
    fn orders(&self) -> bool {
        !matches!(
            self.kind(),
            Some(RelationKind::VersionOf | RelationKind::PartOf | RelationKind::SameAs | RelationKind::Revoked) | None
        )
    }
}

/// What stands in a section of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kin {
    Entity,
    Activity,
    Agent,
}

/// A declared element.
pub(super) struct Element {
    kin: Kin,
    class: Option<Class>,
}

impl Element {
    pub fn new(kin: Kin) -> Element {
        Element { kin, class: None }
    }

    /// Takes note of a type.
    pub fn typed(&mut self, class: &str) {
        self.class = self.class.or(match class.strip_prefix(PROV) {
            Some("Person") => Some(Class::Person),
            Some("Organization") => Some(Class::Team),
            Some("SoftwareAgent") => Some(Class::Agent),
            _ => None,
        });
    }
}

/// As what a name was declared.
#[derive(Clone, Copy, Debug, Default)]
struct Declared {
    entity: bool,
    activity: bool,
    agent: bool,
    class: Option<Class>,
}

/// Things and links, each once.
#[derive(Debug, Default)]
pub struct Things {
    declared: BTreeMap<String, Declared>,
    places: BTreeMap<Thing, usize>,
    list: Vec<Thing>,
    links: BTreeSet<Link>,
}

impl Things {
    /// The things, by their places.
    pub fn list(&self) -> &[Thing] {
        &self.list
    }

    /// How many links there are.
    pub fn links_count(&self) -> usize {
        self.links.len()
    }

    /// Takes in what an element says; the things are named when all have been read.
    pub(super) fn declare(&mut self, iri: String, element: Element, path: &str) -> Result<(), LineError> {
        let declared = self.declared.entry(iri).or_default();
        match element.kin {
            Kin::Entity => declared.entity = true,
            Kin::Activity => declared.activity = true,
            Kin::Agent => declared.agent = true,
        }
        declared.class = declared.class.or(element.class);
        if self.declared.len() > PROV_THINGS_MAX { Err(too_many(path)) } else { Ok(()) }
    }

    /// Names everything that was declared, in the order of the names.
    pub(super) fn settle(&mut self) -> Result<(), LineError> {
        for (iri, declared) in std::mem::take(&mut self.declared) {
            let thing = |class| Thing { class, iri: iri.clone() };
            let entity = declared.entity.then(|| self.place(thing(Class::Artifact)));
            if declared.activity {
                self.place(thing(Class::Run));
            }
            let agent = declared.agent.then(|| self.place(thing(declared.class.unwrap_or(Class::Agent))));
            if let Some((entity, agent)) = entity.zip(agent) {
                // What acts, and what was made: one thing seen twice.
                self.links.insert(Link { kind: RelationKind::SameAs.number(), cause: entity, effect: agent });
            }
            self.declared.insert(iri, declared);
        }
        if self.list.len() > PROV_THINGS_MAX { Err(too_many("")) } else { Ok(()) }
    }

    /// Names the end of a relation, whether it was declared or not.
    pub(super) fn mention(&mut self, iri: &str, role: Role, path: &str) -> Result<(), LineError> {
        let thing = self.thing(role, iri);
        self.place(thing);
        if self.list.len() > PROV_THINGS_MAX { Err(too_many(path)) } else { Ok(()) }
    }

    /// Adds a link. Nothing leads to itself.
    pub(super) fn link(&mut self, kind: RelationKind, cause: (Role, &str), effect: (Role, &str)) {
        let (cause, effect) = (self.thing(cause.0, cause.1), self.thing(effect.0, effect.1));
        let (cause, effect) = (self.place(cause), self.place(effect));
        if cause != effect {
            self.links.insert(Link { kind: kind.number(), cause, effect });
        }
    }

    fn thing(&self, role: Role, iri: &str) -> Thing {
        let declared = self.declared.get(iri).copied().unwrap_or_default();
        let agent = declared.class.unwrap_or(Class::Agent);
        let class = match role {
            Role::Entity | Role::Aside => Class::Artifact,
            Role::Activity => Class::Run,
            Role::Agent => agent,
            Role::Any if declared.entity => Class::Artifact,
            Role::Any if declared.activity => Class::Run,
            Role::Any if declared.agent => agent,
            Role::Any => Class::Artifact,
        };
        Thing { class, iri: iri.to_owned() }
    }

    fn place(&mut self, thing: Thing) -> usize {
        if let Some(place) = self.places.get(&thing) {
            return *place;
        }
        let place = self.list.len();
        self.list.push(thing.clone());
        self.places.insert(thing, place);
        place
    }

    /// The links, each behind those whose effect is its cause, with things in the order in which they should be named.
    /// What goes in a circle stands at the end, in the order of the document.
    pub fn ordered(&self) -> (Vec<usize>, Vec<Link>) {
        let mut before = vec![0usize; self.list.len()];
        let mut behind: Vec<Vec<usize>> = vec![Vec::new(); self.list.len()];
        for link in self.links.iter().filter(|link| link.orders()) {
            if let Some((count, effects)) = before.get_mut(link.effect).zip(behind.get_mut(link.cause)) {
                *count = count.saturating_add(1);
                effects.push(link.effect);
            }
        }
        let free = before.iter().enumerate().filter(|(_, count)| **count == 0).map(|(place, _)| Reverse(place));
        let mut free: BinaryHeap<Reverse<usize>> = free.collect();
        let mut order = Vec::with_capacity(self.list.len());
        while let Some(Reverse(place)) = free.pop() {
            order.push(place);
            for effect in behind.get(place).into_iter().flatten() {
                if let Some(count) = before.get_mut(*effect) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        free.push(Reverse(*effect));
                    }
                }
            }
        }
        let circular = before.iter().enumerate().filter(|(_, count)| **count > 0).map(|(place, _)| place);
        order.extend(circular);
        let mut ranks = vec![0usize; self.list.len()];
        for (rank, place) in order.iter().enumerate() {
            if let Some(of) = ranks.get_mut(*place) {
                *of = rank;
            }
        }
        let rank = |place: usize| ranks.get(place).copied().unwrap_or_default();
        let mut links: Vec<Link> = self.links.iter().copied().collect();
        links.sort_unstable_by_key(|link| {
            let (cause, effect) = (rank(link.cause), rank(link.effect));
            (cause.max(effect), cause.min(effect), link.kind)
        });
        (order, links)
    }
}

fn too_many(path: &str) -> LineError {
    let problem = format!("makes it more than {PROV_THINGS_MAX} entities, activities and agents");
    LineError::new(path, problem, "split the document")
}
