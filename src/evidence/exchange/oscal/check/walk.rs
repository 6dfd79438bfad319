//! Every object of a document, with where it stands.

use serde_json::{Map, Value};

/// An object and its place.
pub struct Place<'a> {
    /// The JSON pointer.
    pub at: &'a str,
    /// The list that it stands in, such as `observations`; empty where it stands alone.
    pub list: &'a str,
    /// Its members.
    pub members: &'a Map<String, Value>,
}

impl<'a> Place<'a> {
    /// A member that is a text.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.members.get(name).and_then(Value::as_str)
    }

    /// Texts of a member that is a list.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.members.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The pointer to a member.
    pub fn to(&self, name: &str) -> String {
        format!("{}/{name}", self.at)
    }
}

/// Shows each object, the outer before the inner. No reader of JSON makes more than 128 levels.
pub fn each(model: &str, body: &Value, visit: &mut dyn FnMut(&Place<'_>)) {
    inner(body, &format!("/{model}"), "", visit);
}

fn inner(value: &Value, at: &str, list: &str, visit: &mut dyn FnMut(&Place<'_>)) {
    match value {
        Value::Object(members) => {
            visit(&Place { at, list, members });
            for (name, value) in members {
                let below = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                match value {
                    Value::Array(values) => {
                        for (place, value) in values.iter().enumerate() {
                            inner(value, &format!("{below}/{place}"), name, visit);
                        }
                    }
                    Value::Object(_) => inner(value, &below, "", visit),
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
                }
            }
        }
        Value::Array(values) => {
            for (place, value) in values.iter().enumerate() {
                inner(value, &format!("{at}/{place}"), list, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
