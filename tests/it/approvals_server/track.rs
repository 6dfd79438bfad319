//! A served ledger on disk, with an agent that asks and reviewers who decide. It promises nothing itself.

use super::cast::{Cast, Who, key_of};
use super::fold;
use crate::support::House;
use crate::support::grpc::{Served, number};
use deedbook::api::ClientError;
use deedbook::clock::Clock;
use deedbook::ledger::{Bodies, DataDir, SeenAction, init_with};
use deedbook::record::FrameBytes;
use deedbook::store::{Access, RocksStore};
use deedbook_verify::detail::{Detail, Roles};
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Index, SubjectId};
use std::path::Path;
use tempfile::TempDir;

pub const VOTERS: usize = 8;
const ORIGIN: &str = "test.example/races";

/// A served ledger on disk: an administrator, alice and her agent, and the reviewers r0 to r7.
pub struct Track {
    pub house: House,
    pub served: Served,
    pub cast: Cast,
    _folder: Option<TempDir>,
}

impl Track {
    pub async fn set() -> Track {
        let folder = TempDir::new().unwrap();
        let track = Track::set_in(folder.path()).await;
        Track { _folder: Some(folder), ..track }
    }

    /// In a folder of the caller's, such as a mounted volume.
    pub async fn set_in(folder: &Path) -> Track {
        let dir = DataDir::new(folder.join("data"));
        let admins = [key_of("adm").verifier_key().clone()];
        let made = init_with(&dir, ORIGIN, (&admins, &[]), &Clock::system()).unwrap();
        let house = House::of(dir, made.ledger);
        let cast =
            Cast { ledger: made.ledger, refs: house.refs.clone(), origin: ORIGIN.to_owned(), clock: Clock::system() };
        let served = Served::start(&house).await;
        let track = Track { house, served, cast, _folder: None };
        let (cast, adm, alice) = (&track.cast, track.cast.person("adm"), track.cast.person("alice"));
        track.done(cast.binding_of(&adm, &alice, Roles::REVIEWER, None)).await;
        track.done(cast.binding_of(&adm, &cast.agent("a1"), Roles::NONE, Some(&alice))).await;
        for voter in track.voters() {
            track.done(cast.binding_of(&adm, &voter, Roles::REVIEWER, None)).await;
        }
        track
    }

    /// The server ends, and another one serves what it left.
    pub async fn restarted(self) -> Track {
        let Track { house, served, cast, _folder } = self;
        served.stop().await;
        Track { served: Served::start(&house).await, house, cast, _folder }
    }

    pub fn voters(&self) -> Vec<Who> {
        (0..VOTERS).map(|number| self.cast.person(&format!("r{number}"))).collect()
    }

    pub async fn done(&self, frame: FrameBytes) {
        self.served.ledger.append(frame).await.unwrap();
    }

    pub async fn export(&self) -> SubjectId {
        let agent = self.cast.agent("a1");
        let (id, frame) = self.cast.submission(&agent, &self.cast.wish(&agent, "data.export", &[]), None);
        self.done(frame).await;
        id
    }

    pub fn seen(&self, id: SubjectId) -> SeenAction {
        self.served.ledger.reader().action(id).unwrap().unwrap()
    }

    pub fn vote(&self, who: &Who, id: SubjectId, decision: Decision) -> FrameBytes {
        let ballot = self.cast.ballot(&self.seen(id), decision);
        self.cast.vote(who, &ballot, self.served.ledger.reader().head())
    }

    /// The command stands in the log with this refusal directly behind it; gives its index.
    pub fn on_record(&self, error: &ClientError, kind: Kind, reasons: &[&str]) -> Index {
        assert!(reasons.contains(&error.reason.as_deref().unwrap_or_default()), "{error:?}");
        let command = Index(number(error, "command_index"));
        let refusal = Index(number(error, "refusal_index"));
        assert_eq!(refusal.0, command.0 + 1);
        let read = |index| self.served.ledger.reader().event(index, Bodies::Without).unwrap().entry;
        assert_eq!(Entry::parse(&read(command)).unwrap().facts.kind, kind);
        let refusal = read(refusal);
        let Detail::CommandRefused { reason, .. } = Entry::parse(&refusal).unwrap().facts.detail else { panic!() };
        assert_eq!(Some(reason.name()), error.reason.as_deref());
        command
    }

    /// The rows are what a fold of the log gives, and the audit finds nothing.
    pub async fn judge(self) {
        self.served.stop().await;
        fold::assert_rows(&RocksStore::open(&self.house.dir.store(), Access::ReadOnly).unwrap());
        self.house.assert_clean();
    }
}
