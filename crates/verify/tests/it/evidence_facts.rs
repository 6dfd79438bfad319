//! The facts of sources, reviews, dispositions, reconciliations, retention and holds, written from FORMAT.md with numbers
//! as literals: one full example of each, what may be left out, and every form that is none.

use crate::encode::{self, Fields, id16, seed};
use crate::ledger::event;
use deedbook_verify::detail::{
    Custody, Detail, GapReason, HeldRange, KeepingCommand, Oversight, TestNumber, TestResult,
};
use deedbook_verify::facts::Facts;
use deedbook_verify::words::{Digest, Index, Micros, Ref, Sequence, SubjectId};

const NOON: u64 = 1_767_582_000_000_000;
const DATA_CLASS: u16 = 0x0025;

fn window(from: u64, until: u64) -> Vec<u8> {
    [from.to_be_bytes(), until.to_be_bytes()].concat()
}

fn numbers(numbers: &[u64]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn rules() -> (u16, Vec<u8>) {
    (0x0100, vec![0, 1])
}

/// Test, verdict, the verdict before; ten were looked at, one could not be judged.
fn result(codes: [u8; 3], exceptions: u64) -> Vec<u8> {
    [codes.as_slice(), &numbers(&[10, exceptions, 1])].concat()
}

/// A kind's own fields, and the common ones that it needs.
fn example(kind: u16) -> Fields {
    let mut facts = event(kind, "example");
    let person = [&[1], id16("person").as_slice()].concat();
    let seen = [9_u64.to_be_bytes().as_slice(), &[3; 32]].concat();
    let body = [(0x0040, b"application/json".to_vec()), (0x0041, encode::commitment(&seed("salt"), b"{}"))];
    let own: Vec<(u16, Vec<u8>)> = match kind {
        0x0210 | 0x0211 => vec![(0x0132, vec![0, 0, 0, 60])],
        0x0212 => {
            vec![(0x0130, numbers(&[5])), (0x0131, numbers(&[9])), (0x0133, vec![4]), (0x0189, window(NOON, NOON + 1))]
        }
        0x0220 => vec![
            (0x000b, seen),
            (0x0010, person),
            (0x0180, vec![2]),
            (0x0181, vec![1]),
            (0x0189, window(NOON, NOON + 7)),
        ],
        0x0221 => [
            body.to_vec(),
            vec![
                (0x0010, person),
                (0x0182, [&[1], 77_u64.to_be_bytes().as_slice()].concat()),
                (0x0183, b"late_approval".to_vec()),
                (0x0184, vec![3]),
            ],
        ]
        .concat(),
        0x0222 => vec![
            (0x000b, seen),
            (0x0010, person),
            (0x0185, id16("gateway").to_vec()),
            (0x0186, [id16("cloudtrail").as_slice(), &seed("list")].concat()),
            (0x0187, numbers(&[10, 11, 1, 2])),
            (0x0188, seed("differences").to_vec()),
            (0x0189, window(0, 86_400_000_000)),
        ],
        0x0140 => [body.to_vec(), vec![(DATA_CLASS, b"personal".to_vec()), (0x0141, vec![0x09, 0x2a])]].concat(),
        0x0141 => {
            let held = numbers(&[0, 3, 4, 9, 100, u64::MAX]);
            [body.to_vec(), vec![(DATA_CLASS, b"personal".to_vec()), (0x0142, held)]].concat()
        }
        0x0142 => [body.to_vec(), vec![(0x0143, id16("hold").to_vec())]].concat(),
        0x0010 => vec![rules(), (0x0010, person), (0x0190, numbers(&[3, 9])), (0x0191, numbers(&[2]))],
        0x000f => vec![
            rules(),
            (0x000b, seen),
            (0x0010, person),
            (0x0190, numbers(&[3, 9])),
            (0x0191, numbers(&[2])),
            (0x0192, seed("question").to_vec()),
            (0x0193, seed("package").to_vec()),
        ],
        0x0011 => vec![
            rules(),
            (0x000b, seen),
            (0x0190, numbers(&[9, 9])),
            (0x0194, seed("program").to_vec()),
            (0x0195, [result([0, 1, 0], 0), result([1, 4, 1], 2), result([99, 2, 3], 0)].concat()),
        ],
        _ => panic!("{kind:#06x} has no example"),
    };
    facts.extend(own);
    for (tag, value) in [(0x0003, id16("source").to_vec()), (0x0004, vec![0, 0, 0, 2]), (0x0005, numbers(&[9]))] {
        facts.insert(tag, value);
    }
    facts
}

const KINDS: [u16; 12] =
    [0x0210, 0x0211, 0x0212, 0x0220, 0x0221, 0x0222, 0x0140, 0x0141, 0x0142, 0x000f, 0x0010, 0x0011];

/// What cannot be left out of an example: its own fields and what they need.
fn needed(kind: u16) -> &'static [u16] {
    match kind {
        0x0212 => &[0x0130, 0x0131],
        0x0220 => &[0x000b, 0x0010, 0x0180, 0x0181, 0x0189],
        0x0221 => &[0x0010, 0x0041, 0x0182, 0x0183, 0x0184],
        0x0222 => &[0x000b, 0x0010, 0x0185, 0x0186, 0x0187, 0x0188, 0x0189],
        0x0140 => &[0x0041, 0x0141],
        0x0141 => &[0x0041, 0x0142],
        0x0142 => &[0x0041, 0x0143],
        0x0010 => &[0x0010, 0x0100, 0x0190, 0x0191],
        0x000f => &[0x000b, 0x0010, 0x0100, 0x0190, 0x0191, 0x0192, 0x0193],
        0x0011 => &[0x000b, 0x0100, 0x0190, 0x0194, 0x0195],
        _ => &[],
    }
}

