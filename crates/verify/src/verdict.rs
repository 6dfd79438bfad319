//! What a receipt proves, and what it cannot show.

use crate::detail::Export;
use crate::kind::{Author, Kind};
use crate::tree::TreeHead;
use crate::witnessed::Cosigned;
use crate::words::{Index, KeyId, LedgerId, Micros};

/// Whether the body could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyState {
    /// It opens the commitment; its length in bytes.
    Disclosed(usize),
    /// It was left out, or erased; the commitment stands.
    Redacted,
    /// The event has none.
    None,
}

/// Who let the signing key in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enroller {
    /// Genesis names the key.
    Genesis,
    /// A genesis administrator enrolled it, and signed for that.
    Administrator(KeyId),
    /// A genesis administrator asked for it; genesis names two, and that the other agreed is not shown.
    SecondNotShown(KeyId),
    /// Somebody whose authority this receipt does not show.
    NotShown(KeyId),
}

/// Who could say who there is and what policies ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Governed {
    /// One administrator, by their word alone.
    Alone,
    /// Two, neither without the other.
    ByTwo,
}

/// What a receipt shows of governance by break-glass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glass {
    /// The entry is a command that is declared so.
    pub declared: bool,
    /// The command that let the signing key in is declared so.
    pub key: bool,
}

/// Whether others than the ledger were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Witnessing {
    /// No policy was given: the ledger's own word alone was checked.
    NotAsked,
    /// The policy's quorum is met; these of its witnesses cosigned. Empty only when the policy asks for none.
    Met(Vec<Cosigned>),
}

/// What a receipt proves. Only `verify_receipt` makes one.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The ledger: leaf hash of its genesis.
    pub ledger: LedgerId,
    /// The checkpoint's tree.
    pub head: TreeHead,
    /// The entry's place.
    pub index: Index,
    /// What happened.
    pub kind: Kind,
    /// Who says so: whoever signs for a source, or the ledger itself.
    pub author: Author,
    /// When the server had it.
    pub received: Micros,
    /// The key that signed its frame.
    pub signer: KeyId,
    /// Who let that key in.
    pub enroller: Enroller,
    /// Who governed when the ledger was founded: one administrator alone may have got a second one since.
    pub founded: Governed,
    /// What was, or was to be, governed by break-glass.
    pub glass: Glass,
    /// What was judged of the body.
    pub body: BodyState,
    /// Of an `evidence.exported`: the package that was taken out.
    pub exported: Option<Export>,
    /// Who witnessed the tree.
    pub witnessing: Witnessing,
    /// Signature lines that were not looked at.
    pub ignored: Vec<String>,
}

impl Verified {
    /// What this receipt cannot show, in words.
    pub fn limits(&self) -> Vec<&'static str> {
        let mut limits = vec!["not shown: whether the signing key was revoked since"];
        limits.push(match &self.witnessing {
            Witnessing::NotAsked => "not shown: whether others were shown another tree (no witness policy was given)",
            Witnessing::Met(cosigned) if cosigned.is_empty() => {
                "not shown: whether others were shown another tree (the policy asks for no witness)"
            }
            Witnessing::Met(_) => "not shown: that the witnesses are independent of the ledger's operator",
        });
        if self.founded == Governed::Alone {
            limits.push("genesis names one administrator: not shown whether a second one ever had to agree");
        }
        match self.enroller {
            Enroller::NotShown(_) => limits.push("enrolling authority not shown"),
            Enroller::SecondNotShown(_) => {
                limits.push("not shown: that a second administrator agreed to the enrollment")
            }
            Enroller::Genesis | Enroller::Administrator(_) => {}
        }
        if self.glass.key {
            limits.push("the signing key was let in by break-glass: one administrator alone says whose it is");
        }
        if self.glass.declared {
            limits.push("declared as break-glass: by the word of one administrator alone, if it took effect");
        }
        limits.extend(match (self.author, self.kind.author()) {
            (Author::Ledger, Author::Witness) => {
                Some("came in unsigned: the ledger attests that it did, no producer does")
            }
            (Author::Ledger, Author::Ledger | Author::Asker) => Some("stated by the ledger, not replayed"),
            (Author::Asker, _) => Some("a command: not shown whether it was refused directly behind"),
            (Author::Witness, _) => None,
        });
        if self.body == BodyState::Redacted {
            limits.push("body redacted: its commitment stands, its content is not shown");
        }
        limits
    }
}
