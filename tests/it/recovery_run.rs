//! One run of the model: random steps against a ledger over faulty parts, each answer held against `recovery_model`'s.
//! `recovery` says what the runs promise.

use crate::erasure_faults::{Unfinished, assert_rows_follow};
use crate::recovery_model::{Answer, Model};
use crate::support::Rng;
use crate::support_memory::{START, World, WritePoint, admin, block_on, body_of, event_id, judge, key, statement};
use deedbook::clock::Reading;
use deedbook::domain::Filter;
use deedbook::ledger::{AppendError, Bodies, Ledger, OpenError, StoredBody};
use deedbook::record::{FactsBuilder, FrameBytes, Position, SigningKey};
use deedbook::store::Fault;
use deedbook_verify::entry::Entry;
use deedbook_verify::erasure::Standing;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Epoch, Index, Micros, Revision, Sequence, TreeSize};
use std::ops::ControlFlow;

const PRODUCERS: u8 = 3;
const STREAMS: u64 = 3;
pub const SECOND: u64 = 1_000_000;
const REASON: &[u8] = b"why";

pub struct Run {
    rng: Rng,
    pub world: World,
    pub ledger: Ledger,
    pub model: Model,
    sent: Vec<FrameBytes>,
    /// Every head that a reader was shown.
    seen: Vec<TreeHead>,
    next_id: u64,
    next_key: u8,
    /// Every key that was ever made, with the name of its source; the administrator's first.
    pub secrets: Vec<(SigningKey, String)>,
}

impl Run {
    pub fn new(rng: Rng) -> Run {
        let world = World::new(9);
        let (ledger, model) = (world.open(), Model::born(&world, START.wall.0));
        let secrets = vec![(admin(), "admin".to_owned())];
        let mut run =
            Run { rng, world, ledger, model, sent: Vec::new(), seen: Vec::new(), next_id: 1, next_key: 30, secrets };
        for number in 0..PRODUCERS {
            let secret = run.new_key(&format!("gateway {number}"));
            let frame = run.world.enroll(run.next_id, &run.secrets[secret].0, run.source(secret));
            run.next_id += 1;
            run.send(frame);
        }
        run
    }

    fn new_key(&mut self, source: &str) -> usize {
        self.next_key += 1;
        self.secrets.push((key("k", self.next_key), source.to_owned()));
        self.secrets.len() - 1
    }

    pub fn source(&self, secret: usize) -> deedbook_verify::words::Ref {
        match self.secrets[secret].1.as_str() {
            "admin" => self.world.person("admin"),
            name => self.world.source(name),
        }
    }

    fn any_secret(&mut self) -> usize {
        usize::try_from(self.rng.below(self.secrets.len() as u64)).unwrap()
    }

    pub fn id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    pub fn step(&mut self) {
        match self.rng.below(100) {
            0..40 => {
                let frame = self.statements();
                self.send(frame);
            }
            40..50 => {
                let frame = self.command();
                self.send(frame);
            }
            50..60 if !self.sent.is_empty() => {
                let frame = self.rng.pick(&self.sent).clone();
                self.send(frame);
            }
            60..66 => self.move_clock(),
            66..73 => self.fail_and_reopen(),
            73..78 => self.reopen(false),
            78..85 => self.read(),
            85..90 => self.range(),
            90..95 => self.list(),
            _ => self.prove(),
        }
    }

    /// An event by its index, with its body.
    fn read(&mut self) {
        let at = self.rng.below(self.model.entries.len() as u64);
        let found = self.ledger.reader().event(Index(at), Bodies::With).unwrap();
        let (entry, wanted) = (Entry::parse(&found.entry).unwrap(), &self.model.entries[usize::try_from(at).unwrap()]);
        assert_eq!((entry.facts.source, entry.facts.kind), (wanted.source, wanted.kind), "entry {at}");
        let (body, erased_by) = match found.body {
            StoredBody::Opened { body, .. } => (Some(body), None),
            StoredBody::Erased { by } => (None, Some(by.0)),
            StoredBody::None | StoredBody::Withheld => (None, None),
        };
        // Statements have bodies, made of the number in their id, and erasures a reason.
        let id = entry.facts.event_id.0.last_chunk::<8>().copied().map(u64::from_be_bytes).unwrap();
        let made = if wanted.kind == Kind::BodyErased { REASON.to_vec() } else { body_of(id) };
        let there = wanted.has_body && wanted.erased_by.is_none();
        assert_eq!((body, erased_by), (there.then_some(made), wanted.erased_by), "entry {at}");
    }

