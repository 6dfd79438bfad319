//! What an operator can do who holds the head key: rebuild the tree over anything and sign it as a checkpoint. What
//! producers, administrators and genesis signed still stands in the way.

use crate::encode::{self, Fields, Key, kind, seed, tag};
use crate::ledger::{Draft, Ledger, enroll, event, with};
use crate::maker::Receipt;
use crate::vectors::Row;
use crate::world::{ORIGIN, World, at, plain};
use deedbook_verify::receipt::Check;

/// Alters the ledger, then makes the receipt for the same index anew, with a new checkpoint.
fn rewritten(world: &World, receipt: &Receipt, change: impl FnOnce(&mut Ledger)) -> Vec<u8> {
    let mut ledger = world.ledger.clone();
    change(&mut ledger);
    let enrolled = receipt.enrollment.as_ref().map(|enrolled| usize::try_from(enrolled.index.unwrap()).unwrap());
    let made = Receipt::of(&ledger, usize::try_from(receipt.index).unwrap(), enrolled);
    Receipt { salt: receipt.salt.clone(), body: receipt.body.clone(), ..made }.file()
}

/// Appends, and makes the receipt of the last entry.
fn last(world: &World, enrolled: Option<usize>, append: impl FnOnce(&mut Ledger)) -> Vec<u8> {
    let mut ledger = world.ledger.clone();
    append(&mut ledger);
    Receipt::of(&ledger, ledger.placed.len() - 1, enrolled).file()
}

/// Alters one field of facts or seal of the entry in the middle of the frame.
fn middle(world: &World, receipt: &Receipt, tag: u16, value: &[u8]) -> Vec<u8> {
    rewritten(world, receipt, |ledger| {
        let placed = &mut ledger.placed[at::MIDDLE];
        let half = if placed.facts.contains_key(&tag) { &mut placed.facts } else { &mut placed.seal };
        assert_ne!(half.insert(tag, value.to_vec()).as_deref(), Some(value));
        let frame = placed.frame;
        ledger.frames[frame].facts[2] = encode::facts(&ledger.placed[at::MIDDLE].facts);
    })
}

/// Changes header or block of the subject's frame, and makes the seals agree.
fn reframed(world: &World, receipt: &Receipt, signers: &[Key], change: impl FnOnce(&mut Ledger, usize)) -> Vec<u8> {
    rewritten(world, receipt, |ledger| {
        let frame = ledger.placed[usize::try_from(receipt.index).unwrap()].frame;
        change(ledger, frame);
        ledger.reseal(frame, signers);
    })
}

/// The subject's frame, signed again by the administrator in another role.
fn in_role(world: &World, receipt: &Receipt, role: u8) -> Vec<u8> {
    let admin = std::slice::from_ref(&world.ledger.admin);
    reframed(world, receipt, admin, |ledger, frame| ledger.frames[frame].header.signers[0].0 = role)
}

/// A statement by a key that was enrolled for its source by a frame of the given signer.
pub fn enrolled_by(world: &World, signer: Key, by: [u8; 16], key: &[u8], source: [u8; 16]) -> Vec<u8> {
    let mut ledger = world.ledger.clone();
    let enrolled = ledger.append(Draft::by(&signer, by, vec![enroll("forged enrollment", key, &source)]));
    let stated = ledger.append(Draft::by(&Key::named("forged"), source, vec![plain("stated")]));
    if *key != Key::named("forged").wire() {
        let id = crate::naive_tree::sha256(&[key]);
        ledger.frames.last_mut().unwrap().header.signers[0].2 = id;
        ledger.frames.last_mut().unwrap().block = encode::block(&[(id, vec![0; 64])]);
        ledger.reseal(ledger.frames.len() - 1, &[]);
    }
    Receipt::of(&ledger, stated, Some(enrolled)).file()
}

pub fn forged() -> (Vec<u8>, [u8; 16]) {
    (Key::named("forged").wire(), encode::id16("forged source"))
}

