//! One small ledger with something of everything, and the seven receipts that are judged byte by byte.

use crate::encode::{self, Fields, Key, id16, kind, seed, tag};
use crate::ledger::{Draft, Ledger, enroll, event, rotate, with};
use crate::maker::{Receipt, vkey};
use crate::naive_tree::H;
use deedbook_verify::note::VerifierKey;

pub const ORIGIN: &str = "ledger.example/a";

/// Where things stand in the world's ledger.
pub mod at {
    pub const ENROLLED: usize = 1;
    pub const FRAME_OF_FIVE: usize = 3;
    pub const MIDDLE: usize = 5;
    pub const ROTATED: usize = 8;
    pub const UNDER_ROTATED: usize = 9;
    pub const REFUSED_COMMAND: usize = 10;
    pub const REFUSAL: usize = 11;
    pub const ADMIN_STATEMENT: usize = 12;
    pub const FULL: usize = 13;
}

#[derive(Clone)]
pub struct World {
    pub ledger: Ledger,
    pub gateway: Key,
    pub rotated: Key,
    pub gateway_source: [u8; 16],
    pub key: VerifierKey,
}

pub fn body(name: &str) -> (H, Vec<u8>) {
    (seed(&format!("salt {name}")), format!("{{\"row\":\"{name}\"}}").into_bytes())
}

/// A statement with every common field that can occur, and a body.
pub fn rich(name: &str, stream: &str) -> Fields {
    let (salt, body) = body(name);
    with(
        event(kind::EXECUTION_REPORTED, name),
        &[
            (tag::STREAM, &id16(stream)),
            (0x0009, &[1]),
            (0x000a, &1_767_590_000_000_000_u64.to_be_bytes()),
            (0x000b, &[1_u64.to_be_bytes().as_slice(), &[3; 32]].concat()),
            (0x0010, &[&[2], id16("agent").as_slice()].concat()),
            (0x0011, &[id16("team"), id16("owner")].concat()),
            (0x0012, &id16("responsible")),
            (0x0020, b"dataset.export"),
            (0x0021, &seed("action")),
            (0x0022, &seed("policy")),
            (0x0023, &[3]),
            (0x0024, b"table"),
            (0x0025, b"pii"),
            (0x0026, b"prod"),
            (0x0027, &id16("request")),
            (0x0028, &id16("grant")),
            (tag::PARENTS, &[id16("parent source"), id16("parent event")].concat()),
            (0x0031, &[&[1, 1], id16("dataset in").as_slice(), &[2, 3], &id16("model")].concat()),
            (0x0032, &7_u32.to_be_bytes()),
            (tag::MEDIA_TYPE, b"application/json"),
            (tag::COMMITMENT, &encode::commitment(&salt, &body)),
        ],
    )
}

/// A statement with few fields.
pub fn plain(name: &str) -> Fields {
    event(kind::DATA_ACCESSED, name)
}

pub fn world() -> World {
    let mut ledger = Ledger::new(ORIGIN);
    let (gateway, rotated, source) = (Key::named("gateway"), Key::named("gateway 2"), id16("gateway source"));
    ledger.command(enroll("enroll gateway", &gateway.wire(), &source));
    let opened = event(kind::SOURCE_OPENED, "opened");
    ledger.append(Draft::by(&gateway, source, vec![opened]).at(1, 1));
    let five = (0..5).map(|i| rich(&format!("five {i}"), if i % 2 == 0 { "even" } else { "odd" })).collect();
    ledger.append(Draft::by(&gateway, source, five).at(1, 2));
    ledger.append(Draft::by(&gateway, source, vec![rotate("rotate", &rotated.wire(), &source, &gateway.id())]));
    ledger.append(Draft::by(&rotated, source, vec![plain("under rotated")]).at(1, 7));
    let intruder = enroll("not by an administrator", &Key::named("intruder").wire(), &id16("intruder"));
    ledger.append(Draft::by(&rotated, source, vec![intruder]));
    ledger.refuse(1);
    let admin = ledger.admin.clone();
    ledger.append(Draft::by(&admin, ledger.admin_source, vec![plain("by the administrator")]));
    // The second key of the gateway's source is enrolled above by rotation; this source has its own.
    let expecting = with(rich("full", "even"), &[(tag::EXPECTED, &3_u64.to_be_bytes())]);
    ledger.append(Draft::by(&admin, ledger.admin_source, vec![expecting, plain("last of two")]));
    for i in 0..4 {
        ledger.append(Draft::by(&rotated, source, vec![plain(&format!("tail {i}"))]).at(2, 1 + i));
    }
    let key = VerifierKey::parse(&vkey(ORIGIN, &ledger.head)).unwrap();
    World { ledger, gateway, rotated, gateway_source: source, key }
}

/// The receipts that must hold, by the name of their vector.
pub fn receipts(world: &World) -> Vec<(&'static str, Receipt)> {
    let of = |index, enrolled| Receipt::of(&world.ledger, index, enrolled);
    vec![
        ("full", of(at::FULL, None).disclosing(&body("full"))),
        ("redacted", of(at::FRAME_OF_FIVE, Some(at::ENROLLED))),
        ("genesis", of(0, None)),
        ("key-enrolled", of(at::ENROLLED, None)),
        ("middle-of-a-frame", of(at::MIDDLE, Some(at::ENROLLED)).disclosing(&body("five 2"))),
        ("under-a-rotated-key", of(at::UNDER_ROTATED, Some(at::ROTATED))),
        ("command-refused", of(at::REFUSAL, None)),
    ]
}

/// A redacted receipt for any index of a ledger that began as the world's.
pub fn receipt_at(world: &World, ledger: &Ledger, index: usize) -> Receipt {
    let signer = world.ledger.placed.get(index).map(|placed| world.ledger.frames[placed.frame].header.signers[0].2);
    let signer = signer.unwrap_or_else(|| ledger.frames[ledger.placed[index].frame].header.signers[0].2);
    let enrolled = match signer {
        id if id == world.gateway.id() => Some(at::ENROLLED),
        id if id == world.rotated.id() => Some(at::ROTATED),
        _ => None,
    };
    Receipt::of(ledger, index, enrolled)
}
