//! A quarter of an office as a naive ledger tells it: people, an agent behind a gateway, policies, requests and what became
//! of them. It appends what it is told to, by the rules or against them, as an operator with every key could.

use crate::encode::{self, Fields, Key, id16, seed, tag};
use crate::governed::{bind, bind_other, body, founded, key_of, person};
use crate::ledger::{Draft, Ledger, enroll, event, with};
use crate::naive_tree::H;
use crate::package_maker::Plan;
use deedbook_verify::words::{Digest, Micros};
use std::collections::BTreeMap;

pub const HOUR: u64 = 3_600_000_000;

/// So many reviewers, by their own signatures.
pub fn requirement(persons: u8) -> Vec<u8> {
    let fixed = [[1, persons, 3, 0, 50].as_slice(), &3_600_u32.to_be_bytes(), &600_u32.to_be_bytes(), &[0, 1]].concat();
    [fixed, vec![0; 8], vec![0; 16], vec![0]].concat()
}

fn blake(bytes: &[u8]) -> H {
    *blake3::hash(bytes).as_bytes()
}

/// A ledger-made event: its kind, and the fields that are its own.
type Step = (u16, Vec<(u16, Vec<u8>)>);

pub struct Office {
    pub ledger: Ledger,
    pub texts: BTreeMap<Digest, Vec<u8>>,
    policy: H,
    /// What an approval needs.
    pub requirement: Vec<u8>,
    /// Who is said to be in conflict with what is asked.
    pub conflicted: Option<&'static str>,
    /// What voters say they are: 1, a human.
    pub voter_class: u8,
}

/// A request and its names.
#[derive(Clone)]
pub struct Asked {
    pub request: Vec<u8>,
    pub stream: [u8; 16],
    pub action: H,
    pub grant: Vec<u8>,
    /// Where its submission stands.
    pub index: usize,
}

impl Office {
    /// Alice governs alone; Rita answers for the agent; Ron and Sam review. Two policies came, one after the other.
    pub fn new() -> Office {
        let ledger = founded(&[("alice", 1), ("rita", 2), ("ron", 2), ("sam", 2)]);
        let (texts, policy, requirement) = (BTreeMap::new(), [0; 32], requirement(1));
        let mut office = Office { ledger, texts, policy, requirement, conflicted: None, voter_class: 1 };
        office.by("alice", enroll("gate", &Key::named("gate").wire(), &id16("gate")));
        office.by("alice", bind_other("agent", 2, &[(0x0012, &person("rita"))]));
        office.publish("policy one");
        office.publish("policy two");
        office.by("alice", bind("carol", 2, None));
        office
    }

    pub fn plan(&self) -> Plan {
        let mut plan = Plan::of(&self.ledger, 0, self.ledger.placed.len());
        plan.policies = self.texts.clone();
        plan.question.period.to = Micros(self.ledger.received + 1);
        plan
    }

    pub fn wait(&mut self, time: u64) {
        self.ledger.received += time;
    }

    /// Facts as they are stated now.
    fn now(&self, facts: Fields) -> Fields {
        let mut facts = facts;
        facts.insert(tag::EVENT_ID, id16(&format!("event {}", self.ledger.placed.len())).to_vec());
        facts.insert(tag::OCCURRED, self.ledger.received.to_be_bytes().to_vec());
        facts
    }

    pub fn by(&mut self, name: &str, facts: Fields) -> usize {
        let facts = self.now(facts);
        self.ledger.append(Draft::by(&key_of(name), person(name), vec![facts]))
    }

    pub fn gate(&mut self, facts: Fields) -> usize {
        let facts = self.now(facts);
        self.ledger.append(Draft::by(&Key::named("gate"), id16("gate"), vec![facts]))
    }

    /// A statement of a source with a sequence of its own, as it stands: its time too.
    pub fn source(&mut self, name: &str, sequence: u64, facts: Fields) -> usize {
        let key = Key::named(name);
        self.ledger.append(Draft::by(&key, id16(name), vec![facts]).at(1, sequence))
    }

    pub fn statement(&self, kind: u16, more: &[(u16, &[u8])]) -> Fields {
        with(self.now(event(kind, "")), more)
    }

    pub fn enroll(&mut self, name: &str) {
        self.by("alice", enroll(name, &Key::named(name).wire(), &id16(name)));
    }

    pub fn publish(&mut self, text: &str) {
        self.policy = blake(text.as_bytes());
        self.texts.insert(Digest(self.policy), text.as_bytes().to_vec());
        let facts = with(event(0x0130, ""), &[(tag::STREAM, &id16("policy/default")), (0x0022, &self.policy)]);
        self.by("alice", body(facts));
    }

