//! A witness of the lab's own: it keeps the last checkpoint that it cosigned, and cosigns the next only with a proof
//! that this extends it (C2SP tlog-witness). It has no network; whether its cosignatures count is the verifier's word.

use crate::verdict::Lab;
use deedbook::record::SigningKey;
use deedbook_verify::cosign::{CosignerKey, message};
use deedbook_verify::note::{Note, VerifierKey, open_checkpoint};
use deedbook_verify::policy::Policy;
use deedbook_verify::tree::{ConsistencyProof, ProofRefusal, TreeHead};
use deedbook_verify::words::{Hash, Seconds};

/// Who watches one log.
pub struct Witness {
    key: SigningKey,
    cosigner: CosignerKey,
    log: VerifierKey,
    last: Option<TreeHead>,
}

/// What it answers.
pub enum Answer {
    /// The checkpoint with its cosignature.
    Cosigned(Vec<u8>),
    /// What it saw before is not part of this.
    Refused(ProofRefusal),
}

impl Witness {
    /// A witness that saw nothing yet.
    pub fn of(log: &VerifierKey) -> Lab<Witness> {
        let key = SigningKey::generate("witness.example/w1")?;
        let cosigner = CosignerKey::new(key.name(), key.public().clone())?;
        Ok(Witness { key, cosigner, log: log.clone(), last: None })
    }

    /// The policy of an auditor who relies on it.
    pub fn policy(&self) -> Lab<Policy> {
        let text = format!("log {}\nwitness w1 {}\nquorum w1\n", self.log, self.cosigner);
        Ok(Policy::parse(text.as_bytes())?)
    }

    /// Looks at a checkpoint; the path proves that it extends the last one.
    pub fn look(&mut self, note: &[u8], path: Vec<Hash>) -> Lab<Answer> {
        let new = open_checkpoint(note, &self.log)?.checkpoint().head;
        if let Some(old) = self.last
            && let Err(refusal) = (ConsistencyProof { old, new, path }).verify()
        {
            return Ok(Answer::Refused(refusal));
        }
        self.last = Some(new);
        let text = Note::parse(note)?.text;
        let time = Seconds(crate::books::START.0 / 1_000_000);
        let line = self.cosigner.line(time, &self.key.sign(message(text, time).as_bytes()));
        Ok(Answer::Cosigned([note, line.as_bytes()].concat()))
    }
}
