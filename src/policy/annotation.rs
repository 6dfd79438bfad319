//! What annotations ask for: `@requires_approval` and those that say how. Read once, at publication, so that no request
//! ever meets an annotation that cannot be read. What the policy's text enforces is judged in `form`.

use super::duration;
use crate::limits::{
    GRANT_TTL_S_DEFAULT, GRANT_USES_MAX, POLICY_NAME_BYTES_MAX, POLICY_TTL_S_MAX, REQUEST_TTL_S_DEFAULT,
};
use deedbook_verify::limits::{ASSIGNMENT_MAX, CLAUSES_MAX};
use deedbook_verify::requirement::Risk;
use deedbook_verify::vote::EvidenceLevel;
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU8, NonZeroU16, NonZeroU32};

/// The annotation that makes a forbid conditional.
pub(super) const REQUIRES_APPROVAL: &str = "requires_approval";

/// Those that any policy may have.
const ALWAYS: &[&str] = &["id", "advice"];
/// Those that say how an approval is given, and need `@requires_approval` beside them.
const OF_APPROVALS: &[&str] = &[
    "quorum",
    "ttl",
    "grant_ttl",
    "uses",
    "risk",
    "evidence",
    "rationale",
    "complete",
    "recheck",
    "remind",
    "escalate",
    "fallback",
];

/// What one policy asks of an approval. What it does not say is left to the other policies that ask, or to defaults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// Teams of whom each must agree; none: anybody with the role reviewer.
    pub teams: BTreeSet<String>,
    /// Distinct persons.
    pub quorum: NonZeroU8,
    pub request_ttl_s: Option<NonZeroU32>,
    pub grant_ttl_s: Option<NonZeroU32>,
    pub uses: Option<NonZeroU16>,
    pub risk: Option<Risk>,
    pub evidence: Option<EvidenceLevel>,
    pub rationale_to_approve: bool,
    pub rationale_to_deny: bool,
    pub complete: bool,
    pub recheck: bool,
    pub reminder_s: Option<NonZeroU32>,
    pub escalate_s: Option<NonZeroU32>,
    pub fallback: Option<String>,
}

/// Why an annotation is not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// Nothing reads it.
    Unknown(String),
    /// It says how to approve where no approval is asked for.
    Idle(String),
    /// Its value: name, problem, remedy.
    Value(String, String, &'static str),
}

/// Reads the annotations of a policy: what it asks for, if it asks for an approval, and its advice.
pub(super) fn read(annotations: &BTreeMap<&str, &str>) -> Result<Option<Ask>, Vec<Refused>> {
    let mut refused = Vec::new();
    let asks = annotations.contains_key(REQUIRES_APPROVAL);
    for &name in annotations.keys() {
        if OF_APPROVALS.contains(&name) && !asks {
            refused.push(Refused::Idle(name.to_owned()));
        } else if !ALWAYS.contains(&name) && !OF_APPROVALS.contains(&name) && name != REQUIRES_APPROVAL {
            refused.push(Refused::Unknown(name.to_owned()));
        }
    }
    let mut values = Values { annotations, refused };
    if let Some(advice) = annotations.get("advice")
        && (advice.is_empty() || advice.len() > POLICY_NAME_BYTES_MAX)
    {
        values.refuse("advice", advice, "write one line of at most 256 bytes");
    }
    let ask = asks.then(|| values.ask());
    if values.refused.is_empty() { Ok(ask) } else { Err(values.refused) }
}

/// The names that a policy may carry, for the remedy.
pub(super) fn known_names() -> String {
    let names = ALWAYS.iter().chain([REQUIRES_APPROVAL].iter()).chain(OF_APPROVALS);
    names.map(|name| format!("@{name}")).collect::<Vec<_>>().join(", ")
}

struct Values<'a> {
    annotations: &'a BTreeMap<&'a str, &'a str>,
    refused: Vec<Refused>,
}

