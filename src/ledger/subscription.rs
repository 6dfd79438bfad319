//! The rows of persistent subscriptions: what is followed, how far it came, and what was put aside. FORMAT.md holds the
//! layouts. No entry and no proof rests on them: a row that is lost costs that events are delivered again.

use crate::domain::{Filter, ParkReason};
use deedbook_verify::bytes::{Defect, Malformed, Reader};
use deedbook_verify::facts::Outcome;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Index, Micros, Ref};
use std::collections::BTreeSet;

const WHAT: &str = "subscription row";

/// Tells a subscription from another of the same name, before or after it: 16 random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SubscriptionId(pub [u8; 16]);

/// How long a consumer may take, and how much it is given at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long an event may stay unsettled, in milliseconds.
    pub lease_ms: u32,
    /// Events delivered and not settled.
    pub in_flight_max: u16,
}

/// What is followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionSpec {
    /// Which events.
    pub filter: Filter,
    /// The first index that counts.
    pub start: Index,
    /// The consumer's terms.
    pub terms: Terms,
}

/// A subscription as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionRow {
    /// Which one of its name.
    pub id: SubscriptionId,
    /// When it was made.
    pub created: Micros,
    /// What is followed.
    pub spec: SubscriptionSpec,
    /// Everything that matches below this index is settled: acknowledged or parked.
    pub position: Index,
    /// What is settled at and behind the position.
    pub ahead: BTreeSet<Index>,
}

/// What a parked event waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParkState {
    /// Somebody's decision.
    Waiting,
    /// The next consumer.
    Replaying,
}

/// A parked event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedRow {
    /// What it waits for.
    pub state: ParkState,
    /// How often it was parked.
    pub times: u32,
    /// When, the last time.
    pub parked: Micros,
    /// Why, the last time.
    pub reason: ParkReason,
}

impl SubscriptionRow {
    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.id.0.to_vec();
        out.extend_from_slice(&self.created.0.to_be_bytes());
        out.extend_from_slice(&self.spec.start.0.to_be_bytes());
        out.extend_from_slice(&self.spec.terms.lease_ms.to_be_bytes());
        out.extend_from_slice(&self.spec.terms.in_flight_max.to_be_bytes());
        out.extend_from_slice(&self.position.0.to_be_bytes());
        write_filter(&self.spec.filter, &mut out);
        self.ahead.iter().for_each(|index| out.extend_from_slice(&index.0.to_be_bytes()));
        out
    }

    /// Reads stored bytes.
    pub fn parse(bytes: &[u8]) -> Result<SubscriptionRow, Malformed> {
        let mut reader = Reader::new(bytes);
        let id = SubscriptionId(reader.array(WHAT)?);
        let created = Micros(reader.u64(WHAT)?);
        let start = Index(reader.u64(WHAT)?);
        let terms = Terms { lease_ms: reader.u32(WHAT)?, in_flight_max: reader.u16(WHAT)? };
        let position = Index(reader.u64(WHAT)?);
        let spec = SubscriptionSpec { filter: read_filter(&mut reader)?, start, terms };
        let mut ahead = BTreeSet::new();
        while !reader.is_empty() {
            let index = Index(reader.u64(WHAT)?);
            let ascends = ahead.last().is_none_or(|last| *last < index);
            if !ascends || index < position {
                return Err(Malformed { what: WHAT, defect: Defect::Value });
            }
            ahead.insert(index);
        }
        Ok(SubscriptionRow { id, created, spec, position, ahead })
    }
}

/// One bit for each condition, then the values in the order of the bits.
fn write_filter(filter: &Filter, out: &mut Vec<u8>) {
    let mut values = Vec::new();
    let mut flags = 0u8;
    let mut put = |bit: u8, value: Option<Vec<u8>>| {
        if let Some(value) = value {
            flags |= 1 << bit;
            values.extend_from_slice(&value);
        }
    };
    put(0, filter.kind.map(|kind| kind.number().to_be_bytes().to_vec()));
    put(1, filter.actor.map(|actor| actor.0.to_vec()));
    put(2, filter.stream.map(|stream| stream.0.to_vec()));
    put(3, filter.source.map(|source| source.0.to_vec()));
    put(4, filter.outcome.map(|outcome| vec![outcome.number()]));
    put(5, filter.policy.map(|policy| policy.0.to_vec()));
    let times = |times: &std::ops::Range<Micros>| [times.start.0.to_be_bytes(), times.end.0.to_be_bytes()].concat();
    put(6, filter.received.as_ref().map(times));
    let code = |code: &String| [&[u8::try_from(code.len()).unwrap_or(u8::MAX)], code.as_bytes()].concat();
    put(7, filter.action_type.as_ref().map(code));
    out.push(flags);
    out.extend_from_slice(&values);
}

