//! Rows of actions: bytes that were written are read to the same state, and no other bytes are.

use super::desk::{Desk, Verdict, agent, requirement};
use super::people::{ADA, BOT, People};
use crate::support::{Rng, cases, scaled};
use deedbook::approvals::{Action, RowDefect};
use deedbook::limits;

fn row() -> Vec<u8> {
    let mut desk = Desk::new(People::house());
    desk.policy.says = Verdict::Require(requirement(&[], 1));
    let (id, _) = desk.submit(agent(BOT));
    desk.approve(id, ADA).unwrap();
    desk.redeem(id).unwrap();
    desk.action(id).unwrap().to_bytes()
}

#[test]
fn one_state_has_one_row() {
    let honest = row();
    assert!(honest.len() < limits::ACTION_ROW_BYTES_MAX);
    let mut rng = Rng::seeded("rows");
    let count = scaled(5_000);
    for _ in 0..count {
        let mut bytes = honest.clone();
        let at = rng.below(bytes.len() as u64) as usize;
        match rng.below(4) {
            0 => bytes[at] = rng.next() as u8,
            1 => bytes[at] ^= 1 << rng.below(8),
            2 => drop(bytes.remove(at)),
            _ => bytes.insert(at, rng.next() as u8),
        }
        if let Ok(action) = Action::from_bytes(&bytes) {
            assert_eq!(action.to_bytes(), bytes, "what is read is what would be written");
        }
    }
    for end in 0..honest.len() {
        assert!(Action::from_bytes(&honest[..end]).is_err(), "cut at {end}");
    }
    let mut longer = honest.clone();
    longer.push(0);
    let defect: RowDefect = Action::from_bytes(&longer).unwrap_err();
    assert_eq!(defect.to_string(), "the row of an action is damaged at its end");
    cases("rows", count);
}
