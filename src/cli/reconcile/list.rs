//! Reading an outside list: CSV as RFC 4180 has it, or one JSON object a line. Errors name the row. It knows nothing of
//! what the keys mean.

use super::ListFormat;
use crate::cli::errors::Failure;
use crate::cli::output::read_bounded;
use crate::limits::RECONCILE_LIST_BYTES_MAX;
use crate::record::line::{json, time};
use deedbook_verify::words::Micros;
use std::borrow::Cow;
use std::path::Path;

/// One row.
pub struct Listed<'a> {
    /// Its key.
    pub key: Cow<'a, str>,
    /// When it happened.
    pub time: Micros,
}

/// The whole list, within a bound.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    read_bounded(path, RECONCILE_LIST_BYTES_MAX)
}

/// Hands over every row. A byte order mark in front is skipped.
pub fn rows(
    bytes: &[u8],
    format: ListFormat,
    (key, time): (&str, &str),
    mut take: impl FnMut(Listed<'_>) -> Result<(), String>,
) -> Result<(), String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|error| format!("byte {} is not UTF-8", error.valid_up_to()))?;
    match format {
        ListFormat::Jsonl => jsonl(text, (key, time), &mut take),
        ListFormat::Csv => csv(text, (key, time), &mut take),
    }
}

type Take<'t> = &'t mut dyn FnMut(Listed<'_>) -> Result<(), String>;

fn jsonl(text: &str, (key, time): (&str, &str), take: Take<'_>) -> Result<(), String> {
    for (number, line) in (1u64..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let members = json::document(line.as_bytes()).map_err(|error| format!("line {number}: {error}"))?;
        let value = |name: &str| {
            let raw = members.get(name).ok_or_else(|| format!("line {number}: `{name}` is missing"))?;
            Ok::<_, String>(json::text(raw, name).unwrap_or(Cow::Borrowed(raw.get())))
        };
        let row = Listed { key: value(key)?, time: moment(&value(time)?, number)? };
        take(row).map_err(|problem| format!("line {number}: {problem}"))?;
    }
    Ok(())
}

fn csv(text: &str, (key, time): (&str, &str), take: Take<'_>) -> Result<(), String> {
    let mut reader = Csv { rest: text, line: 1 };
    let Some(header) = reader.row()? else { return Err("it is empty: the first row names the columns".to_owned()) };
    let column = |name: &str| {
        let found = header.iter().position(|column| column.trim() == name);
        found.ok_or_else(|| format!("no column is called `{name}`; there are: {}", header.join(", ")))
    };
    let (key, time) = (column(key)?, column(time)?);
    loop {
        let line = reader.line;
        let Some(row) = reader.row()? else { return Ok(()) };
        if row.len() == 1 && row.first().is_some_and(|only| only.is_empty()) {
            continue;
        }
        let cell = |at: usize| row.get(at).ok_or_else(|| format!("line {line}: it has {} cells", row.len()));
        let listed = Listed { key: Cow::Borrowed(cell(key)?), time: moment(cell(time)?, line)? };
        take(listed).map_err(|problem| format!("line {line}: {problem}"))?;
    }
}

fn moment(text: &str, line: u64) -> Result<Micros, String> {
    time::zoned(text.trim()).map(|moment| moment.micros).map_err(|defect| format!("line {line}: `{text}` {defect}"))
}

/// RFC 4180, with line feeds alone as line ends too.
struct Csv<'a> {
    rest: &'a str,
    line: u64,
}

