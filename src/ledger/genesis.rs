//! The birth of a ledger: keys, genesis entry, store, anchor, and last the verifier key, whose presence means that all
//! the rest is there. If we crash before that, the folder is refused and `init` asks for a new one.

use crate::clock::Clock;
use crate::domain::{ledger_source, person_ref};
use crate::ledger::admit::admit_own;
use crate::ledger::approval::ActionStates;
use crate::ledger::commit::{Before, Commit, Placing};
use crate::ledger::dir::DataDir;
use crate::ledger::graph::Growing;
use crate::ledger::policies::PolicyBook;
use crate::ledger::postings::CurrentBlock;
use crate::ledger::refusal::InitError;
use crate::ledger::rows::SourceHead;
use crate::ledger::sequencer::{Sequencer, SequencerKey};
use crate::ledger::state::{GENERATION, Recovered, State};
use crate::merkle::Edge;
use crate::record::frame::{FrameSigner, Position};
use crate::record::keys::write_new;
use crate::record::{FactsBuilder, FrameBytes, KeyFileError, SigningKey, entropy, store_ref_key};
use crate::store::keys::{self, LedgerNumber};
use crate::store::{Access, AnchorRecord, FileAnchor, RocksStore, Store};
use deedbook_verify::detail::{Detail, Roles, is_origin};
use deedbook_verify::facts::Facts;
use deedbook_verify::frame::SignerRole;
use deedbook_verify::governance::Authority;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::replay::Replay;
use deedbook_verify::tags;
use deedbook_verify::tree::Frontier;
use deedbook_verify::words::{Epoch, EventId, Hash, Index, LedgerId, Micros, Ref, Sequence, TreeSize};
use std::path::{Path, PathBuf};

/// The one ledger of a process has this number.
pub(super) const FIRST_LEDGER: LedgerNumber = LedgerNumber(1);

/// What `init` made.
#[derive(Clone, Debug)]
pub struct Initialised {
    /// The ledger's id.
    pub ledger: LedgerId,
    /// What auditors are given.
    pub verifier_key: VerifierKey,
    /// The administrator's key, when none was given.
    pub admin_key: Option<PathBuf>,
}

/// What a ledger starts with; `init` makes one, tests with fixed values make their own.
pub struct Birth<'a> {
    /// Its name in checkpoints.
    pub origin: &'a str,
    /// Signs checkpoints, and genesis.
    pub head: &'a SigningKey,
    /// Signs what the ledger makes.
    pub sequencer: SigningKey,
    /// Makes refs.
    pub ref_key: &'a RefKey,
    /// The first administrators; their names are their persons' subjects.
    pub admins: &'a [VerifierKey],
    /// The first reviewers, by their persons' subjects.
    pub reviewers: &'a [(String, VerifierKey)],
    /// Random, so that no two ledgers share an id.
    pub nonce: [u8; 32],
    /// The received time of genesis.
    pub now: Micros,
}

/// Makes a ledger with administrators alone, in a folder that is absent or empty. Without any, one is made.
pub fn init(dir: &DataDir, origin: &str, admins: &[VerifierKey], clock: &Clock) -> Result<Initialised, InitError> {
    init_with(dir, origin, (admins, &[]), clock)
}

/// The same with administrators and reviewers; nobody is both, so that no administrator reviews by virtue of it.
pub fn init_with(
    dir: &DataDir,
    origin: &str,
    (admins, reviewers): (&[VerifierKey], &[(String, VerifierKey)]),
    clock: &Clock,
) -> Result<Initialised, InitError> {
    if !is_origin(origin) {
        return Err(InitError::Origin(origin.to_owned()));
    }
    check_names(admins, reviewers)?;
    make_folders(dir)?;
    let (head, sequencer) = (SigningKey::generate(origin)?, SigningKey::generate("sequencer")?);
    let ref_key = RefKey(entropy::array().map_err(KeyFileError::from)?);
    let mut admins = admins.to_vec();
    let mut admin_key = None;
    if admins.is_empty() {
        let admin = SigningKey::generate("admin")?;
        admin.store(&dir.admin_key())?;
        admin_key = Some(dir.admin_key());
        admins.push(admin.verifier_key().clone());
    }
    head.store(&dir.head_key())?;
    sequencer.store(&dir.sequencer_key())?;
    store_ref_key(&dir.ref_key(), &ref_key)?;
    let nonce = entropy::array().map_err(KeyFileError::from)?;
    let now = clock.wall();
    let birth = Birth { origin, head: &head, sequencer, ref_key: &ref_key, admins: &admins, reviewers, nonce, now };
    let store = RocksStore::open(&dir.store(), Access::Create)?;
    let (ledger, anchor) = write_genesis(birth, &store)?;
    store.flush()?;
    FileAnchor::create(&dir.anchor_file(), &anchor)?;
    let verifier_key = head.verifier_key().clone();
    write_new(&dir.verifier_key(), format!("{verifier_key}\n").as_bytes(), 0o644)?;
    Ok(Initialised { ledger, verifier_key, admin_key })
}

