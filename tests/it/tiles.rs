//! The log over HTTP, held against a naive tree: every tile and bundle of growing trees, every partial width, what is
//! not there yet, and the headers. The visitor trusts the verifier key and its own SHA-256, nothing that was served.

use crate::prover::{Oracle, sha256};
use crate::support::grpc::Served;
use crate::support::http::{Answer, Browser};
use crate::support::{House, Producer, scaled, statement};
use deedbook::ledger::Ledger;
use deedbook::record::Position;
use deedbook_verify::note::{VerifierKey, open_checkpoint};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::Hash;

/// Somebody who follows the log from outside, and keeps what they saw.
struct Visitor {
    browser: Browser,
    prefix: String,
    key: VerifierKey,
    entries: Vec<Vec<u8>>,
    oracle: Oracle,
}

fn number_path(number: u64, width: u64) -> String {
    let digits = format!("{:03}", number % 1_000);
    let number = if number < 1_000 { digits } else { format!("x{:03}/{digits}", number / 1_000) };
    if width == 256 { number } else { format!("{number}.p/{width}") }
}

/// The items of a row of tiles: full ones, then a partial one, never an empty one.
fn spans(items: u64) -> Vec<(u64, u64)> {
    let full = (0..items / 256).map(|number| (number, 256));
    full.chain((!items.is_multiple_of(256)).then_some((items / 256, items % 256))).collect()
}

fn index(number: u64) -> usize {
    usize::try_from(number).unwrap()
}

impl Visitor {
    fn new(served: &Served, house: &House) -> Visitor {
        let (browser, key) = (served.browser(), house.verifier_key.clone());
        Visitor { browser, prefix: String::new(), key, entries: Vec::new(), oracle: Oracle::of(Vec::new()) }
    }

    fn get(&mut self, page: &str) -> Answer {
        self.browser.get(&format!("{}/{page}", self.prefix))
    }

    fn found(&mut self, page: &str) -> Vec<u8> {
        let answer = self.get(page);
        assert_eq!(answer.status, 200, "{page}: {}", answer.text());
        answer.body
    }

    fn assert_absent(&mut self, page: &str) {
        let answer = self.get(page);
        assert_eq!(answer.status, 404, "{page}");
    }

    fn checkpoint(&mut self) -> TreeHead {
        let note = self.found("checkpoint");
        open_checkpoint(&note, &self.key).unwrap().checkpoint().head
    }

    /// Takes the new entries out of their bundles, and insists that they make the tree of the checkpoint.
    fn follow(&mut self, ledger: &Ledger) -> u64 {
        ledger.reader().checkpoint().unwrap();
        let head = self.checkpoint();
        assert_eq!(head, ledger.reader().head());
        let size = head.size.0;
        let known = self.entries.len() as u64;
        for (number, width) in spans(size).into_iter().filter(|(number, width)| number * 256 + width > known) {
            let bundle = self.found(&format!("tile/entries/{}", number_path(number, width)));
            let items = unpack(&bundle);
            assert_eq!(items.len() as u64, width);
            for entry in items.into_iter().skip(self.entries.len() - index(number * 256)) {
                self.oracle.leaves.push(sha256(&[&[0], &entry]));
                self.entries.push(entry);
            }
        }
        assert_eq!(head.root, Hash(self.oracle.root(0, index(size))), "the root of {size}");
        size
    }

    /// Tile (l, n) by its definition: MTH(D[(n*256+i)*256^l : (n*256+i+1)*256^l]) for each i.
    fn naive_tile(&mut self, level: u32, number: u64, width: u64) -> Vec<u8> {
        let span = 256u64.pow(level);
        let first = number * 256;
        let roots = (first..first + width).map(|at| self.oracle.root(index(at * span), index((at + 1) * span)));
        roots.flatten().collect()
    }

    fn check_tile(&mut self, level: u32, (number, width): (u64, u64)) {
        let tile = self.found(&format!("tile/{level}/{}", number_path(number, width)));
        assert!(tile == self.naive_tile(level, number, width), "tile {level} {number} {width}");
    }

    fn check_bundle(&mut self, (number, width): (u64, u64)) {
        let bundle = self.found(&format!("tile/entries/{}", number_path(number, width)));
        assert!(bundle == pack(&self.entries[index(number * 256)..index(number * 256 + width)]), "{number} {width}");
    }

