//! What a reviewer is shown: one canonical text, whose digest every vote binds. A terminal, an API and a chat card draw
//! from these bytes and from nothing else. It shows every value of the action's binding, or says what it left out.
//!
//! The text is lines of UTF-8. The first is `deedbook.presentation/1`; a line without a tab is a section's title, one
//! with a tab is a row: label, tab, value. Text from outside is escaped, so that neither a line feed nor a tab, nor
//! anything invisible or turning the reading direction, comes through.

mod leaves;
mod flow;
mod words;

pub use flow::{Flow, Reach, Source};

use crate::domain::escape_line;
use crate::limits;
use bytes::Bytes;
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::{Digest, Index, Micros, Ref, SubjectId};
use leaves::{Leaf, leaves};
use thiserror::Error;

/// The first line.
const HEADING: &str = "deedbook.presentation/1";
/// Members of the binding that a reviewer looks for first, in this order. Whatever else it holds follows them. Those that
/// are one name each come before those of which there may be thousands: nobody crowds the destination out.
const FIRST_MEMBERS: [&str; 8] =
    ["action", "resource", "destination", "environment", "reversibility", "tool", "dataset_sources", "params"];

/// What is put into a presentation.
#[derive(Clone, Copy, Debug)]
pub struct PresentationInput<'a> {
    /// The request.
    pub request: SubjectId,
    /// Who acts.
    pub actor: Party<'a>,
    /// Which source asked for it, if it did not ask itself: that it is the actor who asks is this source's word.
    pub relayed_by: Option<Party<'a>>,
    /// For whom, in order.
    pub on_behalf_of: &'a [Party<'a>],
    /// Who answers for the actor, if it is not a person themselves.
    pub responsible: Option<Party<'a>>,
    /// The action's binding, as it was submitted: JSON whose nonce makes the presentation's digest unguessable.
    pub binding: &'a str,
    /// The digest of that.
    pub action: Digest,
    /// The policy set that asks.
    pub policy: Digest,
    /// Which of its policies ask, by id, ascending.
    pub why: &'a [Why<'a>],
    /// The names of the teams of the requirement, as far as they are known.
    pub teams: &'a [(Ref, &'a str)],
    /// Where the data comes from and what it reaches.
    pub flow: Flow<'a>,
    /// Like actions before this one, the latest first.
    pub earlier: &'a [Earlier<'a>],
}

/// Somebody in the chain of an action.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// Human, agent, service or team; none: nobody is bound to the ref.
    pub kind: Option<ActorKind>,
    /// The name by which people know them, if there is one and it was not erased.
    pub name: Option<&'a str>,
    /// The pseudonym.
    pub who: Ref,
}

/// A policy that asks.
#[derive(Clone, Copy, Debug)]
pub struct Why<'a> {
    /// Its id.
    pub policy: &'a str,
    /// What it says to people.
    pub advice: Option<&'a str>,
}

/// A like action.
#[derive(Clone, Copy, Debug)]
pub struct Earlier<'a> {
    /// When it was received.
    pub received: Micros,
    /// Where it stands.
    pub index: Index,
    /// Who asked, how it ended.
    pub summary: &'a str,
}

/// A canonical rendering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// Its bytes, UTF-8, at most `PRESENTATION_BYTES_MAX`.
    pub text: Bytes,
    /// BLAKE3 of them.
    pub digest: Digest,
    /// Whether nothing of the action was left out.
    pub complete: bool,
    /// What was, by name.
    pub omitted: Vec<String>,
}

/// A titled part of a presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// A label and what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// What it says, escaped.
    pub value: String,
}