fn read_filter(reader: &mut Reader<'_>) -> Result<Filter, Malformed> {
    let value = || Malformed { what: WHAT, defect: Defect::Value };
    let flags = reader.u8(WHAT)?;
    let has = |bit: u8| flags & 1 << bit != 0;
    let mut filter = Filter::default();
    if has(0) {
        filter.kind = Some(Kind::from_number(reader.u16(WHAT)?).ok_or_else(value)?);
    }
    if has(1) {
        filter.actor = Some(Ref(reader.array(WHAT)?));
    }
    if has(2) {
        filter.stream = Some(Ref(reader.array(WHAT)?));
    }
    if has(3) {
        filter.source = Some(Ref(reader.array(WHAT)?));
    }
    if has(4) {
        filter.outcome = Some(Outcome::from_number(reader.u8(WHAT)?).ok_or_else(value)?);
    }
    if has(5) {
        filter.policy = Some(Digest(reader.array(WHAT)?));
    }
    if has(6) {
        filter.received = Some(Micros(reader.u64(WHAT)?)..Micros(reader.u64(WHAT)?));
    }
    if has(7) {
        let length = usize::from(reader.u8(WHAT)?);
        let code = std::str::from_utf8(reader.take(WHAT, length)?).map_err(|_| value())?;
        filter.action_type = Some(code.to_owned());
    }
    Ok(filter)
}

impl ParkedRow {
    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let state = match self.state {
            ParkState::Waiting => 0,
            ParkState::Replaying => 1,
        };
        let mut out = vec![state];
        out.extend_from_slice(&self.times.to_be_bytes());
        out.extend_from_slice(&self.parked.0.to_be_bytes());
        out.extend_from_slice(self.reason.as_str().as_bytes());
        out
    }

    /// Reads stored bytes.
    pub fn parse(bytes: &[u8]) -> Result<ParkedRow, Malformed> {
        let what = "parked row";
        let value = || Malformed { what, defect: Defect::Value };
        let mut reader = Reader::new(bytes);
        let state = match reader.u8(what)? {
            0 => ParkState::Waiting,
            1 => ParkState::Replaying,
            _ => return Err(value()),
        };
        let (times, parked) = (reader.u32(what)?, Micros(reader.u64(what)?));
        let reason = std::str::from_utf8(reader.rest()).map_err(|_| value())?;
        Ok(ParkedRow { state, times, parked, reason: ParkReason::new(reason).map_err(|_| value())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(flags: u8) -> SubscriptionRow {
        let has = |bit: u8| flags & 1 << bit != 0;
        SubscriptionRow {
            id: SubscriptionId([1; 16]),
            created: Micros(2),
            spec: SubscriptionSpec {
                filter: Filter {
                    kind: has(0).then_some(Kind::ModelInvoked),
                    actor: has(1).then_some(Ref([3; 16])),
                    stream: has(2).then_some(Ref([4; 16])),
                    source: has(3).then_some(Ref([5; 16])),
                    outcome: has(4).then_some(Outcome::Denied),
                    policy: has(5).then_some(Digest([6; 32])),
                    received: has(6).then_some(Micros(7)..Micros(8)),
                    action_type: has(7).then(|| "dataset.export".to_owned()),
                },
                start: Index(9),
                terms: Terms { lease_ms: 10, in_flight_max: 11 },
            },
            position: Index(12),
            ahead: [Index(12), Index(14)].into(),
        }
    }

    #[test]
    fn every_row_reads_back_and_no_cut_one_does() {
        for flags in 0..=u8::MAX {
            let row = row(flags);
            let bytes = row.to_bytes();
            assert_eq!(SubscriptionRow::parse(&bytes).as_ref(), Ok(&row));
            // A cut at a whole settled index is a row of fewer of them.
            let whole = [bytes.len(), bytes.len() - 8, bytes.len() - 16];
            for length in (0..bytes.len()).filter(|length| !whole.contains(length)) {
                assert!(SubscriptionRow::parse(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
            }
        }
        let backwards = SubscriptionRow { position: Index(13), ..row(0) };
        assert!(SubscriptionRow::parse(&backwards.to_bytes()).is_err(), "settled below the position");
    }

    #[test]
    fn parked_rows_read_back() {
        let reason = ParkReason::new("no such table").unwrap();
        let row = ParkedRow { state: ParkState::Replaying, times: 3, parked: Micros(4), reason };
        assert_eq!(ParkedRow::parse(&row.to_bytes()), Ok(row.clone()));
        assert!(ParkedRow::parse(&row.to_bytes()[..13]).is_err(), "a reason is never empty");
        assert!(ParkedRow::parse(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, b'x']).is_err());
    }
}
