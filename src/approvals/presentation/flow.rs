//! The part of a presentation that says where data comes from and what it reaches, as lineage knows it.

use super::Page;
use crate::limits::PRESENTATION_SOURCES_MAX;

/// Where what an action reads came from, and what that and its destination led to so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Flow<'a> {
    /// What led to what it reads, the nearest first.
    pub sources: &'a [Source<'a>],
    /// Of how many these are the first.
    pub sources_count: u64,
    /// What came of what it reads, and of its destination.
    pub reach: Reach<'a>,
    /// The shortest way to what it reads on which no person agreed to anything.
    pub open_way: Option<&'a str>,
    /// Why this is not all that there is to say. It is shown, and is nothing of the action that was left out: a graph that is
    /// still being read, or has no room, keeps nobody from deciding.
    pub gap: Option<&'a str>,
}

/// How much something led to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach<'a> {
    /// How many things of each kind, by the kind's name in the plural.
    pub counts: &'a [(&'a str, u64)],
    /// Whether these are the nearest only, of more.
    pub is_cut: bool,
}

/// Data, a model or an artifact that led to what an action reads.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// As it can be asked for.
    pub name: &'a str,
    /// The classes of data that sources stated of it; empty if none did.
    pub classes: &'a str,
    /// How many steps lie between, at least.
    pub steps: u32,
    /// Whether some way from it has no step to which a person agreed.
    pub is_open: bool,
}

impl Page {
    pub(super) fn flow(&mut self, flow: &Flow<'_>) {
        self.section("Where its data comes from, and what came of it");
        for source in flow.sources.iter().take(PRESENTATION_SOURCES_MAX) {
            let class = if source.classes.is_empty() { "of no stated class" } else { source.classes };
            let agreed = match source.is_open {
                true => "NOBODY agreed on some way from it",
                false => "a person agreed on every way from it",
            };
            let steps = if source.steps == 1 { "step" } else { "steps" };
            self.row(source.name, &format!("{class}, {} {steps} before it, {agreed}", source.steps));
        }
        let named = u64::try_from(flow.sources.len().min(PRESENTATION_SOURCES_MAX)).unwrap_or(u64::MAX);
        match flow.sources_count.saturating_sub(named) {
            0 if named == 0 => self.row("before it", "nothing is known"),
            0 => {}
            more => self.row("further before it", &format!("{more}, not named here")),
        }
        if let Some(way) = flow.open_way {
            self.row("a way that nobody approved", way);
        }
        let counts: Vec<String> = flow.reach.counts.iter().map(|(kind, count)| format!("{kind}: {count}")).collect();
        let reach = match (counts.join("; "), flow.reach.is_cut) {
            (counts, false) if counts.is_empty() => "nothing is known".to_owned(),
            (counts, false) => counts,
            (counts, true) if counts.is_empty() => "more than is counted here".to_owned(),
            (counts, true) => format!("{counts}; these are the nearest, there is more"),
        };
        self.row("came of it", &reach);
        if let Some(gap) = flow.gap {
            self.row("not all", gap);
            self.gap = Some(gap.to_owned());
        }
    }
}
