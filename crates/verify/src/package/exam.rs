//! An interval under examination: each entry is judged by the rules of the log, listed if the filter takes it, and shown
//! to every test. The same code runs where a package is written and where it is checked; only what its sink does with the
//! rendered bytes differs.

use crate::detail::{Detail, RefusalReason};
use crate::entry::Entry;
use crate::governance::Authority;
use crate::hash::EntryHashes;
use crate::kind::Author;
use crate::note::VerifierKey;
use crate::package::bodies::{BodyHashed, BodyTally};
use crate::package::code::{PackageCode, PackageRefusal};
use crate::package::computed::{self, Rows, Test, TestId};
use crate::package::csv::Line;
use crate::package::machine::Requests;
use crate::package::question::Question;
use crate::package::rendered::{self, Rendered};
use crate::package::row::Subject;
pub use crate::package::seen::{Behind, Seen};
use crate::package::signatures::Signatures;
use crate::package::start::{START_FILE, Start};
use crate::package::stated::Stated;
use crate::package::table::Population;
use crate::package::views::{Sink, Views};
use crate::plant::Bug;
use crate::replay::Replay;
use crate::tree::TreeHead;
use crate::words::{Digest, Hash, Index, KeyId, Micros};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where the entries stand in a package.
pub const ENTRIES_FILE: &str = "data/entries.bin";

/// What the entries of the interval add up to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Entries.
    pub entries: u64,
    /// Those that were received in the period.
    pub in_period: u64,
    /// Those that the filter takes.
    pub listed: u64,
    /// Entries before the interval that governed, or stand behind one.
    pub before: u64,
}

/// A command that may be refused directly behind.
struct Held {
    bytes: Vec<u8>,
    index: Index,
    leaf: Hash,
    before: Option<Authority>,
    after: Authority,
}

/// The heads between which the interval lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    /// Of the start checkpoint; none where the interval begins with genesis.
    pub start: Option<TreeHead>,
    /// Of the end checkpoint.
    pub end: TreeHead,
}

/// An examination under way.
pub struct Exam<'s> {
    replay: Replay,
    signatures: Signatures,
    held: Option<Held>,
    key: VerifierKey,
    end: TreeHead,
    bodies: BodyTally,
    /// The first body that is not what it should be: it counts once the entries are known to be the log's.
    body_fault: Option<PackageRefusal>,
    tables: Tables<'s>,
}

/// Everything that is gathered from the entries, apart from the log's own rules.
pub struct Tables<'s> {
    pub question: Question,
    pub views: Views<'s>,
    pub counts: Counts,
    pub policies: BTreeSet<Digest>,
    pub let_in: BTreeMap<KeyId, Subject>,
    requests: Requests,
    tests: Vec<(Box<dyn Test>, Rows)>,
    /// T00, whose rows are the entries.
    whole: Rows,
    listed: Population,
    stated: Stated,
    line: Line,
    first: Option<Micros>,
    last: Option<Subject>,
}

