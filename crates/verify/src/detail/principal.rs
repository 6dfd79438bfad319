//! What is said about principals and policies: who is bound, linked, disabled, given or deprived of roles, which policy
//! set is in force. Whether a command takes effect is decided by `governance`.

use crate::bytes::{Fields, Malformed};
use crate::facts::{Actor, ActorKind, Facts, list, value};
use crate::key::RawKey;
use crate::limits;
use crate::tags;
use crate::words::{Digest, Ref};

/// A set of roles, one bit each; unknown bits are refused by the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// No role. Facts that name roles name at least one.
    pub const NONE: Roles = Roles(0);
    /// Governs keys, principals and policies.
    pub const ADMINISTRATOR: Roles = Roles(1);
    /// Decides approval requests.
    pub const REVIEWER: Roles = Roles(2);
    /// States events.
    pub const PRODUCER: Roles = Roles(4);
    /// Reads everything, and changes nothing.
    pub const AUDITOR: Roles = Roles(8);
    /// Takes evidence packages out.
    pub const EXPORTER: Roles = Roles(16);
    /// Roles that only people hold.
    pub const HUMAN_ONLY: Roles = Roles(3);
    /// Each role with its name.
    pub const NAMED: [(Roles, &'static str); 5] = [
        (Roles::ADMINISTRATOR, "administrator"),
        (Roles::REVIEWER, "reviewer"),
        (Roles::PRODUCER, "producer"),
        (Roles::AUDITOR, "auditor"),
        (Roles::EXPORTER, "exporter"),
    ];

    /// The bits.
    pub fn bits(self) -> u8 {
        self.0
    }

    /// A set from its bits; facts never name an empty one.
    pub fn from_bits(bits: u8) -> Option<Roles> {
        (bits != 0 && bits & !31 == 0).then_some(Roles(bits))
    }

    /// The role with this name.
    pub fn from_name(name: &str) -> Option<Roles> {
        Roles::NAMED.iter().find(|(_, known)| *known == name).map(|(role, _)| *role)
    }

    /// The names of the roles in this set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Roles::NAMED.into_iter().filter(move |(role, _)| self.has(*role)).map(|(_, name)| name)
    }

    /// Whether every role of `other` is in this set.
    pub fn has(self, other: Roles) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether some role is in both sets.
    pub fn meets(self, other: Roles) -> bool {
        self.0 & other.0 != 0
    }

    /// Both sets together.
    #[must_use]
    pub fn with(self, other: Roles) -> Roles {
        Roles(self.0 | other.0)
    }

    /// This set without the roles of the other.
    #[must_use]
    pub fn without(self, other: Roles) -> Roles {
        Roles(self.0 & !other.0)
    }
}

/// What a command says about a principal. Who it is about, by kind, stands first in each.
#[derive(Clone, Copy, Debug)]
pub enum PrincipalCommand<'a> {
    /// `principal.bound`: it exists from here on.
    Bound(Binding<'a>),
    /// `principal.linked`: an account is the person's.
    Linked {
        /// The person.
        who: Actor,
        /// The account, in a channel and tenant.
        account: Ref,
    },
    /// `principal.disabled`: it acts and decides no more.
    Disabled {
        /// Who.
        who: Actor,
    },
    /// `role.granted`: these roles besides those it has.
    Granted {
        /// Who.
        who: Actor,
        /// Which.
        roles: Roles,
    },
    /// `role.revoked`: these roles no more.
    Revoked {
        /// Who.
        who: Actor,
        /// Which.
        roles: Roles,
    },
    /// `delegation.set`: somebody decides in the person's place, or nobody any more.
    Delegated {
        /// The person who delegates; the signer.
        who: Actor,
        /// To whom.
        delegate: Option<Ref>,
    },
}

/// A principal and what it is bound to.
#[derive(Clone, Copy, Debug)]
pub struct Binding<'a> {
    /// Who it is.
    pub who: Actor,
    /// The person who answers for it: common field `responsible`.
    pub responsible: Option<Ref>,
    /// Its key, which may sign for the source whose ref is the principal's.
    pub key: Option<RawKey<'a>>,
    teams: &'a [u8],
    /// Its roles, if any.
    pub roles: Option<Roles>,
}

