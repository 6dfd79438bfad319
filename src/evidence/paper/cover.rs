//! The first page: verdicts at a glance, what was asked, what the package does not show, and how to check it.

use crate::evidence::paper::findings::Findings;
use crate::evidence::paper::html::{Count, Counted, Hex, Outcome, Prose, Text, When, day, put};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::package::{BUILT_IN_POLICIES, Mapping, PROGRAM, Redaction, Rendered, Verdict};
use deedbook_verify::words::Micros;
use std::fmt::Write as _;

/// Title and verdicts.
pub fn render(out: &mut String, findings: &Findings<'_>, mapping: &Mapping) {
    let period = findings.rendered.question.period;
    let last = day(Micros(period.to.0.saturating_sub(1)));
    put!(
        out,
        "<header>\n<p class=\"eyebrow\">Deedbook evidence package</p>\n<h1>{}</h1>\n<p class=\"lead\">{} to {last}. <b>{}</b></p>\n",
        Text(mapping.title),
        day(period.from),
        sentence(findings)
    );
    out.push_str("<ul class=\"tiles\" aria-label=\"Verdicts of controls and tests\">\n");
    for outcome in Outcome::ALL.into_iter().filter(|outcome| matches!(outcome, Outcome::Judged(_))) {
        put!(
            out,
            "<li class=\"tile {}\"><span class=\"word\">{} {}</span><strong>{}</strong><span class=\"also\">{}</span></li>\n",
            outcome.class(),
            outcome.glyph(),
            outcome.word(),
            Counted(controls(findings, outcome), "control", "controls"),
            Counted(tests(findings, outcome), "test", "tests")
        );
    }
    out.push_str("</ul>\n");
    chips(
        out,
        "Controls",
        &findings
            .controls
            .iter()
            .zip(1u64..)
            .map(|(control, at)| Chip {
                target: format!("c{at}"),
                name: control.id.clone(),
                outcome: control.outcome(),
            })
            .collect::<Vec<_>>(),
    );
    chips(
        out,
        "Tests",
        &findings
            .tests
            .iter()
            .map(|finding| Chip {
                target: finding.id.name().to_owned(),
                name: finding.id.name().to_owned(),
                outcome: finding.outcome,
            })
            .collect::<Vec<_>>(),
    );
    not_shown(out, findings);
    out.push_str("</header>\n");
}

fn controls(findings: &Findings<'_>, outcome: Outcome) -> u64 {
    u64::try_from(findings.controls.iter().filter(|control| control.outcome() == outcome).count()).unwrap_or(u64::MAX)
}

fn tests(findings: &Findings<'_>, outcome: Outcome) -> u64 {
    u64::try_from(findings.tests.iter().filter(|finding| finding.outcome == outcome).count()).unwrap_or(u64::MAX)
}

/// The whole in one sentence.
fn sentence(findings: &Findings<'_>) -> String {
    let of = |verdict| controls(findings, Outcome::Judged(verdict));
    let exceptions = findings.tests.iter().fold(0u64, |sum, finding| sum.saturating_add(finding.result.exceptions));
    let found = Counted(exceptions, "exception", "exceptions");
    match (of(Verdict::Fail), of(Verdict::Indeterminate)) {
        (0, 0) if findings.rendered.counts.in_period == 0 => {
            "The log has no entry of this period: nothing was tested, and nothing is shown to have worked.".to_owned()
        }
        (0, 0) => "No control fails, and nothing is left open.".to_owned(),
        (0, open) => {
            format!("No control fails; of {} the entries leave something open.", Counted(open, "control", "controls"))
        }
        (fail, _) => format!("{}, by {found}.", Counted(fail, "control fails", "controls fail")),
    }
}

struct Chip {
    target: String,
    name: String,
    outcome: Outcome,
}

fn chips(out: &mut String, title: &str, chips: &[Chip]) {
    put!(out, "<section aria-label=\"{title} by verdict\">\n<h4>{title}</h4>\n");
    for outcome in Outcome::ALL {
        let mut group = chips.iter().filter(|chip| chip.outcome == outcome).peekable();
        if group.peek().is_none() {
            continue;
        }
        put!(out, "<div class=\"group\"><div>{outcome}</div><ul class=\"chips\">");
        for chip in group {
            put!(
                out,
                "<li><a class=\"{}\" href=\"#{}\">{} {}</a></li>",
                outcome.class(),
                chip.target,
                outcome.glyph(),
                Text(&chip.name)
            );
        }
        out.push_str("</ul></div>\n");
    }
    out.push_str("</section>\n");
}

fn not_shown(out: &mut String, findings: &Findings<'_>) {
    out.push_str("<section class=\"shows-not\" id=\"limits\" aria-labelledby=\"not-shown\">\n<h3 id=\"not-shown\">What this package does not show</h3>\n<ul>\n");
    for line in findings.rendered.not_shown() {
        put!(out, "<li>{}</li>\n", Prose(line));
    }
    out.push_str("</ul>\n</section>\n");
}