fn read(facts: &Fields, check: impl FnOnce(Facts<'_>)) {
    let bytes = encode::facts(facts);
    check(Facts::parse(&bytes).unwrap());
}

/// The field that the parser names.
fn refused(facts: &Fields) -> &'static str {
    Facts::parse(&encode::facts(facts)).map(|facts| format!("{facts:?}")).unwrap_err().what
}

#[test]
fn what_is_read_is_what_stands_there() {
    for kind in [0x0210, 0x0211] {
        read(&example(kind), |facts| {
            let Detail::HeartbeatPromised { heartbeat_s } = facts.detail else { panic!("{:?}", facts.detail) };
            assert_eq!(heartbeat_s.get(), 60);
        });
    }
    read(&example(0x0212), |facts| {
        let Detail::SourceGap(gap) = facts.detail else { panic!("{:?}", facts.detail) };
        assert_eq!(gap.lost.map(|lost| (lost.from, lost.to)), Some((Sequence(5), Sequence(9))));
        assert_eq!(gap.blind.map(|it| (it.from, it.until)), Some((Micros(NOON), Micros(NOON + 1))));
        assert_eq!(gap.reason, Some(GapReason::Outage));
    });
    read(&example(0x0220), |facts| {
        let Detail::Oversight(Oversight::Reviewed(review)) = facts.detail else { panic!("{:?}", facts.detail) };
        assert_eq!((review.subject.name(), review.result.name()), ("log", "nothing_found"));
        assert_eq!((review.reviewed.size.0, review.actor.who), (9, Ref(id16("person"))));
        assert!(review.window.holds(Micros(NOON + 6)) && !review.window.holds(Micros(NOON + 7)));
    });
    read(&example(0x0221), |facts| {
        let Detail::Oversight(Oversight::Disposed(disposal)) = facts.detail else { panic!("{:?}", facts.detail) };
        assert_eq!((disposal.test.to_string().as_str(), disposal.code.as_str()), ("T01", "late_approval"));
        assert_eq!((disposal.index, disposal.disposition.name()), (Index(77), "false_positive"));
    });
    read(&example(0x0222), |facts| {
        let Detail::Oversight(Oversight::Reconciled(said)) = facts.detail else { panic!("{:?}", facts.detail) };
        assert_eq!((said.source, said.outside), (Ref(id16("gateway")), Ref(id16("cloudtrail"))));
        assert_eq!((said.outside_digest, said.differences), (Digest(seed("list")), Digest(seed("differences"))));
        assert_eq!(said.counts.to_bytes(), numbers(&[10, 11, 1, 2]));
    });
    read(&example(0x0140), |facts| {
        let Detail::Keeping(KeepingCommand::Retention { class, days }) = facts.detail else { panic!("{facts:?}") };
        assert_eq!((class.map(|class| class.as_str()), days), (Some("personal"), 2_346));
    });
    read(&example(0x0141), |facts| {
        let Detail::Keeping(KeepingCommand::HoldPlaced { class, held }) = facts.detail else { panic!("{facts:?}") };
        let ranges: Vec<(u64, u64)> = held.ranges().map(|range| (range.first.0, range.end.0)).collect();
        assert_eq!(ranges, [(0, 3), (4, 9), (100, HeldRange::NO_END.0)]);
        assert_eq!(class.map(|class| class.as_str()), Some("personal"));
    });
    read(&example(0x0142), |facts| {
        let Detail::Keeping(KeepingCommand::HoldReleased { hold }) = facts.detail else { panic!("{facts:?}") };
        assert_eq!(hold, SubjectId(id16("hold")));
    });
}

