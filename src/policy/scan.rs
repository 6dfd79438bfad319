//! Where each policy of a text stands: Cedar names policies by their order, a person finds them by their line. It
//! knows strings, comments and brackets, and nothing of what policies mean; the parser judges the text.

/// One statement of the text, up to its semicolon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statement<'a> {
    /// The text, from its first word.
    pub text: &'a str,
    /// The line of its first word, from 1.
    pub line: usize,
    /// How deep brackets stand in brackets, and every `if`, which may stand in another's `else`.
    pub depth: usize,
    /// How many operators stand in it, the dot among them: Cedar recurses for each in a chain.
    pub operators: usize,
}

/// Cuts a text at the semicolons that end policies. Comments before a policy belong to none.
pub(super) fn statements(text: &str) -> Vec<Statement<'_>> {
    let mut scanner = Scanner::default();
    let mut found = Vec::new();
    for (at, byte) in text.bytes().enumerate() {
        if scanner.step(at, byte, text) {
            found.extend(scanner.cut(text, at.saturating_add(1)));
        }
    }
    found.extend(scanner.cut(text, text.len()));
    found
}

#[derive(Default)]
struct Scanner {
    place: Place,
    line: usize,
    depth: usize,
    deepest: usize,
    ifs: usize,
    operators: usize,
    /// Offset and line of the statement's first word.
    start: Option<(usize, usize)>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Place {
    #[default]
    Code,
    Comment,
    Text,
    Escape,
}

impl Scanner {
    /// Takes one byte; true behind the semicolon of a statement.
    fn step(&mut self, at: usize, byte: u8, text: &str) -> bool {
        if byte == b'\n' {
            self.line = self.line.saturating_add(1);
        }
        match self.place {
            Place::Comment if byte == b'\n' => self.place = Place::Code,
            Place::Escape => self.place = Place::Text,
            Place::Text if byte == b'\\' => self.place = Place::Escape,
            Place::Text if byte == b'"' => self.place = Place::Code,
            Place::Comment | Place::Text => {}
            Place::Code => return self.code(at, byte, text),
        }
        false
    }

    fn code(&mut self, at: usize, byte: u8, text: &str) -> bool {
        let rest = text.as_bytes().get(at..).unwrap_or_default();
        if rest.starts_with(b"//") {
            self.place = Place::Comment;
            return false;
        }
        if byte == b'"' {
            self.place = Place::Text;
        }
        if !byte.is_ascii_whitespace() && self.start.is_none() {
            self.start = Some((at, self.line.saturating_add(1)));
        }
        if starts_operator(text.as_bytes(), at) {
            self.operators = self.operators.saturating_add(1);
        }
        if starts_if(text.as_bytes(), at) {
            self.ifs = self.ifs.saturating_add(1);
        }
        match byte {
            b'(' | b'[' | b'{' => {
                self.depth = self.depth.saturating_add(1);
                self.deepest = self.deepest.max(self.depth);
            }
            b')' | b']' | b'}' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        byte == b';'
    }

    fn cut<'a>(&mut self, text: &'a str, end: usize) -> Option<Statement<'a>> {
        let (start, line) = self.start.take()?;
        let depth = std::mem::take(&mut self.deepest).saturating_add(std::mem::take(&mut self.ifs));
        let operators = std::mem::take(&mut self.operators);
        self.depth = 0;
        Some(Statement { text: text.get(start..end)?, line, depth, operators })
    }
}

/// The byte before an offset.
fn before(text: &[u8], at: usize) -> u8 {
    at.checked_sub(1).and_then(|at| text.get(at)).copied().unwrap_or(b' ')
}

/// Whether an operator begins here: `&&` and `>=` are one, repeated `!` is one, and Cedar itself bounds those.
fn starts_operator(text: &[u8], at: usize) -> bool {
    match text.get(at) {
        Some(b'+' | b'-' | b'*' | b'.') => true,
        Some(b'&' | b'|' | b'=' | b'<' | b'>' | b'!') => !b"&|=<>!".contains(&before(text, at)),
        Some(_) | None => false,
    }
}

/// Whether the word `if` begins here.
fn starts_if(text: &[u8], at: usize) -> bool {
    let word = |byte: u8| byte == b'_' || byte.is_ascii_alphanumeric();
    matches!(text.get(at..), Some([b'i', b'f', next, ..]) if !word(before(text, at)) && !word(*next))
}

/// The line of an offset, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count().saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_their_lines() {
        let text = "// a; comment\n@id(\"x;\\\"y\") // more;\npermit (principal, action, resource);\n\n\nforbid(a) when { [(1)] == \"//\" };\n// end";
        let found = statements(text);
        let shape: Vec<(usize, usize, usize)> = found.iter().map(|one| (one.line, one.depth, one.operators)).collect();
        assert_eq!(shape, [(2, 1, 0), (6, 3, 1)]);
        assert!(found[0].text.starts_with("@id") && found[0].text.ends_with("resource);"));
        assert!(found[1].text.starts_with("forbid") && found[1].text.ends_with("};"));
        assert_eq!(statements(" \n// nothing\n"), []);
        assert_eq!(statements("permit(").len(), 1);
        let operators = |text: &str| statements(text)[0].operators;
        assert_eq!(operators("a.b && !c || d >= -1 // a.b"), 6);
        assert_eq!(statements("if x then (if y then iffy else if_) else \"if if\"")[0].depth, 1 + 2);
        assert_eq!(line_of("a\nb\nc", 2), 2);
    }
}
