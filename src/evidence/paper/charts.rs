//! The pictures of the page: what came each day, how requests ended, how long people took, when sources were heard. Each
//! says in words what it shows, and tells its parts apart by pattern as well as by colour.

use crate::evidence::paper::bars::{Bars, Series};
use crate::evidence::paper::html::{Count, Counted, Hex, Text, put};
use crate::evidence::paper::people::People;
use crate::evidence::paper::timeline::{Bin, DECIDE_BOUNDS_S, Heard, Timeline};
use deedbook_verify::package::RowVerdict;
use std::fmt::Write as _;

/// Patterns that all pictures share.
const PATTERNS: &str = "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\" focusable=\"false\"><defs>\
    <pattern id=\"hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><line class=\"hatch\" x1=\"0\" y1=\"0\" x2=\"0\" y2=\"5\"/></pattern>\
    <pattern id=\"dots\" width=\"4\" height=\"4\" patternUnits=\"userSpaceOnUse\"><circle class=\"dot\" cx=\"2\" cy=\"2\" r=\"1.2\"/></pattern></defs></svg>\n";

/// All of them.
pub fn render(out: &mut String, line: &Timeline, people: &People) {
    out.push_str(PATTERNS);
    let each = match line.days.each {
        1 => "a bar is a day".to_owned(),
        days => format!("a bar is {days} days"),
    };
    put!(
        out,
        "<p>{} of the period, by the time received (UTC); {each}.</p>\n",
        Counted(line.days.count, "day", "days")
    );
    coming(out, line);
    endings(out, line);
    deciding(out, line);
    people.render(out);
    hearing(out, line);
}

fn sum(line: &Timeline, of: fn(&Bin) -> u64) -> u64 {
    line.bins.iter().fold(0, |sum, bin| sum.saturating_add(of(bin)))
}

fn coming(out: &mut String, line: &Timeline) {
    let total = sum(line, |bin| bin.entries);
    let empty = line.bins.iter().filter(|bin| bin.entries == 0).count();
    put!(
        out,
        "<figure>\n<h3>Entries</h3>\n<figcaption>{} in the period; {empty} of {} bars without any.</figcaption>\n",
        Counted(total, "entry", "entries"),
        line.bins.len()
    );
    let series = [Series { class: "b1", name: "entries", of: |bin| bin.entries }];
    Bars { line, series: &series, what: "Entries received" }.render(out);
    out.push_str("</figure>\n");
}

fn endings(out: &mut String, line: &Timeline) {
    let series = [
        Series { class: "b1", name: "approved", of: |bin| bin.approved },
        Series { class: "b2", name: "denied", of: |bin| bin.denied },
        Series { class: "b3", name: "ended undecided", of: |bin| bin.lapsed },
        Series { class: "b4", name: "ran by break-glass", of: |bin| bin.broke_glass },
    ];
    out.push_str("<figure>\n<h3>How requests for approval ended</h3>\n");
    if series.iter().all(|series| sum(line, series.of) == 0) {
        out.push_str("<figcaption>No request ended in the period.</figcaption>\n</figure>\n");
        return;
    }
    let totals: Vec<String> =
        series.iter().map(|series| format!("{} {}", Count(sum(line, series.of)), series.name)).collect();
    put!(out, "<figcaption>{}.</figcaption>\n<ul class=\"legend\">", totals.join(", "));
    for Series { class, name, .. } in &series {
        put!(
            out,
            "<li><svg viewBox=\"0 0 20 12\" aria-hidden=\"true\"><rect class=\"{class}\" x=\"1\" y=\"1\" width=\"18\" height=\"10\"/></svg>{name}</li>"
        );
    }
    out.push_str("</ul>\n");
    Bars { line, series: &series, what: "Requests that ended" }.render(out);
    out.push_str("</figure>\n");
}

/// The bins of the times to decide, as they are read.
const TIMES: [&str; DECIDE_BOUNDS_S.len() + 1] = [
    "under 10 seconds",
    "10 seconds to 1 minute",
    "1 to 5 minutes",
    "5 to 15 minutes",
    "15 minutes to 1 hour",
    "1 to 4 hours",
    "4 to 24 hours",
    "24 hours or more",
];

fn deciding(out: &mut String, line: &Timeline) {
    out.push_str("<figure>\n<h3>How long people took to decide</h3>\n");
    if line.decisions() == 0 {
        out.push_str("<figcaption>Nobody decided anything in the period.</figcaption>\n</figure>\n");
        return;
    }
    put!(
        out,
        "<figcaption>{} from the time people were asked to the approval or denial. ",
        Counted(line.decisions(), "decision", "decisions")
    );
    if let Some(half) = median(line) {
        put!(out, "Half of them took {half}, or less. ");
    }
    if line.undated > 0 {
        put!(
            out,
            "{} not in the table: the interval does not show when people were asked. ",
            Counted(line.undated, "decision is", "decisions are")
        );
    }
    out.push_str("Many decisions within seconds may mean that nobody reads what is asked.</figcaption>\n<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Time</th><th scope=\"col\">Share</th><th scope=\"col\" class=\"n\">Approved</th><th scope=\"col\" class=\"n\">Denied</th></tr></thead>\n<tbody>\n");
    let most = line.decided.iter().map(|bin| bin.approved.saturating_add(bin.denied)).max().unwrap_or(0).max(1);
    for (name, bin) in TIMES.iter().zip(line.decided) {
        let wide = |count: u64| count.saturating_mul(400) / most;
        let (approved, denied) = (wide(bin.approved), wide(bin.denied));
        put!(
            out,
            "<tr><th scope=\"row\">{name}</th><td class=\"meter\"><svg viewBox=\"0 0 400 16\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect class=\"b1\" y=\"1\" width=\"{approved}\" height=\"14\"/>"
        );
        if denied > 0 {
            put!(out, "<rect class=\"b2\" x=\"{approved}\" y=\"1\" width=\"{denied}\" height=\"14\"/>");
        }
        put!(
            out,
            "</svg></td><td class=\"n\">{}</td><td class=\"n\">{}</td></tr>\n",
            Count(bin.approved),
            Count(bin.denied)
        );
    }
    out.push_str("</tbody></table></div>\n</figure>\n");
}

