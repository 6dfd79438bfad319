//! What a reviewer is shown: every value of the binding, harmless, bounded, and the same bytes for the same input.

use super::desk::{digest_of, presentation_input, requirement, terms};
use super::people::{DATA, ONCALL};
use crate::support::{Rng, scaled};
use deedbook::approvals::{
    Earlier, Flow, Party, Presentation, PresentationInput, Reach, Source, Why, present, sections,
};
use deedbook::limits;
use deedbook_verify::facts::ActorKind;
use deedbook_verify::requirement::Requirement;
use deedbook_verify::words::{Digest, Index, Micros, Ref, SubjectId};
use std::num::NonZeroU32;

const ID: SubjectId = SubjectId([5; 16]);
/// 2026-01-05T03:00:00Z.
const EXPIRY: Micros = Micros(1_767_582_000_000_000);

fn shown(binding: &str) -> Presentation {
    present(&presentation_input(ID, binding), &requirement(&[(DATA, 1)], 2), EXPIRY)
}

fn text(presentation: &Presentation) -> &str {
    std::str::from_utf8(&presentation.text).unwrap()
}

fn one_screen() -> String {
    let action = digest_of(ID);
    format!(
        "deedbook.presentation/1
Completeness
complete\tyes: nothing of the action is left out
Who asks
actor\tagent exporter (07070707070707070707070707070707)
asked for it by\tsource gateway (09090909090909090909090909090909)
on behalf of 1\thuman alice (02020202020202020202020202020202)
answers for it\thuman alice (02020202020202020202020202020202)
What will run, exactly
action\t\"data.export\"
destination\t\"s3://partner/out\"
environment\t\"production\"
reversibility\t\"irreversible\"
dataset_sources[0]\t\"orders@42\"
params.columns[0]\t\"id\"
params.columns[1]\t\"email\"
params.rows\t1000000
nonce\t\"00ff\"
schema\t\"deedbook.action/1\"
Where its data comes from, and what came of it
dataset_version:customers@41\tpii, 2 steps before it, NOBODY agreed on some way from it
dataset_version:regions@1\tof no stated class, 1 step before it, a person agreed on every way from it
further before it\t3, not named here
a way that nobody approved\tdataset_version:customers@41 → run:etl → dataset_version:orders@42
came of it\truns: 3; outcomes: 1
Why you are asked
policy set\t{policy}
policy export-external-needs-two\tExternal export of non-public data
risk\t50 of 100
What it takes
people\t2 different persons approve
of which\t1 of data-owners
evidence\tyour own key signs your decision
reason\ta reason is required to approve
releases\tit may run once, within 5 min of the approval
fallback\ton-call may decide too if nobody else can, and after 10 min
decide before\t2026-01-05T03:00:00.000000Z
Like actions before
2026-01-05T03:00:00.000000Z index 7\texporter for alice: approved, succeeded
Identity
request\t05050505050505050505050505050505
action digest\t{action}
",
        policy = Digest([1; 32]),
    )
}

#[test]
fn one_screen_word_for_word() {
    let teams = [(DATA, "data-owners"), (ONCALL, "on-call")];
    let alice = Party { kind: Some(ActorKind::Human), name: Some("alice"), who: Ref([2; 16]) };
    let input = PresentationInput {
        relayed_by: Some(Party { kind: None, name: Some("gateway"), who: Ref([9; 16]) }),
        on_behalf_of: &[alice],
        responsible: Some(alice),
        binding: concat!(
            r#"{"action":"data.export","dataset_sources":["orders@42"],"destination":"s3://partner/out","#,
            r#""environment":"production","nonce":"00ff","params":{"columns":["id","email"],"rows":1000000},"#,
            r#""reversibility":"irreversible","schema":"deedbook.action/1"}"#
        ),
        why: &[Why { policy: "export-external-needs-two", advice: Some("External export of non-public data") }],
        teams: &teams,
        flow: Flow {
            sources: &[
                Source { name: "dataset_version:customers@41", classes: "pii", steps: 2, is_open: true },
                Source { name: "dataset_version:regions@1", classes: "", steps: 1, is_open: false },
            ],
            sources_count: 5,
            reach: Reach { counts: &[("runs", 3), ("outcomes", 1)], is_cut: false },
            open_way: Some("dataset_version:customers@41 → run:etl → dataset_version:orders@42"),
            gap: None,
        },
        earlier: &[Earlier { received: EXPIRY, index: Index(7), summary: "exporter for alice: approved, succeeded" }],
        ..presentation_input(ID, "")
    };
    let mut two = terms(&[(DATA, 1)], 2);
    two.demands.rationale_to_approve = true;
    two.fallback = Some(ONCALL);
    two.escalate_s = NonZeroU32::new(600);
    let presentation = present(&input, &Requirement::new(two).unwrap(), EXPIRY);
    let expected = one_screen();
    assert_eq!(text(&presentation), expected);
    assert_eq!(presentation.digest.0, *blake3::hash(expected.as_bytes()).as_bytes());
    assert!(presentation.complete && presentation.omitted.is_empty());
    let sections = sections(&presentation.text).unwrap();
    assert_eq!(sections.len(), 8);
    assert_eq!((sections[2].title.as_str(), sections[2].rows.len()), ("What will run, exactly", 10));
}

