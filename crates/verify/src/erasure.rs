//! Erasure as a rule: which bodies a `body.erased` names, what stands at each index, and who may erase it. The server
//! decides with this code before it appends, replay afterwards: one judge. It knows no store and no keys of bodies.

use crate::bytes::{Defect, Fields, Malformed, Reader};
use crate::detail::RefusalReason;
use crate::facts::{Facts, list, value};
use crate::keeping::{DataClass, Day, Keeping};
use crate::kind::Kind;
use crate::limits;
use crate::tags;
use crate::words::{Index, Micros};
use std::collections::HashMap;

/// Wire width of a range: first index u64, count u16.
pub const BODY_RANGE_BYTES: usize = 10;

/// Neighbouring entries whose bodies are named together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyRange {
    /// The first of them.
    pub first: Index,
    /// How many, at least 1.
    pub count: u16,
}

impl BodyRange {
    /// The index behind the last.
    pub fn end(self) -> Index {
        Index(self.first.0.saturating_add(u64::from(self.count)))
    }

    /// The fewest ranges that name these indexes; they come ascending, none twice.
    pub fn cover(indexes: impl IntoIterator<Item = Index>) -> Vec<BodyRange> {
        let mut ranges: Vec<BodyRange> = Vec::new();
        for first in indexes {
            match ranges.last_mut() {
                Some(last) if last.end() == first && last.count < u16::MAX => last.count = last.count.saturating_add(1),
                Some(_) | None => ranges.push(BodyRange { first, count: 1 }),
            }
        }
        ranges
    }

    /// As it stands on the wire.
    pub fn to_bytes(self) -> [u8; BODY_RANGE_BYTES] {
        let mut out = [0; BODY_RANGE_BYTES];
        let bytes = self.first.0.to_be_bytes().into_iter().chain(self.count.to_be_bytes());
        out.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
        out
    }

    fn parse(chunk: &[u8]) -> Option<BodyRange> {
        let mut reader = Reader::new(chunk);
        Some(BodyRange { first: Index(reader.u64("erased_bodies").ok()?), count: reader.u16("erased_bodies").ok()? })
    }
}

/// The bodies that one `body.erased` names: ascending ranges that do not touch, at most `ERASED_BODIES_MAX` bodies.
#[derive(Clone, Copy, Debug)]
pub struct ErasedBodies<'a>(&'a [u8]);

impl<'a> ErasedBodies<'a> {
    /// Takes the field; one set of bodies has one form.
    pub(crate) fn parse(fields: &mut Fields<'a>) -> Result<ErasedBodies<'a>, Malformed> {
        let bytes = list(fields, tags::ERASED_BODIES, BODY_RANGE_BYTES, limits::ERASED_BODIES_MAX)?;
        let bodies = ErasedBodies(bytes);
        if bytes.is_empty() {
            return Err(Malformed::new(tags::ERASED_BODIES.name, Defect::Missing));
        }
        let (mut named, mut behind) = (0usize, None);
        for range in bodies.ranges() {
            let last = range.first.0.checked_add(u64::from(range.count));
            let apart = behind.is_none_or(|behind| range.first > behind);
            if range.count == 0 || last.is_none() || !apart {
                return Err(value(tags::ERASED_BODIES));
            }
            named = named.saturating_add(usize::from(range.count));
            behind = Some(range.end());
        }
        if named > limits::ERASED_BODIES_MAX {
            return Err(Malformed::new(tags::ERASED_BODIES.name, Defect::TooLarge(limits::ERASED_BODIES_MAX)));
        }
        Ok(bodies)
    }

    /// The ranges, in ascending order.
    pub fn ranges(self) -> impl Iterator<Item = BodyRange> + use<'a> {
        self.0.chunks_exact(BODY_RANGE_BYTES).filter_map(BodyRange::parse)
    }

    /// Every index that is named, in ascending order.
    pub fn indexes(self) -> impl Iterator<Item = Index> + use<'a> {
        self.ranges().flat_map(|range| (range.first.0..range.end().0).map(Index))
    }
}

/// What stands at an index, as far as erasure asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An entry without a body.
    NoBody,
    /// A body of a kind that cannot be erased.
    Permanent,
    /// A body that may be erased.
    Erasable,
    /// A body that was erased.
    Erased,
}

impl Standing {
    /// What an entry with these facts is when it is appended.
    pub fn of(facts: &Facts<'_>) -> Standing {
        match (facts.commitment, is_erasable(facts.kind)) {
            (None, _) => Standing::NoBody,
            (Some(_), false) => Standing::Permanent,
            (Some(_), true) => Standing::Erasable,
        }
    }
}

/// An entry with all that erasure asks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stood {
    /// Whether it has a body that may go.
    pub standing: Standing,
    /// Its data class.
    pub class: Option<DataClass>,
    /// The day on which it was received.
    pub day: Day,
}

impl Stood {
    /// What an entry is when it is appended.
    pub fn of(facts: &Facts<'_>, received: Micros) -> Stood {
        Stood { standing: Standing::of(facts), class: facts.data_class.map(DataClass::of), day: Day::of(received) }
    }

    /// An entry of which is known that its body was erased.
    pub const ERASED: Stood = Stood { standing: Standing::Erased, class: None, day: Day(0) };
    /// No entry, as far as erasure asks.
    pub const NOTHING: Stood = Stood { standing: Standing::NoBody, class: None, day: Day(0) };
}

