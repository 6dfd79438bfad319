//! JSON in one form, whatever made the value: members by their names, two spaces a depth, ASCII. It reads nothing.

use serde_json::Value;
use std::collections::BTreeMap;

/// A document, ending in a line feed.
pub fn document(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    write(value, 0, &mut out);
    out.push('\n');
    out.into_bytes()
}

fn write(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => *out += &value.to_string(),
        Value::String(text) => quote(text, out),
        Value::Array(values) => {
            let write_one = |value: &&Value, out: &mut String| write(value, depth.saturating_add(1), out);
            list(['[', ']'], depth, values.iter(), write_one, out);
        }
        Value::Object(members) => {
            // A map's own order depends on how the library was built.
            let sorted: BTreeMap<&String, &Value> = members.iter().collect();
            let write_one = |(name, value): &(&String, &Value), out: &mut String| {
                quote(name, out);
                *out += ": ";
                write(value, depth.saturating_add(1), out);
            };
            list(['{', '}'], depth, sorted.into_iter(), write_one, out);
        }
    }
}

fn list<T>(
    [opening, closing]: [char; 2],
    depth: usize,
    values: impl Iterator<Item = T>,
    write_one: impl Fn(&T, &mut String),
    out: &mut String,
) {
    out.push(opening);
    let mut count = 0usize;
    for value in values {
        *out += if count == 0 { "\n" } else { ",\n" };
        indent(depth.saturating_add(1), out);
        write_one(&value, out);
        count = count.saturating_add(1);
    }
    if count > 0 {
        out.push('\n');
        indent(depth, out);
    }
    out.push(closing);
}

fn indent(depth: usize, out: &mut String) {
    (0..depth).for_each(|_| *out += "  ");
}

fn quote(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some(c @ ('"' | '\\')) => out.extend(['\\', c]),
            Some(c @ ' '..='~') => out.push(c),
            Some(_) | None => *out += &format!("\\u{unit:04x}"),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_form_whatever_the_order_of_making() {
        let value = json!({"b": [1, {}, []], "a": "\u{e9}\"\u{1f600}\n", "c": {"y": null, "x": true}});
        let text = String::from_utf8(document(&value)).unwrap();
        let wanted = "{\n  \"a\": \"\\u00e9\\\"\\ud83d\\ude00\\u000a\",\n  \"b\": [\n    1,\n    {},\n    []\n  ],\n  \"c\": \
                      {\n    \"x\": true,\n    \"y\": null\n  }\n}\n";
        assert_eq!(text, wanted);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
