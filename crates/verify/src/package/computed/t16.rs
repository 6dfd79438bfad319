//! T16: what sources stated agrees with records that others keep, as people whose word counts compared them. What others say
//! is no comparison: it is shown, and decides nothing. What those records held is not here: the comparison is theirs, and its
//! digests bind it.

use crate::detail::{Detail, Oversight};
use crate::kind::Kind;
use crate::package::code::PackageRefusal;
use crate::package::computed::t10::{captures, named};
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, Row, RowVerdict, Subject};
use crate::vouched::vouched_by;
use crate::words::Ref;
use std::collections::{BTreeMap, BTreeSet};

/// Comparisons, and sources that opened themselves.
#[derive(Default)]
pub struct Reconciled {
    opened: BTreeMap<Ref, Subject>,
    compared: BTreeSet<Ref>,
    /// Sources that stated what agents did.
    captures: BTreeSet<Ref>,
}

impl Test for Reconciled {
    fn id(&self) -> TestId {
        TestId::T16
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let facts = &seen.entry.facts;
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        if facts.kind == Kind::SourceOpened {
            self.opened.entry(facts.source).or_insert(subject);
        }
        if seen.in_period && captures(facts.kind) {
            self.captures.insert(facts.source);
        }
        let Detail::Oversight(Oversight::Reconciled(said)) = &facts.detail else { return Ok(()) };
        let counts = vouched_by(seen.before.principals(), facts).is_ok();
        if counts {
            self.compared.insert(said.source);
        }
        if !seen.in_period {
            return Ok(());
        }
        let code = if !counts {
            Some((RowVerdict::NotCounted, Code::NoRole))
        } else if said.counts.only_there > 0 {
            Some((RowVerdict::Exception, Code::NotInLog))
        } else if said.counts.only_here > 0 {
            Some((RowVerdict::Exception, Code::NotInRecord))
        } else {
            None
        };
        rows.row(&Row { code, persons: &[said.source, said.actor.who], ..Row::of(subject, "comparison") })
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        for (source, opened) in self.opened.iter().filter(|(source, _)| !self.compared.contains(source)) {
            let code = Some((RowVerdict::Indeterminate, Code::NotCompared));
            rows.row(&Row { code, persons: &[*source], ..Row::of(*opened, "source") })?;
        }
        let left = |who: &&Ref| !self.opened.contains_key(*who) && !self.compared.contains(*who);
        let left = named(self.captures.iter().filter(left).copied());
        rows.note(format!("sources that stated runs, data or models, never opened themselves, and were compared with nothing: {left}; they are no rows"));
        Ok(())
    }
}