impl<'s> Exam<'s> {
    /// Begins with what stood before, if anything did. The heads are those of checkpoints that were opened with the key.
    pub fn begin(
        question: Question,
        heads: Heads,
        key: &VerifierKey,
        start: Option<&Start>,
        sink: &'s mut dyn Sink,
    ) -> Result<Exam<'s>, PackageRefusal> {
        let mut tables = Tables::create(question, sink)?;
        let replay = match (heads.start, start) {
            (None, None) => Replay::without_ids(),
            (Some(head), Some(start)) => {
                let genesis = start.entries.first().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
                check_genesis(START_FILE, genesis, key, &tables.question)?;
                let mut last: Option<Arc<crate::authority::KeyHistory>> = None;
                let mut noted =
                    |replay: &Replay, index: Index, bytes: &[u8]| tables.noted(replay, index, bytes, &mut last);
                let replay = start.judge(head, &mut noted)?;
                tables.counts.before = u64::try_from(start.entries.len()).unwrap_or(u64::MAX);
                replay
            }
            (Some(_), None) => return Err(PackageRefusal::new(PackageCode::FileMissing, START_FILE, "none is there")),
            (None, Some(_)) => {
                return Err(PackageRefusal::new(
                    PackageCode::FileSurplus,
                    START_FILE,
                    "the interval begins with genesis",
                ));
            }
        };
        if let Some(authority) = replay.authority() {
            tables.policies.extend(authority.policies().iter().map(|(_, policy)| policy.policy));
        }
        let (signatures, key) = (Signatures::start(), key.clone());
        let (end, bodies) = (heads.end, BodyTally::default());
        Ok(Exam { replay, signatures, held: None, key, end, bodies, body_fault: None, tables })
    }

    /// The next entry with its hashes, and what is shown of its body, hashed. Nothing is accepted before `finish`.
    pub fn push(&mut self, bytes: &[u8], hashes: EntryHashes, body: Option<BodyHashed>) -> Result<(), PackageRefusal> {
        let index = Index(self.replay.head_size().0);
        let refuse = |code, found: &dyn std::fmt::Display| {
            Err(PackageRefusal::new(code, ENTRIES_FILE, format_args!("entry {index}: {found}")))
        };
        if index.0 >= self.end.size.0 {
            return refuse(PackageCode::EntriesSurplus, &"the interval ends before it");
        }
        if index == Index(0) {
            check_genesis(ENTRIES_FILE, bytes, &self.key, &self.tables.question)?;
        }
        let before = if may_be_command(bytes) { self.replay.authority().cloned() } else { None };
        let signatures = &mut self.signatures;
        let entry = match self.replay.step_hashed(bytes, hashes, |checks| signatures.check(index, checks)) {
            Ok(entry) => entry,
            Err(refusal) => return refuse(PackageCode::Entry, &refusal),
        };
        let leaf = hashes.leaf;
        if let Err(fault) = self.bodies.judge(index, &entry, body) {
            self.body_fault.get_or_insert(fault);
        }
        let refused = if let Detail::CommandRefused { reason, .. } = entry.facts.detail { Some(reason) } else { None };
        if let Some(held) = self.held.take() {
            self.tables.see_held(&held, refused)?;
        }
        let Some(authority) = self.replay.authority() else { return refuse(PackageCode::Ledger, &"no genesis") };
        if entry.facts.author() == Author::Asker {
            let (bytes, after) = (bytes.to_vec(), authority.clone());
            self.held = Some(Held { bytes, index, leaf, before, after });
            return Ok(());
        }
        self.tables.see(index, &entry, leaf, authority, authority, None)
    }

    /// The index of the next entry.
    pub fn next_index(&self) -> Index {
        Index(self.replay.head_size().0)
    }

    /// Where files go.
    pub fn views(&mut self) -> &mut Views<'s> {
        &mut self.tables.views
    }

    /// Ends the interval: every signature held, it lands on the end checkpoint, and everything that follows is rendered.
    /// `policy` hands out the text of a policy set.
    pub fn finish(
        mut self,
        policy: impl FnMut(Digest) -> std::io::Result<Option<Vec<u8>>>,
    ) -> Result<(Rendered, Views<'s>), PackageRefusal> {
        let refuse = |code, found: &dyn std::fmt::Display| PackageRefusal::new(code, ENTRIES_FILE, found);
        if let Some(held) = self.held.take() {
            self.tables.see_held(&held, None)?;
        }
        let head = self.replay.head();
        if head.size < self.end.size {
            return Err(refuse(PackageCode::EntriesMissing, &format_args!("they end at {}", head.size)));
        }
        self.replay.finish().map_err(|refusal| refuse(PackageCode::Entry, &format_args!("at its end: {refusal}")))?;
        if head.root != self.end.root && !Bug::PackageRootUnread.planted() {
            return Err(refuse(PackageCode::Root, &format_args!("root {}", head.root)));
        }
        let frames = self.signatures.finish(ENTRIES_FILE)?;
        if let Some(fault) = self.body_fault {
            return Err(fault);
        }
        let begins = self.tables.question.begins.0 > 0;
        let inside = self.tables.first.is_none_or(|first| first >= self.tables.question.period.from);
        if begins && inside && !Bug::PackageEdgeUnread.planted() {
            return Err(refuse(PackageCode::Edge, &"its first entry was received in the period, and is not genesis"));
        }
        let authority = self.replay.authority().ok_or(refuse(PackageCode::Ledger, &"no genesis"))?;
        rendered::render(
            self.tables,
            authority,
            rendered::Proved { root: head.root, frames, bodies: self.bodies },
            policy,
        )
    }
}

/// Whether an entry's kind may be a command's: the number's first byte, where facts hold it. What is no entry is refused
/// by replay.
fn may_be_command(bytes: &[u8]) -> bool {
    // version, length of facts, mark of facts, tag and length of the kind.
    bytes.get(8) == Some(&0x01)
}

/// Genesis names the key that signs checkpoints, and its leaf hash is the ledger that was asked about.
fn check_genesis(file: &str, bytes: &[u8], key: &VerifierKey, question: &Question) -> Result<(), PackageRefusal> {
    let refuse = |found: &str| PackageRefusal::new(PackageCode::Ledger, file, found);
    let entry = Entry::parse(bytes).map_err(|malformed| PackageRefusal::new(PackageCode::Entry, file, malformed))?;
    let Detail::Genesis(genesis) = &entry.facts.detail else { return Err(refuse("the first entry is no genesis")) };
    if genesis.head_key.bytes != key.key().to_wire() || genesis.origin != key.name() {
        return Err(refuse("genesis names another head key or origin than the given key"));
    }
    if entry.leaf().0 == question.ledger.0 { Ok(()) } else { Err(refuse("the question names another ledger")) }
}

