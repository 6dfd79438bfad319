//! Comma-separated values as RFC 4180 writes them, in UTF-8, lines ending in CR LF. Spreadsheets take some cells for
//! formulas; such a cell gets an apostrophe in front, so that what others chose is shown and never run.

use crate::calendar::Clockface;
use crate::words::Micros;

/// A line under construction. It is cleared and used again, so that a million rows need one allocation.
#[derive(Default)]
pub struct Line {
    bytes: Vec<u8>,
    clock: Clockface,
}

impl Line {
    /// Begins anew.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// A cell whose text is this program's own, or hex, or digits: nothing in it needs quoting.
    pub fn plain(&mut self, text: &str) {
        self.separate();
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// A cell of any text.
    pub fn cell(&mut self, text: &str) {
        self.separate();
        let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
        let quoted = text.bytes().any(|byte| matches!(byte, b'"' | b',' | b'\r' | b'\n'));
        if !formula && !quoted {
            return self.bytes.extend_from_slice(text.as_bytes());
        }
        if quoted {
            self.bytes.push(b'"');
        }
        if formula {
            self.bytes.push(b'\'');
        }
        for byte in text.bytes() {
            if byte == b'"' {
                self.bytes.push(b'"');
            }
            self.bytes.push(byte);
        }
        if quoted {
            self.bytes.push(b'"');
        }
    }

    /// A cell of a time.
    pub fn time(&mut self, micros: Micros) {
        self.separate();
        self.clock.write(micros, &mut self.bytes);
    }

    /// A cell of bytes as lower-case hex.
    pub fn hex(&mut self, bytes: &[u8]) {
        self.separate();
        self.push_hex(bytes);
    }

    /// A cell of several values in hex, with a space between them.
    pub fn hexes<'a>(&mut self, values: impl Iterator<Item = &'a [u8]>) {
        self.separate();
        for (at, value) in values.enumerate() {
            if at > 0 {
                self.bytes.push(b' ');
            }
            self.push_hex(value);
        }
    }

    /// A cell of numbers with a space between them.
    pub fn numbers(&mut self, values: impl Iterator<Item = u64>) {
        self.separate();
        for (at, value) in values.enumerate() {
            if at > 0 {
                self.bytes.push(b' ');
            }
            self.push_number(value);
        }
    }

    /// Ends the line and hands out its bytes.
    pub fn end(&mut self) -> &[u8] {
        self.bytes.extend_from_slice(b"\r\n");
        &self.bytes
    }

    fn separate(&mut self) {
        // Every line begins with a cell that is not empty.
        if !self.bytes.is_empty() {
            self.bytes.push(b',');
        }
    }

    fn push_hex(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(HEX_CHUNK) {
            let mut digits = [[0; 2]; HEX_CHUNK];
            let pairs = digits.iter_mut().zip(chunk);
            pairs.for_each(|(to, byte)| *to = PAIRS.get(usize::from(*byte)).copied().unwrap_or_default());
            self.bytes.extend_from_slice(digits.get(..chunk.len()).unwrap_or_default().as_flattened());
        }
    }

    fn push_number(&mut self, value: u64) {
        let (start, mut rest) = (self.bytes.len(), value);
        loop {
            self.bytes.push(b'0'.saturating_add(u8::try_from(rest % 10).unwrap_or(0)));
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if let Some(digits) = self.bytes.get_mut(start..) {
            digits.reverse();
        }
    }
}

/// Bytes that are turned into hex at once.
const HEX_CHUNK: usize = 16;

/// The two hex digits of each byte.
static PAIRS: [[u8; 2]; 256] = {
    let digits = *b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut rest: &mut [[u8; 2]] = &mut pairs;
    let mut byte = 0u8;
    while let Some((pair, behind)) = rest.split_first_mut() {
        *pair = [digit(digits, byte >> 4), digit(digits, byte & 15)];
        rest = behind;
        byte = byte.wrapping_add(1);
    }
    pairs
};

/// A digit of a number below 16.
const fn digit(digits: [u8; 16], nibble: u8) -> u8 {
    let (_, rest) = digits.as_slice().split_at(nibble as usize);
    if let [digit, ..] = rest { *digit } else { b'0' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_neutralised() {
        let mut line = Line::default();
        line.plain("a");
        for cell in ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "plain", "a,b", "say \"hi\"", "two\nlines", "=a,\"b\"", ""]
        {
            line.cell(cell);
        }
        line.numbers([0, 7, u64::MAX].into_iter());
        line.hexes([[0xa0_u8].as_slice(), &[0x0f, 1]].into_iter());
        let wanted = "a,'=1+1,'+1,'-1,'@x,'\tx,\"'\rx\",plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"'=a,\"\"b\"\"\",,\
                      0 7 18446744073709551615,a0 0f01\r\n";
        assert_eq!(String::from_utf8_lossy(line.end()), wanted);
    }
}
