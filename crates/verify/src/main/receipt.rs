//! What the program says of a receipt that holds, for people. It judges nothing.

use super::lineage::{counted, enroller, plain};
use deedbook_verify::calendar::rfc3339;
use deedbook_verify::judge::{BodyState, Verified, Witnessing};
use deedbook_verify::words::Micros;

/// A valid receipt for people.
pub fn text(name: &str, verified: &Verified) -> String {
    let body = match verified.body {
        BodyState::Disclosed(length) => format!("{length} bytes, opens its commitment"),
        BodyState::Redacted => "redacted".to_owned(),
        BodyState::None => "none".to_owned(),
    };
    let enroller = enroller(&verified.enroller);
    let mut lines = vec![
        format!("{name}: valid"),
        format!("  ledger   {}", verified.ledger),
        format!("  tree     {}, root {}", counted(verified.head.size.0, "entry", "entries"), verified.head.root),
        format!("  entry    {} at index {}", verified.kind.name(), verified.index),
        format!("  received {}, by the server's clock", rfc3339(verified.received)),
        format!("  signed   by key {}, {enroller}", verified.signer),
        format!("  body     {body}"),
    ];
    if let Some(export) = &verified.exported {
        let (first, end) = (export.interval.first, export.interval.end);
        lines.extend([
            format!("  package  package_digest {}, BLAKE3 of its manifest-sha256.txt", export.package),
            format!("           interval {first} to {end}, root {}", export.head.root),
            format!(
                "           {} disclosed, taken out by {}",
                counted(export.disclosed, "body", "bodies"),
                export.actor.who
            ),
        ]);
    }
    if let Witnessing::Met(cosigned) = &verified.witnessing {
        lines.extend(cosigned.iter().map(|by| {
            let at = rfc3339(Micros(by.time.0.saturating_mul(1_000_000)));
            format!("  witness  {} ({}) at {at}, by its own clock", plain(&by.witness), by.key_name)
        }));
    }
    lines.extend(verified.limits().into_iter().map(|limit| format!("  note     {limit}")));
    lines.extend(verified.ignored.iter().map(|name| format!("  ignored  signature line of {name}")));
    lines.join("\n") + "\n"
}
