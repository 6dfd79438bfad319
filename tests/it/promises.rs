//! Every promise of docs/PROMISES.md names tests that exist; and the one promise that has no test elsewhere.

use crate::support::{House, audit, open};
use deedbook::ledger::OpenError;
use deedbook::store::{Access, Batch, RocksStore, Store, keys};
use std::fs;
use std::path::Path;

/// The test functions of a module: of its file and of everything in its folder.
fn tests_of(folder: &str, module: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut text = fs::read_to_string(root.join(format!("{module}.rs"))).unwrap_or_default();
    let mut folders = vec![root.join(module)];
    while let Some(folder) = folders.pop() {
        for file in fs::read_dir(folder).into_iter().flatten() {
            match file.unwrap().path() {
                inner if inner.is_dir() => folders.push(inner),
                file => text.push_str(&fs::read_to_string(file).unwrap()),
            }
        }
    }
    text
}

#[test]
fn each_names_tests_that_exist() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/PROMISES.md");
    let page = fs::read_to_string(page).unwrap();
    let of = |letter: &str| page.lines().filter(move |line| line.starts_with(letter)).collect::<Vec<&str>>();
    let (reliability, approvals) = (of("| P"), of("| A"));
    assert_eq!((reliability.len(), approvals.len()), (15, 6));
    for promise in [reliability, approvals].concat() {
        let shown_by = promise.trim_end_matches('|').rsplit('|').next().unwrap();
        let names: Vec<&str> = shown_by.split('`').filter(|name| name.contains("::")).collect();
        assert!(!names.is_empty(), "{promise}");
        for name in names {
            let (module, function) = name.split_once("::").unwrap();
            let (folder, module) = match module.strip_prefix("verify/") {
                Some(module) => ("crates/verify/tests/it", module),
                None => ("tests/it", module),
            };
            let text = tests_of(folder, module);
            let found = text.split_once(&format!("fn {function}(")).map(|(before, _)| before.trim_end());
            let is_test = found.is_some_and(|before| before.ends_with(']') || before.ends_with("async"));
            assert!(is_test, "docs/PROMISES.md names {name}, which is no test");
        }
    }
}

#[test]
fn a_store_of_another_format_is_refused() {
    let house = House::build();
    let store = RocksStore::open(&house.dir.store(), Access::ReadWrite).unwrap();
    let mut batch = Batch::new();
    batch.put(keys::format().as_slice(), &[keys::STORE_FORMAT + 1]);
    store.commit(&batch).unwrap();
    drop(store);
    let refusal = open(&house.dir).err();
    let said = refusal.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(matches!(refusal, Some(OpenError::Damaged(_))), "{refusal:?}");
    assert!(said.contains("another format than ") && said.contains("with its own version"), "{said}");
    assert!(!audit(house.dir.root()).is_clean());
}
