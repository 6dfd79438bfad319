//! A governed ledger for tests: commands built from FORMAT.md's numbers, judged one by one, as the server judges them
//! before it appends. It asserts nothing of the rules.

use crate::encode::{self, Fields, Key, id16, tag};
use crate::ledger::{Ledger, event, with};
use crate::naive_tree::{H, leaf};
use deedbook_verify::detail::Detail;
use deedbook_verify::entry::Entry;
use deedbook_verify::erasure::{Standing, Stood};
use deedbook_verify::facts::{Facts, Parent};
use deedbook_verify::governance::{Authority, Stated};
use deedbook_verify::hash::request_id;
use deedbook_verify::keeping::Day;
use deedbook_verify::words::{Index, KeyId, LedgerId, Micros, Ref};
use std::convert::Infallible;

/// When a fold begins.
const BEGUN: u64 = 1_767_590_000_000_000;

/// For how long those must be silent who are removed over their silence.
pub const SILENCE_US: u64 = 14 * 24 * 3_600 * 1_000_000;
pub const WEEK_US: u64 = 7 * 24 * 3_600 * 1_000_000;

pub fn person(name: &str) -> [u8; 16] {
    id16(&format!("person {name}"))
}

pub fn key_of(name: &str) -> Key {
    Key::named(&format!("key of {name}"))
}

/// A genesis with these persons and roles.
pub fn founded(persons: &[(&str, u8)]) -> Ledger {
    let wire: Vec<u8> = persons
        .iter()
        .flat_map(|(name, roles)| [person(name).as_slice(), &key_of(name).wire(), &[*roles]].concat())
        .collect();
    Ledger::founded("ledger.example/governed", |facts| drop(facts.insert(0x0114, wire.clone())), [2, 3])
}

/// Every entry has a body that may go, of no class, as old as the fold.
const STOOD: Stood = Stood { standing: Standing::Erasable, class: None, day: Day(20_458) };

/// The fold, and where it stands.
#[derive(Clone)]
pub struct Fold {
    pub authority: Authority,
    pub ledger: H,
    index: u64,
    pub now: u64,
    /// Facts of every command that was stated, by index.
    said: Vec<(u64, Vec<u8>)>,
}

impl Fold {
    pub fn new(persons: &[(&str, u8)]) -> Fold {
        let ledger = founded(persons);
        let bytes = ledger.placed[0].bytes();
        let entry = Entry::parse(&bytes).unwrap();
        let Detail::Genesis(genesis) = &entry.facts.detail else { panic!("no genesis") };
        let authority = Authority::from_genesis(LedgerId(ledger.id), Ref(ledger.source), genesis).unwrap();
        Fold { authority, ledger: ledger.id, index: 1, now: BEGUN, said: Vec::new() }
    }

    /// Two administrators and a reviewer.
    pub fn of_two() -> Fold {
        Fold::new(&[("alice", 1), ("bob", 1), ("rita", 2)])
    }

    pub fn wait_us(&mut self, time: u64) {
        self.now += time;
    }

    /// States a command under a key for a source. Ok: whether it waits, and its index; else the reason.
    pub fn state(&mut self, key: &Key, source: [u8; 16], facts: Fields) -> Result<(u64, bool), &'static str> {
        let mut facts = facts;
        facts.insert(tag::SOURCE, source.to_vec());
        facts.insert(tag::EPOCH, vec![0; 4]);
        facts.insert(tag::SEQUENCE, vec![0; 8]);
        facts.insert(tag::EVENT_ID, id16(&format!("event {}", self.index)).to_vec());
        let bytes = encode::facts(&facts);
        let parsed = Facts::parse(&bytes).unwrap();
        let index = Index(self.index);
        let stated = Stated { facts: &parsed, signer: KeyId(key.id()), index, received: Micros(self.now) };
        let all = |bodies: deedbook_verify::erasure::ErasedBodies<'_>| {
            Ok::<_, Infallible>(bodies.indexes().map(|_| STOOD).collect())
        };
        self.index += 1;
        self.now += 1;
        self.authority.hear(Ref(source), index);
        let Ok(decided) = self.authority.decide(&stated, all);
        let consequence = decided.map_err(|reason| reason.name())?;
        let waits = consequence.waits_as().is_some();
        self.authority.apply(consequence, index, Micros(self.now - 1));
        self.said.push((index.0, bytes));
        Ok((index.0, waits))
    }

    /// A command of a person, under their own key.
    pub fn by(&mut self, name: &str, facts: Fields) -> Result<(u64, bool), &'static str> {
        self.state(&key_of(name), person(name), facts)
    }

    pub fn facts_at(&self, index: u64) -> &[u8] {
        &self.said.iter().find(|(at, _)| *at == index).unwrap().1
    }

    /// A vote on the command at an index, as this person's own key signs it.
    pub fn ballot(&self, name: &str, index: u64, decision: u8) -> Fields {
        ballot(&self.ledger, self.facts_at(index), self.now + WEEK_US, (person(name), &key_of(name)), decision)
    }

    pub fn vote(&mut self, name: &str, index: u64, decision: u8) -> Result<(u64, bool), &'static str> {
        let facts = self.ballot(name, index, decision);
        self.by(name, facts)
    }

    /// A command that one administrator asks for and the other agrees to.
    pub fn both(&mut self, facts: Fields) -> Result<u64, &'static str> {
        self.both_of(["alice", "bob"], facts)
    }

    pub fn both_of(&mut self, [asker, other]: [&str; 2], facts: Fields) -> Result<u64, &'static str> {
        let (index, waits) = self.by(asker, facts)?;
        assert!(waits, "it waits");
        self.vote(other, index, 1).map(|(at, _)| at)
    }

    pub fn person(&self, name: &str) -> Option<&deedbook_verify::principals::Principal> {
        self.authority.principals().get(Ref(person(name)))
    }

    pub fn signs(&self, name: &str) -> usize {
        self.authority.keys().live_of(Ref(person(name))).count()
    }
}

