//! What the program says of a package: tables for people, one line of JSON for programs. It judges nothing.

use super::lineage::{Source, array, counted, object, plain, quoted};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::judge::Witnessing;
use deedbook_verify::package::{CustodyShown, PackageRefusal, PackageShown, Signed, Verdict};
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
            "  entries   {}, of the period {}, listed {} by `{}`; {} signed",
            counts.entries,
            counts.in_period,
            counts.listed,
            question.filter,
            counted(rendered.frames, "frame", "frames")
        ),
        format!("  bodies    {} opened, {} withheld, {} erased", bodies.opened, bodies.withheld, bodies.erased),
        format!("  policies  {}, texts of sets that were in force or asked", rendered.policies),
        String::new(),
    ];
    for (id, verdict, rows, exceptions) in &rendered.tests {
        let found = format!(
            "{rows:>9} {:<5}{exceptions:>7} {}",
            noun(*rows, "row", "rows"),
            noun(*exceptions, "exception ", "exceptions")
        );
        lines.push(format!("  {}  {:<16}{found}  {}", id.name(), id.word(*verdict), id.title()));
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
    lines.extend(custody(&shown.custody));
    lines.extend(witnesses(&shown.witnessing));
    lines.extend(shown.ignored.iter().map(|name| format!("  ignored   signature line of {}", plain(name))));
    lines.extend(shown.unjudged.iter().map(|file| format!("  unjudged  {file}: its hash alone was checked")));
    lines.push(format!(
        "  the key is worth what your way of getting {} is worth: one that came with the package proves nothing",
        plain(key_file)
    ));
    lines.join("\n") + "\n"
}

fn noun(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// Who took it out, as far as what stands beside it was checked.
fn custody(custody: &CustodyShown) -> Vec<String> {
    let mut lines = vec![match custody.signed {
        Some(Signed::By(key, source)) => format!("  custody   signed by key {key} of {source}: the envelope holds"),
        Some(Signed::Unknown(key)) => {
            format!("  custody   NOT CHECKED: signed by key {key}, which no entry of the package or before it let in")
        }
        None => "  custody   no signature stands beside it".to_owned(),
    }];
    lines.push(match custody.exported {
        Some(exported) => format!(
            "            taken out by {}, as the ledger states at index {}, received {}: the receipt holds",
            exported.exporter,
            exported.index,
            rfc3339(exported.received)
        ),
        None => "            no statement of the ledger stands beside it".to_owned(),
    });
    lines.extend(custody.unread.iter().map(|file| format!("  unread    {}: nothing was checked", plain(file))));
    lines
}

fn witnesses(witnessing: &Witnessing) -> Vec<String> {
    let Witnessing::Met(cosigned) = witnessing else { return Vec::new() };
    let line = |by: &deedbook_verify::witnessed::Cosigned| {
        let at = rfc3339(Micros(by.time.0.saturating_mul(1_000_000)));
        format!("  witness   {} ({}) at {at}, by its own clock", plain(&by.witness), by.key_name)
    };
    cosigned.iter().map(line).collect()
}

fn custody_json(custody: &CustodyShown) -> String {
    let null = || "null".to_owned();
    let signed = custody.signed.map(|signed| match signed {
        Signed::By(key, source) => object(&[
            ("key_id", quoted(&key.to_string())),
            ("checked", "true".to_owned()),
            ("source", quoted(&source.to_string())),
        ]),
        Signed::Unknown(key) => {
            object(&[("key_id", quoted(&key.to_string())), ("checked", "false".to_owned()), ("source", null())])
        }
    });
    let exported = custody.exported.map(|exported| {
        object(&[
            ("index", exported.index.to_string()),
            ("received", quoted(&rfc3339(exported.received))),
            ("exporter", quoted(&exported.exporter.to_string())),
        ])
    });
    object(&[
        ("signed", signed.unwrap_or_else(null)),
        ("exported", exported.unwrap_or_else(null)),
        ("unread", array(custody.unread.iter().map(|file| quoted(file)))),
    ])
}

/// A verified package as one line of JSON.
pub fn json(source: Source<'_>, shown: &PackageShown) -> String {
    let rendered = &shown.rendered;
    let (question, counts, bodies) = (&rendered.question, rendered.counts, rendered.bodies);
    let tests = rendered.tests.iter().map(|(id, verdict, rows, exceptions)| {
        object(&[
            ("test", quoted(id.name())),
            ("verdict", quoted(id.word(*verdict))),
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
        ("custody", custody_json(&shown.custody)),
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
