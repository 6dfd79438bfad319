//! The witness from outside: every row of C2SP tlog-witness' status table, sixty-four racing submissions of two forks,
//! `kill -9`, and a memory that is lost, damaged, shared or another's.

use crate::support::log::{PlainLog, Watching, body, open_witness, witness_key};
use crate::support::process::WitnessProcess;
use crate::support::web::{get, post};
use crate::support::{Rng, scaled};
use deedbook::witness::{Answer, StateError};
use deedbook_verify::cosign::CosignerKey;
use deedbook_verify::hash::{digest, leaf};
use deedbook_verify::note::{Note, SignatureLine};
use deedbook_verify::policy::Policy;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::witnessed::open_witnessed;
use deedbook_verify::words::{Hash, TreeSize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

const ORIGIN: &str = "log.example/a";

fn plain() -> PlainLog {
    PlainLog::new(ORIGIN, 1, "main", 40)
}

fn place(origin: &str) -> String {
    digest(&[origin.as_bytes()]).0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Verifies an answer's line over the text that was submitted.
fn time_of(key: &CosignerKey, text: &str, line: &str) -> u64 {
    let parsed = SignatureLine::parse(line.strip_suffix('\n').unwrap()).unwrap();
    key.open(text, &parsed).unwrap().time().0
}

/// A case of the table: what is sent, the status, and the size in the answer if there is one.
type Case = (&'static str, Vec<u8>, u16, Option<&'static str>);

/// What is refused whatever was cosigned before; here, nothing.
fn refused_at_first(log: &PlainLog, empty: &PlainLog) -> Vec<Case> {
    let (stranger, forged) = (PlainLog::new("log.example/b", 3, "main", 40), log.forked(9, 40, "main"));
    let note = |size: usize| log.sign(&log.text(size));
    let text = log.text(5);
    let broken = format!("{}\u{2014} {ORIGIN} {}", note(5), log.sign("other\n").rsplit(' ').next().unwrap());
    let not_empty = empty.sign(&log.text(0).replace(ORIGIN, empty.key.name()).replace("47DEQ", "57DEQ"));
    let leading_zero = [b"old 00\n\n".as_slice(), note(5).as_bytes()].concat();
    vec![
        ("old above what was ever cosigned", log.body(3, 5), 409, Some("0\n")),
        ("a proof where there is nothing to prove", body(0, &[leaf(b"x")], &note(5)), 422, None),
        ("unknown origin", stranger.body(0, 5), 404, None),
        ("signed by another key of that name", forged.body(0, 5), 403, None),
        ("known name and id, broken signature behind a sound one", body(0, &[], &broken), 403, None),
        ("old above the checkpoint", body(9, &[], &note(5)), 400, None),
        ("an empty tree with another root", body(0, &[], &not_empty), 422, None),
        ("no old line", note(5).into_bytes(), 400, None),
        ("old with a leading zero", leading_zero, 400, None),
        ("a proof line that is no hash", [b"old 0\nAAAA\n\n".as_slice(), note(5).as_bytes()].concat(), 400, None),
        ("64 proof lines", body(1, &[leaf(b"x"); 64], &note(5)), 400, None),
        ("no checkpoint", b"old 0\n\n".to_vec(), 400, None),
        ("an extension line", body(0, &[], &log.sign(&(text.clone() + "extension\n"))), 400, None),
        ("an unsigned checkpoint", format!("old 0\n\n{text}").into_bytes(), 400, None),
    ]
}

/// What follows when the first checkpoint is cosigned; in this order, for what was cosigned before decides.
fn one_after_the_other(log: &PlainLog, empty: &PlainLog) -> Vec<Case> {
    let fork = log.forked(1, 7, "fork");
    let note = |size: usize| log.sign(&log.text(size));
    let root_of_fork = fork.text(10).lines().nth(2).unwrap().to_owned();
    let other_root = log.sign(&log.text(10).replace(log.text(10).lines().nth(2).unwrap(), &root_of_fork));
    let mut flipped = log.body(5, 10);
    flipped[8] = if flipped[8] == b'A' { b'B' } else { b'A' };
    vec![
        ("the first", log.body(0, 5), 200, None),
        ("the same from nothing", log.body(0, 5), 409, Some("5\n")),
        ("the same again", log.body(5, 5), 200, None),
        ("the same with a proof", body(5, &[leaf(b"x")], &note(5)), 422, None),
        ("from a size between", log.body(3, 9), 409, Some("5\n")),
        ("smaller", log.body(3, 4), 409, Some("5\n")),
        ("smaller, from the last size", body(5, &[], &note(4)), 400, None),
        ("a bit of the proof flipped", flipped, 422, None),
        ("a proof too long", body(5, &[leaf(b"x"); 30], &note(10)), 422, None),
        ("no proof", body(5, &[], &note(10)), 422, None),
        ("larger", log.body(5, 10), 200, None),
        ("another root of the same size", body(10, &[], &other_root), 422, None),
        ("a fork from below", fork.body(10, 20), 422, None),
        ("much larger", log.body(10, 40), 200, None),
        ("an empty tree", empty.body(0, 0), 200, None),
        ("an empty tree again", empty.body(0, 0), 200, None),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_case_of_the_status_table() {
    let folder = tempfile::tempdir().unwrap();
    let (log, empty) = (plain(), PlainLog::new("log.example/empty", 2, "", 0));
    let witness =
        Watching::start(folder.path(), "witness.example/w", &[log.verifier_key(), empty.verifier_key()]).await;
    let path = format!("/{}/checkpoint", place(ORIGIN));
    assert_eq!(get(witness.address, &path).unwrap().status, 404);
    for (case, body, status, size) in
        refused_at_first(&log, &empty).into_iter().chain(one_after_the_other(&log, &empty))
    {
        let answer = witness.submit(body).await;
        assert_eq!(answer.status, status, "{case}: {answer:?}");
        if let Some(size) = size {
            assert_eq!(
                (answer.body.as_str(), answer.header("content-type")),
                (size, Some("text/x.tlog.size")),
                "{case}"
            );
        }
    }
    let page = get(witness.address, &path).unwrap();
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    let policy = format!("log {}\n{}quorum w\n", log.verifier_key(), witness.policy_line("w"));
    let opened = open_witnessed(page.body.as_bytes(), &Policy::parse(policy.as_bytes()).unwrap()).unwrap();
    assert_eq!(opened.checkpoint().head, TreeHead { size: TreeSize(40), root: log.root(40) });
    for (method, path, status) in
        [("GET", "/add-checkpoint", 405), ("POST", "/sign-subtree", 404), ("GET", "/x/checkpoint", 404)]
    {
        assert_eq!(crate::support::web::ask(witness.address, method, path, b"").unwrap().status, status, "{path}");
    }
    let huge = witness.submit(vec![b'o'; deedbook::limits::WITNESS_BODY_BYTES_MAX + 1]).await;
    assert_eq!(huge.status, 413);
    witness.server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cosignatures_verify_and_tell_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let log = plain();
    let witness = Watching::start(folder.path(), "witness.example/w", &[log.verifier_key()]).await;
    let before = crate::support::now().0 / 1_000_000;
    let answer = witness.submit(log.body(0, 7)).await;
    let time = time_of(&witness.key, &log.text(7), &answer.body);
    assert!((before..=before + 30).contains(&time), "{time}");
    // What others wrote on the note is neither judged nor repeated.
    let foreign = format!("{}\u{2014} other.example/w AAAAAAAAAAAAAAAAAAAAAAAA\n", log.sign(&log.text(7)));
    let answer = witness.submit(body(7, &[], &foreign)).await;
    assert_eq!(answer.status, 200);
    let page = get(witness.address, &format!("/{}/checkpoint", place(ORIGIN))).unwrap();
    assert_eq!(Note::parse(page.body.as_bytes()).unwrap().signatures.len(), 2);
    witness.server.stop().await;
}

/// What a client does that has a fork to sell: learns the size, proves, submits, until it has its say or is refuted.
fn push(address: SocketAddr, log: &PlainLog, new: usize, mut old: usize) -> Option<(TreeHead, String)> {
    for _ in 0..200 {
        let answer = post(address, "/add-checkpoint", &log.body(old, new)).unwrap();
        match answer.status {
            200 => {
                let head = TreeHead { size: TreeSize(new as u64), root: log.root(new) };
                return Some((head, answer.body));
            }
            409 => old = answer.body.trim().parse().unwrap(),
            422 => return None,
            other => panic!("{other}: {answer:?}"),
        }
        if old > new {
            return None;
        }
    }
    panic!("the size never settled")
}

/// Of all that was cosigned, one size has one root, and one history holds them all.
fn one_history(cosigned: &[(TreeHead, String)], key: &CosignerKey, forks: &[&PlainLog]) -> usize {
    let mut roots: BTreeMap<TreeSize, Hash> = BTreeMap::new();
    for (head, line) in cosigned {
        let known = roots.insert(head.size, head.root);
        assert!(known.is_none_or(|known| known == head.root), "two roots were cosigned at size {}", head.size);
        let of = |log: &&&PlainLog| log.root(usize::try_from(head.size.0).unwrap()) == head.root;
        let log = forks.iter().find(of).unwrap();
        assert!(time_of(key, &log.text(usize::try_from(head.size.0).unwrap()), line) > 0);
    }
    let holds = |log: &PlainLog| roots.iter().all(|(size, root)| log.root(usize::try_from(size.0).unwrap()) == *root);
    forks.iter().filter(|log| holds(log)).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_racing_forks_one_wins() {
    let mut rng = Rng::seeded("racing forks");
    for round in 0..scaled(6) {
        let folder = tempfile::tempdir().unwrap();
        let main = PlainLog::new(ORIGIN, 1, "main", 300);
        let fork = main.forked(1, 0, "fork");
        let witness = Watching::start(folder.path(), "witness.example/w", &[main.verifier_key()]).await;
        let (address, forks) = (witness.address, Arc::new([main, fork]));
        let cosigned = Arc::new(Mutex::new(Vec::new()));
        let racers: Vec<_> = (0..64)
            .map(|number| {
                let (forks, cosigned, size) = (Arc::clone(&forks), Arc::clone(&cosigned), 1 + rng.below(299));
                std::thread::spawn(move || {
                    let one = push(address, &forks[number % 2], usize::try_from(size).unwrap(), 0);
                    cosigned.lock().unwrap().extend(one);
                })
            })
            .collect();
        racers.into_iter().for_each(|racer| racer.join().unwrap());
        let cosigned = std::mem::take(&mut *cosigned.lock().unwrap());
        assert!(!cosigned.is_empty(), "round {round}: nobody won");
        assert_eq!(one_history(&cosigned, &witness.key, &[&forks[0], &forks[1]]), 1, "round {round}");
        witness.server.stop().await;
    }
}

#[test]
fn what_was_cosigned_is_remembered_across_kill_minus_nine() {
    let mut rng = Rng::seeded("witness kill");
    let folder = tempfile::tempdir().unwrap();
    let main = Arc::new(PlainLog::new(ORIGIN, 1, "main", 4_000));
    let fork = main.forked(1, 0, "fork");
    let key = witness_key(folder.path(), "witness.example/w");
    let vkey = folder.path().join("log.vkey");
    std::fs::write(&vkey, format!("{}\n", main.verifier_key())).unwrap();
    let memory = folder.path().join("memory");
    let cosigner = open_witness(&memory, &key, &[main.verifier_key()], true).unwrap().cosigner_key().clone();
    let mut cosigned: Vec<(TreeHead, String)> = Vec::new();
    let mut last = 0;
    for life in 0..scaled(12) {
        let process = WitnessProcess::start(&memory, &key, &vkey);
        let address = process.address;
        if let Some((head, _)) = cosigned.last() {
            let page = get(address, &format!("/{}/checkpoint", place(ORIGIN))).unwrap();
            let size: u64 = page.body.lines().nth(1).unwrap().parse().unwrap();
            assert!(size >= head.size.0, "life {life}: {size} was remembered, {} was cosigned", head.size);
            last = usize::try_from(size).unwrap();
            assert!(push(address, &fork, last, last).is_none() && push(address, &fork, last + 1, last).is_none());
        }
        let (log, from) = (Arc::clone(&main), last);
        let pusher = std::thread::spawn(move || {
            let mut done = Vec::new();
            let mut old = from;
            while let Some(answer) = post(address, "/add-checkpoint", &log.body(old, old + 1)) {
                assert_eq!(answer.status, 200, "{answer:?}");
                old += 1;
                done.push((TreeHead { size: TreeSize(old as u64), root: log.root(old) }, answer.body));
            }
            done
        });
        std::thread::sleep(std::time::Duration::from_millis(20 + rng.below(150)));
        process.kill();
        cosigned.extend(pusher.join().unwrap());
    }
    println!("{} checkpoints were cosigned", cosigned.len());
    assert!(cosigned.len() > 10);
    assert_eq!(one_history(&cosigned, &cosigner, &[&main]), 1);
}

#[test]
fn a_witness_that_may_have_forgotten_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let (log, key) = (plain(), witness_key(folder.path(), "witness.example/w"));
    let memory = folder.path().join("memory");
    let open = |new| open_witness(&memory, &key, &[log.verifier_key()], new);
    // Not there: perhaps a volume that is not mounted. Only words make a new one.
    assert!(matches!(open(false), Err(StateError::Absent(_))));
    std::fs::create_dir(&memory).unwrap();
    assert!(matches!(open(false), Err(StateError::Absent(_))));
    let witness = open(true).unwrap();
    assert!(matches!(witness.add_checkpoint(&log.body(0, 9)), Answer::Cosigned(_)));
    assert!(matches!(open(false), Err(StateError::InUse(_))));
    drop(witness);
    assert!(matches!(open(true), Err(StateError::NotEmpty(_))));
    let other = witness_key(folder.path(), "witness.example/other");
    let others = open_witness(&memory, &other, &[log.verifier_key()], false);
    assert!(matches!(others, Err(StateError::OtherKey(_))));
    let file = memory.join(format!("{}.checkpoint", place(ORIGIN)));
    let sound = std::fs::read(&file).unwrap();
    for at in 0..sound.len() {
        let mut bent = sound.clone();
        bent[at] ^= 1;
        std::fs::write(&file, bent).unwrap();
        assert!(matches!(open(false), Err(StateError::Damaged(_))), "byte {at}");
    }
    for cut in [0, 1, sound.len() / 2, sound.len() - 1] {
        std::fs::write(&file, &sound[..cut]).unwrap();
        assert!(matches!(open(false), Err(StateError::Damaged(_))), "cut to {cut}");
    }
    std::fs::write(&file, &sound).unwrap();
    let witness = open(false).unwrap();
    assert!(matches!(witness.add_checkpoint(&log.body(9, 12)), Answer::Cosigned(_)));
}

#[test]
fn memory_that_cannot_be_written_ends_the_witness() {
    let folder = tempfile::tempdir().unwrap();
    let (log, key) = (plain(), witness_key(folder.path(), "witness.example/w"));
    let memory = folder.path().join("memory");
    let witness = open_witness(&memory, &key, &[log.verifier_key()], true).unwrap();
    // A folder stands where the new file would.
    std::fs::create_dir(memory.join(format!("{}.new", place(ORIGIN)))).unwrap();
    assert_eq!(witness.add_checkpoint(&log.body(0, 9)), Answer::Failed);
    std::fs::remove_dir(memory.join(format!("{}.new", place(ORIGIN)))).unwrap();
    assert!(witness.has_failed());
    assert_eq!(witness.add_checkpoint(&log.body(0, 9)), Answer::Failed, "nothing is tried again");
}

#[test]
fn keys_are_for_one_use() {
    let folder = tempfile::tempdir().unwrap();
    let cosigning = witness_key(folder.path(), "witness.example/w");
    assert!(deedbook::record::SigningKey::load(&cosigning).is_err(), "a witness's key signs nothing else");
    let signing = folder.path().join("producer.key");
    deedbook::record::SigningKey::generate("producer").unwrap().store(&signing).unwrap();
    assert!(deedbook::record::CosigningKey::load(&signing).is_err(), "a producer's key cosigns nothing");
}
