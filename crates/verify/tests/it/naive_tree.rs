//! The oracle: RFC 6962 section 2.1 word by word, recursive and quadratic, over SHA-256. It shares no code with the
//! verifier; leaves are leaf hashes.

use sha2::{Digest as _, Sha256};

/// A SHA-256 value.
pub type H = [u8; 32];

/// SHA-256 over parts in order.
pub fn sha256(parts: &[&[u8]]) -> H {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().into()
}

/// Leaf hash.
pub fn leaf(bytes: &[u8]) -> H {
    sha256(&[&[0], bytes])
}

/// Node hash.
pub fn node(left: &H, right: &H) -> H {
    sha256(&[&[1], left, right])
}

/// The largest power of two smaller than `n`, for `n` > 1.
fn split(n: usize) -> usize {
    let mut k = 1;
    while k * 2 < n {
        k *= 2;
    }
    k
}

/// MTH(D[n]).
pub fn root(leaves: &[H]) -> H {
    match leaves {
        [] => sha256(&[]),
        [only] => *only,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node(&root(left), &root(right))
        }
    }
}

/// PATH(m, D[n]).
pub fn path(m: usize, leaves: &[H]) -> Vec<H> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut out, sibling) = if m < k { (path(m, left), root(right)) } else { (path(m - k, right), root(left)) };
    out.push(sibling);
    out
}

/// PROOF(m, D[n]); empty for the empty and the equal tree, as the verifier wants it.
pub fn consistency(m: usize, leaves: &[H]) -> Vec<H> {
    if m == 0 { Vec::new() } else { subtree_proof(0, m, leaves, true) }
}

/// SUBTREE_PROOF(start, end, D_n) of draft-ietf-plants-merkle-tree-certs; with start = 0 it is SUBPROOF of RFC 6962.
pub fn subtree_proof(start: usize, end: usize, leaves: &[H], known: bool) -> Vec<H> {
    let n = leaves.len();
    if start == 0 && end == n {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let k = split(n);
    let (left, right) = leaves.split_at(k);
    let (mut out, other) = if end <= k {
        (subtree_proof(start, end, left, known), root(right))
    } else if start >= k {
        (subtree_proof(start - k, end - k, right, known), root(left))
    } else {
        (subtree_proof(0, end - k, right, false), root(left))
    };
    out.push(other);
    out
}

/// Whether [start, end) is a subtree in the sense of that draft.
pub fn is_subtree(start: usize, end: usize) -> bool {
    start.is_multiple_of((end - start).next_power_of_two())
}

/// Leaves whose input is the byte i.
pub fn byte_leaves(n: usize) -> Vec<H> {
    (0..n).map(|i| leaf(&[u8::try_from(i).unwrap()])).collect()
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes from hex.
pub fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
