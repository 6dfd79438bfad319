//! Receipts from a naive ledger: parts that tests can alter one by one, and the file that they make.

use crate::encode::Key;
use crate::ledger::Ledger;
use crate::naive_tree::{H, leaf, path, root, sha256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub fn b64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A C2SP verifier key.
pub fn vkey(name: &str, key: &Key) -> String {
    let typed = [&[1], key.point().as_slice()].concat();
    let id = sha256(&[name.as_bytes(), b"\n", &typed]);
    format!("{name}+{}+{}", crate::naive_tree::hex(&id[..4]), b64(&typed))
}

/// A note signature line.
pub fn signature_line(name: &str, key: &Key, text: &str) -> String {
    let id = sha256(&[name.as_bytes(), b"\n", &[1], &key.point()]);
    format!("\u{2014} {name} {}\n", b64(&[&id[..4], &key.sign(text.as_bytes())].concat()))
}

/// A cosigner's verifier key.
pub fn cosigner_vkey(name: &str, key: &Key) -> String {
    let typed = [&[4], key.point().as_slice()].concat();
    let id = sha256(&[name.as_bytes(), b"\n", &typed]);
    format!("{name}+{}+{}", crate::naive_tree::hex(&id[..4]), b64(&typed))
}

/// A cosignature line (C2SP tlog-cosignature, Ed25519).
pub fn cosignature_line(name: &str, key: &Key, time: u64, text: &str) -> String {
    let id = sha256(&[name.as_bytes(), b"\n", &[4], &key.point()]);
    let signature = key.sign(format!("cosignature/v1\ntime {time}\n{text}").as_bytes());
    format!("\u{2014} {name} {}\n", b64(&[&id[..4], &time.to_be_bytes(), &signature].concat()))
}

/// A checkpoint with one signature.
pub fn note(name: &str, size: u64, root: &H, key: &Key) -> String {
    let text = format!("{name}\n{size}\n{}\n", b64(root));
    format!("{text}\n{}", signature_line(name, key, &text))
}

/// An entry with what proves it.
#[derive(Clone, Default, PartialEq)]
pub struct Proven {
    pub index: Option<u64>,
    pub entry: Vec<u8>,
    pub frame: Option<(Vec<u8>, Vec<u8>)>,
    pub frame_path: Vec<H>,
    pub tree_path: Vec<H>,
}

/// tag u16 ‖ length u32 ‖ value.
pub fn field32(out: &mut Vec<u8>, tag: u16, value: &[u8]) {
    out.extend(tag.to_be_bytes());
    out.extend(u32::try_from(value.len()).unwrap().to_be_bytes());
    out.extend(value);
}

impl Proven {
    /// The entry at an index of a ledger, with its path in the frame but none in the tree.
    pub fn of(ledger: &Ledger, index: usize) -> Proven {
        let placed = &ledger.placed[index];
        let frame = &ledger.frames[placed.frame];
        let leaves: Vec<H> = frame.facts.iter().map(|facts| leaf(facts)).collect();
        Proven {
            index: None,
            entry: placed.bytes(),
            frame: (placed.offset != 0).then(|| (frame.header.bytes(), frame.block.clone())),
            frame_path: path(usize::from(placed.offset), &leaves),
            tree_path: Vec::new(),
        }
    }

    pub fn with_tree(mut self, index: usize, leaves: &[H]) -> Proven {
        self.tree_path = path(index, leaves);
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(index) = self.index {
            field32(&mut out, 0x0311, &index.to_be_bytes());
        }
        field32(&mut out, 0x0312, &self.entry);
        if let Some((header, block)) = &self.frame {
            field32(&mut out, 0x0313, header);
            field32(&mut out, 0x0314, block);
        }
        for (tag, path) in [(0x0315, &self.frame_path), (0x0316, &self.tree_path)] {
            if !path.is_empty() {
                field32(&mut out, tag, &path.concat());
            }
        }
        out
    }
}

/// Everything that a receipt holds.
#[derive(Clone, PartialEq)]
pub struct Receipt {
    pub subject: Proven,
    pub genesis: Option<Proven>,
    pub enrollment: Option<Proven>,
    pub salt: Option<Vec<u8>>,
    pub body: Option<Vec<u8>>,
    pub index: u64,
    pub path: Vec<H>,
    pub note: String,
}

impl Receipt {
    /// A redacted receipt for an index under a checkpoint over the whole ledger; `enrolled` is where the signing key
    /// was enrolled, if genesis does not name it.
    pub fn of(ledger: &Ledger, index: usize, enrolled: Option<usize>) -> Receipt {
        let leaves = ledger.leaves();
        Receipt {
            subject: Proven::of(ledger, index),
            genesis: (index != 0).then(|| Proven::of(ledger, 0).with_tree(0, &leaves)),
            enrollment: enrolled
                .map(|at| Proven { index: Some(at as u64), ..Proven::of(ledger, at).with_tree(at, &leaves) }),
            salt: None,
            body: None,
            index: index as u64,
            path: path(index, &leaves),
            note: note(&ledger.name, leaves.len() as u64, &root(&leaves), &ledger.head),
        }
    }

    /// Adds the body.
    pub fn disclosing(mut self, (salt, body): &(H, Vec<u8>)) -> Receipt {
        (self.salt, self.body) = (Some(salt.to_vec()), Some(body.clone()));
        self
    }

    /// The decoded `extra`.
    pub fn extra(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let proven = |tag: u16, proven: Option<&Proven>| (tag, proven.map(Proven::bytes));
        let parts = [
            proven(0x0301, Some(&self.subject)),
            proven(0x0302, self.genesis.as_ref()),
            proven(0x0303, self.enrollment.as_ref()),
            (0x0304, self.salt.clone()),
            (0x0305, self.body.clone()),
        ];
        for (tag, part) in parts {
            if let Some(part) = part {
                field32(&mut out, tag, &part);
            }
        }
        out
    }

    pub fn file(&self) -> Vec<u8> {
        self.file_with(&self.extra())
    }

    /// The file with another `extra`.
    pub fn file_with(&self, extra: &[u8]) -> Vec<u8> {
        let mut out = format!("c2sp.org/tlog-proof@v1\nextra {}\nindex {}\n", b64(extra), self.index);
        self.path.iter().for_each(|hash| out += &(b64(hash) + "\n"));
        (out + "\n" + &self.note).into_bytes()
    }
}
