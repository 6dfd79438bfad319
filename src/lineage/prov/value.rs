//! Values of attributes: text, numbers, truth values, typed literals (`{"$": …, "type": …, "lang": …}`), and lists of them.
//! They are checked and otherwise left alone; nothing of the graph rests on them but the type of an agent.

use super::scope::Scope;
use crate::limits::PROV_VALUES_MAX;
use crate::record::line::LineError;
use crate::record::line::json;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Checks a value and calls with each text in it, typed or not.
pub(super) fn each<'a>(raw: &'a RawValue, path: &str, take: &mut dyn FnMut(Cow<'a, str>)) -> Result<(), LineError> {
    if !raw.get().starts_with('[') {
        return one(raw, path, take);
    }
    json::list(raw, path, PROV_VALUES_MAX)?.into_iter().try_for_each(|raw| one(raw, path, take))
}

fn one<'a>(raw: &'a RawValue, path: &str, take: &mut dyn FnMut(Cow<'a, str>)) -> Result<(), LineError> {
    match raw.get().as_bytes().first() {
        Some(b'"') => take(json::text(raw, path)?),
        Some(b'{') => {
            let members = json::object(raw, path)?;
            members.only(path, &["$", "type", "lang"])?;
            let held = members.get("$").ok_or_else(|| LineError::new(path, "has no `$`", "write its value there"))?;
            match held.get().as_bytes().first() {
                Some(b'"') => take(json::text(held, path)?),
                Some(b'{' | b'[' | b'n') | None => {
                    return Err(LineError::new(path, "has a `$` that is no text", FORMS));
                }
                Some(_) => {}
            }
            for name in ["type", "lang"] {
                members.optional(path, name)?;
            }
        }
        Some(b'[' | b'n') | None => return Err(LineError::new(path, "is null or a list in a list", FORMS)),
        Some(_) => {}
    }
    Ok(())
}

const FORMS: &str = "write text, a number, true, false, or {\"$\": text, \"type\": name}";

/// The names that an attribute refers to: one, or of members of a collection several.
pub(super) fn names(raw: &RawValue, path: &str, scope: &Scope<'_>, several: bool) -> Result<Vec<String>, LineError> {
    let is_list = raw.get().starts_with('[');
    let texts = if is_list { json::list(raw, path, PROV_VALUES_MAX)? } else { vec![raw] };
    if texts.is_empty() || (texts.len() > 1 && !several) {
        return Err(LineError::new(path, format!("holds {} names", texts.len()), "write one"));
    }
    texts.into_iter().map(|raw| scope.iri(&json::text(raw, path)?, path)).collect()
}