    /// A range of entries, in order, none left out.
    fn range(&mut self) {
        let size = self.model.entries.len() as u64;
        let from = self.rng.below(size + 1);
        let to = from + self.rng.below(size + 1 - from);
        let mut next = from;
        let mut visit = |event: deedbook::ledger::StoredEvent| {
            assert_eq!(event.index, Index(next));
            next += 1;
            ControlFlow::Continue(())
        };
        self.ledger.reader().range(Index(from), Index(to), Bodies::Without, &mut visit).unwrap();
        assert_eq!(next, to);
    }

    fn list(&mut self) {
        let filters = self.filters();
        let filter = self.rng.pick(&filters).clone();
        self.compare_list(&filter);
    }

    /// An entry is in the tree of any size beyond it, and what any reader ever saw is part of this history.
    fn prove(&mut self) {
        let reader = self.ledger.reader();
        let head = reader.head();
        let size = TreeSize(1 + self.rng.below(head.size.0));
        let at = Index(self.rng.below(size.0));
        let root = reader.head_at(size).unwrap().root;
        let leaf = Entry::parse(&reader.event(at, Bodies::Without).unwrap().entry).unwrap().leaf();
        reader.inclusion(at, size).unwrap().verify(&leaf, &root).unwrap();
        if !self.seen.is_empty() {
            let old = *self.rng.pick(&self.seen);
            let proof = reader.consistency(old.size, head.size).unwrap();
            assert_eq!((proof.old, proof.new, proof.verify()), (old, head, Ok(())));
        }
        self.seen.push(head);
    }

    pub fn statements(&mut self) -> FrameBytes {
        let secret = self.any_secret();
        let source = self.source(secret);
        let count = 1 + self.rng.below(4);
        let mut events = Vec::new();
        for _ in 0..count {
            let id = if self.rng.percent(4) { 1 + self.rng.below(self.next_id) } else { self.id() };
            let mut event = statement(id);
            if self.rng.percent(50) {
                let stream = self.world.source(&format!("stream {}", self.rng.below(STREAMS)));
                event = event.stream(stream);
                let known = self.model.streams.get(&stream).copied().unwrap_or(0);
                match self.rng.below(10) {
                    0..4 => event = event.expected_revision(Revision(known)),
                    4 => event = event.expected_revision(Revision(known + 1)),
                    _ => {}
                }
            }
            events.push(event);
        }
        let (epoch, last) = self.model.sources.get(&source).copied().unwrap_or((1, 0));
        let (epoch, first) = match self.rng.below(10) {
            0..4 => (0, 0),
            4..7 => (epoch, last + 1),
            7 => (epoch + 1, 1),
            8 => (epoch, last + 2),
            _ => (epoch.saturating_sub(1).max(1), 1),
        };
        let at = match epoch {
            0 => Position::Unsequenced,
            _ => Position::Sequenced { epoch: Epoch(epoch), first: Sequence(first) },
        };
        self.world.frame(source, &self.secrets[secret].0, at, events)
    }

    fn command(&mut self) -> FrameBytes {
        let signer = if self.rng.percent(60) { 0 } else { self.any_secret() };
        let (about, fresh) = (self.any_secret(), self.rng.percent(70));
        let name = self.secrets[about].1.clone();
        let granted = if fresh { self.new_key(&name) } else { self.any_secret() };
        let (source, id) = (self.source(about), self.id());
        let (public, old) = (self.secrets[granted].0.public().clone(), self.secrets[about].0.public().id());
        let command = |kind| FactsBuilder::new(kind, event_id(id), START.wall);
        let command = match self.rng.below(8) {
            5.. => self.erasure(id),
            0 | 1 => command(Kind::KeyEnrolled).key_grant(&public, source),
            2 | 3 => command(Kind::KeyRotated).key_grant(&public, source).subject_key_id(old),
            _ => command(Kind::KeyRevoked).subject_key_id(old),
        };
        self.world.frame(self.source(signer), &self.secrets[signer].0, Position::Unsequenced, vec![command])
    }

