//! `deedbook source`: what a source says of itself, by hand: that it is there, that it is alive, what is missing, that it
//! ends. Gateways send the same events themselves. Each is numbered behind the last event of the source.

use super::append::Link;
use super::client::Client;
use super::errors::Failure;
use super::output::Output;
use super::producer::{self, Producer};
use super::{Common, files, filter};
use crate::api;
use crate::record::{FactsBuilder, FrameSigner, Position, entropy};
use clap::{ArgGroup, Args, Subcommand};
use deedbook_verify::detail::{Gap, GapReason, Lost};
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Epoch, EventId, Micros, Sequence};
use serde_json::json;
use std::num::NonZeroU32;

/// What `source` can do.
#[derive(Subcommand, Debug)]
pub enum SourceCommand {
    /// Say that the source answers from here on, and for how long it is silent at most
    #[command(after_help = "Example:\n  deedbook source open --signer gateway.key --heartbeat-s 60")]
    Open(PromiseArguments),
    /// Say that the source is alive although nothing happened
    #[command(after_help = "Example:\n  deedbook source heartbeat --signer gateway.key --heartbeat-s 60")]
    Heartbeat(PromiseArguments),
    /// Say what is missing: numbers, a time in which the source saw nothing, or both
    #[command(after_help = "Examples:\n  deedbook source gap --signer gateway.key --lost 3 --cause overload\n  \
        deedbook source gap --signer gateway.key --since 2026-01-05T01:00:00Z --until 2026-01-05T02:10:00Z \
        --cause outage --reason \"disk replaced\"")]
    Gap(GapArguments),
    /// Say that the source ends here
    #[command(after_help = "Example:\n  deedbook source close --signer gateway.key --reason \"moved to gateway-2\"")]
    Close {
        /// Why, in words; stands in the body
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
}

/// A promise.
#[derive(Args, Debug)]
pub struct PromiseArguments {
    /// At most so many seconds pass between two entries of this source until it closes
    #[arg(long, value_name = "SECONDS")]
    heartbeat_s: NonZeroU32,
    /// Begin a new epoch: after a restart that may have lost numbers
    #[arg(long)]
    new_epoch: bool,
}

