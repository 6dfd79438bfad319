//! Small text files in one form: lines that end in a line feed, a word, a space, the rest. Everything that is read in
//! this form is also written in it, and the reading is refused where the writing would differ.

/// A cursor over lines.
pub struct Lines<'a> {
    rest: &'a str,
    /// The number of the line that was read last, from 1.
    pub number: usize,
}

impl<'a> Lines<'a> {
    /// From the first line on.
    pub fn new(text: &'a str) -> Lines<'a> {
        Lines { rest: text, number: 0 }
    }

    /// The next line without its line feed; none at the end, or where the last line has no line feed.
    pub fn next(&mut self) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        (self.rest, self.number) = (rest, self.number.saturating_add(1));
        Some(line)
    }

    /// The rest of the next line if it begins with this word and a space; else the cursor stays.
    pub fn word(&mut self, word: &str) -> Option<&'a str> {
        let (line, rest) = self.rest.split_once('\n')?;
        let value = line.strip_prefix(word)?.strip_prefix(' ')?;
        (self.rest, self.number) = (rest, self.number.saturating_add(1));
        Some(value)
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.rest.is_empty()
    }
}