    /// Mostly bodies that may go, but any index can be named, one to come included.
    fn erasure(&mut self, id: u64) -> FactsBuilder {
        let held = (0u64..).zip(&self.model.entries).filter(|(_, entry)| entry.has_body);
        let bodies: Vec<u64> = held.map(|(index, _)| index).collect();
        let mut named = std::collections::BTreeSet::new();
        for _ in 0..1 + self.rng.below(3) {
            named.insert(match bodies.is_empty() || self.rng.percent(10) {
                true => self.rng.below(self.model.entries.len() as u64 + 2),
                false => *self.rng.pick(&bodies),
            });
        }
        let facts = FactsBuilder::new(Kind::BodyErased, event_id(id), START.wall);
        facts.erased_bodies(named.into_iter().map(Index)).body("text/plain", REASON.into())
    }

    /// Sends, and holds the answer against the model's.
    pub fn send(&mut self, frame: FrameBytes) {
        if has_one_id_twice(&frame) {
            assert!(matches!(self.append(&frame), Err(AppendError::EventIdTwice { .. })));
            return;
        }
        let wall = self.world.clock.wall().0;
        let wanted = self.model.append(&frame, wall, None);
        assert_eq!(self.append(&frame), wanted);
        if let Ok((base, count, _)) = wanted {
            for (index, event) in (base..).zip(&frame.events).take(usize::from(count)) {
                let facts = deedbook_verify::facts::Facts::parse(&event.facts).unwrap();
                let found = self.ledger.reader().find(facts.source, facts.event_id).unwrap();
                assert_eq!(found, Some(Index(index)), "an acknowledged event is found");
            }
        }
        self.sent.push(frame);
    }

    pub fn append(&self, frame: &FrameBytes) -> Answer {
        let placed = block_on(self.ledger.append(frame.clone()))?;
        assert_eq!(placed.leaves.len(), usize::from(placed.count));
        Ok((placed.first_index.0, placed.count, placed.repeated))
    }

    fn move_clock(&mut self) {
        let Reading { wall, boot } = self.world.clock.read();
        let moved = self.rng.below(4) * SECOND;
        if self.rng.percent(60) {
            self.world.clock.set(Reading { wall: Micros(wall.0 + moved), boot: Micros(boot.0 + moved) });
            return;
        }
        // A jump of the wall clock alone: commits pause until it is back.
        let jump = if self.rng.percent(50) { 60_000 } else { -60_000 };
        self.world.clock.set(Reading { wall: Micros(wall.0.saturating_add_signed(jump * 1_000)), boot });
        let frame = self.statements();
        if !has_one_id_twice(&frame) {
            let wanted = self.model.append(&frame, 0, Some(jump));
            assert_eq!(self.append(&frame), wanted, "while the clock is adrift");
        }
        assert!(!self.ledger.status().ready);
        self.world.clock.set(Reading { wall, boot });
        assert!(self.ledger.status().ready);
    }

    fn fail_and_reopen(&mut self) {
        let frame = self.statements();
        let fault = *self.rng.pick(&[Fault::Lost, Fault::Persisted]);
        let point = *self.rng.pick(&[WritePoint::StoreCommit, WritePoint::AnchorAdvance]);
        let mut after = self.model.clone();
        let wall = self.world.clock.wall().0;
        if has_one_id_twice(&frame) || !matches!(after.append(&frame, wall, None), Ok((_, _, false))) {
            return self.send(frame);
        }
        self.world.fail(point, 0, fault);
        assert_eq!(self.append(&frame), Err(AppendError::StorageFailed));
        if point == WritePoint::AnchorAdvance || fault == Fault::Persisted {
            self.model = after;
        }
        self.sent.push(frame.clone());
        self.reopen(true);
        self.send(frame);
    }

    fn reopen(&mut self, failed: bool) {
        if !failed {
            self.ledger.close();
        }
        self.world = self.world.next_process();
        // While the process was down, the clock may have been set back: by a little, or so far that it is refused.
        let Reading { wall, boot } = self.world.clock.read();
        let behind = *self.rng.pick(&[0, 0, 2, 4, 30]);
        let wall = Micros(wall.0.max(self.model.received) - behind * SECOND);
        self.world.clock.set(Reading { wall, boot });
        let behind_ms = self.model.received.saturating_sub(wall.0) / 1_000;
        self.ledger = match self.world.try_open() {
            Ok(ledger) => {
                assert!(behind_ms <= 5_000, "opened {behind_ms} ms behind the log");
                ledger
            }
            Err(OpenError::ClockBehind { behind_ms: said }) => {
                assert!(said == behind_ms && said > 5_000);
                self.model.own(Kind::ClockChecked);
                Ledger::from_parts(self.world.parts(Box::new(self.world.anchor.clone()), true)).unwrap()
            }
            Err(error) => panic!("{error}"),
        };
        assert_eq!(self.ledger.reader().head().size.0, self.model.entries.len() as u64);
    }