impl Values<'_> {
    fn refuse(&mut self, name: &str, value: &str, remedy: &'static str) {
        self.refused.push(Refused::Value(name.to_owned(), format!("@{name} is {value:?}"), remedy));
    }

    /// Reads one value; what cannot be read is refused and counts as not there.
    fn value<T>(&mut self, name: &str, remedy: &'static str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let text = *self.annotations.get(name)?;
        let value = read(text);
        if value.is_none() {
            self.refuse(name, text, remedy);
        }
        value
    }

    fn flag(&mut self, name: &str) -> bool {
        self.value(name, "write it without a value", |text| text.is_empty().then_some(())).is_some()
    }

    fn seconds(&mut self, name: &str) -> Option<NonZeroU32> {
        self.value(name, "write an ISO 8601 duration of 1 second to 90 days, such as PT15M or P1D", duration::parse)
    }

    fn ask(&mut self) -> Ask {
        let teams = self.value(REQUIRES_APPROVAL, TEAMS_REMEDY, teams).unwrap_or_default();
        // One person fills one place, so that two teams are two persons whatever the quorum says.
        let least = u8::try_from(teams.len()).unwrap_or(u8::MAX).max(1);
        let quorum = self.value("quorum", QUORUM_REMEDY, |text| quorum(text, least));
        let rationale = self.value("rationale", "write approve, deny or both", rationale);
        let (rationale_to_approve, rationale_to_deny) = rationale.unwrap_or_default();
        let ask = Ask {
            teams,
            quorum: quorum.or(NonZeroU8::new(least)).unwrap_or(NonZeroU8::MIN),
            request_ttl_s: self.seconds("ttl"),
            grant_ttl_s: self.seconds("grant_ttl"),
            uses: self.value("uses", "write a number from 1 to 256", uses),
            risk: self.value("risk", "write a number from 0 to 100", |text| whole(text).and_then(Risk::new)),
            evidence: self.value("evidence", "write operator, idp or reviewer", EvidenceLevel::from_name),
            rationale_to_approve,
            rationale_to_deny,
            complete: self.flag("complete"),
            recheck: self.flag("recheck"),
            reminder_s: self.seconds("remind"),
            escalate_s: self.seconds("escalate"),
            fallback: self.value("fallback", "write the name of one team", team),
        };
        let ttl = ask.request_ttl_s.map_or(REQUEST_TTL_S_DEFAULT, NonZeroU32::get);
        for (name, seconds) in [("remind", ask.reminder_s), ("escalate", ask.escalate_s)] {
            if seconds.is_some_and(|seconds| seconds.get() >= ttl) {
                let text = self.annotations.get(name).copied().unwrap_or_default();
                self.refuse(name, text, "let it come before the request expires (@ttl, or a day)");
            }
        }
        ask
    }
}

const TEAMS_REMEDY: &str =
    "name at most 8 teams, each once, separated by commas; write @requires_approval alone for any reviewer";
const QUORUM_REMEDY: &str = "write a number from 1 to 32 that is not below the number of teams";

fn teams(text: &str) -> Option<BTreeSet<String>> {
    if text.is_empty() {
        return Some(BTreeSet::new());
    }
    let names: Option<Vec<String>> = text.split(',').map(|name| team(name.trim())).collect();
    let names = names.filter(|names| names.len() <= CLAUSES_MAX)?;
    let count = names.len();
    let teams: BTreeSet<String> = names.into_iter().collect();
    (teams.len() == count).then_some(teams)
}

fn team(name: &str) -> Option<String> {
    let fits = !name.is_empty() && name.len() <= POLICY_NAME_BYTES_MAX && name.trim() == name && !name.contains(',');
    fits.then(|| name.to_owned())
}

/// Digits only: Rust would take a plus sign too.
fn whole<T: std::str::FromStr>(text: &str) -> Option<T> {
    (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn quorum(text: &str, least: u8) -> Option<NonZeroU8> {
    let quorum: NonZeroU8 = NonZeroU8::new(whole(text)?)?;
    (quorum.get() >= least && usize::from(quorum.get()) <= ASSIGNMENT_MAX).then_some(quorum)
}

fn uses(text: &str) -> Option<NonZeroU16> {
    NonZeroU16::new(whole(text)?).filter(|uses| uses.get() <= GRANT_USES_MAX)
}

fn rationale(text: &str) -> Option<(bool, bool)> {
    match text {
        "approve" => Some((true, false)),
        "deny" => Some((false, true)),
        "both" => Some((true, true)),
        _ => None,
    }
}

const _: () = assert!(REQUEST_TTL_S_DEFAULT <= POLICY_TTL_S_MAX && GRANT_TTL_S_DEFAULT <= POLICY_TTL_S_MAX);
