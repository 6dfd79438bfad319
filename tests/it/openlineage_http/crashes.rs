//! Posts while others post the same, while frames come in, and while the server is killed: what was answered is in the log
//! once, and what was not answered is answered when it is sent again.

use super::{BATCH, JSON, ONE, event, post, web};
use crate::support::grpc::Served;
use crate::support::process::Serving;
use crate::support::web::ask_with;
use crate::support::{House, Rng, cases, scaled, sequenced};
use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test(flavor = "multi_thread")]
async fn the_same_events_from_all_sides_stand_there_once() {
    let house = House::build();
    let served = Served::start(&house).await;
    let gateway = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    let (address, runs) = (web(&served), scaled(40));
    let appended = Mutex::new(HashMap::new());
    std::thread::scope(|scope| {
        for hand in 0..4u64 {
            let appended = &appended;
            scope.spawn(move || {
                for run in 0..runs {
                    // Each hand cuts the same events into other batches.
                    let texts: Vec<String> = (run..run + 1 + hand).map(|run| event(run, "START")).collect();
                    if hand == 0 {
                        let (status, answer) = post(address, ONE, &texts[0]);
                        assert!(status == 200 || status == 201, "{answer}");
                        let index = answer["index"].as_u64().unwrap();
                        let before = appended.lock().unwrap().insert(run, index);
                        assert_eq!(before, None);
                    } else {
                        let (status, answer) = post(address, BATCH, &format!("[{}]", texts.join(",")));
                        assert_eq!((status, &answer["status"]), (200, &"success".into()), "{answer}");
                    }
                }
            });
        }
        for number in 0..runs {
            let frame = gateway.plain(sequenced(number + 1), 1);
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(served.ledger.append(frame)).unwrap()
            });
        }
    });
    let size = served.ledger.reader().head().size.0;
    assert_eq!(size, 2 + runs + runs + 3, "genesis, an enrollment, the gateway's events, and each run once");
    let indexes: HashSet<u64> = appended.into_inner().unwrap().into_values().collect();
    assert_eq!(indexes.len() as u64, runs);
    served.stop().await;
    house.assert_clean();
}

/// Posts runs one after the other until the server is gone; what was answered, and the first that was not.
fn post_until_gone(address: SocketAddr, from: u64, stop: &AtomicBool) -> (HashMap<u64, u64>, u64) {
    let (mut answered, mut run) = (HashMap::new(), from);
    while !stop.load(Ordering::Relaxed) {
        let answer = ask_with(address, ("POST", ONE), &[JSON], event(run, "START").as_bytes());
        // Known already: the life before this one took it, and died before it could say so.
        let Some(answer) = answer.filter(|answer| answer.status == 201 || answer.status == 200) else { break };
        let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        answered.insert(run, said["index"].as_u64().unwrap());
        run += 1;
    }
    (answered, run)
}

#[test]
fn nothing_answered_is_lost_or_doubled_by_kill_minus_nine() {
    let house = House::build();
    let mut rng = Rng::seeded("openlineage kill");
    let (mut answered, mut next): (HashMap<u64, u64>, [u64; 3]) = (HashMap::new(), [0, 1_000_000, 2_000_000]);
    let kills = scaled(4);
    for _ in 0..kills {
        let server = Serving::start(&house.dir);
        let (address, stop) = (server.http.parse().unwrap(), &AtomicBool::new(false));
        let rest = std::time::Duration::from_millis(20 + rng.below(150));
        let lives: Vec<_> = std::thread::scope(|scope| {
            let hands: Vec<_> =
                next.map(|from| scope.spawn(move || post_until_gone(address, from, stop))).into_iter().collect();
            std::thread::sleep(rest);
            server.kill();
            stop.store(true, Ordering::Relaxed);
            hands.into_iter().map(|hand| hand.join().unwrap()).collect()
        });
        for (hand, (more, run)) in lives.into_iter().enumerate() {
            answered.extend(more);
            next[hand] = run;
        }
        house.assert_clean();
    }
    let server = Serving::start(&house.dir);
    let address = server.http.parse().unwrap();
    for (run, index) in &answered {
        let (status, answer) = post(address, ONE, &event(*run, "START"));
        assert_eq!((status, answer["index"].as_u64()), (200, Some(*index)), "{answer}");
    }
    for run in next {
        assert!([200, 201].contains(&post(address, ONE, &event(run, "START")).0));
    }
    drop(server);
    let size = crate::support::patiently(|| deedbook::ledger::Ledger::open(&house.dir, Default::default())).unwrap();
    assert_eq!(size.reader().head().size.0, 1 + answered.len() as u64 + 3, "each run that was begun, once");
    house.close(size);
    house.assert_clean();
    cases("openlineage-kill", kills);
}
