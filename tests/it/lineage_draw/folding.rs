//! What is folded away is counted, what matters is not folded, and what does not fit is refused with a remedy.

use super::sheet::sheet;
use super::{add, connect, empty};
use deedbook::limits::{PICTURE_NODES_DRAWN_MAX, PICTURE_NODES_MAX};
use deedbook::lineage::draw::{GateMark, PathMark, Picture, PictureError, dot, svg};
use deedbook::lineage::{EdgeKind, NodeKind};

/// A dataset that so many runs read, each of which writes what another run reads too.
fn hub(runs: usize) -> Picture {
    let mut picture = empty();
    let data = add(&mut picture, NodeKind::DatasetVersion, "customers");
    for number in 0..runs {
        let run = add(&mut picture, NodeKind::Run, &format!("run {number}"));
        let made = add(&mut picture, NodeKind::Artifact, &format!("report {number}"));
        connect(&mut picture, data, run, EdgeKind::Used);
        connect(&mut picture, run, made, EdgeKind::Generated);
    }
    picture
}

fn chain(picture: &mut Picture, steps: usize) -> (usize, usize) {
    let first = add(picture, NodeKind::DatasetVersion, "start");
    let mut last = first;
    for number in 0..steps {
        let run = add(picture, NodeKind::Run, &format!("run {number}"));
        connect(picture, last, run, EdgeKind::Used);
        last = add(picture, NodeKind::DatasetVersion, &format!("made {number}"));
        connect(picture, run, last, EdgeKind::Generated);
    }
    (first, last)
}

#[test]
fn a_hub_shows_the_first_of_its_branches_and_counts_the_rest() {
    let picture = hub(340);
    let sheet = sheet(&picture);
    assert!(sheet.says("12 of 340 shown") && sheet.says("328 more branches"), "{:?}", sheet.texts);
    assert!(sheet.says("656 nodes and 328 edges folded away"));
    assert_eq!((sheet.drawing.nodes_drawn, sheet.drawing.nodes_folded), (25, 656));
    assert_eq!((sheet.drawing.edges_drawn, sheet.drawing.edges_folded), (12 * 2 + 328, 328));
    let folded = sheet.box_titles.values().find(|title| title.contains("328 more branches")).unwrap();
    assert!(folded.contains("328 runs, 328 artifacts") || folded.contains("328 artifacts, 328 runs"), "{folded}");
    assert!(folded.contains("run 12\n") && folded.contains("and 644 more"), "{folded}");
}

#[test]
fn nodes_with_the_same_neighbours_are_folded_by_kind() {
    let mut picture = empty();
    let data = add(&mut picture, NodeKind::DatasetVersion, "customers");
    let merged = add(&mut picture, NodeKind::DatasetVersion, "merged");
    for number in 0..40 {
        let run = add(&mut picture, NodeKind::Run, &format!("part {number}"));
        connect(&mut picture, data, run, EdgeKind::Used);
        connect(&mut picture, run, merged, EdgeKind::Generated);
    }
    let sheet = sheet(&picture);
    assert!(sheet.says("28 more runs") && sheet.says("12 of 40 shown"), "{:?}", sheet.texts);
    assert_eq!(sheet.drawing.edges_folded, 0, "two lines stand for what leads there and back");
}

#[test]
fn what_matters_is_never_folded() {
    let mut picture = hub(340);
    picture.nodes[601].gate = GateMark::Missing;
    picture.nodes[501].focus = true;
    let marked = picture.edges.iter().position(|edge| edge.to == 401).unwrap();
    picture.edges[marked].path = PathMark::Unapproved;
    let sheet = sheet(&picture);
    for place in [601, 501, 401] {
        assert!(sheet.boxes.contains_key(&format!("n{place}")), "{place}");
    }
    assert!(sheet.says("12 of 337 shown"));
}

