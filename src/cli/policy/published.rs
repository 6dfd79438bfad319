//! The policy sets of a server: publishing, retiring, listing, showing. Whether a set may be published is decided by the
//! ledger; what is known to be defective is not even sent.

use super::{Common, Output, judge, say, source};
use crate::api::proto;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::glass::{self, Declared, ReasonedGlass};
use crate::cli::producer::Producer;
use crate::cli::{key, producer};
use crate::domain::StreamName;
use crate::ledger::POLICY_STREAM;
use crate::policy::{POLICY_MEDIA_TYPE, Source};
use bytes::Bytes;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::Digest;
use serde_json::json;
use std::path::Path;

/// Publishes a set.
pub(super) async fn publish(
    common: &Common,
    (file, schema): (&Path, Option<&Path>),
    glass: &ReasonedGlass,
    output: Output,
) -> Result<(), Failure> {
    let source = source(file, schema)?;
    if let Err(lints) = judge(&source) {
        return say(file, &lints, output);
    }
    let (mut client, producer) = key::governor(common).await?;
    let declared = glass.declared(&producer.refs)?;
    let placement = send(&mut client, &producer, &source, declared.as_ref()).await?;
    report(&mut client, output, &placement, (source.digest(), "published"), declared.as_ref()).await
}

/// Publishes a text, on a ledger where nobody published anything yet.
pub async fn publish_first(client: &mut Client, producer: &Producer, text: &str) -> Result<(), Failure> {
    if client.policies().await?.is_empty() {
        send(client, producer, &Source { text: text.to_owned(), schema: None }, None).await?;
    }
    Ok(())
}

async fn send(
    client: &mut Client,
    producer: &Producer,
    source: &Source,
    declared: Option<&Declared>,
) -> Result<proto::Placement, Failure> {
    let stream = StreamName::parse(POLICY_STREAM)?.to_ref(&producer.refs)?;
    let frame = key::governing(producer, Kind::PolicyPublished, declared, |builder| {
        let body = Bytes::from(source.to_bytes());
        builder.stream(stream).policy_digest(source.digest()).body(POLICY_MEDIA_TYPE, body)
    })?;
    Ok(client.publish_policy(frame).await?)
}

/// The server's set in force.
pub(super) async fn in_force(common: &Common) -> Result<Source, Failure> {
    let answer = Client::connect(common).await?.policy(Bytes::new()).await?;
    Ok(Source { text: answer.text, schema: Some(answer.schema) })
}

/// Retires the set in force.
pub(super) async fn retire(common: &Common, glass: &ReasonedGlass, output: Output) -> Result<(), Failure> {
    let (mut client, producer) = key::governor(common).await?;
    let answer = client.policy(Bytes::new()).await?;
    if answer.built_in {
        return Err(Failure::failed("the built-in set is in force, and cannot be retired", "publish another one"));
    }
    let policy = Digest(producer::word(&answer.policy_digest, "policy_digest")?);
    let stream = StreamName::parse(POLICY_STREAM)?.to_ref(&producer.refs)?;
    let retired = |builder: crate::record::FactsBuilder| builder.stream(stream).policy_digest(policy);
    let declared = glass.declared(&producer.refs)?;
    let frame = key::governing(&producer, Kind::PolicyRetired, declared.as_ref(), retired)?;
    let placement = client.retire_policy(frame).await?;
    report(&mut client, output, &placement, (policy, "retired"), declared.as_ref()).await
}

/// Lists the sets that were published.
pub(super) async fn list(common: &Common, output: Output) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for record in Client::connect(common).await?.policies().await? {
        let policy = Digest(producer::word(&record.policy_digest, "policy_digest")?);
        let standing = match record.standing() {
            proto::PolicyStanding::InForce => "in_force",
            proto::PolicyStanding::Waiting => "waiting",
            proto::PolicyStanding::Refused => "refused",
            proto::PolicyStanding::Past => "past",
            proto::PolicyStanding::Unspecified => "unknown",
        };
        if output.is_json() {
            output.value(&json!({"policy_digest": policy.to_string(), "index": record.index,
                "standing": standing, "from_index": record.from_index, "break_glass": record.break_glass}))?;
        } else {
            let by = if record.break_glass { ", by break-glass" } else { "" };
            rows.push(vec![record.index.to_string(), standing.replace('_', " ") + by, policy.to_string()]);
        }
    }
    match (output.is_json(), rows.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => output.line("nobody published a policy; the built-in set is in force"),
        (false, false) => output.table(&["index", "standing", "policy"], &rows),
    }
}

/// Shows a set.
pub(super) async fn show(
    common: &Common,
    policy: Option<&str>,
    of_schema: bool,
    output: Output,
) -> Result<(), Failure> {
    let wanted = match policy {
        None => Bytes::new(),
        Some(text) => {
            let wanted = Digest::from_hex(text);
            let wanted =
                wanted.ok_or_else(|| Failure::usage("a digest has 64 hex digits", "see `deedbook policy list`"))?;
            Bytes::copy_from_slice(wanted.as_bytes())
        }
    };
    let answer = Client::connect(common).await?.policy(wanted).await?;
    let policy = Digest(producer::word(&answer.policy_digest, "policy_digest")?);
    if output.is_json() {
        return output.value(&json!({"policy_digest": policy.to_string(), "built_in": answer.built_in,
            "text": answer.text, "cedar_schema": answer.schema}));
    }
    let text = if of_schema { &answer.schema } else { &answer.text };
    output.line(&crate::domain::escape(&text.replace('\t', "    ").replace('\r', "")))
}

/// Says where the command stands, and whether it waits for another administrator.
async fn report(
    client: &mut Client,
    output: Output,
    placement: &proto::Placement,
    (policy, what): (Digest, &str),
    declared: Option<&Declared>,
) -> Result<(), Failure> {
    let index = placement.first_index;
    let now = client.policy(Bytes::new()).await?;
    let took_effect = (now.policy_digest == policy.as_bytes()) == (what == "published");
    let waits = key::waits_as(placement);
    let text = match &waits {
        Some(request) => {
            format!("policy {policy} stands at index {index}; {}", glass::waiting_for(request, declared))
        }
        None if took_effect => format!("policy {policy} {what} at index {index}{}", glass::told(declared)),
        None => format!("policy {policy} stands at index {index}, and another one was put in force since"),
    };
    output.either(&text, || {
        json!({"policy_digest": policy.to_string(), "index": index, "took_effect": took_effect, "waits_as": waits,
            "break_glass": declared.is_some()})
    })
}