/// What was asked, what the package holds, how to check it.
pub fn asked(out: &mut String, findings: &Findings<'_>, mapping: &Mapping) {
    let rendered = findings.rendered;
    let question = &rendered.question;
    out.push_str("<section aria-labelledby=\"asked\">\n<h2 id=\"asked\" class=\"here\">What was asked</h2>\n<div class=\"two\">\n<dl>\n");
    let ledger = question.ledger.to_string();
    let rows = [
        ("Framework", format!("{}; mapping revision {}", Text(mapping.title), mapping.revision)),
        (
            "Period",
            format!(
                "{} to {}, the end not included, by the time that the ledger received",
                When(&rfc3339(question.period.from)),
                When(&rfc3339(question.period.to))
            ),
        ),
        ("Filter", format!("<code>{}</code>", Text(&question.filter.to_string()))),
        (
            "Sample",
            format!(
                "{} of each stratum, nonce <code>{}</code>",
                Counted(u64::from(question.sample), "row", "rows"),
                Text(&question.nonce.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string))
            ),
        ),
        (
            "Left out",
            match question.redaction {
                Redaction::None => "nothing".to_owned(),
                Redaction::Bodies => "all bodies".to_owned(),
            },
        ),
        ("Program", format!("<code>{PROGRAM}</code>")),
        ("Ledger", format!("<code>{}</code>", Text(&ledger))),
    ];
    rows.iter().for_each(|(name, value)| put!(out, "<dt>{name}</dt><dd>{value}</dd>\n"));
    out.push_str("</dl>\n<dl>\n");
    held(findings).iter().for_each(|(name, value)| put!(out, "<dt>{name}</dt><dd>{value}</dd>\n"));
    out.push_str("</dl>\n</div>\n");
    out.push_str(
        "<h3>How verdicts are formed</h3>\n<p>Each test judges every row of its population, none is left to a sample. The worst row \
        decides: <b>fail</b> (an exception), then <b>indeterminate</b> (the entries do not say what the test needs; never counted as a \
        pass), then <b>not operated</b> (no row, in an interval that is proved complete), then <b>pass</b>. A control has the worst \
        verdict of its tests, but for T17 (<b>for information</b>: it judges nobody and counts as no pass) and T18 (<b>by verifying</b>: \
        whoever verifies performs it); one that no test speaks to is a <b>listing</b>, to be read and not judged.</p>\n<h3>How to check it</h3>\n<p>This page is for reading: of it, as of all files for people and \
        for other programs, <code>deedbook-verify</code> knows the hash alone, and <code>deedbook audit</code> renders it again. What counts is what these say, in the package's folder, with a key from \
        somebody you trust and not from the package; <code>VERIFY.md</code> says more:</p>\n\
        <pre>sha256sum -c manifest-sha256.txt\ndeedbook-verify package --vkey ledger.vkey .</pre>\n</section>\n",
    );
}

/// Sets whose texts stand in the package.
fn policies(rendered: &Rendered) -> String {
    let built_in = |path: &String| BUILT_IN_POLICIES.iter().any(|known| *path == format!("data/policies/{known}.json"));
    let sets = Counted(rendered.policies, "set that was in force or asked", "sets that were in force or asked");
    let one = if rendered.files.keys().any(built_in) { ", the built-in one among them" } else { "" };
    format!("{sets}{one}; their texts stand in <code>data/policies/</code>")
}

/// What the package holds.
fn held(findings: &Findings<'_>) -> Vec<(&'static str, String)> {
    let rendered = findings.rendered;
    let (question, counts, bodies) = (&rendered.question, &rendered.counts, &rendered.bodies);
    let begins = if question.begins.0 == 0 {
        "genesis".to_owned()
    } else {
        format!(
            "the checkpoint of size {}, with {} from before",
            Count(question.begins.0),
            Counted(counts.before, "governing entry", "governing entries")
        )
    };
    let root = rendered.root.to_string();
    let mut rows = vec![
        (
            "Interval",
            format!(
                "{} from {begins} to the checkpoint of size {}",
                Counted(counts.entries, "entry", "entries"),
                Count(question.ends.0)
            ),
        ),
        ("Root at its end", format!("<code>{}</code>", Text(&root))),
        (
            "In the period",
            format!(
                "{}; {} by the filter",
                Counted(counts.in_period, "entry", "entries"),
                Counted(counts.listed, "listed", "listed")
            ),
        ),
        ("Received", format!("first {}, last {}", When(&rfc3339(rendered.reach.0)), When(&rfc3339(rendered.reach.1)))),
        ("Signatures", format!("{}, each under a key in force", Counted(rendered.frames, "frame", "frames"))),
        (
            "Bodies",
            format!(
                "{} opened, {} withheld, {} erased",
                Count(bodies.opened),
                Count(bodies.withheld),
                Count(bodies.erased)
            ),
        ),
        ("Policies", policies(rendered)),
    ];
    if let Some((_, entries)) = rendered.files.iter().find(|(path, _)| *path == "data/entries.bin") {
        rows.push(("entries.bin", format!("SHA-256 {}", Hex(&entries.sha256.to_string()))));
    }
    if rendered.is_cut() {
        rows.push(("Cut", "<b>the log ends before the period does</b>: complete up to its last entry".to_owned()));
    }
    rows
}