    /// Every tile and bundle that this size implies, or those from some item on; and no item more.
    fn check(&mut self, size: u64, from: u64) {
        for span in spans(size).into_iter().filter(|(number, width)| number * 256 + width > from) {
            self.check_bundle(span);
        }
        self.assert_absent(&format!("tile/entries/{}", number_path(size / 256, size % 256 + 1)));
        for level in 0..3 {
            let items = size >> (8 * level);
            for span in spans(items).into_iter().filter(|(n, width)| n * 256 + width > from >> (8 * level)) {
                self.check_tile(level, span);
            }
            self.assert_absent(&format!("tile/{level}/{}", number_path(items / 256, items % 256 + 1)));
        }
    }

    /// Nothing empty, nothing behind the end, in any level.
    fn check_absent(&mut self, size: u64) {
        for level in 0..64 {
            let items = size.checked_shr(8 * level).unwrap_or(0);
            for (number, width) in [(items / 256, items % 256 + 1), (items / 256, 256), (items / 256 + 1, 1)] {
                self.assert_absent(&format!("tile/{level}/{}", number_path(number, width)));
            }
            self.assert_absent(&format!("tile/{level}/{}.p/0", number_path(items / 256, 256)));
        }
        for (number, width) in [(size / 256, size % 256 + 1), (size / 256, 256), (size / 256 + 1, 1)] {
            self.assert_absent(&format!("tile/entries/{}", number_path(number, width)));
        }
    }

    /// Every width of the tiles of a level and, for level 0, of the bundles; full ones have all of them too.
    fn check_widths(&mut self, level: u32, number: u64, items: u64) {
        for width in 1..=items.min(256) {
            self.check_tile(level, (number, width));
            if level == 0 {
                self.check_bundle((number, width));
            }
        }
    }
}

fn unpack(mut bundle: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = bundle.split_first_chunk::<2>() {
        let (entry, rest) = rest.split_at(usize::from(u16::from_be_bytes(*length)));
        entries.push(entry.to_vec());
        bundle = rest;
    }
    assert!(bundle.is_empty(), "a bundle ends behind an entry");
    entries
}

fn pack(entries: &[Vec<u8>]) -> Vec<u8> {
    let length = |entry: &Vec<u8>| u16::try_from(entry.len()).unwrap().to_be_bytes();
    entries.iter().flat_map(|entry| [length(entry).as_slice(), entry].concat()).collect()
}

async fn append(ledger: &Ledger, producer: &Producer, count: u64) {
    let frame = producer.sign(Position::Unsequenced, (0..count).map(|_| statement()).collect());
    ledger.append(frame).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_tile_and_bundle_of_the_sizes_1_to_600() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut visitor = Visitor::new(&served, &house);
    assert_eq!(visitor.follow(&served.ledger), 1);
    visitor.check(1, 0);
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    for size in 2..=600 {
        assert_eq!(visitor.follow(&served.ledger), size);
        visitor.check(size, 0);
        append(&served.ledger, &producer, 1).await;
    }
    visitor.prefix = format!("/{}", house.id);
    let size = visitor.follow(&served.ledger);
    assert_eq!(size, 601);
    visitor.check(size, 0);
    visitor.check_absent(size);
    for number in 0..3 {
        visitor.check_widths(0, number, size - number * 256);
    }
    visitor.check_widths(1, 0, size / 256);
    served.stop().await;
    house.assert_clean();
}

#[tokio::test(flavor = "multi_thread")]
async fn tiles_around_the_first_full_one_of_level_1() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut visitor = Visitor::new(&served, &house);
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    for _ in 0..63 {
        append(&served.ledger, &producer, 1_024).await;
    }
    let (mut seen, mut more) = (0, vec![65_535 - 2 - 63 * 1_024, 1, 1, 254, 1, 1]);
    more.reverse();
    while let Some(count) = more.pop() {
        append(&served.ledger, &producer, count).await;
        let size = visitor.follow(&served.ledger);
        visitor.check(size, seen);
        seen = size;
    }
    assert_eq!(seen, 65_793);
    visitor.check(seen, 0);
    visitor.check_absent(seen);
    visitor.check_widths(1, 0, 256);
    visitor.check_widths(1, 1, 1);
    visitor.check_widths(2, 0, 1);
    visitor.check_widths(0, 255, 256);
    visitor.check_widths(0, 257, 1);
    served.stop().await;
}