/// What is missing.
#[derive(Args, Debug)]
#[group(skip)]
#[command(group(ArgGroup::new("missing").required(true).multiple(true).args(["lost", "since"])))]
pub struct GapArguments {
    /// How many numbers were given out and lost, behind the last event of the source
    #[arg(long, value_name = "N")]
    lost: Option<u64>,
    /// Since when the source saw nothing (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "until")]
    since: Option<String>,
    /// When it saw again (RFC 3339)
    #[arg(long, value_name = "TIME", requires = "since")]
    until: Option<String>,
    /// restart, lost, overload, outage or maintenance
    #[arg(long, value_name = "WORD", value_parser = cause)]
    cause: GapReason,
    /// Why, in words; stands in the body
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

fn cause(text: &str) -> Result<GapReason, String> {
    let known: Vec<&str> = GapReason::ALL.iter().map(|reason| reason.name()).collect();
    GapReason::from_name(text).ok_or_else(|| format!("use one of: {}", known.join(", ")))
}

/// Where the next event of a source stands.
struct Next {
    epoch: Epoch,
    sequence: u64,
}

/// States one event of the source that the signer speaks for.
pub async fn run(common: &Common, command: SourceCommand, output: Output) -> Result<(), Failure> {
    let signer = files::signer(common)?;
    let mut client = Client::connect(common).await?;
    let producer = producer::load(&mut client, signer).await?;
    let mut next = next(common, &producer).await?;
    let (kind, facts) = match command {
        SourceCommand::Open(promise) => {
            if promise.new_epoch {
                let epoch = next.epoch.0.checked_add(1).ok_or_else(|| Failure::failed("no epoch is left", ""))?;
                next = Next { epoch: Epoch(epoch), sequence: 1 };
            }
            (Kind::SourceOpened, begun(Kind::SourceOpened)?.heartbeat_s(promise.heartbeat_s))
        }
        SourceCommand::Heartbeat(promise) => {
            (Kind::SourceHeartbeat, begun(Kind::SourceHeartbeat)?.heartbeat_s(promise.heartbeat_s))
        }
        SourceCommand::Gap(arguments) => {
            let gap = gap(&arguments, &mut next)?;
            (Kind::SourceGap, with_reason(begun(Kind::SourceGap)?.gap(&gap), arguments.reason.as_deref()))
        }
        SourceCommand::Close { reason } => {
            (Kind::SourceClosed, with_reason(begun(Kind::SourceClosed)?, reason.as_deref()))
        }
    };
    let (epoch, sequence) = (next.epoch, Sequence(next.sequence));
    let at = Position::Sequenced { epoch, first: sequence };
    let signer = FrameSigner { ledger: producer.ledger, source: producer.source, key: &producer.key };
    let placement = client.append(api::to_frame(signer.sign(at, vec![facts])?)).await?;
    let index = placement.first_index;
    output.either(
        &format!("{} at index {index}, epoch {epoch}, sequence {sequence}", kind.name()),
        || json!({"index": index, "kind": kind.name(), "epoch": epoch.0, "sequence": sequence.0}),
    )
}

fn begun(kind: Kind) -> Result<FactsBuilder, Failure> {
    Ok(FactsBuilder::new(kind, EventId(entropy::array()?), producer::now()))
}

fn with_reason(facts: FactsBuilder, reason: Option<&str>) -> FactsBuilder {
    match reason {
        None => facts,
        Some(reason) => facts.body("application/json", json!({"reason": reason}).to_string().into()),
    }
}

/// The source's last epoch, and one behind its last number.
async fn next(common: &Common, producer: &Producer) -> Result<Next, Failure> {
    let link = Link::open(common, Client::connect(common).await?, producer, 0).await?;
    let next = Next { epoch: Epoch(link.epoch), sequence: link.last_durable.saturating_add(1) };
    link.finish().await;
    Ok(next)
}

/// What is missing; numbers that were lost are stepped over.
fn gap(arguments: &GapArguments, next: &mut Next) -> Result<Gap, Failure> {
    let lost = match arguments.lost {
        None => None,
        Some(count) => {
            let to = next.sequence.checked_add(count).filter(|_| count > 0);
            let to = to.ok_or_else(|| Failure::usage(format!("`--lost {count}`: no such number"), "count from 1"))?;
            let from = Sequence(std::mem::replace(&mut next.sequence, to));
            Some(Lost { from, to: Sequence(to) })
        }
    };
    let since = filter::moment("--since", arguments.since.as_deref())?;
    let until = filter::moment("--until", arguments.until.as_deref())?;
    let blind = match since.zip(until) {
        None => None,
        Some((from, until)) => Some(filter::window(Micros(from), Micros(until))?),
    };
    Ok(Gap { lost, blind, reason: Some(arguments.cause) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(lost: Option<u64>, times: Option<(&str, &str)>) -> GapArguments {
        let (since, until) = times.unzip();
        let (since, until) = (since.map(str::to_owned), until.map(str::to_owned));
        GapArguments { lost, since, until, cause: GapReason::Outage, reason: None }
    }

    #[test]
    fn lost_numbers_are_stepped_over_and_times_are_not() {
        let mut next = Next { epoch: Epoch(2), sequence: 9 };
        let lost = gap(&arguments(Some(3), None), &mut next).unwrap().lost;
        assert_eq!((lost, next.sequence), (Some(Lost { from: Sequence(9), to: Sequence(12) }), 12));
        let blind = gap(&arguments(None, Some(("2026-01-05T01:00:00Z", "2026-01-05T01:00:01Z"))), &mut next).unwrap();
        assert!(blind.lost.is_none() && next.sequence == 12);
        let window = blind.blind.unwrap();
        assert_eq!(window.until.0 - window.from.0, 1_000_000);
        assert!(gap(&arguments(Some(0), None), &mut next).is_err());
        assert!(gap(&arguments(Some(u64::MAX), None), &mut next).is_err());
        assert!(gap(&arguments(None, Some(("2026-01-05T01:00:01Z", "2026-01-05T01:00:00Z"))), &mut next).is_err());
        assert_eq!(next.sequence, 12);
    }
}
