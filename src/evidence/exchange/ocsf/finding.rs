//! What the tests found, as Compliance Findings: one for each test, one for each exception. OCSF knows pass, warning and
//! fail; that a control did not operate, or that entries do not tell, is neither, and says so as `Other` with our word.

use super::Lines;
use super::class::{Class, HIGH, INFORMATIONAL, MEDIUM, OCSF, OTHER};
use super::event::{PRODUCT, Product, millis};
use crate::evidence::exchange::about::About;
use crate::evidence::exchange::table::{Row, Table, Words};
use crate::evidence::hex::Hex;
use deedbook_verify::calendar::parse_rfc3339;
use deedbook_verify::package::{Directory, TestId, Verdict};
use serde::Serialize;
use std::io;

/// A finding is created; nothing here knows what became of an earlier one.
const CREATE: u8 = 1;

#[derive(Serialize)]
struct Finding<'a> {
    activity_id: u8,
    category_uid: u32,
    class_uid: u32,
    compliance: Compliance<'a>,
    finding_info: Info<'a>,
    message: String,
    metadata: Metadata<'a>,
    severity_id: u8,
    status: &'static str,
    status_id: u8,
    time: u64,
    type_uid: u32,
    unmapped: Unmapped<'a>,
}

/// What OCSF has no place for: of a test as a whole, or of one exception.
#[derive(Serialize)]
#[serde(untagged)]
enum Unmapped<'a> {
    Result {
        exceptions: u64,
        file: &'a str,
        file_sha256: Option<Hex<[u8; 32]>>,
        root: Hex<[u8; 32]>,
        rows: u64,
        tree_size: u64,
        verdict: &'static str,
    },
    Exception {
        compared: Words<'a>,
        event_id: &'a str,
        kind: &'a str,
        leaf_hash: &'a str,
        leaf_index: u64,
        persons: Words<'a>,
        policy_digest: &'a str,
        received: &'a str,
        rests_on: &'a str,
        root: Hex<[u8; 32]>,
        stratum: &'a str,
        tree_size: u64,
    },
}

#[derive(Serialize)]
struct Compliance<'a> {
    control: &'a str,
    desc: &'a str,
    requirements: &'a [&'a str],
    standards: [&'a str; 1],
    status: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    status_code: &'a str,
    status_id: u8,
}

#[derive(Serialize)]
struct Info<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_events: Vec<Related<'a>>,
    title: &'a str,
    uid: &'a str,
}

#[derive(Serialize)]
struct Related<'a> {
    uid: &'a str,
}

#[derive(Serialize)]
struct Metadata<'a> {
    event_code: &'static str,
    log_name: &'static str,
    product: Product,
    tenant_uid: Hex<[u8; 32]>,
    uid: &'a str,
    version: &'static str,
}

/// How the verdict reads there: status number, status, severity.
fn verdict_of(test: TestId, verdict: Verdict) -> (u8, &'static str, u8) {
    if !test.judges() {
        return (OTHER, test.word(verdict), INFORMATIONAL);
    }
    match verdict {
        Verdict::Pass => (1, "Pass", INFORMATIONAL),
        Verdict::Fail => (3, "Fail", HIGH),
        Verdict::NotOperated => (OTHER, verdict.name(), INFORMATIONAL),
        Verdict::Indeterminate => (OTHER, verdict.name(), MEDIUM),
    }
}

