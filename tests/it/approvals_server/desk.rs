//! A ledger over the store in memory, with the people who play on it. After each act it can be judged: by the audit, and
//! by a fold of what stands in the log.

use super::cast::{Cast, Who, key_of};
use super::fold;
use crate::support_memory::{ORIGIN, World, block_on};
use deedbook::clock::Reading;
use deedbook::ledger::{AppendError, Bodies, Ledger, Placement, SeenAction};
use deedbook::record::FrameBytes;
use deedbook::record::binding::Binding;
use deedbook_verify::detail::{Detail, ReviewOutcome, Roles};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Facts, Outcome};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Index, Micros, SubjectId};

pub struct Desk {
    pub world: World,
    pub ledger: Ledger,
    pub cast: Cast,
}

impl Desk {
    /// A ledger of these administrators and reviewers, and nobody else.
    pub fn born(admins: &[&str], reviewers: &[&str]) -> Desk {
        let admins: Vec<_> = admins.iter().map(|id| key_of(id).verifier_key().clone()).collect();
        let reviewers: Vec<_> =
            reviewers.iter().map(|id| ((*id).to_owned(), key_of(id).verifier_key().clone())).collect();
        let world = World::born(9, &admins, &reviewers);
        let (id, refs, clock) = (world.id, world.refs.clone(), world.clock.clone());
        let cast = Cast { ledger: id, refs, origin: ORIGIN.to_owned(), clock };
        Desk { ledger: world.open(), world, cast }
    }

    /// One administrator `adm`, rita of genesis, alice, bob and carol who review, and alice's agent `a1`.
    pub fn set() -> Desk {
        let desk = Desk::born(&["adm"], &["rita"]);
        let (cast, adm) = (&desk.cast, desk.cast.person("adm"));
        for person in ["alice", "bob", "carol"] {
            desk.done(cast.binding_of(&adm, &cast.person(person), Roles::REVIEWER, None));
        }
        desk.done(cast.binding_of(&adm, &cast.agent("a1"), Roles::NONE, Some(&cast.person("alice"))));
        desk
    }

    /// A ledger with everything that approvals and governance leave in it.
    pub fn governed() -> Desk {
        let desk = Desk::set();
        let (cast, agent) = (&desk.cast, desk.cast.agent("a1"));
        let (adm, bob, carol) = (cast.person("adm"), cast.person("bob"), cast.person("carol"));
        for ends in [true, false] {
            let id = desk.export();
            desk.refused(
                "alice answers for it",
                desk.vote(&cast.person("alice"), id, Decision::Approve),
                "CONFLICT_OWNER",
            );
            desk.done(desk.vote(&bob, id, Decision::Approve));
            if ends {
                desk.done(desk.redemption(&agent, id));
                desk.done(cast.report(&agent, &desk.seen(id), Outcome::Succeeded));
                desk.refused("a second use", desk.redemption(&agent, id), "ALREADY_REDEEMED");
            } else {
                desk.done(cast.revocation(&adm, &desk.seen(id)));
                desk.done(cast.report(&agent, &desk.seen(id), Outcome::Succeeded));
            }
        }
        let denied = desk.export();
        desk.done(desk.vote(&carol, denied, Decision::Deny));
        let (_, frame) = cast.submission(&agent, &cast.wish(&agent, "data.export", &[]), Some(denied));
        let _ = desk.append(frame);
        let (glass, frame) = cast.glass(&bob, &cast.wish(&bob, "data.export", &[]), None);
        desk.done(frame);
        desk.done(desk.redemption(&bob, glass));
        desk.done(cast.review(&carol, glass, ReviewOutcome::Repudiated));
        let gateway = cast.gateway("gate");
        desk.done(cast.enrollment(&adm, &gateway.key, gateway.source));
        desk.done(cast.binding_of(&adm, &cast.service("ci"), Roles::NONE, Some(&bob)));
        desk
    }

