//! One sheet of a workbook, as SpreadsheetML (ECMA-376) has it, row after row. Text is written as text, whatever it begins
//! with, so that no program takes it for a formula; only what this program counted is a number.

use crate::limits::{WORKBOOK_CELL_CHARS_MAX, WORKBOOK_SHEET_BYTES_MAX};
use std::io::{self, Write};

/// How a cell looks: its place among the formats of the workbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// As it comes.
    Plain,
    /// The head of a column.
    Head,
    /// Lines that are broken.
    Wrapped,
    /// A count.
    Number,
    /// A verdict that fails.
    Fail,
    /// One that is open.
    Open,
    /// One of something that did not operate.
    Idle,
    /// One that passes.
    Pass,
}

impl Look {
    /// Its number among the styles.
    fn number(self) -> &'static str {
        match self {
            Look::Plain => "0",
            Look::Head => "1",
            Look::Wrapped => "2",
            Look::Number => "3",
            Look::Fail => "4",
            Look::Open => "5",
            Look::Idle => "6",
            Look::Pass => "7",
        }
    }
}

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name, as the CSV has it.
    pub name: &'static str,
    /// Its width in characters.
    pub width: u16,
    /// How its cells look.
    pub look: Look,
}

/// A sheet on its way.
pub struct Sheet<'w> {
    out: &'w mut dyn Write,
    columns: &'static [Column],
    line: String,
    rows: u32,
    rows_max: u32,
    bytes: u64,
}

/// Whether a row is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It is.
    Left,
    /// No, and none that follows will be.
    None,
}

const OPENING: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
    <worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetPr><pageSetUpPr fitToPage=\"1\"/></sheetPr>\
    <sheetViews><sheetView workbookViewId=\"0\"><pane ySplit=\"1\" topLeftCell=\"A2\" activePane=\"bottomLeft\" state=\"frozen\"/>\
    </sheetView></sheetViews><sheetFormatPr defaultRowHeight=\"15\"/><cols>";

impl<'w> Sheet<'w> {
    /// Begins with the columns' names. `rows_max` counts that row, and one that says where the sheet was cut.
    pub fn begin(out: &'w mut dyn Write, columns: &'static [Column], rows_max: u32) -> io::Result<Sheet<'w>> {
        out.write_all(OPENING.as_bytes())?;
        for (column, at) in columns.iter().zip(1u32..) {
            write!(out, "<col min=\"{at}\" max=\"{at}\" width=\"{}\" customWidth=\"1\"/>", column.width)?;
        }
        out.write_all(b"</cols><sheetData>")?;
        let mut sheet = Sheet { out, columns, line: String::new(), rows: 0, rows_max, bytes: 0 };
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        sheet.row_as(&names, |_| Look::Head)?;
        Ok(sheet)
    }

    /// Appends a row with a cell for each column, unless the sheet is full.
    pub fn row(&mut self, cells: &[&str]) -> io::Result<Room> {
        let full = self.rows.saturating_add(2) > self.rows_max || self.bytes >= WORKBOOK_SHEET_BYTES_MAX;
        if full {
            return Ok(Room::None);
        }
        let columns = self.columns;
        self.row_as(cells, |at| columns.get(at).map_or(Look::Plain, |column| column.look))?;
        Ok(Room::Left)
    }

    /// Says in the last row that the sheet was cut.
    pub fn cut(&mut self, note: &str) -> io::Result<()> {
        self.row_as(&[note], |_| Look::Open)
    }

    /// Ends the sheet: how many rows it has.
    pub fn end(self) -> io::Result<u32> {
        let last = letter(self.columns.len().saturating_sub(1));
        write!(
            self.out,
            "</sheetData><autoFilter ref=\"A1:{last}{}\"/><pageMargins left=\"0.5\" right=\"0.5\" top=\"0.6\" bottom=\"0.6\" \
            header=\"0.3\" footer=\"0.3\"/><pageSetup paperSize=\"9\" orientation=\"landscape\" fitToHeight=\"0\"/></worksheet>",
            self.rows
        )?;
        Ok(self.rows)
    }

    fn row_as(&mut self, cells: &[&str], look: impl Fn(usize) -> Look) -> io::Result<()> {
        self.rows = self.rows.saturating_add(1);
        let (rows, line) = (self.rows.to_string(), &mut self.line);
        line.clear();
        push_all(line, &["<row r=\"", &rows, "\">"]);
        for (at, cell) in cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            let look = verdict(look(at), cell);
            line.push_str("<c r=\"");
            line.push(letter(at));
            push_all(line, &[&rows, "\" s=\"", look.number()]);
            if look == Look::Number && is_number(cell) {
                push_all(line, &["\"><v>", cell, "</v></c>"]);
            } else {
                line.push_str("\" t=\"inlineStr\"><is><t xml:space=\"preserve\">");
                push_text(line, cell);
                line.push_str("</t></is></c>");
            }
        }
        self.line += "</row>";
        self.bytes = self.bytes.saturating_add(u64::try_from(self.line.len()).unwrap_or(u64::MAX));
        self.out.write_all(self.line.as_bytes())
    }
}

