//! Rows of a package's tables by the names of their columns.

use crate::evidence::Rows;
use deedbook_verify::package::Folder;
use serde::{Serialize, Serializer};
use std::io;

/// A table on its way.
pub struct Table(Rows);

/// Words with spaces between them: a list, where they are written as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    /// One after the other.
    pub fn each(self) -> impl Iterator<Item = &'a str> {
        self.0.split_ascii_whitespace()
    }
}

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.each())
    }
}

/// One row.
pub struct Row<'a> {
    head: &'a [String],
    cells: &'a [String],
}

impl Table {
    /// Opens a table of a package.
    pub fn open(folder: &dyn Folder, path: &str) -> io::Result<Table> {
        Rows::open(folder, path).map(Table)
    }

    /// The next row; none: these were all.
    pub fn read(&mut self) -> io::Result<Option<Row<'_>>> {
        Ok(self.0.read_named()?.map(|(head, cells)| Row { head, cells }))
    }
}

impl Row<'_> {
    /// The cell of a column; empty where there is no such column.
    pub fn get(&self, column: &str) -> &str {
        let at = self.head.iter().position(|name| name == column);
        at.and_then(|at| self.cells.get(at)).map_or("", String::as_str)
    }

    /// The words of a cell that holds several.
    pub fn words(&self, column: &str) -> Words<'_> {
        Words(self.get(column))
    }

    /// A cell that holds a number.
    pub fn number(&self, column: &str) -> u64 {
        self.get(column).parse().unwrap_or_default()
    }
}
