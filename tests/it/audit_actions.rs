//! The auditor's replay of approvals: whatever becomes of actions is folded and decided again from a copy of the folder,
//! with the same verdicts; what the log says otherwise, and every row that does not follow, is found and named.

use crate::audit_rows::{change, rows};
use crate::support::process::Serving;
use crate::support::stage::Stage;
use crate::support::{audit, disk, eventually};
use deedbook::audit::{self, AuditPaths, Report};
use deedbook::store::keys::RowTag;
use serde_json::Value;

const READ: &str = r#"{"action":"data.read","resource":"dataset:customers"}"#;

/// Exports need one reviewer, and expire at once when they are small; nothing is deleted.
const POLICIES: &str = r#"
@id("known") permit (principal, action, resource) when { principal.tenant == resource.tenant };
@id("exports") @requires_approval @quorum("1") @ttl("PT2S") @grant_ttl("PT1S") @rationale("approve")
forbid (principal, action in Gov::Action::"exports", resource) unless { context.approval.granted };
@id("never") forbid (principal, action == Gov::Action::"data.read", resource);
@id("not-alice") forbid (principal, action == Gov::Action::"review.deny", resource) when { principal == Gov::User::"alice" };
"#;

fn approve<'a>(id: &'a str, why: &'a str) -> [&'a str; 5] {
    ["approve", id, "--yes", "--reason", why]
}

/// Actions that end in every way there is, under the built-in policies and then under others.
fn play(stage: &Stage, server: &Serving) {
    std::fs::write(stage.path("read.json"), READ).unwrap();
    std::fs::write(stage.path("own.cedar"), POLICIES).unwrap();
    let says = |who: &str, words: &[&str]| stage.says(server, who, words);
    let refused = |who: &str, words: &[&str]| stage.refusal(server, who, words);
    let id_of = |said: &Value| said["request_id"].as_str().unwrap().to_owned();
    // One that people approve, whose grant is taken back; one that is withdrawn; one that is denied; one replaced.
    let revoked = stage.submit(server);
    assert_eq!(refused("alice", &approve(&revoked, "mine")), "CONFLICT_OWNER");
    says("bob", &approve(&revoked, "fine"));
    says("bob", &["grant", "revoke", &revoked, "--reason", "not now"]);
    let withdrawn = stage.submit(server);
    says("agent", &["action", "cancel", &withdrawn, "--reason", "wrong table"]);
    let denied = stage.submit(server);
    says("bob", &["deny", &denied, "--yes", "--reason", "no"]);
    let replaced = stage.submit(server);
    let next = id_of(&says("agent", &["action", "submit", "changed.json", "--supersedes", &replaced]));
    assert_eq!(refused("bob", &approve(&replaced, "late")), "TERMINAL");
    // Break-glass of the one that waits, reviewed by another person; and of a new one, reviewed by nobody.
    assert_eq!(refused("agent", &["break-glass", "changed.json", "--reason", "r", "--incident", "i"]), "NON_HUMAN");
    let broken = says("bob", &["break-glass", "export.json", "--as", "human:bob", "--reason", "r", "--incident", "i"]);
    let broken = id_of(&broken);
    assert_eq!(
        refused("bob", &["action", "review", &broken, "--outcome", "ratified", "--reason", "r"]),
        "CONFLICT_REQUESTER"
    );
    says("alice", &["action", "review", &broken, "--outcome", "repudiated", "--reason", "r"]);
    // One that policy lets through, and one that waits while other policies come.
    let read = id_of(&says("agent", &["action", "submit", "read.json"]));
    let run = id_of(&says("agent", &["action", "submit", "read.json"]));
    says("agent", &["action", "redeem", &run, "read.json"]);
    // Whoever may append can report; only the source that redeemed is believed, and once.
    let reports = |who: &str, status: &str| {
        let words = ["action", "report", &run, "--status", status];
        drop(stage.run(server, who, &words).output().unwrap());
        says("agent", &["action", "show", &run])["execution"].as_str().unwrap().to_owned()
    };
    assert_eq!(reports("bob", "succeeded"), "started");
    assert_eq!([reports("agent", "failed"), reports("agent", "succeeded")], ["failed", "failed"]);
    says("adm", &["policy", "publish", "own.cedar"]);
    assert_eq!(refused("agent", &["action", "redeem", &read, "read.json"]), "POLICY_TIGHTENED");
    assert_eq!(says("agent", &["action", "submit", "read.json"])["outcome"], "deny");
    let deny = ["deny", &next, "--yes", "--reason", "no"];
    assert_eq!(refused("alice", &deny), "POLICY_DENIED", "policies about reviewers narrow who may vote");
    assert_eq!(says("bob", &approve(&next, "fine"))["state"], "open", "more is asked by now, and shown anew");
    assert_eq!(refused("bob", &["approve", &next, "--yes"]), "RATIONALE_REQUIRED");
    assert_eq!(says("bob", &approve(&next, "fine"))["state"], "approved");
    // What time ends: a request that nobody decides, a grant that nobody redeems.
    let (late, unused) = (stage.submit(server), stage.submit(server));
    says("bob", &approve(&unused, "fine"));
    let ended = |id: &str, member: &str| {
        eventually("it expires", || (says("agent", &["action", "show", id])[member] == "expired").then_some(()));
    };
    ended(&late, "state");
    ended(&unused, "grant");
    assert_eq!(refused("bob", &approve(&late, "late")), "EXPIRED");
    assert_eq!(refused("agent", &["action", "redeem", &unused, "export.json"]), "EXPIRED");
    stage.submit(server);
}

