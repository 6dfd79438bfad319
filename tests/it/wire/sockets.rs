//! Bytes that are no HTTP/2, or HTTP/2 that nobody would send: torn prefaces, frames of every type with lengths and
//! flags that lie, floods, headers without end; and on the other port HTTP/1 of that kind.

use crate::support::Rng;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// How long an answer is waited for; no answer is one, too.
const ANSWER_TIMEOUT: Duration = Duration::from_millis(60);

/// An HTTP/2 frame: length u24, type, flags, stream u32, payload.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length, [kind, flags].as_slice(), &stream.to_be_bytes(), payload].concat()
}

/// A header as HPACK has it without table and without Huffman.
fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let string = |text: &[u8]| match u8::try_from(text.len()) {
        Ok(length) if length < 127 => [&[length], text].concat(),
        _ => {
            let mut rest = text.len() - 127;
            let mut out = vec![127];
            while rest >= 128 {
                out.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            out.push(u8::try_from(rest).unwrap());
            [out.as_slice(), text].concat()
        }
    };
    [vec![0], string(name), string(value)].concat()
}

fn call_headers(path: &[u8], extra: &[(&[u8], &[u8])]) -> Vec<u8> {
    let mut block = Vec::new();
    let fixed: [(&[u8], &[u8]); 5] = [
        (b":method", b"POST"),
        (b":scheme", b"http"),
        (b":path", path),
        (b":authority", b"localhost"),
        (b"content-type", b"application/grpc"),
    ];
    fixed.iter().chain(extra).for_each(|(name, value)| block.extend(literal(name, value)));
    block
}

/// What is said on the gRPC port.
fn http2(rng: &mut Rng) -> Vec<u8> {
    let hello = [PREFACE, &frame(4, 0, 0, &[])].concat();
    let path = b"/deedbook.v1.LedgerService/GetLedger";
    match rng.below(12) {
        0 => soup(rng, 2_000),
        1 => PREFACE[..usize::try_from(rng.below(24)).unwrap()].to_vec(),
        2 => b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        3 => [PREFACE, &soup(rng, 500)].concat(),
        4 => {
            let mut out = hello;
            for _ in 0..rng.below(40) {
                let payload = soup(rng, 60);
                let (kind, flags) = (u8::try_from(rng.below(12)).unwrap(), u8::try_from(rng.below(256)).unwrap());
                let stream = *rng.pick(&[0, 1, 2, 3, u32::MAX, 1 << 31, 7]);
                out.extend(frame(kind, flags, stream, &payload));
            }
            out
        }
        // A length that promises more than ever comes.
        5 => [hello, vec![0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]].concat(),
        // Settings at the ends of their range.
        6 => {
            let mut settings = Vec::new();
            for id in 1..8u16 {
                settings.extend(id.to_be_bytes());
                settings.extend(rng.pick(&[0u32, 1, u32::MAX, 1 << 24]).to_be_bytes());
            }
            [PREFACE, &frame(4, 0, 0, &settings), &frame(1, 5, 1, &call_headers(path, &[]))].concat()
        }
        // Calls opened and taken back at once, as in CVE-2023-44487.
        7 => {
            let mut out = hello;
            for call in 0..300u32 {
                out.extend(frame(1, 5, call * 2 + 1, &call_headers(path, &[])));
                out.extend(frame(3, 0, call * 2 + 1, &[0, 0, 0, 8]));
            }
            out
        }
        // Headers that never end, as in CVE-2024-27316.
        8 => {
            let mut out = [hello, frame(1, 1, 1, &call_headers(path, &[]))].concat();
            for _ in 0..rng.below(200) {
                out.extend(frame(9, 0, 1, &literal(b"x-more", &[b'x'; 2_000])));
            }
            out
        }
        9 => [hello, frame(6, 0, 0, &[0; 8]).repeat(2_000)].concat(),
        10 => [hello, frame(8, 0, 0, &[0x7f, 0xff, 0xff, 0xff]).repeat(3)].concat(),
        _ => {
            let bad: [(&[u8], &[u8]); 4] =
                [(b"UPPER", b"x"), (b":path", b"/again"), (b"connection", b"close"), (b"x\r\ny", b"\r\n")];
            let extra = [*rng.pick(&bad)];
            [hello, frame(1, 5, 1, &call_headers(path, &extra))].concat()
        }
    }
}

/// What is said on the HTTP port.
fn http1(rng: &mut Rng) -> Vec<u8> {
    let line = |rest: &str| format!("GET /{rest} HTTP/1.1\r\nHost: x\r\n").into_bytes();
    match rng.below(9) {
        0 => soup(rng, 2_000),
        1 => b"GET /livez\r\n\r\n".to_vec(),
        2 => format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(100_000)).into_bytes(),
        3 => [line("metrics"), b"X: y\r\n".repeat(500), b"\r\n".to_vec()].concat(),
        4 => [line("readyz"), format!("X: {}\r\n\r\n", "y".repeat(70_000)).into_bytes()].concat(),
        5 => b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551616\r\n\r\nx".to_vec(),
        6 => b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\nffffffffffffffff\r\n".to_vec(),
        7 => [line("%00%ff/../../keys/head.key"), b"\r\n".to_vec()].concat(),
        _ => PREFACE.to_vec(),
    }
}

fn soup(rng: &mut Rng, most: u64) -> Vec<u8> {
    let length = usize::try_from(rng.below(most)).unwrap();
    rng.bytes(length)
}

/// One connection to one of the two ports: says its piece, in one go or in pieces, and gives what came back.
pub async fn talk(addresses: &[String; 2], rng: &mut Rng) -> String {
    let port = usize::try_from(rng.below(3) / 2).unwrap();
    let said = if port == 0 { http2(rng) } else { http1(rng) };
    let mut stream = TcpStream::connect(&addresses[port]).await.unwrap();
    let size = if rng.percent(30) { 1 + said.len() / 5 } else { said.len().max(1) };
    for piece in said.chunks(size) {
        // A server that has heard enough hangs up.
        if !matches!(timeout(ANSWER_TIMEOUT, stream.write_all(piece)).await, Ok(Ok(()))) {
            break;
        }
    }
    let mut heard = Vec::new();
    let mut buffer = vec![0u8; 16 * 1024];
    while let Ok(Ok(count)) = timeout(ANSWER_TIMEOUT, stream.read(&mut buffer)).await {
        heard.extend_from_slice(&buffer[..count]);
        if count == 0 || heard.len() > 1 << 20 {
            break;
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// A connection that says a few bytes and then nothing more.
pub async fn stalled(address: &str, rng: &mut Rng) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let begun: [&[u8]; 3] = [b"P", &PREFACE[..20], b"GET /livez HTTP/1.1\r\nHost:"];
    stream.write_all(rng.pick::<&[u8]>(&begun)).await.unwrap();
    stream
}

/// A plain GET, and the whole answer.
pub async fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
