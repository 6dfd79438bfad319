//! What holds for every picture: no boxes overlap, lines end at their boxes and touch no other, layers follow the edges,
//! nothing is lost, and the order of the input does not show.

use super::sheet::{Area, Line, Sheet, sheet};
use super::{add, connect, empty, random};
use crate::support::{Rng, cases, scaled};
use deedbook::lineage::draw::{Picture, PictureError, svg};
use deedbook::lineage::{EdgeKind, NodeKind};

/// Slanted sides stand back from their box by less than this.
const RECESS_MAX: f64 = 12.0;

#[test]
fn random_pictures_are_sound() {
    let mut rng = Rng::seeded("random_pictures_are_sound");
    let count = scaled(3);
    for round in 0..count {
        for nodes in [10, 100, 300] {
            let late = round % 2 == 0;
            let edges = nodes * (10 + rng.below(8)) / 10;
            let picture = random(&mut rng, nodes, edges, late);
            let sheet = sheet(&picture);
            check(&picture, &sheet);
            if !late {
                assert!(sheet.lines.iter().all(|line| runs_right(&sheet, line)), "nothing closes a cycle");
            }
        }
    }
    cases("pictures", count * 3);
}

/// Sparse graphs that are too large: what is drawn of them is sound, and what is refused is refused for its size.
#[test]
fn what_is_folded_is_sound() {
    let mut rng = Rng::seeded("what_is_folded_is_sound");
    let count = scaled(10);
    let mut drawn = 0;
    for _ in 0..count {
        let mut picture = empty();
        let kinds = [NodeKind::Run, NodeKind::Run, NodeKind::DatasetVersion, NodeKind::Artifact];
        for number in 0..300 + rng.below(900) {
            let node = add(&mut picture, *rng.pick(&kinds), &format!("node {number}"));
            // A few hubs, and chains that grow from what came last.
            let before = if rng.percent(50) { node.saturating_sub(1) } else { rng.below(8) as usize };
            if before < node {
                connect(&mut picture, before, node, EdgeKind::Used);
            }
            if rng.percent(2) && node > 0 {
                let late = connect(&mut picture, node, rng.below(node as u64) as usize, EdgeKind::Derived);
                picture.edges[late].late = true;
            }
        }
        match svg(&picture) {
            Ok(_) => {
                drawn += 1;
                check(&picture, &sheet(&picture));
            }
            Err(refusal) => assert!(matches!(refusal, PictureError::Large { .. }), "{refusal}"),
        }
    }
    assert!(drawn > 0, "some can be folded");
    cases("folded pictures", count);
}

#[test]
fn the_order_of_the_input_does_not_show() {
    let mut rng = Rng::seeded("the_order_of_the_input_does_not_show");
    for nodes in [10, 100, 300] {
        let picture = random(&mut rng, nodes, nodes * 3 / 2, true);
        let mut shuffled = picture.clone();
        for place in (1..shuffled.nodes.len()).rev() {
            shuffled.nodes.swap(place, rng.below(place as u64 + 1) as usize);
        }
        for place in (1..shuffled.edges.len()).rev() {
            shuffled.edges.swap(place, rng.below(place as u64 + 1) as usize);
        }
        assert_eq!(svg(&picture).unwrap(), svg(&shuffled).unwrap());
    }
}

#[test]
fn what_hangs_in_a_row_is_drawn_in_a_row() {
    let mut picture = empty();
    for number in 0..30 {
        let kind = if number % 2 == 0 { NodeKind::DatasetVersion } else { NodeKind::Run };
        let node = add(&mut picture, kind, &format!("step {number}"));
        if node > 0 {
            connect(&mut picture, node - 1, node, EdgeKind::Used);
        }
    }
    let sheet = sheet(&picture);
    check(&picture, &sheet);
    let heights: Vec<f64> = sheet.boxes.values().map(|area| area.y).collect();
    assert!(heights.iter().all(|y| *y == heights[0]), "{heights:?}");
    assert!(sheet.lines.iter().all(|line| line.stretches.len() == 1 && line.stretches[0].is_straight));
}

