//! What people, programs and sources do in the quarter, one act each. It expects nothing.

use crate::approvals_server::cast::{Cast, Who};
use crate::approvals_server::desk::Desk;
use crate::support::{event_id, sequenced};
use crate::support_memory::block_on;
use deedbook::ledger::{Act, Bodies, Ledger};
use deedbook::policy::Source;
use deedbook::record::action::action_stream;
use deedbook::record::binding::Binding;
use deedbook::record::canonical::Json;
use deedbook::record::{FactsBuilder, FrameSigner};
use deedbook_verify::detail::{
    Compared, Disposition, Gap, GapReason, Interval, Lost, ReviewResult, ReviewSubject, Roles, TestNumber, Window,
};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::{Code, Object, ObjectClass, ObjectRole, Outcome};
use deedbook_verify::kind::Kind;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::{Digest, Index, Micros, Ref, Sequence, SubjectId, TreeSize};
use std::collections::BTreeMap;
use std::num::NonZeroU32;

pub const HOUR: u64 = 3_600_000_000;
const MINUTE: u64 = 60_000_000;

const POLICIES: &str = r#"
@id("known") permit (principal, action, resource) when { principal.tenant == resource.tenant };
@id("exports") @requires_approval @quorum("1")
forbid (principal, action in Gov::Action::"exports", resource) unless { context.approval.granted };
"#;

/// What a test has to find: the test, the entry, the code.
pub type Wanted = Vec<(&'static str, u64, &'static str)>;

/// A ledger, and the texts of the policies that were published on it.
pub struct Stage {
    pub desk: Desk,
    pub texts: BTreeMap<Digest, Vec<u8>>,
}

const EXTRACT: Object = Object { class: ObjectClass::Dataset, role: ObjectRole::Output, what: Ref([0xe0; 16]) };

impl Stage {
    pub fn set() -> Stage {
        Stage { desk: Desk::set(), texts: BTreeMap::new() }
    }

    fn cast(&self) -> &Cast {
        &self.desk.cast
    }

    /// Bob and carol, who review; alice, who answers for the agent; the agent.
    pub fn people(&self) -> (Who, Who, Who, Who) {
        let cast = self.cast();
        (cast.person("bob"), cast.person("carol"), cast.person("alice"), cast.agent("a1"))
    }

    fn gate(&self) -> Who {
        self.cast().gateway("gate")
    }

    /// What stands before the interval: sources are let in, and an export is approved.
    pub fn early(&self) -> SubjectId {
        let adm = self.cast().person("adm");
        for name in ["gate", "steady", "mute", "lossy", "loose"] {
            let source = self.cast().gateway(name);
            self.desk.done(self.cast().enrollment(&adm, &source.key, source.source));
        }
        self.access(Some(self.people().3.actor()), None);
        let id = self.desk.export();
        self.desk.done(self.desk.vote(&self.people().0, id, Decision::Approve));
        id
    }

    /// A checkpoint of now, and its size.
    pub fn checkpoint(&self) -> (TreeSize, Vec<u8>) {
        let reader = self.desk.ledger.reader();
        let note = reader.checkpoint().unwrap();
        let size = open_checkpoint(&note, reader.verifier_key()).unwrap().checkpoint().head.size;
        (size, note)
    }

    /// Data that the gateway saw, of this actor, with what is changed about it; its body can be erased.
    fn access(
        &self,
        actor: Option<deedbook_verify::facts::Actor>,
        change: Option<&dyn Fn(FactsBuilder) -> FactsBuilder>,
    ) -> Index {
        let facts = self.cast().facts(Kind::DataAccessed).outcome(Outcome::Succeeded);
        let facts = facts.body("application/json", "{}".into());
        let facts = actor.map_or(facts.clone(), |actor| facts.actor(actor));
        let facts = change.map_or(facts.clone(), |change| change(facts));
        self.desk.done(self.cast().sign(&self.gate(), facts)).first_index
    }

    /// Something that stands in the interval, before the period.
    pub fn fills(&self) {
        self.access(Some(self.people().3.actor()), None);
        self.desk.pass(MINUTE);
    }

    /// Starts what was granted; answers the run.
    pub fn starts(&self, by: &Who, id: SubjectId) -> Index {
        let at = self.desk.done(self.desk.redemption(by, id)).first_index;
        let reader = self.desk.ledger.reader();
        let started = |index: &Index| {
            let stored = reader.event(*index, Bodies::Without).unwrap();
            Entry::parse(&stored.entry).unwrap().facts.kind == Kind::ExecutionStarted
        };
        (at.0..reader.head().size.0).map(Index).find(started).unwrap()
    }

