//! The facet `columnLineage`: which columns of a dataset were made from which. It has two parts: `fields`, with the inputs
//! of each output column, and `dataset`, with inputs that bear on every row. What a transformation is called stays in the
//! body.

use super::Name;
use super::event::{Notes, name_of};
use super::json::{self, Members};
use serde_json::value::RawValue;

/// One column that another was made from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ColumnEdge {
    /// The place of the dataset whose facet says so, as `Event::versions` counts them.
    pub dataset: usize,
    /// The column that was made; none: the input bears on all of them (`dataset` of the facet).
    pub column: Option<String>,
    /// The dataset that it was made from, which need not be among the inputs.
    pub from: Name,
    /// The column that it was made from.
    pub from_column: String,
}

/// Reads a facet, up to so many edges.
pub(super) fn columns(facet: &Members<'_>, dataset: usize, room: usize) -> (Vec<ColumnEdge>, Notes) {
    let mut reading = Reading { dataset, room, edges: Vec::new(), notes: Notes::default() };
    if let Some(fields) = facet.get("fields") {
        let Some(fields) = json::object(fields) else { return reading.odd() };
        for (column, raw) in &fields.0 {
            let inputs = json::object(raw).and_then(|members| members.get("inputFields")).and_then(json::list);
            reading.take(Some(column), inputs);
        }
    }
    if let Some(inputs) = facet.get("dataset") {
        reading.take(None, json::list(inputs));
    }
    (reading.edges, reading.notes)
}

struct Reading {
    dataset: usize,
    room: usize,
    edges: Vec<ColumnEdge>,
    notes: Notes,
}

impl Reading {
    fn take(&mut self, column: Option<&str>, inputs: Option<Vec<&RawValue>>) {
        let Some(inputs) = inputs else { return self.notes.add(Notes::ODD_FACET) };
        for raw in inputs {
            let input = json::object(raw);
            let named = input.as_ref().and_then(|input| Some((name_of(input)?, input.text("field")?.into_owned())));
            match named {
                None => self.notes.add(Notes::ODD_FACET),
                Some(_) if self.edges.len() >= self.room => return self.notes.add(Notes::CUT),
                Some((from, from_column)) => {
                    let column = column.map(str::to_owned);
                    self.edges.push(ColumnEdge { dataset: self.dataset, column, from, from_column });
                }
            }
        }
    }

    fn odd(mut self) -> (Vec<ColumnEdge>, Notes) {
        self.notes.add(Notes::ODD_FACET);
        (self.edges, self.notes)
    }
}
