//! F7: a disk that fills up or turns read-only, and a process that runs out of file descriptors. Below the reserve
//! appends are refused before the store is touched, and reads go on; when there is room again, so do appends, without a
//! restart. Where the reserve itself is eaten by others within a second, the server stops and says so, and nothing that
//! it acknowledged is lost.

use crate::support::grpc::append;
use crate::support::load::{Load, Running, Weight};
use crate::support::process::{Ended, Serving, is_installed, serve_command, system};
use crate::support::volume::{FileSystem, Volume, missing_for_volumes};
use crate::support::{House, Rng, audit, cases, not_run, scaled};
use deedbook::api::connect;
use deedbook::api::proto::{GetReceiptRequest, ReadEventsRequest};
use deedbook::limits::{DISK_FREE_BYTES_MIN, FILES_NEEDED};
use deedbook_verify::judge::verify_receipt;
use std::process::Command;
use std::time::Duration;

const WRITERS: usize = 8;
const BALLAST: &str = "ballast";

/// Leaves so much free, below or above the reserve.
fn leave(volume: &Volume, bytes: u64) {
    volume.take(BALLAST, volume.free_bytes() - bytes);
}

/// The server ends by itself with status 70 and says what failed.
fn failed(server: Serving) -> String {
    let Ended { status, said } = server.ended();
    assert_eq!(status.code(), Some(70), "{said}");
    assert!(said.contains("storage failed") && said.contains("start again"), "{said}");
    said
}

/// Reads and receipts of a server whose appends are refused.
async fn reads_go_on(running: &Running, house: &House) {
    let clients = running.clients();
    let request = ReadEventsRequest { from: 0, to: Some(10), view: 0 };
    let mut messages = clients.ledger.clone().read_events(request).await.unwrap().into_inner();
    assert!(messages.message().await.unwrap().is_some_and(|message| !message.events.is_empty()));
    let request = GetReceiptRequest { index: 1, redacted: false, witnessed: false };
    let receipt = clients.proof.clone().get_receipt(request).await.unwrap().into_inner().receipt;
    verify_receipt(&receipt, &house.verifier_key).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_appends_alone_and_heals_by_itself() {
    if let Some(why) = missing_for_volumes() {
        return not_run("full disks", &why);
    }
    let mut rng = Rng::seeded("disk full");
    let volume = Volume::make(FileSystem::Ext4);
    let house = House::build_in(volume.path());
    let load = Load::enroll(&house, WRITERS, &mut rng).await;
    let server = Serving::start(&house.dir);
    let running = load.start(&server.address, Weight::Light, &mut rng).await;
    let cycles = scaled(10);
    for _ in 0..cycles {
        let before = running.acknowledged();
        running.until("acknowledged events", |running| running.acknowledged() > before + 50).await;
        let below = (1 + rng.below(100)) * 1024 * 1024;
        leave(&volume, DISK_FREE_BYTES_MIN - below);
        let before = refused_below_the_reserve(&volume, &running, &house, below).await;
        volume.give_back(BALLAST);
        running.until("appends after room was made", |running| running.acknowledged() > before + 20).await;
    }
    server.terminate();
    let Ended { status, said } = server.ended();
    assert!(status.success(), "{said}");
    finish(&house, running.end().await).await;
    cases("full-disk", cycles);
}

/// Insists that nothing is acknowledged while so little is free, and gives what was before. The engine gives disk back by
/// itself, whenever it deletes a log whose rows stand in tables by then: what it had set aside for that log, up to the size
/// of its memory for rows, comes free. Appends are right to go on then, so the disk is watched, and what came free taken.
async fn refused_below_the_reserve(volume: &Volume, running: &Running, house: &House, below: u64) -> u64 {
    for round in 0.. {
        running.until_all_are_refused().await;
        let before = running.acknowledged();
        let most_free = volume.most_free_while(reads_go_on_and_appends_do_not(running, house)).await;
        if most_free < DISK_FREE_BYTES_MIN {
            assert_eq!(running.acknowledged(), before, "acknowledged below the reserve");
            (0..round).for_each(|round| volume.give_back(&format!("{BALLAST}-{round}")));
            return before;
        }
        // As often as there are logs to delete, and no oftener.
        assert!(round < 5, "disk comes free again and again");
        volume.take(&format!("{BALLAST}-{round}"), most_free.saturating_sub(DISK_FREE_BYTES_MIN) + below);
    }
    unreachable!("the loop ends by itself")
}

async fn reads_go_on_and_appends_do_not(running: &Running, house: &House) {
    let refused = running.refused();
    reads_go_on(running, house).await;
    running.until("refusals", |running| running.refused() > refused + 20).await;
}

/// Every frame is answered in the end, and the log is what was acknowledged.
async fn finish(house: &House, mut load: Load) {
    let server = Serving::start(&house.dir);
    load.settle(&server.address).await;
    server.kill();
    load.assert_whole(house);
}

/// Somebody else takes the last byte between two looks at the free disk: the server meets the full disk itself.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_to_the_byte_stops_the_server_cleanly() {
    if let Some(why) = missing_for_volumes() {
        return not_run("disks that fill to the byte", &why);
    }
    let mut rng = Rng::seeded("to the byte");
    let volume = Volume::make(FileSystem::Ext4);
    let house = House::build_in(volume.path());
    let mut load = Load::enroll(&house, WRITERS, &mut rng).await;
    let rounds = scaled(2);
    for _ in 0..rounds {
        let server = Serving::start(&house.dir);
        let running = load.start(&server.address, Weight::Heavy, &mut rng).await;
        running.until("acknowledged events", |running| running.acknowledged() > 10).await;
        volume.take_all(BALLAST);
        // The engine has taken some MiB for its log before. The look at the free disk may come before they are used
        // up; then the last bytes are given back and taken again, until the server runs into the wall.
        load = into_the_wall(&volume, server, running).await;
        // Without room it does not start, or it does and refuses; either way it says why.
        match Serving::try_start(&house.dir) {
            Ok(server) => {
                let clients = connect(&server.address).await.unwrap();
                let error = append(&clients, &house.enrollment(&house.producer("late"))).await.unwrap_err();
                assert_eq!(error.reason.as_deref(), Some("DISK_LOW"), "{error:?}");
                server.kill();
            }
            Err(Ended { status, said }) => {
                assert_eq!(status.code(), Some(1), "{said}");
                assert!(said.contains("No space left on device"), "{said}");
            }
        }
        assert!(audit(house.dir.root()).is_clean());
        volume.give_back(BALLAST);
        load.assert_kept(&house);
    }
    finish(&house, load).await;
    cases("full-to-the-byte", rounds);
}

