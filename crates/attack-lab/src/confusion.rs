//! Attack 15: a node of the tree is passed off as a leaf. A chain has no tree; its side is the tree that a team adds to
//! prove single rows, hashing leaves and nodes alike.

use crate::books::{Books, START, data_export};
use crate::insider;
use crate::verdict::{Cell, Lab, Row, control};
use deedbook::record::Position;
use deedbook_verify::hash;
use deedbook_verify::tree::InclusionProof;
use deedbook_verify::words::{Hash, Index, TreeSize};
use sha2::{Digest as _, Sha256};

/// The row of the table.
pub async fn run() -> Lab<Row> {
    let naive = Cell::refused_by("proof of a plain tree", plain_tree()?);

    let books = Books::new()?;
    let ledger = books.open()?;
    let producer = books.enroll(&ledger, "gateway").await?;
    while ledger.reader().head().size.0 < 4 {
        ledger.append(producer.sign(Position::Unsequenced, data_export(START)?)?).await?;
    }
    let head = ledger.reader().head();
    let honest = ledger.reader().inclusion(Index(0), head.size)?;
    books.close(ledger)?;
    let leaves: Vec<Hash> = insider::entries(&books)?.iter().map(|bytes| hash::leaf(bytes)).collect();
    let [first, second, ..] = leaves.as_slice() else { return Err("too few entries".into()) };
    control("an honest proof", honest.verify(first, &head.root))?;
    // The forged entry is the two hashes below the node, in a tree that is said to be half as large.
    let forged = [first.0, second.0].concat();
    let path = honest.path.get(1..).ok_or("a short path")?.to_vec();
    let proof = InclusionProof { index: Index(0), size: TreeSize(2), path };
    let deedbook = Cell::refused_by("inclusion proof", proof.verify(&hash::leaf(&forged), &head.root));
    Ok(Row::claimed("15", "an inner node is passed off as an entry", naive, deedbook))
}

/// The same against four rows under plain hashes.
fn plain_tree() -> Lab<Result<(), &'static str>> {
    let leaves: Vec<Vec<u8>> = (0..4_u8).map(|row| plain(&[&[row]])).collect();
    let [a, b, c, d] = leaves.as_slice() else { return Err("four leaves".into()) };
    let (left, right) = (plain(&[a, b]), plain(&[c, d]));
    let root = plain(&[&left, &right]);
    control("an honest proof of a plain tree", verify_plain(&[0], &[b, &right], &root))?;
    Ok(verify_plain(&[a.as_slice(), b].concat(), &[&right], &root))
}

/// Hashes a row and its siblings to the right up to the root.
fn verify_plain(row: &[u8], path: &[&Vec<u8>], root: &[u8]) -> Result<(), &'static str> {
    let top = path.iter().fold(plain(&[row]), |node, sibling| plain(&[&node, sibling]));
    if top == root { Ok(()) } else { Err("the path leads to another root") }
}

fn plain(parts: &[&[u8]]) -> Vec<u8> {
    let mut hasher = Sha256::new();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finalize().to_vec()
}
