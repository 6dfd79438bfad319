//! Requests that are wrong in one way or several: soup, bent messages, lengths that lie, foreign headers, and methods
//! that do not exist. Some are right all the same, and are answered.

use super::call::Request;
use crate::support::{House, Producer, Rng, statement};
use deedbook::api::proto::append_stream_request::{Message, Open};
use deedbook::api::proto::{AppendRequest, AppendStreamRequest, Event, Frame};
use deedbook::api::to_frame;
use deedbook::record::Position;
use prost::Message as _;

/// What no service has.
const NO_METHODS: [&str; 4] = ["LedgerService/NoSuchMethod", "NoSuchService/Append", "../../etc/passwd", ""];

/// Every method that the protocol describes, so that none is forgotten, and some that it does not.
fn methods() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("proto/deedbook/v1");
    let mut found: Vec<String> = NO_METHODS.map(str::to_owned).to_vec();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let mut service = "";
        for line in text.lines() {
            let name = |rest: &'static str| line.trim().strip_prefix(rest)?.split([' ', '(']).next();
            service = name("service ").unwrap_or(service);
            found.extend(name("rpc ").map(|method| format!("{service}/{method}")));
        }
    }
    found.sort();
    assert!(found.len() > 60, "too few methods were found in the protocol: {found:?}");
    found
}

/// Frames that would be taken as they are.
pub struct Frames {
    methods: Vec<String>,
    good: Vec<Frame>,
    source: Vec<u8>,
}

impl Frames {
    pub fn of(house: &House, producer: &Producer) -> Frames {
        let mut good = vec![
            to_frame(producer.one(statement())),
            to_frame(producer.plain(Position::Unsequenced, 5)),
            to_frame(house.enrollment(&house.producer("another"))),
            to_frame(house.producer("stranger").plain(Position::Unsequenced, 2)),
        ];
        // Enough events, but none of them anything.
        good.push(Frame { events: vec![Event::default(); 1_025], ..good[0].clone() });
        Frames { methods: methods(), good, source: producer.source.0.to_vec() }
    }

    fn message(&self, rng: &mut Rng) -> (&'static str, Vec<u8>) {
        let frame = rng.pick(&self.good).clone();
        let stream = |message| AppendStreamRequest { message: Some(message) }.encode_to_vec();
        let mut bytes = match rng.below(8) {
            0 => return ("soup", soup(rng, 300)),
            1 => return ("nested", nested(rng)),
            2 => return ("empty", Vec::new()),
            3 => stream(Message::Open(Open { source: self.source.clone().into(), epoch: 1 })),
            4 => stream(Message::Frame(frame)),
            5 => return ("numbers", numbers(rng)),
            _ => AppendRequest { frame: Some(frame) }.encode_to_vec(),
        };
        for _ in 0..=rng.below(3) {
            let at = usize::try_from(rng.below(bytes.len() as u64 + 1)).unwrap();
            match rng.below(5) {
                0 => bytes.get_mut(at).into_iter().for_each(|byte| *byte = u8::try_from(rng.below(256)).unwrap()),
                1 => bytes.get_mut(at).into_iter().for_each(|byte| *byte ^= 1 << rng.below(8)),
                2 => bytes.truncate(at),
                3 => drop(bytes.splice(at..at, [0xff, 0xfe, 0x80, 0x00])),
                _ => {}
            }
        }
        ("bent", bytes)
    }

    pub fn request(&self, rng: &mut Rng) -> Request {
        let method = rng.pick(&self.methods).clone();
        let (kind, message) = self.message(rng);
        let (framing, body) = framed(message, rng);
        let mut headers =
            vec![("content-type".to_owned(), b"application/grpc".to_vec()), ("te".to_owned(), b"trailers".to_vec())];
        let mut header = |name: &str, value: &[u8]| headers.push((name.to_owned(), value.to_vec()));
        let extra = match rng.below(12) {
            0 => {
                header("grpc-timeout", rng.pick::<&[u8]>(&[b"1n", b"99999999999H", b"-1S", b"0m", b"\xff\xfe"]));
                "odd deadline"
            }
            1 => {
                header("grpc-encoding", rng.pick::<&[u8]>(&[b"gzip", b"identity", b"\xf0\x9f\x92\xa5", b""]));
                "odd encoding"
            }
            2 => {
                header("x-filler", &vec![b'x'; usize::try_from(rng.below(12_000)).unwrap()]);
                "large header"
            }
            3 => {
                header("authorization-bin", b"!!! no base64 !!!");
                "bad binary header"
            }
            4 => {
                let types: [&[u8]; 4] = [b"application/json", b"text/html", b"application/grpc+json", b"\x80"];
                headers[0].1 = rng.pick(&types).to_vec();
                "foreign type"
            }
            _ => "plain",
        };
        let path = if rng.percent(2) { format!("/{method}") } else { format!("/deedbook.v1.{method}") };
        Request { what: format!("{path}, {kind}, {framing}, {extra}"), path, headers, body }
    }
}

fn soup(rng: &mut Rng, most: u64) -> Vec<u8> {
    let length = usize::try_from(rng.below(most)).unwrap();
    rng.bytes(length)
}

/// Fields of the right kind with numbers at the ends of their range.
fn numbers(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..rng.below(6) {
        let (field, value) = (1 + rng.below(12), *rng.pick(&[0, 1, u64::MAX, 1 << 63, 1 << 31, 7]));
        prost::encoding::encode_varint(field << 3, &mut bytes);
        prost::encoding::encode_varint(value, &mut bytes);
    }
    bytes
}

/// A message in a message in a message, deeper than anything is.
fn nested(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..rng.below(2_000) {
        let mut outer = vec![0x0a];
        prost::encoding::encode_varint(bytes.len() as u64, &mut outer);
        outer.append(&mut bytes);
        bytes = outer;
    }
    bytes
}

/// The five bytes before a message, right or wrong.
fn framed(message: Vec<u8>, rng: &mut Rng) -> (&'static str, Vec<u8>) {
    let with = |flag: u8, length: usize| {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        [&[flag], length.to_be_bytes().as_slice(), &message].concat()
    };
    match rng.below(20) {
        0 => ("no prefix", message),
        1 => ("flag says compressed", with(1, message.len())),
        2 => ("flag of nothing", with(0x7f, message.len())),
        3 => ("longer than it is", with(0, message.len() + 1 + usize::try_from(rng.below(100)).unwrap())),
        4 => ("longer than anything", with(0, usize::MAX)),
        5 => ("shorter than it is", with(0, message.len() / 2)),
        6 => ("twice", [with(0, message.len()), with(0, message.len())].concat()),
        7 => ("cut inside the prefix", with(0, message.len())[..4].to_vec()),
        8 => ("nothing at all", Vec::new()),
        9 if rng.percent(10) => ("too large", [&[0, 0, 32, 0, 1], vec![0u8; 2 * 1024 * 1024 + 1].as_slice()].concat()),
        _ => ("framed", with(0, message.len())),
    }
}