fn push_all(line: &mut String, parts: &[&str]) {
    parts.iter().for_each(|part| line.push_str(part));
}

/// A verdict stands out by its word, and by a colour besides.
fn verdict(look: Look, cell: &str) -> Look {
    match (look, cell) {
        (Look::Plain, "fail" | "exception") => Look::Fail,
        (Look::Plain, "indeterminate") => Look::Open,
        (Look::Plain, "not operated") => Look::Idle,
        (Look::Plain, "pass") => Look::Pass,
        (_, _) => look,
    }
}

/// Whether a cell is a number that a spreadsheet keeps to the digit.
fn is_number(cell: &str) -> bool {
    (1..=15).contains(&cell.len()) && cell.bytes().all(|byte| byte.is_ascii_digit())
}

/// The name of a column; sheets here have fewer than 26.
pub fn letter(at: usize) -> char {
    ('A'..='Z').nth(at).unwrap_or('Z')
}

/// Text as SpreadsheetML has it: what XML cannot hold is spelled `_x0007_`, and what looks so already is told apart.
fn push_text(out: &mut String, text: &str) {
    // Nearly every cell is short and plain.
    if text.len() <= 256
        && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'&' | b'<' | b'>' | b'_'))
    {
        return out.push_str(text);
    }
    let mut units = 0usize;
    for (at, c) in text.char_indices() {
        units = units.saturating_add(c.len_utf16());
        if units > WORKBOOK_CELL_CHARS_MAX.saturating_sub(CUT.len()) {
            *out += CUT;
            return;
        }
        match c {
            '&' => *out += "&amp;",
            '<' => *out += "&lt;",
            '>' => *out += "&gt;",
            '_' if is_spelled(text.get(at..).unwrap_or_default()) => *out += "_x005F_",
            '\t' | '\n' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => *out += &format!("_x{:04X}_", u32::from(c)),
            c if u32::from(c) < 0x20 => *out += &format!("_x{:04X}_", u32::from(c)),
            c => out.push(c),
        }
    }
}

/// Where a cell ends that the format cannot hold.
const CUT: &str = " ... cut here; the CSV has all of it";

fn is_spelled(text: &str) -> bool {
    let digits = text.strip_prefix("_x").and_then(|rest| rest.split_once('_'));
    digits.is_some_and(|(hex, _)| hex.len() == 4 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] =
        &[Column { name: "text", width: 9, look: Look::Plain }, Column { name: "count", width: 9, look: Look::Number }];

    fn sheet(rows_max: u32, rows: &[[&str; 2]]) -> (String, u32) {
        let mut out = Vec::new();
        let mut sheet = Sheet::begin(&mut out, COLUMNS, rows_max).unwrap();
        if rows.iter().any(|row| sheet.row(row).unwrap() == Room::None) {
            sheet.cut("cut").unwrap();
        }
        let rows = sheet.end().unwrap();
        (String::from_utf8(out).unwrap(), rows)
    }

    #[test]
    fn text_is_text_and_counts_are_numbers() {
        let (xml, rows) = sheet(9, &[["=1+1|<&>", "12"], ["a\u{7}_x0007_\r", "1e5"], ["pass", "1234567890123456"]]);
        assert_eq!(rows, 4);
        for wanted in [
            "<c r=\"A2\" s=\"0\" t=\"inlineStr\"><is><t xml:space=\"preserve\">=1+1|&lt;&amp;&gt;</t></is></c>",
            "<c r=\"B2\" s=\"3\"><v>12</v></c>",
            "a_x0007__x005F_x0007__x000D_</t>",
            "<c r=\"B3\" s=\"3\" t=\"inlineStr\"><is><t xml:space=\"preserve\">1e5</t>",
            "<c r=\"A4\" s=\"7\" t=",
            "preserve\">1234567890123456</t>",
            "<autoFilter ref=\"A1:B4\"/>",
        ] {
            assert!(xml.contains(wanted), "{wanted} in {xml}");
        }
        roxmltree::Document::parse(&xml).unwrap();
    }

    #[test]
    fn a_full_sheet_says_so_in_its_last_row() {
        let rows = [["1", "1"], ["2", "2"], ["3", "3"]];
        assert_eq!(sheet(5, &rows).1, 4);
        let (xml, count) = sheet(4, &rows);
        assert_eq!(count, 4, "its head, two rows, and the note");
        assert!(xml.contains(">cut</t>") && !xml.contains("<v>3</v>"));
    }

    #[test]
    fn a_cell_is_no_longer_than_the_format_allows() {
        let mut out = String::new();
        push_text(&mut out, &"\u{1f600}".repeat(20_000));
        assert!(out.ends_with(CUT) && out.encode_utf16().count() <= WORKBOOK_CELL_CHARS_MAX);
    }
}
