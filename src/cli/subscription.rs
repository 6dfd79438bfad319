//! `deedbook subscription`: subscriptions whose position the server keeps: made, looked at, consumed, deleted, and what
//! their consumers put aside. What is delivered and when is the server's matter.

use super::client::Client;
use super::errors::Failure;
use super::filter::{self, FilterArguments};
use super::output::{Output, counted};
use super::{Common, block_on, consume};
use crate::api::proto;
use crate::domain::SubscriptionName;
use crate::limits;
use crate::record::line::time;
use clap::{Args, Subcommand};
use deedbook_verify::words::{Digest, Micros, Ref};
use serde_json::{Value, json};

/// What `create` takes.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  deedbook subscription create siem --from 0 --kind data.accessed")]
pub struct CreateArguments {
    /// Its name: a small letter followed by a-z 0-9 _ . -, at most 40 bytes
    #[arg(value_name = "NAME", value_parser = SubscriptionName::parse)]
    name: SubscriptionName,
    /// The first index that counts; without it, what is appended from now on
    #[arg(long, value_name = "N")]
    from: Option<u64>,
    /// Milliseconds that an event may stay unsettled in a consumer's hands
    #[arg(long, value_name = "MS", default_value_t = 30_000,
        value_parser = clap::value_parser!(u32).range(i64::from(limits::LEASE_MS_MIN)..=i64::from(limits::LEASE_MS_MAX)))]
    lease_ms: u32,
    /// Events that a consumer is given before it must settle one
    #[arg(long, value_name = "N", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(limits::IN_FLIGHT_MAX)))]
    in_flight: u32,
    #[command(flatten)]
    filter: FilterArguments,
}

/// What `subscription` can do.
#[derive(Subcommand, Debug)]
pub enum SubscriptionCommand {
    /// Make a subscription: a filter, and a position that the server keeps
    Create(Box<CreateArguments>),
    /// List all subscriptions
    #[command(after_help = "Example:\n  deedbook subscription list")]
    List,
    /// Show how a subscription stands: position, lag, what is in flight and parked
    #[command(after_help = "Example:\n  deedbook subscription show siem")]
    Show {
        /// Its name
        #[arg(value_name = "NAME", value_parser = SubscriptionName::parse)]
        name: SubscriptionName,
    },
    /// Delete a subscription, with its position and what it parked
    #[command(after_help = "Example:\n  deedbook subscription delete siem")]
    Delete {
        /// Its name
        #[arg(value_name = "NAME", value_parser = SubscriptionName::parse)]
        name: SubscriptionName,
    },
    /// Take the events of a subscription, settling each when it was written out or its command succeeded
    Consume(consume::ConsumeArguments),
    /// List the events that consumers put aside
    #[command(after_help = "Example:\n  deedbook subscription parked siem")]
    Parked {
        /// The subscription's name
        #[arg(value_name = "NAME", value_parser = SubscriptionName::parse)]
        name: SubscriptionName,
    },
    /// Let parked events be delivered again
    #[command(after_help = "Example:\n  deedbook subscription replay siem 17 18")]
    Replay {
        /// The subscription's name
        #[arg(value_name = "NAME", value_parser = SubscriptionName::parse)]
        name: SubscriptionName,
        /// Indexes of parked events; none for all
        #[arg(value_name = "INDEX")]
        indexes: Vec<u64>,
    },
}

