//! What people read in a package, judged by those who did not write it: the page by an XML reader and by what an auditor
//! looks for, the workbook by readers of archives and XML, the guide by following it with other programs.
//! `DEEDBOOK_KEEP_PACKAGES=DIR` keeps the packages, to be looked at.

mod office;
mod second;
mod workbook;

use crate::package_maker::key;
use crate::quarter::Office;
use deedbook::evidence::{Rows, paper};
use deedbook_verify::package::{Basis, Directory, Folder, Framework, Mapping, Rendered, TestId, verify_package};
use office::{Planted, pack, quarter};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;
use workbook::Book;

struct Packed {
    _home: TempDir,
    path: PathBuf,
    office: Office,
    planted: Planted,
    rendered: Rendered,
}

/// Packed once, for all tests.
static QUARTER: LazyLock<Packed> = LazyLock::new(|| packed("quarter", 2, 3));

fn packed(name: &str, requests: u64, reports: u64) -> Packed {
    let (office, planted) = quarter(requests, reports);
    let home = TempDir::new().unwrap();
    let path = kept(&home).join(name);
    let rendered = pack(&office.plan(), &office.ledger, &path);
    Packed { _home: home, path, office, planted, rendered }
}

/// Where packages go: into a folder that is removed, or one that somebody named.
fn kept(home: &TempDir) -> PathBuf {
    std::env::var_os("DEEDBOOK_KEEP_PACKAGES").map_or_else(|| home.path().to_owned(), PathBuf::from)
}

fn page(package: &Path) -> String {
    std::fs::read_to_string(package.join("data/report.html")).unwrap()
}

/// The page as XML: what HTML leaves open is closed.
fn parsed(page: &str) -> String {
    let body = page.strip_prefix("<!DOCTYPE html>\n").unwrap();
    let mut out = body.to_owned();
    for line in body.split_inclusive('>').filter(|tag| tag.contains("<meta ") || tag.ends_with("<br>")) {
        let tag = &line[line.rfind('<').unwrap()..];
        out = out.replacen(tag, &format!("{}/>", &tag[..tag.len() - 1]), 1);
    }
    out
}

/// A sentence without the marks around what is to be typed.
fn plain(sentence: &str) -> String {
    sentence.replace('`', "")
}

