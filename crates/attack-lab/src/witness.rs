//! Deedbook's own witness (`deedbook witness`) as it stands on another machine, without the network: an operator asks it
//! to cosign, and an auditor's policy relies on it.

use crate::books::{Books, START};
use crate::verdict::Lab;
use deedbook::clock::{Clock, Reading};
use deedbook::record::CosigningKey;
use deedbook::witness::{AddCheckpoint, Answer, WitnessOptions};
use deedbook_verify::policy::Policy;
use deedbook_verify::words::{Hash, Micros, TreeSize};
use tempfile::TempDir;

/// Who watches one log.
pub struct Witness {
    witness: deedbook::witness::Witness,
    /// What an auditor who relies on it asks for.
    pub policy: Policy,
    _folder: TempDir,
}

impl Witness {
    /// A witness that saw nothing yet.
    pub fn of(books: &Books) -> Lab<Witness> {
        let folder = tempfile::tempdir()?;
        let key = CosigningKey::generate("witness.example/w1")?;
        let text = format!("log {}\nwitness w1 {}\nquorum w1\n", books.verifier_key, key.cosigner_key());
        let witness = deedbook::witness::Witness::open(WitnessOptions {
            folder: folder.path().join("witness"),
            key,
            logs: vec![books.verifier_key.clone()],
            new: true,
            clock: Clock::manual(Reading { wall: START, boot: Micros(0) }),
        })?;
        Ok(Witness { witness, policy: Policy::parse(text.as_bytes())?, _folder: folder })
    }

    /// Asks for a cosignature; the path proves that the checkpoint extends the tree of the old size. The checkpoint with
    /// the cosignature, if it is given.
    pub fn ask(&self, old: TreeSize, path: &[Hash], note: &[u8]) -> Option<Vec<u8>> {
        match self.witness.add_checkpoint(&AddCheckpoint::write(old, path, note)) {
            Answer::Cosigned(line) => Some([note, line.as_bytes()].concat()),
            Answer::Refused(_) | Answer::Failed => None,
        }
    }

    /// The first checkpoint that it sees.
    pub fn first(&self, note: &[u8]) -> Lab<Vec<u8>> {
        self.ask(TreeSize(0), &[], note).ok_or_else(|| "control: the witness refuses a first checkpoint".into())
    }
}
