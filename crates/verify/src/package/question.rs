//! The question that a package answers, in its one canonical text. `data/` follows from it and from the entries alone.
//!
//! ```text
//! deedbook.package/1
//! program deedbook.evidence/1
//! ledger 64 hex digits
//! framework soc2
//! from 2026-07-01T00:00:00.000000Z
//! to 2026-10-01T00:00:00.000000Z
//! interval 120000 200000
//! filter all
//! sample 25
//! nonce none
//! redact none
//! ```

use crate::calendar::{parse_rfc3339, rfc3339};
use crate::note::decimal;
use crate::package::draw::Nonce;
use crate::package::filter::Filter;
use crate::package::line::Lines;
use crate::words::{LedgerId, Micros, TreeSize};
use std::fmt::Write as _;

/// The tests, views and mappings of this program; another revision gives other bytes under `data/`.
pub const PROGRAM: &str = "deedbook.evidence/1";

/// The first line.
const MARK: &str = "deedbook.package/1";

/// Rows that may be drawn in each stratum.
pub const SAMPLE_MAX: u32 = 10_000;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the variants are the words of EVIDENCE.md")]
        pub enum $name { $($variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// Its word.
            pub fn name(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// The value with this word.
            pub fn from_name(name: &str) -> Option<$name> {
                match name { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Whose controls the tests are read against.
    Framework {
        Soc2 = "soc2"; Fedramp = "fedramp"; Iso27001 = "iso27001"; Iso42001 = "iso42001"; EuAiAct = "eu-ai-act";
    }
}
words! {
    /// What is left out.
    Redaction { None = "none"; Bodies = "bodies"; }
}

/// A period by received times: from its first moment up to, not including, its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// The first moment.
    pub from: Micros,
    /// The first moment behind it.
    pub to: Micros,
}

impl Period {
    /// Whether a time lies in it.
    pub fn has(self, time: Micros) -> bool {
        self.from <= time && time < self.to
    }
}

/// What a package is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The ledger.
    pub ledger: LedgerId,
    /// Whose controls.
    pub framework: Framework,
    /// Which time.
    pub period: Period,
    /// The size of the start checkpoint; 0 for an interval that begins with genesis.
    pub begins: TreeSize,
    /// The size of the end checkpoint.
    pub ends: TreeSize,
    /// Which entries of the period are listed.
    pub filter: Filter,
    /// Rows to be drawn in each stratum.
    pub sample: u32,
    /// The reader's part in the draw.
    pub nonce: Option<Nonce>,
    /// What is left out.
    pub redaction: Redaction,
}

impl Question {
    /// Reads the canonical text. Error: the line, from 1, that is not what it must be.
    pub fn parse(text: &str) -> Result<Question, QuestionRefusal> {
        let mut lines = Lines::new(text);
        let program = match (lines.next(), lines.word("program")) {
            (Some(MARK), Some(program)) => program,
            (_, _) => return Err(QuestionRefusal::Line(lines.number.saturating_add(1))),
        };
        if program != PROGRAM {
            return Err(QuestionRefusal::Program);
        }
        let question = Question::fields(&mut lines).ok_or(QuestionRefusal::Line(lines.number))?;
        let sound = question.period.from < question.period.to && question.begins < question.ends;
        if sound && question.to_text() == text { Ok(question) } else { Err(QuestionRefusal::Form) }
    }

    fn fields(lines: &mut Lines<'_>) -> Option<Question> {
        let ledger = LedgerId::from_hex(lines.word("ledger")?)?;
        let framework = Framework::from_name(lines.word("framework")?)?;
        let from = parse_rfc3339(lines.word("from")?)?;
        let to = parse_rfc3339(lines.word("to")?)?;
        let (begins, ends) = lines.word("interval")?.split_once(' ')?;
        let filter = Filter::parse(lines.word("filter")?).ok()?;
        let sample = lines.word("sample").and_then(decimal)?;
        let nonce = match lines.word("nonce")? {
            "none" => None,
            nonce => Some(Nonce::from_hex(nonce)?),
        };
        let redaction = Redaction::from_name(lines.word("redact")?)?;
        Some(Question {
            ledger,
            framework,
            period: Period { from, to },
            begins: TreeSize(decimal(begins)?),
            ends: TreeSize(decimal(ends)?),
            filter,
            sample: u32::try_from(sample).ok().filter(|sample| *sample <= SAMPLE_MAX)?,
            nonce,
            redaction,
        })
    }

    /// The canonical text.
    pub fn to_text(&self) -> String {
        let mut out = format!("{MARK}\nprogram {PROGRAM}\nledger {}\n", self.ledger);
        let nonce = self.nonce.as_ref().map_or_else(|| "none".to_owned(), Nonce::to_string);
        let lines = [
            ("framework", self.framework.name().to_owned()),
            ("from", rfc3339(self.period.from)),
            ("to", rfc3339(self.period.to)),
            ("interval", format!("{} {}", self.begins, self.ends)),
            ("filter", self.filter.to_string()),
            ("sample", self.sample.to_string()),
            ("nonce", nonce),
            ("redact", self.redaction.name().to_owned()),
        ];
        for (word, value) in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "{word} {value}");
        }
        out
    }
}

/// Why a text is no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuestionRefusal {
    /// This line, from 1, is not what must stand there.
    Line(usize),
    /// It was asked of another revision of this program's tests.
    Program,
    /// Every line can be read, but the text is not canonical, or the period or interval is empty.
    Form,
}

impl std::fmt::Display for QuestionRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            QuestionRefusal::Line(line) => write!(f, "line {line} is not what stands there in a question"),
            QuestionRefusal::Program => write!(f, "this program has {PROGRAM}"),
            QuestionRefusal::Form => f.write_str("not canonical, or an empty period or interval"),
        }
    }
}
