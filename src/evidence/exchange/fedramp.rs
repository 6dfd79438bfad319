//! `data/fedramp/`: a fragment of a Security Decision Record, and a draft of a Significant Change Notification for each
//! policy set that came or went. What the provider alone can say (their package's URI, who approved by name and title, the
//! impact) is left to them, and says so: a fragment is merged and a draft is finished by people.

use super::about::About;
use super::json;
use super::table::{Row, Table};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::package::{Control, Directory, Finished, PackageRefusal, TestId, Verdict};
use serde_json::{Value, json};

/// The fragment.
pub const SDR_FILE: &str = "data/fedramp/sdr-fragment.json";
/// The drafts, one a line.
pub const SCN_FILE: &str = "data/fedramp/scn.jsonl";
/// Where policy changes stand.
const CHANGES_FILE: &str = "data/tests/T06/population.csv";
/// Stands where the schema wants a URI that only the provider has.
const UNNAMED: &str = "urn:deedbook:named-by-the-provider";
/// How the framework's mapping marks a Key Security Indicator.
const INDICATOR: &str = "KSI-";

/// Adds both.
pub fn add(finished: &mut Finished<'_>, about: &About, folder: &Directory) -> Result<(), PackageRefusal> {
    let fragment = fragment(finished, about);
    finished.add(SDR_FILE, &json::document(&fragment))?;
    finished.add_from(SCN_FILE, |file| {
        let mut changes = Table::open(folder, CHANGES_FILE)?;
        while let Some(row) = changes.read()? {
            serde_json::to_writer(&mut *file, &notification(about, &row))?;
            file.write_all(b"\n")?;
        }
        Ok(())
    })
}

fn fragment(finished: &Finished<'_>, about: &About) -> Value {
    let (mut indicators, mut controls) = (Vec::new(), Vec::new());
    for control in &about.mapping.controls {
        if control.id.starts_with(INDICATOR) {
            indicators.push(indicator(finished, about, control));
        } else {
            controls.push(json!({
                "controlId": control.id,
                "controlImplementationDescription": described(about, control),
            }));
        }
    }
    json!({
        "certificationPackageOverviewUri": UNNAMED,
        "fedRampRequirements": [],
        "keySecurityIndicators": indicators,
        "securityControls": controls,
    })
}

/// What was found, and what it rests on, in words.
fn described(about: &About, control: &Control) -> String {
    let verdict = about.verdict(control.id).map_or(control.unjudged(), Verdict::name);
    format!(
        "Of what a register of agents' actions can show ({}; passes when {}), the computed tests say: {verdict}. {}",
        control.asks,
        control.passes_when,
        about.tied()
    )
}

fn indicator(finished: &Finished<'_>, about: &About, control: &Control) -> Value {
    let of_control = || about.tests().filter(|(test, ..)| control.tests.contains(test));
    let tests = of_control().map(|(test, verdict, rows, exceptions)| {
        format!("{} {}: {}, {rows} rows, {exceptions} exceptions", test.name(), test.title(), test.word(verdict))
    });
    let evidence = of_control().map(|(test, verdict, ..)| evidence(finished, about, (test, verdict)));
    json!({
        "ksiAssessment": ["An independent assessor repeats every test with `deedbook-verify package`, which needs no \
            trust in the provider; that it was done is theirs to say."],
        "ksiEvidence": evidence.collect::<Vec<_>>(),
        "ksiId": control.id,
        "ksiImplementation": ["Agents' actions, approvals, policies and keys are signed entries of an append-only \
            Merkle log; the provider says how the rest is done."],
        "ksiTests": tests.collect::<Vec<_>>(),
        "ksiValidation": [described(about, control)],
    })
}

/// The schema has no place for a hash: root and digests stand in the text.
fn evidence(finished: &Finished<'_>, about: &About, (test, verdict): (TestId, Verdict)) -> Value {
    let path = format!("data/tests/{}/result.json", test.name());
    let digest = finished.files().get(&path).map(|file| file.sha256.to_string()).unwrap_or_default();
    json!({
        "evidenceDescription": format!("Result of test {} over all entries. {}", test.name(), about.tied()),
        "evidenceText": format!(
            "{path} SHA-256 {digest}: {}. Asked: {}. Not shown: {}",
            test.word(verdict),
            test.asks(),
            test.limits()
        ),
        "evidenceType": "Audit Record",
        "lastUpdated": date(&rfc3339(about.last())),
    })
}

/// A draft for one change. A draft commits nobody: people choose the category and name who approved.
fn notification(about: &About, row: &Row<'_>) -> Value {
    let touched = |control: &&Control| control.tests.contains(&TestId::T01) || control.tests.contains(&TestId::T06);
    let impacted: Vec<&str> = about.mapping.controls.iter().filter(touched).map(|control| control.id).collect();
    let (policy, index, persons) =
        (row.get("policy"), row.get("index"), row.words("persons").each().collect::<Vec<_>>());
    let behind = if persons.is_empty() { "refs of persons are not kept for it".to_owned() } else { persons.join(", ") };
    json!({
        "certificationPackageOverviewUri": UNNAMED,
        "changeDescription": format!(
            "Policy set {policy} changed at entry {index} ({}), leaf {}. Persons behind it, by their refs: {behind}. {}",
            row.get("kind"), row.get("leaf_hash"), about.tied()
        ),
        "changeType": "Adaptive",
        "changeTypeExplanation": "Draft. The program cannot tell how much a policy changes what runs: whoever sends this \
            decides whether it is adaptive or transformative.",
        "impactAnalysis": format!(
            "Draft. To be written by whoever sends this, with name and title of who approved. The text of the set is \
             data/policies/{policy}.json, unless it went."
        ),
        "impactedControls": impacted,
        "planAndTimeline": {
            "plannedCompletion": date(row.get("received")),
            "plannedStart": date(row.get("received")),
            "summary": format!("The change took effect in the ledger at {}; test T06 says of it: {}.",
                row.get("received"), row.get("verdict")),
        },
    })
}

fn date(moment: &str) -> &str {
    moment.get(..10).unwrap_or(moment)
}
