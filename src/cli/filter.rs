//! The filters of `list`, `tail` and `subscription create`: flags to conditions. Names of actors, streams and sources
//! become refs here, for which it needs the ref key; whether anything matches is the server's answer.

use super::client::Client;
use super::errors::Failure;
use super::output::remark;
use super::{Common, files, producer};
use crate::api::proto;
use crate::domain::{self, StreamName};
use crate::record;
use crate::record::line::time;
use bytes::Bytes;
use clap::Args;
use deedbook_verify::detail::Window;
use deedbook_verify::facts::Outcome;
use deedbook_verify::hash::{Identity, RefKey};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, Micros, Ref};

/// Conditions; all that are given must hold.
#[derive(Args, Debug)]
pub struct FilterArguments {
    /// Only this kind
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Only this actor: a ref, or class/name such as agent/bot or person/ann
    #[arg(long, value_name = "REF|CLASS/NAME")]
    actor: Option<String>,
    /// The namespace of the actor's name
    #[arg(long, value_name = "NAMESPACE", requires = "actor", default_value = "")]
    actor_namespace: String,
    /// Only this stream: a ref, or class/name such as action/7f
    #[arg(long, value_name = "REF|CLASS/NAME")]
    stream: Option<String>,
    /// Only this source: a ref, at least its first 8 digits, or its name
    #[arg(long, value_name = "REF|NAME")]
    source: Option<String>,
    /// Only this action type
    #[arg(long, value_name = "CODE")]
    action_type: Option<String>,
    /// Only this outcome
    #[arg(long, value_name = "OUTCOME")]
    outcome: Option<String>,
    /// Only this policy
    #[arg(long, value_name = "DIGEST")]
    policy: Option<String>,
    /// Only what the server had at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what the server had before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// The filter in its wire form; names become refs.
pub async fn filter(
    common: &Common,
    client: &mut Client,
    arguments: &FilterArguments,
) -> Result<proto::EventFilter, Failure> {
    let named = [&arguments.actor, &arguments.stream].into_iter().flatten().any(|text| Ref::from_hex(text).is_none());
    let names = named || arguments.source.as_ref().is_some_and(|text| !is_ref_or_begins_one(text));
    let refs = if names { Some(ref_key(common, client).await?) } else { None };
    let kind = word("--kind", arguments.kind.as_deref(), Kind::ALL, Kind::name)?;
    let outcome = word("--outcome", arguments.outcome.as_deref(), Outcome::ALL, Outcome::name)?;
    let stream =
        find(arguments.stream.as_deref(), refs.as_ref(), |text, refs| Ok(StreamName::parse(text)?.to_ref(refs)?))?;
    let source = match &arguments.source {
        None => Bytes::new(),
        Some(text) => Bytes::copy_from_slice(source(client, text, refs.as_ref()).await?.as_bytes()),
    };
    let actor =
        find(arguments.actor.as_deref(), refs.as_ref(), |text, refs| actor(text, &arguments.actor_namespace, refs))?;
    let policy_digest = match &arguments.policy {
        None => Bytes::new(),
        Some(text) => {
            let digest = Digest::from_hex(text);
            let digest =
                digest.ok_or_else(|| Failure::usage("`--policy` is not 64 hex digits", "write every digit"))?;
            Bytes::copy_from_slice(digest.as_bytes())
        }
    };
    Ok(proto::EventFilter {
        kind,
        actor,
        stream,
        source,
        action_type: arguments.action_type.clone().unwrap_or_default(),
        outcome,
        policy_digest,
        received_from_micros: moment("--since", arguments.since.as_deref())?,
        received_to_micros: moment("--until", arguments.until.as_deref())?,
    })
}

/// A registered word, or the list of all; empty when none was given.
fn word<T: Copy>(flag: &str, text: Option<&str>, all: &[T], name: fn(T) -> &'static str) -> Result<String, Failure> {
    let Some(text) = text else { return Ok(String::new()) };
    let names: Vec<&str> = all.iter().map(|one| name(*one)).collect();
    if names.contains(&text) {
        return Ok(text.to_owned());
    }
    Err(Failure::usage(format!("`{flag} {text}`: there is no such word"), format!("use one of {}", names.join(", "))))
}

/// Microseconds of a day.
const DAY_US: u64 = 86_400_000_000;

/// Digits that tables show of a ref, at least.
const SHORT_DIGITS_MIN: usize = 8;

fn is_ref_or_begins_one(text: &str) -> bool {
    (SHORT_DIGITS_MIN..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The source that a flag names: by its ref, by the first digits that tables show, or by its name. One that has no key
/// is said to have none, for nothing can match it.
pub async fn source(client: &mut Client, text: &str, refs: Option<&RefKey>) -> Result<Ref, Failure> {
    let keys = client.keys(Bytes::new(), false).await?;
    let mut known: Vec<Ref> = keys.iter().filter_map(|key| key.source[..].try_into().ok().map(Ref)).collect();
    known.sort_unstable_by_key(|source| source.0);
    known.dedup();
    let found = match (Ref::from_hex(text), refs) {
        (Some(found), _) => found,
        (None, Some(refs)) if !is_ref_or_begins_one(text) => domain::source_ref(refs, text)?,
        (None, _) => {
            let begin = text.to_ascii_lowercase();
            let fitting: Vec<Ref> =
                known.iter().copied().filter(|known| known.to_string().starts_with(&begin)).collect();
            let next = "`deedbook key list` shows the refs of all sources";
            match fitting.as_slice() {
                [only] => *only,
                [] => return Err(Failure::usage(format!("`--source {text}`: no source's ref begins so"), next)),
                [..] => {
                    let message = format!("`--source {text}`: {} refs of sources begin so", fitting.len());
                    return Err(Failure::usage(message, next));
                }
            }
        }
    };
    if !known.contains(&found) {
        remark(&format!("no key was ever enrolled for the source `{text}`, so nothing can be by it"));
    }
    Ok(found)
}

/// The ref of an actor: given as one, or made from class/name.
pub fn actor(text: &str, namespace: &str, refs: &RefKey) -> Result<Ref, Failure> {
    if let Some(found) = Ref::from_hex(text) {
        return Ok(found);
    }
    let (class, name) = text.split_once('/').unwrap_or(("", ""));
    if class == "human" {
        // The kind's name in event lines; no ref has it as its class, so that nothing would ever be found.
        let next = format!("write --actor person/{name}");
        return Err(Failure::usage(format!("`--actor {text}`: a person's ref has the class `person`"), next));
    }
    let made = if name.is_empty() { None } else { refs.make(Identity { class, namespace, name }) };
    let next = "write it like agent/bot or person/ann";
    made.ok_or_else(|| Failure::usage(format!("`--actor {text}` is not class/name"), next))
}

/// The ref that a filter names, or nothing.
fn find(
    text: Option<&str>,
    refs: Option<&RefKey>,
    make: impl Fn(&str, &RefKey) -> Result<Ref, Failure>,
) -> Result<Bytes, Failure> {
    let found = match (text, refs) {
        (None, _) => return Ok(Bytes::new()),
        (Some(text), refs) => match (Ref::from_hex(text), refs) {
            (Some(found), _) => found,
            (None, Some(refs)) => make(text, refs)?,
            (None, None) => return Err(Failure::usage(format!("`{text}` is no ref"), "write 32 hex digits")),
        },
    };
    Ok(Bytes::copy_from_slice(found.as_bytes()))
}

/// The ref key kept beside the signer's file, or fetched with it.
pub async fn ref_key(common: &Common, client: &mut Client) -> Result<RefKey, Failure> {
    let signer = files::signer(common).map_err(|failure| {
        let next = "add `--signer FILE`, beside which the ledger's ref key is kept, or give the ref: 32 hex digits";
        Failure {
            message: "names are not in the log, and what makes refs of them is missing".to_owned(),
            next: next.to_owned(),
            ..failure
        }
    })?;
    let kept = files::ref_path(signer);
    if kept.exists() {
        return Ok(record::load_ref_key(&kept)?);
    }
    Ok(producer::load(client, signer).await?.refs)
}

/// A moment that a flag gives, in microseconds since 1970 UTC.
pub fn moment(flag: &str, text: Option<&str>) -> Result<Option<u64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let moment = time::zoned(text)
        .map_err(|defect| Failure::usage(format!("`{flag} {text}` {defect}"), "write it like 2026-01-05T03:00:00Z"))?;
    let Micros(micros) = moment.micros;
    Ok(Some(micros))
}

/// A period between two moments.
pub fn window(from: Micros, until: Micros) -> Result<Window, Failure> {
    if from < until {
        return Ok(Window { from, until });
    }
    Err(Failure::usage("the period ends before it begins", "give the earlier time first"))
}

/// How a day, or a moment, is written.
const DATE_NEXT: &str =
    "write a day as year-month-day, like 2026-11-29, or a moment with its zone, like 2026-11-29T03:00:00Z";

/// The period that `--from` and `--to` give: moments, or days of UTC, of which the last belongs to it.
pub fn period(from: &str, to: &str) -> Result<Window, Failure> {
    let day = |text: &str| time::zoned(&format!("{text}T00:00:00Z")).ok().map(|moment| moment.micros);
    let moment = |flag: &str, text: &str| {
        let read = time::zoned(text).map(|moment| moment.micros);
        read.map_err(|defect| Failure::usage(format!("`{flag} {text}` is no day, and {defect}"), DATE_NEXT))
    };
    let from = match day(from) {
        Some(begin) => begin,
        None => moment("--from", from)?,
    };
    let until = match day(to) {
        Some(begin) => Micros(begin.0.saturating_add(DAY_US)),
        None => moment("--to", to)?,
    };
    window(from, until)
}

/// Refuses a `--from` that lies ahead: what is to be read of it did not happen.
pub fn begun(from: &str, begin: Micros) -> Result<(), Failure> {
    let now = producer::now();
    if begin <= now {
        return Ok(());
    }
    let limit = time::show(now);
    let message =
        format!("`--from {from}`: that lies ahead, and nothing can have happened since; the limit is {limit}");
    Err(Failure::usage(message, "take a period that has begun; it may go on"))
}

/// Refuses a `--to` behind the day of UTC that goes on, which may be named whole; `nobody` says what cannot have been.
pub fn no_later_than_today(to: &str, end: Micros, nobody: &str) -> Result<(), Failure> {
    let today = producer::now().0 / DAY_US;
    let limit = Micros(today.saturating_add(1).saturating_mul(DAY_US));
    if end <= limit {
        return Ok(());
    }
    let message = format!("`--to {to}`: that lies ahead, and {nobody}; the limit is {}", time::show(limit));
    Err(Failure::usage(message, "name today, in UTC, or an earlier day"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_moments_make_a_period() {
        let day = period("2026-01-05", "2026-01-05").unwrap();
        assert_eq!(day, period("2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z").unwrap());
        assert_eq!(day, period("2026-01-05T02:00:00+02:00", "2026-01-05").unwrap());
        for (from, to) in [("2026-01-06", "2026-01-05"), ("x", "2026-01-05"), ("2026-01-05", "2026-13-01"), ("", "")] {
            assert!(period(from, to).is_err(), "{from} {to}");
        }
        let refused = period("29.11.2026", "2026-12-01").unwrap_err();
        assert!(refused.message.contains("29.11.2026") && refused.next.contains("2026-11-29"), "{}", refused.next);
    }

    #[test]
    fn a_person_by_another_class_is_refused_and_not_searched_for() {
        let refs = RefKey([7; 32]);
        assert!(actor("person/ann", "", &refs).is_ok());
        let refused = actor("human/ann", "", &refs).unwrap_err();
        assert!(refused.lines().is_some_and(|lines| lines.contains("person/ann")));
    }
}