#[test]
fn an_edge_over_many_layers_is_straight_where_it_passes() {
    let mut picture = empty();
    let nodes: Vec<usize> = (0..8).map(|number| add(&mut picture, NodeKind::Run, &format!("run {number}"))).collect();
    for pair in nodes.windows(2) {
        connect(&mut picture, pair[0], pair[1], EdgeKind::Called);
    }
    connect(&mut picture, nodes[0], nodes[7], EdgeKind::Called);
    let sheet = sheet(&picture);
    check(&picture, &sheet);
    let curves = sheet.line(0, 7).stretches.iter().filter(|stretch| !stretch.is_straight).count();
    assert!(curves <= 2, "it leaves, passes and arrives: {curves} curves");
}

#[test]
fn a_cycle_is_broken_at_its_late_edge() {
    let mut picture = empty();
    let nodes: Vec<usize> = (0..4).map(|number| add(&mut picture, NodeKind::Run, &format!("run {number}"))).collect();
    let late = connect(&mut picture, nodes[3], nodes[0], EdgeKind::Called);
    picture.edges[late].late = true;
    for pair in nodes.windows(2) {
        connect(&mut picture, pair[0], pair[1], EdgeKind::Called);
    }
    connect(&mut picture, nodes[2], nodes[2], EdgeKind::Called);
    let sheet = sheet(&picture);
    check(&picture, &sheet);
    for line in sheet.lines.iter().filter(|line| line.from != line.to) {
        assert_eq!(runs_right(&sheet, line), !line.title.contains("came late"), "{line:?}");
    }
}

#[test]
fn nothing_and_a_node_alone_are_pictures() {
    let mut picture = empty();
    assert!(sheet(&picture).says("nothing to draw"));
    add(&mut picture, NodeKind::Outcome, "alone");
    check(&picture, &sheet(&picture));
}

fn runs_right(sheet: &Sheet, line: &Line) -> bool {
    sheet.boxes[&line.from].right() < sheet.boxes[&line.to].x
}

fn check(picture: &Picture, sheet: &Sheet) {
    let (width, height) = sheet.size();
    let areas: Vec<(&String, &Area)> = sheet.boxes.iter().collect();
    for (number, (id, area)) in areas.iter().enumerate() {
        assert!(area.x >= 0.0 && area.y >= 0.0 && area.right() < width && area.bottom() < height, "{id} is inside");
        for (other_id, other) in areas.iter().skip(number + 1) {
            assert!(!area.overlaps(other), "{id} {area:?} and {other_id} {other:?}");
        }
    }
    for line in sheet.lines.iter().filter(|line| line.from != line.to) {
        let (from, to) = (&sheet.boxes[&line.from], &sheet.boxes[&line.to]);
        let right = runs_right(sheet, line);
        assert!(right || to.right() < from.x, "{line:?} leads to another layer");
        let (leaves, arrives) = if right { (from.right(), to.x) } else { (from.x, to.right()) };
        let start = line.stretches.first().unwrap().from;
        for ((x, y), border, area) in [(start, leaves, from), (line.tip, arrives, to)] {
            assert!((x - border).abs() <= RECESS_MAX && x >= area.x && x <= area.right(), "{line:?} ends at {area:?}");
            assert!(y >= area.y && y <= area.bottom(), "{line:?} ends at {area:?}");
        }
        let end = line.stretches.last().unwrap().to;
        assert!((end.0 - line.tip.0).abs() <= 10.0 && end.1 == line.tip.1, "the head is at the end: {line:?}");
        for (id, area) in &areas {
            assert!(*id == &line.from || *id == &line.to || !touches(line, area), "{line:?} touches {id} {area:?}");
        }
    }
    let drawn: usize = sheet.lines.iter().map(|line| line.edges).sum();
    assert_eq!((drawn, drawn + sheet.drawing.edges_folded), (sheet.drawing.edges_drawn, picture.edges.len()));
    assert_eq!(sheet.drawing.nodes_drawn + sheet.drawing.nodes_folded, picture.nodes.len());
}

/// Whether a part of a line passes an area. A curve is taken for the whole rectangle between its ends, which it may cross
/// only where there are no boxes.
fn touches(line: &Line, area: &Area) -> bool {
    line.stretches.iter().any(|stretch| {
        let (left, right) = (stretch.from.0.min(stretch.to.0), stretch.from.0.max(stretch.to.0));
        let (top, bottom) = (stretch.from.1.min(stretch.to.1), stretch.from.1.max(stretch.to.1));
        let slack = if stretch.is_straight { 0.0 } else { RECESS_MAX };
        left + slack < area.right() && right - slack > area.x && top < area.bottom() && bottom > area.y
    })
}
