//! What is said about nodes and edges is seen without colours: by shape, border, dash, or a word; and the legend names
//! what occurs, and nothing else.

use super::sheet::sheet;
use super::{add, connect, empty};
use deedbook::lineage::draw::{GateMark, PathMark, Verdict, dot};
use deedbook::lineage::{EdgeKind, NodeKind};

/// Every mark, the words of its legend, and what it leaves in DOT.
const MARKS: &[(&str, &str)] = &[
    ("double border: approved", "peripheries=2"),
    ("empty shield: no approval by people", "no approval"),
    ("heavy border: asked about", "penwidth=3"),
    ("grey: after the position", "after"),
    ("dashed: inferred or unsigned", "dashed"),
    ("dotted: came late", "dotted"),
    ("thick: path asked for", "penwidth=3"),
    ("thick red: unapproved path", "penwidth=4"),
    ("dashed inner border: released without people", "without people"),
];

#[test]
fn each_mark_has_its_words_in_the_legend_and_only_where_it_occurs() {
    for (marked, (words, in_dot)) in MARKS.iter().enumerate() {
        let mut picture = empty();
        let data = add(&mut picture, NodeKind::DatasetVersion, "customers");
        let run = add(&mut picture, NodeKind::Run, "export");
        let edge = connect(&mut picture, data, run, EdgeKind::Used);
        match marked {
            0 => picture.nodes[run].gate = GateMark::Gated,
            1 => picture.nodes[run].gate = GateMark::Missing,
            8 => picture.nodes[run].gate = GateMark::Apart,
            2 => picture.nodes[run].focus = true,
            3 => picture.nodes[run].after = true,
            4 => picture.edges[edge].inferred = true,
            5 => picture.edges[edge].late = true,
            6 => picture.edges[edge].path = PathMark::Asked,
            7 => picture.edges[edge].path = PathMark::Unapproved,
            _ => unreachable!("a mark without a picture"),
        }
        let sheet = sheet(&picture);
        for (other, _) in MARKS {
            assert_eq!(sheet.says(other), other == words, "{words}: {other}");
        }
        assert!(dot(&picture).unwrap().contains(in_dot), "{words}");
    }
}

#[test]
fn a_missing_approval_is_an_empty_shield_and_a_word() {
    let mut picture = empty();
    let run = add(&mut picture, NodeKind::Run, "export");
    let plain = sheet(&picture);
    picture.nodes[run].gate = GateMark::Missing;
    let missing = sheet(&picture);
    assert!(missing.says("run · no approval") && !plain.says("no approval"));
    // In the box and in the legend.
    assert_eq!(missing.drawing.svg.matches("stroke-dasharray=\"3 2\"").count(), 2);
}

/// Whom a command binds is no data, though the command generates them.
#[test]
fn what_is_generated_and_acts_is_no_data() {
    for (kind, words) in [
        (NodeKind::DatasetVersion, "data flows"),
        (NodeKind::Person, "authority: who, by what rule"),
        (NodeKind::Key, "authority: who, by what rule"),
    ] {
        let mut picture = empty();
        let action = add(&mut picture, NodeKind::Action, "bind");
        let made = add(&mut picture, kind, "x");
        connect(&mut picture, action, made, EdgeKind::Generated);
        let sheet = sheet(&picture);
        for said in ["data flows", "authority: who, by what rule"] {
            assert_eq!(sheet.says(said), said == words, "{kind:?}: {said}");
        }
    }
}

#[test]
fn a_verdict_is_a_tick_or_a_cross_and_a_word() {
    for kind in [NodeKind::Vote, NodeKind::Approval] {
        let mut drawn = Vec::new();
        for (verdict, word) in [
            (Verdict::Silent, "x"),
            (Verdict::Approved, "approved"),
            (Verdict::Denied, "denied"),
            (Verdict::Apart, "without people"),
        ] {
            let mut picture = empty();
            let node = add(&mut picture, kind, "x");
            picture.nodes[node].verdict = verdict;
            let sheet = sheet(&picture);
            assert!(sheet.says(word) && dot(&picture).unwrap().contains(word), "{word}");
            assert_eq!(sheet.says("tick: approved"), verdict == Verdict::Approved);
            assert_eq!(sheet.says("cross: denied"), verdict == Verdict::Denied);
            assert_eq!(sheet.says("bar: released without people, or ended"), verdict == Verdict::Apart);
            drawn.push(sheet.drawing.svg.matches("stroke-width=\"2.4\"").count());
        }
        assert_eq!(drawn, [0, 2, 2, 2], "on the box and in the legend");
    }
}

#[test]
fn every_kind_is_named_on_its_box_and_in_the_legend() {
    let mut picture = empty();
    for kind in NodeKind::ALL {
        add(&mut picture, *kind, "x");
    }
    let sheet = sheet(&picture);
    for kind in NodeKind::ALL {
        let words = kind.name().replace('_', " ");
        assert!(sheet.texts.iter().filter(|text| text.contains(&words)).count() >= 2, "{words}: {:?}", sheet.texts);
    }
}

#[test]
fn edges_between_two_boxes_share_a_line_that_names_them() {
    let mut picture = empty();
    let agent = add(&mut picture, NodeKind::Agent, "reporter");
    let action = add(&mut picture, NodeKind::Action, "export");
    connect(&mut picture, agent, action, EdgeKind::Proposed);
    connect(&mut picture, agent, action, EdgeKind::OnBehalf);
    connect(&mut picture, agent, action, EdgeKind::OnBehalf);
    let sheet = sheet(&picture);
    assert_eq!(sheet.lines.len(), 1);
    assert_eq!((sheet.lines[0].edges, sheet.lines[0].title.as_str()), (3, "on behalf ×2, proposed\nreporter → export"));
}

#[test]
fn a_picture_says_what_it_rests_on() {
    let mut picture = empty();
    add(&mut picture, NodeKind::Run, "export");
    let sheet = sheet(&picture);
    assert!(sheet.says("what led to it"));
    assert!(sheet.says("as of size 41,827 · root abababababab… · 1 node, 0 edges"), "{:?}", sheet.texts);
    assert!(dot(&picture).unwrap().contains("as of size 41,827 · root abababababab…"));
}
