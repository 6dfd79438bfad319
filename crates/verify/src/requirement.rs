//! What an approval request needs before it is approved: how many persons, of which teams, with what evidence, by when.
//! Canonical bytes, so that one requirement has one digest. Whether votes meet it is decided elsewhere.

use crate::bytes::{Defect, Malformed, Reader};
use crate::limits;
use crate::vote::EvidenceLevel;
use crate::words::{Digest, Ref};
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};
use std::ops::Deref;

/// The version byte of a requirement.
pub const REQUIREMENT_VERSION: u8 = 1;
/// Bytes before the clauses.
pub const REQUIREMENT_BYTES_FIXED: usize = 40;
/// Wire width of a clause: team ref, count.
pub const CLAUSE_BYTES: usize = 17;

const WHAT: &str = "requirement";

/// Some members of one team must approve, each of them a person of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clause {
    /// The team.
    pub team: Ref,
    /// How many of its members.
    pub persons_min: NonZeroU8,
}

/// The risk that a policy states, 0 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Risk(u8);

impl Risk {
    /// Accepts 0 to 100.
    pub fn new(percent: u8) -> Option<Risk> {
        (percent <= 100).then_some(Risk(percent))
    }

    /// The number.
    pub fn percent(self) -> u8 {
        self.0
    }
}

/// What a vote must bring besides its decision. One bit each on the wire, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Demands {
    /// A reason in the body of an approval.
    pub rationale_to_approve: bool,
    /// A reason in the body of a denial.
    pub rationale_to_deny: bool,
    /// What was shown left nothing out.
    pub complete_presentation: bool,
    /// The voters still belong to their teams when the grant is redeemed.
    pub recheck_membership: bool,
}

impl Demands {
    fn to_bits(self) -> u8 {
        let bits =
            [self.rationale_to_approve, self.rationale_to_deny, self.complete_presentation, self.recheck_membership];
        bits.into_iter().rev().fold(0, |byte, bit| byte << 1 | u8::from(bit))
    }

    fn from_bits(bits: u8) -> Option<Demands> {
        (bits & !0x0f == 0).then_some(Demands {
            rationale_to_approve: bits & 1 != 0,
            rationale_to_deny: bits & 2 != 0,
            complete_presentation: bits & 4 != 0,
            recheck_membership: bits & 8 != 0,
        })
    }
}

/// The terms of a requirement, not yet checked against each other. `Requirement::new` checks them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// Distinct persons who must approve, over all clauses.
    pub distinct_persons_min: NonZeroU8,
    /// The weakest evidence that counts.
    pub evidence_floor: EvidenceLevel,
    /// What each vote must bring.
    pub demands: Demands,
    /// How risky the policies say it is.
    pub risk: Risk,
    /// Seconds until the request expires.
    pub request_ttl_s: NonZeroU32,
    /// Seconds until the grant expires.
    pub grant_ttl_s: NonZeroU32,
    /// How often the grant may be redeemed.
    pub uses: NonZeroU16,
    /// Seconds until a reminder, if one is wanted.
    pub reminder_s: Option<NonZeroU32>,
    /// Seconds until the request is escalated, if it shall be.
    pub escalate_s: Option<NonZeroU32>,
    /// The team that is asked when nobody else can, or on escalation.
    pub fallback: Option<Ref>,
    /// Clauses by team, ascending, no team twice; none: anybody with the role reviewer.
    pub clauses: Vec<Clause>,
}

/// Checked terms: within their bounds, clauses in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement(Terms);

impl Deref for Requirement {
    type Target = Terms;

    fn deref(&self) -> &Terms {
        &self.0
    }
}

impl Requirement {
    /// Checks terms: at most `CLAUSES_MAX` clauses, ascending by team, none twice; no more persons wanted than an
    /// assignment can name.
    pub fn new(terms: Terms) -> Result<Requirement, Malformed> {
        if terms.clauses.len() > limits::CLAUSES_MAX {
            return Err(Malformed::new(WHAT, Defect::TooLarge(limits::CLAUSES_MAX)));
        }
        let ascending = terms.clauses.iter().zip(terms.clauses.iter().skip(1)).all(|(one, two)| one.team < two.team);
        let zero = terms.fallback == Some(Ref([0; 16]));
        let slots: usize = terms.clauses.iter().map(|clause| usize::from(clause.persons_min.get())).sum();
        if slots.max(usize::from(terms.distinct_persons_min.get())) > limits::ASSIGNMENT_MAX {
            return Err(Malformed::new(WHAT, Defect::TooLarge(limits::ASSIGNMENT_MAX)));
        }
        if ascending && !zero { Ok(Requirement(terms)) } else { Err(Malformed::new(WHAT, Defect::Value)) }
    }