    pub fn done(&self, frame: FrameBytes) -> Placement {
        self.append(frame).unwrap()
    }

    pub fn append(&self, frame: FrameBytes) -> Result<Placement, AppendError> {
        block_on(self.ledger.append(frame))
    }

    /// A rule refuses it, by this name; the attempt and the refusal stand in the log.
    pub fn refused(&self, what: &str, frame: FrameBytes, wanted: &str) {
        let stated = Facts::parse(&frame.events[0].facts).unwrap();
        let (command, refusal) = match self.append(frame.clone()) {
            Err(AppendError::Refused { reason, command, refusal }) => {
                assert_eq!(reason.name(), wanted, "{what}");
                (command, refusal)
            }
            other => panic!("{what}: {other:?}"),
        };
        assert_eq!(refusal, Index(command.0 + 1), "{what}");
        let entry = self.entry(command);
        assert_eq!(Entry::parse(&entry).unwrap().facts.bytes, &frame.events[0].facts[..], "{what}");
        let entry = self.entry(refusal);
        let entry = Entry::parse(&entry).unwrap();
        let Detail::CommandRefused { reason, .. } = entry.facts.detail else {
            panic!("{what}: {:?}", entry.facts.kind)
        };
        let parent = entry.facts.parents().next().unwrap();
        assert_eq!((reason.name(), parent.event_id), (wanted, stated.event_id), "{what}");
    }

    fn entry(&self, index: Index) -> Vec<u8> {
        self.ledger.reader().event(index, Bodies::Without).unwrap().entry.to_vec()
    }

    pub fn head(&self) -> TreeHead {
        self.ledger.reader().head()
    }

    pub fn seen(&self, id: SubjectId) -> SeenAction {
        self.ledger.reader().action(id).unwrap().unwrap()
    }

    /// Asks for something that people have to approve.
    pub fn submit(&self, by: &Who, wish: &Binding) -> SubjectId {
        let (id, frame) = self.cast.submission(by, wish, None);
        self.done(frame);
        id
    }

    /// Alice's agent asks for an export.
    pub fn export(&self) -> SubjectId {
        let agent = self.cast.agent("a1");
        self.submit(&agent, &self.cast.wish(&agent, "data.export", &[]))
    }

    /// Somebody's own vote on what is shown now.
    pub fn vote(&self, who: &Who, id: SubjectId, decision: Decision) -> FrameBytes {
        self.cast.vote(who, &self.cast.ballot(&self.seen(id), decision), self.head())
    }

    /// The grant is about to be used for exactly what was asked.
    pub fn redemption(&self, by: &Who, id: SubjectId) -> FrameBytes {
        let seen = self.seen(id);
        self.cast.redemption(by, &seen, seen.action.origin.digest, self.head())
    }

    /// Moves both clocks: time passes, and nobody set anything.
    pub fn pass(&self, micros: u64) {
        let now = self.world.clock.read();
        self.world.clock.set(Reading { wall: Micros(now.wall.0 + micros), boot: Micros(now.boot.0 + micros) });
    }

    /// Waits until the writer has said something of an action that time causes.
    pub fn until(&self, id: SubjectId, reached: impl Fn(&SeenAction) -> bool) -> SeenAction {
        for _ in 0..10_000 {
            let seen = self.seen(id);
            if reached(&seen) {
                return seen;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        panic!("the writer says nothing: {:?}", self.seen(id).action);
    }

    /// The next process over what was kept.
    pub fn reopened(self) -> Desk {
        self.ledger.close();
        let world = self.world.next_process();
        Desk { ledger: world.open(), world, cast: self.cast }
    }

    /// The rows are what a fold of the log gives, and the audit finds nothing.
    pub fn judge(&self) {
        self.folds();
        self.world.audit_as_files();
    }

    /// The rows are what a fold of the log gives.
    pub fn folds(&self) {
        fold::assert_rows(self.world.store.as_ref());
    }
}
