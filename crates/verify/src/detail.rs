//! The own fields of each kind. A kind reads only its own tags, so a field of another kind is an unknown critical tag.
//! Kinds whose folds are not built yet have no own fields, and the server answers `UNIMPLEMENTED` for them.

use crate::bytes::{Defect, Fields, Malformed, Reader};
use crate::erasure::ErasedBodies;
use crate::facts::{list, value};
use crate::key::RawKey;
use crate::kind::{Author, Kind};
use crate::limits;
use crate::tags;
use crate::words::{Digest, Hash, KeyId, LedgerId, Micros, Ref, Sequence, TreeSize};

/// What a kind says beyond the common fields.
#[derive(Clone, Copy, Debug)]
pub enum Detail<'a> {
    /// Nothing of its own.
    None,
    /// The ledger's birth.
    Genesis(Genesis<'a>),
    /// A key may sign for a source from here on.
    KeyEnrolled(KeyGrant<'a>),
    /// A key takes the place of another of the same source.
    KeyRotated {
        /// The new key and its source.
        grant: KeyGrant<'a>,
        /// The key that ends here.
        replaces: KeyId,
    },
    /// A key ends here.
    KeyRevoked {
        /// Which.
        key_id: KeyId,
    },
    /// Bodies are to be erased.
    BodyErased(ErasedBodies<'a>),
    /// A command had no effect, and why.
    CommandRefused {
        /// Revision of the fold that decided.
        rules: Rules,
        /// The rule that refused it.
        reason: RefusalReason,
    },
    /// The producer lost what it had numbered from `from` up to, not including, `to`.
    SourceGap {
        /// First lost sequence.
        from: Sequence,
        /// First sequence that is not lost; also this event's own.
        to: Sequence,
    },
    /// The ledger was opened although the wall clock stood behind the last received time.
    ClockChecked {
        /// Revision of the fold that decided.
        rules: Rules,
        /// What the wall clock said.
        wall: Micros,
    },
}

/// Revision of fold and policy engine that replay must use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules(pub u16);

impl Rules {
    /// The rules that this program implements.
    pub const CURRENT: Rules = Rules(1);
}

/// A public key and the source it may sign for.
#[derive(Clone, Copy, Debug)]
pub struct KeyGrant<'a> {
    /// The key as stated; it may be weak or unknown, which is judged when the command is folded.
    pub key: RawKey<'a>,
    /// The source.
    pub source: Ref,
}

/// Why a command had no effect. Numbers are never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// Its signer may not govern keys, nor erase.
    NotAdministrator,
    /// The key is one under which anybody could forge, or no point of the curve.
    WeakKey,
    /// The key stands in the ledger already.
    KeyKnown,
    /// No such key is in force.
    KeyUnknown,
    /// Nobody could govern afterwards.
    LastAdministrator,
    /// The ledger's own keys are not changed by commands.
    LedgerKey,
    /// A body to be erased does not stand before the command.
    BodyAhead,
    /// An entry whose body is to be erased has none.
    NoBody,
    /// A body to be erased is of a kind that stays for ever.
    BodyPermanent,
}

impl RefusalReason {
    /// Every reason.
    pub const ALL: [RefusalReason; 9] = [
        RefusalReason::NotAdministrator,
        RefusalReason::WeakKey,
        RefusalReason::KeyKnown,
        RefusalReason::KeyUnknown,
        RefusalReason::LastAdministrator,
        RefusalReason::LedgerKey,
        RefusalReason::BodyAhead,
        RefusalReason::NoBody,
        RefusalReason::BodyPermanent,
    ];

    /// The number on the wire.
    pub fn number(self) -> u16 {
        match self {
            RefusalReason::NotAdministrator => 1,
            RefusalReason::WeakKey => 2,
            RefusalReason::KeyKnown => 3,
            RefusalReason::KeyUnknown => 4,
            RefusalReason::LastAdministrator => 5,
            RefusalReason::LedgerKey => 6,
            RefusalReason::BodyAhead => 7,
            RefusalReason::NoBody => 8,
            RefusalReason::BodyPermanent => 9,
        }
    }