    /// What the ledger says behind the last command: its i-th step has the id with ordinal i.
    pub fn steps(&mut self, of: &Asked, steps: Vec<Step>) -> usize {
        let command = &self.ledger.placed.last().unwrap().facts;
        let (source, id) = (command[&tag::SOURCE].clone(), command[&tag::EVENT_ID].clone());
        let mut events = Vec::new();
        for (nth, (kind, fields)) in (0u16..).zip(steps) {
            let own = encode::derived_id(&source, &id, nth);
            let mut facts = self.now(event(kind, ""));
            facts.extend([
                (tag::EVENT_ID, own.clone()),
                (tag::PARENTS, [source.as_slice(), &id].concat()),
                (tag::RULES, vec![0, 1]),
                (tag::STREAM, of.stream.to_vec()),
                (0x0027, of.request.clone()),
                (0x0021, of.action.to_vec()),
            ]);
            if kind == 0x0009 {
                facts.insert(0x0028, own);
            }
            facts.extend(fields);
            events.push(facts);
        }
        self.ledger.append_own(events)
    }

    fn until(&self) -> Vec<u8> {
        (self.ledger.received + HOUR).to_be_bytes().to_vec()
    }

    fn evaluated(&self, verdict: u8) -> Step {
        let mut fields: Vec<(u16, Vec<u8>)> = body(Fields::new()).into_iter().collect();
        fields.extend([(0x0022, self.policy.to_vec()), (0x0150, vec![verdict])]);
        fields.extend((verdict == 3).then(|| (0x0151, self.requirement.clone())));
        (0x0004, fields)
    }

    fn granting(&self) -> Step {
        (0x0009, vec![(0x000a, self.until()), (0x015c, id16("gate").to_vec()), (0x015d, vec![0, 1])])
    }

    /// The agent asks, and people are asked; with a grant at once, where the ledger gives what nobody approved.
    pub fn ask(&mut self, name: &str, granted: bool) -> Asked {
        let index = self.gate(self.submission(0x0100, name, (2, "agent")));
        let mut asked = self.asked(name, index);
        let mut opening = vec![
            (0x000a, self.until()),
            (0x0151, self.requirement.clone()),
            (0x0152, blake(&self.requirement).to_vec()),
        ];
        opening.extend(self.conflicted.map(|name| (0x0153, [person(name).as_slice(), &[1]].concat())));
        let mut steps = vec![
            self.evaluated(3),
            (0x0005, opening),
            (
                0x0006,
                body(Fields::from([
                    (0x0152, blake(&self.requirement).to_vec()),
                    (0x0154, seed("shown").to_vec()),
                    (0x0155, vec![1]),
                ]))
                .into_iter()
                .collect(),
            ),
        ];
        if granted {
            steps.push(self.granting());
        }
        self.steps(&asked, steps);
        asked.grant = self.last_id();
        asked
    }

    fn submission(&self, kind: u16, name: &str, (class, who): (u8, &str)) -> Fields {
        body(with(
            event(kind, ""),
            &[
                (tag::STREAM, &id16(&format!("action/{name}"))),
                (0x0010, &[&[class], person(who).as_slice()].concat()),
                (0x0020, b"dataset.export"),
                (0x0021, &seed(name)),
                (0x015f, &[3]),
            ],
        ))
    }

    fn asked(&self, name: &str, index: usize) -> Asked {
        let facts = &self.ledger.placed[index].facts;
        Asked {
            request: encode::derived_id(&facts[&tag::SOURCE], &facts[&tag::EVENT_ID], 0xffff),
            stream: id16(&format!("action/{name}")),
            action: seed(name),
            grant: Vec::new(),
            index,
        }
    }

    fn last_id(&self) -> Vec<u8> {
        self.ledger.placed.last().unwrap().facts[&tag::EVENT_ID].clone()
    }

