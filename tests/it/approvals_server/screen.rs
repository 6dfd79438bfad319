//! What the server puts on a reviewer's screen from what it knows.

use super::desk::Desk;
use deedbook::limits::PRESENTATION_EARLIER_MAX;
use deedbook_verify::detail::Roles;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::SubjectId;

impl Desk {
    /// What people are shown of one.
    pub(super) fn shown(&self, id: SubjectId) -> String {
        let reader = self.ledger.reader();
        let shown = reader.presentation(&self.seen(id)).unwrap().unwrap();
        assert!(shown.shown.complete);
        String::from_utf8(shown.text).unwrap()
    }
}

/// However much an agent does, the reviewer sees how the last of it ended.
#[test]
fn the_newest_like_actions_are_shown_however_many_there_are() {
    let desk = Desk::set();
    let bob = desk.cast.person("bob");
    let mut asked = Vec::new();
    for number in 0..300 {
        let id = desk.export();
        if number == 297 {
            desk.done(desk.vote(&bob, id, Decision::Deny));
        }
        asked.push(id);
    }
    let last = desk.export();
    let text = desk.shown(last);
    let index = |id: &SubjectId| format!("index {}", desk.seen(*id).action.origin.index.0);
    for id in asked.iter().rev().take(PRESENTATION_EARLIER_MAX) {
        assert!(text.contains(&index(id)), "{} is missing: {text}", index(id));
    }
    assert!(!text.contains(&index(&asked[250])) && text.contains("denied"), "{text}");
    // The first of its kind has none before it, and what others did is not this one's.
    assert!(!desk.shown(asked[0]).contains("index "), "{}", desk.shown(asked[0]));
    desk.ledger.close();
}

/// Names are remembered between readings, and not beyond their erasure.
#[test]
fn a_name_that_was_read_before_is_gone_once_it_is_erased() {
    let desk = Desk::set();
    let (cast, adm) = (&desk.cast, desk.cast.person("adm"));
    let agent = cast.agent("passing");
    let bound = desk.done(cast.binding_of(&adm, &agent, Roles::NONE, Some(&cast.person("alice"))));
    let wish = cast.wish(&agent, "data.export", &[]);
    let id = desk.submit(&agent, &wish);
    for _ in 0..2 {
        assert_eq!(desk.seen(id).name(agent.source), "passing");
    }
    desk.done(cast.erasure(&adm, bound.first_index));
    assert_eq!(desk.seen(id).name(agent.source), "");
    // What others are called is read again.
    assert_eq!(desk.seen(desk.export()).name(cast.agent("a1").source), "a1");
    desk.ledger.close();
}
