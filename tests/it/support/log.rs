//! A log that is nothing but leaf hashes and a key, with proofs written a second time from RFC 6962; and witnesses to
//! show it to.

use super::web::post;
use deedbook::clock::Clock;
use deedbook::http::{HttpServer, serve_witness};
use deedbook::record::{CosigningKey, SigningKey};
use deedbook::witness::{StateError, Witness, WitnessOptions};
use deedbook_verify::cosign::CosignerKey;
use deedbook_verify::hash::{Children, empty_root, leaf, node};
use deedbook_verify::note::{Checkpoint, VerifierKey, encode_base64, signature_line};
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Hash, TreeSize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// A log of its own.
pub struct PlainLog {
    pub key: SigningKey,
    pub leaves: Vec<Hash>,
}

impl PlainLog {
    /// So many leaves that differ by `fork`.
    pub fn new(origin: &str, seed: u8, fork: &str, count: usize) -> PlainLog {
        let leaves = (0..count).map(|number| leaf(format!("{fork} {number}").as_bytes())).collect();
        PlainLog { key: SigningKey::from_seed(origin, &[seed; 32]).unwrap(), leaves }
    }

    /// The same leaves up to `shared`, then others.
    pub fn forked(&self, seed: u8, shared: usize, fork: &str) -> PlainLog {
        let mut other = PlainLog::new(self.key.name(), seed, fork, self.leaves.len());
        other.leaves[..shared].copy_from_slice(&self.leaves[..shared]);
        other
    }

    pub fn verifier_key(&self) -> &VerifierKey {
        self.key.verifier_key()
    }

    pub fn root(&self, size: usize) -> Hash {
        root(&self.leaves[..size])
    }

    /// The checkpoint's text.
    pub fn text(&self, size: usize) -> String {
        let head = TreeHead { size: TreeSize(size as u64), root: self.root(size) };
        Checkpoint { origin: self.key.name().to_owned(), head }.to_string()
    }

    /// Any text, signed.
    pub fn sign(&self, text: &str) -> String {
        format!("{text}\n{}", signature_line(self.verifier_key(), &self.key.sign(text.as_bytes())))
    }

    /// A request's body.
    pub fn body(&self, old: usize, new: usize) -> Vec<u8> {
        let proof = if old == 0 || old == new { Vec::new() } else { subproof(old, &self.leaves[..new], true) };
        body(old as u64, &proof, &self.sign(&self.text(new)))
    }
}

/// A request's body, written by hand.
pub fn body(old: u64, proof: &[Hash], note: &str) -> Vec<u8> {
    let lines: String = proof.iter().map(|hash| encode_base64(&hash.0) + "\n").collect();
    format!("old {old}\n{lines}\n{note}").into_bytes()
}

/// MTH of RFC 6962, 2.1.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node(Children { left: &root(left), right: &root(right) })
        }
    }
}

/// SUBPROOF of RFC 6962, 2.1.2.
fn subproof(m: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if whole { Vec::new() } else { vec![root(leaves)] };
    }
    let k = leaves.len().next_power_of_two() / 2;
    let (left, right) = leaves.split_at(k);
    let (mut path, sibling) =
        if m <= k { (subproof(m, left, whole), root(right)) } else { (subproof(m - k, right, false), root(left)) };
    path.push(sibling);
    path
}

/// A witness in this process, in a folder that its maker owns.
pub struct Watching {
    pub server: HttpServer,
    pub key: CosignerKey,
    pub address: SocketAddr,
}

/// A fresh witness's key file.
pub fn witness_key(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join(format!("{}.key", name.replace('/', "-")));
    CosigningKey::generate(name).unwrap().store(&path).unwrap();
    path
}

/// Opens a witness's memory, and tries again for a while when it is said to be in use: a test that starts a program
/// forks, and the child holds every lock of this process until it is that program.
pub fn open_witness(folder: &Path, key: &Path, logs: &[&VerifierKey], new: bool) -> Result<Witness, StateError> {
    let open = || {
        Witness::open(WitnessOptions {
            folder: folder.to_owned(),
            key: CosigningKey::load(key).unwrap(),
            logs: logs.iter().copied().cloned().collect(),
            new,
            clock: Clock::system(),
        })
    };
    for _ in 0..200 {
        match open() {
            Err(StateError::InUse(_)) => std::thread::sleep(Duration::from_millis(10)),
            opened => return opened,
        }
    }
    open()
}

impl Watching {
    /// Makes and serves a witness of these logs.
    pub async fn start(folder: &Path, name: &str, logs: &[&VerifierKey]) -> Watching {
        let key = witness_key(folder, name);
        let memory = folder.join(name.replace('/', "-"));
        let witness = Arc::new(open_witness(&memory, &key, logs, true).unwrap());
        let server = serve_witness(Arc::clone(&witness), "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, key) = (server.address(), witness.cosigner_key().clone());
        Watching { server, key, address }
    }

    /// Its line in a policy.
    pub fn policy_line(&self, name: &str) -> String {
        format!("witness {name} {} http://{}/\n", self.key, self.address)
    }

    /// Submits, off the runtime.
    pub async fn submit(&self, body: Vec<u8>) -> super::web::WebAnswer {
        let address = self.address;
        tokio::task::spawn_blocking(move || post(address, "/add-checkpoint", &body).unwrap()).await.unwrap()
    }
}