#[test]
fn long_chains_become_steps_where_there_is_much_to_see() {
    let mut picture = empty();
    let joined = add(&mut picture, NodeKind::Run, "join");
    for _ in 0..4 {
        let (_, last) = chain(&mut picture, 7);
        connect(&mut picture, last, joined, EdgeKind::Used);
    }
    let sheet = sheet(&picture);
    assert_eq!(sheet.texts.iter().filter(|text| *text == "7 steps").count(), 4, "{:?}", sheet.texts);
    assert!(sheet.says("7 dataset versions, 7 runs") || sheet.says("7 runs, 7 dataset versions"), "{:?}", sheet.texts);
    assert_eq!(sheet.drawing.nodes_drawn, 5);
    let mut small = empty();
    chain(&mut small, 7);
    assert_eq!(svg(&small).unwrap().nodes_folded, 0);
}

#[test]
fn a_run_without_approval_stands_out_of_its_chain() {
    let mut picture = empty();
    chain(&mut picture, 30);
    picture.nodes[31].gate = GateMark::Missing;
    let sheet = sheet(&picture);
    assert!(sheet.boxes.contains_key("n31"));
    assert_eq!(sheet.texts.iter().filter(|text| text.ends_with(" steps")).count(), 2, "{:?}", sheet.texts);
}

#[test]
fn what_does_not_fit_is_refused_with_a_remedy() {
    let mut picture = empty();
    for number in 0..=PICTURE_NODES_DRAWN_MAX {
        add(&mut picture, NodeKind::Run, &format!("run {number}"));
    }
    let refusal = svg(&picture).unwrap_err();
    assert_eq!(refusal, PictureError::Large { nodes: PICTURE_NODES_DRAWN_MAX + 1, edges: 0 });
    assert!(refusal.to_string().contains("ask for fewer steps or for one kind, or export as DOT"), "{refusal}");
    assert!(dot(&picture).unwrap().contains("\n  n300 ["));
    while picture.nodes.len() <= PICTURE_NODES_MAX {
        add(&mut picture, NodeKind::Run, "more");
    }
    assert!(matches!(svg(&picture).unwrap_err(), PictureError::Input { .. }));
}

#[test]
fn what_no_program_shows_is_refused() {
    let mut picture = empty();
    for number in 0..PICTURE_NODES_DRAWN_MAX {
        let node = add(&mut picture, NodeKind::Run, &format!("{number:040}"));
        picture.nodes[node].focus = true;
        if node > 0 {
            connect(&mut picture, node - 1, node, EdgeKind::Called);
        }
    }
    let refusal = svg(&picture).unwrap_err();
    assert!(
        matches!(refusal, PictureError::Sheet { .. }) && refusal.to_string().contains("ask for fewer"),
        "{refusal}"
    );
    picture.edges.clear();
    for node in 1..PICTURE_NODES_DRAWN_MAX {
        connect(&mut picture, 0, node, EdgeKind::Called);
    }
    assert_eq!(svg(&picture).unwrap().nodes_drawn, PICTURE_NODES_DRAWN_MAX);
    let mut tangled = empty();
    for node in 0..PICTURE_NODES_DRAWN_MAX {
        add(&mut tangled, NodeKind::Run, "");
        tangled.nodes[node].focus = true;
        for before in [1, 100, 200, 250].into_iter().filter(|before| *before <= node) {
            connect(&mut tangled, node - before, node, EdgeKind::Called);
        }
    }
    assert!(matches!(svg(&tangled).unwrap_err(), PictureError::Tangled { .. }));
}

#[test]
fn a_picture_that_contradicts_itself_is_refused() {
    let mut picture = hub(2);
    picture.edges[0].to = 77;
    assert_eq!(svg(&picture).unwrap_err(), PictureError::Absent(77));
    assert_eq!(dot(&picture).unwrap_err(), PictureError::Absent(77));
    picture.edges.clear();
    picture.nodes[1].id = 0;
    assert_eq!(svg(&picture).unwrap_err(), PictureError::Twice(0));
}