#[test]
fn what_the_ledger_says_of_its_keeping_is_read() {
    read(&example(0x0010), |facts| {
        let Detail::Custody { custody: Custody::Read(said), .. } = facts.detail else { panic!("{facts:?}") };
        assert_eq!((said.interval.first, said.interval.end.0, said.disclosed), (Index(3), 9, 2));
    });
    read(&example(0x000f), |facts| {
        let Detail::Custody { custody: Custody::Exported(said), .. } = facts.detail else { panic!("{facts:?}") };
        assert_eq!((said.question, said.package), (Digest(seed("question")), Digest(seed("package"))));
        assert_eq!((said.head.size, said.actor.who), (said.interval.end, Ref(id16("person"))));
    });
    read(&example(0x0011), |facts| {
        let Detail::Custody { custody: Custody::Verified(said), .. } = facts.detail else { panic!("{facts:?}") };
        let found: Vec<_> =
            said.results().map(|it| (it.test.to_string(), it.verdict.name(), it.exceptions, it.is_worse())).collect();
        let wanted = [("T00", "pass", 0, false), ("T01", "fail", 2, true), ("T99", "not_operated", 0, false)];
        assert_eq!(found, wanted.map(|(test, verdict, count, worse)| (test.to_owned(), verdict, count, worse)));
        let bytes: Vec<u8> = said.results().flat_map(TestResult::to_bytes).collect();
        assert_eq!(bytes, example(0x0011)[&0x0195]);
    });
}

#[test]
fn nothing_that_is_needed_can_be_left_out() {
    for kind in KINDS {
        for tag in needed(kind) {
            let mut facts = example(kind);
            facts.remove(tag);
            if *tag == 0x0041 {
                facts.remove(&0x0040);
            }
            let what = refused(&facts);
            assert!(!what.is_empty(), "{kind:#06x} without {tag:#06x}");
        }
    }
}

/// Entries of these kinds were written before they had fields of their own.
#[test]
fn statements_without_fields_of_their_own_say_nothing() {
    for kind in [0x0210, 0x0211, 0x0213, 0x0220, 0x0221, 0x0222] {
        let mut facts = if kind == 0x0213 { example(0x0210) } else { example(kind) };
        facts.retain(|tag, _| *tag < 0x0100);
        facts.insert(0x0001, vec![2, u8::try_from(kind & 0xff).unwrap()]);
        read(&facts, |facts| assert!(matches!(facts.detail, Detail::None), "{facts:?}"));
    }
    let mut plain = example(0x0212);
    plain.retain(|tag, _| ![0x0133, 0x0189].contains(tag));
    read(&plain, |facts| assert!(facts.lost().is_some()));
    let mut blind = example(0x0212);
    blind.retain(|tag, _| ![0x0130, 0x0131].contains(tag));
    read(&blind, |facts| assert!(facts.lost().is_none()));
    blind.remove(&0x0189);
    assert_eq!(refused(&blind), "gap_from");
    for kind in [0x0140, 0x0141] {
        let mut all = example(kind);
        all.remove(&DATA_CLASS);
        read(&all, |_| {});
    }
}