impl<'a> Csv<'a> {
    /// The cells of the next row; none at the end.
    fn row(&mut self) -> Result<Option<Vec<Cow<'a, str>>>, String> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let mut cells = Vec::new();
        loop {
            let (cell, more) = self.cell()?;
            cells.push(cell);
            if !more {
                return Ok(Some(cells));
            }
        }
    }

    /// One cell, and whether another follows in the row.
    fn cell(&mut self) -> Result<(Cow<'a, str>, bool), String> {
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self.rest.find([',', '\n']).unwrap_or(self.rest.len());
            let (cell, behind) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
            self.rest = behind;
            let more = self.separator()?;
            return Ok((Cow::Borrowed(if more { cell } else { cell.strip_suffix('\r').unwrap_or(cell) }), more));
        };
        let (line, mut text, mut rest) = (self.line, String::new(), quoted);
        loop {
            let Some((part, behind)) = rest.split_once('"') else {
                return Err(format!("line {line}: a quoted cell does not end"));
            };
            text.push_str(part);
            match behind.strip_prefix('"') {
                Some(behind) => {
                    text.push('"');
                    rest = behind;
                }
                None => {
                    let feeds = text.bytes().filter(|byte| *byte == b'\n').count();
                    self.line = self.line.saturating_add(u64::try_from(feeds).unwrap_or(u64::MAX));
                    self.rest = behind
                        .strip_prefix('\r')
                        .filter(|next| next.is_empty() || next.starts_with('\n'))
                        .unwrap_or(behind);
                    let more = self.separator()?;
                    return Ok((Cow::Owned(text), more));
                }
            }
        }
    }

    /// Takes what stands behind a cell; whether it is a comma.
    fn separator(&mut self) -> Result<bool, String> {
        if let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest;
            return Ok(true);
        }
        match self.rest.strip_prefix('\n') {
            Some(rest) => {
                self.rest = rest;
                self.line = self.line.saturating_add(1);
                Ok(false)
            }
            None if self.rest.is_empty() => Ok(false),
            None => Err(format!("line {}: something stands behind a closing quote", self.line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(format: ListFormat, text: &str) -> Result<Vec<(String, u64)>, String> {
        let mut found = Vec::new();
        rows(text.as_bytes(), format, ("id", "at"), |row| {
            found.push((row.key.into_owned(), row.time.0));
            Ok(())
        })?;
        Ok(found)
    }

    const AT: &str = "2026-01-05T03:00:00Z";
    const MICROS: u64 = 1_767_582_000_000_000;

    #[test]
    fn csv_is_read_with_quotes_and_either_line_end() {
        let text = format!("\u{feff}x,id,at\r\n1,a,{AT}\r\n2,\"b,\"\"c\n\",{AT}\n\n3,\"d\",\"{AT}\"");
        let mut found = Vec::new();
        rows(text.as_bytes(), ListFormat::Csv, ("id", "at"), |row| {
            found.push((row.key.into_owned(), row.time.0));
            Ok(())
        })
        .unwrap();
        let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, ["a", "b,\"c\n", "d"]);
        assert!(found.iter().all(|(_, at)| *at == MICROS));
        assert_eq!(read_all(ListFormat::Csv, "id,at\n").unwrap(), []);
    }

    #[test]
    fn a_bad_row_is_named_by_its_line() {
        let csv = |text: &str| read_all(ListFormat::Csv, text).unwrap_err();
        assert!(csv("").contains("first row"));
        assert!(csv("id,time\n").contains("no column is called `at`"), "{}", csv("id,time\n"));
        assert!(csv(&format!("id,at\n\"x\ny\",{AT}\na\n")).starts_with("line 4:"));
        assert!(csv("id,at\na,yesterday\n").starts_with("line 2: `yesterday`"));
        assert!(csv("id,at\n\"a,b\n").starts_with("line 2: a quoted cell"));
        assert!(csv("id,at\n\"a\"b,c\n").starts_with("line 2: something"));
        let jsonl = |text: &str| read_all(ListFormat::Jsonl, text);
        assert_eq!(
            jsonl(&format!("{{\"id\":\"a\",\"at\":\"{AT}\"}}\n\n{{\"id\":7,\"at\":\"{AT}\"}}")).unwrap().len(),
            2
        );
        assert!(jsonl("{\"id\":\"a\"}\n").unwrap_err().contains("`at` is missing"));
        assert!(jsonl("\n[]\n").unwrap_err().starts_with("line 2:"));
    }
}
