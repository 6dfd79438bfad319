//! A browser of the HTTP port that keeps its connection: HTTP/1.1 over a plain socket, as little of it as is needed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An answer.
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// One connection, made again when the server closed it.
pub struct Browser {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Browser {
        Browser { address, stream: None }
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path.as_bytes())
    }

    /// Whatever stands in `path` goes to the server as it is.
    pub fn ask(&mut self, method: &str, path: &[u8]) -> Answer {
        let stream = self.stream.get_or_insert_with(|| {
            let stream = TcpStream::connect(self.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            stream.set_nodelay(true).unwrap();
            BufReader::new(stream)
        });
        let request = [method.as_bytes(), b" ", path, b" HTTP/1.1\r\nhost: localhost\r\n\r\n"].concat();
        stream.get_mut().write_all(&request).unwrap();
        let first = line(stream);
        let status = first.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut answer = Answer { status: status.expect(&first), headers: Vec::new(), body: Vec::new() };
        loop {
            let header = line(stream);
            let Some((name, value)) = header.split_once(':') else { break };
            answer.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        if method != "HEAD" {
            answer.body = vec![0; length];
            stream.read_exact(&mut answer.body).unwrap();
        }
        // Behind what is no HTTP the server hangs up, whether it says so or not.
        if answer.header("connection") == Some("close") || answer.status == 400 {
            self.stream = None;
        }
        answer
    }
}

fn line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    line.trim_end().to_owned()
}
