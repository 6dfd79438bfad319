//! Approvals that this server's ledger cannot hold, for its writer refuses them: forged by an operator who has every key.
//! Evidence that is too weak or does not hold is missing here: replay itself refuses the log that takes it.

use crate::governed::person;
use crate::package_maker::{rows, verify};
use crate::quarter::{Office, requirement};

/// The code of the last run in T01.
fn judged(office: &Office) -> String {
    let package = office.plan().write(&office.ledger).unwrap_or_else(|refusal| panic!("{refusal}"));
    verify(&office.ledger, &package).unwrap_or_else(|refusal| panic!("{refusal}"));
    rows(&package, "data/tests/T01/population.csv").last().unwrap()[9].clone()
}

#[test]
fn a_quorum_is_counted_by_persons() {
    let mut office = Office::new();
    office.requirement = requirement(2);
    let mut asked = office.ask("by two", false);
    let votes = [("ron", office.vote(&asked, "ron", 1)), ("sam", office.vote(&asked, "sam", 1))];
    let mut votes = votes.to_vec();
    votes.sort_by_key(|(name, _)| person(name));
    office.resolve(&mut asked, 1, &votes);
    office.run(&asked);
    assert_eq!(judged(&office), "");
    let mut asked = office.ask("by one", false);
    let vote = office.vote(&asked, "ron", 1);
    office.resolve(&mut asked, 1, &[("ron", vote)]);
    office.run(&asked);
    assert_eq!(judged(&office), "TOO_FEW");
}

#[test]
fn who_is_in_conflict_or_no_human_approves_nothing() {
    let mut office = Office::new();
    office.conflicted = Some("ron");
    let asked = office.approved("in conflict", "ron");
    office.run(&asked);
    assert_eq!(judged(&office), "CONFLICT");
    office.conflicted = None;
    office.voter_class = 2;
    let asked = office.approved("by an agent", "ron");
    office.run(&asked);
    assert_eq!(judged(&office), "AGENT_APPROVER");
}

#[test]
fn what_was_withdrawn_or_expired_does_not_run() {
    for (code, wanted) in [(3, "EXPIRED"), (4, "WITHDRAWN"), (6, "WITHDRAWN"), (7, "NO_APPROVAL")] {
        let mut office = Office::new();
        let mut asked = office.ask("ends", true);
        office.vote(&asked, "ron", 2);
        office.resolve(&mut asked, code, &[]);
        office.run(&asked);
        assert_eq!(judged(&office), wanted, "resolution {code}");
    }
}
