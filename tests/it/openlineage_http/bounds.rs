//! What a post may not be: too long, before or after it is inflated, of another type, no JSON, for a ledger that takes
//! nothing. Each refusal is JSON that names what to do, and nothing of it is in the log.

use super::{BATCH, JSON, ONE, event, gzip, post, said, send, web};
use crate::support::House;
use crate::support::grpc::Served;
use crate::support::web::ask_with;
use deedbook::limits::{
    BODY_BYTES_MAX, OPENLINEAGE_BATCH_EVENTS_MAX, OPENLINEAGE_POST_BYTES_MAX, OPENLINEAGE_POSTS_MAX,
};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Reason and status of a refusal, which must say what to do.
fn refused(answer: (u16, Value)) -> (u16, String) {
    let (status, said) = answer;
    let error = &said["error"];
    for member in ["message", "remedy"] {
        assert!(error[member].as_str().is_some_and(|text| !text.is_empty()), "{said}");
    }
    (status, error["reason"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_names_its_reason_and_leaves_no_trace() {
    let house = House::build();
    let served = Served::start(&house).await;
    let address = web(&served);
    let good = event(1, "START");
    let with = |headers: &[(&str, &str)], body: &[u8]| refused(said(&send(address, ONE, headers, body)));
    let is = |status: u16, reason: &str| (status, reason.to_owned());
    for media in ["application/x-www-form-urlencoded", "text/plain", ""] {
        assert_eq!(with(&[("Content-Type", media)], good.as_bytes()), is(415, "FIELD_INVALID"), "{media}");
    }
    assert_eq!(with(&[], good.as_bytes()), is(415, "FIELD_INVALID"));
    assert_eq!(with(&[JSON, ("Content-Encoding", "br")], good.as_bytes()), is(415, "FIELD_INVALID"));
    assert_eq!(with(&[JSON, ("Content-Encoding", "gzip")], good.as_bytes()), is(400, "MALFORMED"));
    assert_eq!(with(&[JSON, ("Authorization", "Bearer \u{e9}")], good.as_bytes()), is(400, "FIELD_INVALID"));
    let cut = gzip(&good);
    assert_eq!(with(&[JSON, ("Content-Encoding", "gzip")], &cut[..cut.len() - 9]), is(400, "MALFORMED"));
    for text in ["", "  ", "7", "[]", "{", "{}}", "nonsense", "\u{0}"] {
        assert_eq!(refused(post(address, ONE, text)), is(400, "MALFORMED"), "{text:?}");
    }
    assert_eq!(with(&[JSON], b"{\"a\":\"\xff\"}"), is(400, "MALFORMED"));
    for text in ["{}", "7", "", "[1,]"] {
        assert_eq!(refused(post(address, BATCH, text)), is(400, "MALFORMED"), "{text:?}");
    }
    let twice = good.replacen("{ ", "{ \"eventTime\":\"2026-01-05T03:00:00Z\",", 1);
    let (status, answer) = post(address, ONE, &twice);
    assert_eq!((status, answer["error"]["field"].as_str()), (400, Some("eventTime")), "of two, which one counts?");
    let long = good.replace("\"s\"", &format!("\"{}\"", "x".repeat(BODY_BYTES_MAX)));
    let (status, answer) = post(address, ONE, &long);
    assert!(status == 400 && answer.to_string().contains(&BODY_BYTES_MAX.to_string()), "{answer}");
    let largest = good.replace("\"s\"", &format!("\"{}\"", "x".repeat(BODY_BYTES_MAX + 1 - good.len())));
    assert_eq!((largest.len(), post(address, ONE, &largest).0), (BODY_BYTES_MAX, 201));
    for method in ["GET", "PUT", "DELETE"] {
        assert_eq!(ask_with(address, (method, ONE), &[JSON], good.as_bytes()).unwrap().status, 405);
    }
    for (path, status) in [("/api/v1/lineage/", 404), ("/api/v2/lineage", 404), ("/lineage", 405)] {
        assert_eq!(send(address, path, &[JSON], good.as_bytes()).status, status, "{path}");
    }
    assert_eq!(served.ledger.reader().head().size.0, 2);
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn sizes_are_bounded_as_sent_and_as_inflated() {
    let house = House::build();
    let served = Served::start(&house).await;
    let address = web(&served);
    let spaces = " ".repeat(OPENLINEAGE_POST_BYTES_MAX);
    let (over, packed) = (format!("{spaces}[]"), [JSON, ("Content-Encoding", "gzip")]);
    assert_eq!(refused(post(address, BATCH, &over)), (413, "MESSAGE_TOO_LARGE".to_owned()));
    let bomb = gzip(&over);
    assert!(bomb.len() < OPENLINEAGE_POST_BYTES_MAX / 100, "{}", bomb.len());
    assert_eq!(refused(said(&send(address, BATCH, &packed, &bomb))), (413, "MESSAGE_TOO_LARGE".to_owned()));
    let full = format!("[{}]", " ".repeat(OPENLINEAGE_POST_BYTES_MAX - 2));
    assert_eq!(send(address, BATCH, &[JSON], full.as_bytes()).status, 200);
    assert_eq!(send(address, BATCH, &packed, &gzip(&full)).status, 200);
    let many = format!("[{}0]", "0,".repeat(OPENLINEAGE_BATCH_EVENTS_MAX));
    assert_eq!(refused(post(address, BATCH, &many)), (413, "BATCH_TOO_LARGE".to_owned()));
    let as_many = format!("[{}0]", "0,".repeat(OPENLINEAGE_BATCH_EVENTS_MAX - 1));
    assert_eq!(post(address, BATCH, &as_many).1["summary"]["failed"], OPENLINEAGE_BATCH_EVENTS_MAX);
    // A length that is only promised is refused before it comes; the other pages keep their own small bound.
    let promised =
        format!("POST {ONE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(promised.as_bytes()).unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 413");
    assert_eq!(served.ledger.reader().head().size.0, 1);
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_stops_and_one_that_is_busy_say_so() {
    let house = House::build();
    let served = Served::start(&house).await;
    let address = web(&served);
    // Every place is taken by somebody who sends nothing; the others are answered all the same, later.
    let head =
        format!("POST {ONE} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n");
    let silent: Vec<TcpStream> = (0..OPENLINEAGE_POSTS_MAX)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    let waiting = std::thread::spawn(move || send(address, ONE, &[JSON], event(1, "START").as_bytes()).status);
    assert_eq!(served.browser().get("/livez").status, 200, "other pages have their own places");
    let status = waiting.join().unwrap();
    assert!([201, 503].contains(&status), "{status}");
    drop(silent);
    let ledger = served.ledger.clone();
    tokio::task::spawn_blocking(move || ledger.close()).await.unwrap();
    let answer = send(address, ONE, &[JSON], event(2, "START").as_bytes());
    assert_eq!(answer.header("Retry-After"), Some("1"));
    assert_eq!(refused(said(&answer)), (503, "STOPPING".to_owned()));
    let batch = post(address, BATCH, &format!("[{}]", event(2, "START")));
    assert_eq!(refused(batch).0, 503);
    served.stop().await;
    house.assert_clean();
}