/// The bin in which the middle decision lies.
fn median(line: &Timeline) -> Option<&'static str> {
    let counts = line.decided.iter().map(|bin| bin.approved.saturating_add(bin.denied));
    let all = counts.clone().fold(0u64, u64::saturating_add);
    let mut below = 0u64;
    let place = counts.into_iter().position(|count| {
        below = below.saturating_add(count);
        below > 0 && below.saturating_mul(2) >= all
    });
    place.and_then(|place| TIMES.get(place).copied())
}

fn hearing(out: &mut String, line: &Timeline) {
    out.push_str("<figure>\n<h3>When each source was heard</h3>\n");
    if line.sources.is_empty() {
        out.push_str("<figcaption>No source stated anything in the period.</figcaption>\n</figure>\n");
        return;
    }
    out.push_str(
        "<figcaption>What a source did not send, no log shows. Sources that opened themselves are judged by <a href=\"#T10\">T10</a>, \
        which compares hours, not bars; the others are only counted.</figcaption>\n<ul class=\"legend\">\
        <li><svg viewBox=\"0 0 20 12\" aria-hidden=\"true\"><rect class=\"b1\" x=\"1\" y=\"1\" width=\"18\" height=\"10\"/></svg>heard</li>\
        <li><svg viewBox=\"0 0 20 12\" aria-hidden=\"true\"><rect class=\"base\" x=\"1\" y=\"5\" width=\"18\" height=\"2\"/></svg>nothing came</li>\
        <li><svg viewBox=\"0 0 20 12\" aria-hidden=\"true\"><rect class=\"mute\" x=\"1\" y=\"1\" width=\"18\" height=\"10\"/></svg>silent for longer than it promised</li></ul>\n\
        <div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">Source</th><th scope=\"col\">T10</th><th scope=\"col\">From the first day to the last</th><th scope=\"col\" class=\"n\">Entries</th></tr></thead>\n<tbody>\n",
    );
    for (place, (who, heard)) in line.sources.iter().enumerate() {
        let mute = |bin: usize| line.silences.binary_search(&(place, bin)).is_ok();
        put!(out, "<tr><th scope=\"row\">{}</th><td>", Hex(&who.to_string()));
        judged(out, heard);
        out.push_str("</td><td class=\"strip\">");
        strip(out, heard, mute);
        let total = heard.bins.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
        put!(out, "</td><td class=\"n\">{}</td></tr>\n", Count(total));
    }
    out.push_str("</tbody></table></div>\n");
    if line.more_sources > 0 {
        put!(
            out,
            "<p><b>{} of {} sources are shown</b>, those with exceptions first. <a class=\"file\" href=\"tests/T10/population.csv\">tests/T10/population.csv</a> has all that T10 judges.</p>\n",
            line.sources.len(),
            Count(line.more_sources.saturating_add(u64::try_from(line.sources.len()).unwrap_or(0)))
        );
    }
    out.push_str("</figure>\n");
}

fn judged(out: &mut String, heard: &Heard) {
    match &heard.judged {
        None => out.push_str("<span class=\"badge none\"><b aria-hidden=\"true\">·</b> not judged</span>"),
        Some(row) => {
            let (class, glyph) = match row.verdict {
                RowVerdict::Pass => ("pass", "✓"),
                RowVerdict::NotCounted => ("none", "·"),
                RowVerdict::Indeterminate => ("open", "?"),
                RowVerdict::Exception => ("fail", "✗"),
            };
            put!(
                out,
                "<span class=\"badge {class}\"><b aria-hidden=\"true\">{glyph}</b> {}</span>",
                row.verdict.name()
            );
            if !row.code.is_empty() {
                put!(out, " <code>{}</code>", Text(&row.code));
            }
        }
    }
}

/// Ten units for each bin, as wide as the table lets it be.
fn strip(out: &mut String, heard: &Heard, mute: impl Fn(usize) -> bool) {
    let bins = heard.bins.len();
    let (with, silent) =
        (heard.bins.iter().filter(|count| **count > 0).count(), (0..bins).filter(|bin| mute(*bin)).count());
    let wide = bins.saturating_mul(10);
    put!(
        out,
        "<svg viewBox=\"0 0 {wide} 16\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"heard in {with} of {bins} bars, silent for too long in {silent}\"><rect class=\"base\" y=\"7\" width=\"{wide}\" height=\"2\"/>"
    );
    for (bin, count) in heard.bins.iter().enumerate() {
        let x = bin.saturating_mul(10);
        if *count > 0 {
            put!(out, "<rect class=\"b1\" x=\"{x}\" y=\"1\" width=\"9\" height=\"14\"/>");
        }
        if mute(bin) {
            put!(out, "<rect class=\"mute\" x=\"{x}\" y=\"1\" width=\"9\" height=\"14\"/>");
        }
    }
    out.push_str("</svg>");
}
