//! A second folder as a member of the anchor set: it refuses a machine that was rolled back whole, a restored old copy,
//! and a second writer; and it is made in words, so that a volume that is not mounted is never taken for a new one.

use crate::support::disk::{copy_of, flip};
use crate::support::process::{Serving, serve_command};
use crate::support::{House, close, patiently, sequenced};
use deedbook::ledger::{DataDir, Ledger, OpenError, OpenOptions, add_anchor};
use deedbook::record::SigningKey;
use deedbook::store::{AnchorError, FileAnchor};
use std::path::{Path, PathBuf};

/// A house, and a second folder with its anchor.
struct Guarded {
    house: House,
    folder: tempfile::TempDir,
}

impl Guarded {
    fn build() -> Guarded {
        let (house, folder) = (House::build(), tempfile::tempdir().unwrap());
        add_anchor(&house.dir, folder.path()).unwrap();
        Guarded { house, folder }
    }

    fn open(&self, dir: &DataDir) -> Result<Ledger, OpenError> {
        open_with(dir, self.folder.path())
    }
}

fn open_with(dir: &DataDir, second: &Path) -> Result<Ledger, OpenError> {
    let options = OpenOptions { anchors: vec![anchor_in(second)], ..OpenOptions::default() };
    patiently(|| Ledger::open(dir, options.clone()))
}

