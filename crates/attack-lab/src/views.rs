//! Attack 3: different readers are shown different histories; and its inverse, a split that somebody made up.

use crate::books::Books;
use crate::chain::{Chain, Event, Precision};
use crate::rewrite::{TwoHistories, honest_chain, recorded, two_histories};
use crate::verdict::{Cell, Lab, Row, control, ensure};
use crate::witness::Witness;
use deedbook::record::SigningKey;
use deedbook_verify::note::{Checkpoint, Note, open_checkpoint, signature_line};
use deedbook_verify::tree::ConsistencyProof;
use deedbook_verify::witnessed::open_witnessed;
use std::path::Path;

/// The rows of the table.
pub async fn run() -> Lab<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let (chain, other) = two_chains(folder.path())?;
    let histories = two_histories().await?;
    Ok(vec![compared(&chain, &other, &histories)?, apart(&other, &histories)?, made_up(&other, &histories)?])
}

/// Two databases with a common beginning, each of which verifies.
fn two_chains(folder: &Path) -> Lab<(Chain, Chain)> {
    let chain = honest_chain(folder)?;
    let path = folder.join("other.db");
    chain.database.execute("VACUUM INTO ?1", [path.to_string_lossy()])?;
    let other = Chain::open(&path, Precision::AsStored)?;
    chain.append(&Event::plain(20), recorded(20))?;
    other.append(&Event::plain(21), recorded(21))?;
    Ok((chain, other))
}

fn compared(chain: &Chain, other: &Chain, histories: &TwoHistories) -> Lab<Row> {
    let noted = chain.head()?;
    control("the reader's own history", chain.verify(Some(&noted)))?;
    let naive = Cell::shown_by("verifier", other.verify(Some(&noted)));
    let proof = ConsistencyProof { old: histories.head, new: histories.other_head, path: Vec::new() };
    let deedbook = Cell::shown_by("two signed checkpoints", proof.verify());
    Ok(Row::claimed("3", "two readers are shown two histories, and compare heads", naive, deedbook))
}

/// The second reader meets nobody, and holds what the operator handed out.
fn apart(other: &Chain, histories: &TwoHistories) -> Lab<Row> {
    let naive = Cell::shown_by("verifier", other.verify(None));
    let witness = Witness::of(&histories.other)?;
    let first = witness.first(&histories.note)?;
    control("the first reader's checkpoint", open_witnessed(&first, &witness.policy))?;
    // What the operator can do is to ask, and, when refused, to move the other cosignature over.
    let asked = witness.ask(histories.head.size, &[], &histories.other_note);
    let stolen = Note::parse(&first)?.signatures.last().map(|line| format!("{}\n", line.line)).unwrap_or_default();
    let forged = [histories.other_note.as_slice(), stolen.as_bytes()].concat();
    ensure("a stolen cosignature is none", open_witnessed(&forged, &witness.policy).is_err())?;
    let shown = asked.as_deref().unwrap_or(&histories.other_note);
    let deedbook = Cell::shown_by("`deedbook-verify --policy`", open_witnessed(shown, &witness.policy));
    Ok(Row::claimed("3", "the readers never meet, but ask for a witness's cosignature", naive, deedbook))
}

/// Somebody without any key wants to blame an honest operator, and shows a judge a second history.
fn made_up(other: &Chain, histories: &TwoHistories) -> Lab<Row> {
    // The chain's judge has hashes, which nobody signed: the forged history verifies as well as the true one.
    let naive = Cell::refused_by("verifier", other.verify(None));
    let books: &Books = &histories.other;
    control("the operator's own checkpoint", open_checkpoint(&histories.note, &books.verifier_key))?;
    let outsider = SigningKey::generate(books.verifier_key.name())?;
    let text = Checkpoint { origin: books.verifier_key.name().to_owned(), head: histories.other_head }.to_string();
    let signature = outsider.sign(text.as_bytes());
    let line = signature_line(&books.verifier_key, &signature);
    let note = format!("{text}\n{line}");
    let deedbook = Cell::refused_by("signature of the head key", open_checkpoint(note.as_bytes(), &books.verifier_key));
    Ok(Row::claimed("3", "an outsider makes a second history up, to blame the operator", naive, deedbook))
}
