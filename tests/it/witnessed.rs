//! A ledger and its witnesses: checkpoints gain cosignatures that others can count, an absent witness slows nothing, a
//! rolled-back copy does not open, and of a split view one half is cosigned, the other refuted.

use crate::support::disk::copy_of;
use crate::support::log::Watching;
use crate::support::web::{WebAnswer, get};
use crate::support::{House, Producer, close, patiently, sequenced};
use deedbook::app::Server;
use deedbook::clock::Stopwatch;
use deedbook::cosign::{PolicyError, Running, Witnesses};
use deedbook::ledger::{Bodies, DataDir, Ledger, OpenError, OpenOptions, ReadError, Recollection, WitnessCheck};
use deedbook::record::SigningKey;
use deedbook_verify::judge::{Witnessing, verify_receipt, verify_witnessed};
use deedbook_verify::note::{Checkpoint, NoteRefusal, open_checkpoint, signature_line};
use deedbook_verify::policy::Policy;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::witnessed::open_witnessed;
use deedbook_verify::words::{Hash, Index, TreeSize};
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// A port that nobody listens on.
const NOBODY: &str = "http://127.0.0.1:1/";

/// A ledger, its witnesses, and the policy that names them.
struct Scene {
    house: House,
    witnesses: Vec<Watching>,
    policy: Policy,
    _folder: TempDir,
}

impl Scene {
    /// So many witnesses `w0`, `w1`…, and a quorum line with what it needs.
    async fn set(count: usize, quorum: &str) -> Scene {
        let (house, folder) = (House::build(), tempfile::tempdir().unwrap());
        let mut text = format!("log {}\n", house.verifier_key);
        let mut witnesses = Vec::new();
        for number in 0..count {
            let name = format!("w{number}");
            witnesses.push(Watching::start(folder.path(), &format!("{name}.example"), &[&house.verifier_key]).await);
            text += &witnesses[number].policy_line(&name);
        }
        let policy = Policy::parse((text + quorum).as_bytes()).unwrap_or_else(|refusal| panic!("{refusal}"));
        Scene { house, witnesses, policy, _folder: folder }
    }

    /// Opens a copy of the ledger, asking the witnesses first.
    fn open(&self, dir: &DataDir, require: bool) -> Result<(Ledger, Witnesses), OpenError> {
        let clients = || Witnesses::of(self.policy.clone(), &self.house.verifier_key).unwrap();
        let (asked, runtime) = (Arc::new(clients()), tokio::runtime::Handle::current());
        let ask = Arc::new(move |newest: Option<&[u8]>| {
            let (asked, newest) = (Arc::clone(&asked), newest.map(<[u8]>::to_vec));
            tokio::task::block_in_place(|| runtime.block_on(asked.recall(newest.as_deref())))
        });
        let policy = clients().policy().clone();
        let options = OpenOptions { witnesses: Some(WitnessCheck { policy, ask, require }), ..OpenOptions::default() };
        Ok((patiently(|| Ledger::open(dir, options.clone()))?, clients()))
    }

    /// Opens the ledger and begins to ask.
    fn serve(&self) -> (Ledger, Running) {
        let (ledger, clients) = self.open(&self.house.dir, true).unwrap();
        let running = clients.start(&ledger);
        (ledger, running)
    }

    async fn end(self) {
        for witness in self.witnesses {
            witness.server.stop().await;
        }
    }
}

async fn stop(dir: &DataDir, ledger: Ledger, running: Running) {
    running.stop().await;
    close(ledger, dir);
}