fn anchor_in(folder: &Path) -> PathBuf {
    folder.join("head.anchor")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_rolled_back_whole_is_refused() {
    let guarded = Guarded::build();
    let dir = &guarded.house.dir;
    let ledger = guarded.open(dir).unwrap();
    assert_eq!(ledger.status().anchors, 2);
    let producer = guarded.house.enrolled(&ledger, &["gateway"]).await.remove(0);
    ledger.append(producer.plain(sequenced(1), 3)).await.unwrap();
    close(ledger, dir);
    let earlier = copy_of(dir, "earlier");
    let ledger = guarded.open(dir).unwrap();
    ledger.append(producer.plain(sequenced(4), 30)).await.unwrap();
    let newest = ledger.reader().head().size;
    close(ledger, dir);
    let refused = guarded.open(&earlier).err().expect("a rolled-back machine opens");
    let OpenError::EntriesMissing { anchored_size, size, .. } = &refused else { panic!("{refused:?}") };
    assert!(*anchored_size == newest && *size < newest);
    assert!(refused.to_string().contains("acknowledged entries are missing"), "{refused}");
    // It grew past what is missing, without its second folder: another history.
    let forked = crate::support::open(&earlier).unwrap();
    for round in 0..40 {
        forked.append(producer.plain(sequenced(4 + round), 1)).await.unwrap();
    }
    close(forked, &earlier);
    let refused = guarded.open(&earlier).err();
    assert!(matches!(refused, Some(OpenError::HistoryDiffers { .. })), "{refused:?}");
    // The real one goes on.
    let ledger = guarded.open(dir).unwrap();
    close(ledger, dir);
    guarded.house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_writer_is_refused_at_the_shared_folder() {
    let guarded = Guarded::build();
    let copy = copy_of(&guarded.house.dir, "copy");
    let ledger = guarded.open(&guarded.house.dir).unwrap();
    let refused = guarded.open(&copy).err();
    assert!(matches!(&refused, Some(OpenError::Anchor(AnchorError::InUse(_)))), "{refused:?}");
    assert!(refused.unwrap().to_string().contains("another process"));
    close(ledger, &guarded.house.dir);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zombie_stops_at_its_next_commit_where_locks_do_not_reach() {
    // Two machines on a file system without locks: the second took over and moved the anchor behind the first's back.
    let guarded = Guarded::build();
    let dir = &guarded.house.dir;
    let successor = copy_of(dir, "successor");
    let zombie = guarded.open(dir).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    std::fs::copy(anchor_in(guarded.folder.path()), anchor_in(elsewhere.path())).unwrap();
    let taken_over = open_with(&successor, elsewhere.path()).unwrap();
    guarded.house.enrolled(&taken_over, &["gateway"]).await;
    close(taken_over, &successor);
    let moved = std::fs::read(anchor_in(elsewhere.path())).unwrap();
    std::fs::write(anchor_in(guarded.folder.path()), &moved).unwrap();
    let late = guarded.house.producer("late");
    assert!(zombie.append(guarded.house.enrollment(&late)).await.is_err(), "a zombie's append was acknowledged");
    let reason = zombie.status().reason.unwrap();
    assert!(reason.contains("another process writes this ledger"), "{reason}");
    close(zombie, dir);
    assert_eq!(std::fs::read(anchor_in(guarded.folder.path())).unwrap(), moved, "the zombie wrote over the anchor");
    let refused = guarded.open(dir).err();
    assert!(matches!(refused, Some(OpenError::HistoryDiffers { .. })), "{refused:?}");
    let ledger = guarded.open(&successor).unwrap();
    close(ledger, &successor);
}

#[test]
fn an_empty_folder_is_never_taken_for_a_new_member() {
    let house = House::build();
    let second = tempfile::tempdir().unwrap();
    let refused = open_with(&house.dir, second.path()).err().unwrap().to_string();
    assert!(refused.contains("is missing") && refused.contains("anchor add") && refused.contains("mount"), "{refused}");
    // Adding one is said in words and makes its folder; where the folder above is missing, a volume may be, too.
    let unmounted = add_anchor(&house.dir, &second.path().join("absent/deedbook"));
    assert!(matches!(unmounted, Err(OpenError::AnchorFolder { .. })), "{unmounted:?}");
    let folder = second.path().join("new");
    let record = add_anchor(&house.dir, &folder).unwrap();
    assert_eq!(record.size.0, 1);
    let twice = add_anchor(&house.dir, &folder);
    assert!(matches!(twice, Err(OpenError::Anchor(AnchorError::Exists(_)))), "{twice:?}");
    let ledger = open_with(&house.dir, &folder).unwrap();
    close(ledger, &house.dir);
}

#[test]
fn a_new_member_is_made_beside_a_good_first_one_only() {
    let house = House::build();
    let second = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(house.dir.anchor_file()).unwrap();
    // Both slots damaged, one slot damaged, the file gone.
    flip(&house.dir.anchor_file(), 20, 3);
    let one = add_anchor(&house.dir, second.path());
    assert!(matches!(one, Err(OpenError::AnchorDoubtful { .. })), "{one:?}");
    flip(&house.dir.anchor_file(), 4_096 + 20, 3);
    assert!(matches!(add_anchor(&house.dir, second.path()), Err(OpenError::Anchor(AnchorError::Damaged(_)))));
    std::fs::remove_file(house.dir.anchor_file()).unwrap();
    assert!(matches!(add_anchor(&house.dir, second.path()), Err(OpenError::Anchor(AnchorError::Missing(_)))));
    assert!(!anchor_in(second.path()).exists());
    std::fs::write(house.dir.anchor_file(), bytes).unwrap();
    add_anchor(&house.dir, second.path()).unwrap();
    assert!(FileAnchor::open(&anchor_in(second.path())).is_ok());
}

#[test]
fn the_programs_say_it() {
    let house = House::build();
    let second = tempfile::tempdir().unwrap();
    let binary = env!("CARGO_BIN_EXE_deedbook");
    let serve = |what: &str| {
        let output = with_second(&house.dir, second.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(what), "{said}");
        output.status.code()
    };
    assert_eq!(serve("deedbook anchor add"), Some(1));
    let mut add = std::process::Command::new(binary);
    let added = add.args(["anchor", "add", "--data"]).arg(house.dir.root()).arg("--anchor").arg(second.path());
    let output = added.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 entry;"));
    // A copy of the whole machine, restored after the ledger grew.
    let copy = copy_of(&house.dir, "restored");
    let server = Serving::from_command(with_second(&house.dir, second.path())).unwrap();
    let mut enroll = std::process::Command::new(binary);
    enroll.args(["key", "enroll", "--server", &server.address, "--source", "gateway", "--signer"]);
    let key = second.path().join("gateway.key");
    SigningKey::generate("gateway").unwrap().store(&key).unwrap();
    let output = enroll.arg(house.dir.admin_key()).arg(second.path().join("gateway.key.pub")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    server.terminate();
    assert!(server.ended().status.success());
    let refused = Serving::from_command(with_second(&copy, second.path())).err().expect("a rolled-back machine serves");
    assert_eq!(refused.status.code(), Some(1));
    // It says which of the two anchors refuses.
    let anchor = anchor_in(second.path());
    let wanted = format!(
        "acknowledged entries are missing: the anchor {} knows commit 2 with 2 entries, the store has commit 1 with 1",
        anchor.display()
    );
    assert!(refused.said.contains(&wanted), "{}", refused.said);
}

fn with_second(dir: &DataDir, second: &Path) -> std::process::Command {
    let mut command = serve_command(dir);
    command.arg("--anchor").arg(second);
    command
}