fn make_folders(dir: &DataDir) -> Result<(), InitError> {
    use std::os::unix::fs::DirBuilderExt;
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| InitError::Io { path, error }
    };
    let occupied = match std::fs::read_dir(dir.root()) {
        Ok(mut files) => files.next().is_some(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(io(dir.root())(error)),
    };
    if occupied {
        // Written last, so that its presence means that all the rest is there.
        if dir.verifier_key().exists() {
            return Err(InitError::LedgerThere(dir.root().to_owned()));
        }
        return Err(InitError::NotEmpty(dir.root().to_owned()));
    }
    let new: Vec<&Path> = dir.root().ancestors().take_while(|folder| !folder.exists()).collect();
    for folder in [dir.root().to_owned(), dir.keys(), dir.anchor()] {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(io(&folder))?;
    }
    // What stands in a folder is synced with it; that the folder itself is there is known to its parent alone.
    for folder in new {
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::File::open(parent).and_then(|parent| parent.sync_all()).map_err(io(parent))?;
    }
    Ok(())
}

/// Builds genesis, lets the verifier judge it, and commits it as commit 1.
pub fn write_genesis(birth: Birth<'_>, store: &dyn Store) -> Result<(LedgerId, AnchorRecord), InitError> {
    let source = ledger_source(birth.ref_key).map_err(|error| InitError::Genesis(error.to_string()))?;
    let frame = genesis_frame(&birth, source)?;
    let keys = founding_authority(&frame, source)?;
    let checked = admit_own(frame).map_err(|error| InitError::Genesis(error.to_string()))?;
    // The ledger id is the leaf of this very entry, so it is filled in once the entry is written.
    let policies = PolicyBook::founded(birth.ref_key).map_err(|error| InitError::Genesis(error.to_string()))?;
    let mut scratch = empty_state((keys, policies), birth.sequencer, source, birth.now);
    let mut commit = Commit::default();
    let leaves = commit.write_frame(&mut scratch, Placing { frame: &checked, revisions: &[None], refused: false });
    let leaf = leaves.first().copied().ok_or(InitError::Genesis("no entry".to_owned()))?;
    let ledger = LedgerId(leaf.0);
    scratch.id = ledger;
    commit.touch_source(source, SourceHead { epoch: Epoch(1), sequence: Sequence(1) });
    commit.put_founding_rows(ledger, keys::STORE_FORMAT, entropy::array().map_err(KeyFileError::from)?);
    let finished =
        commit.finish(&mut scratch, store, Before::Durable).map_err(|error| InitError::Genesis(error.to_string()))?;
    judge(&finished.batch, ledger)?;
    store.commit(&finished.batch)?;
    Ok((ledger, finished.anchor_to))
}

/// Replays what is about to be written, as an outsider would.
fn judge(batch: &crate::store::Batch, ledger: LedgerId) -> Result<(), InitError> {
    let key = keys::entry(FIRST_LEDGER, Index(0));
    let entry = batch.operations().find_map(|operation| match operation {
        crate::store::Operation::Put { key: found, value } if found == key.as_slice() => Some(value),
        crate::store::Operation::Put { .. } | crate::store::Operation::Delete { .. } => None,
    });
    let entry = entry.ok_or(InitError::Genesis("no entry".to_owned()))?;
    let mut replay = Replay::new();
    replay.step(entry).map_err(|refusal| InitError::Genesis(refusal.to_string()))?;
    match replay.keys() {
        Some(keys) if keys.ledger() == ledger => Ok(()),
        Some(_) | None => Err(InitError::Genesis("the ledger id differs".to_owned())),
    }
}

