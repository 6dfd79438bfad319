//! F12: two processes that both believe they own the ledger. A second server, one that deletes the first one's lock, a
//! copy that takes the folder's place under a running server, an old copy that is restored: at most one of them
//! acknowledges, and the other says what the operator has to know.

use crate::support::disk::{copy, copy_of};
use crate::support::grpc::{append, place};
use crate::support::process::{Ended, Serving, system};
use crate::support::{House, Producer, Rng, cases, close, open, patiently, scaled, statement};
use deedbook::api::{ClientError, Clients, connect};
use deedbook::ledger::{DataDir, Ledger, OpenError, OpenOptions, SoundAnchor, rebuild_anchor};
use deedbook::record::Position;
use deedbook::store::{AnchorError, AnchorRecord, FileAnchor, HeadAnchor};
use deedbook_verify::words::{Hash, TreeSize};
use std::fs;
use std::path::{Path, PathBuf};

/// A house with one enrolled producer, and closed.
async fn furnished() -> (House, Producer) {
    let house = House::build();
    let ledger = house.open();
    let producer = house.enrolled(&ledger, &["gateway"]).await.remove(0);
    ledger.append(producer.plain(Position::Unsequenced, 3)).await.unwrap();
    house.close(ledger);
    (house, producer)
}

async fn acknowledged(clients: &Clients, producer: &Producer) -> u64 {
    place(&append(clients, &producer.one(statement())).await.unwrap()).0
}

/// The server must not have started, and must have said so.
fn refused(started: Result<Serving, Ended>, says: &[&str]) {
    let Err(ended) = started else { panic!("a second owner started") };
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(says.iter().all(|word| ended.said.contains(word)), "{ended:?}");
}

/// The server must end with status 70, and must say why.
fn stopped(server: Serving, says: &[&str]) {
    let ended = server.ended();
    assert_eq!(ended.status.code(), Some(70), "{ended:?}");
    assert!(says.iter().all(|word| ended.said.contains(word)), "{ended:?}");
}

