//! The table, in the three forms in which it is asked for. It adds nothing to what the attacks came to.

use crate::verdict::{Cell, Row};
use serde_json::{Value, json};

/// What the log cannot answer yet, and what will.
pub const NOT_ANSWERED: &str = "Not answered by this version: a stolen producer's or head key (2: key history is by index, \
external time stamps and a rotation of the head key are not built); events that were never sent (4: sequences and \
heartbeats show gaps); what a gateway loses before it sends (11: the producer's spool); an export by filter that leaves entries \
out (12 in part: evidence packages); flooding (17: quotas); the lineage index (18: lineage). Answered, but not carried out here: forged approvers and \
misleading displays (8, 9), by votes that people sign themselves over the bytes that they were shown.";

/// For a README: the table alone.
pub fn markdown(rows: &[Row]) -> String {
    let mut out = "| # | attack | hash chain | Deedbook | what shows it |\n|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let [chain, deedbook] = [row.chain.verdict.name(), row.deedbook.verdict.name()];
        out.push_str(&format!("| {} | {} | {chain} | {deedbook} | {} |\n", row.number, row.attack, evidence(row)));
    }
    out
}

/// What shows it; where nothing does, what would.
fn evidence(row: &Row) -> String {
    match row.deedbook.verdict.holds() {
        true => row.deedbook.summary(),
        false => "nothing: keep checkpoints or an anchor elsewhere, or ask for cosignatures".to_owned(),
    }
}

/// For a terminal.
pub fn text(rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.attack.chars().count()).max().unwrap_or(0);
    let plain = |cell: &Cell| cell.verdict.name().replace('*', "");
    let line = |number: &str, attack: &str, chain: &str, deedbook: &str, evidence: &str| {
        format!("{number:>2}  {attack:<width$}  {chain:<16}  {deedbook:<9}  {evidence}\n")
    };
    let mut out = line("#", "attack", "hash chain", "Deedbook", "what shows it");
    for row in rows {
        let [chain, deedbook] = [plain(&row.chain), plain(&row.deedbook)];
        out.push_str(&line(row.number, row.attack, &chain, &deedbook, &evidence(row)));
    }
    out
}

/// For programs: with every judge's whole words.
pub fn value(rows: &[Row]) -> Value {
    let cell = |cell: &Cell| json!({ "verdict": cell.verdict.name().replace('*', ""), "judge": cell.judge, "words": cell.words });
    let row = |row: &Row| {
        json!({
            "number": row.number, "attack": row.attack, "claimed": row.claimed, "kept": row.is_kept(),
            "chain": cell(&row.chain), "deedbook": cell(&row.deedbook),
        })
    };
    json!({ "attacks": rows.iter().map(row).collect::<Vec<_>>(), "not_answered": NOT_ANSWERED })
}