/// What an erasure that takes effect erases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// The `body.erased` that asked for it; where it needs a second administrator, their vote stands behind it.
    pub command: Index,
    /// The bodies; those that were erased before are not among them.
    pub bodies: Vec<Index>,
}

/// Whether bodies of this kind may be erased: all but those of genesis, keys, roles, policies and erasures.
pub fn is_erasable(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Genesis
            | Kind::KeyEnrolled
            | Kind::KeyRotated
            | Kind::KeyRevoked
            | Kind::RoleGranted
            | Kind::RoleRevoked
            | Kind::PolicyPublished
            | Kind::PolicyRetired
            | Kind::BodyErased
    )
}

/// Decides an erasure that stands at `command`, by somebody who may erase, and would take effect at `now`. `standings`
/// answers for every named index, in order.
///
/// Returns the bodies that are erased by it; those that were erased before are no reason to refuse, and change nothing.
pub fn judge<E>(
    command: Index,
    bodies: ErasedBodies<'_>,
    (keeping, now): (&Keeping, Micros),
    standings: impl FnOnce() -> Result<Vec<Stood>, E>,
) -> Result<Result<Vec<Index>, RefusalReason>, E> {
    if bodies.ranges().any(|range| range.end() > command) {
        return Ok(Err(RefusalReason::BodyAhead));
    }
    let mut erased = Vec::new();
    let standings = standings()?.into_iter().chain(std::iter::repeat(Stood::NOTHING));
    for (index, stood) in bodies.indexes().zip(standings) {
        match stood.standing {
            Standing::NoBody => return Ok(Err(RefusalReason::NoBody)),
            Standing::Permanent => return Ok(Err(RefusalReason::BodyPermanent)),
            Standing::Erasable => match keeping.lets_go(index, &stood, now) {
                Ok(()) => erased.push(index),
                Err(reason) => return Ok(Err(reason)),
            },
            Standing::Erased => {}
        }
    }
    Ok(Ok(erased))
}

/// The standing of every entry so far, two bits each: a million entries take 250 KB, and 4 MB more where entries have
/// data classes. Days take 16 bytes each.
#[derive(Clone, Debug, Default)]
pub struct Standings {
    words: Vec<u64>,
    entries: u64,
    erased: u64,
    /// The number of each entry's class, 0 for none; as long as the last entry that has one demands.
    classes: Vec<u32>,
    numbers: HashMap<DataClass, u32>,
    named: Vec<DataClass>,
    /// The first entry of each day on which anything was received.
    days: Vec<(u64, Day)>,
}

/// Entries in one word.
const PER_WORD: u64 = 32;

impl Standings {
    /// Adds the next entry.
    pub fn push(&mut self, stood: Stood) {
        if self.days.last().is_none_or(|(_, day)| *day != stood.day) {
            self.days.push((self.entries, stood.day));
        }
        if let Some(class) = stood.class {
            self.put_class(class);
        }
        if self.entries.is_multiple_of(PER_WORD) {
            self.words.push(0);
        }
        let at = Index(self.entries);
        self.entries = self.entries.saturating_add(1);
        self.set(at, stood.standing);
    }

    fn put_class(&mut self, class: DataClass) {
        let next = u32::try_from(self.named.len()).unwrap_or(u32::MAX).saturating_add(1);
        let number = *self.numbers.entry(class).or_insert(next);
        if number == next {
            self.named.push(class);
        }
        if let Ok(at) = usize::try_from(self.entries) {
            self.classes.resize(at, 0);
            self.classes.push(number);
        }
    }

    /// The entry at an index with all that erasure asks of it; none beyond the last entry.
    pub fn stood(&self, index: Index) -> Option<Stood> {
        let standing = self.get(index)?;
        let number = usize::try_from(index.0).ok().and_then(|at| self.classes.get(at)).copied().unwrap_or(0);
        let class = number.checked_sub(1).and_then(|at| self.named.get(usize::try_from(at).ok()?)).copied();
        let since = self.days.partition_point(|(first, _)| *first <= index.0).checked_sub(1);
        let day = since.and_then(|at| self.days.get(at)).map_or(Day(0), |(_, day)| *day);
        Some(Stood { standing, class, day })
    }

    /// What stands at an index; none beyond the last entry.
    pub fn get(&self, index: Index) -> Option<Standing> {
        let word = self.words.get(usize::try_from(index.0 / PER_WORD).ok()?)?;
        let bits = word >> shift(index) & 3;
        (index.0 < self.entries).then_some(match bits {
            0 => Standing::NoBody,
            1 => Standing::Permanent,
            2 => Standing::Erasable,
            _ => Standing::Erased,
        })
    }

    /// Bodies that were erased.
    pub fn erased(&self) -> u64 {
        self.erased
    }

    /// A body is erased.
    pub fn erase(&mut self, index: Index) {
        if self.get(index) == Some(Standing::Erasable) {
            self.set(index, Standing::Erased);
            self.erased = self.erased.saturating_add(1);
        }
    }

    fn set(&mut self, index: Index, standing: Standing) {
        let bits = match standing {
            Standing::NoBody => 0u64,
            Standing::Permanent => 1,
            Standing::Erasable => 2,
            Standing::Erased => 3,
        };
        let word = usize::try_from(index.0 / PER_WORD).ok().and_then(|at| self.words.get_mut(at));
        if let Some(word) = word {
            *word = *word & !(3 << shift(index)) | bits << shift(index);
        }
    }
}

fn shift(index: Index) -> u64 {
    index.0 % PER_WORD * 2
}
