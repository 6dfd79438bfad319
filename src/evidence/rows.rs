//! Reads the CSV files of a package, row by row, as `deedbook_verify::package` writes them. It is no reader for anybody
//! else's CSV, and takes nothing back: the apostrophe in front of a formula stays.

use crate::limits::PACKAGE_ROW_BYTES_MAX;
use deedbook_verify::package::Folder;
use std::io::{self, BufRead, BufReader, Read};

/// A file's rows. It holds one of them, in cells that are used again: a million rows need no more than one.
pub struct Rows {
    input: BufReader<Box<dyn Read + Send>>,
    head: Vec<String>,
    line: Vec<u8>,
    cells: Vec<String>,
}

impl Rows {
    /// Opens a file and reads its head.
    pub fn open(folder: &dyn Folder, path: &str) -> io::Result<Rows> {
        let input = BufReader::with_capacity(64 * 1024, folder.open(path)?);
        let mut rows = Rows { input, head: Vec::new(), line: Vec::new(), cells: Vec::new() };
        rows.head = rows.read()?.ok_or_else(|| malformed("it has no head"))?.to_vec();
        Ok(rows)
    }

    /// The names of the columns.
    pub fn head(&self) -> &[String] {
        &self.head
    }

    /// The next row, which has as many cells as the head; none: these were all.
    pub fn read(&mut self) -> io::Result<Option<&[String]>> {
        Ok(self.read_named()?.map(|(_, cells)| cells))
    }

    /// The names of the columns, and the next row.
    pub fn read_named(&mut self) -> io::Result<Option<(&[String], &[String])>> {
        self.line.clear();
        loop {
            let room = PACKAGE_ROW_BYTES_MAX.saturating_sub(self.line.len());
            let room = u64::try_from(room).unwrap_or(u64::MAX);
            let read = self.input.by_ref().take(room).read_until(b'\n', &mut self.line)?;
            // A line break inside quotes belongs to the cell.
            let open = self.line.iter().filter(|byte| **byte == b'"').count() % 2 == 1;
            match (read, open) {
                (0, _) if self.line.is_empty() => return Ok(None),
                (0, _) => return Err(malformed("a row ends inside, or is longer than rows can be")),
                (_, true) => {}
                (_, false) if self.line.ends_with(b"\r\n") => break,
                (_, false) => {}
            }
        }
        let text = self.line.strip_suffix(b"\r\n").unwrap_or_default();
        let text = std::str::from_utf8(text).map_err(|_| malformed("a row is no UTF-8"))?;
        cut(text, &mut self.cells).ok_or_else(|| malformed("a cell goes on behind its quotes"))?;
        if !self.head.is_empty() && self.cells.len() != self.head.len() {
            return Err(malformed("a row has other cells than the head"));
        }
        Ok(Some((&self.head, &self.cells)))
    }
}

/// Cuts a line into cells.
fn cut(text: &str, cells: &mut Vec<String>) -> Option<()> {
    let (mut count, mut rest) = (0usize, text);
    loop {
        if cells.len() == count {
            cells.push(String::new());
        }
        let cell = cells.get_mut(count)?;
        cell.clear();
        count = count.saturating_add(1);
        let end = match rest.strip_prefix('"') {
            None => {
                let (plain, behind) = rest.split_at_checked(rest.find(',').unwrap_or(rest.len()))?;
                cell.push_str(plain);
                behind
            }
            Some(quoted) => unquoted(quoted, cell)?,
        };
        if end.is_empty() {
            cells.truncate(count);
            return Some(());
        }
        rest = end.strip_prefix(',')?;
    }
}

/// Appends a cell up to its closing quote; what stands behind.
fn unquoted<'t>(text: &'t str, cell: &mut String) -> Option<&'t str> {
    let mut rest = text;
    loop {
        let (before, behind) = rest.split_once('"')?;
        cell.push_str(before);
        match behind.strip_prefix('"') {
            Some(more) => {
                cell.push('"');
                rest = more;
            }
            None => return Some(behind),
        }
    }
}

fn malformed(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    struct One(&'static str);

    impl Folder for One {
        fn list(&self) -> io::Result<Vec<String>> {
            Ok(vec!["a.csv".to_owned()])
        }

        fn open(&self, _: &str) -> io::Result<Box<dyn Read + Send>> {
            Ok(Box::new(io::Cursor::new(self.0.as_bytes())))
        }
    }

    fn all(text: &'static str) -> io::Result<Vec<Vec<String>>> {
        let mut rows = Rows::open(&One(text), "a.csv")?;
        let mut found = Vec::new();
        while let Some(row) = rows.read()? {
            found.push(row.to_vec());
        }
        Ok(found)
    }

    #[test]
    fn cells_come_back_as_they_were_written() {
        let rows = all("a,b,c\r\n1,\"x, \"\"y\"\"\r\nz\",\r\n,,\"\"\r\n").unwrap();
        assert_eq!(rows, [["1", "x, \"y\"\r\nz", ""], ["", "", ""]]);
        assert!(all("a\r\n").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_row_is_refused() {
        for bad in ["", "a,b\r\n1\r\n", "a\r\n\"x\r\n", "a\r\n\"x\"y\r\n", "a\r\nx", "a\r\nx\n"] {
            assert!(all(bad).is_err(), "{bad:?}");
        }
    }
}
