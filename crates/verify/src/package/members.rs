//! The little JSON that stands beside a package: a DSSE envelope and the record of an export. Objects, lists, texts without
//! escapes, whole numbers, null; what is more than that is no such file. Nothing under `data/` is read by it.

use crate::limits::MEMBERS_DEPTH_MAX;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Null,
    List(Vec<Value<'a>>),
    Object(Vec<(&'a str, Value<'a>)>),
}

impl<'a> Value<'a> {
    /// Reads a whole file; none: it is not of this form, or an object has a member twice.
    pub fn read(bytes: &'a [u8]) -> Option<Value<'a>> {
        let mut reader = Reader { rest: std::str::from_utf8(bytes).ok()? };
        let value = reader.value(MEMBERS_DEPTH_MAX)?;
        reader.blank();
        reader.rest.is_empty().then_some(value)
    }

    /// A member of an object.
    pub fn member(&self, name: &str) -> Option<&Value<'a>> {
        let Value::Object(members) = self else { return None };
        members.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// The text of a member.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        if let Some(Value::Text(text)) = self.member(name) { Some(*text) } else { None }
    }

    /// The number of a member.
    pub fn number(&self, name: &str) -> Option<u64> {
        if let Some(Value::Number(number)) = self.member(name) { Some(*number) } else { None }
    }

    /// The list of a member.
    pub fn list(&self, name: &str) -> Option<&[Value<'a>]> {
        if let Some(Value::List(values)) = self.member(name) { Some(values) } else { None }
    }
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn blank(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\n', '\r', '\t']);
    }

    fn takes(&mut self, mark: char) -> Option<()> {
        self.blank();
        self.rest = self.rest.strip_prefix(mark)?;
        Some(())
    }

    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        let within = depth.checked_sub(1)?;
        self.blank();
        match self.rest.chars().next()? {
            '"' => self.text().map(Value::Text),
            '{' => self.listed(('{', '}'), |reader| reader.named(within)).and_then(object),
            '[' => self.listed(('[', ']'), |reader| reader.value(within)).map(Value::List),
            'n' => {
                self.rest = self.rest.strip_prefix("null")?;
                Some(Value::Null)
            }
            _ => {
                let (digits, rest) = self
                    .rest
                    .split_at_checked(self.rest.find(|mark: char| !mark.is_ascii_digit()).unwrap_or(self.rest.len()))?;
                self.rest = rest;
                crate::note::decimal(digits).map(Value::Number)
            }
        }
    }

    fn named(&mut self, depth: usize) -> Option<(&'a str, Value<'a>)> {
        self.blank();
        let name = self.text()?;
        self.takes(':')?;
        Some((name, self.value(depth)?))
    }

    fn text(&mut self) -> Option<&'a str> {
        let (text, rest) = self.rest.strip_prefix('"')?.split_once('"')?;
        self.rest = rest;
        text.chars().all(|mark| !mark.is_control() && mark != '\\').then_some(text)
    }

    fn listed<T>(
        &mut self,
        (begin, end): (char, char),
        mut next: impl FnMut(&mut Reader<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.takes(begin)?;
        let mut all = Vec::new();
        if self.takes(end).is_some() {
            return Some(all);
        }
        loop {
            all.push(next(self)?);
            if self.takes(end).is_some() {
                return Some(all);
            }
            self.takes(',')?;
        }
    }
}

fn object<'a>(members: Vec<(&'a str, Value<'a>)>) -> Option<Value<'a>> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.is_sorted_by(|one, two| one < two).then_some(Value::Object(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_else() {
        let read = Value::read(b" {\"a\": [ {\"b\":\"x y\"}, null ],\n\"c\" :18446744073709551615}\n").unwrap();
        assert_eq!(read.number("c"), Some(u64::MAX));
        let list = read.list("a").unwrap();
        assert_eq!((list[0].text("b"), &list[1]), (Some("x y"), &Value::Null));
        let deep = format!("{}1{}", "[".repeat(MEMBERS_DEPTH_MAX), "]".repeat(MEMBERS_DEPTH_MAX));
        let bad = [
            "",
            "{",
            "{}x",
            "{\"a\":1,\"a\":2}",
            "{\"a\":01}",
            "{\"a\":-1}",
            "{\"a\":1.5}",
            "\"\\n\"",
            "\"\u{1}\"",
            "[1,]",
            "{\"a\"}",
            "nul",
            "18446744073709551616",
            deep.as_str(),
        ];
        for text in bad {
            assert!(Value::read(text.as_bytes()).is_none(), "{text:?}");
        }
        assert!(Value::read(&[b'"', 0xff, b'"']).is_none());
    }
}
