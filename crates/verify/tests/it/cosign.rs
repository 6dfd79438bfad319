//! Cosignatures: a checkpoint of a public log with its four witnesses, lines written by a second encoder, and one bad
//! line for each rule of C2SP tlog-cosignature.

use crate::encode::Key;
use crate::maker::{b64, cosignature_line, cosigner_vkey, vkey};
use crate::naive_tree::{hex, sha256};
use deedbook_verify::cosign::{CosignerKey, has_form, message};
use deedbook_verify::note::{Note, NoteRefusal, SignatureLine, VerifierKey};
use deedbook_verify::policy::Policy;
use deedbook_verify::witnessed::open_witnessed;
use deedbook_verify::words::{Seconds, TreeSize};

const NAME: &str = "witness.example/w1";
const TEXT: &str = "ledger.example/a\n5\nCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=\n";

/// The checkpoint of a public CT log, as its witnesses cosigned it in May 2026.
const PUBLIC: &str = "\
arche2025h1.staging.ct.transparency.dev
1432088532
U7WM79jrzyhGZ5/GUBTpM7NzwdyfFx61t3RovgcC4Ro=

\u{2014} arche2025h1.staging.ct.transparency.dev zTM8sQAAAZ5W0WdjBAMARjBEAiBjW5IQf9pvsYLfQFX6hoGREPMHbdQ3urbllzalApkptQIgIpwtEroeW2BXaHAI4kJXFbon5Ch9MNL5zRNZ55lvGt0=
\u{2014} arche2025h1.staging.ct.transparency.dev ui8GwCF1+kWqZrxGdhj4aX3gcw7XUlXQQabg/27lefwhUkzbC3NygNI75MdhL1bfTW9g8Ei59RA23oHP7Ry1k3ZFWwQ=
\u{2014} transparency.dev/DEV:witness-little-garden 2AQqhwAAAABqEiEgzgFIqqhbUoDwjMWE6UP8nd8/KYTzwZ2rhIgcqoXHAwVkjZr4AscylP3v7sEodkRAErumC2q44vdgJY096st5BQ==
\u{2014} witness1.smartit.nu/witness1 pIyCDwAAAABqEiEghIp82KWebrw7/oHQwlTAm3g2RKS4+eebl8eO0WH+/iEcxZ75W3u5hNI7TOQtmJbqmNWVuE0tgh0XwzdZsDsUAQ==
\u{2014} remora.n621.de 2net5wAAAABqEiEgPlfF3V06o0Y+fHM+J5J9s27wgxxcOVSpZ/2g/KSiXCg9DEZI+aVCIobWX9sXTynk5XeU/zZ0WBxtqB0DrAWfBw==
\u{2014} witness.stagemole.eu Z/euoAAAAABqEiEgw0i+7g2ENfDAWHmtRzCfKTHSDwYDJA2NmKeGi9Y8FtEyOUvVr+AJmIY/2TUFucgKi7lI7cUiOvKFYe/TmN9DAg==
";

/// Its keys, as their operators publish them.
const PUBLIC_POLICY: &str = "\
log arche2025h1.staging.ct.transparency.dev+ba2f06c0+AU0vHmlGCS/PdN8b2OaGmKprLI8HKM+dJ472xgFYh15f
witness little-garden transparency.dev/DEV:witness-little-garden+d8042a87+BCtusOxINQNUTN5Oj8HObRkh2yHf/MwYaGX4CPdiVEPM
witness smartit witness1.smartit.nu/witness1+a48c820f+BPSFWg9G6KPiO7QPryYO5Xq4oYJJ+kAvLKLSimDhoxMO
witness remora remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2
witness mullvad witness.stagemole.eu+67f7aea0+BEqSG3yu9YrmcM3BHvQYTxwFj3uSWakQepafafpUqklv
group everybody all little-garden smartit remora mullvad
quorum everybody
";

fn key() -> Key {
    Key::named("witness one")
}

fn known() -> CosignerKey {
    CosignerKey::parse(&cosigner_vkey(NAME, &key())).unwrap()
}

fn open(line: &str) -> Result<(Seconds, TreeSize), NoteRefusal> {
    let line = SignatureLine::parse(line.strip_suffix('\n').unwrap())?;
    known().open(TEXT, &line).map(|opened| (opened.time(), opened.checkpoint().head.size))
}

#[test]
fn a_public_logs_checkpoint_opens_under_its_witnesses() {
    let policy = Policy::parse(PUBLIC_POLICY.as_bytes()).unwrap();
    let opened = open_witnessed(PUBLIC.as_bytes(), &policy).unwrap();
    assert_eq!(opened.checkpoint().head.size, TreeSize(1_432_088_532));
    let names: Vec<&str> = opened.cosigned().iter().map(|by| by.witness.as_str()).collect();
    assert_eq!(names, ["little-garden", "smartit", "remora", "mullvad"]);
    assert!(opened.cosigned().iter().all(|by| by.time == Seconds(0x6a12_2120)));
    // The log's other line is of the type of RFC 6962 tree heads, whose key the policy does not know.
    assert_eq!(opened.ignored(), ["arche2025h1.staging.ct.transparency.dev"]);
    let changed = PUBLIC.replacen("1432088532", "1432088533", 1);
    assert_eq!(open_witnessed(changed.as_bytes(), &policy).err(), Some(NoteRefusal::SignatureInvalid));
}

#[test]
fn every_line_of_the_public_checkpoint_that_has_the_form_is_a_cosignature() {
    let note = Note::parse(PUBLIC.as_bytes()).unwrap();
    let formed: Vec<bool> = note.signatures.iter().map(has_form).collect();
    assert_eq!(formed, [false, false, true, true, true, true]);
    assert_eq!(signed_note::Note::from_bytes(PUBLIC.as_bytes()).unwrap().to_bytes(), PUBLIC.as_bytes());
}