impl<'s> Tables<'s> {
    fn create(question: Question, sink: &'s mut dyn Sink) -> Result<Tables<'s>, PackageRefusal> {
        let mut views = Views::new(sink);
        views.whole("data/question.txt", PackageCode::Question, question.to_text().as_bytes())?;
        let mut tests = Vec::new();
        for test in computed::all() {
            let rows = Rows::create(&mut views, test.id())?;
            tests.push((test, rows));
        }
        let whole = Rows::create(&mut views, TestId::T00)?;
        let listed = Population::create(&mut views, "data", rendered::LISTED_COLUMNS)?;
        let stated = Stated::create(&mut views)?;
        Ok(Tables {
            question,
            views,
            counts: Counts::default(),
            policies: BTreeSet::new(),
            let_in: BTreeMap::new(),
            requests: Requests::default(),
            tests,
            whole,
            listed,
            stated,
            line: Line::default(),
            first: None,
            last: None,
        })
    }

    /// Takes note of keys that an entry before the interval let in.
    fn noted(
        &mut self,
        replay: &Replay,
        index: Index,
        bytes: &[u8],
        last: &mut Option<Arc<crate::authority::KeyHistory>>,
    ) {
        let Some(authority) = replay.authority() else { return };
        if last.as_ref().is_some_and(|last| Arc::ptr_eq(last, authority.keys())) {
            return;
        }
        *last = Some(Arc::clone(authority.keys()));
        if let Ok(entry) = Entry::parse(bytes) {
            self.let_in(authority, Subject::of(index, &entry, entry.leaf()));
        }
    }

    fn let_in(&mut self, authority: &Authority, subject: Subject) {
        let here = authority.keys().tenures().filter(|(_, tenure)| tenure.from == subject.index);
        self.let_in.extend(here.map(|(key, _)| (*key, subject)));
    }

    fn see_held(&mut self, held: &Held, refused: Option<RefusalReason>) -> Result<(), PackageRefusal> {
        // It was parsed when it was pushed; they are the same bytes.
        let entry = Entry::parse(&held.bytes)
            .map_err(|malformed| PackageRefusal::new(PackageCode::Entry, ENTRIES_FILE, malformed))?;
        let before = held.before.as_ref().unwrap_or(&held.after);
        let after = if refused.is_some() { before } else { &held.after };
        self.see(held.index, &entry, held.leaf, before, after, refused)
    }

    fn see(
        &mut self,
        index: Index,
        entry: &Entry<'_>,
        leaf: Hash,
        before: &Authority,
        after: &Authority,
        refused: Option<RefusalReason>,
    ) -> Result<(), PackageRefusal> {
        let received = entry.seal.received;
        let in_period = self.question.period.has(received);
        self.first = self.first.or(Some(received));
        let subject = Subject::of(index, entry, leaf);
        self.last = Some(subject);
        if index == Index(0) || !Arc::ptr_eq(before.keys(), after.keys()) {
            self.let_in(after, subject);
        }
        if !Arc::ptr_eq(before.policies(), after.policies()) {
            self.policies.extend(after.policies().iter().map(|(_, policy)| policy.policy));
        }
        self.policies.extend(computed::built_in_asked(entry));
        self.counts.entries = self.counts.entries.saturating_add(1);
        self.whole.counted();
        if in_period {
            self.counts.in_period = self.counts.in_period.saturating_add(1);
            if self.question.filter.takes(&entry.facts) {
                self.counts.listed = self.counts.listed.saturating_add(1);
                rendered::list(&mut self.line, (index, leaf), entry, refused);
                self.listed.push(index, entry.facts.kind.name(), self.line.end())?;
            }
        }
        let begins = Index(self.question.begins.0);
        let seen = Seen { index, entry, leaf, before, after, refused, in_period, begins };
        for (test, rows) in &mut self.tests {
            test.see(&seen, &self.requests, rows)?;
        }
        self.stated.see(&seen)?;
        self.requests.take_in(&seen);
        Ok(())
    }

    /// Ends every table but for draws and results.
    pub fn close(self, authority: &Authority) -> Result<rendered::Closing<'s>, PackageRefusal> {
        let Tables {
            question,
            mut views,
            counts,
            policies,
            let_in,
            requests,
            tests,
            whole,
            listed,
            stated,
            last,
            first,
            ..
        } = self;
        let last = last.ok_or(PackageRefusal::new(PackageCode::EntriesMissing, ENTRIES_FILE, "there is none"))?;
        let (period, last_received) = (question.period, last.received);
        let mut exceptions = Vec::new();
        let mut closed = vec![whole.close(&mut views)?];
        // What became of exceptions is asked once all of them are found.
        let (ahead, reviews) = tests.into_iter().partition::<Vec<_>, _>(|(test, _)| test.id() != TestId::T13);
        for (mut test, mut rows) in ahead.into_iter().chain(reviews) {
            let behind = Behind { period, last, last_received, authority, let_in: &let_in, exceptions: &exceptions };
            test.finish(&behind, &requests, &mut rows)?;
            exceptions.extend_from_slice(rows.found());
            closed.push(rows.close(&mut views)?);
        }
        closed.sort_by_key(|test| test.id);
        let listed = listed.close(&mut views)?;
        stated.close(&mut views)?;
        let reach = (first.unwrap_or(Micros(0)), last_received);
        Ok(rendered::Closing { question, views, counts, policies, listed, closed, reach })
    }
}
