//! The guide is enough: a verifier in another language, which was written from it and knows nothing else of the formats,
//! agrees with `deedbook-verify` about packages that are right and about packages that are not.

use super::office::pack;
use crate::encode::tag;
use crate::maker::vkey;
use crate::package_maker::{Memory, Plan, edges, reseal};
use crate::quarter::Office;
use crate::support::{Rng, not_run, scaled};
use deedbook_verify::note::VerifierKey;
use deedbook_verify::package::{Directory, Folder as _, Nonce, verify_package};
use std::io::Read as _;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

fn second(package: &Path, key: &Path) -> std::io::Result<Output> {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/guide/verify.py");
    Command::new("python3").arg(program).arg("--vkey").args([key, package]).output()
}

fn office() -> Office {
    let mut office = Office::new();
    for nth in 0..6 {
        let asked = office.approved(&format!("asked {nth}"), if nth % 2 == 0 { "ron" } else { "sam" });
        office.run(&asked);
        office.report(&asked);
        office.wait(1_000_000);
    }
    office
}

#[test]
fn a_second_verifier_that_knows_the_guide_alone_agrees() {
    if Command::new("python3").arg("--version").output().is_err() {
        return not_run("the second verifier of packages", "there is no python3");
    }
    let (office, home, mut rng) = (office(), TempDir::new().unwrap(), Rng::seeded("second verifier"));
    let ledger = &office.ledger;
    let (text, key) = (vkey(&ledger.name, &ledger.head), home.path().join("ledger.vkey"));
    std::fs::write(&key, &text).unwrap();
    let verifier_key = VerifierKey::parse(&text).unwrap();
    // Without its arguments, or with a path that is none, it says what it takes and judges nothing.
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("interop/guide/verify.py");
    let alone = Command::new("python3").arg(&program).output().unwrap();
    assert_eq!(alone.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&alone.stderr).starts_with("usage: "));
    assert_eq!(second(&home.path().join("nothing"), &key).unwrap().status.code(), Some(2));
    let help = Command::new("python3").arg(program).arg("--help").output().unwrap();
    assert!(help.status.success() && help.stdout.starts_with(b"usage: python3 verify.py --vkey LEDGER.vkey FOLDER"));
    // What the ledger says stands behind what it follows from, in one commit: no interval begins or ends between them.
    let own = |index: usize| ledger.placed.get(index).is_some_and(|placed| placed.facts[&tag::SOURCE] == ledger.source);
    let edges: Vec<usize> = edges(ledger).into_iter().filter(|index| !own(*index) || *index == 0).collect();
    for case in 0..scaled(4) {
        // The first frame lies before the period, the others in it.
        let from = rng.below(edges.len() as u64 - 2) as usize;
        let to = from + 2 + rng.below((edges.len() - from - 2) as u64) as usize;
        let begins = if case == 0 { 0 } else { edges[from] };
        let mut plan = Plan::of(ledger, begins, edges[to]);
        plan.policies = office.texts.clone();
        plan.question.sample = rng.below(4) as u32;
        plan.question.nonce = Nonce::from_hex("00112233445566ff").filter(|_| rng.percent(50));
        let path = home.path().join(format!("package-{case}"));
        pack(&plan, ledger, &path);
        let output = second(&path, &key).unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(
            said.contains(&verify_package(&Directory(path.clone()), &verifier_key).unwrap().rendered.root.to_string())
        );
        bend(&path, &mut rng);
        assert!(verify_package(&Directory(path.clone()), &verifier_key).is_err());
        let output = second(&path, &key).unwrap();
        assert_eq!(output.status.code(), Some(1), "case {case}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

/// Turns one bit of the evidence, and makes manifests agree with it again.
fn bend(path: &Path, rng: &mut Rng) {
    let folder = Directory(path.to_owned());
    let mut package = Memory::default();
    for file in folder.list().unwrap() {
        let mut bytes = Vec::new();
        folder.open(&file).unwrap().read_to_end(&mut bytes).unwrap();
        package.0.insert(file, bytes);
    }
    let entries = package.0.get_mut("data/entries.bin").unwrap();
    let at = rng.below(entries.len() as u64) as usize;
    entries[at] ^= 1 << rng.below(8);
    reseal(&mut package);
    package.0.iter().for_each(|(file, bytes)| std::fs::write(path.join(file), bytes).unwrap());
}
