//! One pass over a package's entries for what a picture shows better than a table: how much came on each day, how people
//! decided and how fast, when each source was heard. It counts; nothing is judged from it.

use crate::evidence::paper::silences::{self, SourceRow};
use crate::limits::{CHART_BINS_MAX, CHART_REQUESTS_MAX, CHART_SOURCES_MAX, ENTRY_BYTES_MAX};
use deedbook_verify::detail::{Detail, ResolutionCode, Step};
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Author;
use deedbook_verify::package::{Folder, Period, Rendered};
use deedbook_verify::words::{Micros, Ref, SubjectId};
use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};

const DAY_US: u64 = 86_400 * 1_000_000;
const SECOND_US: u64 = 1_000_000;

/// Upper bounds of the times to decide, in seconds; what takes longer is the last bin.
pub const DECIDE_BOUNDS_S: [u64; 7] = [10, 60, 300, 900, 3_600, 4 * 3_600, 24 * 3_600];

/// What came in one bin of days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    /// Entries of the period.
    pub entries: u64,
    /// Requests that people approved.
    pub approved: u64,
    /// Requests that people denied.
    pub denied: u64,
    /// Requests that ended without anybody's decision: expired, withdrawn, no longer fitting.
    pub lapsed: u64,
    /// Runs without an approval, to be reviewed afterwards.
    pub broke_glass: u64,
}

/// How long people took, by bin of `DECIDE_BOUNDS_S`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    /// Approvals.
    pub approved: u64,
    /// Denials.
    pub denied: u64,
}

/// A source along the days.
#[derive(Clone, Debug)]
pub struct Heard {
    /// Its row in T10, if it has one.
    pub judged: Option<SourceRow>,
    /// Entries in each bin.
    pub bins: Vec<u64>,
}

/// Days of the period that the interval reaches, cut into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days {
    /// The first, counted from 1970.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// Of one bin.
    pub each: u64,
}

impl Days {
    fn of(rendered: &Rendered) -> Days {
        let Period { from, to } = rendered.question.period;
        let (reached, left) = rendered.reach;
        let first = from.0.max(reached.0) / DAY_US;
        let last = (to.0.saturating_sub(1)).min(left.0) / DAY_US;
        let count = last.saturating_sub(first).saturating_add(1);
        Days { first, count, each: count.div_ceil(CHART_BINS_MAX).max(1) }
    }

    /// How many bins.
    pub fn bins(&self) -> usize {
        usize::try_from(self.count.div_ceil(self.each)).unwrap_or(1)
    }

    /// The bin of a time; one outside is in the nearest.
    fn bin(&self, time: Micros) -> usize {
        let day = (time.0 / DAY_US).saturating_sub(self.first);
        usize::try_from(day / self.each).unwrap_or(usize::MAX).min(self.bins().saturating_sub(1))
    }

    /// The first moment of a bin.
    pub fn start(&self, bin: usize) -> Micros {
        let days = u64::try_from(bin).unwrap_or(u64::MAX).saturating_mul(self.each);
        Micros(self.first.saturating_add(days).saturating_mul(DAY_US))
    }
}

/// Everything that the pictures show.
pub struct Timeline {
    /// The days.
    pub days: Days,
    /// What came on them.
    pub bins: Vec<Bin>,
    /// How long people took: a bin for each bound, and one for what took longer.
    pub decided: [Decided; DECIDE_BOUNDS_S.len() + 1],
    /// Decisions whose request the interval does not hold, or that were too many to remember.
    pub undated: u64,
    /// Sources by ref: those that T10 judges first, as many as are shown.
    pub sources: Vec<(Ref, Heard)>,
    /// Bins in which a source was silent for too long, by its place in `sources`.
    pub silences: Vec<(usize, usize)>,
    /// Sources that are not shown.
    pub more_sources: u64,
    open: BTreeMap<SubjectId, Micros>,
    /// Where each shown source stands, and those beyond as far as they are counted.
    places: BTreeMap<Ref, Option<usize>>,
    period: Period,
}

