//! Reads Rust source as text for the tidy rules: what is code, which paths it names, where functions end.
//!
//! Not a parser: it knows comments, literals, braces and `use` groups, and nothing of macros or types. That is enough
//! for rules about names and lengths, and it keeps the rules free of a compiler's dependencies.

/// The text with comments, strings and character literals turned into spaces; lines and offsets stay the same.
pub fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let in_word = at > 0 && is_word(bytes[at - 1]);
        match inert_end(text, at, in_word) {
            Some(end) => {
                out.extend(bytes[at..end].iter().map(|&byte| if byte == b'\n' { byte } else { b' ' }));
                at = end;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(out).expect("whole characters are kept or blanked")
}

/// Every path that the code names, with its offset: `use a::{b, c::d}` gives `a::b` and `a::c::d`. A name without
/// `::` counts only directly after `use`.
pub fn paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut after_use = false;
    while at < code.len() {
        let word = word_at(code, at);
        if word.is_empty() {
            after_use &= code.as_bytes()[at].is_ascii_whitespace();
            at += 1;
        } else if word == "use" {
            after_use = true;
            at += word.len();
        } else {
            let mut here = Vec::new();
            let end = expand(code, at, "", &mut here);
            found.extend(here.into_iter().filter(|path| after_use || path.contains("::")).map(|path| (at, path)));
            after_use = false;
            at = end;
        }
    }
    found
}

/// The functions of the code: line of the signature, from 1, and number of lines up to the closing brace.
pub fn functions(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = 0;
    for (number, line) in code.split_inclusive('\n').enumerate() {
        if is_signature(line) {
            found.push((number + 1, lines_of_item(&code[start..])));
        }
        start += line.len();
    }
    found
}

/// The line of an offset, from 1.
pub fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|&&byte| byte == b'\n').count() + 1
}

fn is_signature(line: &str) -> bool {
    let mut words = line.split_whitespace();
    words.find(|word| !matches!(*word, "const" | "async" | "unsafe" | "extern") && !word.starts_with("pub"))
        == Some("fn")
}

fn lines_of_item(code: &str) -> usize {
    let mut depth = 0_usize;
    for (offset, byte) in code.bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            b';' if depth == 0 => return line_of(code, offset),
            _ => continue,
        }
        if byte == b'}' && depth == 0 {
            return line_of(code, offset);
        }
    }
    line_of(code, code.len())
}

/// Appends the paths that start at `at`, each led by `prefix`, and returns the offset behind them.
fn expand(code: &str, at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    let word = word_at(code, at);
    if word.is_empty() {
        return if code[at..].starts_with('{') {
            expand_group(code, at + 1, prefix, found)
        } else {
            found.push(prefix.trim_end_matches("::").to_owned());
            at
        };
    }
    let path = format!("{prefix}{word}");
    let end = at + word.len();
    let next = skip_space(code, end);
    if code[next..].starts_with("::") {
        return expand(code, skip_space(code, next + 2), &format!("{path}::"), found);
    }
    found.push(path);
    end
}

fn expand_group(code: &str, mut at: usize, prefix: &str, found: &mut Vec<String>) -> usize {
    loop {
        at = skip_space(code, at);
        match code.as_bytes().get(at) {
            None => return at,
            Some(b'}') => return at + 1,
            Some(b',') => at += 1,
            Some(_) => {
                at = expand(code, at, prefix, found);
                // What stands between a member and the comma is `as name`, or the `*` of a glob.
                at += code[at..].find([',', '}']).unwrap_or(code.len() - at);
            }
        }
    }
}

fn skip_space(code: &str, at: usize) -> usize {
    at + code[at..].bytes().take_while(u8::is_ascii_whitespace).count()
}

/// The identifier at this offset; empty inside a character that is no part of one.
fn word_at(code: &str, at: usize) -> &str {
    let length = code.as_bytes()[at..].iter().take_while(|&&byte| is_word(byte)).count();
    code.get(at..at + length).unwrap_or("")
}

fn is_word(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphanumeric()
}

/// Where the comment or literal that begins here ends; `None` when none begins here.
fn inert_end(text: &str, at: usize, in_word: bool) -> Option<usize> {
    let rest = text.as_bytes().get(at..)?;
    let length = match rest {
        [b'/', b'/', ..] => rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment_length(rest),
        [b'"', ..] => string_length(rest),
        [b'r', b'"' | b'#', ..] if !in_word => raw_string_length(rest)?,
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !in_word => 1 + raw_string_length(&rest[1..])?,
        [b'\'', b'\\', _, tail @ ..] => 3 + tail.iter().position(|&byte| byte == b'\'')? + 1,
        [b'\'', ..] => {
            let character = text[at + 1..].chars().next()?;
            let end = 1 + character.len_utf8();
            (rest.get(end) == Some(&b'\'')).then_some(end + 1)?
        }
        _ => return None,
    };
    Some((at + length).min(text.len()))
}

fn block_comment_length(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    rest.len()
}

fn string_length(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string_length(rest: &[u8]) -> Option<usize> {
    let hashes = rest[1..].iter().take_while(|&&byte| byte == b'#').count();
    let body = 1 + hashes + 1;
    // `r#name` is an identifier, not a string.
    if rest.get(1 + hashes) != Some(&b'"') {
        return None;
    }
    let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
    let end = rest[body..].windows(close.len()).position(|window| window == close);
    Some(end.map_or(rest.len(), |end| body + end + close.len()))
}

#[test]
fn literals_and_comments_are_no_code() {
    let text = "a(\"{\"); // {\nb('{', '\\'', r#\"}\"}\"#); /* { /* } */ */ c::<'x>('é')";
    let code = code_only(text);
    assert_eq!(code.len(), text.len());
    assert_eq!(code.split_whitespace().collect::<String>(), "a();b(,,);c::<'x>()");
}

#[test]
fn groups_expand_to_paths() {
    let check = |code: &str, expected: &[&str]| {
        let found: Vec<String> = paths(code).into_iter().map(|(_, path)| path).collect();
        assert_eq!(found, expected, "{code}");
    };
    check("use crate::{a, b::{self, c as d}, e::*};", &["crate::a", "crate::b::self", "crate::b::c", "crate::e"]);
    check("use rocksdb;", &["rocksdb"]);
    check("use rocksdb as engine;", &["rocksdb"]);
    check("let rocksdb = x.y(a::b::<T>());", &["a::b"]);
    check("#[tokio::main] fn f(x: crate :: ledger :: Head) {}", &["tokio::main", "crate::ledger::Head"]);
}

#[test]
fn functions_end_at_their_brace() {
    let check = |code: &str, expected: &[(usize, usize)]| assert_eq!(functions(code), expected, "{code}");
    check("fn a() {\n  if x {\n  }\n}\nfn b();\n", &[(1, 4), (5, 1)]);
    check("pub(crate) async fn a(\n  x: [u8; 2],\n) {\n}\n", &[(1, 4)]);
    check("let fn_pointer: fn(u8) = f;\n// fn\n", &[]);
}
