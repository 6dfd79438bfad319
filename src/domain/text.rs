//! Text that others wrote, made harmless before anybody is shown it. It says nothing about what such text means.

use std::fmt::Write as _;

/// Makes foreign text harmless: control and format characters become `\u{…}`.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\n' || !(c.is_control() || is_format(c)) {
            out.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        }
    }
    out
}

/// The same, line feeds included: for text that must stay on its line.
pub fn escape_line(text: &str) -> String {
    escape(text).replace('\n', "\\n")
}

/// Characters that are invisible or turn the reading direction.
fn is_format(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_harmless() {
        assert_eq!(escape("a\u{1b}[31mb\r\u{7}"), "a\\u{1b}[31mb\\u{d}\\u{7}");
        assert_eq!(escape("x\u{202e}y\u{200b}\u{9b}"), "x\\u{202e}y\\u{200b}\\u{9b}");
        assert_eq!(escape("é 日本\n"), "é 日本\n");
        assert_eq!(escape_line("a\nb"), "a\\nb");
    }
}
