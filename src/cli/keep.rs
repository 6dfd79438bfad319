//! `deedbook retention` and `deedbook hold`: which bodies must stay for now. Whether a command has effect, waits for a second
//! administrator or is refused is decided by the ledger's rules, which this only asks.

use super::client::Client;
use super::errors::Failure;
use super::glass::{self, Declared, GlassArguments};
use super::output::{Output, counted, remark};
use super::producer::{Producer, word};
use super::progress::Progress;
use super::show::held_range;
use super::{Common, erase, filter, key};
use crate::api::proto;
use clap::{Args, Subcommand};
use deedbook_verify::detail::HeldRange;
use deedbook_verify::erasure::BodyRange;
use deedbook_verify::facts::Code;
use deedbook_verify::kind::Kind;
use deedbook_verify::limits::HELD_RANGES_MAX;
use deedbook_verify::words::{Index, SubjectId};
use serde_json::{Value, json};

/// What `retention` can do.
#[derive(Subcommand, Debug)]
pub enum RetentionCommand {
    /// Say for how long bodies of a data class must be kept; signed by an administrator
    #[command(
        after_help = "Bodies are kept through the last moment of that many days behind the day on which they came \
        (UTC).\nWithout --class the rule is for every body whose class has none of its own. 0 days: need not be kept.\n\n\
        Examples:\n  deedbook retention set --signer admin.key --class payment --days 2555 --reason \"tax law\"\n  \
        deedbook retention set --signer admin.key --days 180 --reason \"policy R-2\""
    )]
    Set(RetentionArguments),
    /// List the rules in force
    #[command(after_help = "Example:\n  deedbook retention list")]
    List,
}

/// For how long.
#[derive(Args, Debug)]
pub struct RetentionArguments {
    /// The data class, as facts state it; without it the rule is for the rest
    #[arg(long, value_name = "CODE", value_parser = code)]
    class: Option<String>,
    /// Whole days; 0: need not be kept
    #[arg(long, value_name = "N")]
    days: u16,
    /// Why; everybody can read it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    glass: GlassArguments,
}

/// What `hold` can do.
#[derive(Subcommand, Debug)]
pub enum HoldCommand {
    /// Hold bodies until it is released; signed by an administrator
    #[command(
        after_help = "A range is INDEX, FIRST-LAST, or FIRST- for everything from there on, what comes included. With \
        --actor,\nthe entries are held that are in the log now and whose facts name the actor; what comes later is not.\n\n\
        Examples:\n  deedbook hold place --signer admin.key --reason \"matter 9\" 17 40-80 1200-\n  \
        deedbook hold place --signer admin.key --reason \"matter 9\" --actor person/ann"
    )]
    Place(PlaceArguments),
    /// Release a hold
    #[command(
        after_help = "Example:\n  deedbook hold release --signer admin.key 3f…e2 --reason \"matter 9 is closed\""
    )]
    Release {
        /// The hold's id, as `hold list` shows it
        #[arg(value_name = "ID", value_parser = hold_id)]
        hold: SubjectId,
        /// Why; everybody can read it
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        glass: GlassArguments,
    },
    /// List the holds in force
    #[command(after_help = "Example:\n  deedbook hold list")]
    List,
}

/// Which bodies.
#[derive(Args, Debug)]
pub struct PlaceArguments {
    /// Entries whose bodies are held
    #[arg(value_name = "RANGE", value_parser = range, required_unless_present = "actor", conflicts_with = "actor")]
    ranges: Vec<HeldRange>,
    /// Every body whose facts name this one: a ref, or class/name such as person/ann
    #[arg(long, value_name = "REF|CLASS/NAME")]
    actor: Option<String>,
    /// The namespace of the actor's name
    #[arg(long, value_name = "NAMESPACE", requires = "actor", default_value = "")]
    actor_namespace: String,
    /// Bodies of this data class alone
    #[arg(long, value_name = "CODE", value_parser = code)]
    class: Option<String>,
    /// Why; everybody can read it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    glass: GlassArguments,
}

fn code(text: &str) -> Result<String, String> {
    let known = Code::new(text).map(|code| code.as_str().to_owned());
    known.ok_or_else(|| "a code is a small letter followed by a-z 0-9 _ . -".to_owned())
}

fn hold_id(text: &str) -> Result<SubjectId, String> {
    SubjectId::from_hex(text).ok_or_else(|| "an id has 32 hex digits".to_owned())
}

/// `17`, `17-20` (both of them too), `17-`.
fn range(text: &str) -> Result<HeldRange, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no index"));
    let (first, last) = text
        .split_once('-')
        .map_or((text, Some(text)), |(first, last)| (first, Some(last).filter(|last| !last.is_empty())));
    let first = Index(number(first)?);
    let end = match last {
        None => HeldRange::NO_END,
        Some(last) => Index(number(last)?.checked_add(1).ok_or("the last index is too high")?),
    };
    if first < end { Ok(HeldRange { first, end }) } else { Err("the last index lies before the first".to_owned()) }
}

