//! Rules about the source that no compiler knows: who may import whom, sizes, nothing left open, no traces of a
//! build machine. What the rules say is data in `table`; a test below shows that each of them can fail.
//!
//! It reads text, not types: a name that a macro assembles escapes it. The rows are those of ARCHITECTURE.md.

mod table;
mod text;

use std::fs;
use std::path::{Path, PathBuf};

use table::{FENCES, FUNCTION_LINES_MAX, LINES_MAX, MACHINE_FOLDERS, OPEN_ENDS, ROWS, Side, VERIFIER_DEPENDENCIES};

/// A rule judges one file: its path from the repository's root, and its text. It returns line and complaint.
type Rule = fn(&str, &str) -> Vec<(usize, String)>;

#[test]
fn imports_point_down() {
    check(import_downward);
}

#[test]
fn fenced_names_stay_inside() {
    check(stay_inside);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    check(keep_it_short);
}

#[test]
fn nothing_is_left_open() {
    check(leave_nothing_open);
}

#[test]
fn no_trace_of_a_build_machine() {
    check(name_no_machine);
}

#[test]
fn the_verifier_has_four_dependencies() {
    check(verifier_dependencies);
}

fn import_downward(path: &str, text: &str) -> Vec<(usize, String)> {
    let Some(module) = module_of(path) else { return Vec::new() };
    let Some(own) = row(module) else {
        return vec![(1, format!("module `{module}` has no row; give it one in ROWS and in ARCHITECTURE.md"))];
    };
    let code = text::code_only(text);
    let mut found = Vec::new();
    for (offset, named) in text::paths(&code) {
        let mut segments = named.split("::");
        let root = segments.next();
        let target = segments.next().unwrap_or("");
        let line = text::line_of(&code, offset);
        let climbs_out = target == "super" || (is_module_root(path) && target != module && row(target).is_some());
        if root == Some("super") && climbs_out {
            found.push((line, format!("`{named}` hides which module it reaches; write it from `crate::`")));
        }
        if !matches!(root, Some("crate" | "deedbook")) || target == module {
            continue;
        }
        match row(target) {
            Some(other) if other < own => {}
            Some(_) => found.push((
                line,
                format!(
                    "`{named}` points sideways or up from `{module}`; move what both need to a lower row, or pass it in"
                ),
            )),
            None => found.push((line, format!("`{named}` hides its module; name the item where it is defined"))),
        }
    }
    found
}

fn stay_inside(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.starts_with("src/") {
        return Vec::new();
    }
    let code = text::code_only(text);
    let mut found = Vec::new();
    for (offset, named) in text::paths(&code) {
        for fence in FENCES.iter().filter(|fence| fence.names.iter().any(|name| contains(&named, name))) {
            let within = |modules: &[&str]| modules.iter().any(|module| is_in(path, module));
            let (allowed, rule) = match fence.side {
                Side::Inside(modules) => (within(modules), format!("belongs to {} alone", modules.join(", "))),
                Side::Outside(modules) => (!within(modules), format!("is kept out of {}", modules.join(", "))),
            };
            if !allowed {
                found.push((text::line_of(&code, offset), format!("`{named}` {rule}: {}", fence.reason)));
            }
        }
    }
    found
}

fn keep_it_short(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.ends_with(".rs") {
        return Vec::new();
    }
    let mut found = Vec::new();
    if !text.starts_with("//!") {
        found.push((1, "opens without `//!`: say what the file is, and what it is not".to_owned()));
    }
    let lines = text.lines().count();
    if lines > LINES_MAX {
        found.push((LINES_MAX, format!("has {lines} lines, more than {LINES_MAX}: cut it along its nouns")));
    }
    for (line, length) in text::functions(&text::code_only(text)) {
        if length > FUNCTION_LINES_MAX {
            found.push((line, format!("function of {length} lines, more than {FUNCTION_LINES_MAX}: name its steps")));
        }
    }
    found
}

