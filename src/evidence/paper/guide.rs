//! `VERIFY.md`: how to check this very package, and enough of the formats to write a second verifier. The text stands in
//! `guide.md`; what differs from package to package is filled in here.

use deedbook_verify::facts::Outcome;
use deedbook_verify::kind::Kind;
use deedbook_verify::package::{PROGRAM, Rendered};

/// The text, with names in braces where a package's own words go.
const TEXT: &str = include_str!("guide.md");

/// Renders it.
pub fn guide(rendered: &Rendered) -> String {
    let question = &rendered.question;
    let outcomes: Vec<String> =
        Outcome::ALL.iter().map(|outcome| format!("{} {}", outcome.number(), outcome.name())).collect();
    let kinds: Vec<String> =
        Kind::ALL.iter().map(|kind| format!("0x{:04x} `{}`", kind.number(), kind.name())).collect();
    let not_shown: Vec<String> = rendered.not_shown().iter().map(|line| format!("- {line}")).collect();
    let values = [
        ("{ledger}", question.ledger.to_string()),
        ("{question}", question.to_text()),
        ("{entries}", rendered.counts.entries.to_string()),
        ("{begins}", question.begins.to_string()),
        ("{ends}", question.ends.to_string()),
        ("{root}", rendered.root.to_string()),
        ("{outcomes}", outcomes.join(", ")),
        ("{program}", PROGRAM.to_owned()),
        ("{kinds}", kinds.join(" · ")),
        ("{not_shown}", not_shown.join("\n")),
    ];
    // Nothing that is filled in holds a brace: a filter is made of words, hex and commas.
    values.iter().fold(TEXT.to_owned(), |text, (name, value)| text.replace(name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_in_braces_is_one_that_is_filled_in() {
        let names =
            ["ledger", "question", "entries", "begins", "ends", "root", "outcomes", "program", "kinds", "not_shown"];
        let mut left = TEXT.to_owned();
        for name in names {
            assert!(left.contains(&format!("{{{name}}}")), "{name}");
            left = left.replace(&format!("{{{name}}}"), "");
        }
        assert!(!left.contains(['{', '}']));
    }
}
