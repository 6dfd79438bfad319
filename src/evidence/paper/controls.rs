//! The controls of the framework: for each its population, its tests with what they found, and what a pass does not show.

use crate::evidence::ControlRow;
use crate::evidence::paper::findings::{Finding, Findings};
use crate::evidence::paper::html::{Count, Text, put};
use crate::limits::REPORT_NAMED_MAX;
use std::fmt::Write as _;

/// All of them.
pub fn render(out: &mut String, findings: &Findings<'_>) {
    out.push_str("<section aria-labelledby=\"controls\">\n<h2 id=\"controls\">Controls</h2>\n<p>In the words of this program; the framework has the last one. <a class=\"file\" href=\"controls.csv\">controls.csv</a> holds the same.</p>\n");
    for (control, at) in findings.controls.iter().zip(1u64..) {
        put!(
            out,
            "<article class=\"control\" id=\"c{at}\" aria-labelledby=\"c{at}-h\">\n<header><h3 id=\"c{at}-h\">{}: {}</h3> {}</header>\n<dl><dt>Population</dt><dd>{}</dd><dt>Passes when</dt><dd>{}</dd></dl>\n",
            Text(&control.id),
            Text(&control.asks),
            control.outcome(),
            Text(&control.population),
            Text(&control.passes_when)
        );
        judged(out, findings, control);
        out.push_str("</article>\n");
    }
    out.push_str("</section>\n");
}

fn judged(out: &mut String, findings: &Findings<'_>, control: &ControlRow) {
    if control.tests.is_empty() {
        out.push_str("<p class=\"limit\">No test speaks to it: its entries are listed in <a class=\"file\" href=\"population.csv\">population.csv</a>, and nothing is judged.</p>\n");
        return;
    }
    out.push_str("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Method</th><th scope=\"col\">Verdict</th><th scope=\"col\" class=\"n\">Rows</th><th scope=\"col\" class=\"n\">Open</th><th scope=\"col\">Exceptions</th><th scope=\"col\">Rests on</th></tr></thead>\n<tbody>\n");
    for finding in control.tests.iter().filter_map(|id| findings.test(*id)) {
        row(out, finding);
    }
    out.push_str("</tbody></table></div>\n");
    out.push_str("<ul class=\"limit\">\n");
    for finding in control.tests.iter().filter_map(|id| findings.test(*id)) {
        put!(out, "<li>{}</li>\n", finding.not_shown());
    }
    out.push_str("</ul>\n");
}

fn row(out: &mut String, finding: &Finding) {
    let (name, result) = (finding.id.name(), &finding.result);
    put!(
        out,
        "<tr><th scope=\"row\"><a href=\"#{name}\">{name}</a> {}</th><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>",
        Text(finding.id.title()),
        finding.outcome,
        Count(result.rows),
        Count(result.indeterminate)
    );
    exceptions(out, finding);
    out.push_str("</td><td>");
    rests_on(out, finding);
    out.push_str("</td></tr>\n");
}

/// The first of them by entry and code, and how many there are.
fn exceptions(out: &mut String, finding: &Finding) {
    let (name, count) = (finding.id.name(), finding.result.exceptions);
    if count == 0 {
        out.push_str("none");
        return;
    }
    put!(out, "{}: ", Count(count));
    for (at, row) in (1u64..).zip(finding.exceptions.iter().take(REPORT_NAMED_MAX)) {
        let comma = if at > 1 { ", " } else { "" };
        put!(out, "{comma}<a href=\"#{name}-x{at}\">entry {}</a> <code>{}</code>", Text(&row.index), Text(&row.code));
    }
    let named = u64::try_from(REPORT_NAMED_MAX).unwrap_or(u64::MAX);
    if count > named {
        put!(out, ", and {} more", Count(count.saturating_sub(named)));
    }
}

fn rests_on(out: &mut String, finding: &Finding) {
    let levels: Vec<String> =
        finding.result.rests_on.iter().map(|(level, count)| format!("{} {}", Text(level), Count(*count))).collect();
    out.push_str(if levels.is_empty() { "the entries" } else { "" });
    out.push_str(&levels.join(", "));
}
