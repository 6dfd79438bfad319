//! A quarter of an office with something wrong in many places, packed as `deedbook export` packs: written by the verifier's
//! writer into a folder, what people read added to it, sealed. The office is the one of the verifier's own tests.

use crate::encode::{kind, tag};
use crate::governed::person;
use crate::ledger::Ledger;
use crate::maker::note;
use crate::naive_tree::root;
use crate::package_maker::{Plan, key, start};
use crate::quarter::{Asked, HOUR, Office};
use deedbook::evidence::paper;
use deedbook_verify::package::{Directory, NewDirectory, Offered, PackageWriter, Rendered};
use std::path::Path;

/// Writes a plan's package.
pub fn pack(plan: &Plan, ledger: &Ledger, out: &Path) -> Rendered {
    let leaves = ledger.leaves();
    let (begins, ends) = (plan.question.begins.0 as usize, plan.question.ends.0 as usize);
    let signed = |size: usize| note(&ledger.name, size as u64, &root(&leaves[..size]), &ledger.head).into_bytes();
    let (first, end, before) = (signed(begins), signed(ends), start(ledger, begins));
    let (key, mut sink) = (key(ledger), NewDirectory::create(out.to_owned()).unwrap());
    let start = (begins > 0).then_some((first.as_slice(), &before));
    let offered = Offered { question: plan.question.clone(), key: &key, start, end: &end };
    let mut writer = PackageWriter::begin(offered, &mut sink).unwrap();
    for (index, entry) in (0u64..).zip(&ledger.placed[..ends]).skip(begins) {
        writer.push(&entry.bytes(), plan.bodies.get(&index)).unwrap();
    }
    let mut finished = writer.finish(|digest| Ok(plan.policies.get(&digest).cloned())).unwrap();
    let (folder, rendered) = (Directory(out.to_owned()), finished.rendered().clone());
    finished.add_beside(paper::pages(&folder, &rendered)).unwrap();
    finished.add("VERIFY.md", paper::guide(&rendered).as_bytes()).unwrap();
    finished.seal().unwrap()
}

/// Where something was planted.
pub struct Planted {
    /// The run that was approved by somebody who was involved.
    pub by_itself: usize,
    /// The run of something else than was approved.
    pub changed: usize,
    /// The run without any approval.
    pub unapproved: usize,
    /// The report of a run that no policy was asked about.
    pub unasked: usize,
    /// The sign of life that came too late.
    pub late_sign: usize,
    /// The vote that was refused.
    pub void: usize,
    /// The review of the log.
    pub reviewed: usize,
}

/// Ninety days of it, with as many requests a day as are asked for, and reports besides.
pub fn quarter(requests_a_day: u64, reports_a_day: u64) -> (Office, Planted) {
    let mut office = Office::new();
    ["scout", "mute", "lossy"].iter().for_each(|name| office.enroll(name));
    for (name, promised) in [("scout", 3 * 86_400_u32), ("mute", 2 * 86_400), ("lossy", 30 * 86_400)] {
        let opened = office.statement(kind::SOURCE_OPENED, &[(0x0132, &promised.to_be_bytes())]);
        office.source(name, 1, opened);
    }
    let (mut signs, mut late_sign) = ([1u64; 2], 0);
    for day in 0..90u64 {
        let morning = office.ledger.received;
        for (place, name) in ["scout", "mute"].into_iter().enumerate() {
            // One of them is silent for three weeks.
            if place == 1 && (30..51).contains(&day) {
                continue;
            }
            signs[place] += 1;
            let sign = office.statement(kind::SOURCE_HEARTBEAT, &[]);
            let index = office.source(name, signs[place], sign);
            late_sign = if place == 1 && day == 51 { index } else { late_sign };
        }
        // Nobody works on a Saturday or Sunday; the quarter begins on a Monday.
        if day % 7 < 5 {
            (0..requests_a_day + day % 3).for_each(|nth| request(&mut office, day, nth));
        }
        for _ in 0..reports_a_day {
            let actor = [&[2], person("agent").as_slice()].concat();
            let read = office.statement(kind::DATA_ACCESSED, &[(0x0010, &actor), (0x0023, &[3])]);
            office.gate(read);
        }
        office.ledger.received = morning + 24 * HOUR;
    }
    let planted = plant(&mut office);
    let gap = [(tag::GAP_FROM, 2_u64.to_be_bytes()), (tag::GAP_TO, 9_u64.to_be_bytes())];
    let gap = office.statement(kind::SOURCE_GAP, &[(gap[0].0, &gap[0].1), (gap[1].0, &gap[1].1)]);
    office.source("lossy", 9, gap);
    (office, Planted { late_sign, ..planted })
}

/// Somebody decides, sometimes at once and sometimes late, and now and then says no.
fn request(office: &mut Office, day: u64, nth: u64) {
    let mut asked = office.ask(&format!("d{day} n{nth}"), false);
    let seconds = [4, 40, 200, 800, 2_500][((day * 7 + nth * 3) % 5) as usize];
    office.wait(seconds * 1_000_000);
    let who = if nth.is_multiple_of(2) { "ron" } else { "sam" };
    if (day + nth) % 11 == 3 {
        office.vote(&asked, who, 2);
        office.resolve(&mut asked, 2, &[]);
    } else {
        let revision = office.vote(&asked, who, 1);
        office.resolve(&mut asked, 1, &[(who, revision)]);
        office.run(&asked);
        office.report(&asked);
    }
}

fn plant(office: &mut Office) -> Planted {
    let ran = |office: &mut Office, asked: &Asked| {
        let index = office.run(asked);
        office.report(asked);
        index
    };
    let asked = office.approved("by itself", "rita");
    let by_itself = ran(office, &asked);
    let asked = office.approved("changed", "ron");
    let changed = office.run_as(&asked, crate::encode::seed("something else"), None);
    let asked = office.ask("unapproved", true);
    let unapproved = ran(office, &asked);
    office.break_glass("glass", "alice");
    let actor = [&[2], person("agent").as_slice()].concat();
    let outside = office.statement(0x0200, &[(0x0010, &actor), (0x0023, &[3])]);
    let unasked = office.gate(outside);
    let mut asked = office.ask("void", false);
    office.vote(&asked, "ron", 1);
    let void = office.ledger.placed.len() - 1;
    office.ledger.refuse(20);
    office.vote(&asked, "sam", 2);
    office.resolve(&mut asked, 2, &[]);
    let window = [(office.ledger.received - HOUR).to_be_bytes(), office.ledger.received.to_be_bytes()];
    let more: [(u16, &[u8]); 5] = [
        (0x000b, &[1_u64.to_be_bytes().as_slice(), &office.ledger.id].concat()),
        (0x0010, &[&[1], person("ron").as_slice()].concat()),
        (0x0180, &[2]),
        (0x0181, &[2]),
        (0x0189, &window.concat()),
    ];
    let review = office.statement(0x0220, &more);
    let reviewed = office.by("ron", review);
    Planted { by_itself, changed, unapproved, unasked, late_sign: 0, void, reviewed }
}