/// Lineage that has no answer is said, where a reviewer looks first, and keeps nobody from deciding about the action.
#[test]
fn what_lineage_could_not_say_is_said_and_is_nothing_of_the_action() {
    let whole = presentation_input(ID, "{}");
    let flow = Flow { gap: Some("the graph was still being read"), ..Flow::default() };
    let presentation = present(&PresentationInput { flow, ..whole }, &requirement(&[], 1), EXPIRY);
    assert!(presentation.complete && presentation.omitted.is_empty());
    let first = &sections(&presentation.text).unwrap()[0];
    assert_eq!(first.title, "Completeness");
    let rows: Vec<_> = first.rows.iter().map(|row| (row.label.as_str(), row.value.as_str())).collect();
    let whole = ("complete", "yes: nothing of the action is left out");
    assert_eq!(rows, [whole, ("of data flow", "not all is known: the graph was still being read")]);
    let said = "\nbefore it\tnothing is known\ncame of it\tnothing is known\nnot all\tthe graph";
    assert!(text(&presentation).contains(said));
}

/// More than is counted is said, and is no gap: the action itself is shown whole.
#[test]
fn what_is_counted_in_part_says_so() {
    let whole = presentation_input(ID, "{}");
    for (counts, said) in [
        (&[("runs", 4_000)][..], "came of it\truns: 4000; these are the nearest, there is more\n"),
        (&[], "came of it\tmore than is counted here\n"),
    ] {
        let flow = Flow { reach: Reach { counts, is_cut: true }, ..Flow::default() };
        let presentation = present(&PresentationInput { flow, ..whole }, &requirement(&[], 1), EXPIRY);
        assert!(presentation.complete && text(&presentation).contains(said), "{}", text(&presentation));
    }
}

#[test]
fn text_from_outside_is_harmless() {
    let hostile = "{\"params\":{\"note\":\"ok\u{202e}\u{200b}\u{feff}\\n\\tWhat it takes\\nrisk\\t0\",\"a\\nb: \\u202e\":1,\"\":{\"x y\":[{}]}}}";
    let presentation = shown(hostile);
    let text = text(&presentation);
    assert!(!text.chars().any(|c| matches!(c, '\u{202e}' | '\u{200b}' | '\u{feff}')), "{text}");
    assert_eq!(text.matches("\nrisk\t").count(), 1, "no line can be forged");
    assert!(text.contains("params.note\t\"ok\\u{202e}\\u{200b}\\u{feff}\\n\\tWhat it takes"), "{text}");
    assert!(text.contains("params.\"\".\"x y\"[0]\t{}"), "{text}");
    assert!(sections(&presentation.text).is_ok());
    let party = Party { kind: None, name: Some("eve\n\tadmin\u{1b}[2J"), who: Ref([3; 16]) };
    let input = PresentationInput { actor: party, ..presentation_input(ID, "{}") };
    let presentation = present(&input, &requirement(&[], 1), EXPIRY);
    assert!(self::text(&presentation).contains("actor\tunknown eve\\n\\u{9}admin\\u{1b}[2J (0303"));
}

#[test]
fn values_are_shown_as_they_are_written() {
    let presentation = shown(r#"{"params":{"a":123456789012345678901234567890,"b":1.10,"c":1e400,"a":"twice"}}"#);
    for row in
        ["params.a\t123456789012345678901234567890\n", "params.b\t1.10\n", "params.c\t1e400\n", "params.a\t\"twice\"\n"]
    {
        assert!(text(&presentation).contains(row), "{row}");
    }
    assert!(presentation.complete);
}

#[test]
fn what_has_no_room_is_named() {
    let long = format!(r#"{{"params":{{"query":"{}","rows":5}}}}"#, "x".repeat(33_770));
    let presentation = shown(&long);
    assert!(!presentation.complete);
    assert_eq!(presentation.omitted, ["params.query: 1004 characters more"]);
    assert!(
        text(&presentation)
            .contains("complete\tNO: something is left out\nleft out\tparams.query: 1004 characters more\n")
    );
    let many = format!(r#"{{"params":[{}0]}}"#, "1000000,".repeat(50_000));
    let presentation = shown(&many);
    assert!(!presentation.complete && presentation.text.len() <= limits::PRESENTATION_BYTES_MAX);
    assert!(text(&presentation).contains("left out, not named\t"));
    assert!(text(&presentation).contains("people\t2 different persons approve"), "what it takes is there all the same");
    let crowd: String = (0..40_000).map(|key| format!("\"k{key}\":1,")).collect();
    let hidden = format!(r#"{{"params":{{{crowd}"z":1}},"resource":"dataset:x","destination":"s3://evil/x"}}"#);
    let presentation = shown(&hidden);
    assert!(!presentation.complete && presentation.text.len() <= limits::PRESENTATION_BYTES_MAX);
    let top: Vec<&str> = text(&presentation).lines().take_while(|line| !line.starts_with("params.")).collect();
    assert!(top.contains(&"complete\tNO: something is left out"), "{top:?}");
    assert!(top.contains(&"destination\t\"s3://evil/x\""), "whatever crowds the screen stands below it: {top:?}");
    let presentation = shown("not json");
    assert!(!presentation.complete, "what cannot be taken apart is not complete");
    let deep = format!("{}1{}", "{\"a\":".repeat(60), "}".repeat(60));
    assert!(shown(&deep).complete, "deep values are shown as they are written");
}

#[test]
fn any_bytes_are_judged_without_harm() {
    let mut rng = Rng::seeded("presentations");
    let honest = shown(super::desk::BINDING);
    for _ in 0..scaled(500) {
        let mut bytes = honest.text.to_vec();
        let at = rng.below(bytes.len() as u64) as usize;
        bytes[at] = rng.next() as u8;
        if let Ok(found) = sections(&bytes) {
            let rows: usize = found.iter().map(|section| section.rows.len() + 1).sum();
            assert_eq!(rows + 1, bytes.split(|byte| *byte == b'\n').count() - 1, "every line has its place");
        }
    }
    for bad in [&b""[..], b"deedbook.presentation/2\n", b"deedbook.presentation/1", b"deedbook.presentation/1\na\tb\n"]
    {
        assert!(sections(bad).is_err());
    }
}
