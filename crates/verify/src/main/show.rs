//! One entry of a verified package for people, or as one line of JSON: every field of its facts by its name in FORMAT.md, what
//! became of it, and its body where the package discloses it. It judges nothing but the body's commitment, which the package's
//! verification judged before.

use super::Failure;
use super::lineage::{Source, object, plain, quoted};
use deedbook_verify::bytes::{Malformed, Reader};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::detail::{ApprovalCommand, Detail, Oversight};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::package::{BodyRecords, BodyShown, Directory, Entries, Folder, PackageRefusal, PackageShown};
use deedbook_verify::tags;
use deedbook_verify::words::{Index, Micros};
use std::io::{BufReader, ErrorKind};

const BODIES_FILE: &str = "data/bodies.bin";

/// Why an entry cannot be shown.
pub enum NotShown {
    /// The package does not hold it.
    Outside(String),
    /// The package changed, or cannot be read any more.
    Unread(String),
}

impl From<NotShown> for Failure {
    fn from(why: NotShown) -> Failure {
        match why {
            NotShown::Outside(message) => Failure::File(message, "name an index of its interval"),
            NotShown::Unread(message) => Failure::File(message, "verify the package again; nothing was shown"),
        }
    }
}

impl From<PackageRefusal> for NotShown {
    fn from(refusal: PackageRefusal) -> NotShown {
        NotShown::Unread(refusal.to_string())
    }
}

impl From<Malformed> for NotShown {
    fn from(malformed: Malformed) -> NotShown {
        NotShown::Unread(malformed.to_string())
    }
}

/// What the package shows of an entry's body.
enum Body {
    None,
    Withheld,
    Erased,
    Opened(Vec<u8>),
}

/// An entry with what stands around it.
struct Shown {
    index: Index,
    bytes: Vec<u8>,
    /// The entry directly behind it, which may refuse it.
    behind: Option<Vec<u8>>,
    body: Body,
}

/// Reads an entry of a package that was verified, and says what it holds.
pub fn entry(source: Source<'_>, shown: &PackageShown, index: Index, json: bool) -> Result<String, NotShown> {
    let question = &shown.rendered.question;
    if index.0 < question.begins.0 || index.0 >= question.ends.0 {
        let (begins, ends) = (question.begins, question.ends);
        return Err(NotShown::Outside(format!(
            "{}: `--show {index}`: the package holds the entries from {begins} on and below {ends}",
            plain(source.file)
        )));
    }
    let folder = Directory(source.file.into());
    let found = Shown::read(&folder, Index(question.begins.0), index)?;
    if json { found.json(source) } else { found.text(source) }
}

impl Shown {
    fn read(folder: &dyn Folder, begins: Index, index: Index) -> Result<Shown, NotShown> {
        let (mut entries, mut at) = (Entries::open(folder, begins)?, begins.0);
        let (mut wanted, mut behind) = (None, None);
        while let Some(block) = entries.next_block().filter(|_| behind.is_none()) {
            for (bytes, _) in block.entries() {
                if at == index.0 {
                    wanted = Some(bytes.to_vec());
                } else if at == index.0.saturating_add(1) {
                    behind = Some(bytes.to_vec());
                }
                at = at.saturating_add(1);
            }
        }
        let bytes = wanted.ok_or(NotShown::Unread("data/entries.bin ends before it".to_owned()))?;
        let commitment = Entry::parse(&bytes)?.facts.commitment;
        let body = match (commitment, body_of(folder, begins, index)?) {
            (None, _) => Body::None,
            (Some(_), None) => Body::Withheld,
            (Some(_), Some(BodyShown::Erased)) => Body::Erased,
            (Some(commitment), Some(BodyShown::Opened { salt, bytes })) => {
                match deedbook_verify::hash::Commitment::of(&salt, &bytes) == commitment {
                    true => Body::Opened(bytes),
                    false => return Err(NotShown::Unread(format!("{BODIES_FILE} changed since it was verified"))),
                }
            }
        };
        Ok(Shown { index, bytes, behind, body })
    }