async fn grow(ledger: &Ledger, producer: &Producer, first: u64, count: usize) -> TreeSize {
    ledger.append(producer.plain(sequenced(first), count)).await.unwrap();
    ledger.reader().head().size
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_and_receipts_carry_cosignatures_that_last() {
    let scene = Scene::set(3, "group two 2 w0 w1 w2\nquorum two\n").await;
    let (ledger, running) = scene.serve();
    let producer = scene.house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let size = grow(&ledger, &producer, 1, 5).await;
    let reader = ledger.reader();
    let note = reader.witnessed(size).await.unwrap();
    let opened = open_witnessed(&note, &scene.policy).unwrap();
    assert_eq!(opened.checkpoint().head, reader.head_at(opened.checkpoint().head.size).unwrap());
    assert!(opened.checkpoint().head.size >= size && opened.cosigned().len() >= 2);
    let receipt = reader.receipt_under(&reader.event(Index(3), Bodies::With).unwrap(), note).unwrap();
    let verified = verify_witnessed(&receipt, &scene.policy).unwrap();
    assert!(matches!(verified.witnessing, Witnessing::Met(by) if by.len() >= 2));
    assert!(verify_receipt(&receipt, reader.verifier_key()).is_ok());
    // Later growth is proved from what each witness has.
    for round in 0..3 {
        let size = grow(&ledger, &producer, 6 + 100 * round, 100).await;
        let opened = open_witnessed(&reader.witnessed(size).await.unwrap(), &scene.policy).unwrap();
        assert!(opened.checkpoint().head.size >= size);
    }
    let health = reader.witness_health().unwrap();
    assert_eq!((health.witnesses, health.heard, health.alarms.len()), (3, 3, 0));
    assert!(health.age_ms.is_some_and(|age| age < 60_000));
    assert_eq!(ledger.status().anchors, 4, "the head anchor and three witnesses");
    let (before, served) = (health.size.unwrap(), reader.checkpoint().unwrap());
    assert!(
        open_checkpoint(&served, reader.verifier_key()).unwrap().ignored().len() >= 2,
        "all that is known is served"
    );
    let page = page(&ledger, "/checkpoint/witnessed").await;
    assert!(page.status == 200 && open_witnessed(page.body.as_bytes(), &scene.policy).is_ok(), "{page:?}");
    drop(reader);
    stop(&scene.house.dir, ledger, running).await;
    // What was cosigned is stored, and the audit takes it.
    let report = scene.house.assert_clean();
    assert!(report.checkpoints > 0 && report.cosignatures >= 2 * 4, "{report:?}");
    let (ledger, _clients) = scene.open(&scene.house.dir, true).unwrap();
    let health = ledger.reader().witness_health().unwrap();
    assert_eq!((health.size, health.age_ms), (Some(before), None));
    assert!(open_witnessed(&ledger.reader().witnessed(before).await.unwrap(), &scene.policy).is_ok());
    scene.house.close(ledger);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absent_witness_slows_no_append_and_is_seen() {
    let scene = Scene::set(1, "quorum none\n").await;
    let absent = crate::support::log::witness_key(scene._folder.path(), "absent.example");
    let absent = deedbook::record::CosigningKey::load(&absent).unwrap().cosigner_key().clone();
    let text = format!(
        "log {}\n{}witness absent {absent} {NOBODY}\ngroup both all w0 absent\nquorum both\n",
        scene.house.verifier_key,
        scene.witnesses[0].policy_line("w0"),
    );
    let scene = Scene { policy: Policy::parse(text.as_bytes()).unwrap(), ..scene };
    let refused = scene.open(&scene.house.dir, true).err();
    assert!(matches!(&refused, Some(OpenError::WitnessesSilent(who)) if who.contains("absent")), "{refused:?}");
    let (ledger, clients) = scene.open(&scene.house.dir, false).unwrap();
    let running = clients.start(&ledger);
    let producer = scene.house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let watch = Stopwatch::start();
    let size = grow(&ledger, &producer, 1, 64).await;
    assert!(watch.seconds() < deedbook::limits::WITNESS_TIMEOUT.as_secs_f64(), "an append waited for a witness");
    let reader = ledger.reader();
    let absent = || reader.witness_health().unwrap().absent;
    while absent().is_empty()
        || reader.witness_health().unwrap().heard < 1
        || !cosigned_by_one(&reader.checkpoint().unwrap(), &scene)
    {
        assert!(watch.seconds() < 30.0, "the witness that is there never cosigned");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(absent().len() == 1 && absent()[0].contains("witness `absent` does not cosign: "), "{:?}", absent());
    let ready = page(&ledger, "/readyz").await;
    assert!(ready.status == 200 && ready.body.contains("warning: witness `absent` does not cosign"), "{ready:?}");
    let refused = open_witnessed(&reader.checkpoint().unwrap(), &scene.policy).err();
    assert_eq!(refused, Some(NoteRefusal::QuorumNotMet { cosigned: 1, witnesses: 2 }));
    assert_eq!(reader.witness_health().unwrap().size, None);
    let waited = reader.witnessed(size).await;
    assert!(matches!(waited, Err(ReadError::NotWitnessed { wanted, .. }) if wanted == size), "{waited:?}");
    drop(reader);
    stop(&scene.house.dir, ledger, running).await;
    scene.house.assert_clean();
    scene.end().await;
}

fn cosigned_by_one(note: &[u8], scene: &Scene) -> bool {
    open_checkpoint(note, &scene.house.verifier_key).unwrap().ignored().len() == 1
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_was_rolled_back_is_refused_by_its_witness() {
    let scene = Scene::set(1, "quorum w0\n").await;
    let (ledger, running) = scene.serve();
    let producer = scene.house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let early = grow(&ledger, &producer, 1, 3).await;
    ledger.reader().witnessed(early).await.unwrap();
    stop(&scene.house.dir, ledger, running).await;
    // The whole machine, anchor and all.
    let copy = copy_of(&scene.house.dir, "restored");
    let (ledger, running) = scene.serve();
    let late = grow(&ledger, &producer, 4, 30).await;
    let late = open_witnessed(&ledger.reader().witnessed(late).await.unwrap(), &scene.policy).unwrap();
    let late = late.checkpoint().head.size;
    stop(&scene.house.dir, ledger, running).await;
    let refused = scene.open(&copy, false).err().expect("a rolled-back copy opens");
    let OpenError::WitnessSawMore { witness, seen, size } = &refused else { panic!("{refused:?}") };
    assert_eq!((witness.as_str(), *seen), ("w0", late));
    assert!(*size < late);
    let said = refused.to_string();
    assert!(said.contains("acknowledged entries are missing") && said.contains("restore the newest copy"), "{said}");
    // Without its witness it opens, for its own anchor was rolled back with it, and grows into another history.
    let alone = crate::support::open(&copy).unwrap();
    let second = scene.house.enrolled(&alone, &["second"]).await.remove(0);
    let forked = grow(&alone, &second, 1, 40).await;
    assert!(forked > late);
    alone.reader().checkpoint().unwrap();
    close(alone, &copy);
    let refused = scene.open(&copy, false).err().expect("a forked copy opens");
    let OpenError::WitnessSawOther { seen, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!(*seen, late);
    // The real one goes on.
    let (ledger, running) = scene.serve();
    let size = grow(&ledger, &producer, 34, 1).await;
    ledger.reader().witnessed(size).await.unwrap();
    stop(&scene.house.dir, ledger, running).await;
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_split_view_one_half_is_cosigned_and_the_other_refuted() {
    let scene = Scene::set(1, "quorum w0\n").await;
    let (ledger, running) = scene.serve();
    let producer = scene.house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let shared = grow(&ledger, &producer, 1, 2).await;
    ledger.reader().witnessed(shared).await.unwrap();
    stop(&scene.house.dir, ledger, running).await;
    let copy = copy_of(&scene.house.dir, "second face");
    // Two servers with the same keys, and a copy each. Both open: neither is behind what the witness saw.
    let (left, running_left) = scene.serve();
    let (right, clients) = scene.open(&copy, true).unwrap();
    let size = grow(&left, &producer, 3, 10).await;
    left.reader().witnessed(size).await.unwrap();
    grow(&right, &producer, 3, 20).await;
    let running_right = clients.start(&right);
    let watch = Stopwatch::start();
    while right.reader().witness_health().unwrap().alarms.is_empty() {
        assert!(watch.seconds() < 30.0, "the second face is not refuted");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let alarms = right.reader().witness_health().unwrap().alarms;
    assert!(alarms[0].contains("w0") && alarms[0].contains("inconsistent"), "{alarms:?}");
    let cosigned = open_checkpoint(&right.reader().checkpoint().unwrap(), &scene.house.verifier_key).unwrap();
    assert!(cosigned.ignored().is_empty(), "the witness cosigned both faces");
    // Whoever holds both checkpoints needs no witness to see it: no proof leads from one to the other.
    assert!(left.reader().head().size < right.reader().head().size);
    let notes = [left.reader().checkpoint().unwrap(), right.reader().checkpoint().unwrap()];
    let said = consistency(&right, &scene.house, &notes).await;
    assert!(said.contains("NOT CONSISTENT"), "{said}");
    let page = page(&right, "/readyz").await;
    assert!(page.status == 200 && page.body.starts_with("ready:") && page.body.contains("inconsistent"), "{page:?}");
    running_right.stop().await;
    close(right, &copy);
    stop(&scene.house.dir, left, running_left).await;
    scene.house.assert_clean();
    scene.end().await;
}

/// What `deedbook consistency` says of two checkpoints, asking this server.
async fn consistency(ledger: &Ledger, house: &House, notes: &[Vec<u8>; 2]) -> String {
    let any = "127.0.0.1:0".parse().unwrap();
    let server = Server::start(ledger.clone(), any, any).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let files = ["left.checkpoint", "right.checkpoint"].map(|name| folder.path().join(name));
    files.iter().zip(notes).for_each(|(file, note)| std::fs::write(file, note).unwrap());
    let mut command = Command::new(env!("CARGO_BIN_EXE_deedbook"));
    command.args(["consistency", "--server", &server.addresses().grpc.to_string(), "--vkey"]);
    command.arg(house.dir.verifier_key()).args(&files).env_remove("DEEDBOOK_VKEY");
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    server.stop().await;
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stdout).unwrap()
}

async fn page(ledger: &Ledger, path: &'static str) -> WebAnswer {
    let server = deedbook::http::HttpServer::start(ledger.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let address = server.address();
    let page = tokio::task::spawn_blocking(move || get(address, path).unwrap()).await.unwrap();
    server.stop().await;
    page
}

/// A door to a witness that shows no monitoring page, as C2SP allows. It stands for as long as the test runs.
fn without_monitoring(witness: SocketAddr) -> SocketAddr {
    let door = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = door.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in door.incoming() {
            let mut client = client.unwrap();
            let mut first = [0];
            client.peek(&mut first).unwrap();
            if first == *b"G" {
                client.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
                continue;
            }
            let (mut from, mut to) = (client.try_clone().unwrap(), TcpStream::connect(witness).unwrap());
            let mut back = to.try_clone().unwrap();
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            let _ = std::io::copy(&mut back, &mut client);
            let _ = client.shutdown(std::net::Shutdown::Both);
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_without_monitoring_is_asked_by_submitting() {
    let scene = Scene::set(1, "quorum w0\n").await;
    let witness = &scene.witnesses[0];
    let (key, address) = (&witness.key, without_monitoring(witness.address));
    let text = format!("log {}\nwitness w0 {key} http://{address}/\nquorum w0\n", scene.house.verifier_key);
    let scene = Scene { policy: Policy::parse(text.as_bytes()).unwrap(), ..scene };
    let clients = Witnesses::of(scene.policy.clone(), &scene.house.verifier_key).unwrap();
    assert_eq!(clients.recall(None).await, [Recollection::Nothing]);
    let (ledger, running) = scene.serve();
    let producer = scene.house.enrolled(&ledger, &["gateway"]).await.remove(0);
    let early = ledger.reader().checkpoint().unwrap();
    let early_size = ledger.reader().head().size;
    let size = grow(&ledger, &producer, 1, 9).await;
    let note = ledger.reader().witnessed(size).await.unwrap();
    let head = open_checkpoint(&note, &scene.house.verifier_key).unwrap().checkpoint().head;
    stop(&scene.house.dir, ledger, running).await;
    assert_eq!(clients.recall(Some(&note)).await, [Recollection::Head(head)]);
    assert!(early_size < head.size);
    assert_eq!(clients.recall(Some(&early)).await, [Recollection::Size(head.size)], "it saw more than we submit");
    // The same size with another root: only the holder of the head key could have signed both.
    let secret = SigningKey::load(&scene.house.dir.head_key()).unwrap();
    let other =
        Checkpoint { origin: secret.name().to_owned(), head: TreeHead { root: Hash([7; 32]), ..head } }.to_string();
    let forked = format!("{other}\n{}", signature_line(secret.verifier_key(), &secret.sign(other.as_bytes())));
    assert_eq!(clients.recall(Some(forked.as_bytes())).await, [Recollection::OtherRoot(head.size)]);
    // And so a ledger opens, and a rolled-back one does not.
    let (ledger, _clients) = scene.open(&scene.house.dir, true).unwrap();
    scene.house.close(ledger);
    scene.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_that_cannot_be_served_under_are_named() {
    let scene = Scene::set(1, "quorum w0\n").await;
    let other = House::build();
    let refused = Witnesses::of(scene.policy.clone(), &other.verifier_key).err();
    // Both ledgers have one origin; only the key tells them apart.
    assert!(matches!(&refused, Some(PolicyError::OtherLog(_))), "{:?}", refused.map(|error| error.to_string()));
    let key = &scene.witnesses[0].key;
    for (url, word) in [("", "no URL"), (" http://w.example/", "plain http"), (" ftp://w.example/", "https://")] {
        let policy = Policy::parse(format!("witness w0 {key}{url}\nquorum w0\n").as_bytes()).unwrap();
        let said = Witnesses::of(policy, &scene.house.verifier_key).err().unwrap().to_string();
        assert!(said.contains("w0") && said.contains(word), "{said}");
    }
    scene.end().await;
}