    /// The reason in `ErrorInfo` and tables.
    pub fn name(self) -> &'static str {
        match self {
            RefusalReason::NotAdministrator => "NOT_ADMINISTRATOR",
            RefusalReason::WeakKey => "WEAK_KEY",
            RefusalReason::KeyKnown => "KEY_KNOWN",
            RefusalReason::KeyUnknown => "KEY_UNKNOWN",
            RefusalReason::LastAdministrator => "LAST_ADMINISTRATOR",
            RefusalReason::LedgerKey => "LEDGER_KEY",
            RefusalReason::BodyAhead => "BODY_AHEAD",
            RefusalReason::NoBody => "NO_BODY",
            RefusalReason::BodyPermanent => "BODY_PERMANENT",
        }
    }

    /// The reason with this number.
    pub fn from_number(number: u16) -> Option<RefusalReason> {
        RefusalReason::ALL.into_iter().find(|reason| reason.number() == number)
    }
}

impl<'a> Detail<'a> {
    pub(crate) fn parse(kind: Kind, fields: &mut Fields<'a>) -> Result<Detail<'a>, Malformed> {
        let rules = match kind.author() {
            Author::Ledger => Rules(u16::from_be_bytes(fields.required_array(tags::RULES)?)),
            Author::Asker | Author::Witness => Rules::CURRENT,
        };
        if kind == Kind::CommandRefused {
            let reason = u16::from_be_bytes(fields.required_array(tags::REASON)?);
            let reason = RefusalReason::from_number(reason).ok_or(value(tags::REASON))?;
            return Ok(Detail::CommandRefused { rules, reason });
        }
        if kind == Kind::ClockChecked {
            let wall = Micros(u64::from_be_bytes(fields.required_array(tags::WALL_CLOCK)?));
            return Ok(Detail::ClockChecked { rules, wall });
        }
        if kind == Kind::Genesis {
            return Genesis::parse(rules, fields).map(Detail::Genesis);
        }
        if kind == Kind::KeyEnrolled {
            return key_grant(fields).map(Detail::KeyEnrolled);
        }
        if kind == Kind::KeyRotated {
            let grant = key_grant(fields)?;
            let replaces = KeyId(fields.required_array(tags::SUBJECT_KEY_ID)?);
            return Ok(Detail::KeyRotated { grant, replaces });
        }
        if kind == Kind::KeyRevoked {
            return Ok(Detail::KeyRevoked { key_id: KeyId(fields.required_array(tags::SUBJECT_KEY_ID)?) });
        }
        if kind == Kind::BodyErased {
            return ErasedBodies::parse(fields).map(Detail::BodyErased);
        }
        if kind == Kind::SourceGap {
            let from = Sequence(u64::from_be_bytes(fields.required_array(tags::GAP_FROM)?));
            let to = Sequence(u64::from_be_bytes(fields.required_array(tags::GAP_TO)?));
            return if from < to { Ok(Detail::SourceGap { from, to }) } else { Err(value(tags::GAP_TO)) };
        }
        Ok(Detail::None)
    }
}

fn key_grant<'a>(fields: &mut Fields<'a>) -> Result<KeyGrant<'a>, Malformed> {
    let key = RawKey::parse(tags::SUBJECT_KEY, fields.required(tags::SUBJECT_KEY)?)?;
    Ok(KeyGrant { key, source: Ref(fields.required_array(tags::SUBJECT_SOURCE)?) })
}

/// What index 0 says: names, keys and first persons of the ledger.
#[derive(Clone, Copy, Debug)]
pub struct Genesis<'a> {
    /// Revision of the fold that founded it.
    pub rules: Rules,
    /// 32 random bytes; two ledgers never share an id.
    pub nonce: [u8; 32],
    /// The ledger's name in checkpoints.
    pub origin: &'a str,
    /// Signs checkpoints.
    pub head_key: RawKey<'a>,
    /// Signs what the ledger makes.
    pub sequencer_key: RawKey<'a>,
    persons: &'a [u8],
    /// The ledger that this one continues.
    pub predecessor: Option<Predecessor>,
    /// Digest of the ref key.
    pub ref_key_digest: Digest,
}