/// A vote on a governing command, from the layouts of FORMAT.md.
pub fn ballot(ledger: &H, command: &[u8], until: u64, (who, key): ([u8; 16], &Key), decision: u8) -> Fields {
    let facts = Facts::parse(command).unwrap();
    let request = request_id(&Parent { source: facts.source, event_id: facts.event_id }).0;
    let requirement = *blake3::hash(b"deedbook.governance/1").as_bytes();
    let (action, presentation) = (leaf(command), *blake3::hash(command).as_bytes());
    let layout = [
        b"deedbook.vote/1\0".as_slice(),
        ledger,
        &request,
        &[0; 8],
        &action,
        &requirement,
        &presentation,
        &[decision],
        &until.to_be_bytes(),
    ];
    let signature = key.sign(blake3::hash(&layout.concat()).as_bytes());
    let evidence = [&[3, 0, 1], key.id().as_slice(), &[0, 64], &signature].concat();
    with(
        event(0x0101, "vote"),
        &[
            (0x000a, &until.to_be_bytes()),
            (0x000b, &[1_u64.to_be_bytes().as_slice(), ledger].concat()),
            (0x0010, &[&[1], who.as_slice()].concat()),
            (0x0020, b"governance.vote"),
            (0x0021, &action),
            (0x0027, &request),
            (0x0152, &requirement),
            (0x0154, &presentation),
            (0x0156, &[0; 8]),
            (0x0157, &[decision]),
            (0x0158, &evidence),
        ],
    )
}

pub fn body(facts: Fields) -> Fields {
    let commitment = encode::commitment(&[7; 32], b"{}");
    with(facts, &[(tag::MEDIA_TYPE, b"application/json"), (tag::COMMITMENT, &commitment)])
}

pub fn about(kind: u16, class: u8, name: &str) -> Fields {
    with(event(kind, name), &[(0x0170, &[&[class], person(name).as_slice()].concat())])
}

/// A human with roles and a key; roles 0 and no key are left out.
pub fn bind(name: &str, roles: u8, key: Option<&Key>) -> Fields {
    let mut facts = body(about(0x0120, 1, name));
    if roles != 0 {
        facts.insert(0x0172, vec![roles]);
    }
    if let Some(key) = key {
        facts.insert(0x0120, key.wire());
    }
    facts
}

pub fn bind_other(name: &str, class: u8, more: &[(u16, &[u8])]) -> Fields {
    with(body(about(0x0120, class, name)), more)
}

pub fn link(name: &str, account: &str) -> Fields {
    with(body(about(0x0121, 1, name)), &[(0x0173, &id16(account))])
}

pub fn disable(name: &str, class: u8) -> Fields {
    about(0x0122, class, name)
}

pub fn grant(name: &str, roles: u8) -> Fields {
    with(about(0x0123, 1, name), &[(0x0172, &[roles])])
}

pub fn strip(name: &str, roles: u8) -> Fields {
    with(about(0x0124, 1, name), &[(0x0172, &[roles])])
}

pub fn delegate(name: &str, to: Option<&str>) -> Fields {
    let facts = about(0x0125, 1, name);
    to.map_or(facts.clone(), |to| with(facts, &[(0x0174, &person(to))]))
}

pub fn publish(policy: &str) -> Fields {
    let digest = encode::seed(policy);
    with(body(event(0x0130, policy)), &[(tag::STREAM, &id16("policy/default")), (0x0022, &digest)])
}

pub fn retire(policy: &str) -> Fields {
    with(event(0x0131, policy), &[(tag::STREAM, &id16("policy/default")), (0x0022, &encode::seed(policy))])
}

/// The same command by break-glass: over the silence of these, or where nobody else can sign.
pub fn declared(facts: Fields, silent: &[&str]) -> Fields {
    let facts = if facts.contains_key(&tag::COMMITMENT) { facts } else { body(facts) };
    let mut silent: Vec<[u8; 16]> = silent.iter().map(|name| person(name)).collect();
    silent.sort_unstable();
    with(facts, &[(0x01f0, &silent.concat())])
}