    fn reporting(&self, id: SubjectId) -> FactsBuilder {
        let facts = self.cast().facts(Kind::ExecutionReported).outcome(Outcome::Succeeded).request_id(id);
        facts.stream(action_stream(&self.cast().refs, id).unwrap()).actor(self.desk.seen(id).action.origin.actor)
    }

    /// Says how a run ended: what it wrote, and perhaps that something was left out.
    pub fn reports(&self, by: &Who, id: SubjectId, touched: bool, omitted: bool) {
        let facts = self.reporting(id).grant_id(self.desk.seen(id).action.grant.unwrap().id);
        let facts = if touched { facts.objects(&[EXTRACT]) } else { facts };
        let facts = if omitted { facts.objects_omitted(3) } else { facts };
        self.desk.done(self.cast().sign(by, facts));
    }

    /// The gateway says that something ran which nobody released.
    pub fn claims(&self, id: SubjectId) -> Index {
        self.desk.done(self.cast().sign(&self.gate(), self.reporting(id))).first_index
    }

    /// The gateway says that an export ran of which nobody was asked.
    pub fn unasked_export(&self) -> Index {
        let facts = self.cast().facts(Kind::ExecutionReported).outcome(Outcome::Succeeded);
        let facts = facts.actor(self.people().3.actor()).action_type("data.export").objects(&[EXTRACT]);
        self.desk.done(self.cast().sign(&self.gate(), facts)).first_index
    }