/// What is appended and not signed yet stays unseen, however the reader asks.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_not_signed_is_served() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut visitor = Visitor::new(&served, &house);
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    let (mut unseen, mut size) = (0, 2);
    for _ in 0..scaled(150) {
        append(&served.ledger, &producer, 1).await;
        size += 1;
        let paths = [format!("tile/0/{}", number_path(0, size)), format!("tile/entries/{}", number_path(0, size))];
        for path in paths {
            let answer = visitor.get(&path);
            let signed = visitor.checkpoint().size.0;
            assert!(answer.status == 404 || signed >= size, "{path} was served, the newest checkpoint has {signed}");
            unseen += u64::from(answer.status == 404);
        }
        if size == 250 {
            break;
        }
    }
    assert!(unseen > 0, "a reader was faster than the signer at least once");
    assert_eq!(visitor.follow(&served.ledger), size);
    visitor.check(size, 0);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_of_every_kept_size() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut visitor = Visitor::new(&served, &house);
    visitor.follow(&served.ledger);
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    let mut kept = Vec::new();
    for count in [0, 1, 3, 10, 300] {
        if count > 0 {
            append(&served.ledger, &producer, count).await;
        }
        let size = visitor.follow(&served.ledger);
        kept.push((size, visitor.found("checkpoint")));
    }
    for (size, note) in &kept {
        assert_eq!(&visitor.found(&format!("checkpoint/{size}")), note);
        let head = open_checkpoint(note, &house.verifier_key).unwrap().checkpoint().head;
        assert_eq!((head.size.0, head.root), (*size, Hash(visitor.oracle.root(0, index(*size)))));
    }
    assert_eq!(kept.iter().map(|(size, _)| *size).collect::<Vec<_>>(), [2, 3, 6, 16, 316]);
    for (size, words) in [
        (0, "no checkpoint of 0 entries is kept; the oldest kept has 1 entries"),
        (4, "no checkpoint of 4 entries is kept; the nearest kept have 3 and 6 entries"),
        (100, "no checkpoint of 100 entries is kept; the nearest kept have 16 and 316 entries"),
        (317, "no checkpoint of 317 entries is kept; the newest has 316 entries"),
        (u64::MAX, "no checkpoint of 18446744073709551615 entries is kept; the newest has 316 entries"),
    ] {
        let answer = visitor.get(&format!("checkpoint/{size}"));
        assert_eq!((answer.status, answer.text().trim_end()), (404, words));
    }
    let answer = visitor.get("tile/0/002");
    let words = "not implied by any signed checkpoint: the newest has 316 entries; fetch /checkpoint again\n";
    assert_eq!((answer.status, answer.text().as_str()), (404, words));
    served.stop().await;
    // They are kept over a restart, and readers find the newest without anything being signed again.
    let served = Served::start(&house).await;
    let mut visitor = Visitor::new(&served, &house);
    assert_eq!(visitor.found("checkpoint"), kept[4].1);
    assert_eq!(visitor.found("checkpoint/16"), kept[3].1);
    served.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_and_head() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut browser = served.browser();
    let bytes = Some("application/octet-stream");
    for prefix in [String::new(), format!("/{}", house.id)] {
        for (page, content_type, cache) in [
            ("checkpoint", Some("text/plain; charset=utf-8"), "public, max-age=1"),
            ("checkpoint/1", Some("text/plain; charset=utf-8"), "public, max-age=1"),
            ("tile/0/000.p/1", bytes, "public, max-age=31536000, immutable"),
            ("tile/entries/000.p/1", bytes, "private, max-age=31536000, immutable"),
        ] {
            let path = format!("{prefix}/{page}");
            let (got, head) = (browser.get(&path), browser.ask("HEAD", path.as_bytes()));
            for answer in [&got, &head] {
                assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{path}");
                assert_eq!(answer.header("cache-control"), Some(cache), "{path}");
                assert_eq!(answer.header("content-length"), Some(got.body.len().to_string().as_str()), "{path}");
            }
            assert!(!got.body.is_empty());
            let with_query = browser.get(&format!("{path}?again=1"));
            assert_eq!((with_query.status, with_query.body), (200, got.body), "a query is ignored");
        }
    }
    assert_eq!(browser.ask("HEAD", b"/tile/0/001").status, 404);
    served.stop().await;
}
