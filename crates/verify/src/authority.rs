//! Keys by index: which key may sign for which source at a position of the log, folded from genesis and key events.
//! The server folds with this code before it appends, the audit afterwards: one judge.

use crate::detail::{Detail, Genesis, KeyGrant, RefusalReason, Roles};
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
    /// Whether its holder governs keys: genesis administrators do.
    pub administrator: bool,
    /// The entry that enrolled it.
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
            history.begin(key, ledger_source, role, false, Index(0))?;
        }
        for person in genesis.persons() {
            if person.who == ledger_source {
                return Err(RefusalReason::LedgerKey);
            }
            let administrator = person.roles.has(Roles::ADMINISTRATOR);
            history.begin(person.key, person.who, SignerRole::Source, administrator, Index(0))?;
        }
        Ok(history)
    }

    fn begin(
        &mut self,
        key: RawKey<'_>,
        source: Ref,
        role: SignerRole,
        administrator: bool,
        from: Index,
    ) -> Result<(), RefusalReason> {
        let key = key.check().ok_or(RefusalReason::WeakKey)?;
        if self.keys.contains_key(&key.id()) {
            return Err(RefusalReason::KeyKnown);
        }
        self.keys.insert(key.id(), Tenure { key, source, role, administrator, from, until: None });
        Ok(())
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

    /// Folds a command: the key that signed it, its index, what it asks. On refusal nothing changes.
    pub fn apply(&mut self, signer: &KeyId, index: Index, detail: &Detail<'_>) -> Result<(), RefusalReason> {
        match detail {
            Detail::KeyEnrolled(grant) => {
                self.governs(signer)?;
                self.grant(grant, index, None)
            }
            Detail::KeyRotated { grant, replaces } => self.rotate(signer, grant, replaces, index),
            Detail::KeyRevoked { key_id } => self.revoke(signer, key_id, index),
            // Erasing changes no key; `erasure` judges it.
            Detail::None
            | Detail::BodyErased(_)
            | Detail::Approval(_)
            | Detail::Principal(_)
            | Detail::Policy(_)
            | Detail::Step(_)
            | Detail::Genesis(_)
            | Detail::CommandRefused { .. }
            | Detail::SourceGap { .. }
            | Detail::ClockChecked { .. } => Ok(()),
        }
    }

    /// Whether the key's holder governs keys and erases bodies. Whether it may sign is asked of its tenure.
    pub fn is_administrator(&self, signer: &KeyId) -> bool {
        self.keys.get(signer).is_some_and(|tenure| tenure.administrator)
    }

    fn governs(&self, signer: &KeyId) -> Result<(), RefusalReason> {
        if self.is_administrator(signer) { Ok(()) } else { Err(RefusalReason::NotAdministrator) }
    }

    fn grant(&mut self, grant: &KeyGrant<'_>, index: Index, replaced: Option<&Tenure>) -> Result<(), RefusalReason> {
        if grant.source == self.ledger_source {
            return Err(RefusalReason::LedgerKey);
        }
        let administrator = replaced.is_some_and(|tenure| tenure.administrator);
        // A source of an administrator takes further keys by rotation only, so that nobody is added to it unseen.
        let governed = self.keys.values().any(|tenure| tenure.administrator && tenure.source == grant.source);
        if governed && replaced.is_none() {
            return Err(RefusalReason::NotAdministrator);
        }
        self.begin(grant.key, grant.source, SignerRole::Source, administrator, index)
    }

    /// A holder may rotate their own key; an administrator may rotate anybody's but another administrator's.
    fn rotate(
        &mut self,
        signer: &KeyId,
        grant: &KeyGrant<'_>,
        replaces: &KeyId,
        index: Index,
    ) -> Result<(), RefusalReason> {
        let old = self.live(replaces)?.clone();
        if signer != replaces {
            self.governs(signer)?;
            if old.administrator {
                return Err(RefusalReason::NotAdministrator);
            }
        }
        if old.source != grant.source {
            return Err(RefusalReason::KeyUnknown);
        }
        self.grant(grant, index, Some(&old))?;
        self.end(replaces, index);
        Ok(())
    }

    fn revoke(&mut self, signer: &KeyId, key_id: &KeyId, index: Index) -> Result<(), RefusalReason> {
        let target = self.live(key_id)?;
        let last = target.administrator
            && self.keys.values().filter(|tenure| tenure.administrator && tenure.until.is_none()).count() == 1;
        if signer != key_id {
            self.governs(signer)?;
        }
        if last {
            return Err(RefusalReason::LastAdministrator);
        }
        self.end(key_id, index);
        Ok(())
    }

    fn live(&self, id: &KeyId) -> Result<&Tenure, RefusalReason> {
        let tenure = self.keys.get(id).filter(|tenure| tenure.until.is_none()).ok_or(RefusalReason::KeyUnknown)?;
        if tenure.role == SignerRole::Source { Ok(tenure) } else { Err(RefusalReason::LedgerKey) }
    }

    fn end(&mut self, id: &KeyId, index: Index) {
        if let Some(tenure) = self.keys.get_mut(id) {
            tenure.until = Some(index);
        }
    }
}