    /// The reason of the entry behind it, if that refuses it.
    fn refused(&self) -> Result<Option<&'static str>, NotShown> {
        let Some(behind) = &self.behind else { return Ok(None) };
        let entry = Entry::parse(behind)?;
        let Detail::CommandRefused { reason, .. } = entry.facts.detail else { return Ok(None) };
        Ok(Some(reason.name()))
    }

    fn text(&self, source: Source<'_>) -> Result<String, NotShown> {
        let entry = Entry::parse(&self.bytes)?;
        let mut out = format!(
            "{}: valid; entry {}, {}\n  leaf      {}\n  received  {}, by the ledger's clock\n",
            plain(source.file),
            self.index,
            entry.facts.kind.name(),
            entry.leaf(),
            rfc3339(entry.seal.received)
        );
        let says = says(&entry.facts);
        let mut line = |name: &str, value: &str| out.push_str(&format!("  {name:<9} {value}\n"));
        if !says.is_empty() {
            line("says", &says);
        }
        if let Some(reason) = self.refused()? {
            let behind = self.index.0.saturating_add(1);
            line("refused", &format!("{reason}, by entry {behind}: it had no effect"));
        }
        for (name, value) in fields(&entry.facts)? {
            line("field", &format!("{name:<20} {}", value.text()));
        }
        let media_type = entry.facts.media_type.unwrap_or_default();
        line("body", &self.body.described(media_type));
        if let Body::Opened(bytes) = &self.body {
            match std::str::from_utf8(bytes) {
                Ok(text) => out.extend(text.lines().map(|line| format!("    {}\n", readable(line)))),
                Err(_) => out.extend(bytes.chunks(32).map(|chunk| format!("    {}\n", hex(chunk)))),
            }
        }
        Ok(out)
    }

    fn json(&self, source: Source<'_>) -> Result<String, NotShown> {
        let entry = Entry::parse(&self.bytes)?;
        let null = || "null".to_owned();
        let fields = fields(&entry.facts)?;
        let fields: Vec<(&str, String)> = fields.iter().map(|(name, value)| (name.as_str(), value.json())).collect();
        let says = says(&entry.facts);
        let media_type = entry.facts.media_type.map_or_else(null, quoted);
        let text = match &self.body {
            Body::Opened(bytes) => std::str::from_utf8(bytes).ok(),
            Body::None | Body::Withheld | Body::Erased => None,
        };
        let bytes = match &self.body {
            Body::Opened(bytes) => quoted(&hex(bytes)),
            Body::None | Body::Withheld | Body::Erased => null(),
        };
        Ok(object(&[
            ("package", quoted(source.file)),
            ("valid", "true".to_owned()),
            ("index", self.index.to_string()),
            ("kind", quoted(entry.facts.kind.name())),
            ("leaf_hash", quoted(&entry.leaf().to_string())),
            ("received", quoted(&rfc3339(entry.seal.received))),
            ("says", if says.is_empty() { null() } else { quoted(&says) }),
            ("refused", self.refused()?.map_or_else(null, quoted)),
            ("fields", object(&fields)),
            (
                "body",
                object(&[
                    ("state", quoted(self.body.state())),
                    ("media_type", media_type),
                    ("text", text.map_or_else(null, quoted)),
                    ("hex", bytes),
                ]),
            ),
        ]) + "\n")
    }
}

impl Body {
    fn state(&self) -> &'static str {
        match self {
            Body::None => "none",
            Body::Withheld => "withheld",
            Body::Erased => "erased",
            Body::Opened(_) => "opened",
        }
    }

    fn described(&self, media_type: &str) -> String {
        match self {
            Body::None => "none".to_owned(),
            Body::Withheld => format!("{}, withheld: the package does not disclose it", plain(media_type)),
            Body::Erased => format!("{}, erased", plain(media_type)),
            Body::Opened(bytes) => {
                format!("{}, {} bytes, opens the entry's commitment:", plain(media_type), bytes.len())
            }
        }
    }
}

/// The record of an entry's body, if there is one.
fn body_of(folder: &dyn Folder, begins: Index, index: Index) -> Result<Option<BodyShown>, NotShown> {
    let file = match folder.open(BODIES_FILE) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(NotShown::Unread(format!("{BODIES_FILE}: {error}"))),
    };
    let mut records = BodyRecords::new(BufReader::new(file))?;
    for before in (begins.0..index.0).map(Index) {
        records.take(before)?;
    }
    Ok(records.take(index)?)
}