/// Runs one of them.
pub fn run(common: &Common, command: SubscriptionCommand, output: Output) -> Result<(), Failure> {
    block_on(async {
        let mut client = Client::connect(common).await?;
        match command {
            SubscriptionCommand::Create(arguments) => {
                let CreateArguments { name, from, lease_ms, in_flight, filter } = *arguments;
                let filter = Some(filter::filter(common, &mut client, &filter).await?);
                let name = name.to_string();
                let request =
                    proto::CreateSubscriptionRequest { name, filter, from, lease_ms, in_flight_max: in_flight };
                let made = client.create_subscription(request).await?;
                output.either(&format!("made {}, which begins at index {}", made.name, made.from), || value(&made))
            }
            SubscriptionCommand::List => list(&client.subscriptions().await?, output),
            SubscriptionCommand::Show { name } => show(&client.subscription(name.to_string()).await?, output),
            SubscriptionCommand::Delete { name } => {
                client.delete_subscription(name.to_string()).await?;
                output.either(&format!("deleted {name}"), || json!({"name": name.as_str(), "deleted": true}))
            }
            SubscriptionCommand::Consume(arguments) => consume::consume(&mut client, &arguments, output).await,
            SubscriptionCommand::Parked { name } => parked(&client.parked(name.as_str()).await?, output),
            SubscriptionCommand::Replay { name, indexes } => {
                let count = client.replay(name.to_string(), indexes).await?;
                let text = format!("{} will be delivered again", counted(count.into(), "event", "events"));
                output.either(&text, || json!({"name": name.as_str(), "count": count}))
            }
        }
    })
}

fn list(all: &[proto::Subscription], output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return all.iter().try_for_each(|one| output.value(&value(one)));
    }
    let row = |one: &proto::Subscription| {
        let consumed = if one.consumed { "yes" } else { "no" };
        let numbers = [one.position, one.lag, one.in_flight.into(), one.parked.into()].map(|number| number.to_string());
        [vec![one.name.clone()], numbers.to_vec(), vec![consumed.to_owned()]].concat()
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    output.table(&["name", "position", "lag", "in flight", "parked", "consumed"], &rows)
}

fn show(one: &proto::Subscription, output: Output) -> Result<(), Failure> {
    let value = value(one);
    if output.is_json() {
        return output.value(&value);
    }
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(members) if members.is_empty() => "every event".to_owned(),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join(", ")
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
    };
    let members: Vec<(&str, String)> =
        value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), text(value))).collect();
    output.pairs(&members)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The JSON object of a subscription; docs/CLI.md names its members.
fn value(one: &proto::Subscription) -> Value {
    json!({
        "name": one.name,
        "filter": filter_value(one.filter.as_ref().unwrap_or(&proto::EventFilter::default())),
        "from": one.from,
        "created": time::show(Micros(one.created_micros)),
        "lease_ms": one.lease_ms,
        "in_flight_max": one.in_flight_max,
        "position": one.position,
        "settled_ahead": one.settled_ahead,
        "lag": one.lag,
        "consumed": one.consumed,
        "in_flight": one.in_flight,
        "parked": one.parked,
        "tree_size": one.head.as_ref().map(|head| head.size),
    })
}

/// The conditions that are set.
fn filter_value(filter: &proto::EventFilter) -> Value {
    let reference = |bytes: &[u8]| bytes.try_into().ok().map(|bytes| Ref(bytes).to_string());
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let members = [
        ("kind", text(&filter.kind)),
        ("actor", reference(&filter.actor)),
        ("stream", reference(&filter.stream)),
        ("source", reference(&filter.source)),
        ("action_type", text(&filter.action_type)),
        ("outcome", text(&filter.outcome)),
        ("policy_digest", filter.policy_digest[..].try_into().ok().map(|bytes| Digest(bytes).to_string())),
        ("since", filter.received_from_micros.map(|time| time::show(Micros(time)))),
        ("until", filter.received_to_micros.map(|time| time::show(Micros(time)))),
    ];
    let set = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?))));
    Value::Object(set.collect())
}

fn parked(events: &[proto::ParkedEvent], output: Output) -> Result<(), Failure> {
    let state = |event: &proto::ParkedEvent| if event.replaying { "replaying" } else { "waiting" };
    if output.is_json() {
        return events.iter().try_for_each(|event| {
            output.value(&json!({"index": event.index, "state": state(event), "times": event.times,
                "parked": time::show(Micros(event.parked_micros)), "reason": event.reason}))
        });
    }
    let row = |event: &proto::ParkedEvent| {
        let parked = time::show(Micros(event.parked_micros));
        vec![event.index.to_string(), state(event).to_owned(), event.times.to_string(), parked, event.reason.clone()]
    };
    let rows: Vec<Vec<String>> = events.iter().map(row).collect();
    output.table(&["index", "state", "times", "parked", "reason"], &rows)
}