/// Sets or lists retention.
pub async fn retention(common: &Common, command: RetentionCommand, output: Output) -> Result<(), Failure> {
    let RetentionCommand::Set(arguments) = command else { return list_rules(common, output).await };
    let (mut client, producer) = key::governor(common).await?;
    let body = reason(&arguments.reason)?;
    let declared = arguments.glass.declared(&arguments.reason, &producer.refs)?;
    let declared = declared.as_ref();
    let frame = key::governing(&producer, Kind::RetentionSet, declared, |facts| {
        let facts = facts.retention_days(arguments.days).body("application/json", body.into());
        arguments.class.iter().fold(facts, |facts, class| facts.data_class(class))
    })?;
    let placement = client.append(frame).await?;
    let (index, waits) = (placement.first_index, key::waits_as(&placement));
    let of = arguments.class.as_ref().map_or_else(|| "all other classes".to_owned(), |class| format!("class {class}"));
    let days = counted(arguments.days.into(), "day", "days");
    let text = match &waits {
        None => {
            format!("bodies of {of} are kept for {days}, by the command at index {index}{}", glass::told(declared))
        }
        Some(request) => format!("nothing is changed yet; {}", glass::waiting_for(request, declared)),
    };
    output.either(&text, || {
        json!({"index": index, "data_class": arguments.class, "retention_days": arguments.days, "waits_as": waits,
            "break_glass": declared.is_some()})
    })
}

async fn list_rules(common: &Common, output: Output) -> Result<(), Failure> {
    let keeping = Client::connect(common).await?.keeping().await?;
    let mut rows = Vec::new();
    for rule in &keeping.rules {
        let class = Some(&rule.data_class).filter(|class| !class.is_empty());
        if output.is_json() {
            output.value(&json!({"data_class": class, "retention_days": rule.retention_days,
                "stated_index": rule.stated_index, "from_index": rule.from_index}))?;
        }
        let class = class.map_or("(all others)", String::as_str).to_owned();
        rows.push(vec![class, rule.retention_days.to_string(), rule.from_index.to_string()]);
    }
    if output.is_json() { Ok(()) } else { output.table(&["class", "days", "since index"], &rows) }
}

/// Places, releases or lists holds.
pub async fn hold(common: &Common, command: HoldCommand, output: Output) -> Result<(), Failure> {
    match command {
        HoldCommand::Place(arguments) => place(common, &arguments, output).await,
        HoldCommand::Release { hold, reason, glass } => release(common, hold, (&reason, &glass), output).await,
        HoldCommand::List => list_holds(common, output).await,
    }
}

async fn place(common: &Common, arguments: &PlaceArguments, output: Output) -> Result<(), Failure> {
    let body = reason(&arguments.reason)?;
    let (mut client, producer) = key::governor(common).await?;
    let ranges = match &arguments.actor {
        None => joined(arguments.ranges.clone()),
        Some(text) => {
            let who = filter::actor(text, &arguments.actor_namespace, &producer.refs)?;
            named_entries(&mut client, who).await?
        }
    };
    if ranges.is_empty() {
        return Err(Failure::failed("no body names this one, and nothing was held", "see `deedbook list --actor`"));
    }
    let declared = arguments.glass.declared(&arguments.reason, &producer.refs)?;
    // More ranges than one command takes are held by several.
    for part in ranges.chunks(HELD_RANGES_MAX) {
        place_part(&mut client, (&producer, declared.as_ref()), arguments, (part, &body), output).await?;
    }
    Ok(())
}

async fn place_part(
    client: &mut Client,
    (producer, declared): (&Producer, Option<&Declared>),
    arguments: &PlaceArguments,
    (ranges, body): (&[HeldRange], &str),
    output: Output,
) -> Result<(), Failure> {
    let frame = key::governing(producer, Kind::HoldPlaced, declared, |facts| {
        let facts = facts.held_entries(ranges).body("application/json", body.to_owned().into());
        arguments.class.iter().fold(facts, |facts, class| facts.data_class(class))
    })?;
    let id = key::request_of(&frame)?;
    let placement = client.append(frame).await?;
    let (index, waits) = (placement.first_index, key::waits_as(&placement));
    let text = match &waits {
        None => format!("hold {id} is in force, by the command at index {index}{}", glass::told(declared)),
        Some(request) => format!("nothing is held yet; {}", glass::waiting_for(request, declared)),
    };
    let held: Vec<Value> = ranges.iter().map(held_range).collect();
    output.either(&text, || {
        json!({"hold": id.to_string(), "index": index, "held": held, "waits_as": waits,
            "break_glass": declared.is_some()})
    })
}

/// Ascending, and none touching the one before.
fn joined(mut ranges: Vec<HeldRange>) -> Vec<HeldRange> {
    ranges.sort_unstable_by_key(|range| range.first);
    let mut joined: Vec<HeldRange> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if range.first <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => joined.push(range),
        }
    }
    joined
}

