//! T10: sources that opened themselves are heard of until they close, and lose nothing. Their sequences are gapless by the
//! rules of the log, which T00 applies; a gap stands there only where its source declared it.

use crate::detail::Detail;
use crate::frame::SignerRole;
use crate::governance::Authority;
use crate::kind::{Author, Kind};
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, Row, RowVerdict, Subject};
use crate::plant::Bug;
use crate::words::{Micros, Ref, Sequence};
use std::collections::{BTreeMap, BTreeSet};

/// How long a source may be silent that promised nothing: an hour.
const SILENCE_US: u64 = 3_600 * SECOND_US;
const SECOND_US: u64 = 1_000_000;

/// A source as it was heard last.
struct Source {
    /// Its row stands at the first that is seen of it, where it stands in every later package of the same beginning: what was
    /// said of an exception goes on counting when the source goes on speaking.
    first: Subject,
    last: Subject,
    opened: bool,
    closed: bool,
    sequenced: bool,
    /// How long it said that it is silent at most.
    silence_us: u64,
    /// When the first of its silences of the period had lasted too long.
    silent_from: Option<Micros>,
    gaps: u64,
    /// Whether it stated what agents did: then it should have opened itself.
    captures: bool,
}

/// Sources by ref.
#[derive(Default)]
pub struct Capture {
    sources: BTreeMap<Ref, Source>,
}

impl Test for Capture {
    fn id(&self) -> TestId {
        TestId::T10
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let facts = &seen.entry.facts;
        if facts.author() != Author::Witness {
            return Ok(());
        }
        let now = Subject::of(seen.index, seen.entry, seen.leaf);
        let source = self.sources.entry(facts.source).or_insert(Source {
            first: now,
            last: now,
            opened: false,
            closed: false,
            sequenced: true,
            silence_us: SILENCE_US,
            silent_from: None,
            gaps: 0,
            captures: false,
        });
        let expected = source.opened && !source.closed;
        if seen.in_period && expected && source.is_silent(now.received) {
            source.silent_from.get_or_insert(source.silent_at());
            let code = Some((RowVerdict::Exception, Code::Silence));
            rows.besides(&Row {
                code,
                compared: &[source.last.index],
                persons: &[facts.source],
                ..Row::of(now, "silence")
            })?;
        }
        source.last = now;
        source.captures = source.captures || (seen.in_period && captures(facts.kind));
        source.sequenced = source.sequenced && facts.sequence != Sequence(0);
        source.closed = facts.kind == Kind::SourceClosed;
        if let Detail::HeartbeatPromised { heartbeat_s } = facts.detail {
            source.silence_us = u64::from(heartbeat_s.get()).saturating_mul(SECOND_US);
        }
        source.opened = source.opened || matches!(facts.kind, Kind::SourceOpened | Kind::SourceHeartbeat);
        if facts.kind == Kind::SourceGap && seen.in_period {
            source.gaps = source.gaps.saturating_add(1);
        }
        Ok(())
    }

    fn finish(&mut self, behind: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let until = Micros(behind.period.to.0.min(behind.last_received.0));
        for (who, source) in self.sources.iter().filter(|(_, source)| source.opened) {
            let ends_silent = !source.closed && source.is_silent(until);
            let silent_from = source.silent_from.or(ends_silent.then(|| source.silent_at()));
            let code = if silent_from.is_some() {
                Some((RowVerdict::Exception, Code::Silence))
            } else if source.gaps > 0 {
                Some((RowVerdict::Indeterminate, Code::GapDeclared))
            } else if !source.sequenced {
                Some((RowVerdict::Indeterminate, Code::Unsequenced))
            } else {
                None
            };
            let known = silent_from.unwrap_or(source.last.received);
            rows.row(&Row { code, known, persons: &[*who], ..Row::of(source.first, "source") })?;
        }
        let unopened = self.sources.iter().filter(|(_, source)| !source.opened && source.captures);
        let unopened = named(unopened.map(|(who, _)| *who));
        rows.note(format!(
            "sources that stated runs, data or models, and never opened themselves: {unopened}; they are no rows"
        ));
        let unheard = unheard(behind.authority, |who| self.sources.contains_key(&who));
        rows.note(format!("sources with a key in force that stated nothing at all: {unheard}; they are no rows"));
        Ok(())
    }
}

/// Kinds by which a source states what agents did.
pub fn captures(kind: Kind) -> bool {
    matches!(kind, Kind::ExecutionReported | Kind::DataAccessed | Kind::ModelInvoked)
}

/// Sources that a note names; the rest of them are counted.
const NAMED_MAX: usize = 20;

/// How many, and the first of them by their refs.
pub fn named(sources: impl Iterator<Item = Ref>) -> String {
    let all: BTreeSet<Ref> = sources.collect();
    let first: Vec<String> = all.iter().take(NAMED_MAX).map(Ref::to_string).collect();
    let more = all.len().saturating_sub(NAMED_MAX);
    match (all.len(), more) {
        (0, _) => "none".to_owned(),
        (count, 0) => format!("{count} ({})", first.join(" ")),
        (count, more) => format!("{count} ({} and {more} more)", first.join(" ")),
    }
}

/// Sources of gateways and the like whose key is in force at the end, and that were not heard of in the interval. Keys of
/// people and agents are no sources of their own.
fn unheard(authority: &Authority, is_heard: impl Fn(Ref) -> bool) -> String {
    let tenures = authority.keys().tenures().map(|(_, tenure)| tenure);
    let in_force = tenures.filter(|tenure| tenure.until.is_none() && tenure.role == SignerRole::Source);
    let sources = in_force.map(|tenure| tenure.source);
    named(sources.filter(|who| authority.principals().get(*who).is_none() && !is_heard(*who)))
}

impl Source {
    /// When it will have been silent for too long, unless it speaks before.
    fn silent_at(&self) -> Micros {
        Micros(self.last.received.0.saturating_add(self.silence_us))
    }

    fn is_silent(&self, now: Micros) -> bool {
        now > self.silent_at() && !Bug::SilentSourceTaken.planted()
    }
}
