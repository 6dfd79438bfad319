//! The smallest pieces of the page: escaped text, numbers, times, badges, references. It decides no layout.

use deedbook_verify::calendar::rfc3339;
use deedbook_verify::package::{BY_VERIFYING, FOR_INFORMATION, LISTING, Verdict};
use deedbook_verify::words::Micros;
use std::fmt::{self, Write as _};

/// Appends formatted text to a string, which cannot fail.
macro_rules! put {
    ($out:expr, $($piece:tt)*) => {{
        let _ = write!($out, $($piece)*);
    }};
}
pub(super) use put;

/// Text from elsewhere, as a page shows it: markup is escaped, and what would reorder or hide text is spelled out.
pub struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            c if c.is_control() || is_invisible(c) => write!(f, "\\u{{{:x}}}", u32::from(c)),
            c => f.write_char(c),
        })
    }
}

/// A sentence of this program's own, in which backticks stand around what is to be typed.
pub struct Prose<'a>(pub &'a str);

impl fmt::Display for Prose<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.split('`').enumerate().try_for_each(|(at, part)| match at % 2 {
            0 => write!(f, "{}", Text(part)),
            _ => write!(f, "<code>{}</code>", Text(part)),
        })
    }
}

/// Marks of direction, joiners and the like: they change what is read and show nothing themselves.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A number with a comma between thousands.
pub struct Count(pub u64);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        digits.char_indices().try_for_each(|(at, digit)| {
            if at > 0 && digits.len().saturating_sub(at) % 3 == 0 {
                f.write_char(',')?;
            }
            f.write_char(digit)
        })
    }
}

/// A count with its noun.
pub struct Counted(pub u64, pub &'static str, pub &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", Count(self.0), if self.0 == 1 { self.1 } else { self.2 })
    }
}

/// Hex, cut to twelve digits, which is enough to find it in the CSV; all of it shows up under the pointer.
pub struct Hex<'a>(pub &'a str);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cut: String = self.0.chars().take(12).collect();
        if cut.len() == self.0.len() {
            write!(f, "<code>{}</code>", Text(self.0))
        } else {
            write!(f, "<code title=\"{}\">{}…</code>", Text(self.0), Text(&cut))
        }
    }
}

/// A time to the second, as `<time>` has it.
pub struct When<'a>(pub &'a str);

impl fmt::Display for When<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.get(..10), self.0.get(11..19)) {
            (Some(day), Some(clock)) => {
                write!(f, "<time datetime=\"{}\">{} {}</time>", Text(self.0), Text(day), Text(clock))
            }
            (_, _) => write!(f, "{}", Text(self.0)),
        }
    }
}

/// The day of a time.
pub fn day(time: Micros) -> String {
    rfc3339(time).chars().take(10).collect()
}

/// How something came out, as the page says it: never by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Judged.
    Judged(Verdict),
    /// Whoever verifies the package performs it.
    ByVerifying,
    /// It tells, and judges nobody.
    ForInformation,
    /// Entries are listed, and nothing is judged.
    Listing,
}

impl Outcome {
    /// Everything in the order in which a reader wants it: the worst first.
    pub const ALL: [Outcome; 7] = [
        Outcome::Judged(Verdict::Fail),
        Outcome::Judged(Verdict::Indeterminate),
        Outcome::Judged(Verdict::NotOperated),
        Outcome::Judged(Verdict::Pass),
        Outcome::ByVerifying,
        Outcome::ForInformation,
        Outcome::Listing,
    ];

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Judged(verdict) => verdict.name(),
            Outcome::ByVerifying => BY_VERIFYING,
            Outcome::ForInformation => FOR_INFORMATION,
            Outcome::Listing => LISTING,
        }
    }

    /// Its class in the style sheet, and its glyph.
    fn looks(self) -> (&'static str, &'static str) {
        match self {
            Outcome::Judged(Verdict::Fail) => ("fail", "✗"),
            Outcome::Judged(Verdict::Indeterminate) => ("open", "?"),
            Outcome::Judged(Verdict::NotOperated) => ("idle", "–"),
            Outcome::Judged(Verdict::Pass) => ("pass", "✓"),
            Outcome::ByVerifying => ("none", "="),
            Outcome::ForInformation => ("none", "i"),
            Outcome::Listing => ("none", "·"),
        }
    }

    /// Its class.
    pub fn class(self) -> &'static str {
        self.looks().0
    }

    /// Its glyph.
    pub fn glyph(self) -> &'static str {
        self.looks().1
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (class, glyph) = self.looks();
        write!(f, "<span class=\"badge {class}\"><b aria-hidden=\"true\">{glyph}</b> {}</span>", self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_become_markup_or_change_the_order_of_reading() {
        let hostile = "<script>alert(\"1\")</script>&'\u{202e}gpj\u{200b}\u{7}\n";
        let shown = Text(hostile).to_string();
        assert_eq!(
            shown,
            "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;&#39;\\u{202e}gpj\\u{200b}\\u{7}\\u{a}"
        );
        assert_eq!(Hex("<b>0123456789").to_string(), "<code title=\"&lt;b&gt;0123456789\">&lt;b&gt;012345678…</code>");
        assert_eq!(When("<b>").to_string(), "&lt;b&gt;");
        assert_eq!(Prose("say `<b>` twice").to_string(), "say <code>&lt;b&gt;</code> twice");
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 1_234_567].map(|number| Count(number).to_string());
        assert_eq!(shown, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(Counted(1, "row", "rows").to_string(), "1 row");
        assert_eq!(Counted(2_000, "row", "rows").to_string(), "2,000 rows");
    }
}
