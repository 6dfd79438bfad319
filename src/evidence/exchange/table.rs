//! Rows of a package's tables by the names of their columns.

use crate::evidence::Rows;
use deedbook_verify::package::Folder;
use std::io;

/// A table on its way.
pub struct Table(Rows);

/// One row.
pub struct Row<'a> {
    head: &'a [String],
    cells: Vec<String>,
}

impl Table {
    /// Opens a table of a package.
    pub fn open(folder: &dyn Folder, path: &str) -> io::Result<Table> {
        Rows::open(folder, path).map(Table)
    }

    /// The next row; none: these were all.
    pub fn read(&mut self) -> io::Result<Option<Row<'_>>> {
        let cells = self.0.read()?;
        Ok(cells.map(|cells| Row { head: self.0.head(), cells }))
    }
}

impl Row<'_> {
    /// The cell of a column; empty where there is no such column.
    pub fn get(&self, column: &str) -> &str {
        let at = self.head.iter().position(|name| name == column);
        at.and_then(|at| self.cells.get(at)).map_or("", String::as_str)
    }

    /// The words of a cell that holds several.
    pub fn words(&self, column: &str) -> Vec<&str> {
        self.get(column).split_ascii_whitespace().collect()
    }

    /// A cell that holds a number.
    pub fn number(&self, column: &str) -> u64 {
        self.get(column).parse().unwrap_or_default()
    }
}
