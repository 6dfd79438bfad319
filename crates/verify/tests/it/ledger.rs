//! The naive ledger: it appends whatever it is told to, well or ill, and numbers it as the format says. Forged logs
//! come out of it as easily as good ones.

use crate::encode::{self, Fields, Header, Key, id16, kind, seed, tag};
use crate::naive_tree::{H, leaf, root};
use std::collections::HashMap;

/// One entry, taken apart so that tests can alter any field.
#[derive(Clone)]
pub struct Placed {
    pub facts: Fields,
    pub seal: Fields,
    pub frame: usize,
    pub offset: u16,
}

impl Placed {
    pub fn bytes(&self) -> Vec<u8> {
        encode::entry(&encode::facts(&self.facts), &self.seal)
    }
}

/// A frame as appended.
#[derive(Clone)]
pub struct Frame {
    pub header: Header,
    pub block: Vec<u8>,
    pub base: usize,
    pub facts: Vec<Vec<u8>>,
}

/// What to append; every part may be wrong on purpose.
#[derive(Clone)]
pub struct Draft {
    pub ledger: Option<H>,
    pub source: [u8; 16],
    pub epoch: u32,
    pub first: u64,
    pub signers: Vec<(u8, Key)>,
    pub events: Vec<Fields>,
}

impl Draft {
    /// A frame by an ordinary source, unsequenced.
    pub fn by(key: &Key, source: [u8; 16], events: Vec<Fields>) -> Draft {
        Draft { ledger: None, source, epoch: 0, first: 0, signers: vec![(1, key.clone())], events }
    }

    pub fn at(mut self, epoch: u32, first: u64) -> Draft {
        (self.epoch, self.first) = (epoch, first);
        self
    }
}

#[derive(Clone)]
pub struct Ledger {
    pub name: String,
    pub id: H,
    pub source: [u8; 16],
    pub head: Key,
    pub sequencer: Key,
    pub admin: Key,
    pub admin_source: [u8; 16],
    pub placed: Vec<Placed>,
    pub frames: Vec<Frame>,
    pub received: u64,
    pub ledger_sequence: u64,
    pub revisions: HashMap<Vec<u8>, u64>,
}

/// Facts with what every kind needs; source, epoch and sequence follow when the frame is built.
pub fn event(kind: u16, name: &str) -> Fields {
    Fields::from([
        (tag::KIND, kind.to_be_bytes().to_vec()),
        (tag::EVENT_ID, id16(name).to_vec()),
        (tag::OCCURRED, 1_767_580_000_000_000_u64.to_be_bytes().to_vec()),
    ])
}

/// Adds fields.
pub fn with(mut facts: Fields, more: &[(u16, &[u8])]) -> Fields {
    facts.extend(more.iter().map(|(tag, value)| (*tag, value.to_vec())));
    facts
}

impl Ledger {
    /// Genesis with one administrator and one reviewer.
    pub fn new(name: &str) -> Ledger {
        Ledger::founded(name, |_| {}, [2, 3])
    }

    /// Genesis with a change of its facts, signed in the given roles by head and sequencer key.
    pub fn founded(name: &str, change: impl Fn(&mut Fields), roles: [u8; 2]) -> Ledger {
        let key = |role: &str| Key::named(&format!("{name} {role}"));
        let mut ledger = Ledger {
            name: name.to_owned(),
            id: [0; 32],
            source: id16(&format!("{name} ledger source")),
            head: key("head"),
            sequencer: key("sequencer"),
            admin: key("admin"),
            admin_source: id16(&format!("{name} admin")),
            placed: Vec::new(),
            frames: Vec::new(),
            received: 1_767_582_000_000_000,
            ledger_sequence: 1,
            revisions: HashMap::new(),
        };
        let mut facts = event(kind::GENESIS, &format!("{name} genesis"));
        let persons = [
            [ledger.admin_source.as_slice(), &ledger.admin.wire(), &[1]].concat(),
            [id16(&format!("{name} reviewer")).as_slice(), &key("reviewer").wire(), &[2]].concat(),
        ];
        facts.extend([
            (tag::RULES, vec![0, 1]),
            (0x0110, seed(&format!("{name} nonce")).to_vec()),
            (0x0111, name.as_bytes().to_vec()),
            (0x0112, ledger.head.wire()),
            (0x0113, ledger.sequencer.wire()),
            (0x0114, persons.concat()),
            (0x0115, [[5; 32].as_slice(), &9_u64.to_be_bytes(), &[6; 32]].concat()),
            (0x0116, seed("ref key digest").to_vec()),
        ]);
        change(&mut facts);
        let signers = vec![(roles[0], ledger.head.clone()), (roles[1], ledger.sequencer.clone())];
        let source = ledger.source;
        ledger.append(Draft { ledger: Some([0; 32]), source, epoch: 1, first: 1, signers, events: vec![facts] });
        ledger.id = leaf(&ledger.placed[0].bytes());
        ledger
    }