/// A ledger on which all that was played, the server stopped.
fn played() -> Stage {
    let (stage, server) = Stage::set();
    play(&stage, &server);
    drop(server);
    stage
}

/// What people and programs go by.
fn verdicts(report: &Report) -> (u64, u64, u64, u64, Vec<String>) {
    let findings = report.findings.iter().map(|found| format!("{:?} {} {}", found.index, found.check, found.message));
    (report.actions, report.commands_decided, report.evaluations, report.evaluations_unread, findings.collect())
}

#[test]
fn whatever_becomes_of_actions_is_found_again_by_the_audit() {
    let stage = played();
    let report = audit(stage.dir.root());
    let (actions, commands, evaluations, unread, findings) = verdicts(&report);
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!((actions, unread), (12, 0));
    assert!(commands > 25 && evaluations > 15, "{commands} commands, {evaluations} evaluations");
    // Elsewhere, from a copy, the verdicts are the same.
    let elsewhere = disk::scratch();
    disk::copy(stage.dir.root(), elsewhere.path());
    assert_eq!(verdicts(&audit(elsewhere.path())), verdicts(&report));
    // An auditor whom nobody gave the ref key folds and decides all the same, and is told what was not judged.
    std::fs::remove_file(elsewhere.path().join("keys/ref.key")).unwrap();
    let blind = audit(elsewhere.path());
    assert!(blind.is_clean(), "{:#?}", blind.findings);
    assert_eq!((blind.actions, blind.evaluations), (actions, 0));
    assert_eq!(
        blind.commands_decided + blind.evaluations_unread,
        commands,
        "what was not decided is not counted as decided"
    );
    assert!(blind.evaluations_unread > 10, "{}", blind.evaluations_unread);
    let foreign = elsewhere.path().join("foreign.key");
    std::fs::write(&foreign, format!("{}\n", "07".repeat(32))).unwrap();
    std::fs::set_permissions(&foreign, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let paths = AuditPaths { ref_key: foreign, ..AuditPaths::of(elsewhere.path()) };
    let report = audit::run(&paths, &[], &|_, _| {}).unwrap();
    assert_eq!(report.findings.iter().map(|found| found.check).collect::<Vec<_>>(), ["ref key"]);
}

#[test]
fn what_was_erased_is_not_judged_and_the_report_says_so() {
    let (stage, server) = Stage::set();
    let id = stage.submit(&server);
    stage.says(&server, "bob", &approve(&id, "fine"));
    let before = audit(stage.dir.root());
    let submitted = stage.says(&server, "agent", &["action", "show", &id])["index"].to_string();
    stage.says(&server, "adm", &["erase", "--yes", "--reason", "asked for", &submitted]);
    stage.says(&server, "bob", &["grant", "revoke", &id, "--reason", "nobody can tell any more what would run"]);
    drop(server);
    let after = audit(stage.dir.root());
    assert!(after.is_clean(), "{:#?}", after.findings);
    assert_eq!((before.evaluations_unread, after.bodies_erased), (0, 1));
    assert!(after.evaluations_unread > 0, "{after:?}");
}

#[test]
fn a_row_of_an_action_that_is_missing_altered_or_too_many_is_named() {
    let stage = played();
    for (tag, name) in
        [(RowTag::Action, "action row"), (RowTag::Deadline, "deadline row"), (RowTag::Inbox, "inbox row")]
    {
        let stored = rows(&stage.dir, tag);
        let (key, value) = stored.last().unwrap_or_else(|| panic!("no {name}"));
        let mut surplus = key.clone();
        *surplus.last_mut().unwrap() ^= 0x80;
        let altered = [value.as_slice(), b"x"].concat();
        let found = |how: &str| {
            let report = audit(stage.dir.root());
            assert!(report.findings.iter().any(|found| found.check == name), "{name} {how}: {:?}", report.findings);
        };
        change(&stage.dir, |batch| batch.delete(key));
        found("missing");
        change(&stage.dir, |batch| batch.put(key, &altered));
        found("altered");
        change(&stage.dir, |batch| {
            batch.put(key, value);
            batch.put(&surplus, value);
        });
        found("surplus");
        change(&stage.dir, |batch| batch.delete(&surplus));
    }
    assert!(audit(stage.dir.root()).is_clean());
}

/// A server that writes into its log what the policies did not say, and signs it: only asking them again shows it.
#[cfg(feature = "plant")]
#[test]
fn an_evaluation_that_the_policies_did_not_make_is_found_and_named() {
    let (stage, server) = Stage::set();
    drop(server);
    let mut lying = crate::support::process::serve_command(&stage.dir);
    lying.env("DEEDBOOK_PLANT", deedbook::plant::Bug::EvaluationAltered.name());
    let server = Serving::from_command(lying).unwrap();
    let said = stage.says(&server, "agent", &["action", "submit", "export.json"]);
    assert_eq!(said["outcome"], "allow");
    let submitted: u64 = said["index"].as_u64().unwrap();
    drop(server);
    let report = audit(stage.dir.root());
    let [found] = report.findings.as_slice() else { panic!("{:#?}", report.findings) };
    assert_eq!((found.check, found.index.map(|index| index.0)), ("approval replay", Some(submitted)));
    assert!(
        found.message.contains("by the rules policy.evaluated, approval.opened, presentation.shown follows"),
        "{found:?}"
    );
    assert!(found.message.contains("in the log policy.evaluated, grant.issued"), "{found:?}");
}