    /// An export that reads nothing.
    pub fn wish_from_nowhere(&self) -> Binding {
        let agent = self.people().3;
        let bytes = self.cast().wish(&agent, "data.export", &[]).to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap().replace(r#"["dataset:customers@v42"]"#, "[]");
        Binding::from_json(Json::parse(text.as_bytes(), 65_536).unwrap()).unwrap()
    }

    /// The one administrator publishes policies; somebody says later what becomes of that.
    pub fn publish(&mut self) -> Index {
        let source = Source { text: POLICIES.to_owned(), schema: None };
        self.texts.insert(source.digest(), source.to_bytes());
        let adm = self.cast().person("adm");
        let at = self.desk.done(self.cast().publication(&adm, POLICIES)).first_index;
        let bob = self.people().0;
        let facts = self.cast().facts(Kind::ExceptionDisposed).actor(bob.actor()).disposition(Disposition::Accepted);
        let facts = facts.exception(TestNumber::new(6).unwrap(), Code::new("governed_alone").unwrap(), at);
        let facts = facts.body("application/json", r#"{"reason":"nobody else was there"}"#.into());
        self.desk.done(self.cast().sign(&bob, facts));
        at
    }

    fn sequenced(&self, name: &str, first: u64, facts: FactsBuilder) -> Index {
        let by = self.cast().gateway(name);
        let signer = FrameSigner { ledger: self.cast().ledger, source: by.source, key: &by.key };
        self.desk.done(signer.sign(sequenced(first), vec![facts]).unwrap()).first_index
    }

    /// Sources that open: one is heard to its end, one falls silent, one loses something, one numbers nothing.
    pub fn sources(&self) -> Wanted {
        let cast = self.cast();
        let opening = || cast.facts(Kind::SourceOpened).heartbeat_s(NonZeroU32::new(3_600).unwrap());
        let closing = || cast.facts(Kind::SourceClosed);
        let steady = self.sequenced("steady", 1, opening());
        let mute = self.sequenced("mute", 1, opening());
        let lossy = self.sequenced("lossy", 1, opening());
        let loose = self.desk.done(cast.sign(&cast.gateway("loose"), opening())).first_index;
        self.desk.pass(30 * MINUTE);
        self.sequenced("steady", 2, cast.facts(Kind::SourceHeartbeat));
        let lost = Lost { from: Sequence(2), to: Sequence(9) };
        let gap = Gap { lost: Some(lost), blind: None, reason: Some(GapReason::Overload) };
        self.sequenced("lossy", 9, cast.facts(Kind::SourceGap).gap(&gap));
        self.desk.pass(30 * MINUTE);
        self.sequenced("steady", 3, closing());
        self.sequenced("lossy", 10, closing());
        self.desk.done(cast.sign(&cast.gateway("loose"), closing()));
        let (alone, there) = (self.compares("lossy", (1, 0), true), self.compares("gate", (0, 1), true));
        let unheard = self.compares("gate", (0, 0), false);
        vec![
            ("T10", mute.0, "SILENCE"),
            ("T10", lossy.0, "GAP_DECLARED"),
            ("T10", loose.0, "UNSEQUENCED"),
            ("T16", alone.0, "NOT_IN_RECORD"),
            ("T16", there.0, "NOT_IN_LOG"),
            ("T16", unheard.0, "NO_ROLE"),
            ("T16", steady.0, "NOT_COMPARED"),
            ("T16", mute.0, "NOT_COMPARED"),
            ("T16", loose.0, "NOT_COMPARED"),
        ]
    }

    /// A source's events beside an outside record; by bob, or by a gateway, whose word does not count.
    fn compares(&self, source: &str, (only_here, only_there): (u64, u64), counts: bool) -> Index {
        let (cast, bob) = (self.cast(), self.people().0);
        let compared = Compared { here: 9, there: 9, only_here, only_there };
        let facts = cast.facts(Kind::ReconciliationCompleted).actor(bob.actor()).window(self.window(HOUR));
        let facts = facts.reconciled(cast.gateway(source).source, Ref([0x0c; 16]), Digest([1; 32]));
        let facts = facts.compared(compared, Digest([2; 32])).last_seen(self.desk.head());
        let by = if counts { bob } else { self.gate() };
        self.desk.done(cast.sign(&by, facts)).first_index
    }

    fn window(&self, before: u64) -> Window {
        let now = self.cast().clock.wall();
        Window { from: Micros(now.0 - before), until: now }
    }

    fn reviews(&self, by: &Who, subject: ReviewSubject, window: Window) -> Index {
        let facts = self.cast().facts(Kind::ReviewCompleted).actor(self.people().0.actor()).window(window);
        let facts = facts.reviewed(subject, ReviewResult::NothingFound).last_seen(self.desk.head());
        self.desk.done(self.cast().sign(by, facts)).first_index
    }

    /// Reviews of a part of the period, reads, times and contents that are not as they should be, erasures.
    pub fn oversight(&self, from: Micros) -> Wanted {
        let (bob, agent) = (self.people().0, self.people().3);
        let window = Window { from: Micros(from.0 - 1), until: self.cast().clock.wall() };
        let access = self.reviews(&bob, ReviewSubject::Access, window);
        let log = self.reviews(&bob, ReviewSubject::Log, window);
        let relayed = self.reviews(&self.gate(), ReviewSubject::Log, window);
        let reads = |actor| {
            let interval = Interval { first: Index(0), end: self.desk.head().size };
            let act = Act::Read { interval, disclosed: 0, actor };
            block_on(self.desk.ledger.record(Ledger::act_id().unwrap(), &act, None)).unwrap()
        };
        reads(self.cast().person("adm").actor());
        let reader = reads(bob.actor());
        let earlier = Micros(self.cast().clock.wall().0 - 2 * HOUR);
        let skewed = FactsBuilder::new(Kind::DataAccessed, event_id(), earlier).outcome(Outcome::Succeeded);
        let skewed = self.desk.done(self.cast().sign(&self.gate(), skewed.actor(agent.actor()))).first_index;
        let zoneless = self.access(Some(agent.actor()), Some(&|facts| facts.occurred_note(1)));
        let blank = self.access(None, None);
        let adm = self.cast().person("adm");
        self.desk.done(self.cast().erasure(&adm, blank));
        vec![
            ("T04", access.0, "MISSED_REVIEW"),
            ("T09", reader.0, "NO_ROLE"),
            ("T11", skewed.0, "SKEW"),
            ("T11", zoneless.0, "NO_ZONE"),
            ("T13", access.0, "NOT_DUE"),
            ("T13", log.0, "MISSED_REVIEW"),
            ("T13", relayed.0, "NO_ROLE"),
            ("T15", blank.0, "BLANK_FIELD"),
        ]
    }

    /// Just before the end: glass without a review or a report, and an export that waits.
    pub fn fresh(&self) -> Wanted {
        let carol = self.people().1;
        let (id, frame) = self.cast().glass(&carol, &self.cast().wish(&carol, "data.export", &[]), None);
        let broken = self.desk.done(frame).first_index;
        let run = self.starts(&carol, id);
        let waits = self.desk.export();
        let asked = self.desk.seen(waits).action.origin.index;
        vec![
            ("T05", broken.0, "NOT_DUE"),
            ("T07", broken.0, "NOT_DUE"),
            ("T07", asked.0, "NOT_DUE"),
            ("T14", run.0, "NO_LINEAGE"),
        ]
    }

    /// Both roles for the administrator, who then is a reviewer as well.
    pub fn promotes(&self) -> Index {
        let adm = self.cast().person("adm");
        let both = Roles::ADMINISTRATOR.with(Roles::REVIEWER);
        let facts = self.cast().about(&adm, Kind::RoleGranted, &adm, |facts| facts.roles(both));
        self.desk.done(facts).first_index
    }
}