/// A field's value as people and programs read it.
enum Value {
    Text(String),
    Number(u64),
    Hex(String),
}

impl Value {
    fn text(&self) -> String {
        match self {
            Value::Text(text) => readable(text),
            Value::Number(number) => number.to_string(),
            Value::Hex(hex) => hex.clone(),
        }
    }

    fn json(&self) -> String {
        match self {
            Value::Text(text) | Value::Hex(text) => quoted(text),
            Value::Number(number) => number.to_string(),
        }
    }
}

/// Every field of facts, in their order: tag u16, length u16, value, behind the mark.
fn fields(facts: &Facts<'_>) -> Result<Vec<(String, Value)>, NotShown> {
    let (mut reader, mut all) = (Reader::new(facts.bytes), Vec::new());
    reader.u8("facts")?;
    while !reader.is_empty() {
        let number = reader.u16("facts")?;
        let length = usize::from(reader.u16("facts")?);
        let value = reader.take("facts", length)?;
        let known = tags::ALL.iter().find(|tag| tag.number == number);
        let name = known.map_or_else(|| format!("0x{number:04x}"), |tag| tag.name.to_owned());
        all.push((name, of(number, value, facts)));
    }
    Ok(all)
}

/// Codes and times by what they mean, numbers as numbers, the rest in hex.
fn of(number: u16, value: &[u8], facts: &Facts<'_>) -> Value {
    const TEXTS: [u16; 7] = [
        tags::ACTION_TYPE.number,
        tags::RESOURCE_CLASS.number,
        tags::DATA_CLASS.number,
        tags::ENVIRONMENT.number,
        tags::MEDIA_TYPE.number,
        tags::EXCEPTION_CODE.number,
        tags::ORIGIN.number,
    ];
    let whole = value.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
    if number == tags::KIND.number {
        Value::Text(facts.kind.name().to_owned())
    } else if number == tags::OUTCOME.number {
        Value::Text(facts.outcome.map_or("", |outcome| outcome.name()).to_owned())
    } else if number == tags::OCCURRED.number || number == tags::VALID_UNTIL.number {
        Value::Text(rfc3339(Micros(whole)))
    } else if TEXTS.contains(&number) {
        Value::Text(String::from_utf8_lossy(value).into_owned())
    } else if matches!(value.len(), 1 | 2 | 4 | 8) {
        Value::Number(whole)
    } else {
        Value::Hex(hex(value))
    }
}

/// What a person decided or found, in the words of its kind.
fn says(facts: &Facts<'_>) -> String {
    if let Detail::Approval(ApprovalCommand::VoteCast(vote)) = &facts.detail {
        format!("{}, on the word of {}", vote.decision.name(), vote.evidence.level().name())
    } else if let Detail::Approval(ApprovalCommand::BreakglassReviewed(review)) = &facts.detail {
        review.outcome.name().to_owned()
    } else if let Detail::Oversight(Oversight::Reviewed(review)) = &facts.detail {
        let (from, until) = (rfc3339(review.window.from), rfc3339(review.window.until));
        let (subject, result) = (review.subject.name(), review.result.name());
        format!("{result}, of {subject}, {from} to {until}, up to a tree of {}", review.reviewed.size)
    } else if let Detail::Oversight(Oversight::Disposed(said)) = &facts.detail {
        let code = said.code.as_str().to_ascii_uppercase();
        format!("{}: {} {code} at entry {}", said.disposition.name(), said.test, said.index)
    } else if let Detail::CommandRefused { reason, .. } = &facts.detail {
        format!("the command before it had no effect: {}", reason.name())
    } else {
        String::new()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text from outside: what hides, moves or turns text is spelled out, quotes stay as they are.
fn readable(text: &str) -> String {
    let mark = |c: char| match c {
        '"' | '\'' => c.to_string(),
        c => c.escape_debug().to_string(),
    };
    text.chars().map(mark).collect()
}
