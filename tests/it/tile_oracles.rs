//! Tools of others on a running ledger: `signed_note` opens its checkpoint, `tlog_tiles` reads its tiles over HTTP and
//! proves with them. Neither shares a line with us, except for what it downloads.

use crate::support::grpc::Served;
use crate::support::http::Browser;
use crate::support::{House, Palette, Rng, scaled, statement};
use deedbook::record::Position;
use deedbook_verify::words::{Index, TreeSize};
use signed_note::{Note, StandardVerifier, VerifierList};
use std::cell::RefCell;
use tlog_tiles::{
    Checkpoint, Hash, Tile, TileHashReader, TileReader, check_record, check_tree, prove_record, prove_tree,
    record_hash, tree_hash,
};

/// A byte that a bad server changes: in which page, and where in it.
struct Lie {
    page: String,
    at: usize,
}

/// What the crate reads tiles through.
struct Remote {
    browser: RefCell<Browser>,
    prefix: String,
    lie: Option<Lie>,
}

impl Remote {
    fn get(&self, page: &str) -> Option<Vec<u8>> {
        let answer = self.browser.borrow_mut().get(&format!("{}/{page}", self.prefix));
        let mut body = (answer.status == 200).then_some(answer.body)?;
        if let Some(lie) = self.lie.as_ref().filter(|lie| lie.page == page) {
            body[lie.at] ^= 1;
        }
        Some(body)
    }

    /// The note as two crates see it: who signed, and which tree.
    fn checkpoint(&self, page: &str, vkey: &str) -> Option<Checkpoint> {
        let note = Note::from_bytes(&self.get(page)?).ok()?;
        let verifier = StandardVerifier::new(vkey).unwrap();
        let (verified, _) = note.verify(&VerifierList::new(vec![Box::new(verifier)])).ok()?;
        assert_eq!(verified.len(), 1);
        Checkpoint::from_bytes(note.text()).ok()
    }

    fn entry(&self, index: u64, size: u64) -> Option<Vec<u8>> {
        let tile = Tile::new(8, 0, index / 256, u32::try_from((size - index / 256 * 256).min(256)).unwrap(), true);
        let mut bundle = self.get(&path(&tile))?;
        for _ in 0..index % 256 {
            let length = usize::from(u16::from_be_bytes([bundle[0], bundle[1]]));
            bundle.drain(..2 + length);
        }
        let length = usize::from(u16::from_be_bytes([bundle[0], bundle[1]]));
        Some(bundle[2..2 + length].to_vec())
    }
}

/// Their paths name the tile's height, and call entries data.
fn path(tile: &Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1).replacen("/data/", "/entries/", 1)
}

impl TileReader for Remote {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        tiles.iter().map(|tile| self.get(&path(tile)).ok_or(tlog_tiles::Error::InvalidTile)).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

fn ours(path: &[deedbook_verify::words::Hash]) -> Vec<Hash> {
    path.iter().map(|hash| Hash(hash.0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_crate_proves_with_our_tiles() {
    let mut rng = Rng::seeded("tile oracles");
    let house = House::build();
    let served = Served::start(&house).await;
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    let palette = Palette::of(&house);
    let mut sizes = Vec::new();
    for count in [1, 1, 5, 64, 180, 1, 2, 256, 300, 1_024, 77] {
        // Random bodies are large; only small frames can have them.
        let event = |rng: &mut Rng| if count <= 64 { palette.event(rng) } else { statement() };
        let events = (0..count).map(|_| event(&mut rng)).collect();
        served.ledger.append(producer.sign(Position::Unsequenced, events)).await.unwrap();
        served.ledger.reader().checkpoint().unwrap();
        sizes.push(served.ledger.reader().head().size.0);
    }
    let vkey = house.verifier_key.to_string();
    for prefix in [String::new(), format!("/{}", house.id)] {
        let remote = Remote { browser: RefCell::new(served.browser()), prefix, lie: None };
        let newest = remote.checkpoint("checkpoint", &vkey).unwrap();
        let (size, root) = (newest.size(), *newest.hash());
        assert_eq!((newest.origin(), Some(&size)), ("test.example/log", sizes.last()));
        let tiles = TileHashReader::new(size, root, &remote);
        assert_eq!(tree_hash(size, &tiles).unwrap(), root, "the root from nothing but checkpoint and tiles");
        for _ in 0..scaled(60) {
            let at = rng.below(size);
            let proof = prove_record(size, at, &tiles).unwrap();
            let leaf = record_hash(&remote.entry(at, size).unwrap());
            check_record(&proof, size, root, at, leaf).unwrap();
            let inclusion = served.ledger.reader().inclusion(Index(at), TreeSize(size)).unwrap();
            assert_eq!(proof, ours(&inclusion.path), "path of {at}");
        }
        for old in &sizes {
            let older = remote.checkpoint(&format!("checkpoint/{old}"), &vkey).unwrap();
            let proof = prove_tree(size, *old, &tiles).unwrap();
            check_tree(&proof, size, root, *old, *older.hash()).unwrap();
            // The older tree stands on its own, from the partial tiles of its time.
            let then = TileHashReader::new(*old, *older.hash(), &remote);
            assert_eq!(tree_hash(*old, &then).unwrap(), *older.hash());
            assert_eq!(prove_record(*old, old - 1, &then).unwrap().len(), {
                served.ledger.reader().inclusion(Index(old - 1), TreeSize(*old)).unwrap().path.len()
            });
        }
    }
    served.stop().await;
}

/// The judges can say no.
#[tokio::test(flavor = "multi_thread")]
async fn another_crate_refuses_what_was_altered() {
    let house = House::build();
    let served = Served::start(&house).await;
    let producer = house.enrolled(&served.ledger, &["gateway"]).await.remove(0);
    served.ledger.append(producer.plain(Position::Unsequenced, 600)).await.unwrap();
    served.ledger.reader().checkpoint().unwrap();
    let vkey = house.verifier_key.to_string();
    let remote = |page: &str, at| {
        let lie = Some(Lie { page: page.to_owned(), at });
        Remote { browser: RefCell::new(served.browser()), prefix: String::new(), lie }
    };
    let honest = remote("no page", 0);
    let newest = honest.checkpoint("checkpoint", &vkey).unwrap();
    let (size, root) = (newest.size(), *newest.hash());
    assert_eq!(size, 602);
    // In origin, size, root and signature.
    for at in [0, 17, 30, 150] {
        assert!(remote("checkpoint", at).checkpoint("checkpoint", &vkey).is_none(), "byte {at} of the checkpoint");
    }
    // The crate holds a tile against its parent only when it fetched it late, so the proof is judged as well.
    for (page, at, index) in [("tile/0/000", 40, 3), ("tile/0/002.p/90", 40, 599), ("tile/1/000.p/2", 40, 300)] {
        let leaf = record_hash(&honest.entry(index, size).unwrap());
        let remote = remote(page, at);
        let proof = prove_record(size, index, &TileHashReader::new(size, root, &remote));
        assert!(proof.and_then(|proof| check_record(&proof, size, root, index, leaf)).is_err(), "{page}");
    }
    let remote = remote("tile/entries/001", 40);
    let tiles = TileHashReader::new(size, root, &remote);
    let proof = prove_record(size, 256, &tiles).unwrap();
    let leaf = record_hash(&remote.entry(256, size).unwrap());
    assert!(check_record(&proof, size, root, 256, leaf).is_err(), "an altered entry");
    served.stop().await;
}