/// Writes them behind the entries.
pub fn write(lines: &mut Lines<'_>, about: &About, folder: &Directory) -> io::Result<()> {
    for (test, verdict, rows, exceptions) in about.tests() {
        let requirements = controls(about, test);
        let result = format!("data/tests/{}/result.json", test.name());
        let unmapped = Unmapped::Result {
            exceptions,
            file: &result,
            file_sha256: about.rendered.files.get(&result).map(|file| Hex(file.sha256.0)),
            root: Hex(about.rendered.root.0),
            rows,
            tree_size: about.rendered.question.ends.0,
            verdict: test.word(verdict),
        };
        let uid = about.space.uuid(&format!("ocsf/{}", test.name()));
        let (status_id, status, severity_id) = verdict_of(test, verdict);
        let message = format!("{} {}: {}", test.name(), test.title(), test.word(verdict));
        let said = Said { test, status: (status_id, status), code: "", severity_id, unmapped };
        let finding = said.finding(about, &requirements, (&uid, message), None);
        lines.push(&finding)?;
    }
    for (test, _, _, exceptions) in about.tests() {
        if exceptions > 0 {
            each_exception(lines, about, folder, test)?;
        }
    }
    Ok(())
}

fn each_exception(lines: &mut Lines<'_>, about: &About, folder: &Directory, test: TestId) -> io::Result<()> {
    let requirements = controls(about, test);
    let mut rows = Table::open(folder, &format!("data/tests/{}/exceptions.csv", test.name()))?;
    let mut ordinal = 0u64;
    while let Some(row) = rows.read()? {
        ordinal = ordinal.saturating_add(1);
        let uid = about.space.uuid(&format!("ocsf/{}/{ordinal}", test.name()));
        let message = format!("{} {} at entry {}", test.name(), row.get("code"), row.get("index"));
        let unmapped = Unmapped::Exception {
            compared: row.words("compared"),
            event_id: row.get("event_id"),
            kind: row.get("kind"),
            leaf_hash: row.get("leaf_hash"),
            leaf_index: row.number("index"),
            persons: row.words("persons"),
            policy_digest: row.get("policy"),
            received: row.get("received"),
            rests_on: row.get("rests_on"),
            root: Hex(about.rendered.root.0),
            stratum: row.get("stratum"),
            tree_size: about.rendered.question.ends.0,
        };
        let said = Said { test, status: (3, "Fail"), code: row.get("code"), severity_id: HIGH, unmapped };
        lines.push(&said.finding(about, &requirements, (&uid, message), Some(&row)))?;
    }
    Ok(())
}

/// What a finding says of its own.
struct Said<'a> {
    test: TestId,
    status: (u8, &'static str),
    code: &'a str,
    severity_id: u8,
    unmapped: Unmapped<'a>,
}

impl<'a> Said<'a> {
    fn finding(
        self,
        about: &'a About,
        requirements: &'a [&'a str],
        (uid, message): (&'a str, String),
        row: Option<&'a Row<'_>>,
    ) -> Finding<'a> {
        let received = row.and_then(|row| parse_rfc3339(row.get("received")));
        let related = row.map(|row| Related { uid: row.get("leaf_hash") });
        Finding {
            activity_id: CREATE,
            category_uid: Class::Finding.category(),
            class_uid: Class::Finding.uid(),
            compliance: Compliance {
                control: self.test.name(),
                desc: self.test.asks(),
                requirements,
                standards: [about.mapping.title],
                status: self.status.1,
                status_code: self.code,
                status_id: self.status.0,
            },
            finding_info: Info { related_events: related.into_iter().collect(), title: self.test.title(), uid },
            message,
            metadata: Metadata {
                event_code: if row.is_some() { "test.exception" } else { "test.result" },
                log_name: "Deedbook",
                product: PRODUCT,
                tenant_uid: Hex(about.rendered.question.ledger.0),
                uid,
                version: OCSF,
            },
            severity_id: self.severity_id,
            status: "New",
            status_id: 1,
            time: millis(received.unwrap_or(about.last())),
            type_uid: Class::Finding.type_uid(CREATE),
            unmapped: self.unmapped,
        }
    }
}

/// The framework's controls that a test speaks to.
fn controls(about: &About, test: TestId) -> Vec<&'static str> {
    about.mapping.controls.iter().filter(|control| control.tests.contains(&test)).map(|control| control.id).collect()
}
