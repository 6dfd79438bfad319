//! The tests: what each row has to hold, what was found, every exception as far as a page can hold them, on whose word it
//! rests.

use crate::evidence::paper::findings::{Disposed, Finding, Findings};
use crate::evidence::paper::html::{Count, Counted, Hex, Prose, Text, When, put};
use crate::evidence::paper::rows::TestRow;
use crate::evidence::paper::words::{meaning, word_of};
use crate::limits::REPORT_NAMED_MAX;
use deedbook_verify::package::Basis;
use std::fmt::Write as _;

/// All of them.
pub fn render(out: &mut String, findings: &Findings<'_>) {
    out.push_str("<section aria-labelledby=\"tests\">\n<h2 id=\"tests\">Tests</h2>\n");
    for finding in &findings.tests {
        let name = finding.id.name();
        put!(
            out,
            "<article id=\"{name}\" aria-labelledby=\"{name}-h\">\n<header><h3 id=\"{name}-h\">{name} {}</h3> {}</header>\n<dl><dt>Asks that</dt><dd>{}</dd><dt>Population</dt><dd>",
            Text(finding.id.title()),
            finding.outcome,
            Prose(finding.id.asks())
        );
        population(out, finding);
        out.push_str("</dd></dl>\n");
        codes(out, finding);
        listed(out, finding, Part::Exceptions);
        listed(out, finding, Part::Indeterminate);
        listed(out, finding, Part::NotCounted);
        rests_on(out, finding);
        notes(out, finding);
        put!(out, "<p class=\"limit\">{}</p>\n</article>\n", finding.not_shown());
    }
    out.push_str("</section>\n");
}

fn population(out: &mut String, finding: &Finding) {
    let (name, result) = (finding.id.name(), &finding.result);
    match finding.id.basis() {
        Basis::Rows => {
            put!(
                out,
                "{}, all judged: <a class=\"file\" href=\"tests/{name}/population.csv\">population.csv</a>",
                Counted(result.rows, "row", "rows")
            );
            if let Some(drawn) = result.drawn {
                put!(
                    out,
                    "; {} in <a class=\"file\" href=\"tests/{name}/samples.csv\">samples.csv</a>",
                    Counted(drawn, "was drawn", "were drawn")
                );
            }
            if let Some(hash) = &result.population_sha256 {
                put!(out, "; SHA-256 {}", Hex(hash));
            }
        }
        Basis::Entries => put!(
            out,
            "{} of the interval, all judged: <code>entries.bin</code>",
            Counted(result.rows, "entry", "entries")
        ),
        Basis::Undecided(why) => put!(out, "none: {}", Text(result.undecided.as_deref().unwrap_or(why))),
    }
}

