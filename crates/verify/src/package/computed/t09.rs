//! T09: evidence was read and taken out by people and programs with a role for it. Who else read the log, over ways on which
//! nobody shows who they are, no entry says.

use crate::detail::{Custody, Detail, Roles};
use crate::package::code::PackageRefusal;
use crate::package::computed::{Rows, Test, TestId};
use crate::package::exam::{Behind, Seen};
use crate::package::machine::Requests;
use crate::package::row::{Code, Row, RowVerdict, Subject};

/// Reads and exports.
pub struct Reads;

impl Test for Reads {
    fn id(&self) -> TestId {
        TestId::T09
    }

    fn see(&mut self, seen: &Seen<'_>, _: &Requests, rows: &mut Rows) -> Result<(), PackageRefusal> {
        let Detail::Custody { custody, .. } = &seen.entry.facts.detail else { return Ok(()) };
        let takes_out = Roles::EXPORTER.with(Roles::ADMINISTRATOR);
        let (actor, stratum, allowed) = match custody {
            Custody::Read(read) => (read.actor, "read", takes_out.with(Roles::AUDITOR)),
            Custody::Exported(export) => (export.actor, "export", takes_out),
            Custody::Verified(_) => return Ok(()),
        };
        if !seen.in_period {
            return Ok(());
        }
        let holder = seen.before.principals().get(actor.who);
        let may = holder.is_some_and(|holder| holder.is_enabled() && holder.roles.meets(allowed));
        let code = (!may).then_some((RowVerdict::Exception, Code::NoRole));
        let subject = Subject::of(seen.index, seen.entry, seen.leaf);
        rows.row(&Row { code, persons: &[actor.who], ..Row::of(subject, stratum) })
    }

    fn finish(&mut self, _: &Behind<'_>, _: &Requests, _: &mut Rows) -> Result<(), PackageRefusal> {
        Ok(())
    }
}
