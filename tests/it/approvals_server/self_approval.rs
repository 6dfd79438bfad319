//! There is no way to agree to one's own action. Every route that there is, tried one after the other: each is refused by
//! the name of the rule, the attempt stands in the log, and the audit has nothing to say.

mod governed;
mod people;
mod replays;

use super::desk::Desk;

/// A route, and who tries it.
type Route = (&'static str, fn(&Desk));

const ROUTES: &[Route] = &[
    ("whoever asked approves", people::requester),
    ("whoever answers for the agent approves", people::owner),
    ("the agent approves, as itself and as a person", people::agent),
    ("an account of the owner's approves", people::account),
    ("somebody asks through an account of theirs, and approves", people::asked_by_account),
    ("somebody asks in another's name", people::asked_for_others),
    ("whoever decides in the owner's place approves", people::delegate),
    ("whoever the owner decides for approves", people::delegator),
    ("a chain of delegation ends at the owner", people::chain_of_delegates),
    ("whoever it is done for approves", people::on_behalf),
    ("whoever the requester alone let in approves", people::bound_alone),
    ("a gateway says that a person approves", people::gateway),
    ("an administrator gives, takes and lends whatever they can", people::administrator),
    ("whoever broke the glass reviews it", people::broken_glass),
    ("somebody takes the place of another's request", people::superseded),
    ("what was denied is asked again by another key", replays::denied),
    ("another's vote is used on another action", replays::another_action),
    ("another's vote is used on another ledger, or changed", replays::another_ledger),
    ("a vote names what was shown before", replays::older_presentation),
];

#[test]
fn nobody_approves_their_own_action_by_any_route() {
    let mut desk = Desk::set();
    for (what, route) in ROUTES {
        println!("{what}");
        route(&desk);
        desk.judge();
        desk = desk.reopened();
    }
    desk.ledger.close();
}
