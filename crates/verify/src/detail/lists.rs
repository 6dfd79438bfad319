//! The two lists of an approval: who may not approve, and whose votes an approval rests on. One list has one form.

use crate::bytes::{Fields, Malformed, Reader};
use crate::facts::{byte_codes, list, value};
use crate::limits;
use crate::tags;
use crate::words::{Ref, Revision};

/// Wire width of a conflict: person, reason.
pub const CONFLICT_BYTES: usize = 17;
/// Wire width of an assigned vote: clause, person, revision.
pub const ASSIGNED_BYTES: usize = 25;
/// The clause byte of a vote that fills no clause, but counts as one more person.
const NO_CLAUSE: u8 = 0xff;

byte_codes! {
    /// Why a person may not approve a request. They may deny it.
    ConflictReason {
        Requester = 1, "requester"; Owner = 2, "owner"; Principal = 3, "principal"; Delegate = 4, "delegate";
        Binder = 5, "binder"; Account = 6, "account";
    }
}

/// A person who may not approve a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who.
    pub person: Ref,
    /// Why.
    pub reason: ConflictReason,
}

impl Conflict {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; CONFLICT_BYTES] {
        let mut out = [self.reason.number(); CONFLICT_BYTES];
        out.iter_mut().zip(self.person.0).for_each(|(to, from)| *to = from);
        out
    }
}

/// The conflict set of a request: persons ascending, none twice, at most `CONFLICTS_MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conflicts<'a>(&'a [u8]);

impl<'a> Conflicts<'a> {
    pub(super) fn parse(fields: &mut Fields<'a>) -> Result<Conflicts<'a>, Malformed> {
        let conflicts = Conflicts(list(fields, tags::CONFLICTS, CONFLICT_BYTES, limits::CONFLICTS_MAX)?);
        let ascending = conflicts.iter().zip(conflicts.iter().skip(1)).all(|(one, two)| one.person < two.person);
        let whole = conflicts.iter().count() * CONFLICT_BYTES == conflicts.0.len();
        if ascending && whole { Ok(conflicts) } else { Err(value(tags::CONFLICTS)) }
    }

    /// Its persons.
    pub fn iter(self) -> impl Iterator<Item = Conflict> + use<'a> {
        self.0.chunks_exact(CONFLICT_BYTES).filter_map(|chunk| {
            let (person, [reason]) = chunk.split_first_chunk::<16>()? else { return None };
            Some(Conflict { person: Ref(*person), reason: ConflictReason::from_number(*reason)? })
        })
    }
}

/// A vote that an approval rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assigned {
    /// The place of the clause in the requirement; none if the vote only counts as one more person.
    pub clause: Option<u8>,
    /// The person.
    pub person: Ref,
    /// The revision of the vote in the action's stream.
    pub vote: Revision,
}

impl Assigned {
    /// As it stands on the wire.
    pub fn to_bytes(self) -> Vec<u8> {
        let clause = self.clause.unwrap_or(NO_CLAUSE);
        [[clause].as_slice(), self.person.as_bytes(), &self.vote.0.to_be_bytes()].concat()
    }

    fn parse(chunk: &[u8]) -> Option<Assigned> {
        let mut reader = Reader::new(chunk);
        let clause = reader.u8("assignment").ok()?;
        let clause = match clause {
            NO_CLAUSE => None,
            place if usize::from(place) < limits::CLAUSES_MAX => Some(place),
            _ => return None,
        };
        let person = Ref(reader.array("assignment").ok()?);
        Some(Assigned { clause, person, vote: Revision(reader.u64("assignment").ok()?) })
    }
}

/// The votes that an approval rests on: 1 to `ASSIGNMENT_MAX`, ascending by their bytes, each person once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Assignment<'a>(&'a [u8]);

impl<'a> Assignment<'a> {
    pub(super) fn parse(fields: &mut Fields<'a>) -> Result<Option<Assignment<'a>>, Malformed> {
        let bytes = list(fields, tags::ASSIGNMENT, ASSIGNED_BYTES, limits::ASSIGNMENT_MAX)?;
        let votes = Assignment(bytes);
        let chunks = || bytes.chunks_exact(ASSIGNED_BYTES);
        let ascending = chunks().zip(chunks().skip(1)).all(|(one, two)| one < two);
        let whole = votes.iter().count() * ASSIGNED_BYTES == bytes.len();
        let once = votes.iter().all(|vote| votes.iter().filter(|other| other.person == vote.person).count() == 1);
        match bytes {
            [] => Ok(None),
            _ if ascending && whole && once => Ok(Some(votes)),
            _ => Err(value(tags::ASSIGNMENT)),
        }
    }

    /// The bytes as they stand on the wire.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The votes.
    pub fn iter(self) -> impl Iterator<Item = Assigned> + use<'a> {
        self.0.chunks_exact(ASSIGNED_BYTES).filter_map(Assigned::parse)
    }
}