    /// Reads the canonical bytes; `to_bytes` gives the same again.
    pub fn parse(bytes: &[u8]) -> Result<Requirement, Malformed> {
        let invalid = || Malformed::new(WHAT, Defect::Value);
        let mut reader = Reader::new(bytes);
        if reader.u8(WHAT)? != REQUIREMENT_VERSION {
            return Err(invalid());
        }
        let mut terms = Terms {
            distinct_persons_min: NonZeroU8::new(reader.u8(WHAT)?).ok_or_else(invalid)?,
            evidence_floor: EvidenceLevel::from_number(reader.u8(WHAT)?).ok_or_else(invalid)?,
            demands: Demands::from_bits(reader.u8(WHAT)?).ok_or_else(invalid)?,
            risk: Risk::new(reader.u8(WHAT)?).ok_or_else(invalid)?,
            request_ttl_s: NonZeroU32::new(reader.u32(WHAT)?).ok_or_else(invalid)?,
            grant_ttl_s: NonZeroU32::new(reader.u32(WHAT)?).ok_or_else(invalid)?,
            uses: NonZeroU16::new(reader.u16(WHAT)?).ok_or_else(invalid)?,
            reminder_s: NonZeroU32::new(reader.u32(WHAT)?),
            escalate_s: NonZeroU32::new(reader.u32(WHAT)?),
            fallback: Some(Ref(reader.array(WHAT)?)).filter(|team| team.0 != [0; 16]),
            clauses: Vec::new(),
        };
        let count = reader.u8(WHAT)?;
        for _ in 0..count {
            let team = Ref(reader.array(WHAT)?);
            let persons_min = NonZeroU8::new(reader.u8(WHAT)?).ok_or_else(invalid)?;
            terms.clauses.push(Clause { team, persons_min });
        }
        reader.finish(WHAT)?;
        Requirement::new(terms)
    }

    /// The canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let seconds = |value: Option<NonZeroU32>| value.map_or(0, NonZeroU32::get).to_be_bytes();
        let mut out = vec![
            REQUIREMENT_VERSION,
            self.distinct_persons_min.get(),
            self.evidence_floor.number(),
            self.demands.to_bits(),
            self.risk.percent(),
        ];
        out.extend(self.request_ttl_s.get().to_be_bytes());
        out.extend(self.grant_ttl_s.get().to_be_bytes());
        out.extend(self.uses.get().to_be_bytes());
        out.extend(seconds(self.reminder_s));
        out.extend(seconds(self.escalate_s));
        out.extend(self.fallback.map_or([0; 16], |team| team.0));
        out.push(u8::try_from(self.clauses.len()).unwrap_or(u8::MAX));
        for clause in &self.clauses {
            out.extend(clause.team.0);
            out.push(clause.persons_min.get());
        }
        out
    }

    /// What votes and events name it by: BLAKE3 of the canonical bytes.
    pub fn digest(&self) -> Digest {
        Digest(*blake3::hash(&self.to_bytes()).as_bytes())
    }
}

/// A requirement as facts hold it: its form was checked, and it was not copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequirementBytes<'a>(&'a [u8]);

impl<'a> RequirementBytes<'a> {
    /// Checks the form.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<RequirementBytes<'a>, Malformed> {
        Requirement::parse(bytes)?;
        Ok(RequirementBytes(bytes))
    }

    /// The bytes as they stand on the wire.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// BLAKE3 of them.
    pub fn digest(self) -> Digest {
        Digest(*blake3::hash(self.0).as_bytes())
    }

    /// The requirement.
    pub fn read(self) -> Result<Requirement, Malformed> {
        Requirement::parse(self.0)
    }
}
