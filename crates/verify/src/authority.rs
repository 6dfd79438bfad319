//! Keys by index: which key may sign for which source at a position of the log. Which commands change it is decided by
//! `governance`, which the server and the audit fold with: one judge.

use crate::detail::{Genesis, RefusalReason};
use crate::frame::{FrameHeader, FrameRefusal, Signer, SignerRole};
use crate::key::{PublicKey, RawKey};
use crate::kind::Author;
use crate::plant::Bug;
use crate::words::{Index, KeyId, LedgerId, Ref};
use std::collections::BTreeMap;

/// The time of a key in the log: it may sign frames whose first index is after `from` and not after `until`.
#[derive(Clone, Debug)]
pub struct Tenure {
    /// The key.
    pub key: PublicKey,
    /// The source it signs for.
    pub source: Ref,
    /// What it signs as.
    pub role: SignerRole,
    /// The entry that names it: genesis or a command.
    pub stated: Index,
    /// The entry by which it is in: the same, or the vote by which a second administrator agreed.
    pub from: Index,
    /// The entry that ended it.
    pub until: Option<Index>,
}

impl Tenure {
    /// Whether a frame that starts at `base` may be signed with it: enrolled before, not ended before.
    pub fn in_force(&self, base: Index) -> bool {
        let born = self.from < base || (self.from == Index(0) && base == Index(0));
        born && (self.until.is_none_or(|until| base <= until) || Bug::EndedKeyTaken.planted())
    }
}

/// Every key that the ledger ever knew, with its tenure. A key has one tenure and is never enrolled again.
#[derive(Clone, Debug)]
pub struct KeyHistory {
    ledger: LedgerId,
    ledger_source: Ref,
    keys: BTreeMap<KeyId, Tenure>,
}

impl KeyHistory {
    /// Starts with what genesis names. A weak key in genesis makes the ledger unusable.
    pub fn from_genesis(
        ledger: LedgerId,
        ledger_source: Ref,
        genesis: &Genesis<'_>,
    ) -> Result<KeyHistory, RefusalReason> {
        let mut history = KeyHistory { ledger, ledger_source, keys: BTreeMap::new() };
        let own = [(genesis.head_key, SignerRole::Head), (genesis.sequencer_key, SignerRole::Sequencer)];
        for (key, role) in own {
            history.found(key, ledger_source, role)?;
        }
        for person in genesis.persons() {
            if person.who == ledger_source {
                return Err(RefusalReason::LedgerKey);
            }
            history.found(person.key, person.who, SignerRole::Source)?;
        }
        Ok(history)
    }

    fn found(&mut self, key: RawKey<'_>, source: Ref, role: SignerRole) -> Result<(), RefusalReason> {
        let key = key.check().ok_or(RefusalReason::WeakKey)?;
        let tenure = Tenure { key, source, role, stated: Index(0), from: Index(0), until: None };
        match self.keys.insert(tenure.key.id(), tenure) {
            None => Ok(()),
            Some(_) => Err(RefusalReason::KeyKnown),
        }
    }

    /// The ledger that these keys belong to.
    pub fn ledger(&self) -> LedgerId {
        self.ledger
    }

    /// The source ref of what the ledger itself makes.
    pub fn ledger_source(&self) -> Ref {
        self.ledger_source
    }

    /// All keys, ended ones included.
    pub fn tenures(&self) -> impl Iterator<Item = (&KeyId, &Tenure)> {
        self.keys.iter()
    }

    /// One key.
    pub fn tenure(&self, id: &KeyId) -> Option<&Tenure> {
        self.keys.get(id)
    }

    /// The key that may sign this frame at this index as this signer, if any.
    pub fn key_for(&self, header: &FrameHeader<'_>, signer: Signer, base: Index) -> Option<&PublicKey> {
        let tenure = self.keys.get(&signer.key_id)?;
        let fits = tenure.role == signer.role && tenure.source == header.source && tenure.in_force(base);
        fits.then_some(&tenure.key)
    }

    /// Whether the frame is meant for this ledger, and its signers are those that its author needs.
    pub fn check_author(&self, header: &FrameHeader<'_>, author: Author) -> Result<(), FrameRefusal> {
        if header.ledger != self.ledger {
            return Err(FrameRefusal::LedgerDiffers);
        }
        let signer = header.sole_signer().ok_or(FrameRefusal::RoleDiffers)?;
        let wanted = match author {
            Author::Asker | Author::Witness => SignerRole::Source,
            Author::Ledger => SignerRole::Sequencer,
        };
        if signer.role == wanted { Ok(()) } else { Err(FrameRefusal::AuthorDiffers) }
    }

    /// The key that this one would be: sound, new, and not for the ledger's own source.
    pub(crate) fn check_new(&self, key: RawKey<'_>, source: Ref) -> Result<PublicKey, RefusalReason> {
        if source == self.ledger_source {
            return Err(RefusalReason::LedgerKey);
        }
        let key = key.check().ok_or(RefusalReason::WeakKey)?;
        if self.keys.contains_key(&key.id()) { Err(RefusalReason::KeyKnown) } else { Ok(key) }
    }

    /// A key of a source that has not ended.
    pub(crate) fn live(&self, id: &KeyId) -> Result<&Tenure, RefusalReason> {
        let tenure = self.keys.get(id).filter(|tenure| tenure.until.is_none()).ok_or(RefusalReason::KeyUnknown)?;
        if tenure.role == SignerRole::Source { Ok(tenure) } else { Err(RefusalReason::LedgerKey) }
    }

    /// The keys that sign for a source and have not ended.
    pub fn live_of(&self, source: Ref) -> impl Iterator<Item = (&KeyId, &Tenure)> {
        self.keys.iter().filter(move |(_, tenure)| tenure.source == source && tenure.until.is_none())
    }

    /// Lets a checked key in: from the entry `from` on, as the entry `stated` says.
    pub(crate) fn let_in(&mut self, key: PublicKey, source: Ref, stated: Index, from: Index) {
        let tenure = Tenure { key, source, role: SignerRole::Source, stated, from, until: None };
        self.keys.insert(tenure.key.id(), tenure);
    }

    /// Ends a key.
    pub(crate) fn end(&mut self, id: &KeyId, index: Index) {
        if let Some(tenure) = self.keys.get_mut(id) {
            tenure.until = Some(index);
        }
    }
}