    /// A person decides under their own signature; answers the vote's revision.
    pub fn vote(&mut self, asked: &Asked, name: &str, decision: u8) -> u64 {
        let until = self.until();
        let parts = [
            b"deedbook.vote/1\0".as_slice(),
            &self.ledger.id,
            &asked.request,
            &3_u64.to_be_bytes(),
            &asked.action,
            &blake(&self.requirement),
            &seed("shown"),
            &[decision],
            &until,
        ];
        let key = key_of(name);
        let signature = key.sign(&blake(&parts.concat()));
        let facts = with(
            event(0x0101, ""),
            &[
                (tag::STREAM, &asked.stream),
                (0x000a, &until),
                (0x000b, &[1_u64.to_be_bytes().as_slice(), &self.ledger.id].concat()),
                (0x0010, &[&[self.voter_class], person(name).as_slice()].concat()),
                (0x0021, &asked.action),
                (0x0027, &asked.request),
                (0x0152, &blake(&self.requirement)),
                (0x0154, &seed("shown")),
                (0x0156, &3_u64.to_be_bytes()),
                (0x0157, &[decision]),
                (0x0158, &[&[3, 0, 1], key.id().as_slice(), &[0, 64], &signature].concat()),
            ],
        );
        self.by(name, facts);
        self.ledger.revisions[&asked.stream.to_vec()]
    }

    /// The request ends behind the last vote; an approval rests on it, and grants.
    pub fn resolve(&mut self, asked: &mut Asked, code: u8, by: &[(&str, u64)]) -> usize {
        let mut fields = vec![(0x0159, vec![code])];
        let vote = |(name, revision): &(&str, u64)| [&[255], person(name).as_slice(), &revision.to_be_bytes()].concat();
        let votes: Vec<u8> = by.iter().flat_map(vote).collect();
        if !votes.is_empty() {
            fields.push((0x015a, votes));
        }
        let mut steps = vec![(0x0008, fields)];
        if !by.is_empty() {
            steps.push(self.granting());
        }
        let base = self.steps(&asked.clone(), steps);
        if !by.is_empty() {
            asked.grant = self.last_id();
        }
        base
    }

    /// Asks, and has it approved by somebody.
    pub fn approved(&mut self, name: &str, by: &str) -> Asked {
        let mut asked = self.ask(name, false);
        let revision = self.vote(&asked, by, 1);
        self.resolve(&mut asked, 1, &[(by, revision)]);
        asked
    }

    /// What was granted runs, under a policy and with a digest; answers where the run stands.
    pub fn run_as(&mut self, asked: &Asked, action: H, policy: Option<&str>) -> usize {
        let facts = with(
            event(0x0103, ""),
            &[
                (tag::STREAM, &asked.stream),
                (0x000b, &[1_u64.to_be_bytes().as_slice(), &self.ledger.id].concat()),
                (0x0010, &[&[2], person("agent").as_slice()].concat()),
                (0x0021, &action),
                (0x0027, &asked.request),
                (0x0028, &asked.grant),
            ],
        );
        self.gate(facts);
        let kept = self.policy;
        self.policy = policy.map_or(kept, |text| blake(text.as_bytes()));
        let grant = (0x0028, asked.grant.clone());
        let redeemed = (0x000a, vec![grant.clone(), (0x0022, self.policy.to_vec())]);
        let steps = vec![self.evaluated(1), redeemed, (0x000d, vec![grant])];
        let base = self.steps(&Asked { action, ..asked.clone() }, steps);
        self.policy = kept;
        base + 2
    }

    pub fn run(&mut self, asked: &Asked) -> usize {
        self.run_as(asked, asked.action, None)
    }

    /// The gateway reports that a run ended.
    pub fn report(&mut self, asked: &Asked) -> usize {
        let actor = [&[2], person("agent").as_slice()].concat();
        let facts = with(event(0x0200, ""), &[(0x0010, &actor), (0x0023, &[3]), (0x0027, &asked.request)]);
        let facts = if asked.grant.is_empty() { facts } else { with(facts, &[(0x0028, &asked.grant)]) };
        self.gate(facts)
    }

    /// Somebody breaks the glass; it runs, and is reported.
    pub fn break_glass(&mut self, name: &str, who: &str) -> Asked {
        let facts = self.submission(0x0105, name, (1, who));
        let index = self.by(who, facts);
        let mut asked = self.asked(name, index);
        let steps = vec![self.evaluated(1), (0x0008, vec![(0x0159, vec![8])]), self.granting()];
        self.steps(&asked.clone(), steps);
        asked.grant = self.last_id();
        self.run(&asked);
        self.report(&asked);
        asked
    }

    pub fn review(&mut self, asked: &Asked, who: &str) -> usize {
        let facts = with(
            event(0x0106, ""),
            &[
                (tag::STREAM, &asked.stream),
                (0x0010, &[&[1], person(who).as_slice()].concat()),
                (0x0027, &asked.request),
                (0x0161, &[1]),
            ],
        );
        self.by(who, facts)
    }
}
