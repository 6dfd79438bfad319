//! The next step as a command, for the reasons where the server can only speak to programs. It knows no error that has
//! none; the server's own remedy stands there.

use std::collections::BTreeMap;

/// What to do about a reason of error.proto, by its facts.
pub fn of(reason: &str, facts: &BTreeMap<String, String>) -> Option<&'static str> {
    match reason {
        "FIELD_INVALID" => field(facts.get("field")?),
        "NODE_UNKNOWN" => Some(
            "look it up with `deedbook lineage search LETTERS`; a name that stands in no body, such as one of an event \
             line's facts, is found whole alone: KIND:{NAMESPACE}NAME@VERSION",
        ),
        "NOT_FOUND" => match facts.get("what").map(String::as_str) {
            Some("subscription") => {
                Some("see `deedbook subscription list`; `deedbook subscription create NAME` makes one")
            }
            Some("action") => {
                Some("see `deedbook approvals list` for what waits, `deedbook list --kind action.submitted` for all")
            }
            Some("parked event") => Some("see `deedbook subscription parked NAME`"),
            Some(_) | None => Some("see `deedbook list`"),
        },
        "OUTSIDE_TREE" => Some("name an index below that; `deedbook tail` shows the last ones"),
        "PRINCIPAL_KNOWN" => {
            Some("see `deedbook principal list`: `deedbook principal grant` gives it a role, `key rotate` a key")
        }
        "PRINCIPAL_UNKNOWN" => Some("see `deedbook principal list`; `deedbook principal add` binds one"),
        "RESPONSIBLE_MISSING" => {
            Some("add `--responsible PERSON`: the id of a person whom `deedbook principal list` shows as bound")
        }
        "KEY_UNKNOWN" => Some("see `deedbook key list`"),
        "KEY_KNOWN" => Some("make a new one with `deedbook key new`: a key is enrolled once and for ever"),
        "KEY_NOT_IN_FORCE" => Some(
            "see `deedbook key list`: sign with the key that took its place, or have an administrator enroll a new one",
        ),
        "NOT_ADMINISTRATOR" => Some("sign as one of the administrators that `deedbook key list --in-force` shows"),
        "SECOND_PERSON_MISSING" => Some(
            "if no other administrator can sign any more: the same with --break-glass --incident REF --reason TEXT, \
             recorded and reported for ever",
        ),
        "GLASS_NOT_NEEDED" => Some("leave --break-glass, --incident and --silent out"),
        "NOT_ALONE" => Some(
            "ask them (leave --break-glass out). If all of them stay silent: `deedbook principal disable --kind human \
             --id ID --break-glass --silent ID…` waits 14 days for them; `deedbook principal list` shows who they are",
        ),
        "REMOVAL_ONLY" => Some(
            "disable those who stay silent first, or revoke their keys; once nobody else can sign, repeat this with \
             --break-glass and without --silent",
        ),
        "TOO_EARLY" => Some("`deedbook principal list` says from when on"),
        "NOT_SILENT" => Some("ask them: `deedbook principal list` says at which index who signed"),
        "ROLE_MISSING" => Some(
            "sign as somebody who has one of the roles (`deedbook principal list`), or have an administrator grant it: \
             `deedbook principal grant`",
        ),
        "NO_BODY" => Some("leave out entries whose `body_state` is `none` in `deedbook get INDEX`"),
        "BODY_HELD" => Some("see `deedbook hold list`: have the hold released, or leave the body out"),
        "RETENTION_NOT_PASSED" => Some("see `deedbook retention list`, and erase it when the days have passed"),
        "HOLD_UNKNOWN" => Some("see `deedbook hold list` for the ids"),
        "SEQUENCE_DIFFERS" => Some(
            "another program signs as the same source: let one at a time, then run the same command again; nothing is \
             appended twice",
        ),
        "SUBSCRIPTION_EXISTS" => Some("choose another name, or `deedbook subscription delete NAME`"),
        "SUBSCRIPTIONS_TOO_MANY" => Some("delete one that nobody needs: `deedbook subscription list`"),
        "PARKED_TOO_MANY" => Some("`deedbook subscription replay NAME` and consume them, then consume again"),
        "CHECKPOINT_NOT_KEPT" => Some(
            "name two sizes of which checkpoints are kept, such as those above or the `interval` of an earlier package's \
             data/question.txt; or leave --interval out, and the server takes the sizes around the period",
        ),
        "NO_WITNESS_POLICY" => Some("serve with `--witness-policy FILE`, or leave `--witnessed` out"),
        _ => None,
    }
}

/// Of a field of a question about lineage, which flag or word it was.
fn field(field: &str) -> Option<&'static str> {
    match field {
        "scope.node_kinds" => Some("correct --kind: `deedbook lineage stats` shows the kinds that there are"),
        "scope.edge_kinds" => Some("correct --edge: `deedbook lineage stats` shows the kinds that there are"),
        "earlier_size" => Some("name a size that the log had: `deedbook lineage stats --json` has its size now"),
        "since_index" => Some("correct --since: an index of the log, as `deedbook list` shows them"),
        "node" | "from" | "to" => {
            Some("name a node as `deedbook lineage search LETTERS` prints it, and leave --as-of out if it is younger")
        }
        _ => None,
    }
}