    /// The replayed log, entry by entry and fold by fold, and what readers say of it.
    pub fn compare(&self) {
        let log = judge(self.world.store.as_ref());
        assert_eq!(log.entries.len(), self.model.entries.len());
        for (bytes, wanted) in log.entries.iter().zip(&self.model.entries) {
            let entry = Entry::parse(bytes).unwrap();
            let stream = entry.facts.stream.zip(entry.seal.revision.map(|revision| revision.0));
            assert_eq!((entry.facts.source, entry.facts.kind, stream), (wanted.source, wanted.kind, wanted.stream));
            assert_eq!(entry.seal.received.0, wanted.received);
            assert!(wanted.event_id.is_none_or(|id| id == entry.facts.event_id));
        }
        let streams = log.replay.streams().iter().map(|(stream, revision)| (*stream, revision.0)).collect();
        assert_eq!(self.model.streams, streams);
        let sources = log.replay.sources().iter().map(|(source, (e, s))| (*source, (e.0, s.0))).collect();
        assert_eq!(self.model.sources, sources);
        let history = log.replay.keys().unwrap();
        assert_eq!(
            history.tenures().count(),
            self.model.keys.len() + 2,
            "the head and sequencer keys are not modelled"
        );
        for (id, wanted) in &self.model.keys {
            let tenure = history.tenure(id).unwrap();
            let authority = log.replay.authority().unwrap();
            let administrator = authority.is_administrator(tenure.source);
            assert_eq!((tenure.source, administrator), (wanted.source, wanted.administrator));
            assert_eq!((tenure.from.0, tenure.until.map(|until| until.0)), (wanted.from, wanted.until));
        }
        for (index, wanted) in (0u64..).zip(&self.model.entries) {
            let erased = log.replay.bodies().get(Index(index)) == Some(Standing::Erased);
            assert_eq!(erased, wanted.erased_by.is_some(), "the body of entry {index}");
        }
        assert_rows_follow(self.world.store.as_ref(), Unfinished::Allowed);
        self.filters().iter().for_each(|filter| self.compare_list(filter));
    }

    fn filters(&self) -> Vec<Filter> {
        let mut filters = vec![Filter::default()];
        filters.extend(self.model.streams.keys().map(|stream| Filter { stream: Some(*stream), ..Filter::default() }));
        filters.extend(self.model.sources.keys().map(|source| Filter { source: Some(*source), ..Filter::default() }));
        let kinds = [Kind::DataAccessed, Kind::KeyEnrolled, Kind::CommandRefused, Kind::ClockChecked];
        filters.extend(kinds.map(|kind| Filter { kind: Some(kind), ..Filter::default() }));
        filters
    }

    fn compare_list(&self, filter: &Filter) {
        let reader = self.ledger.reader();
        let meets = |entry: &crate::recovery_model::ModelEntry| {
            filter.kind.is_none_or(|kind| kind == entry.kind)
                && filter.source.is_none_or(|source| source == entry.source)
                && filter.stream.is_none_or(|stream| entry.stream.is_some_and(|(found, _)| found == stream))
        };
        let entries = (0u64..).zip(&self.model.entries).filter(|(_, entry)| meets(entry));
        let wanted: Vec<Index> = entries.map(|(index, _)| Index(index)).collect();
        let found = reader.list(filter, Index(0), reader.head().size, usize::MAX).unwrap();
        assert_eq!(found, wanted, "{filter:?}");
    }
}

fn has_one_id_twice(frame: &FrameBytes) -> bool {
    let parse = |facts| deedbook_verify::facts::Facts::parse(facts).unwrap().event_id;
    let ids: std::collections::HashSet<_> = frame.events.iter().map(|event| parse(&event.facts)).collect();
    ids.len() < frame.events.len()
}
