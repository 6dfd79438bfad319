//! JSON as this program writes it: members in a fixed order, two spaces for each depth, one value a line. It is written
//! and compared byte for byte, and never read.

/// A document under construction.
pub struct Json {
    out: String,
    depth: usize,
    first: bool,
}

impl Json {
    /// An object.
    pub fn object(members: impl FnOnce(&mut Json)) -> String {
        let mut json = Json { out: String::from("{"), depth: 1, first: true };
        members(&mut json);
        json.close('}');
        json.out.push('\n');
        json.out
    }

    /// A text member.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.out += &quoted(value);
    }

    /// A number member.
    pub fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        self.out += &value.to_string();
    }

    /// A member that is true or false.
    pub fn flag(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out += if value { "true" } else { "false" };
    }

    /// A text member, or null.
    pub fn optional(&mut self, name: &str, value: Option<&str>) {
        self.name(name);
        match value {
            Some(value) => self.out += &quoted(value),
            None => self.out += "null",
        }
    }

    /// An object member.
    pub fn member(&mut self, name: &str, members: impl FnOnce(&mut Json)) {
        self.name(name);
        self.open('{');
        members(self);
        self.close('}');
    }

    /// A member that is a list of texts.
    pub fn texts<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) {
        self.name(name);
        self.open('[');
        for value in values {
            self.next();
            self.out += &quoted(value);
        }
        self.close(']');
    }

    /// A member that is a list of objects.
    pub fn objects<T>(
        &mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        mut members: impl FnMut(&mut Json, T),
    ) {
        self.name(name);
        self.open('[');
        for value in values {
            self.next();
            self.open('{');
            members(self, value);
            self.close('}');
        }
        self.close(']');
    }

    fn name(&mut self, name: &str) {
        self.next();
        self.out += &quoted(name);
        self.out += ": ";
    }

    fn open(&mut self, bracket: char) {
        self.out.push(bracket);
        self.depth = self.depth.saturating_add(1);
        self.first = true;
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        if !self.first {
            self.line();
        }
        self.out.push(bracket);
        self.first = false;
    }

    fn next(&mut self) {
        if !self.first {
            self.out.push(',');
        }
        self.first = false;
        self.line();
    }

    fn line(&mut self) {
        self.out.push('\n');
        (0..self.depth).for_each(|_| self.out += "  ");
    }
}

/// A JSON string; what is not plain ASCII is escaped, so that the bytes are the same everywhere.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_add(2));
    out.push('"');
    for unit in text.encode_utf16() {
        match char::from_u32(u32::from(unit)) {
            Some(c @ ('"' | '\\')) => out.extend(['\\', c]),
            Some(c @ ' '..='~') => out.push(c),
            Some(_) | None => out += &format!("\\u{unit:04x}"),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_have_one_form() {
        let document = Json::object(|json| {
            json.text("a", "say \"hi\" \\ \u{7f}\u{e9}\u{1f600}\n");
            json.number("b", 7);
            json.flag("c", true);
            json.optional("d", None);
            json.member("e", |_| ());
            json.texts("f", ["x", "y"]);
            json.objects("g", [1u64, 2], |json, number| json.number("n", number));
        });
        let wanted = "{\n  \"a\": \"say \\\"hi\\\" \\\\ \\u007f\\u00e9\\ud83d\\ude00\\u000a\",\n  \"b\": 7,\n  \"c\": true,\n  \
                      \"d\": null,\n  \"e\": {},\n  \"f\": [\n    \"x\",\n    \"y\"\n  ],\n  \"g\": [\n    {\n      \"n\": 1\n    \
                      },\n    {\n      \"n\": 2\n    }\n  ]\n}\n";
        assert_eq!(document, wanted);
    }
}
