//! An SVG text read back: boxes and lines with their places. It knows what drawings promise, not how they are made.

use deedbook::lineage::draw::{Drawing, Picture, svg};
use roxmltree::{Document, Node};
use std::collections::BTreeMap;

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub x: f64,
    pub y: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }

    pub fn overlaps(&self, other: &Area) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }
}

/// One part of a line: the points where it begins and ends. It stays within their rectangle.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    pub from: (f64, f64),
    pub to: (f64, f64),
    pub is_straight: bool,
}

/// A line with what is said about it.
#[derive(Debug)]
pub struct Line {
    pub from: String,
    pub to: String,
    pub edges: usize,
    pub title: String,
    pub stretches: Vec<Stretch>,
    /// The point of its head that touches the box.
    pub tip: (f64, f64),
}

/// A drawing, read.
pub struct Sheet {
    pub drawing: Drawing,
    pub boxes: BTreeMap<String, Area>,
    pub box_titles: BTreeMap<String, String>,
    pub lines: Vec<Line>,
    /// Every text that is shown.
    pub texts: Vec<String>,
}

pub fn sheet(picture: &Picture) -> Sheet {
    read(svg(picture).unwrap())
}

fn read(drawing: Drawing) -> Sheet {
    let document = Document::parse(&drawing.svg).unwrap();
    let mut boxes = BTreeMap::new();
    let mut box_titles = BTreeMap::new();
    let mut lines = Vec::new();
    for node in document.descendants() {
        if let Some(area) = node.attribute("data-box") {
            let id = node.attribute("id").unwrap().to_owned();
            let numbers = numbers(area);
            assert!(boxes.insert(id.clone(), area_of(&numbers)).is_none(), "two boxes are called {id}");
            box_titles.insert(id, title(&node));
        }
        if let Some(from) = node.attribute("data-from") {
            let paths: Vec<&str> = node.children().filter_map(|child| child.attribute("d")).collect();
            let [line, head] = paths[..] else { panic!("a line and a head: {paths:?}") };
            lines.push(Line {
                from: from.to_owned(),
                to: node.attribute("data-to").unwrap().to_owned(),
                edges: node.attribute("data-edges").unwrap().parse().unwrap(),
                title: title(&node),
                stretches: stretches(line),
                tip: tip(head),
            });
        }
    }
    let texts = document.descendants().filter(|node| node.has_tag_name("text"));
    let texts = texts.map(|node| node.text().unwrap_or("").to_owned()).collect();
    Sheet { boxes, box_titles, lines, texts, drawing }
}

impl Sheet {
    /// The size of the whole.
    pub fn size(&self) -> (f64, f64) {
        let document = Document::parse(&self.drawing.svg).unwrap();
        let root = document.root_element();
        let view = numbers(root.attribute("viewBox").unwrap());
        assert_eq!(view[..2], [0.0, 0.0]);
        assert_eq!(root.attribute("width"), Some(view[2].to_string().as_str()));
        assert_eq!(root.attribute("height"), Some(view[3].to_string().as_str()));
        (view[2], view[3])
    }

    pub fn says(&self, words: &str) -> bool {
        self.texts.iter().any(|text| text.contains(words))
    }

    pub fn line(&self, from: usize, to: usize) -> &Line {
        let ends = (format!("n{from}"), format!("n{to}"));
        self.lines.iter().find(|line| (&line.from, &line.to) == (&ends.0, &ends.1)).unwrap()
    }
}

fn title(node: &Node<'_, '_>) -> String {
    node.children().find(|child| child.has_tag_name("title")).and_then(|title| title.text()).unwrap().to_owned()
}

fn area_of(numbers: &[f64]) -> Area {
    let [x, y, width, height] = numbers[..] else { panic!("four numbers: {numbers:?}") };
    Area { x, y, width, height }
}

fn numbers(text: &str) -> Vec<f64> {
    text.split([' ', ',']).filter(|part| !part.is_empty()).map(|part| part.parse().unwrap()).collect()
}

/// Absolute moves, level and upright lines and curves: all that lines are made of.
fn stretches(data: &str) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut here: Option<(f64, f64)> = None;
    let starts: Vec<usize> = data.match_indices(|c: char| c.is_ascii_alphabetic()).map(|(at, _)| at).collect();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(data.len());
        let numbers = numbers(&data[start + 1..end]);
        let to = match (&data[*start..=*start], numbers[..].len(), here) {
            ("M", 2, None) => (numbers[0], numbers[1]),
            ("H", 1, Some((_, y))) => (numbers[0], y),
            ("V", 1, Some((x, _))) => (x, numbers[0]),
            ("C", 6, Some(_)) => (numbers[4], numbers[5]),
            other => panic!("{other:?} in {data}"),
        };
        if let Some(from) = here {
            let is_straight = &data[*start..=*start] != "C";
            stretches.push(Stretch { from, to, is_straight });
        }
        here = Some(to);
    }
    stretches
}

/// A head names its tip as `M x y` at its start, or as `L x y` or `M x y` after the strokes that lead to it.
fn tip(head: &str) -> (f64, f64) {
    let points: Vec<(f64, f64)> = head
        .split(|c: char| c.is_ascii_alphabetic())
        .map(numbers)
        .filter(|numbers| numbers.len() == 2)
        .map(|numbers| (numbers[0], numbers[1]))
        .collect();
    match (head.contains('Z'), head.contains('H')) {
        // Filled heads and diamonds begin at the tip.
        (true, _) => points[0],
        // A bar is drawn before the stroke that touches the box; an open head has its tip in the middle.
        (false, _) => points[1],
    }
}