    pub fn reviewer(&self) -> Key {
        Key::named(&format!("{} reviewer", self.name))
    }

    /// Builds header and signatures of a draft.
    pub fn sign(&self, draft: &Draft) -> (Vec<Fields>, Frame) {
        let mut events = draft.events.clone();
        for (offset, facts) in events.iter_mut().enumerate() {
            let sequence = if draft.epoch == 0 { 0 } else { draft.first + offset as u64 };
            facts.entry(tag::SOURCE).or_insert(draft.source.to_vec());
            facts.entry(tag::EPOCH).or_insert(draft.epoch.to_be_bytes().to_vec());
            facts.entry(tag::SEQUENCE).or_insert(sequence.to_be_bytes().to_vec());
        }
        let facts: Vec<Vec<u8>> = events.iter().map(encode::facts).collect();
        let header = Header {
            ledger: draft.ledger.unwrap_or(self.id),
            source: draft.source,
            epoch: draft.epoch,
            first: draft.first,
            n: u16::try_from(facts.len()).unwrap(),
            root: root(&facts.iter().map(|bytes| leaf(bytes)).collect::<Vec<_>>()),
            signers: draft.signers.iter().map(|(role, key)| (*role, 1, key.id())).collect(),
        };
        let signed = encode::signed_bytes(&header.bytes());
        let signatures: Vec<_> = draft.signers.iter().map(|(_, key)| (key.id(), key.sign(&signed).to_vec())).collect();
        (events, Frame { header, block: encode::block(&signatures), base: self.placed.len(), facts })
    }

    /// Seals and places a frame, whatever it is; answers the first index.
    pub fn append(&mut self, draft: Draft) -> usize {
        let (events, frame) = self.sign(&draft);
        self.place(events, frame)
    }

    /// Places a frame that was signed before, perhaps for another place.
    pub fn place(&mut self, events: Vec<Fields>, mut frame: Frame) -> usize {
        frame.base = self.placed.len();
        self.received += 1_000;
        let header = frame.header.bytes();
        let digest = encode::frame_digest(&header, &frame.block);
        for (offset, facts) in events.into_iter().enumerate() {
            let offset = u16::try_from(offset).unwrap();
            let mut seal = Fields::from([
                (tag::RECEIVED, self.received.to_be_bytes().to_vec()),
                (tag::FRAME_DIGEST, digest.to_vec()),
                (tag::OFFSET, offset.to_be_bytes().to_vec()),
                (tag::FRAME_SIZE, frame.header.n.to_be_bytes().to_vec()),
            ]);
            if let Some(stream) = facts.get(&tag::STREAM) {
                let revision = self.revisions.entry(stream.clone()).or_insert(0);
                *revision += 1;
                seal.insert(tag::REVISION, revision.to_be_bytes().to_vec());
            }
            if offset == 0 {
                seal.insert(tag::FRAME_HEADER, header.clone());
                seal.insert(tag::SIGNATURES, frame.block.clone());
            }
            self.placed.push(Placed { facts, seal, frame: self.frames.len(), offset });
        }
        self.frames.push(frame.clone());
        frame.base
    }