#[test]
fn values_out_of_range_are_refused_by_the_name_of_their_field() {
    let rows: &[(u16, u16, Vec<u8>, &str)] = &[
        (0x0210, 0x0132, vec![0; 4], "heartbeat_s"),
        (0x0211, 0x0132, vec![1; 3], "heartbeat_s"),
        (0x0212, 0x0131, numbers(&[5]), "gap_to"),
        (0x0212, 0x0133, vec![0], "gap_reason"),
        (0x0212, 0x0133, vec![6], "gap_reason"),
        (0x0212, 0x0189, window(7, 7), "window"),
        (0x0220, 0x0180, vec![3], "review_subject"),
        (0x0220, 0x0181, vec![0], "review_result"),
        (0x0220, 0x0189, window(7, 6), "window"),
        (0x0221, 0x0182, [&[100], [0; 8].as_slice()].concat(), "exception"),
        (0x0221, 0x0183, b"Late approval".to_vec(), "exception_code"),
        (0x0221, 0x0183, vec![], "exception_code"),
        (0x0221, 0x0184, vec![4], "disposition"),
        (0x0222, 0x0186, vec![0; 47], "outside_record"),
        (0x0222, 0x0187, numbers(&[10, 11, 11, 2]), "compared"),
        (0x0222, 0x0187, numbers(&[10, 11, 1, 12]), "compared"),
        (0x0140, 0x0141, vec![0, 0, 1], "retention_days"),
        (0x0141, 0x0142, vec![], "held_entries"),
        (0x0141, 0x0142, numbers(&[3, 3]), "held_entries"),
        (0x0141, 0x0142, numbers(&[0, 3, 3, 9]), "held_entries"),
        (0x0141, 0x0142, numbers(&[4, 9, 0, 3]), "held_entries"),
        (0x0141, 0x0142, numbers(&[0, 3, 4]), "held_entries"),
        (0x0141, 0x0142, (0..1_025).flat_map(|at| numbers(&[at * 3, at * 3 + 1])).collect(), "held_entries"),
        (0x0142, 0x0143, vec![0; 15], "hold"),
        (0x0010, 0x0190, numbers(&[9, 3]), "interval"),
        (0x0010, 0x0191, vec![0; 4], "disclosed"),
        (0x000f, 0x0190, numbers(&[3, 8]), "last_seen"),
        (0x000f, 0x0193, vec![0; 31], "package_digest"),
        (0x0011, 0x0190, numbers(&[3, 10]), "last_seen"),
        (0x0011, 0x0195, vec![], "test_results"),
        (0x0011, 0x0195, result([1, 1, 0], 0)[..26].to_vec(), "test_results"),
        (0x0011, 0x0195, result([100, 1, 0], 0), "test_results"),
        (0x0011, 0x0195, result([1, 0, 0], 0), "test_results"),
        (0x0011, 0x0195, result([1, 5, 0], 0), "test_results"),
        (0x0011, 0x0195, result([1, 1, 5], 0), "test_results"),
        (0x0011, 0x0195, result([1, 1, 0], 1), "test_results"),
        (0x0011, 0x0195, result([1, 4, 0], 0), "test_results"),
        (0x0011, 0x0195, [result([1, 1, 0], 0), result([1, 1, 0], 0)].concat(), "test_results"),
        (0x0011, 0x0195, [result([2, 1, 0], 0), result([1, 1, 0], 0)].concat(), "test_results"),
    ];
    for (kind, tag, value, field) in rows {
        let mut facts = example(*kind);
        facts.insert(*tag, value.clone());
        assert_eq!(refused(&facts), *field, "{kind:#06x} {tag:#06x} {value:?}");
    }
    let most: Vec<u8> = (0..1_024).flat_map(|at| numbers(&[at * 3, at * 3 + 1])).collect();
    let mut facts = example(0x0141);
    facts.insert(0x0142, most);
    read(&facts, |_| {});
}

#[test]
fn a_field_of_another_kind_is_refused() {
    let all: Fields = KINDS.iter().flat_map(|kind| example(*kind)).filter(|(tag, _)| *tag >= 0x0100).collect();
    for kind in KINDS.into_iter().chain([0x0213]) {
        let own = if kind == 0x0213 { event(kind, "example") } else { example(kind) };
        for (tag, value) in all.iter().filter(|(tag, _)| !own.contains_key(tag)) {
            let mut facts = own.clone();
            for (tag, value) in [(0x0003, id16("source").to_vec()), (0x0004, vec![0; 4]), (0x0005, vec![0; 8])] {
                facts.entry(tag).or_insert(value);
            }
            facts.insert(*tag, value.clone());
            assert_eq!(refused(&facts), "facts", "{kind:#06x} {tag:#06x}");
        }
    }
}

#[test]
fn tests_have_two_digits() {
    assert_eq!(TestNumber::parse("T00").map(TestNumber::number), Some(0));
    assert_eq!(TestNumber::parse("T99").map(TestNumber::number), Some(99));
    for odd in ["", "T", "T1", "T001", "t01", "T+1", "T 1", "01", "T1a"] {
        assert_eq!(TestNumber::parse(odd), None, "{odd}");
    }
}
