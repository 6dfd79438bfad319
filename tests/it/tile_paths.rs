//! The paths of C2SP tlog-tiles: published examples, the spelling that is refused, the crate `tlog_tiles` as a second
//! opinion on random ones, and the same over a socket, where nothing but 404 may come of it.

use crate::support::grpc::Served;
use crate::support::{House, Rng, scaled};
use deedbook::merkle::{TileLevel, TilePath, TileSpan, TileWidth};
use deedbook_verify::words::TreeSize;
use tlog_tiles::Tile;

fn span(number: u64, width: u16) -> TileSpan {
    TileSpan { number, width: TileWidth::new(width).unwrap() }
}

fn hashes(level: u8, number: u64, width: u16) -> TilePath {
    TilePath::Hashes { level: TileLevel::new(level).unwrap(), span: span(number, width) }
}

#[test]
fn published_examples() {
    let examples = [
        ("tile/15/x123/x456/789.p/41", hashes(15, 123_456_789, 41)),
        ("tile/entries/001.p/1", TilePath::Entries(span(1, 1))),
        ("tile/entries/000.p/255", TilePath::Entries(span(0, 255))),
        ("tile/0/x001/x234/067", hashes(0, 1_234_067, 256)),
        ("tile/0/000", hashes(0, 0, 256)),
        ("tile/63/999.p/9", hashes(63, 999, 9)),
        ("tile/1/x001/000", hashes(1, 1_000, 256)),
        ("tile/0/x018/x446/x744/x073/x709/x551/615", hashes(0, u64::MAX, 256)),
    ];
    for (text, path) in examples {
        assert_eq!(TilePath::parse(text), Some(path), "{text}");
        assert_eq!(path.to_string(), text);
    }
}

/// Every other spelling is somebody else's page, or nobody's.
const BAD: &[&str] = &[
    "",
    "tile",
    "tile/",
    "tile/0",
    "tile/0/",
    "tile//000",
    "tile/0/0",
    "tile/0/00",
    "tile/0/0000",
    "tile/00/000",
    "tile/64/000",
    "tile/-1/000",
    "tile/+1/000",
    "tile/0/+00",
    "tile/0/-01",
    "tile/256/000",
    "tile/0/000/",
    "tile/0/x000",
    "tile/0/x001",
    "tile/0/x000/001",
    "tile/0/001/001",
    "tile/0/x001/x001",
    "tile/0/X001/001",
    "tile/0/xx01/001",
    "tile/0/x01/001",
    "tile/0/x001/1",
    "tile/0/x018/x446/x744/x073/x709/x551/616",
    "tile/0/000.p",
    "tile/0/000.p/",
    "tile/0/000.p/0",
    "tile/0/000.p/00",
    "tile/0/000.p/01",
    "tile/0/000.p/256",
    "tile/0/000.p/+1",
    "tile/0/000.p/1/",
    "tile/0/000.p/1.p/1",
    "tile/0/000.p/65537",
    "tile/0/000.P/1",
    "tile/0/000,p/1",
    "tile/entries",
    "tile/entries/",
    "tile/entries/0",
    "tile/Entries/000",
    "tile/data/000",
    "tile/0x0/000",
    "tile/8/0/000",
    "Tile/0/000",
    "/tile/0/000",
    "tile/0/000 ",
    " tile/0/000",
    "tile/0/000?",
    "tile/0/٠٠٠",
    "tile/0/%30%30%30",
    "tile/0/000%2Ep/1",
    "tile/0/000\n",
    "checkpoint.p/1",
];

#[test]
fn other_spellings_are_refused() {
    for text in BAD {
        assert_eq!(TilePath::parse(text), None, "{text:?}");
    }
    assert!(TileLevel::new(64).is_none() && TileWidth::new(0).is_none() && TileWidth::new(257).is_none());
}