    /// A ledger-made frame: sequencer key, epoch 1, the next sequence.
    pub fn append_own(&mut self, events: Vec<Fields>) -> usize {
        let first = self.ledger_sequence + 1;
        self.ledger_sequence += events.len() as u64;
        let signers = vec![(3, self.sequencer.clone())];
        self.append(Draft { ledger: None, source: self.source, epoch: 1, first, signers, events })
    }

    /// `command.refused` for the last entry.
    pub fn refuse(&mut self, reason: u16) -> usize {
        let refusal = self.refusal(reason);
        self.append_own(vec![refusal])
    }

    /// Facts of a refusal of the last entry.
    pub fn refusal(&self, reason: u16) -> Fields {
        let command = &self.placed.last().unwrap().facts;
        let (source, id) = (&command[&tag::SOURCE], &command[&tag::EVENT_ID]);
        let mut facts = event(kind::COMMAND_REFUSED, "replaced");
        facts.extend([
            (tag::EVENT_ID, encode::derived_id(source, id, 0)),
            (tag::PARENTS, [source.as_slice(), id].concat()),
            (tag::RULES, vec![0, 1]),
            (tag::REASON, reason.to_be_bytes().to_vec()),
        ]);
        facts
    }

    /// A command of the administrator.
    pub fn command(&mut self, facts: Fields) -> usize {
        let draft = Draft::by(&self.admin.clone(), self.admin_source, vec![facts]);
        self.append(draft)
    }

    /// What an operator can do to a frame without its signer's key: makes header and seals agree again with the facts
    /// as they stand now, under the given signatures or, without any, under the old ones.
    pub fn reseal(&mut self, frame: usize, signers: &[Key]) {
        let of_frame = |placed: &&Placed| placed.frame == frame;
        let facts: Vec<Vec<u8>> = self.placed.iter().filter(of_frame).map(|p| encode::facts(&p.facts)).collect();
        let target = &mut self.frames[frame];
        target.header.root = root(&facts.iter().map(|bytes| leaf(bytes)).collect::<Vec<_>>());
        target.facts = facts;
        let header = target.header.bytes();
        if !signers.is_empty() {
            let signed = encode::signed_bytes(&header);
            let signatures: Vec<_> = signers.iter().map(|key| (key.id(), key.sign(&signed).to_vec())).collect();
            target.block = encode::block(&signatures);
        }
        let (digest, block) = (encode::frame_digest(&header, &target.block), target.block.clone());
        for placed in self.placed.iter_mut().filter(|placed| placed.frame == frame) {
            placed.seal.insert(tag::FRAME_DIGEST, digest.to_vec());
            placed.seal.insert(tag::FRAME_SIZE, self.frames[frame].header.n.to_be_bytes().to_vec());
            if placed.offset == 0 {
                placed.seal.insert(tag::FRAME_HEADER, header.clone());
                placed.seal.insert(tag::SIGNATURES, block.clone());
            }
        }
    }

    pub fn leaves(&self) -> Vec<H> {
        self.placed.iter().map(|placed| leaf(&placed.bytes())).collect()
    }

    pub fn entries(&self) -> Vec<Vec<u8>> {
        self.placed.iter().map(Placed::bytes).collect()
    }
}

pub fn enroll(name: &str, key: &[u8], source: &[u8; 16]) -> Fields {
    with(event(kind::KEY_ENROLLED, name), &[(tag::SUBJECT_KEY, key), (tag::SUBJECT_SOURCE, source)])
}

pub fn rotate(name: &str, key: &[u8], source: &[u8; 16], replaces: &H) -> Fields {
    let facts = with(event(kind::KEY_ROTATED, name), &[(tag::SUBJECT_KEY, key), (tag::SUBJECT_SOURCE, source)]);
    with(facts, &[(tag::SUBJECT_KEY_ID, replaces)])
}

pub fn revoke(name: &str, key_id: &H) -> Fields {
    with(event(kind::KEY_REVOKED, name), &[(tag::SUBJECT_KEY_ID, key_id)])
}
