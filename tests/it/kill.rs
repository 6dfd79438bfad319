//! F1: `kill -9` of the real server, again and again, against an outside record of what it acknowledged: nothing
//! acknowledged is missing, nothing is doubled, it always opens again, and what was not answered is answered when it is
//! sent again. It is killed under load, while it opens, while it closes, while somebody stopped it, and while the
//! engine writes its memory into files.

use crate::support::load::{Load, Running, Weight};
use crate::support::process::Serving;
use crate::support::{House, Rng, cases, scaled};
use deedbook::clock::Stopwatch;
use std::collections::BTreeMap;
use std::time::Duration;

const WRITERS: usize = 16;
/// Bodies after which a family's memory (24 MiB) is full and is being written into files.
const FLUSH_BYTES: u64 = 23 * 1024 * 1024;

/// When the server dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Death {
    UnderLoad,
    Opening,
    Closing,
    Frozen,
    Flushing,
}

fn next_death(life: u64, rng: &mut Rng) -> Death {
    // Flushes are costly to bring about, so they have their turn and do not come at random.
    if life % 12 == 11 {
        return Death::Flushing;
    }
    match rng.below(100) {
        0..55 => Death::UnderLoad,
        55..75 => Death::Opening,
        75..88 => Death::Closing,
        _ => Death::Frozen,
    }
}

async fn pause(most: Duration, rng: &mut Rng) {
    let micros = u64::try_from(most.as_micros()).unwrap().max(1);
    tokio::time::sleep(Duration::from_micros(rng.below(micros))).await;
}

/// Starts a server and kills it somewhere on its way. Opening flushes what it recovers and often merges files.
async fn die_opening(house: &House, opening: Duration, rng: &mut Rng) {
    let server = Serving::spawn(&house.dir);
    pause(opening * 5 / 4, rng).await;
    server.kill();
}

/// Load, and a kill after something was acknowledged.
async fn die_at_work(death: Death, server: Serving, running: Running, rng: &mut Rng) -> Load {
    let enough = rng.below(300);
    running.until("acknowledged events", |running| running.acknowledged() > enough).await;
    match death {
        Death::UnderLoad | Death::Opening => pause(Duration::from_millis(3), rng).await,
        Death::Closing => {
            server.terminate();
            pause(Duration::from_millis(30), rng).await;
        }
        Death::Frozen => {
            server.freeze();
            pause(Duration::from_millis(60), rng).await;
            if rng.percent(50) {
                server.thaw();
                pause(Duration::from_millis(20), rng).await;
            }
        }
        Death::Flushing => {
            running.until("full memory", |running| running.bytes() > FLUSH_BYTES).await;
            pause(Duration::from_millis(80), rng).await;
        }
    }
    server.kill();
    running.end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_by_kill_minus_nine() {
    let mut rng = Rng::seeded("kill");
    let house = House::build();
    let mut load = Load::enroll(&house, WRITERS, &mut rng).await;
    let (kills, mut deaths) = (scaled(60), BTreeMap::new());
    let mut opening = Duration::from_millis(100);
    for life in 0..kills {
        let death = next_death(life, &mut rng);
        *deaths.entry(death).or_insert(0u64) += 1;
        if death == Death::Opening {
            die_opening(&house, opening, &mut rng).await;
        } else {
            let started = Stopwatch::start();
            let server = Serving::start(&house.dir);
            opening = Duration::from_secs_f64(started.seconds());
            let weight = if death == Death::Flushing { Weight::Heavy } else { Weight::Light };
            let running = load.start(&server.address, weight, &mut rng).await;
            load = die_at_work(death, server, running, &mut rng).await;
        }
        if life % 15 == 14 {
            // As the kill left it, before anything opened it again.
            load.assert_kept(&house);
        }
    }
    let server = Serving::start(&house.dir);
    load.settle(&server.address).await;
    server.kill();
    load.assert_whole(&house);
    let (events, resent) = (load.acknowledged(), load.resent);
    println!("{events} events acknowledged, {resent} frames durable before they were answered, {deaths:?}");
    assert_eq!(load.refused, 0);
    cases("kill", kills);
}
