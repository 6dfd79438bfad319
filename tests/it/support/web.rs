//! The least HTTP client that tests of witnesses need: one request, one connection, the whole answer.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer, taken apart.
#[derive(Debug)]
pub struct WebAnswer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl WebAnswer {
    /// The value of a header, by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| line.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(name));
        self.head.lines().find(|found| line(found)).and_then(|line| line.split_once(':')).map(|(_, value)| value.trim())
    }
}

/// Sends a request; none when nobody answers.
pub fn ask(address: SocketAddr, method: &str, path: &str, body: &[u8]) -> Option<WebAnswer> {
    ask_with(address, (method, path), &[], body)
}

/// The same with headers.
pub fn ask_with(
    address: SocketAddr,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<WebAnswer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let length = body.len();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    stream.write_all(head.as_bytes()).ok()?;
    // A server that refuses the length answers before it read the body.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let answer = String::from_utf8(answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(WebAnswer { status, head: head.to_owned(), body: body.to_owned() })
}

/// GET.
pub fn get(address: SocketAddr, path: &str) -> Option<WebAnswer> {
    ask(address, "GET", path, b"")
}

/// POST.
pub fn post(address: SocketAddr, path: &str, body: &[u8]) -> Option<WebAnswer> {
    ask(address, "POST", path, body)
}
