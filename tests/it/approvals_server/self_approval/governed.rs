//! With two administrators in genesis neither makes up a second person: whatever one of them asks for waits for the other,
//! and until then it has no effect.

use crate::approvals_server::cast::{Who, key_of};
use crate::approvals_server::desk::Desk;
use deedbook::domain::account_ref;
use deedbook::record::FrameBytes;
use deedbook_verify::detail::{ReviewOutcome, Roles};
use deedbook_verify::facts::ActorKind;
use deedbook_verify::kind::Kind;
use deedbook_verify::vote::Decision;
use deedbook_verify::words::SubjectId;

const ALL_PERMITTED: &str = "@id(\"all\") permit (principal, action, resource);\n";

impl Desk {
    /// The command waits; its request, and the facts that a vote binds.
    fn waits(&self, frame: &FrameBytes) -> SubjectId {
        self.done(frame.clone()).waits.expect("it takes two")
    }

    fn governs(&self, by: &Who, as_whom: &Who, (request, frame): (SubjectId, &FrameBytes)) -> FrameBytes {
        self.cast.governing_vote(by, as_whom.actor(), (request, &frame.events[0].facts), self.head())
    }
}

/// Everything by which ann could try to become two.
fn attempts(desk: &Desk) -> Vec<(&'static str, FrameBytes)> {
    let cast = &desk.cast;
    let (ann, ben, rita) = (cast.person("ann"), cast.person("ben"), cast.person("rita"));
    let about = |kind, who: &Who, roles| cast.about(&ann, kind, who, |facts| facts.roles(roles));
    let other = key_of("another-key");
    let account = account_ref(&cast.refs, "slack/T1", "U1").unwrap();
    let rotated = cast.facts(Kind::KeyRotated).key_grant(other.public(), rita.source);
    let revoked = |of: &Who| cast.sign(&ann, cast.facts(Kind::KeyRevoked).subject_key_id(of.key.public().id()));
    vec![
        ("a person", cast.binding_of(&ann, &cast.person("puppet"), Roles::REVIEWER, None)),
        ("a person without a role", cast.binding_of(&ann, &cast.person("puppet2"), Roles::NONE, None)),
        ("an administrator", cast.binding_of(&ann, &cast.person("puppet3"), Roles::ADMINISTRATOR, None)),
        ("a key for rita", cast.enrollment(&ann, &key_of("key-for-rita"), rita.source)),
        ("a key for ben", cast.enrollment(&ann, &key_of("key-for-ben"), ben.source)),
        ("a key of nobody's", cast.enrollment(&ann, &key_of("a-gate"), cast.gateway("gate").source)),
        ("rita's key", cast.sign(&ann, rotated.subject_key_id(rita.key.public().id()))),
        ("a role for herself", about(Kind::RoleGranted, &ann, Roles::REVIEWER)),
        ("a role for rita", about(Kind::RoleGranted, &rita, Roles::ADMINISTRATOR)),
        (
            "an account",
            cast.about(&ann, Kind::PrincipalLinked, &rita, |facts| {
                facts.account(account).body("application/json", "{}".into())
            }),
        ),
        ("policies", cast.publication(&ann, ALL_PERMITTED)),
        ("ben's role", about(Kind::RoleRevoked, &ben, Roles::ADMINISTRATOR)),
        ("rita's role", about(Kind::RoleRevoked, &rita, Roles::REVIEWER)),
        ("ben disabled", cast.about(&ann, Kind::PrincipalDisabled, &ben, |facts| facts)),
        ("ben's key revoked", revoked(&ben)),
        ("rita's key revoked", revoked(&rita)),
    ]
}

#[test]
fn of_two_administrators_neither_makes_up_a_second_person() {
    let mut desk = Desk::born(&["ann", "ben"], &["rita"]);
    let cast = desk.cast.clone();
    let (ann, ben, rita) = (cast.person("ann"), cast.person("ben"), cast.person("rita"));
    // An agent of ann's, which ben agreed to.
    let agent = cast.agent("b1");
    let frame = cast.binding_of(&ann, &agent, Roles::NONE, Some(&ann));
    let request = desk.waits(&frame);
    desk.refused("ann agrees to her agent", desk.governs(&ann, &ann, (request, &frame)), "CONFLICT_REQUESTER");
    desk.done(desk.governs(&ben, &ben, (request, &frame)));
    let wish = cast.wish(&agent, "data.export", &[]);
    let id = desk.submit(&agent, &wish);
    let authority = |desk: &Desk| {
        let authority = desk.ledger.reader().authority();
        format!("{:?} {:?} {:?}", authority.principals(), authority.keys(), desk.ledger.reader().policy().digest())
    };
    let before = authority(&desk);
    for (what, frame) in attempts(&desk) {
        println!("{what}");
        let request = desk.waits(&frame);
        desk.refused(what, desk.governs(&ann, &ann, (request, &frame)), "CONFLICT_REQUESTER");
        desk.refused(what, desk.governs(&ann, &ben, (request, &frame)), "EVIDENCE_INVALID");
        desk.refused(what, desk.governs(&rita, &rita, (request, &frame)), "NOT_ADMINISTRATOR");
        assert_eq!(authority(&desk), before, "{what}");
        desk.refused(what, desk.vote(&ann, id, Decision::Approve), "CONFLICT_OWNER");
        desk.judge();
        desk = desk.reopened();
        assert_eq!(authority(&desk), before, "{what}");
    }
    // What needs nobody else: to lend her own decision, which takes rita out and lets nobody in.
    let lend = cast.about(&ann, Kind::DelegationSet, &rita, |facts| facts.delegate(ann.source));
    desk.refused("rita lends", lend, "NOT_YOURS");
    let lent = cast.about(&ann, Kind::DelegationSet, &ann, |facts| facts.delegate(rita.source));
    desk.done(lent);
    desk.refused("rita in ann's place", desk.vote(&rita, id, Decision::Approve), "CONFLICT_DELEGATE");
    desk.done(cast.about(&ann, Kind::DelegationSet, &ann, |facts| facts));
    // A signature of a key that nobody let in is no command.
    let puppet = cast.person("puppet");
    let size = desk.head();
    assert!(desk.append(desk.vote(&puppet, id, Decision::Approve)).is_err());
    assert_eq!(desk.head(), size);
    assert_eq!(puppet.kind, ActorKind::Human);
    broken_glass(&desk, id, &ann, &ben, &rita);
    desk.judge();
    desk.ledger.close();
}

/// Ann may run it without approval, and cannot be the one who says that this was right.
fn broken_glass(desk: &Desk, id: SubjectId, ann: &Who, ben: &Who, rita: &Who) {
    let cast = &desk.cast;
    let wish = cast.wish(&cast.agent("b1"), "data.export", &[]);
    desk.refused("another action", cast.glass(ann, &wish, Some(id)).1, "ACTION_DIGEST_MISMATCH");
    let (glass, frame) = cast.glass(ann, &cast.wish(ann, "data.export", &[]), None);
    desk.done(frame);
    for (who, reason) in [(ann, "CONFLICT_REQUESTER"), (ben, "NOT_ELIGIBLE")] {
        desk.refused("a review", cast.review(who, glass, ReviewOutcome::Ratified), reason);
    }
    desk.done(cast.review(rita, glass, ReviewOutcome::Repudiated));
}