fn codes(out: &mut String, finding: &Finding) {
    if finding.result.codes.is_empty() {
        return;
    }
    out.push_str("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Code</th><th scope=\"col\" class=\"n\">Rows</th><th scope=\"col\">What it means</th></tr></thead>\n<tbody>\n");
    for (code, count) in &finding.result.codes {
        put!(
            out,
            "<tr><th scope=\"row\"><code>{}</code></th><td class=\"n\">{}</td><td>{}</td></tr>\n",
            Text(code),
            Count(*count),
            meaning(code)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

/// Which rows are listed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Exceptions,
    Indeterminate,
    NotCounted,
}

fn listed(out: &mut String, finding: &Finding, part: Part) {
    let (result, name) = (&finding.result, finding.id.name());
    let (rows, count, title, file, mark) = match part {
        Part::Exceptions => (&finding.exceptions, result.exceptions, "Exceptions", "exceptions.csv", "x"),
        Part::Indeterminate => {
            (&finding.indeterminate, result.indeterminate, "Rows that the entries leave open", "population.csv", "i")
        }
        Part::NotCounted => {
            let title = "Said by somebody whose word does not count: it decides nothing";
            (&finding.not_counted, result.not_counted, title, "population.csv", "n")
        }
    };
    if count == 0 {
        return;
    }
    put!(out, "<h4>{title}</h4>\n");
    let shown = u64::try_from(rows.len()).unwrap_or(u64::MAX);
    if shown == 0 {
        put!(out, "<p>{}; no file lists them one by one.</p>\n", Counted(count, "row", "rows"));
        return;
    }
    out.push_str("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\" class=\"n\">Entry</th><th scope=\"col\">Code</th><th scope=\"col\">Kind, stratum</th><th scope=\"col\">Received</th><th scope=\"col\">Compared with entries</th><th scope=\"col\">Persons</th><th scope=\"col\">Rests on</th>");
    // Nothing but an exception is disposed of.
    let disposed = (part == Part::Exceptions).then_some(&finding.disposed);
    out.push_str(if disposed.is_some() { "<th scope=\"col\">Disposed of</th>" } else { "" });
    out.push_str("</tr></thead>\n<tbody>\n");
    for (at, row) in (1u64..).zip(rows) {
        put!(out, "<tr id=\"{name}-{mark}{at}\">");
        cells(out, row);
        if let Some(disposed) = disposed.and_then(|all| all.get(usize::try_from(at).ok()?.checked_sub(1)?)) {
            disposal(out, disposed.as_ref());
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    if shown < count {
        put!(
            out,
            "<p><b>{} of {} are shown.</b> All stand in <a class=\"file\" href=\"tests/{name}/{file}\">tests/{name}/{file}</a>.</p>\n",
            Count(shown),
            Count(count)
        );
    } else {
        put!(
            out,
            "<p class=\"soft\">All of them, as in <a class=\"file\" href=\"tests/{name}/{file}\">tests/{name}/{file}</a>.</p>\n"
        );
    }
}

fn cells(out: &mut String, row: &TestRow) {
    put!(
        out,
        "<th scope=\"row\" class=\"n\">{}</th><td><code>{}</code></td><td>{}<br><span class=\"soft\">{}</span></td><td>{}</td><td>",
        Text(&row.index),
        Text(&row.code),
        Text(&row.kind),
        Text(&row.stratum),
        When(&row.received)
    );
    several(out, &row.compared, |out, index| put!(out, "{}", Text(index)));
    out.push_str("</td><td>");
    several(out, &row.persons, |out, person| put!(out, "{}", Hex(person)));
    put!(out, "</td><td>{}</td>", Text(&row.rests_on));
}

fn disposal(out: &mut String, disposed: Option<&Disposed>) {
    match disposed {
        Some(Disposed { index, word }) => put!(out, "<td>{}, entry {}</td>", Text(word), Text(index)),
        None => out.push_str("<td>not disposed of</td>"),
    }
}

/// The first of some, and how many more there are.
fn several(out: &mut String, all: &[String], mut each: impl FnMut(&mut String, &str)) {
    if all.is_empty() {
        out.push_str("none");
    }
    for (at, value) in all.iter().take(REPORT_NAMED_MAX).enumerate() {
        out.push_str(if at > 0 { ", " } else { "" });
        each(out, value);
    }
    let more = u64::try_from(all.len().saturating_sub(REPORT_NAMED_MAX)).unwrap_or(u64::MAX);
    if more > 0 {
        put!(out, " and {} more", Count(more));
    }
}

fn rests_on(out: &mut String, finding: &Finding) {
    if finding.result.rests_on.is_empty() {
        return;
    }
    out.push_str("<h4>On whose word its rows rest</h4>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Level</th><th scope=\"col\" class=\"n\">Rows</th><th scope=\"col\">Whose word</th></tr></thead>\n<tbody>\n");
    for (level, count) in &finding.result.rests_on {
        put!(
            out,
            "<tr><th scope=\"row\">{}</th><td class=\"n\">{}</td><td>{}</td></tr>\n",
            Text(level),
            Count(*count),
            word_of(level)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

fn notes(out: &mut String, finding: &Finding) {
    if finding.result.notes.is_empty() {
        return;
    }
    out.push_str("<h4>To know</h4>\n<ul>\n");
    finding.result.notes.iter().for_each(|note| put!(out, "<li>{}</li>\n", Prose(note)));
    out.push_str("</ul>\n");
}
