//! What the program says of a package: tables for people, one line of JSON for programs. It judges nothing.

use super::lineage::{Source, array, object, plain, quoted};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::judge::Witnessing;
use deedbook_verify::package::{PackageRefusal, PackageShown, Verdict};
use deedbook_verify::words::Micros;

/// A verified package for people.
pub fn text(source: Source<'_>, shown: &PackageShown) -> String {
    let (folder, key_file) = (source.file, source.key);
    let rendered = &shown.rendered;
    let (question, counts, bodies) = (&rendered.question, rendered.counts, rendered.bodies);
    let (first, last) = rendered.reach;
    let mut lines = vec![
        format!("{}: valid", plain(folder)),
        format!("  ledger    {}", question.ledger),
        format!("  key       {}, from {}", shown.key, plain(key_file)),
        format!("  period    {} to {}", rfc3339(question.period.from), rfc3339(question.period.to)),
        format!("  interval  {} to {}, root {}", question.begins, question.ends, rendered.root),
        format!("            received {} to {}", rfc3339(first), rfc3339(last)),
        format!(
            "  entries   {}, of the period {}, listed {} by `{}`; {} frames signed",
            counts.entries, counts.in_period, counts.listed, question.filter, rendered.frames
        ),
        format!("  bodies    {} opened, {} withheld, {} erased", bodies.opened, bodies.withheld, bodies.erased),
        format!("  policies  {}", rendered.policies),
        String::new(),
    ];
    for (id, verdict, rows, exceptions) in &rendered.tests {
        let found = format!("{rows:>9} rows {exceptions:>7} exceptions");
        lines.push(format!("  {}  {:<14}{found}  {}", id.name(), verdict.name(), id.title()));
    }
    let count = |wanted: Verdict| rendered.controls.iter().filter(|(_, verdict)| *verdict == wanted).count();
    lines.push(String::new());
    lines.push(format!(
        "  controls of {}: {} fail, {} indeterminate, {} not operated, {} pass",
        question.framework.name(),
        count(Verdict::Fail),
        count(Verdict::Indeterminate),
        count(Verdict::NotOperated),
        count(Verdict::Pass)
    ));
    lines.push(String::new());
    lines.extend(shown.proved().into_iter().map(|what| format!("  proved    {what}")));
    lines.extend(shown.not_shown().into_iter().map(|what| format!("  not shown {what}")));
    lines.extend(witnesses(&shown.witnessing));
    lines.extend(shown.ignored.iter().map(|name| format!("  ignored   signature line of {}", plain(name))));
    lines.extend(shown.unjudged.iter().map(|file| format!("  unjudged  {file}: its hash alone was checked")));
    lines.push(format!(
        "  the key is worth what your way of getting {} is worth: one that came with the package proves nothing",
        plain(key_file)
    ));
    lines.join("\n") + "\n"
}

fn witnesses(witnessing: &Witnessing) -> Vec<String> {
    let Witnessing::Met(cosigned) = witnessing else { return Vec::new() };
    let line = |by: &deedbook_verify::witnessed::Cosigned| {
        let at = rfc3339(Micros(by.time.0.saturating_mul(1_000_000)));
        format!("  witness   {} ({}) at {at}, by its own clock", plain(&by.witness), by.key_name)
    };
    cosigned.iter().map(line).collect()
}

/// A verified package as one line of JSON.
pub fn json(source: Source<'_>, shown: &PackageShown) -> String {
    let rendered = &shown.rendered;
    let (question, counts, bodies) = (&rendered.question, rendered.counts, rendered.bodies);
    let tests = rendered.tests.iter().map(|(id, verdict, rows, exceptions)| {
        object(&[
            ("test", quoted(id.name())),
            ("verdict", quoted(verdict.name())),
            ("rows", rows.to_string()),
            ("exceptions", exceptions.to_string()),
        ])
    });
    let control =
        |(id, verdict): &(String, Verdict)| object(&[("control", quoted(id)), ("verdict", quoted(verdict.name()))]);
    let texts = |all: Vec<&str>| array(all.into_iter().map(quoted));
    let cosigned = if let Witnessing::Met(cosigned) = &shown.witnessing { cosigned.as_slice() } else { &[] };
    let members = [
        ("package", quoted(source.file)),
        ("valid", "true".to_owned()),
        ("ledger", quoted(&question.ledger.to_string())),
        ("key", quoted(&shown.key)),
        ("key_from", quoted(source.key)),
        ("framework", quoted(question.framework.name())),
        ("from", quoted(&rfc3339(question.period.from))),
        ("to", quoted(&rfc3339(question.period.to))),
        ("interval", format!("[{},{}]", question.begins, question.ends)),
        ("root", quoted(&rendered.root.to_string())),
        ("entries", counts.entries.to_string()),
        ("in_period", counts.in_period.to_string()),
        ("listed", counts.listed.to_string()),
        ("filter", quoted(&question.filter.to_string())),
        ("frames", rendered.frames.to_string()),
        (
            "bodies",
            object(&[
                ("opened", bodies.opened.to_string()),
                ("withheld", bodies.withheld.to_string()),
                ("erased", bodies.erased.to_string()),
            ]),
        ),
        ("cut_at_head", rendered.is_cut().to_string()),
        ("tests", array(tests)),
        ("controls", array(rendered.controls.iter().map(control))),
        ("proved", texts(shown.proved())),
        ("not_shown", texts(shown.not_shown())),
        ("witnesses", texts(cosigned.iter().map(|by| by.key_name.as_str()).collect())),
        ("ignored", texts(shown.ignored.iter().map(String::as_str).collect())),
        ("unjudged", texts(shown.unjudged.iter().map(String::as_str).collect())),
    ];
    object(&members) + "\n"
}

/// A refused package for people.
pub fn refused(folder: &str, refusal: &PackageRefusal) -> String {
    format!("{}: NOT VALID: {refusal}\n", plain(folder))
}

/// A refused package as one line of JSON.
pub fn refused_json(folder: &str, refusal: &PackageRefusal) -> String {
    object(&[
        ("package", quoted(folder)),
        ("valid", "false".to_owned()),
        ("code", quoted(refusal.code.name())),
        ("file", quoted(&refusal.file)),
        ("found", quoted(&refusal.found)),
    ]) + "\n"
}