/// A receipt from a ledger of the same origin whose genesis is altered, its checkpoint signed by the known head key.
fn founded(world: &World, change: impl Fn(&mut Fields), roles: [u8; 2], then: impl FnOnce(&mut Ledger)) -> Vec<u8> {
    let mut ledger = Ledger::founded(ORIGIN, change, roles);
    ledger.head = world.ledger.head.clone();
    then(&mut ledger);
    Receipt::of(&ledger, 0, None).file()
}

fn order_one() -> Vec<u8> {
    let mut point = [0; 32];
    point[0] = 1;
    encode::wire_of(&point)
}

macro_rules! rows {
    ($($name:literal, $from:literal, $check:ident, $says:literal, $make:expr;)+) => {
        pub const ROWS: &[Row] =
            &[$(Row { name: $name, from: $from, check: Check::$check, says: $says, make: $make }),+];
    };
}

rows! {
    "source-altered", "middle-of-a-frame", Frame, "different sources", |w, r| middle(w, &r, tag::SOURCE, &[9; 16]);
    "epoch-altered", "middle-of-a-frame", Frame, "different epochs", |w, r| middle(w, &r, tag::EPOCH, &[0, 0, 0, 2]);
    "sequence-altered", "middle-of-a-frame", Frame, "not their place",
        |w, r| middle(w, &r, tag::SEQUENCE, &5_u64.to_be_bytes());
    "offset-altered", "middle-of-a-frame", Frame, "not their place", |w, r| middle(w, &r, tag::OFFSET, &[0, 3]);
    "frame-size-altered", "middle-of-a-frame", Frame, "place in the frame",
        |w, r| middle(w, &r, tag::FRAME_SIZE, &[0, 6]);
    "frame-digest-altered", "middle-of-a-frame", Frame, "frame digest",
        |w, r| middle(w, &r, tag::FRAME_DIGEST, &[1; 32]);
    "occurred-altered", "middle-of-a-frame", Frame, "another root", |w, r| middle(w, &r, tag::OCCURRED, &[1; 8]);
    "occurred-altered-and-frame-root-with-it", "middle-of-a-frame", Signature, "does not verify",
        |w, r| reframed(w, &r, &[], |ledger, _| {
            ledger.placed[at::MIDDLE].facts.insert(tag::OCCURRED, vec![1; 8]);
        });
    "epoch-altered-throughout", "under-a-rotated-key", Signature, "does not verify",
        |w, r| reframed(w, &r, &[], |ledger, frame| {
            ledger.frames[frame].header.epoch = 3;
            ledger.placed[at::UNDER_ROTATED].facts.insert(tag::EPOCH, vec![0, 0, 0, 3]);
        });
    "sequence-altered-throughout", "under-a-rotated-key", Signature, "does not verify",
        |w, r| reframed(w, &r, &[], |ledger, frame| {
            ledger.frames[frame].header.first = 8;
            ledger.placed[at::UNDER_ROTATED].facts.insert(tag::SEQUENCE, 8_u64.to_be_bytes().to_vec());
        });
    "source-altered-throughout", "under-a-rotated-key", Enrollment, "enrolled key or source",
        |w, r| reframed(w, &r, &[], |ledger, frame| {
            ledger.frames[frame].header.source = [9; 16];
            ledger.placed[at::UNDER_ROTATED].facts.insert(tag::SOURCE, vec![9; 16]);
        });
    "frame-copied-to-another-ledger", "full", Signature, "names another ledger", |w, r| {
        let mut other = Ledger::founded(ORIGIN, |facts| { let _ = facts.insert(0x0110, vec![1; 32]); }, [2, 3]);
        let placed = &w.ledger.placed[at::FULL..=at::FULL + 1];
        let events = placed.iter().map(|placed| placed.facts.clone()).collect();
        let index = other.place(events, w.ledger.frames[placed[0].frame].clone());
        let made = Receipt::of(&other, index, None);
        Receipt { salt: r.salt, body: r.body, ..made }.file()
    };
    "signature-of-another-key", "full", Signature, "does not verify", |w, r| reframed(w, &r, &[], |ledger, frame| {
        let signed = encode::signed_bytes(&ledger.frames[frame].header.bytes());
        let signature = Key::named("another").sign(&signed).to_vec();
        ledger.frames[frame].block = encode::block(&[(ledger.admin.id(), signature)]);
    });
    "signature-over-bare-header", "full", Signature, "does not verify", |w, r| reframed(w, &r, &[], |ledger, frame| {
        let signature = ledger.admin.sign(&ledger.frames[frame].header.bytes()).to_vec();
        ledger.frames[frame].block = encode::block(&[(ledger.admin.id(), signature)]);
    });
    "signature-of-no-bytes", "full", Signature, "does not verify", |w, r| reframed(w, &r, &[], |ledger, frame| {
        ledger.frames[frame].block = encode::block(&[(ledger.admin.id(), Vec::new())]);
    });
    "signature-by-another-signer-than-required", "full", Signature, "another key than",
        |w, r| reframed(w, &r, &[w.ledger.reviewer()], |_, _| {});
    "signature-twice", "full", Signature, "more signatures",
        |w, r| reframed(w, &r, &[w.ledger.admin.clone(), w.ledger.admin.clone()], |_, _| {});
    "signature-of-another-frame", "full", Signature, "does not verify", |w, r| reframed(w, &r, &[], |ledger, frame| {
        ledger.frames[frame].block = ledger.frames[ledger.placed[at::ADMIN_STATEMENT].frame].block.clone();
    });
    "second-required-signer", "full", Signature, "role", |w, r| {
        let both = [w.ledger.admin.clone(), w.ledger.admin.clone()];
        reframed(w, &r, &both, |ledger, frame| {
            let signers = &mut ledger.frames[frame].header.signers;
            signers.push(signers[0]);
        })
    };
    "required-signer-missing", "genesis", Genesis, "signature is missing", |w, _| founded(w, |_| {}, [2, 3], |ledger| {
        let head = ledger.head.clone();
        ledger.reseal(0, &[head]);
    });
    "role-of-head-on-a-statement", "full", Signature, "not be authored",
        |w, r| in_role(w, &r, 2);
    "role-of-sequencer-on-a-statement", "full", Signature, "not be authored",
        |w, r| in_role(w, &r, 3);
    "statement-by-the-sequencer", "full", Signature, "not be authored",
        |w, _| last(w, None, |ledger| { let _ = ledger.append_own(vec![plain("own")]); });
    "statement-by-the-sequencer-as-source", "full", Signature, "not in force", |w, _| last(w, None, |ledger| {
        let (sequencer, source) = (ledger.sequencer.clone(), ledger.source);
        ledger.append(Draft::by(&sequencer, source, vec![plain("own")]));
    });
    "command-by-the-sequencer", "full", Signature, "not be authored", |w, _| last(w, None, |ledger| {
        let (key, source) = forged();
        ledger.append_own(vec![enroll("own", &key, &source)]);
    });
    "refusal-by-an-administrator", "full", Signature, "not be authored", |w, _| last(w, None, |ledger| {
        let refusal = ledger.refusal(1);
        ledger.command(refusal);
    });
    "statement-for-another-source", "full", Signature, "not in force", |w, _| last(w, None, |ledger| {
        let admin = ledger.admin.clone();
        ledger.append(Draft::by(&admin, [9; 16], vec![plain("for another")]));
    });
    "command-sharing-a-frame", "full", Frame, "stand alone", |w, _| last(w, None, |ledger| {
        let admin = ledger.admin.clone();
        let (key, source) = forged();
        let events = vec![plain("company"), enroll("in company", &key, &source)];
        ledger.append(Draft::by(&admin, ledger.admin_source, events));
    });
    "second-genesis", "full", Frame, "kind of index 0", |w, _| last(w, None, |ledger| {
        let facts = with(ledger.placed[0].facts.clone(), &[(tag::SEQUENCE, &3_u64.to_be_bytes())]);
        ledger.append_own(vec![facts]);
    });
    "enrollment-after-entry", "redacted", Enrollment, "order of enrollment", |w, _| {
        let mut ledger = w.ledger.clone();
        let (key, source) = forged();
        let stated = ledger.append(Draft::by(&Key::named("forged"), source, vec![plain("too early")]));
        let enrolled = ledger.command(enroll("too late", &key, &source));
        Receipt::of(&ledger, stated, Some(enrolled)).file()
    };
    "enrollment-of-a-weak-key", "redacted", Enrollment, "soundness",
        |w, _| enrolled_by(w, w.ledger.admin.clone(), w.ledger.admin_source, &order_one(), forged().1);
    "enrollment-for-the-ledgers-source", "redacted", Enrollment, "LEDGER_KEY",
        |w, _| enrolled_by(w, w.ledger.admin.clone(), w.ledger.admin_source, &forged().0, w.ledger.source);
    "enrollment-signature-of-another-key", "redacted", Enrollment, "does not verify",
        |w, r| rewritten(w, &r, |ledger| {
            let frame = ledger.placed[at::ENROLLED].frame;
            ledger.frames[frame].block = encode::block(&[(ledger.admin.id(), vec![0; 64])]);
            ledger.reseal(frame, &[]);
        });
    "enrollment-for-another-ledger", "redacted", Enrollment, "names another ledger",
        |w, r| rewritten(w, &r, |ledger| {
            let (frame, admin) = (ledger.placed[at::ENROLLED].frame, ledger.admin.clone());
            ledger.frames[frame].header.ledger = seed("another ledger");
            ledger.reseal(frame, &[admin]);
        });
    "genesis-of-another-kind", "genesis", Genesis, "kind of index 0", |w, _| founded(w, |facts| {
        facts.retain(|tag, _| *tag < tag::RULES);
        facts.extend(event(kind::SOURCE_OPENED, "not a genesis"));
    }, [2, 3], |_| {});
    "genesis-roles-swapped", "genesis", Genesis, "role", |w, _| founded(w, |_| {}, [3, 2], |_| {});
    "genesis-names-a-ledger", "genesis", Genesis, "names another ledger", |w, _| founded(w, |_| {}, [2, 3], |ledger| {
        let signers = [ledger.head.clone(), ledger.sequencer.clone()];
        ledger.frames[0].header.ledger = [1; 32];
        ledger.reseal(0, &signers);
    });
    "genesis-signature-of-another-key", "genesis", Genesis, "does not verify",
        |w, _| founded(w, |_| {}, [2, 3], |ledger| {
            let ids = [ledger.head.id(), ledger.sequencer.id()];
            ledger.frames[0].block = encode::block(&ids.map(|id| (id, vec![0; 64])));
            ledger.reseal(0, &[]);
        });
    "genesis-with-a-weak-key", "genesis", Genesis, "soundness",
        |w, _| founded(w, |facts| { let _ = facts.insert(0x0113, order_one()); }, [2, 3], |_| {});
    "genesis-person-is-the-ledger", "genesis", Genesis, "soundness", |w, _| founded(w, |facts| {
        let source = encode::id16(&format!("{ORIGIN} ledger source"));
        facts.insert(0x0114, [source.as_slice(), &Key::named("p").wire(), &[1]].concat());
    }, [2, 3], |_| {});
    "head-key-not-in-genesis", "genesis", HeadKey, "head key", |w, _| {
        let mut other = Ledger::new("ledger.example/b");
        (other.name, other.head) = (ORIGIN.to_owned(), w.ledger.head.clone());
        Receipt::of(&other, 0, None).file()
    };
    "origin-not-in-genesis", "genesis", HeadKey, "origin",
        |w, _| founded(w, |facts| { let _ = facts.insert(0x0111, b"ledger.example/b".to_vec()); }, [2, 3], |_| {});
}