/// The bodies in the log whose facts name somebody, as ranges.
async fn named_entries(client: &mut Client, who: deedbook_verify::words::Ref) -> Result<Vec<HeldRange>, Failure> {
    let size = client.ledger().await?.head.map_or(0, |head| head.size);
    let mut progress = Progress::start("entries read");
    let mut found = erase::named_bodies(client, who, size, &mut progress).await?;
    progress.finish();
    found.sort_unstable();
    found.dedup();
    let ranges = BodyRange::cover(found.into_iter().map(Index));
    let ranges: Vec<HeldRange> =
        ranges.into_iter().map(|range| HeldRange { first: range.first, end: range.end() }).collect();
    // A long run is several ranges that touch, which a hold writes as one.
    let ranges = joined(ranges);
    remark(&format!(
        "{} that name {who}, as of {}; what comes later is not held",
        counted(u64::try_from(ranges.len()).unwrap_or(u64::MAX), "range of entries", "ranges of entries"),
        counted(size, "entry", "entries")
    ));
    Ok(ranges)
}

async fn release(
    common: &Common,
    hold: SubjectId,
    (why, glass): (&str, &GlassArguments),
    output: Output,
) -> Result<(), Failure> {
    let body = reason(why)?;
    let (mut client, producer) = key::governor(common).await?;
    let declared = glass.declared(why, &producer.refs)?;
    let declared = declared.as_ref();
    let released = |facts: crate::record::FactsBuilder| facts.hold(hold).body("application/json", body.into());
    let frame = key::governing(&producer, Kind::HoldReleased, declared, released)?;
    let placement = client.append(frame).await?;
    let (index, waits) = (placement.first_index, key::waits_as(&placement));
    let text = match &waits {
        None => format!("hold {hold} is released, by the command at index {index}{}", glass::told(declared)),
        Some(request) => format!("it is held still; {}", glass::waiting_for(request, declared)),
    };
    output.either(
        &text,
        || json!({"hold": hold.to_string(), "index": index, "waits_as": waits, "break_glass": declared.is_some()}),
    )
}

async fn list_holds(common: &Common, output: Output) -> Result<(), Failure> {
    let keeping = Client::connect(common).await?.keeping().await?;
    let mut rows = Vec::new();
    for hold in &keeping.holds {
        let id = SubjectId(word(&hold.hold_id, "hold_id")?);
        let class = Some(&hold.data_class).filter(|class| !class.is_empty());
        let ranges: Vec<HeldRange> = hold.ranges.iter().map(from_wire).collect();
        if output.is_json() {
            let held: Vec<Value> = ranges.iter().map(held_range).collect();
            output.value(&json!({"hold": id.to_string(), "data_class": class, "held": held,
                "stated_index": hold.stated_index, "from_index": hold.from_index}))?;
        }
        let class = class.map_or("(any)", String::as_str).to_owned();
        rows.push(vec![id.to_string(), class, named(&ranges), hold.from_index.to_string()]);
    }
    if output.is_json() { Ok(()) } else { output.table(&["hold", "class", "entries", "since index"], &rows) }
}

fn from_wire(range: &proto::HeldRange) -> HeldRange {
    HeldRange { first: Index(range.first_index), end: range.end_index.map_or(HeldRange::NO_END, Index) }
}

/// The first few ranges as they are typed, and how many more there are.
fn named(ranges: &[HeldRange]) -> String {
    const SHOWN: usize = 4;
    let one = |range: &HeldRange| match range.end {
        HeldRange::NO_END => format!("{}-", range.first),
        Index(end) if end == range.first.0.saturating_add(1) => range.first.to_string(),
        Index(end) => format!("{}-{}", range.first, end.saturating_sub(1)),
    };
    let mut text = ranges.iter().take(SHOWN).map(one).collect::<Vec<_>>().join(" ");
    if let Some(more) = ranges.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// The body of a command that says why.
fn reason(text: &str) -> Result<String, Failure> {
    if text.trim().is_empty() {
        return Err(Failure::usage("the reason is empty", "say why with --reason, such as the number of a matter"));
    }
    Ok(json!({"reason": text}).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_joined_and_shown() {
        let read = |texts: &[&str]| joined(texts.iter().map(|text| range(text).unwrap()).collect());
        assert_eq!(named(&read(&["7", "3-5", "6", "20-"])), "3-7 20-");
        assert_eq!(named(&read(&["9-", "3", "100"])), "3 9-");
        assert_eq!(named(&read(&["1", "3", "5", "7", "9", "11"])), "1 3 5 7 and 2 more");
        for odd in ["", "-", "x", "5-3", "3-x", "-3", "18446744073709551616", "0-18446744073709551615"] {
            assert!(range(odd).is_err(), "{odd}");
        }
        assert_eq!(range("0-").unwrap().end, HeldRange::NO_END);
    }
}
