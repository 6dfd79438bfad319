//! The services over a real socket, against a real ledger in a folder of its own.

mod lineage;
mod places;
mod reads;
mod streams;

use crate::api::{Clients, GrpcServer, connect, proto, ref_key_request, to_frame};
use crate::clock::Clock;
use crate::domain::{person_ref, source_ref};
use crate::ledger::{self, DataDir, Ledger, OpenOptions};
use crate::record::{FactsBuilder, FrameBytes, FrameSigner, Position, SigningKey, entropy, load_ref_key};
use bytes::Bytes;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Epoch, EventId, LedgerId, Micros, Ref, Sequence};
use tempfile::TempDir;

/// A served ledger, its administrator, and an enrolled producer.
struct Rig {
    clients: Clients,
    server: GrpcServer,
    ledger: Ledger,
    id: LedgerId,
    refs: RefKey,
    admin: SigningKey,
    key: SigningKey,
    source: Ref,
    _folder: TempDir,
}

impl Rig {
    async fn start() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let dir = DataDir::new(folder.path().join("data"));
        ledger::init(&dir, "test.example/log", &[], &Clock::system()).unwrap();
        let ledger = Ledger::open(&dir, OpenOptions::default()).unwrap();
        let server = GrpcServer::start(ledger.clone(), Clock::system(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let clients = connect(&server.address().to_string()).await.unwrap();
        let refs = load_ref_key(&dir.ref_key()).unwrap();
        let rig = Rig {
            id: ledger.reader().ledger_id(),
            source: source_ref(&refs, "gateway").unwrap(),
            admin: SigningKey::load(&dir.admin_key()).unwrap(),
            key: SigningKey::generate("gateway").unwrap(),
            clients,
            server,
            ledger,
            refs,
            _folder: folder,
        };
        let request = proto::EnrollKeyRequest { frame: Some(rig.enrollment(&rig.key)) };
        rig.clients.key.clone().enroll_key(request).await.unwrap();
        rig
    }

    fn enrollment(&self, key: &SigningKey) -> proto::Frame {
        let own = person_ref(&self.refs, "", self.admin.name()).unwrap();
        let facts = FactsBuilder::new(Kind::KeyEnrolled, event_id(), now()).key_grant(key.public(), self.source);
        let signer = FrameSigner { ledger: self.id, source: own, key: &self.admin };
        to_frame(signer.sign(Position::Unsequenced, vec![facts]).unwrap())
    }

    fn frame(&self, at: Position, count: usize) -> FrameBytes {
        let fact = |number: usize| {
            let body = Bytes::from(format!("{{\"number\":{number}}}"));
            FactsBuilder::new(Kind::ExecutionReported, event_id(), now()).body("application/json", body)
        };
        let signer = FrameSigner { ledger: self.id, source: self.source, key: &self.key };
        signer.sign(at, (0..count).map(fact).collect()).unwrap()
    }

    /// Appends one unsequenced frame and returns its first index.
    async fn append(&self, count: usize) -> u64 {
        let frame = to_frame(self.frame(Position::Unsequenced, count));
        let answer = self.clients.ledger.clone().append(proto::AppendRequest { frame: Some(frame) }).await.unwrap();
        answer.into_inner().placement.unwrap().first_index
    }

    async fn stop(self) {
        drop(self.clients);
        assert!(self.server.stop().await, "the server stops in time");
        tokio::task::spawn_blocking(move || self.ledger.close()).await.unwrap();
    }
}

fn event_id() -> EventId {
    EventId(entropy::array().unwrap())
}

fn now() -> Micros {
    Clock::system().wall()
}

fn sequenced(first: u64) -> Position {
    Position::Sequenced { epoch: Epoch(1), first: Sequence(first) }
}

fn reason(status: &tonic::Status) -> String {
    let info = tonic_types::StatusExt::get_details_error_info(status);
    info.unwrap_or_else(|| panic!("no ErrorInfo on {status:?}")).reason
}

fn signed_request(rig: &Rig, key: &SigningKey, time: Micros) -> proto::GetRefKeyRequest {
    proto::GetRefKeyRequest {
        key_id: Bytes::copy_from_slice(key.public().id().as_bytes()),
        time_micros: time.0,
        signature: Bytes::copy_from_slice(&key.sign(&ref_key_request(rig.id, time))),
    }
}