/// The text of the part of the page that has this id.
fn part(page: &str, id: &str) -> String {
    let text = parsed(page);
    let document = roxmltree::Document::parse(&text).unwrap();
    let node = document.descendants().find(|node| node.attribute("id") == Some(id)).unwrap();
    let words = node.descendants().filter(|node| node.is_text()).map(|node| node.text().unwrap_or_default());
    words.collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_package_still_verifies_and_the_same_question_gives_the_same_bytes() {
    let shown = verify_package(&Directory(QUARTER.path.clone()), &key(&QUARTER.office.ledger)).unwrap();
    assert_eq!(shown.rendered.tests, QUARTER.rendered.tests);
    let home = TempDir::new().unwrap();
    let again = home.path().join("again");
    pack(&QUARTER.office.plan(), &QUARTER.office.ledger, &again);
    for file in ["data/report.html", "data/workbook.xlsx", "VERIFY.md", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
    {
        assert_eq!(std::fs::read(QUARTER.path.join(file)).unwrap(), std::fs::read(again.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn the_page_says_each_verdict_and_names_what_was_planted() {
    let page = page(&QUARTER.path);
    for (id, verdict, rows, _) in &QUARTER.rendered.tests {
        let said = part(&page, id.name());
        let word = id.word(*verdict);
        let marks = BTreeMap::from([
            ("fail", "✗"),
            ("indeterminate", "?"),
            ("not operated", "–"),
            ("pass", "✓"),
            ("by verifying", "="),
            ("for information", "i"),
        ]);
        assert!(said.starts_with(&format!("{} {} {} {word}", id.name(), id.title(), marks[word])), "{said}");
        let decided = !matches!(id.basis(), Basis::Undecided(_));
        assert!(said.contains(id.asks()) && (!decided || said.contains(&plain(id.limits()))), "{said}");
        assert!(*rows == 0 || said.contains(&grouped(*rows)), "{rows} in {said}");
    }
    let planted = &QUARTER.planted;
    for (test, index, code) in [
        ("T01", planted.by_itself, "SELF_APPROVAL"),
        ("T01", planted.changed, "DIGEST_MISMATCH"),
        ("T01", planted.unapproved, "NO_APPROVAL"),
        ("T01", planted.unasked, "NOT_EVALUATED"),
        ("T10", planted.late_sign, "SILENCE"),
    ] {
        let said = part(&page, test);
        assert!(said.contains(&format!(" {index} {code} ")), "{test}: {index} {code} in {said}");
    }
    let approvers = csv("data/tests/T17/approvers.csv");
    for row in approvers.iter().skip(1) {
        let shown = format!("<code title=\"{}\">{}…</code></th><td class=\"n\">{}</td>", row[0], &row[0][..12], row[1]);
        assert!(page.contains(&shown), "{shown}");
    }
    // The first page carries what the package does not show, and a control its exceptions with their entries.
    assert!(page.find("id=\"limits\"") < page.find("id=\"asked\""));
    let limits = part(&page, "limits");
    for line in QUARTER.rendered.not_shown() {
        assert!(limits.contains(&plain(line)), "{line}");
    }
    let place = Mapping::of(QUARTER.rendered.question.framework).controls;
    let place = place.iter().position(|control| control.id == "CC6.1").unwrap() + 1;
    let control = part(&page, &format!("c{place}"));
    assert!(control.contains(&format!("entry {}", planted.by_itself)), "{control}");
    assert!(control.contains("A pass of T01 does not show"), "{control}");
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().map(|group| std::str::from_utf8(group).unwrap()).collect();
    groups.join(",")
}

/// No script, nothing fetched, no handler, no style outside the one that the page allows itself.
fn harmless(page: &str) {
    let text = parsed(page);
    let document = roxmltree::Document::parse(&text).unwrap();
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(
            !["script", "link", "img", "iframe", "object", "embed", "base", "form", "use", "image"].contains(&name),
            "{name}"
        );
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            assert!(!name.starts_with("on") && !["src", "style", "srcset", "ping"].contains(&name), "{name}={value}");
            if name == "href" {
                let tables = ["controls.csv", "population.csv", "reviews.csv", "dispositions.csv", "refusals.csv"];
                let file = value.starts_with("tests/T") || tables.contains(&value);
                assert!(value.starts_with('#') || file, "{value}");
            }
        }
        if name == "th" {
            assert!(node.attribute("scope").is_some(), "a head without scope");
        }
    }
    let style = page.split("<style>").nth(1).unwrap().split("</style>").next().unwrap();
    assert!(
        !style.contains("@import") && !style.contains("http") && !style.contains("url(")
            || style.matches("url(").count() == style.matches("url(#").count()
    );
    let targets =
        document.descendants().filter_map(|node| node.attribute("href")).filter_map(|href| href.strip_prefix('#'));
    for target in targets {
        assert!(document.descendants().any(|node| node.attribute("id") == Some(target)), "#{target} leads nowhere");
    }
}

#[test]
fn the_page_fetches_nothing_runs_nothing_and_every_link_leads_somewhere() {
    let page = page(&QUARTER.path);
    harmless(&page);
    for file in
        page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).filter(|href| !href.starts_with('#'))
    {
        assert!(QUARTER.path.join("data").join(file).exists(), "{file}");
    }
    assert!(page.len() < 600_000, "{} bytes", page.len());
}

/// A package's folder in which some files have other bytes.
struct Bent(BTreeMap<&'static str, Vec<u8>>);

impl Folder for Bent {
    fn list(&self) -> std::io::Result<Vec<String>> {
        Directory(QUARTER.path.clone()).list()
    }

    fn open(&self, path: &str) -> std::io::Result<Box<dyn Read + Send>> {
        match self.0.get(path) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone()))),
            None => Directory(QUARTER.path.clone()).open(path),
        }
    }
}

