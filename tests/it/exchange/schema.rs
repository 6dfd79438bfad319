//! JSON Schema, as far as the schemas of NIST and FedRAMP use it. A keyword that it does not know is a failure of the test,
//! so that nothing is passed over; formats alone are taken for granted, as the standard has it. In `make interop`
//! compliance-trestle and oscal-validate judge the same documents.

use regex::Regex;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::HashMap;

/// Words that ask nothing of a value.
const SAID_ONLY: [&str; 12] = [
    "$comment",
    "$defs",
    "$id",
    "$schema",
    "$schemaVersion",
    "contentEncoding",
    "definitions",
    "description",
    "examples",
    "format",
    "title",
    "$anchor",
];

/// A schema and those that it refers to by URI.
pub struct Schema {
    root: Value,
    others: HashMap<String, Value>,
    patterns: RefCell<HashMap<String, Regex>>,
}

impl Schema {
    /// A schema, with others that it may name.
    pub fn new(root: Value, others: impl IntoIterator<Item = Value>) -> Schema {
        let named = others.into_iter().map(|other| (other["$id"].as_str().unwrap().to_owned(), other));
        Schema { root, others: named.collect(), patterns: RefCell::default() }
    }

    /// What is wrong with a value; nothing: it is accepted.
    pub fn errors(&self, value: &Value) -> Vec<String> {
        let mut errors = Vec::new();
        self.judge((&self.root, &self.root), value, "", &mut errors);
        errors
    }

    fn accepts(&self, schema: (&Value, &Value), value: &Value) -> bool {
        let mut errors = Vec::new();
        self.judge(schema, value, "", &mut errors);
        errors.is_empty()
    }

    /// Judges by one schema of a document.
    fn judge(&self, (root, schema): (&Value, &Value), value: &Value, at: &str, errors: &mut Vec<String>) {
        let Value::Object(words) = schema else { panic!("{schema} is no schema") };
        for (word, asked) in words {
            let all = |asked: &Value| {
                asked.as_array().unwrap().iter().map(|one| self.accepts((root, one), value)).collect::<Vec<_>>()
            };
            let holds = match word.as_str() {
                "$ref" => {
                    let (root, schema) = self.follow(root, asked.as_str().unwrap());
                    self.judge((root, schema), value, at, errors);
                    true
                }
                "type" => is_of(asked.as_str().unwrap(), value),
                "enum" => asked.as_array().unwrap().contains(value),
                "const" => asked == value,
                "pattern" => value.as_str().is_none_or(|text| self.matches(asked.as_str().unwrap(), text)),
                "minimum" => value.as_f64().is_none_or(|number| number >= asked.as_f64().unwrap()),
                "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= asked.as_u64().unwrap()),
                "allOf" => all(asked).iter().all(|holds| *holds),
                "anyOf" => all(asked).iter().any(|holds| *holds),
                "oneOf" => all(asked).iter().filter(|holds| **holds).count() == 1,
                "if" => !self.accepts((root, asked), value) || self.accepts((root, &words["then"]), value),
                "then" => words.contains_key("if"),
                "required" => value.as_object().is_none_or(|members| {
                    asked.as_array().unwrap().iter().all(|name| members.contains_key(name.as_str().unwrap()))
                }),
                "items" => {
                    for (place, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.judge((root, asked), item, &format!("{at}/{place}"), errors);
                    }
                    true
                }
                "properties" => {
                    self.members((root, asked), value.as_object(), at, errors);
                    true
                }
                "additionalProperties" => {
                    assert_eq!(asked, false, "another form of it");
                    let known = words.get("properties").and_then(Value::as_object);
                    value.as_object().is_none_or(|members| {
                        members.keys().all(|name| known.is_some_and(|known| known.contains_key(name)))
                    })
                }
                other => {
                    assert!(SAID_ONLY.contains(&other), "the keyword {other} is not known");
                    true
                }
            };
            if !holds {
                errors.push(format!("{at}: {word} {asked:.120} refuses {value:.120}"));
            }
        }
    }

    fn members(
        &self,
        (root, asked): (&Value, &Value),
        members: Option<&Map<String, Value>>,
        at: &str,
        errors: &mut Vec<String>,
    ) {
        for (name, schema) in asked.as_object().unwrap() {
            if let Some(value) = members.and_then(|members| members.get(name)) {
                self.judge((root, schema), value, &format!("{at}/{name}"), errors);
            }
        }
    }

    fn follow<'a>(&'a self, root: &'a Value, reference: &str) -> (&'a Value, &'a Value) {
        let (uri, pointer) = reference.split_once('#').unwrap();
        let root = if uri.is_empty() { root } else { &self.others[uri] };
        (root, root.pointer(pointer).unwrap_or_else(|| panic!("{reference} leads nowhere")))
    }

    fn matches(&self, pattern: &str, text: &str) -> bool {
        let mut patterns = self.patterns.borrow_mut();
        patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap()).is_match(text)
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("the type {other} is not known"),
    }
}