fn unavailable(answer: Result<deedbook::api::proto::AppendResponse, ClientError>) {
    let error = answer.expect_err("the loser acknowledged");
    assert!(error.retryable(), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_is_refused_however_the_first_one_fares() {
    let mut rng = Rng::seeded("two owners");
    let (house, producer) = furnished().await;
    let rounds = scaled(10);
    for round in 0..rounds {
        let first = Serving::start(&house.dir);
        let clients = connect(&first.address).await.unwrap();
        let before = acknowledged(&clients, &producer).await;
        // Stopped by somebody, it still is the owner; so it is when its lock file is gone.
        let (frozen, unlocked) = (rng.percent(50), rng.percent(70));
        if frozen {
            first.freeze();
        }
        if unlocked {
            fs::remove_file(house.dir.store().join("LOCK")).unwrap();
        }
        refused(Serving::try_start(&house.dir), &["in use", "stop the other process"]);
        let anchor = Ledger::open(&house.dir, OpenOptions::default()).err();
        assert!(matches!(anchor, Some(OpenError::Anchor(AnchorError::InUse(_)))), "{anchor:?}");
        if frozen {
            first.thaw();
        }
        assert_eq!(acknowledged(&clients, &producer).await, before + 1, "round {round}: the first one goes on");
        first.kill();
        house.assert_clean();
    }
    cases("two-owners", rounds);
}

/// What an operator may do with a running server's folder: move it away, and put a copy in its place or nothing.
#[derive(Clone, Copy, Debug)]
enum Swap {
    WholeFolder,
    Store,
    Anchor,
    Gone,
}

/// Swaps the folder of a running server for a copy that was made while it was frozen.
fn swap(dir: &DataDir, how: Swap, aside: &Path) {
    let exchange = |path: PathBuf| {
        fs::create_dir_all(aside).unwrap();
        let moved = aside.join(path.file_name().unwrap());
        fs::rename(&path, &moved).unwrap();
        copy(&moved, &path);
    };
    match how {
        Swap::WholeFolder => exchange(dir.root().to_owned()),
        Swap::Store => exchange(dir.store()),
        Swap::Anchor => exchange(dir.anchor()),
        Swap::Gone => fs::rename(dir.root(), aside).unwrap(),
    }
}

/// A server whose folder was replaced under it acknowledges nothing more, touches nothing in the new folder, and the
/// owner of that one loses nothing by the other's end.
#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_acknowledges_nothing_and_spoils_nothing() {
    let mut rng = Rng::seeded("zombie");
    let rounds = scaled(10);
    for round in 0..rounds {
        let (house, producer) = furnished().await;
        let zombie = Serving::start(&house.dir);
        let old = connect(&zombie.address).await.unwrap();
        let last = acknowledged(&old, &producer).await;
        zombie.freeze();
        let aside = house.dir.root().with_file_name(format!("aside-{round}"));
        let how = [Swap::WholeFolder, Swap::Store, Swap::Anchor, Swap::Gone][usize::try_from(round % 4).unwrap()];
        swap(&house.dir, how, &aside);
        let serves_anew = matches!(how, Swap::WholeFolder);
        let second = serves_anew.then(|| Serving::start(&house.dir));
        let mut newest = last;
        if let Some(second) = &second {
            let new = connect(&second.address).await.unwrap();
            for _ in 0..1 + rng.below(5) {
                newest = acknowledged(&new, &producer).await;
            }
        }
        zombie.thaw();
        if rng.percent(30) {
            // It is told to end before anything is sent to it: closing must not clean up in the other's folder.
            zombie.terminate();
            let ended = zombie.ended();
            assert!(matches!(ended.status.code(), Some(0 | 70)), "{ended:?}");
        } else {
            unavailable(append(&old, &producer.one(statement())).await);
            stopped(zombie, &["was moved or replaced while it was in use", "find out which"]);
        }
        if let Some(second) = second {
            let new = connect(&second.address).await.unwrap();
            assert_eq!(acknowledged(&new, &producer).await, newest + 1);
            second.kill();
            house.assert_clean();
            let again = Serving::start(&house.dir);
            let new = connect(&again.address).await.unwrap();
            assert_eq!(acknowledged(&new, &producer).await, newest + 2, "{how:?}");
            again.kill();
        }
    }
    cases("zombies", rounds);
}

/// A copy made while a server writes either opens, clean, with everything that its anchor knows, or is refused with an
/// order to the operator; and where both share an anchor, it never serves beside the first.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_made_under_load_is_whole_or_refused() {
    let mut rng = Rng::seeded("hot copy");
    let (house, producer) = furnished().await;
    let server = Serving::start(&house.dir);
    let clients = connect(&server.address).await.unwrap();
    let (rounds, mut opened) = (scaled(8), 0);
    for round in 0..rounds {
        let stop = std::sync::atomic::AtomicBool::new(false);
        let load = async {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let count = 1 + usize::try_from(rng.below(200)).unwrap();
                append(&clients, &producer.plain(Position::Unsequenced, count)).await.unwrap();
            }
        };
        let dir = house.dir.clone();
        let copying = async {
            let name = format!("copy-{round}");
            let made = tokio::task::spawn_blocking(move || copy_while_written(&dir, &name)).await.unwrap();
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            made
        };
        let ((), copied) = tokio::join!(load, copying);
        let Some(copied) = copied else { continue };
        let anchored = FileAnchor::peek(&copied.anchor_file()).unwrap().record;
        match open(&copied) {
            Ok(ledger) => {
                assert!(ledger.reader().head().size >= anchored.size);
                close(ledger, &copied);
                assert!(crate::support::audit(copied.root()).is_clean());
                opened += 1;
            }
            Err(error) => {
                let said = error.to_string();
                let orders = ["restore the newest", "run `deedbook audit`", "anchor rebuild"];
                assert!(orders.iter().any(|order| said.contains(order)), "{said}");
            }
        }
        fs::remove_dir_all(copied.root()).unwrap();
    }
    server.kill();
    house.assert_clean();
    assert!(opened > 0, "no copy of {rounds} opened");
    cases("hot-copies", rounds);
}

/// A copy of a folder whose files come and go meanwhile; none if one went away under the copier's hands, which `cp` says.
fn copy_while_written(dir: &DataDir, name: &str) -> Option<DataDir> {
    let target = dir.root().with_file_name(name);
    let copied = system("cp", &["-r".as_ref(), dir.root().as_os_str(), target.as_os_str()]);
    if copied.is_err() {
        let _ = fs::remove_dir_all(&target);
    }
    copied.is_ok().then(|| DataDir::new(target))
}

/// A house that keeps a second anchor, as on another volume.
struct Guarded {
    house: House,
    producer: Producer,
    options: OpenOptions,
}