fn leave_nothing_open(path: &str, text: &str) -> Vec<(usize, String)> {
    if !path.ends_with(".rs") && !path.ends_with(".proto") {
        return Vec::new();
    }
    let remedy = "the tree holds finished work: do it, or open an issue and leave no mark";
    lines_with(text, OPEN_ENDS).into_iter().map(|(line, mark)| (line, format!("`{mark}`: {remedy}"))).collect()
}

fn name_no_machine(_path: &str, text: &str) -> Vec<(usize, String)> {
    let remedy = "a path of one machine is wrong on every other: write it relative, or with a variable";
    lines_with(text, MACHINE_FOLDERS).into_iter().map(|(line, mark)| (line, format!("`{mark}`: {remedy}"))).collect()
}

fn verifier_dependencies(path: &str, text: &str) -> Vec<(usize, String)> {
    if path != "crates/verify/Cargo.toml" {
        return Vec::new();
    }
    let mut section = "";
    let mut names = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(header) = line.strip_prefix('[') {
            section = header.trim_end_matches(']');
            names.extend(section.split_once("dependencies.").map(|(_, name)| name.to_owned()));
        } else if section.ends_with("dependencies") && !section.ends_with("dev-dependencies") {
            names.extend(line.split(['.', '=']).next().map(|name| name.trim().to_owned()));
        }
    }
    names.sort();
    if names == VERIFIER_DEPENDENCIES {
        return Vec::new();
    }
    let wanted = VERIFIER_DEPENDENCIES.join(", ");
    vec![(1, format!("depends on {}; an auditor reads {wanted} and nothing more", names.join(", ")))]
}

/// Runs a rule over the tree and fails with every finding, not only the first.
fn check(rule: Rule) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(root, &mut files);
    let mut findings = String::new();
    for file in &files {
        let path = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{path}: {error}"));
        for (line, complaint) in rule(&path, &text) {
            findings.push_str(&format!("\n{path}:{line}: {complaint}"));
        }
    }
    assert!(files.len() > 1, "no sources under {}", root.display());
    assert!(findings.is_empty(), "{findings}\n");
}

/// Sources and documents: known endings, and no folder that a program fills.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let filled = matches!(name, "target" | ".git" | "deedbook-data" | "deedbook-demo");
        if path.is_dir() && !filled {
            collect(&path, files);
        } else if matches!(name, "Makefile" | "Dockerfile" | "run")
            || [".rs", ".proto", ".toml", ".md", ".sh", ".yml", ".html"].iter().any(|ending| name.ends_with(ending))
        {
            files.push(path);
        }
    }
}

fn module_of(path: &str) -> Option<&str> {
    let first = path.strip_prefix("src/")?.split('/').next()?;
    Some(first.strip_suffix(".rs").unwrap_or(first))
}

/// Whether `super` in this file is the crate itself.
fn is_module_root(path: &str) -> bool {
    path.matches('/').count() == 1 || (path.matches('/').count() == 2 && path.ends_with("/mod.rs"))
}

fn row(module: &str) -> Option<(u8, u8)> {
    ROWS.iter().find(|(name, _)| *name == module).map(|(_, row)| *row)
}