#[test]
fn a_key_is_read_and_written_back() {
    let text = cosigner_vkey(NAME, &key());
    assert_eq!(known().to_string(), text);
    assert_eq!(CosignerKey::parse(&format!(" {text}\n")), Ok(known()));
    let typed = [&[4], key().point().as_slice()].concat();
    assert_eq!(u32::from_be_bytes(known().note_id()), signed_note::key_id(NAME, &typed));
    for (name, text) in [
        ("type-of-a-log", vkey(NAME, &key())),
        ("type-of-ml-dsa", text.replacen("+B", "+D", 1)),
        ("hash-of-a-log-key", text.replacen(&hex(&known().note_id()), &vkey(NAME, &key())[NAME.len() + 1..][..8], 1)),
        ("upper-case-hash", text.replacen(&hex(&known().note_id()), &hex(&known().note_id()).to_uppercase(), 1)),
        ("empty", String::new()),
        ("name-only", NAME.to_owned()),
        ("space-in-name", text.replacen("witness.", "witness ", 1)),
        ("key-of-order-one", {
            let mut typed = [0; 33];
            (typed[0], typed[1]) = (4, 1);
            let id = sha256(&[NAME.as_bytes(), b"\n", &typed]);
            format!("{NAME}+{}+{}", hex(&id[..4]), b64(&typed))
        }),
    ] {
        assert_eq!(CosignerKey::parse(&text).err(), Some(NoteRefusal::CosignerKey), "{name}: {text}");
    }
    assert!(VerifierKey::parse(&text).is_err(), "a cosigner's key is no log's");
}

#[test]
fn what_we_build_and_what_another_encoder_builds_are_the_same() {
    for time in [1, 1_679_315_147, i64::MAX as u64] {
        let signature = key().sign(message(TEXT, Seconds(time)).as_bytes());
        let line = known().line(Seconds(time), &signature);
        assert_eq!(line, cosignature_line(NAME, &key(), time, TEXT));
        assert_eq!(open(&line), Ok((Seconds(time), TreeSize(5))));
    }
}

/// Cosignature lines that must not count, each wrong in one way.
fn bad_lines() -> Vec<(&'static str, String)> {
    let line = |blob: &[u8]| format!("\u{2014} {NAME} {}\n", b64(blob));
    let sign = |message: &str| key().sign(message.as_bytes());
    let id = known().note_id();
    let blob = |time: u64, signature: &[u8]| [id.as_slice(), &time.to_be_bytes(), signature].concat();
    let good = sign(&format!("cosignature/v1\ntime 9\n{TEXT}"));
    let mut flipped = good;
    flipped[3] ^= 1;
    vec![
        ("time-zero", cosignature_line(NAME, &key(), 0, TEXT)),
        ("time-beyond-63-bits", cosignature_line(NAME, &key(), 1 << 63, TEXT)),
        ("time-changed", line(&blob(10, &good))),
        ("time-missing", line(&[id.as_slice(), &good].concat())),
        ("signature-bit-flipped", line(&blob(9, &flipped))),
        ("signature-truncated", line(&blob(9, &good[..63]))),
        ("signature-extended", line(&blob(9, &[good.as_slice(), &[0]].concat()))),
        ("time-alone", line(&blob(9, &[]))),
        ("time-cut", line(&[id.as_slice(), &[0, 0, 0]].concat())),
        ("header-missing", line(&blob(9, &sign(&format!("time 9\n{TEXT}"))))),
        ("header-of-version-2", line(&blob(9, &sign(&format!("cosignature/v2\ntime 9\n{TEXT}"))))),
        ("time-with-leading-zero", line(&blob(9, &sign(&format!("cosignature/v1\ntime 09\n{TEXT}"))))),
        ("text-alone", line(&blob(9, &sign(TEXT)))),
        (
            "text-without-its-final-line-feed",
            line(&blob(9, &sign(&format!("cosignature/v1\ntime 9\n{}", TEXT.trim_end())))),
        ),
        ("text-of-another-size", cosignature_line(NAME, &key(), 9, &TEXT.replacen("5", "6", 1))),
        ("text-of-another-origin", cosignature_line(NAME, &key(), 9, &TEXT.replacen("/a", "/b", 1))),
        ("key-of-another-witness", line(&blob(9, &Key::named("other").sign(message(TEXT, Seconds(9)).as_bytes())))),
    ]
}

#[test]
fn bad_cosignatures_are_refused() {
    for (name, line) in bad_lines() {
        assert_eq!(open(&line), Err(NoteRefusal::CosignatureInvalid), "{name}");
    }
}

#[test]
fn name_and_id_must_both_match() {
    let good = cosignature_line(NAME, &key(), 9, TEXT);
    for (what, line) in [
        ("other name", good.replacen(NAME, "witness.example/w2", 1)),
        ("other id", cosignature_line("witness.example/w2", &key(), 9, TEXT).replacen("/w2", "/w1", 1)),
    ] {
        let parsed = SignatureLine::parse(line.trim_end()).unwrap();
        assert!(!known().claims(&parsed), "{what}");
        assert!(known().open(TEXT, &parsed).is_err(), "{what}");
    }
}

#[test]
fn only_checkpoints_are_cosigned() {
    let line = cosignature_line(NAME, &key(), 9, "no checkpoint\n");
    let parsed = SignatureLine::parse(line.trim_end()).unwrap();
    assert_eq!(known().open("no checkpoint\n", &parsed).err(), Some(NoteRefusal::Checkpoint));
}