async fn guarded() -> Guarded {
    let (house, producer) = furnished().await;
    let path = house.dir.root().with_file_name("other-volume.anchor");
    let record = FileAnchor::peek(&house.dir.anchor_file()).unwrap().record;
    drop(FileAnchor::create(&path, &record).unwrap());
    Guarded { house, producer, options: OpenOptions { anchors: vec![path], ..OpenOptions::default() } }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_old_copy_is_refused_by_an_anchor_elsewhere() {
    let Guarded { house, producer, options } = guarded().await;
    let old = copy_of(&house.dir, "old");
    let ledger = patiently(|| Ledger::open(&house.dir, options.clone())).unwrap();
    ledger.append(producer.plain(Position::Unsequenced, 5)).await.unwrap();
    // While the first one runs, a copy that shares an anchor with it is refused.
    let refusal = Ledger::open(&old, options.clone()).err();
    assert!(matches!(refusal, Some(OpenError::Anchor(AnchorError::InUse(_)))), "{refusal:?}");
    house.close(ledger);
    // Afterwards the copy lacks what was acknowledged, and the anchor elsewhere says how much.
    let refusal = patiently(|| Ledger::open(&old, options.clone())).err();
    let said = refusal.as_ref().map(ToString::to_string).unwrap_or_default();
    assert!(matches!(&refusal, Some(OpenError::EntriesMissing { anchored_size: TreeSize(10), size: TreeSize(5), .. })));
    assert!(said.contains("restore the newest copy"), "{said}");
    // With its own anchor alone it opens: docs/TRUST.md says that nothing on the machine can tell then.
    let ledger = open(&old).unwrap();
    assert_eq!(ledger.reader().head().size, TreeSize(5));
    // It goes its own way, and the anchor elsewhere knows that as well.
    ledger.append(producer.plain(Position::Unsequenced, 9)).await.unwrap();
    ledger.append(producer.plain(Position::Unsequenced, 1)).await.unwrap();
    close(ledger, &old);
    let refusal = patiently(|| Ledger::open(&old, options.clone())).err();
    assert!(matches!(refusal, Some(OpenError::HistoryDiffers { .. })), "{refusal:?}");
    close(patiently(|| Ledger::open(&house.dir, options.clone())).unwrap(), &house.dir);
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_anchor_is_not_rebuilt_under_a_running_server() {
    let (house, producer) = furnished().await;
    let server = Serving::start(&house.dir);
    let clients = connect(&server.address).await.unwrap();
    acknowledged(&clients, &producer).await;
    let request = deedbook::api::proto::GetCheckpointRequest { witnessed: false };
    let note = clients.proof.clone().get_checkpoint(request).await.unwrap().into_inner().note;
    fs::remove_file(house.dir.store().join("LOCK")).unwrap();
    let refusal = rebuild_anchor(&house.dir, &note, SoundAnchor::Keep).err();
    assert!(matches!(refusal, Some(OpenError::Anchor(AnchorError::InUse(_)))), "{refusal:?}");
    acknowledged(&clients, &producer).await;
    server.kill();
    patiently(|| rebuild_anchor(&house.dir, &note, SoundAnchor::Keep)).unwrap();
    house.assert_clean();
}

/// Where a file system does not honour locks: the compare-and-swap itself.
#[test]
fn an_anchor_that_somebody_else_moved_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.anchor");
    let record = |commit: u64| AnchorRecord { commit, size: TreeSize(commit), chain: Hash([commit as u8; 32]) };
    let anchor = FileAnchor::create(&path, &record(1)).unwrap();
    assert!(matches!(FileAnchor::open(&path), Err(AnchorError::InUse(_))));
    anchor.advance(&record(1), &record(2)).unwrap();
    // Another process writes commit 3 into the file, lock or no lock.
    let other = folder.path().join("other");
    let theirs = FileAnchor::create(&other, &record(2)).unwrap();
    theirs.advance(&record(2), &record(3)).unwrap();
    fs::write(&path, fs::read(&other).unwrap()).unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(anchor.advance(&record(2), &record(3)), Err(AnchorError::Moved { expected: 2, .. })));
    assert_eq!(fs::read(&path).unwrap(), before);
    fs::remove_file(&path).unwrap();
    assert!(matches!(anchor.advance(&record(3), &record(4)), Err(AnchorError::Replaced(_))));
    fs::rename(&other, &path).unwrap();
    assert!(matches!(anchor.advance(&record(3), &record(4)), Err(AnchorError::Replaced(_))));
}