/// Strata are registered codes, and the log refuses others; should anything else get into the files, it is shown, not obeyed.
#[test]
fn hostile_names_are_shown_and_not_obeyed() {
    const EXCEPTIONS: &str = "data/tests/T01/exceptions.csv";
    let honest = std::fs::read_to_string(QUARTER.path.join(EXCEPTIONS)).unwrap();
    for hostile in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "'=cmd|' /C calc'!A0",
        "\u{202e}lmth.live",
        "a\u{0}b\u{1b}[2Jc",
        "</style><svg onload=alert(1)>",
        "]]>&amp;&#60;",
    ] {
        let cell = format!("\"{}\"", hostile.replace('"', "\"\""));
        let bent = Bent(BTreeMap::from([(EXCEPTIONS, honest.replace("dataset.export", &cell).into_bytes())]));
        let page = paper::report(&bent, &QUARTER.rendered).unwrap();
        harmless(&page);
        assert!(!page.contains(hostile) || hostile.starts_with("]]"), "{hostile}");
        assert!(page.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'));
        let mut workbook = Vec::new();
        paper::workbook(&bent, &QUARTER.rendered, &mut workbook).unwrap();
        let strata: Vec<String> =
            Book::read(&workbook).sheet("exceptions").into_iter().map(|row| row[5].clone()).collect();
        let spelled = hostile.replace('\u{0}', "_x0000_").replace('\u{1b}', "_x001B_");
        assert!(strata.contains(&spelled), "{spelled} in {strata:?}");
    }
}

fn sheet(name: &str) -> Vec<Vec<String>> {
    Book::read(&std::fs::read(QUARTER.path.join("data/workbook.xlsx")).unwrap()).sheet(name)
}

fn csv(path: &str) -> Vec<Vec<String>> {
    let mut rows = Rows::open(&Directory(QUARTER.path.clone()), path).unwrap();
    let mut all = vec![rows.head().to_vec()];
    while let Some(row) = rows.read().unwrap() {
        all.push(row.to_vec());
    }
    all
}

/// Reviews and refused commands stand on the page, row by row, as the tables have them.
#[test]
fn the_page_says_what_people_stated_and_what_was_refused() {
    let (page, planted) = (page(&QUARTER.path), &QUARTER.planted);
    let (text, from) = (parsed(&page), page.find("id=\"stated\"").unwrap());
    assert!(page.find("id=\"T18\"").unwrap() < from && from < page.find("id=\"files\"").unwrap());
    let document = roxmltree::Document::parse(&text).unwrap();
    let section = document.descendants().find(|node| node.attribute("aria-labelledby") == Some("stated")).unwrap();
    let words = |node: roxmltree::Node<'_, '_>| -> String {
        let texts = node.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text());
        texts.collect::<Vec<_>>().join(" ")
    };
    let rows: Vec<Vec<String>> = section
        .descendants()
        .filter(|node| node.tag_name().name() == "tr")
        .map(|row| row.children().filter(|node| node.tag_name().name() == "td").map(words).collect())
        .filter(|row: &Vec<String>| !row.is_empty())
        .collect();
    assert_eq!(rows.len() + 2, csv("data/reviews.csv").len() + csv("data/refusals.csv").len());
    let row_of = |index: usize| rows.iter().find(|row| row[0] == index.to_string()).unwrap();
    assert_eq!(row_of(planted.reviewed)[3..5], ["yes", "log"]);
    assert_eq!(row_of(planted.reviewed)[9], "findings");
    assert_eq!((row_of(planted.void)[2].as_str(), row_of(planted.void)[6].as_str()), ("vote.cast", "approve"));
    assert_eq!(row_of(planted.void)[7], "NOT_ELIGIBLE");
    assert!(words(section).contains("Nobody disposed of an exception."));
    let link = |node: &roxmltree::Node<'_, '_>| node.attribute("href") == Some("refusals.csv");
    assert!(section.descendants().any(|node| link(&node)));
}