fn is_in(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

fn contains(named: &str, name: &str) -> bool {
    let named = format!("::{named}::");
    match name.strip_prefix("::") {
        Some(anywhere) => named.contains(&format!("::{anywhere}::")),
        None => named.starts_with(&format!("::{name}::")),
    }
}

fn lines_with(text: &str, marks: &[&'static str]) -> Vec<(usize, &'static str)> {
    let lines = text.lines().enumerate();
    lines
        .flat_map(|(at, line)| marks.iter().filter(move |mark| line.contains(**mark)).map(move |mark| (at + 1, *mark)))
        .collect()
}

#[test]
fn every_rule_can_fail() {
    let open_end = format!("//! a\n// {} later\n", OPEN_ENDS[0]);
    let machine = format!("# a\nread {}notes\n", MACHINE_FOLDERS[0]);
    let long_file = format!("//! a\n{}", "\n".repeat(LINES_MAX));
    let long_function = format!("//! a\nfn a() {{\n{}}}\n", "    b();\n".repeat(FUNCTION_LINES_MAX));
    let bad: &[(Rule, &str, &str, usize)] = &[
        (import_downward, "src/store/rocks.rs", "//! a\nuse crate::ledger::Head;", 2),
        (import_downward, "src/store.rs", "use crate::{limits, domain::Ref,\n  merkle::Tree};", 1),
        (import_downward, "src/ledger/head.rs", "fn f(x: crate::evidence::Sample) {}", 1),
        (import_downward, "src/limits.rs", "use crate::clock::Clock;", 1),
        (import_downward, "src/app.rs", "use crate::cli::Arguments;", 1),
        (import_downward, "src/ledger.rs", "use deedbook::api;", 1),
        (import_downward, "src/api.rs", "use crate::Error;", 1),
        (import_downward, "src/api/read.rs", "\nuse super::super::http::serve;", 2),
        (import_downward, "src/api/mod.rs", "use super::http::serve;", 1),
        (import_downward, "src/util.rs", "", 1),
        (stay_inside, "src/store/keys.rs", "use rocksdb::DB;", 1),
        (stay_inside, "src/cli/add.rs", "use tonic::transport::Channel;", 1),
        (stay_inside, "src/api/read.rs", "use axum;", 1),
        (stay_inside, "src/ledger.rs", "use tokio::{sync, runtime::Handle};", 1),
        (stay_inside, "src/ledger.rs", "let now = std::time::SystemTime::now();", 1),
        (stay_inside, "src/ledger/commit.rs", "use super::head::HeadKey;", 1),
        (stay_inside, "src/domain/refs.rs", "#[derive(serde::Serialize)]", 1),
        (stay_inside, "src/approvals.rs", "use crate::clock::Clock;", 1),
        (keep_it_short, "src/a.rs", "fn a() {}", 1),
        (keep_it_short, "src/a.rs", &long_file, LINES_MAX),
        (keep_it_short, "src/a.rs", &long_function, 2),
        (leave_nothing_open, "src/a.rs", &open_end, 2),
        (leave_nothing_open, "proto/a.proto", &open_end, 2),
        (name_no_machine, "docs/a.md", &machine, 2),
        (verifier_dependencies, "crates/verify/Cargo.toml", "[dependencies]\nserde = \"1\"", 1),
        (verifier_dependencies, "crates/verify/Cargo.toml", "[dependencies.tokio]\nversion = \"1\"", 1),
    ];
    for (rule, path, text, line) in bad {
        let found = rule(path, text);
        assert_eq!(found.first().map(|(line, _)| *line), Some(*line), "{path}: {text}\n{found:?}");
    }
}

#[test]
fn what_is_allowed_passes() {
    let good: &[(Rule, &str, &str)] = &[
        (import_downward, "src/main.rs", "use deedbook::{app, cli};"),
        (import_downward, "src/ledger/head.rs", "use crate::ledger::Head; use crate::{limits::{A, B}, store::Store};"),
        (import_downward, "src/ledger.rs", "// not crate::api\nlet text = \"crate::api\"; use deedbook_verify::Entry;"),
        (import_downward, "src/lib.rs", "pub mod limits;"),
        (import_downward, "src/api.rs", "mod tests { use super::*; use super::Reader; }"),
        (stay_inside, "src/store/rocks/open.rs", "use rocksdb::DB;"),
        (stay_inside, "src/cli.rs", "let policy = 1; use crate::api::tonic_status;"),
        (stay_inside, "src/ledger/head.rs", "impl HeadKey { fn f() { HeadKey::new() } }"),
        (stay_inside, "tests/it/store.rs", "use rocksdb::DB;"),
        (keep_it_short, "src/a.rs", "//! a\nfn a() {}\n"),
    ];
    for (rule, path, text) in good {
        assert_eq!(rule(path, text), [], "{path}: {text}");
    }
}