impl Timeline {
    /// Reads the entries of a package.
    pub fn read(folder: &dyn Folder, rendered: &Rendered) -> io::Result<Timeline> {
        let days = Days::of(rendered);
        let mut line = Timeline {
            days,
            bins: vec![Bin::default(); days.bins()],
            decided: Default::default(),
            undated: 0,
            sources: Vec::new(),
            silences: Vec::new(),
            more_sources: 0,
            open: BTreeMap::new(),
            places: BTreeMap::new(),
            period: rendered.question.period,
        };
        silences::sources(folder, |who, row| {
            let place = line.place(who);
            if let Some((_, heard)) = place.and_then(|place| line.sources.get_mut(place)) {
                heard.judged = Some(row);
            }
        })?;
        let mut input = BufReader::with_capacity(256 * 1024, folder.open("data/entries.bin")?);
        let (mut length, mut bytes) = ([0; 2], vec![0; ENTRY_BYTES_MAX]);
        for _ in 0..rendered.counts.entries {
            input.read_exact(&mut length)?;
            let bytes = bytes.get_mut(..usize::from(u16::from_be_bytes(length)));
            let bytes = bytes.ok_or_else(|| malformed("data/entries.bin: an entry is longer than entries can be"))?;
            input.read_exact(bytes)?;
            let entry = Entry::parse(bytes).map_err(|error| malformed(&error.to_string()))?;
            line.see(&entry);
        }
        silences::ended(folder, |who, until| line.silent(who, until))?;
        line.silences.sort_unstable();
        line.silences.dedup();
        Ok(line)
    }

    fn see(&mut self, entry: &Entry<'_>) {
        let (facts, received) = (&entry.facts, entry.seal.received);
        let at = self.days.bin(received);
        let judged = self.period.has(received);
        if let Detail::Step(step) = &facts.detail {
            if let Step::Opened { .. } = step.step
                && self.open.len() < CHART_REQUESTS_MAX
            {
                self.open.entry(step.of.request).or_insert(received);
            } else if let Step::Resolved { resolution, .. } = &step.step {
                let opened = self.open.remove(&step.of.request);
                if judged {
                    self.resolved(at, resolution.code(), opened.map(|opened| received.0.saturating_sub(opened.0)));
                }
            }
        }
        if !judged {
            return;
        }
        if let Some(bin) = self.bins.get_mut(at) {
            bin.entries = bin.entries.saturating_add(1);
        }
        if facts.author() == Author::Witness
            && let Some(place) = self.place(facts.source)
            && let Some((_, heard)) = self.sources.get_mut(place)
            && let Some(count) = heard.bins.get_mut(at)
        {
            *count = count.saturating_add(1);
        }
    }

    fn resolved(&mut self, at: usize, code: ResolutionCode, took_us: Option<u64>) {
        let Some(bin) = self.bins.get_mut(at) else { return };
        let (count, by_people) = match code {
            ResolutionCode::Approved => (&mut bin.approved, true),
            ResolutionCode::Denied => (&mut bin.denied, true),
            ResolutionCode::BreakGlass => (&mut bin.broke_glass, false),
            ResolutionCode::Expired
            | ResolutionCode::Cancelled
            | ResolutionCode::Superseded
            | ResolutionCode::Invalidated
            | ResolutionCode::Unroutable => (&mut bin.lapsed, false),
        };
        *count = count.saturating_add(1);
        if !by_people {
            return;
        }
        let Some(took_us) = took_us else {
            self.undated = self.undated.saturating_add(1);
            return;
        };
        let place = DECIDE_BOUNDS_S.iter().take_while(|bound| took_us >= bound.saturating_mul(SECOND_US)).count();
        if let Some(decided) = self.decided.get_mut(place) {
            let count = if code == ResolutionCode::Approved { &mut decided.approved } else { &mut decided.denied };
            *count = count.saturating_add(1);
        }
    }

    /// Where a source is shown; none: there is no room for it.
    fn place(&mut self, who: Ref) -> Option<usize> {
        if let Some(place) = self.places.get(&who) {
            return *place;
        }
        let place = self.sources.len();
        let shown = (place < CHART_SOURCES_MAX).then_some(place);
        if shown.is_some() {
            self.sources.push((who, Heard { judged: None, bins: vec![0; self.bins.len()] }));
        } else {
            self.more_sources = self.more_sources.saturating_add(1);
        }
        self.places.insert(who, shown);
        shown
    }

    /// A source was heard again at this time, too late: it was silent back to the bin in which it was heard before.
    fn silent(&mut self, who: Ref, until: Micros) {
        let Some(Some(place)) = self.places.get(&who).copied() else { return };
        let Some((_, heard)) = self.sources.get(place) else { return };
        let end = self.days.bin(until);
        let mute = heard.bins.iter().take(end).rev().take_while(|count| **count == 0).count();
        self.silences.extend((end.saturating_sub(mute)..=end).map(|bin| (place, bin)));
    }

    /// Decisions of people in the period.
    pub fn decisions(&self) -> u64 {
        self.decided.iter().fold(self.undated, |sum, bin| sum.saturating_add(bin.approved).saturating_add(bin.denied))
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}