#[test]
fn the_workbook_has_the_cells_of_the_csv_files() {
    assert_eq!(sheet("controls"), csv("data/controls.csv"));
    let judged = |file: &str| {
        let names = TestId::ALL.iter().map(|id| (id.name(), format!("data/tests/{}/{file}.csv", id.name())));
        let there = names.filter(|(_, path)| QUARTER.path.join(path).exists());
        there.map(|(name, path)| (name, csv(&path))).collect::<Vec<_>>()
    };
    let mut exceptions = csv("data/tests/T01/exceptions.csv")[..1].to_vec();
    judged("exceptions").into_iter().for_each(|(_, rows)| exceptions.extend(rows.into_iter().skip(1)));
    assert!(exceptions.len() > 5);
    assert_eq!(sheet("exceptions"), exceptions);
    let of = |name: &str, row: Vec<String>| [vec![name.to_owned()], row].concat();
    let listed = csv("data/samples.csv");
    let mut samples = vec![of("of", listed[0].clone())];
    samples.extend(listed.into_iter().skip(1).map(|row| of("listed", row)));
    for (name, rows) in judged("samples") {
        samples.extend(rows.into_iter().skip(1).map(|row| of(name, row)));
    }
    assert_eq!(sheet("samples").len(), samples.len());
    assert_eq!(sheet("samples"), samples);
    for stated in ["reviews", "dispositions", "refusals"] {
        assert_eq!(sheet(stated), csv(&format!("data/{stated}.csv")));
    }
    let tests = sheet("tests");
    for ((id, verdict, rows, exceptions), row) in QUARTER.rendered.tests.iter().zip(&tests[1..]) {
        let wanted = [id.name(), id.title(), id.word(*verdict), &rows.to_string(), &exceptions.to_string()];
        assert_eq!(row[..5], wanted);
    }
}

/// The guide, followed: other programs accept the manifests, and what it fills in is what stands in the package.
#[test]
fn the_guide_can_be_followed() {
    let guide = std::fs::read_to_string(QUARTER.path.join("VERIFY.md")).unwrap();
    let question = std::fs::read_to_string(QUARTER.path.join("data/question.txt")).unwrap();
    assert!(guide.contains(&question) && guide.contains(&QUARTER.rendered.root.to_string()) && !guide.contains('{'));
    for file in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        assert!(guide.contains(&format!("sha256sum -c {file}")));
        let output =
            std::process::Command::new("sha256sum").args(["--strict", "-c", file]).current_dir(&QUARTER.path).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let tagged = std::fs::read_to_string(QUARTER.path.join("tagmanifest-sha256.txt")).unwrap();
    assert!(tagged.contains("  VERIFY.md\n"));
}

/// The controls of each framework stand on its page, by their names.
#[test]
fn every_framework_has_its_page() {
    let mut office = Office::new();
    let asked = office.approved("one", "ron");
    office.run(&asked);
    let home = TempDir::new().unwrap();
    for framework in Framework::ALL {
        let path = kept(&home).join(framework.name());
        let plan = office.plan().asking(|question| question.framework = *framework);
        pack(&plan, &office.ledger, &path);
        let page = page(&path);
        harmless(&page);
        let controls = Mapping::of(*framework).controls;
        for (at, control) in (1..).zip(&controls) {
            let said = part(&page, &format!("c{at}"));
            assert!(said.starts_with(&format!("{}: {}", control.id, control.asks)), "{said}");
            assert!(said.contains(control.population) && said.contains(control.passes_when), "{said}");
        }
        assert!(!page.contains(&format!("id=\"c{}\"", controls.len() + 1)));
    }
}

/// A page stays readable however much happened: lists are cut, and say where the rest is.
#[test]
fn a_busy_quarter_is_cut_with_a_count() {
    let mut busy = Office::new();
    busy.wait(crate::quarter::HOUR);
    for nth in 0..70 {
        let asked = busy.ask(&format!("busy {nth}"), true);
        busy.run(&asked);
    }
    let home = TempDir::new().unwrap();
    let path = home.path().join("busy");
    pack(&busy.plan(), &busy.ledger, &path);
    let page = page(&path);
    harmless(&page);
    let said = part(&page, "T01");
    assert!(said.contains("50 of 70 are shown. All stand in tests/T01/exceptions.csv"), "{said}");
    verify_package(&Directory(path), &key(&busy.ledger)).unwrap();
}

/// Many thousands of entries, by the same code: to be looked at, and counted.
#[test]
fn many_thousands_of_entries_make_no_longer_page() {
    let many = packed("many", 4, crate::support::scaled(12) * 2);
    let page = page(&many.path);
    harmless(&page);
    assert!(page.len() < 600_000, "{} bytes", page.len());
    let entries = grouped(many.rendered.counts.entries);
    assert!(
        many.rendered.counts.entries > 3_000 && page.contains(&format!("<dd>{entries} entries from genesis")),
        "{entries}"
    );
}
