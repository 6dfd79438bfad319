//! The things that facts name, each with the version of it that stands behind it in the list.

use super::key::NodeKey;
use crate::facts::{Facts, Object, ObjectClass, ObjectRole};

/// A thing and the version of it that facts name.
#[derive(Clone, Copy, Debug)]
pub struct Touched {
    /// The part that it played.
    pub role: ObjectRole,
    /// A dataset, model or artifact.
    pub thing: NodeKey,
    /// Its version, if the facts name one.
    pub version: Option<NodeKey>,
}

/// The datasets, models and artifacts among the objects, in their order.
pub fn touched<'a>(facts: &Facts<'a>) -> impl Iterator<Item = Touched> + use<'a> {
    let mut objects = facts.objects().peekable();
    std::iter::from_fn(move || {
        loop {
            let Object { class, role, what } = objects.next()?;
            match class {
                ObjectClass::Dataset | ObjectClass::Model | ObjectClass::Artifact => {
                    let version = objects.next_if(|next| class.version() == Some(next.class));
                    let version = version.map(|version| NodeKey::object(version.class, version.what));
                    return Some(Touched { role, thing: NodeKey::object(class, what), version });
                }
                ObjectClass::DatasetVersion
                | ObjectClass::ModelVersion
                | ObjectClass::Job
                | ObjectClass::Run
                | ObjectClass::Session
                | ObjectClass::Person
                | ObjectClass::Agent
                | ObjectClass::Service
                | ObjectClass::Team => {}
            }
        }
    })
}
