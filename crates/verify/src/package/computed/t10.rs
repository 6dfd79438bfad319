//! T10: sources that opened themselves are heard of until they close, and lose nothing. Their sequences are gapless by the
//! rules of the log, which T00 applies; a gap stands there only where its source declared it.

use crate::detail::Detail;
use crate::kind::{Author, Kind};
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, Row, RowVerdict, Subject};
use crate::plant::Bug;
use crate::words::{Micros, Ref, Sequence};
use std::collections::BTreeMap;

/// How long a source may be silent that promised nothing: an hour.
const SILENCE_US: u64 = 3_600 * SECOND_US;
const SECOND_US: u64 = 1_000_000;

/// A source as it was heard last.
struct Source {
    last: Subject,
    opened: bool,
    closed: bool,
    sequenced: bool,
    /// How long it said that it is silent at most.
    silence_us: u64,
    silences: u64,
    gaps: u64,
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
            last: now,
            opened: false,
            closed: false,
            sequenced: true,
            silence_us: SILENCE_US,
            silences: 0,
            gaps: 0,
        });
        let expected = source.opened && !source.closed;
        if seen.in_period && expected && source.is_silent(now.received) {
            source.silences = source.silences.saturating_add(1);
            let code = Some((RowVerdict::Exception, Code::Silence));
            rows.besides(&Row {
                code,
                compared: &[source.last.index],
                persons: &[facts.source],
                ..Row::of(now, "silence")
            })?;
        }
        source.last = now;
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
            let code = if ends_silent || source.silences > 0 {
                Some((RowVerdict::Exception, Code::Silence))
            } else if source.gaps > 0 {
                Some((RowVerdict::Indeterminate, Code::GapDeclared))
            } else if !source.sequenced {
                Some((RowVerdict::Indeterminate, Code::Unsequenced))
            } else {
                None
            };
            rows.row(&Row { code, persons: &[*who], ..Row::of(source.last, "source") })?;
        }
        let unopened = self.sources.values().filter(|source| !source.opened).count();
        rows.note(format!("{unopened} sources stated events and never opened themselves: they are no rows"));
        Ok(())
    }
}

impl Source {
    fn is_silent(&self, now: Micros) -> bool {
        now.0.saturating_sub(self.last.received.0) > self.silence_us && !Bug::SilentSourceTaken.planted()
    }
}
