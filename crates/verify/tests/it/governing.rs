//! Governing commands that one administrator may not give alone: data for the tests of governance and of break-glass.

use crate::encode::{Fields, Key, id16};
use crate::erasure::erase;
use crate::governed::{bind, bind_other, disable, grant, key_of, link, person, publish, strip};
use crate::keeping::{hold, retention};
use crate::ledger::{enroll, revoke, rotate};

/// Every governing command that needs two, each of which would succeed if somebody agreed.
pub fn governing() -> Vec<(&'static str, Fields)> {
    let fresh = Key::named("fresh");
    vec![
        ("enroll for a producer", enroll("e", &fresh.wire(), &id16("producer"))),
        ("enroll for the other", enroll("e", &fresh.wire(), &person("bob"))),
        ("enroll for a reviewer", enroll("e", &fresh.wire(), &person("rita"))),
        ("enroll for oneself", enroll("e", &fresh.wire(), &person("alice"))),
        ("rotate the other's key", rotate("r", &fresh.wire(), &person("bob"), &key_of("bob").id())),
        ("rotate a reviewer's key", rotate("r", &fresh.wire(), &person("rita"), &key_of("rita").id())),
        ("revoke the other's key", revoke("r", &key_of("bob").id())),
        ("revoke a reviewer's key", revoke("r", &key_of("rita").id())),
        ("bind a reviewer", bind("mallory", 2, Some(&fresh))),
        ("bind an administrator", bind("mallory", 1, Some(&fresh))),
        ("bind a human without anything", bind("mallory", 0, None)),
        ("bind a team", bind_other("team", 4, &[])),
        ("bind an agent", bind_other("agent", 2, &[(0x0012, &person("alice"))])),
        ("link an account", link("rita", "chat")),
        ("disable the other", disable("bob", 1)),
        ("disable a reviewer", disable("rita", 1)),
        ("grant administrator to a reviewer", grant("rita", 1)),
        ("grant reviewer to oneself", grant("alice", 2)),
        ("strip the other", strip("bob", 1)),
        ("strip a reviewer", strip("rita", 2)),
        ("publish", publish("p")),
        ("keep bodies", retention("r", None, 30)),
        ("hold bodies", hold("h", None, &[(0, 9)])),
        ("erase", erase("erase", &[(0, 1)])),
    ]
}
