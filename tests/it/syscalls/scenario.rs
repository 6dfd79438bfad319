//! What is played while system calls fail: a ledger is made, opened, written, flushed, copied, closed and opened again
//! until the engine merges files. It runs in a process of its own and tells the driver, by datagrams, what it was told
//! to be durable; datagrams are sent by calls that never fail here.

use crate::support::{House, Producer, event_id, now, statement};
use deedbook::clock::Clock;
use deedbook::domain::{person_ref, source_ref};
use deedbook::ledger::{AppendError, HeadKey, InitError, Ledger, OpenError, Parts, SequencerKey};
use deedbook::record::{FactsBuilder, FrameBytes, KeyFileError, Position, SigningKey, load_ref_key};
use deedbook::store::{Access, AnchorSet, FileAnchor, RocksStore, Store};
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::Kind;
use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The socket on which the driver listens, and the one on which it answers.
pub const ORACLE: &str = "oracle";
pub const PLAYER: &str = "player";
/// What the player says first, what the driver answers, and what the player says when `init` has returned.
pub const READY: &[u8] = b"ready";
pub const GO: &[u8] = b"go";
pub const MADE: &[u8] = b"made";
/// Index, event id and leaf hash of an acknowledged event.
pub const ACKNOWLEDGED_BYTES: usize = 8 + 16 + 32;

/// Why the scenario ended early.
enum Stop {
    /// A command that an operator gave did not do it.
    Refused(String),
    /// The ledger stopped because its storage failed.
    Storage,
}

impl From<InitError> for Stop {
    fn from(error: InitError) -> Stop {
        Stop::Refused(error.to_string())
    }
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Stop {
        Stop::Refused(error.to_string())
    }
}

impl From<KeyFileError> for Stop {
    fn from(error: KeyFileError) -> Stop {
        Stop::Refused(error.to_string())
    }
}

/// Where it is told what is durable.
struct Oracle {
    socket: UnixDatagram,
    driver: PathBuf,
}

impl Oracle {
    /// By `sendto`; what std calls `send` is a `write`, which may be made to fail.
    fn tell(&self, said: &[u8]) {
        self.socket.send_to(said, &self.driver).unwrap();
    }
}

struct Player {
    house: House,
    oracle: Oracle,
    runtime: tokio::runtime::Runtime,
}

/// Plays in a folder that the driver made, and ends the process: 0, 70 for failed storage, 1 for a refusal.
pub fn run(folder: &Path) -> ! {
    let socket = UnixDatagram::bind(folder.join(PLAYER)).unwrap();
    let oracle = Oracle { socket, driver: folder.join(ORACLE) };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    oracle.tell(READY);
    let mut answer = [0; 8];
    let length = oracle.socket.recv(&mut answer).unwrap();
    assert_eq!(&answer[..length], GO);
    let played = House::try_build_in(folder).map_err(Stop::from).and_then(|house| {
        oracle.tell(MADE);
        Player { house, oracle, runtime }.play(folder)
    });
    match played {
        Ok(()) => std::process::exit(0),
        Err(Stop::Storage) => std::process::exit(70),
        Err(Stop::Refused(said)) => {
            // Where even this may not be written, the status says it.
            let _ = writeln!(std::io::stderr(), "refused: {said}");
            std::process::exit(1)
        }
    }
}

impl Player {
    fn play(&self, folder: &Path) -> Result<(), Stop> {
        let house = &self.house;
        let admin = SigningKey::load(&house.dir.admin_key())?;
        let who = person_ref(&house.refs, "", admin.name()).unwrap();
        let admin = Producer { source: who, key: admin, ledger: house.id };
        let source = source_ref(&house.refs, "gateway").unwrap();
        let producer = Producer { key: SigningKey::generate("gateway")?, source, ledger: house.id };
        let enrollment =
            FactsBuilder::new(Kind::KeyEnrolled, event_id(), now()).key_grant(producer.key.public(), source);

        let (ledger, store) = self.open()?;
        self.append(&ledger, &admin.one(enrollment))?;
        self.appends(&ledger, &producer, 25)?;
        // What an operator or the engine does beside the commits may fail by itself; then appends go on or stop.
        let _ = store.flush();
        self.appends(&ledger, &producer, 25)?;
        let _ = ledger.reader().checkpoint();
        let _ = store.checkpoint(&folder.join("copy"));
        close(ledger, store);
        for _ in 0..4 {
            let (ledger, store) = self.open()?;
            self.appends(&ledger, &producer, 3)?;
            let _ = store.flush();
            self.appends(&ledger, &producer, 2)?;
            close(ledger, store);
        }
        Ok(())
    }

    /// Opens as `Ledger::open` does, and keeps the store at hand.
    fn open(&self) -> Result<(Ledger, Arc<RocksStore>), Stop> {
        let dir = &self.house.dir;
        let anchor = FileAnchor::open(&dir.anchor_file()).map_err(OpenError::from)?;
        let store = Arc::new(RocksStore::open(&dir.store(), Access::ReadWrite).map_err(OpenError::from)?);
        let parts = Parts {
            store: Arc::clone(&store) as Arc<dyn Store>,
            anchors: AnchorSet::new(Box::new(anchor), Vec::new()),
            clock: Clock::system(),
            head: HeadKey::new(SigningKey::load(&dir.head_key())?),
            sequencer: SequencerKey::new(SigningKey::load(&dir.sequencer_key())?),
            ref_key: load_ref_key(&dir.ref_key())?,
            accept_clock: false,
        };
        Ok((Ledger::from_parts(parts)?, store))
    }

    fn appends(&self, ledger: &Ledger, producer: &Producer, count: usize) -> Result<(), Stop> {
        for number in 0..count {
            let frame = producer.plain(Position::Unsequenced, 1 + number % 3);
            self.append(ledger, &frame)?;
        }
        Ok(())
    }

    /// Appends, and tells what was acknowledged. After a failure of the store nothing more may be.
    fn append(&self, ledger: &Ledger, frame: &FrameBytes) -> Result<(), Stop> {
        let append = |frame: &FrameBytes| self.runtime.block_on(ledger.append(frame.clone()));
        let placed = match append(frame) {
            Ok(placed) => placed,
            Err(AppendError::StorageFailed | AppendError::Closed) => {
                if !ledger.status().ready {
                    let again = append(frame);
                    let stopped = matches!(again, Err(AppendError::StorageFailed | AppendError::Closed));
                    assert!(stopped, "the store failed, and then acknowledged: {again:?}");
                }
                return Err(Stop::Storage);
            }
            Err(error) => panic!("{error}"),
        };
        for ((event, leaf), index) in frame.events.iter().zip(&placed.leaves).zip(placed.first_index.0..) {
            let id = Facts::parse(&event.facts).unwrap().event_id;
            let told = [index.to_be_bytes().as_slice(), &id.0, leaf.as_bytes()].concat();
            self.oracle.tell(&told);
        }
        Ok(())
    }
}

/// Closes, and waits until the folder is free.
fn close(ledger: Ledger, store: Arc<RocksStore>) {
    ledger.close();
    drop(ledger);
    while Arc::strong_count(&store) > 1 {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// A throwaway statement by the administrator's key, for the driver: that the ledger goes on.
pub fn goes_on(house: &House, ledger: &Ledger) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let producer = house.producer("afterwards");
    runtime.block_on(ledger.append(house.enrollment(&producer))).unwrap();
    runtime.block_on(ledger.append(producer.one(statement()))).unwrap();
}
