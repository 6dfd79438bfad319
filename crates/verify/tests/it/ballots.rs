//! Requirements, evidence, vote digests and derived ids: their layouts written a second time, and known answers.

use crate::approval_facts::requirement;
use crate::encode::{Key, id16, seed};
use crate::naive_tree::{hex, sha256};
use deedbook_verify::facts::Parent;
use deedbook_verify::hash::{derived_event_id, request_id, timed_event_id};
use deedbook_verify::kind::Kind;
use deedbook_verify::requirement::{Clause, Demands, Requirement, Risk, Terms};
use deedbook_verify::vote::{Ballot, Decision, Evidence, EvidenceLevel};
use deedbook_verify::words::{Digest, EventId, LedgerId, Micros, Ref, Revision, SubjectId};
use proptest::prelude::*;
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

#[test]
fn a_requirement_is_its_bytes() {
    let bytes = requirement(&[("data owners", 1), ("security", 2)]);
    assert_eq!(bytes.len(), 40 + 2 * 17);
    let read = Requirement::parse(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    assert_eq!(read.digest().0, *blake3::hash(&bytes).as_bytes());
    assert_eq!((read.distinct_persons_min.get(), read.evidence_floor), (2, EvidenceLevel::Reviewer));
    let demands = Demands { rationale_to_approve: true, complete_presentation: true, ..Demands::default() };
    assert_eq!((read.demands, read.risk.percent()), (demands, 80));
    assert_eq!((read.request_ttl_s.get(), read.grant_ttl_s.get(), read.uses.get()), (3_600, 600, 1));
    assert_eq!((read.reminder_s.map(NonZeroU32::get), read.escalate_s, read.fallback), (Some(900), None, None));
    let known = Requirement::parse(&requirement(&[])).unwrap().digest();
    assert_eq!(known.to_string(), KNOWN_REQUIREMENT);
}

#[test]
fn what_is_no_requirement_is_refused() {
    let good = requirement(&[("data owners", 1), ("security", 2)]);
    let with = |at: usize, value: &[u8]| {
        let mut bytes = good.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        bytes
    };
    let mut bad = vec![
        with(0, &[2]),
        with(1, &[0]),
        with(1, &[33]),
        with(2, &[0]),
        with(2, &[4]),
        with(3, &[16]),
        with(4, &[101]),
        with(5, &[0; 4]),
        with(9, &[0; 4]),
        with(13, &[0; 2]),
        with(39, &[1]),
        with(39, &[3]),
        with(56, &[0]),
        with(56, &[31]),
        [good.as_slice(), &[0]].concat(),
    ];
    let clauses = |clauses: &[([u8; 16], u8)]| {
        let list: Vec<u8> = clauses.iter().flat_map(|(team, min)| [team.as_slice(), &[*min]].concat()).collect();
        [&requirement(&[])[..39], &[u8::try_from(clauses.len()).unwrap()], &list].concat()
    };
    assert!(Requirement::parse(&clauses(&[([1; 16], 1), ([2; 16], 1)])).is_ok());
    bad.push(clauses(&[([2; 16], 1), ([1; 16], 1)]));
    bad.push(clauses(&[([1; 16], 1), ([1; 16], 1)]));
    bad.push(clauses(&(1..=9).map(|team| ([team; 16], 1)).collect::<Vec<_>>()));
    bad.extend((0..good.len()).map(|length| good[..length].to_vec()));
    for bytes in bad {
        assert!(Requirement::parse(&bytes).is_err(), "{}", hex(&bytes));
    }
}

fn terms() -> impl Strategy<Value = Terms> {
    let clauses = proptest::collection::btree_map(any::<[u8; 16]>(), 1_u8..5, 0..=8);
    let seconds = || 1_u32..u32::MAX;
    let optional = || proptest::option::of(1_u32..u32::MAX);
    let head = (1_u8..33, 0_usize..3, any::<[bool; 4]>(), 0_u8..=100);
    let tail = (seconds(), seconds(), 1_u16..u16::MAX, optional(), optional());
    (head, tail, proptest::option::of(1_u8..255), clauses).prop_map(|(head, tail, fallback, clauses)| Terms {
        distinct_persons_min: NonZeroU8::new(head.0).unwrap(),
        evidence_floor: EvidenceLevel::ALL[head.1],
        demands: Demands {
            rationale_to_approve: head.2[0],
            rationale_to_deny: head.2[1],
            complete_presentation: head.2[2],
            recheck_membership: head.2[3],
        },
        risk: Risk::new(head.3).unwrap(),
        request_ttl_s: NonZeroU32::new(tail.0).unwrap(),
        grant_ttl_s: NonZeroU32::new(tail.1).unwrap(),
        uses: NonZeroU16::new(tail.2).unwrap(),
        reminder_s: tail.3.and_then(NonZeroU32::new),
        escalate_s: tail.4.and_then(NonZeroU32::new),
        fallback: fallback.map(|byte| Ref([byte; 16])),
        clauses: clauses
            .into_iter()
            .map(|(team, min)| Clause { team: Ref(team), persons_min: NonZeroU8::new(min).unwrap() })
            .collect(),
    })
}

proptest! {
    #[test]
    fn terms_come_back_as_they_went(terms in terms()) {
        let requirement = Requirement::new(terms.clone()).unwrap();
        let again = Requirement::parse(&requirement.to_bytes()).unwrap();
        prop_assert_eq!(&*again, &terms);
    }

    #[test]
    fn one_requirement_has_one_form(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..74, bit in 0_u8..8) {
        let mut bent = requirement(&[("data owners", 1), ("security", 2)]);
        bent[at] ^= 1 << bit;
        for bytes in [bytes, bent] {
            if let Ok(read) = Requirement::parse(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }

    #[test]
    fn one_piece_of_evidence_has_one_form(level in 0_u8..5, rest in proptest::collection::vec(any::<u8>(), 0..60)) {
        let framed = [&[level, 0, 1], [7; 32].as_slice(), &[0, u8::try_from(rest.len()).unwrap()], &rest].concat();
        for bytes in [[&[level], rest.as_slice()].concat(), framed] {
            if let Ok(read) = Evidence::parse(&bytes) {
                prop_assert_eq!(read.to_bytes(), bytes);
            }
        }
    }
}

#[test]
fn levels_of_evidence_have_an_order() {
    assert!(EvidenceLevel::Operator < EvidenceLevel::Idp && EvidenceLevel::Idp < EvidenceLevel::Reviewer);
    for (bytes, good) in [(&[1][..], true), (&[2], true), (&[3], false), (&[1, 0], false), (&[], false), (&[4], false)]
    {
        assert_eq!(Evidence::parse(bytes).is_ok(), good, "{bytes:?}");
    }
    let signature = [7; 4_097];
    let long = [&[3, 0, 1], [1; 32].as_slice(), &4_097_u16.to_be_bytes(), &signature].concat();
    assert!(Evidence::parse(&long).is_err());
}

fn ballot() -> Ballot {
    Ballot {
        ledger: LedgerId(seed("ledger")),
        request: SubjectId(id16("request")),
        revision: Revision(5),
        action: Digest(seed("action")),
        requirement: Digest(seed("requirement")),
        presentation: Digest(seed("presentation")),
        decision: Decision::Deny,
        valid_until: Micros(1_767_590_000_000_000),
    }
}

#[test]
fn a_vote_digest_binds_every_word_of_its_layout() {
    let layout = [
        b"deedbook.vote/1\0".as_slice(),
        &seed("ledger"),
        &id16("request"),
        &5_u64.to_be_bytes(),
        &seed("action"),
        &seed("requirement"),
        &seed("presentation"),
        &[2],
        &1_767_590_000_000_000_u64.to_be_bytes(),
    ];
    let digest = ballot().digest();
    assert_eq!(digest.0, *blake3::hash(&layout.concat()).as_bytes());
    assert_eq!(digest.to_string(), KNOWN_BALLOT);
    let other = [
        Ballot { ledger: LedgerId(seed("another")), ..ballot() },
        Ballot { request: SubjectId(id16("another")), ..ballot() },
        Ballot { revision: Revision(6), ..ballot() },
        Ballot { action: Digest(seed("another")), ..ballot() },
        Ballot { requirement: Digest(seed("another")), ..ballot() },
        Ballot { presentation: Digest(seed("another")), ..ballot() },
        Ballot { decision: Decision::Approve, ..ballot() },
        Ballot { valid_until: Micros(1), ..ballot() },
    ];
    other.iter().for_each(|other| assert_ne!(other.digest(), digest, "{other:?}"));
}

#[test]
fn ids_follow_from_what_they_name() {
    let command = Parent { source: Ref(id16("source")), event_id: EventId(id16("command")) };
    let parts = [b"deedbook.derived/1\0".as_slice(), &id16("source"), &id16("command"), &[0xff, 0xff]];
    assert_eq!(request_id(&command).0, sha256(&parts)[..16]);
    assert_eq!(request_id(&command).0, derived_event_id(&command, 0xffff).0);
    let (subject, deadline) = (SubjectId(id16("request")), Micros(1_767_590_000_000_000));
    let parts = [b"deedbook.timed/1\0".as_slice(), &id16("request"), &[0, 8], &deadline.0.to_be_bytes()];
    let id = timed_event_id(&subject, Kind::ApprovalResolved, deadline);
    assert_eq!(id.0, sha256(&parts)[..16]);
    assert_ne!(id, timed_event_id(&subject, Kind::GrantExpired, deadline));
    assert_ne!(id, timed_event_id(&subject, Kind::ApprovalResolved, Micros(1)));
    assert_eq!(id.to_string(), KNOWN_TIMED);
}

#[test]
fn a_vote_is_signed_with_the_persons_own_key() {
    let (key, digest) = (Key::named("reviewer"), ballot().digest());
    let signature = key.sign(&digest.0);
    let public = deedbook_verify::key::PublicKey::from_ed25519(&key.point()).unwrap();
    assert!(public.accepts(&digest.0, &signature) && !public.accepts(&[0; 32], &signature));
}

const KNOWN_REQUIREMENT: &str = "bf8df2e139aad795125cb862edde4b59b67d8045508f449c576bf8ba14577efb";
const KNOWN_BALLOT: &str = "a925ad75b633eee7114d8b793cffa38cb74ce24cf344b5314403ed7df6e6f952";
const KNOWN_TIMED: &str = "ee21cf5f8f4b4559e5f4a17f5962ba28";