/// A path that is right, or was until a few bytes of it were changed, doubled or left out.
fn random_path(rng: &mut Rng) -> String {
    let number = rng.next() >> rng.below(64);
    let width = if rng.percent(50) { 256 } else { 1 + u16::try_from(rng.below(255)).unwrap() };
    let path = match rng.percent(25) {
        true => TilePath::Entries(span(number, width)),
        false => hashes(u8::try_from(rng.below(64)).unwrap(), number, width),
    };
    let mut bytes = path.to_string().into_bytes();
    for _ in 0..rng.below(4) {
        let at = usize::try_from(rng.below(bytes.len() as u64)).unwrap();
        match rng.below(4) {
            0 => drop(bytes.remove(at)),
            1 => bytes.insert(at, bytes[at]),
            2 => bytes.insert(at, *rng.pick(b"0123456789x/.p+-ae%")),
            _ => bytes[at] = *rng.pick(b"0123456789x/.p+-ae%"),
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// The other crate's opinion. Its paths name the height, its entries are `data`, and where it would panic or is wider
/// than tlog-tiles (a width of 0, levels from 64 on) the answer is no.
fn their_opinion(path: &str) -> Option<(u8, u64, u32, bool)> {
    let rest = path.strip_prefix("tile/")?;
    let (level, rest) = rest.split_once('/')?;
    let level = match level {
        "data" => return None,
        "entries" => "data",
        number => number.parse::<u8>().ok().filter(|number| *number < 64).map(|_| number)?,
    };
    let empty = rest.rsplit_once('/').is_some_and(|(_, width)| width.parse() == Ok(0u32));
    if empty && rest.contains(".p/") {
        return None;
    }
    let tile = Tile::from_path(&format!("tile/8/{level}/{rest}")).ok()?;
    Some((tile.level(), tile.level_index(), tile.width(), tile.is_data()))
}

#[test]
fn another_crate_reads_the_same_from_random_paths() {
    let mut rng = Rng::seeded("tile paths");
    let (mut good, mut bad) = (0, 0);
    for _ in 0..scaled(20_000) {
        let text = random_path(&mut rng);
        let ours = TilePath::parse(&text).map(|path| match path {
            TilePath::Hashes { level, span } => (level.number(), span.number, span.width.items() as u32, false),
            TilePath::Entries(span) => (0, span.number, span.width.items() as u32, true),
        });
        assert_eq!(ours, their_opinion(&text), "{text}");
        *(if ours.is_some() { &mut good } else { &mut bad }) += 1;
    }
    assert!(good > 1_000 && bad > 1_000, "both kinds were tried: {good} good, {bad} bad");
}

#[test]
fn a_tree_has_what_its_size_implies() {
    // 70,000 entries, as tlog-tiles counts them.
    let size = TreeSize(70_000);
    for (within, beyond) in [
        (hashes(0, 272, 256), hashes(0, 273, 256)),
        (hashes(0, 273, 112), hashes(0, 273, 113)),
        (hashes(1, 0, 256), hashes(1, 1, 256)),
        (hashes(1, 1, 17), hashes(1, 1, 18)),
        (hashes(2, 0, 1), hashes(2, 0, 2)),
        (TilePath::Entries(span(273, 112)), TilePath::Entries(span(273, 113))),
    ] {
        assert!(within.is_within(size) && !beyond.is_within(size), "{within} {beyond}");
    }
    for level in 3..64 {
        assert!(!hashes(level, 0, 1).is_within(size), "level {level}");
    }
    assert!(hashes(7, 0, 255).is_within(TreeSize(u64::MAX)) && !hashes(7, 0, 256).is_within(TreeSize(u64::MAX)));
    assert!(!hashes(0, u64::MAX, 1).is_within(TreeSize(u64::MAX)) && !hashes(8, 0, 1).is_within(TreeSize(u64::MAX)));
    assert!(!hashes(0, 0, 1).is_within(TreeSize(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_not_found() {
    let house = House::build();
    let served = Served::start(&house).await;
    let mut rng = Rng::seeded("garbage paths");
    let mut browser = served.browser();
    let id = house.id.to_string();
    let (shouted, cut) = (id.to_uppercase(), &id[..63]);
    let mut paths: Vec<String> = BAD.iter().filter(|text| text.is_ascii()).map(|text| format!("/{text}")).collect();
    paths.extend(BAD.iter().filter(|text| text.is_ascii()).map(|text| format!("/{id}/{text}")));
    paths.extend([format!("/{shouted}/checkpoint"), format!("/{cut}/checkpoint"), format!("/{id}")]);
    paths.extend([format!("/{id}/{id}/checkpoint"), format!("/{id}//checkpoint"), format!("/{id}/livez")]);
    paths.extend(
        ["//checkpoint", "/checkpoint/", "/checkpoint/01", "/checkpoint/-1", "/checkpoint/x"].map(str::to_owned),
    );
    paths.extend(["/checkpoint/18446744073709551616", "/../checkpoint", "/./checkpoint"].map(str::to_owned));
    paths.push(format!("/{}", "x001/".repeat(1_000)));
    paths.extend((0..scaled(400)).map(|_| format!("/{}", random_path(&mut rng))));
    for path in paths.iter().filter(|path| !path.contains([' ', '\n', '?'])) {
        // Of the one entry that there is, these are pages.
        let own = path.strip_prefix(&format!("/{id}")).unwrap_or(path);
        let page = own == "/tile/0/000.p/1" || own == "/tile/entries/000.p/1";
        let answer = browser.get(path);
        assert_eq!(answer.status, if page { 200 } else { 404 }, "{path}: {}", answer.text());
        assert!(page || answer.header("cache-control") == Some("no-store"), "{path}");
    }
    // What is no HTTP at all is the server's to refuse; it must neither fall nor find a page.
    for _ in 0..scaled(200) {
        let length = usize::try_from(1 + rng.below(60)).unwrap();
        let path: Vec<u8> = rng.bytes(length).into_iter().filter(|byte| !b"\r\n ".contains(byte)).collect();
        let status = browser.ask("GET", &[b"/".as_slice(), &path].concat()).status;
        assert!((400..500).contains(&status), "{status} for {path:?}");
    }
    assert_eq!(browser.get("/checkpoint").status, 200);
    assert_eq!(browser.ask("POST", b"/checkpoint").status, 405);
    served.stop().await;
}
