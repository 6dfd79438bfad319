//! F2: power cuts. The data folder stands on a file system of its own, which is shut down under the running server:
//! what was not synced is gone, for data and names alike. What was acknowledged before is there afterwards, the file
//! system is sound, and the ledger opens.
//!
//! The server is stopped first and what it had answered is read, then the power is cut: without that, an answer could
//! be read after the cut that was true before it. What is not cut here is a disk that lies about its own cache.

use crate::support::load::{Load, Weight};
use crate::support::process::{Serving, system};
use crate::support::volume::{FileSystem, Volume, missing_for_power_cuts};
use crate::support::{House, Rng, cases, not_run, scaled};
use deedbook::ledger::DataDir;
use std::collections::BTreeMap;
use std::time::Duration;

const WRITERS: usize = 16;

/// What the server does when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    UnderLoad,
    Opening,
    BehindInit,
}

fn next_cut(rng: &mut Rng) -> Cut {
    match rng.below(100) {
        0..70 => Cut::UnderLoad,
        70..85 => Cut::Opening,
        _ => Cut::BehindInit,
    }
}

async fn pause(most_ms: u64, rng: &mut Rng) {
    tokio::time::sleep(Duration::from_micros(rng.below(most_ms * 1_000))).await;
}

async fn cut_under_load(volume: &Volume, house: &House, load: Load, rng: &mut Rng) -> Load {
    let server = Serving::start(&house.dir);
    let running = load.start(&server.address, Weight::Light, rng).await;
    let enough = rng.below(400);
    running.until("acknowledged events", |running| running.acknowledged() > enough).await;
    pause(5, rng).await;
    server.freeze();
    running.until_all_is_taken(&server.address).await;
    volume.cut();
    server.kill();
    running.end().await
}

async fn cut_while_opening(volume: &Volume, house: &House, rng: &mut Rng) {
    let server = Serving::spawn(&house.dir);
    pause(250, rng).await;
    server.freeze();
    volume.cut();
    server.kill();
}

/// A ledger that `init` says it made is there, keys and all.
fn cut_behind_init(volume: &mut Volume, number: u64) {
    let dir = DataDir::new(volume.path().join(format!("parent-{number}/new")));
    let arguments = ["init", "--origin", "new.example/log", "--data"].map(AsRef::as_ref);
    system(env!("CARGO_BIN_EXE_deedbook"), &[&arguments[..], &[dir.root().as_os_str()]].concat()).unwrap();
    volume.cut();
    volume.recover();
    Serving::start(&dir).kill();
    let report = crate::support::audit(dir.root());
    assert!(report.is_clean() && report.entries == 1, "{:#?}", report.findings);
    std::fs::remove_dir_all(dir.root()).unwrap();
}

async fn cut_power(kind: FileSystem, cuts: u64, rng: &mut Rng) {
    let mut volume = Volume::make(kind);
    let house = House::build_in(volume.path());
    let mut load = Load::enroll(&house, WRITERS, rng).await;
    let mut done = BTreeMap::new();
    for number in 0..cuts {
        // The first always tells something about what was acknowledged.
        let cut = if number == 0 { Cut::UnderLoad } else { next_cut(rng) };
        *done.entry(cut).or_insert(0u64) += 1;
        match cut {
            Cut::UnderLoad => {
                load = cut_under_load(&volume, &house, load, rng).await;
                volume.recover();
            }
            Cut::Opening => {
                cut_while_opening(&volume, &house, rng).await;
                volume.recover();
            }
            Cut::BehindInit => cut_behind_init(&mut volume, number),
        }
        if number % 4 == 3 {
            // As the cut left it, before anything opened it again.
            load.assert_kept(&house);
        }
    }
    let server = Serving::start(&house.dir);
    load.settle(&server.address).await;
    server.kill();
    load.assert_whole(&house);
    println!("{kind:?}: {} events acknowledged, {} frames answered later, {done:?}", load.acknowledged(), load.resent);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_a_power_cut() {
    let mut rng = Rng::seeded("power");
    for kind in [FileSystem::Ext4, FileSystem::Xfs] {
        match missing_for_power_cuts(kind) {
            Some(why) => not_run(&format!("power cuts on {kind:?}"), &why),
            None => {
                cut_power(kind, scaled(10), &mut rng).await;
                cases("power", scaled(10));
            }
        }
    }
}