/// Nobody stands in genesis twice.
fn check_names(admins: &[VerifierKey], reviewers: &[(String, VerifierKey)]) -> Result<(), InitError> {
    let mut names: Vec<&str> = admins.iter().map(VerifierKey::name).collect();
    names.extend(reviewers.iter().map(|(id, _)| id.as_str()));
    names.sort_unstable();
    match names.iter().zip(names.iter().skip(1)).find(|(one, two)| one == two) {
        Some((twice, _)) => Err(InitError::Administrator((*twice).to_owned())),
        None => Ok(()),
    }
}

fn genesis_frame(birth: &Birth<'_>, source: Ref) -> Result<FrameBytes, InitError> {
    let mut persons = Vec::new();
    let admins = birth.admins.iter().map(|admin| (admin.name(), admin.key(), Roles::ADMINISTRATOR));
    let reviewers = birth.reviewers.iter().map(|(id, key)| (id.as_str(), key.key(), Roles::REVIEWER));
    check_names(birth.admins, birth.reviewers)?;
    for (name, key, roles) in admins.chain(reviewers) {
        let who = person_ref(birth.ref_key, "", name);
        let who = who.map_err(|error| InitError::Administrator(error.to_string()))?;
        persons.extend_from_slice(who.as_bytes());
        persons.extend_from_slice(&key.to_wire());
        persons.push(roles.bits());
    }
    let nonce = EventId(*birth.nonce.first_chunk().unwrap_or(&[0; 16]));
    let facts = FactsBuilder::new(Kind::Genesis, nonce, birth.now)
        .genesis_field(tags::NONCE, &birth.nonce)
        .genesis_field(tags::ORIGIN, birth.origin.as_bytes())
        .genesis_field(tags::HEAD_KEY, &birth.head.public().to_wire())
        .genesis_field(tags::SEQUENCER_KEY, &birth.sequencer.public().to_wire())
        .genesis_field(tags::PERSONS, &persons)
        .genesis_field(tags::REF_KEY_DIGEST, birth.ref_key.digest().as_bytes());
    let signer = FrameSigner { ledger: LedgerId::GENESIS, source, key: &birth.sequencer };
    let signers = [(SignerRole::Head, birth.head), (SignerRole::Sequencer, &birth.sequencer)];
    let at = Position::Sequenced { epoch: Epoch(1), first: Sequence(1) };
    Ok(signer.sign_as(&signers, at, vec![facts])?)
}

fn founding_authority(frame: &FrameBytes, source: Ref) -> Result<Authority, InitError> {
    let event = frame.events.first().ok_or(InitError::Genesis("no event".to_owned()))?;
    let facts = Facts::parse(&event.facts).map_err(|error| InitError::Genesis(error.to_string()))?;
    let Detail::Genesis(genesis) = &facts.detail else {
        return Err(InitError::Genesis("not a genesis".to_owned()));
    };
    Authority::from_genesis(LedgerId::GENESIS, source, genesis)
        .map_err(|reason| InitError::Genesis(reason.name().to_owned()))
}

fn empty_state(
    (authority, policies): (Authority, PolicyBook),
    sequencer: SigningKey,
    source: Ref,
    received: Micros,
) -> State {
    let recovered = Recovered {
        number: FIRST_LEDGER,
        id: LedgerId::GENESIS,
        tree: Frontier::new(),
        edge: Edge::new(),
        received,
        authority,
        policies,
        anchor: AnchorRecord { commit: 0, size: TreeSize(0), chain: Hash([0; 32]) },
        postings: CurrentBlock::default(),
        actions: ActionStates::empty(FIRST_LEDGER, GENERATION),
        lineage: Growing::behind(crate::lineage::fold::Head::default()),
    };
    let sequencer = Sequencer::new(SequencerKey::new(sequencer), LedgerId::GENESIS, source, Sequence(1));
    State::new(recovered, sequencer)
}