async fn into_the_wall(volume: &Volume, server: Serving, running: Running) -> Load {
    while running.is_served() {
        tokio::time::sleep(Duration::from_millis(300)).await;
        if running.refused() > 0 && running.is_served() {
            // More than the reserve comes free and is gone again before the next look.
            volume.give_back(BALLAST);
            let before = running.acknowledged();
            let again = tokio::time::timeout(Duration::from_secs(3), async {
                while running.acknowledged() == before && running.is_served() {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            });
            let _ = again.await;
            volume.take_all(BALLAST);
        }
    }
    let said = failed(server);
    // The engine may have met it before the next commit did.
    assert!(said.contains("No space left on device") || said.contains("failed to write or merge"), "{said}");
    running.end().await
}

/// After an error inside itself ext4 turns read-only under everybody who uses it.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_system_that_turns_read_only_stops_the_server_cleanly() {
    if let Some(why) = missing_for_volumes() {
        return not_run("read-only file systems", &why);
    }
    let mut rng = Rng::seeded("read-only");
    let mut volume = Volume::make(FileSystem::Ext4);
    let house = House::build_in(volume.path());
    let mut load = Load::enroll(&house, WRITERS, &mut rng).await;
    let rounds = scaled(2);
    for _ in 0..rounds {
        let server = Serving::start(&house.dir);
        let running = load.start(&server.address, Weight::Light, &mut rng).await;
        running.until("acknowledged events", |running| running.acknowledged() > 50).await;
        if !volume.fail() {
            server.kill();
            return not_run("read-only file systems", "this kernel has no trigger_fs_error for ext4");
        }
        running.until_gone().await;
        failed(server);
        load = running.end().await;
        let Err(Ended { status, said }) = Serving::try_start(&house.dir) else { panic!("it serves a read-only disk") };
        assert!(status.code() == Some(1) && said.contains("Read-only file system"), "{said}");
        // Judging needs no right to write.
        load.assert_kept(&house);
        volume.recover();
    }
    finish(&house, load).await;
    cases("read-only", rounds);
}

fn limit_files(server: &Serving, files: u64) {
    let process = server.id().to_string();
    let limit = format!("--nofile={files}:");
    system("prlimit", &["--pid", &process, &limit].map(AsRef::as_ref)).unwrap();
}

/// File descriptors that do not suffice from the start, and that run out under load.
#[tokio::test(flavor = "multi_thread")]
async fn without_file_descriptors_it_refuses_or_stops_and_loses_nothing() {
    if !is_installed("prlimit") {
        return not_run("file descriptors that run out", "prlimit is missing; install the package util-linux");
    }
    let mut rng = Rng::seeded("descriptors");
    let house = House::build();
    let mut load = Load::enroll(&house, WRITERS, &mut rng).await;
    let rounds = scaled(8);
    for _ in 0..rounds {
        // Too few to start with: it says so before it opens anything.
        let few = 3 + rng.below(FILES_NEEDED - 3);
        let plain = serve_command(&house.dir);
        let mut limited = Command::new("prlimit");
        limited.arg(format!("--nofile={few}")).arg(plain.get_program()).args(plain.get_args());
        limited.env("DEEDBOOK_LOG", "off").stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped());
        // The loader of the program itself needs a few.
        let Err(Ended { status, said }) = Serving::from_command(limited) else { panic!("it serves with {few}") };
        let refused = status.code() == Some(1) && said.contains(&format!("may open {few} files"));
        assert!(refused || few < 6, "with {few} descriptors: {status} {said}");
        // Fewer than are open already: no connection more, no new file of the engine.
        let server = Serving::start(&house.dir);
        let running = load.start(&server.address, Weight::Light, &mut rng).await;
        running.until("acknowledged events", |running| running.acknowledged() > 20).await;
        limit_files(&server, 12);
        tokio::time::sleep(Duration::from_millis(rng.below(300))).await;
        let newcomer = tokio::time::timeout(Duration::from_millis(200), async {
            let clients = connect(&server.address).await?;
            append(&clients, &house.enrollment(&house.producer("newcomer"))).await
        });
        assert!(!matches!(newcomer.await, Ok(Ok(_))), "served without a descriptor");
        limit_files(&server, 1_024);
        let before = running.acknowledged();
        let went_on = || running.acknowledged() > before + 20;
        while running.is_served() && !went_on() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // It went on, or a commit or the engine needed a file meanwhile: then it stopped, and said so.
        if went_on() {
            server.kill();
        } else {
            let said = failed(server);
            assert!(said.contains("store/LOG") || said.contains("Too many open files"), "{said}");
        }
        load = running.end().await;
    }
    load.assert_kept(&house);
    cases("descriptors", rounds);
}
