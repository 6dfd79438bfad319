//! T14: data that leaves. An export is told by its action type; its destination stands in the body, which the action's
//! digest covers: policies were asked about it, and their texts are the list of what is allowed. Whether they tell
//! destinations apart is not asked here.

use crate::facts::Facts;
use crate::kind::Kind;
use crate::package::code::PackageRefusal;
use crate::package::computed::t01::{Needed, Run, Weighed, unknown};
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::{Flow, Requests};
use crate::package::row::{Code, Row, RowVerdict, Subject};
use crate::plant::Bug;
use crate::words::SubjectId;
use std::collections::BTreeSet;

/// What action types of exports are, or end in behind a dot.
const EXPORT: &str = "export";

/// An export whose run started: judged once its reports are known.
struct Export {
    subject: Subject,
    request: SubjectId,
    weighed: Weighed,
}

/// Exports in the order of the log.
#[derive(Default)]
pub struct Movements {
    exports: Vec<Export>,
    /// Reports of exports that no gate released.
    unreleased: Vec<(Subject, String, (RowVerdict, Code))>,
    /// Requests of which such a report is a row already.
    claimed: BTreeSet<SubjectId>,
    unknown: u64,
    unasked: u64,
    glass: u64,
}

impl Test for Movements {
    fn id(&self) -> TestId {
        TestId::T14
    }

    fn see(&mut self, seen: &Seen<'_>, requests: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        if !seen.in_period {
            return Ok(());
        }
        let facts = &seen.entry.facts;
        match Run::of(seen) {
            Some(run) => self.started(seen, &run, requests),
            None if matches!(facts.kind, Kind::ExecutionReported | Kind::DataAccessed) => {
                self.reported(seen, facts, requests);
            }
            None => {}
        }
        Ok(())
    }

    fn finish(&mut self, _: &Behind<'_>, requests: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let mut unreleased = std::mem::take(&mut self.unreleased).into_iter().peekable();
        let claim = |rows: &mut Rows, (subject, stratum, code): (Subject, String, _)| {
            rows.row(&Row { code: Some(code), ..Row::of(subject, &stratum) })
        };
        for mut export in std::mem::take(&mut self.exports) {
            while let Some(report) = unreleased.next_if(|(subject, ..)| subject.index < export.subject.index) {
                claim(rows, report)?;
            }
            let Some(request) = requests.get(export.request) else { continue };
            export.weighed.compared.extend(request.flow.said.filter(|said| *said != request.subject.index));
            export.weighed.code = export.weighed.code.or_else(|| origin(request.flow));
            rows.row(&export.weighed.row(export.subject, &request.action_type))?;
        }
        unreleased.try_for_each(|report| claim(rows, report))?;
        rows.note(format!("{} exports needed nobody's approval, by what the policies in force said", self.unasked));
        rows.note(format!("{} exports broke the glass: T05 judges their reviews", self.glass));
        if self.unknown > 0 {
            rows.leaves_open(&format!(
                "{} runs were asked for before the interval: whether they exported is not known",
                self.unknown
            ));
        }
        Ok(())
    }
}

impl Movements {
    fn started(&mut self, seen: &Seen<'_>, run: &Run, requests: &Requests) {
        let named = seen.entry.facts.request_id;
        let known = named.and_then(|id| requests.get(id).map(|request| (id, request)));
        let Some((id, request)) = known else {
            self.unknown = self.unknown.saturating_add(1);
            return;
        };
        if !is_export(&request.action_type) {
            return;
        }
        let weighed = run.weigh(seen, Some(request));
        match weighed.needed {
            Needed::Nothing => self.unasked = self.unasked.saturating_add(1),
            Needed::Glass => self.glass = self.glass.saturating_add(1),
            Needed::Approval | Needed::Unknown => {}
        }
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        self.exports.push(Export { subject, request: id, weighed });
    }

    /// A report of an export that names no request, or one that no grant came of.
    fn reported(&mut self, seen: &Seen<'_>, facts: &Facts<'_>, requests: &Requests) {
        let request = facts.request_id.and_then(|id| requests.get(id));
        let stated = facts.action_type.map(|code| code.as_str());
        let Some(action_type) = request.map(|request| request.action_type.as_str()).or(stated) else { return };
        if !is_export(action_type) || request.is_some_and(|request| !request.grants.is_empty()) {
            return;
        }
        if facts.request_id.is_some_and(|id| !self.claimed.insert(id)) {
            return;
        }
        let code = match (facts.request_id, request) {
            (Some(_), None) => unknown(seen),
            (None, _) | (Some(_), Some(_)) => (RowVerdict::Exception, Code::NoApproval),
        };
        self.unreleased.push((Subject::of(seen.index, seen.entry, seen.leaf), action_type.to_owned(), code));
    }
}

fn is_export(action_type: &str) -> bool {
    action_type == EXPORT || action_type.ends_with(".export")
}

/// Whether what a run wrote comes from somewhere.
fn origin(flow: Flow) -> Option<(RowVerdict, Code)> {
    match flow {
        Flow { writes: true, reads, .. } if reads || Bug::OrphanTaken.planted() => None,
        Flow { omits: true, .. } => Some((RowVerdict::Indeterminate, Code::ObjectsOmitted)),
        Flow { writes: true, .. } => Some((RowVerdict::Exception, Code::OrphanOutput)),
        Flow { writes: false, .. } => Some((RowVerdict::Indeterminate, Code::NoLineage)),
    }
}