/// The last proven state of the ledger that this one continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Predecessor {
    /// Its id.
    pub ledger: LedgerId,
    /// Its last size.
    pub size: TreeSize,
    /// Its root at that size.
    pub root: Hash,
}

/// A person that genesis names. 51 bytes on the wire: ref, key, roles.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// The person's ref, which is also the source of frames that they sign themselves.
    pub who: Ref,
    /// Their key.
    pub key: RawKey<'a>,
    /// Their roles.
    pub roles: Roles,
}

/// A set of roles, one bit each; unknown bits are refused by the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// Governs keys, principals and policies.
    pub const ADMINISTRATOR: Roles = Roles(1);
    /// Decides approval requests.
    pub const REVIEWER: Roles = Roles(2);

    /// The bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// A set from its bits.
    pub fn from_bits(bits: u8) -> Option<Roles> {
        (bits != 0 && bits & !3 == 0).then_some(Roles(bits))
    }

    /// Whether every role of `other` is in this set.
    pub fn has(self, other: Roles) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Wire width of a genesis person.
pub const PERSON_BYTES: usize = 16 + RawKey::ED25519_BYTES + 1;

impl<'a> Genesis<'a> {
    fn parse(rules: Rules, fields: &mut Fields<'a>) -> Result<Genesis<'a>, Malformed> {
        let genesis = Genesis {
            rules,
            nonce: fields.required_array(tags::NONCE)?,
            origin: origin(fields.required(tags::ORIGIN)?)?,
            head_key: RawKey::parse(tags::HEAD_KEY, fields.required(tags::HEAD_KEY)?)?,
            sequencer_key: RawKey::parse(tags::SEQUENCER_KEY, fields.required(tags::SEQUENCER_KEY)?)?,
            persons: list(fields, tags::PERSONS, PERSON_BYTES, limits::PERSONS_MAX)?,
            predecessor: predecessor(fields)?,
            ref_key_digest: Digest(fields.required_array(tags::REF_KEY_DIGEST)?),
        };
        if genesis.persons().count() * PERSON_BYTES != genesis.persons.len() {
            return Err(value(tags::PERSONS));
        }
        Ok(genesis)
    }

    /// The first persons.
    pub fn persons(&self) -> impl Iterator<Item = Person<'a>> + use<'a> {
        self.persons.chunks_exact(PERSON_BYTES).filter_map(|chunk| {
            let mut reader = Reader::new(chunk);
            let who = Ref(reader.array("persons").ok()?);
            let key = RawKey::parse(tags::PERSONS, reader.take("persons", RawKey::ED25519_BYTES).ok()?).ok()?;
            Some(Person { who, key, roles: Roles::from_bits(reader.u8("persons").ok()?)? })
        })
    }
}

fn origin(bytes: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| value(tags::ORIGIN))?;
    if is_origin(text) { Ok(text) } else { Err(value(tags::ORIGIN)) }
}

/// A name that C2SP accepts as key name and first checkpoint line: no space, no `+`, no control characters.
pub fn is_origin(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= limits::ORIGIN_BYTES_MAX
        && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

fn predecessor(fields: &mut Fields<'_>) -> Result<Option<Predecessor>, Malformed> {
    let Some(bytes) = fields.optional(tags::PREDECESSOR)? else { return Ok(None) };
    if bytes.len() != 72 {
        return Err(Malformed::new("predecessor", Defect::Length(bytes.len())));
    }
    let mut reader = Reader::new(bytes);
    Ok(Some(Predecessor {
        ledger: LedgerId(reader.array("predecessor")?),
        size: TreeSize(reader.u64("predecessor")?),
        root: Hash(reader.array("predecessor")?),
    }))
}
