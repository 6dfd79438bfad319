//! The ledger of FORMAT.md's worked example: fixed keys, fixed salts, a clock that stands still.

use bytes::Bytes;
use deedbook::clock::{Clock, Reading};
use deedbook::domain::{StreamName, person_ref, source_ref};
use deedbook::ledger::{Birth, Bodies, HeadKey, Ledger, Parts, SequencerKey, write_genesis};
use deedbook::record::{FactsBuilder, FrameSigner, Position, SigningKey};
use deedbook::store::{AnchorSet, FileAnchor, MemoryStore, Store};
use deedbook_verify::facts::{Actor, ActorKind, Outcome};
use deedbook_verify::frame::SignerRole;
use deedbook_verify::hash::{Identity, RefKey, Salt};
use deedbook_verify::kind::Kind;
use deedbook_verify::note::VerifierKey;
use deedbook_verify::words::{Epoch, EventId, Index, Micros, Sequence};
use std::sync::Arc;

/// 2026-01-05T03:00:00Z.
const NOW: Micros = Micros(1_767_582_000_000_000);

/// A receipt and the key that it verifies with.
pub struct Example {
    /// The file's bytes.
    pub receipt: Vec<u8>,
    /// The ledger's verifier key.
    pub key: VerifierKey,
}

fn key(name: &str, seed: u8) -> SigningKey {
    SigningKey::from_seed(name, &[seed; 32]).unwrap()
}

/// Makes the ledger, appends, and fetches the receipt of index 3.
pub fn make() -> Example {
    let (origin, refs) = ("ledger.example/worked", RefKey([5; 32]));
    let (admin, producer) = (key("admin", 3), key("gateway", 4));
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let admins = [admin.verifier_key().clone()];
    let birth = Birth {
        origin,
        head: &key(origin, 1),
        sequencer: key("sequencer", 2),
        ref_key: &refs,
        admins: &admins,
        reviewers: &[],
        nonce: [6; 32],
        now: NOW,
    };
    let (ledger_id, anchor) = write_genesis(birth, store.as_ref()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = FileAnchor::create(&folder.path().join("head.anchor"), &anchor).unwrap();
    let ledger = Ledger::from_parts(Parts {
        store,
        anchors: AnchorSet::new(Box::new(file), Vec::new()),
        clock: Clock::manual(Reading { wall: NOW, boot: Micros(0) }),
        head: HeadKey::new(key(origin, 1)),
        sequencer: SequencerKey::new(key("sequencer", 2)),
        ref_key: refs.clone(),
        accept_clock: false,
    })
    .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let source = source_ref(&refs, "gateway").unwrap();
    let enroll = FactsBuilder::new(Kind::KeyEnrolled, EventId([0x11; 16]), NOW).key_grant(producer.public(), source);
    let governor = FrameSigner { ledger: ledger_id, source: person_ref(&refs, "", "admin").unwrap(), key: &admin };
    let frame =
        governor.sign_salted(&[(SignerRole::Source, &admin)], Position::Unsequenced, vec![(enroll, Salt([0; 32]))]);
    runtime.block_on(ledger.append(frame.unwrap())).unwrap();
    let signer = FrameSigner { ledger: ledger_id, source, key: &producer };
    let events = vec![event(&refs, 0x21, "staging"), event(&refs, 0x22, "production")];
    let at = Position::Sequenced { epoch: Epoch(1), first: Sequence(1) };
    let frame = signer.sign_salted(&[(SignerRole::Source, &producer)], at, events).unwrap();
    runtime.block_on(ledger.append(frame)).unwrap();
    let reader = ledger.reader();
    let example =
        Example { receipt: reader.receipt(Index(3), Bodies::With).unwrap(), key: reader.verifier_key().clone() };
    ledger.close();
    example
}

fn event(refs: &RefKey, id: u8, environment: &str) -> (FactsBuilder, Salt) {
    let who = refs.make(Identity { class: "agent", namespace: "", name: "exporter" }).unwrap();
    let body = format!("{{\"rows\":{id},\"environment\":\"{environment}\"}}");
    let facts = FactsBuilder::new(Kind::ExecutionReported, EventId([id; 16]), NOW)
        .stream(StreamName::parse("action/42").unwrap().to_ref(refs).unwrap())
        .actor(Actor { kind: ActorKind::Agent, who })
        .action_type("dataset.export")
        .outcome(Outcome::Succeeded)
        .environment(environment)
        .body("application/json", Bytes::from(body));
    (facts, Salt([id ^ 0xff; 32]))
}
