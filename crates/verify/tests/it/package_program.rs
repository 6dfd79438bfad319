//! The auditor's program on packages in folders: what it prints, how it ends, and what others say of the same folder.

use crate::naive_tree::hex;
use crate::package_maker::{BUSY, Memory, Plan, full, key, leaf_hex};
use deedbook_verify::note::VerifierKey;
use deedbook_verify::package::BodyShown;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("deedbook-package-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn put(&self, name: &str, package: &Memory) -> PathBuf {
        let root = self.0.join(name);
        for (path, bytes) in &package.0 {
            let file = root.join(path);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        root
    }

    fn key(&self) -> PathBuf {
        let file = self.0.join("ledger.vkey");
        std::fs::write(&file, key(&BUSY).to_string()).unwrap();
        file
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &[&Path]) -> (Option<i32>, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_deedbook-verify")).arg("package").args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap() + &String::from_utf8(stderr).unwrap())
}

#[test]
fn the_program_says_which_it_is() {
    let output = Command::new(env!("CARGO_BIN_EXE_deedbook-verify")).arg("--version").output().unwrap();
    let said = format!("deedbook-verify {}, packages by deedbook.evidence/1\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(0), said));
}

#[test]
fn a_package_in_a_folder_is_judged_and_described() {
    let folder = Folder::new("good");
    let (good, key) = (folder.put("good", &full().1), folder.key());
    std::fs::create_dir(good.join("custody")).unwrap();
    std::fs::write(good.join("custody/received.txt"), "by whom, when").unwrap();
    let (status, text) = run(&[Path::new("--vkey"), &key, &good]);
    assert_eq!(status, Some(0), "{text}");
    for said in ["good: valid", "T01", "not shown that no governing entry before", "one that came with the package"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let (status, json) = run(&[Path::new("--json"), Path::new("--vkey"), &key, &good]);
    assert_eq!((status, json.lines().count()), (Some(0), 1), "{json}");
    for member in ["\"valid\":true", "\"tests\":[{\"test\":\"T00\",\"verdict\":\"pass\"", "\"cut_at_head\":true"] {
        assert!(json.contains(member), "{member}: {json}");
    }
    let mut bent = full().1;
    bent.0.insert("data/more.csv".into(), Vec::new());
    let bent = folder.put("bent", &bent);
    let (status, json) = run(&[Path::new("--json"), Path::new("--vkey"), &key, &bent, &good]);
    assert_eq!((status, json.lines().count()), (Some(1), 2), "the other one is judged all the same");
    assert!(json.contains("\"valid\":false,\"code\":\"FILE_SURPLUS\",\"file\":\"data/more.csv\""), "{json}");
    std::os::unix::fs::symlink(&key, good.join("data/link")).unwrap();
    let (status, text) = run(&[Path::new("--vkey"), &key, &good]);
    assert_eq!(status, Some(1));
    assert!(text.contains("UNREADABLE"), "no link is followed: {text}");
}

#[test]
fn what_is_not_there_is_no_verdict_and_every_mistake_has_a_next_step() {
    let folder = Folder::new("mistakes");
    let (good, key) = (folder.put("good", &full().1), folder.key());
    // A folder that is not there is neither valid nor not, and the others are judged all the same.
    let (status, text) = run(&[Path::new("--vkey"), &key, &folder.0.join("nothing"), &good]);
    assert_eq!(status, Some(2), "{text}");
    assert!(text.contains("nothing: no folder") && text.contains("next: check the path"), "{text}");
    assert!(!text.contains("NOT VALID") && text.contains("good: valid"), "{text}");
    let (status, text) = run(&[Path::new("--vkey"), &key, &key]);
    assert_eq!((status, text.contains("NOT VALID")), (Some(2), false), "a file is no package: {text}");
    // A file of another kind, or none: one line and the next step, and no page of usage.
    for wrong in ["good/bagit.txt", "good/data/entries.bin", "nowhere.vkey"] {
        let (status, text) = run(&[Path::new("--vkey"), &folder.0.join(wrong), &good]);
        assert_eq!((status, text.lines().count()), (Some(2), 2), "{text}");
        assert!(text.contains("\nnext: ") && !text.contains("usage:"), "{text}");
    }
    let (status, text) = run(&[&good]);
    assert!(status == Some(2) && text.contains("usage:"), "the command line is another thing: {text}");
}

/// A key of another kind is named as what it is, and so is a key of somebody else, which has the same form.
#[test]
fn a_key_of_another_kind_is_named_with_the_one_that_is_wanted() {
    let folder = Folder::new("kinds");
    let good = folder.put("good", &full().1);
    let given = folder.0.join("given");
    let judged = |key: &str| {
        std::fs::write(&given, key).unwrap();
        run(&[Path::new("--vkey"), &given, &good])
    };
    let right = key(&BUSY);
    let public = VerifierKey::new("ann", right.key().clone()).unwrap().to_string();
    let secret = format!("PRIVATE+KEY+{public}");
    for (text, says) in [
        (secret.as_str(), "this is a secret key"),
        (&"ab".repeat(32), "64 hex digits"),
        ("c2sp.org/tlog-proof@v1\n", "a receipt"),
        ("deedbook.lineage-proof/1\n", "a proof of lineage"),
        ("log ledger.example/a+00000000+AAAA\n", "no key"),
    ] {
        let (status, said) = judged(text);
        assert!(status == Some(2) && said.contains(says) && said.contains("\nnext: "), "{says}: {said}");
        assert!(said.contains("ledger.vkey") && !said.contains(&secret), "{said}");
    }
    let (status, said) = judged(&public);
    assert_eq!(status, Some(1), "{said}");
    for says in ["END_CHECKPOINT", "is that of `ann`, a signer's `.pub`", &format!("ledger `{}`", right.name())] {
        assert!(said.contains(says), "{says}: {said}");
    }
    assert!(!judged(&right.to_string()).1.contains("next: "));
}

#[test]
fn the_words_of_a_package_are_the_same_everywhere() {
    let folder = Folder::new("words");
    let (good, key) = (folder.put("good", &full().1), folder.key());
    let (_, text) = run(&[Path::new("--vkey"), &key, &good]);
    let (_, json) = run(&[Path::new("--json"), Path::new("--vkey"), &key, &good]);
    let read = |path: &str| std::fs::read_to_string(good.join(path)).unwrap();
    let summary = read("data/package.json");
    for (test, word) in [("T17", "for information"), ("T18", "by verifying")] {
        assert!(text.contains(&format!("{test}  {word}")), "{text}");
        assert!(json.contains(&format!("\"test\":\"{test}\",\"verdict\":\"{word}\"")), "{json}");
        assert!(read(&format!("data/tests/{test}/result.json")).contains(&format!("\"verdict\": \"{word}\"")));
        assert!(summary.contains(&format!("\"verdict\": \"{word}\"")), "{summary}");
    }
    // No control passes by either: with nothing else it has a word of its own.
    let controls = read("data/controls.csv");
    for line in controls.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let judged = cells[2].split(' ').any(|test| !["", "T17", "T18"].contains(&test));
        assert_eq!(["pass", "fail", "indeterminate", "not operated"].contains(&cells[1]), judged, "{line}");
    }
}

/// One entry is read without a server: its facts, its body as far as it is disclosed, and nothing of a package that does not hold.
#[test]
fn an_entry_is_shown_with_its_facts_and_its_body() {
    let (plan, package) = full();
    let folder = Folder::new("show");
    let (good, key) = (folder.put("good", &package), folder.key());
    let show = |index: &str, flags: &[&str], root: &Path| {
        let words: Vec<&Path> = flags.iter().map(Path::new).collect();
        run(&[&words[..], &[Path::new("--vkey"), &key, Path::new("--show"), Path::new(index), root]].concat())
    };
    let opened = plan.bodies.iter().find_map(|(index, body)| match body {
        BodyShown::Opened { bytes, .. } => Some((*index, bytes.clone())),
        BodyShown::Erased => None,
    });
    let (index, body) = opened.unwrap();
    let placed = &BUSY.placed[index as usize];
    let (status, json) = show(&index.to_string(), &["--json"], &good);
    assert_eq!((status, json.lines().count()), (Some(0), 1), "{json}");
    let said: Vec<String> = vec![
        format!("\"index\":{index}"),
        format!("\"leaf_hash\":\"{}\"", leaf_hex(&placed.bytes())),
        format!("\"event_id\":\"{}\"", hex(&placed.facts[&crate::encode::tag::EVENT_ID])),
        format!("\"state\":\"opened\",\"media_type\":\"application/json\""),
        format!("\"hex\":\"{}\"", hex(&body)),
    ];
    said.iter().for_each(|said| assert!(json.contains(said), "{said}: {json}"));
    let (status, text) = show(&index.to_string(), &[], &good);
    assert!(status == Some(0) && text.contains(&format!("good: valid; entry {index}, ")), "{text}");
    let erased = plan.bodies.iter().find(|(_, body)| matches!(body, BodyShown::Erased)).unwrap().0;
    assert!(show(&erased.to_string(), &["--json"], &good).1.contains("\"state\":\"erased\""));
    // Only what it holds, and only where all of it holds.
    let before = (plan.question.begins.0 - 1).to_string();
    for outside in [before, plan.question.ends.0.to_string()] {
        let (status, text) = show(&outside, &[], &good);
        assert!(status == Some(2) && text.contains("the package holds the entries from"), "{text}");
    }
    let mut bent = package;
    bent.0.get_mut("data/bodies.bin").unwrap()[46] ^= 1;
    let (status, text) = show(&index.to_string(), &[], &folder.put("bent", &bent));
    assert!(status == Some(1) && text.contains("NOT VALID"), "{text}");
    for wrong in [&["--show"][..], &["--show", "x"], &["--show", "-1"]] {
        let words: Vec<&Path> = wrong.iter().map(Path::new).collect();
        let (status, text) = run(&[&words[..], &[Path::new("--vkey"), &key, &good]].concat());
        assert!(status == Some(2) && text.contains("`--show` needs the index"), "{wrong:?}: {text}");
    }
    let (status, text) = run(&[Path::new("--help")]);
    assert!(status == Some(0) && text.contains("--show INDEX"), "{text}");
}

#[test]
fn sha256sum_accepts_the_manifests() {
    let folder = Folder::new("sums");
    let root = folder.put("package", &Plan::of(&BUSY, 0, BUSY.placed.len()).write(&BUSY).unwrap());
    for manifest in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
        let output = Command::new("sha256sum").args(["--strict", "-c", manifest]).current_dir(&root).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}
