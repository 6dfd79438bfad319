//! Datasets and models as events name them: by the name that the entry's own body says, else the one that an earlier body
//! said, else by ref.

use super::event::facet;
use super::is_shown;
use crate::domain::DatasetText;
use crate::limits::LINEAGE_OUT_NAMES_MAX;
use crate::lineage::fold::NodeKey;
use crate::lineage::names::NodeName;
use deedbook_verify::facts::{Actor, Facts, Object, ObjectClass, ObjectRole};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::Ref;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The names that bodies said, the first for each thing, as many as there is room for.
#[derive(Default)]
pub struct KnownNames(HashMap<NodeKey, NodeName>);

impl KnownNames {
    /// Takes one up; false when there is no room.
    pub fn learn(&mut self, name: NodeName) -> bool {
        if !is_shown(name.node.kind) || self.0.contains_key(&name.node) {
            return true;
        }
        if self.0.len() >= LINEAGE_OUT_NAMES_MAX {
            return false;
        }
        self.0.insert(name.node, name);
        true
    }

    /// What an object is called.
    pub fn of_object(&self, class: ObjectClass, what: Ref) -> Option<&NodeName> {
        self.0.get(&NodeKey::object(class, what))
    }

    /// What somebody is called.
    pub fn of_actor(&self, actor: Actor) -> Option<&NodeName> {
        self.0.get(&NodeKey::actor(actor))
    }
}

/// A dataset or model, and its version where one is named.
#[derive(Clone, Debug)]
pub struct Thing {
    namespace: String,
    name: String,
    version: Option<String>,
    is_model: bool,
}

impl Thing {
    /// As people and agents write it.
    pub fn of_text(text: &DatasetText<'_>) -> Thing {
        let (namespace, name) = (text.namespace.to_owned(), text.name.to_owned());
        Thing { namespace, name, version: text.version.map(str::to_owned), is_model: false }
    }

    fn of_object(object: Object, names: &KnownNames, own: &str) -> Thing {
        let (namespace, name) = match names.of_object(object.class, object.what) {
            Some(known) => (known.namespace.clone(), known.name.clone()),
            None => (own.to_owned(), format!("{}/{}", object.class.name(), object.what)),
        };
        Thing { namespace, name, version: None, is_model: object.class == ObjectClass::Model }
    }

    /// With the facets that OpenLineage has for version and type.
    pub fn value(self) -> Value {
        let mut facets = Map::new();
        if let Some(version) = self.version {
            let version = facet("DatasetVersionDatasetFacet", json!({"datasetVersion": version}));
            facets.insert("version".to_owned(), version);
        }
        if self.is_model {
            let datatype = facet("DatasetTypeDatasetFacet", json!({"datasetType": "MODEL"}));
            facets.insert("datasetType".to_owned(), datatype);
        }
        json!({"namespace": self.namespace, "name": self.name, "facets": facets})
    }
}

/// What an entry read and wrote.
#[derive(Default)]
pub struct Things {
    pub inputs: Vec<Thing>,
    pub outputs: Vec<Thing>,
}

impl Things {
    /// What facts name; of a reported execution what its body says that it wrote, in the words of the body.
    pub fn of(facts: &Facts<'_>, body: Option<&[u8]>, names: &KnownNames, own: &str) -> Things {
        let objects: Vec<Object> = facts.objects().collect();
        let mut things = Things::of_objects(&objects, names, own);
        let stated = body.filter(|_| facts.kind == Kind::ExecutionReported).and_then(outputs);
        // Only where both say the same number, for facts are what was signed.
        if let Some(stated) = stated.filter(|stated| stated.len() == things.outputs.len()) {
            things.outputs = stated;
        }
        things
    }

    /// Things of objects, each with the version behind it.
    pub fn of_objects(objects: &[Object], names: &KnownNames, own: &str) -> Things {
        let mut things = Things::default();
        for object in objects {
            let side = match object.role {
                ObjectRole::Output => &mut things.outputs,
                ObjectRole::Input | ObjectRole::Used => &mut things.inputs,
            };
            match object.class {
                ObjectClass::Dataset | ObjectClass::Model | ObjectClass::Artifact => {
                    side.push(Thing::of_object(*object, names, own));
                }
                ObjectClass::DatasetVersion | ObjectClass::ModelVersion => {
                    let known = names.of_object(object.class, object.what).and_then(|known| known.version.clone());
                    if let Some(thing) = side.last_mut() {
                        thing.version = Some(known.unwrap_or_else(|| format!("ref:{}", object.what)));
                    }
                }
                ObjectClass::Job
                | ObjectClass::Run
                | ObjectClass::Session
                | ObjectClass::Person
                | ObjectClass::Agent
                | ObjectClass::Service
                | ObjectClass::Team => {}
            }
        }
        things
    }
}

fn outputs(body: &[u8]) -> Option<Vec<Thing>> {
    let body = serde_json::from_slice::<Value>(body).ok()?;
    let texts = body.get("outputs")?.as_array()?.iter().map(|output| output.as_str());
    texts.map(|text| Some(Thing::of_text(&DatasetText::parse(text?)))).collect()
}
