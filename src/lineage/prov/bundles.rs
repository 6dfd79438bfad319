//! How documents stand in a file beside others: each as a bundle. A document is a bundle as it is, byte for byte, unless it
//! has bundles itself: PROV's bundles hold none, so those are lifted out beside it, with the prefixes that they saw. What
//! was lifted is put back when the file is read, and says the same again.

use super::document::{Bundle, Document};
use super::scope::Scope;
use super::value;
use super::words::{EXPORT, INSIDE, INSIDE_AS, LIN};
use crate::record::line::LineError;
use crate::record::line::json::{self, Members};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A bundle for a file: its text, and the prefixes that it binds, which its own name must not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The JSON object.
    pub text: String,
    /// The prefixes.
    pub prefixes: Vec<String>,
}

/// A document as bundles: itself, and those that stood in it, under the names that they had there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lifted {
    /// What it says outside of its bundles.
    pub own: Piece,
    /// Its bundles.
    pub inside: Vec<(String, Piece)>,
}

/// Takes a document apart. `bytes` are those that it was read from.
pub fn lifted(document: &Document<'_>, bytes: &[u8]) -> Lifted {
    let text = if document.bundles.is_empty() && document.members.get("bundle").is_none() {
        String::from_utf8_lossy(bytes).into_owned()
    } else {
        object(&document.members, &["bundle"], None)
    };
    let own = Piece { text, prefixes: document.scope.all().into_keys().map(str::to_owned).collect() };
    Lifted { own, inside: document.bundles.iter().map(|bundle| (bundle.id.to_string(), lift(bundle))).collect() }
}

fn lift(bundle: &Bundle<'_>) -> Piece {
    let seen = bundle.scope.all();
    let prefixes = seen.keys().map(|prefix| (*prefix).to_owned()).collect();
    Piece { text: object(&bundle.members, &["prefix"], bound(&seen)), prefixes }
}

/// The member `prefix`; none when nothing is bound.
fn bound(prefixes: &BTreeMap<&str, &str>) -> Option<String> {
    let bound: Vec<String> =
        prefixes.iter().map(|(prefix, space)| format!("{}:{}", quoted(prefix), quoted(space))).collect();
    (!bound.is_empty()).then(|| format!("\"prefix\":{{{}}}", bound.join(",")))
}

/// An object written again without some members, and with another in front.
fn object(members: &Members<'_>, without: &[&str], with: Option<String>) -> String {
    let kept = members.0.iter().filter(|(name, _)| !without.contains(&name.as_ref()));
    let members: Vec<String> =
        with.into_iter().chain(kept.map(|(name, raw)| format!("{}:{}", quoted(name), raw.get()))).collect();
    format!("{{{}}}", members.join(","))
}

/// Text as JSON.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// The documents in a file that a log exported, each as it was or, where it had bundles, as it says the same; none: it is
/// no such file, but a document itself.
pub fn documents_of(file: &[u8]) -> Result<Option<Vec<Vec<u8>>>, LineError> {
    let members = json::document(file)?;
    let Some(entities) = members.get("entity").map(|raw| json::object(raw, "entity")).transpose()? else {
        return Ok(None);
    };
    let scope = Scope::read(&members, "", None)?;
    let mut is_export = false;
    let mut inside: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (id, raw) in &entities.0 {
        let path = json::below("entity", id);
        // Under one name may stand several records; in an export none does.
        let Ok(entity) = json::object(raw, &path) else { continue };
        if let Some(types) = entity.get("prov:type") {
            value::each(types, &path, &mut |class| {
                is_export |= scope.resolve(&class).is_some_and(|class| class.strip_prefix(LIN) == Some(EXPORT));
            })?;
        }
        let mut within = None;
        if let Some(raw) = entity.get(INSIDE) {
            value::each(raw, &path, &mut |name| within = Some(name.into_owned()))?;
        }
        let name = entity.get(INSIDE_AS).map(|raw| json::text(raw, &path)).transpose()?;
        if let Some((within, name)) = within.zip(name) {
            inside.entry(within).or_default().push((id.to_string(), name.into_owned()));
        }
    }
    if !is_export {
        return Ok(None);
    }
    let bundles = members.get("bundle").map(|raw| json::object(raw, "bundle")).transpose()?;
    let bundles = bundles.map(|bundles| bundles.0).unwrap_or_default();
    let texts: BTreeMap<&str, &RawValue> = bundles.iter().map(|(id, raw)| (id.as_ref(), *raw)).collect();
    let lifted = |id: &str| inside.values().flatten().any(|(inner, _)| inner == id);
    let whole = bundles.iter().filter(|(id, _)| !lifted(id));
    whole.map(|(id, raw)| joined(raw, inside.get(id.as_ref()), &texts)).collect::<Result<_, _>>().map(Some)
}

/// A document with the bundles that were lifted out of it, which bind only what it does not bind for them.
fn joined(
    raw: &RawValue,
    inside: Option<&Vec<(String, String)>>,
    texts: &BTreeMap<&str, &RawValue>,
) -> Result<Vec<u8>, LineError> {
    let Some(inside) = inside else { return Ok(raw.get().as_bytes().to_vec()) };
    let members = json::object(raw, "bundle")?;
    let outer = Scope::read(&members, "bundle", None)?;
    let outer = outer.all();
    let mut held = Vec::new();
    for (id, name) in inside {
        let Some(raw) = texts.get(id.as_str()) else { continue };
        let bundle = json::object(raw, id)?;
        let scope = Scope::read(&bundle, id, None)?;
        let own = scope.all().into_iter().filter(|(prefix, space)| outer.get(prefix) != Some(space)).collect();
        held.push(format!("{}:{}", quoted(name), object(&bundle, &["prefix"], bound(&own))));
    }
    let own = members.0.iter().map(|(name, raw)| format!("{}:{}", quoted(name), raw.get()));
    let all: Vec<String> = own.chain([format!("\"bundle\":{{{}}}", held.join(","))]).collect();
    Ok(format!("{{{}}}", all.join(",")).into_bytes())
}