/// Bytes that are no presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("these bytes are no presentation: {0}")]
pub struct PresentationDefect(&'static str);

/// Renders what a reviewer is shown of an action. The same input gives the same bytes.
pub fn present(input: &PresentationInput<'_>, requirement: &Requirement, expires_at: Micros) -> Presentation {
    let mut page = Page::new();
    page.section("Who asks");
    page.row("actor", &party(&input.actor));
    if let Some(source) = &input.relayed_by {
        page.row("asked for it by", &named(source, "source"));
    }
    for (at, whom) in input.on_behalf_of.iter().enumerate() {
        page.row(&format!("on behalf of {}", at.saturating_add(1)), &party(whom));
    }
    if let Some(person) = &input.responsible {
        page.row("answers for it", &party(person));
    }
    page.section("What will run, exactly");
    page.within(limits::PRESENTATION_BYTES_MAX / 4 * 3, |page| page.binding(input.binding));
    page.within(limits::PRESENTATION_BYTES_MAX / 8, |page| page.flow(&input.flow));
    page.section("Why you are asked");
    page.row("policy set", &input.policy.to_string());
    for why in input.why {
        page.row(&format!("policy {}", why.policy), why.advice.unwrap_or("(says nothing more)"));
    }
    page.row("risk", &format!("{} of 100", requirement.risk.percent()));
    page.section("What it takes");
    for (label, value) in words::requirement(requirement, input.teams) {
        page.row(label, &value);
    }
    page.row("decide before", &rfc3339(expires_at));
    page.section("Like actions before");
    if input.earlier.is_empty() {
        page.row("none", "this is the first that is known");
    }
    for earlier in input.earlier.iter().take(limits::PRESENTATION_EARLIER_MAX) {
        page.row(&format!("{} index {}", rfc3339(earlier.received), earlier.index), earlier.summary);
    }
    page.section("Identity");
    page.row("request", &input.request.to_string());
    page.row("action digest", &input.action.to_string());
    page.finish()
}

/// The typed form of a presentation's bytes.
pub fn sections(text: &[u8]) -> Result<Vec<Section>, PresentationDefect> {
    if text.len() > limits::PRESENTATION_BYTES_MAX {
        return Err(PresentationDefect("longer than any"));
    }
    let text = std::str::from_utf8(text).map_err(|_| PresentationDefect("not UTF-8"))?;
    let body = text.strip_suffix('\n').ok_or(PresentationDefect("its last line has no end"))?;
    let mut lines = body.split('\n');
    if lines.next() != Some(HEADING) {
        return Err(PresentationDefect("another first line"));
    }
    let mut found: Vec<Section> = Vec::new();
    for line in lines {
        let without_tabs = line.replace('\t', " ");
        if escape_line(&without_tabs) != without_tabs {
            return Err(PresentationDefect("a character that is never shown"));
        }
        match (line.split_once('\t'), found.last_mut()) {
            (None, _) => found.push(Section { title: line.to_owned(), rows: Vec::new() }),
            (Some((label, value)), Some(section)) if !value.contains('\t') => {
                section.rows.push(Row { label: label.to_owned(), value: value.to_owned() });
            }
            (Some(_), _) => return Err(PresentationDefect("a row that stands nowhere")),
        }
    }
    Ok(found)
}

fn party(party: &Party<'_>) -> String {
    named(party, "unknown")
}

/// Kind, name and pseudonym; `unbound` is what nobody is bound to is called.
fn named(party: &Party<'_>, unbound: &'static str) -> String {
    let kind = party.kind.map_or(unbound, ActorKind::name);
    match party.name {
        Some(name) => format!("{kind} {name} ({})", party.who),
        None => format!("{kind} {}", party.who),
    }
}

/// A presentation in the making.
struct Page {
    text: String,
    omitted: Vec<String>,
    /// Why not all is known of where data comes from.
    gap: Option<String>,
    /// Room for the part that says what was left out.
    budget: usize,
}

impl Page {
    fn new() -> Page {
        let budget = limits::PRESENTATION_BYTES_MAX.saturating_sub(limits::PRESENTATION_OMITTED_BYTES_MAX);
        Page { text: format!("{HEADING}\n"), omitted: Vec::new(), gap: None, budget }
    }

    fn section(&mut self, title: &str) {
        self.text.push_str(title);
        self.text.push('\n');
    }

    /// Adds a row, cut or left out where it has no room; then it is named among what was.
    fn row(&mut self, label: &str, value: &str) {
        let label = escape_line(label);
        let mut shown: String = value.chars().take(limits::PRESENTATION_VALUE_CHARS_MAX).collect();
        if shown.len() < value.len() {
            let more = value.chars().count().saturating_sub(limits::PRESENTATION_VALUE_CHARS_MAX);
            self.omitted.push(format!("{label}: {more} characters more"));
            shown.push('…');
        }
        let line = format!("{label}\t{}\n", escape_line(&shown));
        if self.text.len().saturating_add(line.len()) > self.budget {
            self.omitted.push(label);
        } else {
            self.text.push_str(&line);
        }
    }

    /// Lets a part have no more than so many bytes, so that what follows has room.
    fn within(&mut self, bytes: usize, part: impl FnOnce(&mut Page)) {
        let whole = self.budget;
        self.budget = whole.min(self.text.len().saturating_add(bytes));
        part(self);
        self.budget = whole;
    }

    /// Every value of the binding, those first that a reviewer looks for.
    fn binding(&mut self, binding: &str) {
        let Some(mut all) = leaves(binding) else {
            self.omitted.push("the binding, which is no JSON that can be taken apart".to_owned());
            return;
        };
        let rank = |leaf: &Leaf| {
            let first = FIRST_MEMBERS.iter().position(|member| *member == leaf.member);
            first.unwrap_or(FIRST_MEMBERS.len())
        };
        all.sort_by_key(rank);
        for leaf in all {
            self.row(&leaf.path, &leaf.token);
        }
    }

    /// Puts in front of it all whether it is all.
    fn finish(self) -> Presentation {
        let Page { text: rest, omitted, gap, .. } = self;
        let complete = omitted.is_empty();
        let mut page = Page { budget: usize::MAX, ..Page::new() };
        page.section("Completeness");
        page.row(
            "complete",
            if complete { "yes: nothing of the action is left out" } else { "NO: something is left out" },
        );
        let mut room = limits::PRESENTATION_OMITTED_BYTES_MAX / 2;
        let mut unnamed = 0usize;
        for what in &omitted {
            if what.len() < room {
                room = room.saturating_sub(what.len().saturating_add(16));
                page.row("left out", what);
            } else {
                unnamed = unnamed.saturating_add(1);
            }
        }
        if unnamed > 0 {
            page.row("left out, not named", &unnamed.to_string());
        }
        if let Some(gap) = gap {
            page.row("of data flow", &format!("not all is known: {gap}"));
        }
        page.text.push_str(rest.strip_prefix(HEADING).and_then(|rest| rest.strip_prefix('\n')).unwrap_or(&rest));
        let digest = Digest(*blake3::hash(page.text.as_bytes()).as_bytes());
        Presentation { text: Bytes::from(page.text), digest, complete, omitted }
    }
}