impl<'a> Binding<'a> {
    pub(super) fn parse(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<Binding<'a>, Malformed> {
        facts.need_body()?;
        let key = fields.optional(tags::SUBJECT_KEY)?;
        let key = key.map(|bytes| RawKey::parse(tags::SUBJECT_KEY, bytes)).transpose()?;
        let who = principal(fields)?;
        let teams = list(fields, tags::TEAMS, Ref::BYTES, limits::TEAMS_MAX)?;
        let roles = match fields.optional_array(tags::ROLES)? {
            None => None,
            Some([bits]) => Some(Roles::from_bits(bits).ok_or(value(tags::ROLES))?),
        };
        let binding = Binding { who, responsible: facts.responsible, key, teams, roles };
        let ascending = binding.teams().zip(binding.teams().skip(1)).all(|(one, two)| one < two);
        if ascending { Ok(binding) } else { Err(value(tags::TEAMS)) }
    }

    /// The teams it belongs to, ascending.
    pub fn teams(&self) -> impl Iterator<Item = Ref> + use<'a> {
        self.teams.chunks_exact(Ref::BYTES).filter_map(|chunk| chunk.try_into().ok().map(Ref))
    }
}

/// Whether a policy set is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyCommand {
    /// `policy.published`: from here on it is in force in its stream.
    Published {
        /// The policy's stream.
        stream: Ref,
        /// BLAKE3 of the body.
        policy: Digest,
    },
    /// `policy.retired`: from here on it is not.
    Retired {
        /// The policy's stream.
        stream: Ref,
        /// BLAKE3 of the body that published it.
        policy: Digest,
    },
}

impl PrincipalCommand<'_> {
    /// Who it is about.
    pub fn who(&self) -> Actor {
        match self {
            PrincipalCommand::Bound(binding) => binding.who,
            PrincipalCommand::Linked { who, .. }
            | PrincipalCommand::Disabled { who }
            | PrincipalCommand::Granted { who, .. }
            | PrincipalCommand::Revoked { who, .. }
            | PrincipalCommand::Delegated { who, .. } => *who,
        }
    }
}

pub(super) fn linked<'a>(facts: &Facts<'a>, fields: &mut Fields<'a>) -> Result<PrincipalCommand<'a>, Malformed> {
    facts.need_body()?;
    let who = principal(fields)?;
    Ok(PrincipalCommand::Linked { who, account: Ref(fields.required_array(tags::ACCOUNT)?) })
}

pub(super) fn disabled<'a>(fields: &mut Fields<'a>) -> Result<PrincipalCommand<'a>, Malformed> {
    Ok(PrincipalCommand::Disabled { who: principal(fields)? })
}

pub(super) fn granted<'a>(fields: &mut Fields<'a>) -> Result<PrincipalCommand<'a>, Malformed> {
    Ok(PrincipalCommand::Granted { who: principal(fields)?, roles: roles(fields)? })
}

pub(super) fn revoked<'a>(fields: &mut Fields<'a>) -> Result<PrincipalCommand<'a>, Malformed> {
    Ok(PrincipalCommand::Revoked { who: principal(fields)?, roles: roles(fields)? })
}

pub(super) fn delegated<'a>(fields: &mut Fields<'a>) -> Result<PrincipalCommand<'a>, Malformed> {
    let who = principal(fields)?;
    Ok(PrincipalCommand::Delegated { who, delegate: fields.optional_array(tags::DELEGATE)?.map(Ref) })
}

pub(super) fn published(facts: &Facts<'_>) -> Result<PolicyCommand, Malformed> {
    facts.need_body()?;
    Ok(PolicyCommand::Published { stream: facts.need_stream()?, policy: facts.need_policy()? })
}

pub(super) fn retired(facts: &Facts<'_>) -> Result<PolicyCommand, Malformed> {
    Ok(PolicyCommand::Retired { stream: facts.need_stream()?, policy: facts.need_policy()? })
}

fn principal(fields: &mut Fields<'_>) -> Result<Actor, Malformed> {
    let [kind, who @ ..] = fields.required_array::<17>(tags::PRINCIPAL)?;
    Ok(Actor { kind: ActorKind::from_number(kind).ok_or(value(tags::PRINCIPAL))?, who: Ref(who) })
}

fn roles(fields: &mut Fields<'_>) -> Result<Roles, Malformed> {
    let [bits] = fields.required_array(tags::ROLES)?;
    Roles::from_bits(bits).ok_or(value(tags::ROLES))
}
