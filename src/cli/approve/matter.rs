//! What a second administrator is shown of a command that waits: what the vote binds, with the body that it commits to, and
//! names for refs. Nobody has to agree to what they cannot read.

use crate::api::proto;
use crate::cli::approvals::screen;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::escape_line;
use crate::cli::producer::{Producer, word};
use crate::cli::{glass, policy, show};
use crate::policy::Source;
use bytes::Bytes;
use deedbook_verify::detail::{Detail, KeepingCommand};
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::Salt;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Micros, Ref};

/// What the command would do, line by line.
pub async fn screen(
    client: &mut Client,
    producer: &Producer,
    facts: &Facts<'_>,
    command: &proto::PendingCommand,
) -> Result<Vec<String>, Failure> {
    let asker = Ref(word(&command.asker, "asker")?);
    let mut lines = vec![
        format!("{} at index {}, asked by administrator {asker}", facts.kind.name(), command.index),
        format!("waits until {}", crate::record::line::time::show(Micros(command.expires_micros))),
    ];
    lines.extend(glass::silence(command));
    lines.extend(show::detail_pairs(facts).into_iter().map(|(name, value)| format!("  {name}: {value}")));
    if let Some(responsible) = facts.responsible {
        lines.push(format!("  responsible: {responsible}"));
    }
    if let Detail::Keeping(KeepingCommand::Retention { class, .. } | KeepingCommand::HoldPlaced { class, .. }) =
        &facts.detail
    {
        lines.push(format!("  data_class: {}", class.map_or("whatever is stated", |class| class.as_str())));
    }
    match body(client, facts, command).await? {
        Some(body) if facts.kind == Kind::PolicyPublished => lines.extend(policy_changes(client, &body).await?),
        Some(body) => lines.extend(members(&body)),
        None if facts.commitment.is_some() => {
            lines.push("  its body was erased: nobody can tell what it says".to_owned())
        }
        None => {}
    }
    named(client, producer, lines).await
}

/// The body that the command commits to, if it is still there; one that is another's is an error.
async fn body(
    client: &mut Client,
    facts: &Facts<'_>,
    command: &proto::PendingCommand,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(commitment) = facts.commitment else { return Ok(None) };
    let event = client.event(command.index, proto::EventView::Full).await?;
    if event.body_state() != proto::BodyState::Opened {
        return Ok(None);
    }
    let salt = Salt(word(&event.salt, "salt")?);
    let same = Entry::parse(&event.entry).is_ok_and(|entry| entry.facts.bytes == command.facts);
    if same && commitment.opens(&salt, &event.body) {
        return Ok(Some(event.body.to_vec()));
    }
    let message = "the server shows another body than the one that the command commits to";
    Err(Failure::failed(message, "do not agree; audit the ledger"))
}

/// How a set differs from the one in force, with the text of what is new.
async fn policy_changes(client: &mut Client, body: &[u8]) -> Result<Vec<String>, Failure> {
    let offered = Source::from_bytes(body)
        .map_err(|error| Failure::failed(format!("the policy set cannot be read: {error}"), "do not agree"))?;
    let answer = client.policy(Bytes::new()).await?;
    let in_force = Source { text: answer.text, schema: Some(answer.schema) };
    let mut lines = vec!["  against the set in force:".to_owned()];
    lines.extend(policy::changes(&in_force, &offered).into_iter().map(|line| format!("    {}", escape_line(&line))));
    Ok(lines)
}

/// The members of a body of ours, which is a JSON object of texts.
fn members(body: &[u8]) -> Vec<String> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(body) else {
        return vec![format!("  body: {}", escape_line(&String::from_utf8_lossy(body)))];
    };
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    members.iter().map(|(name, value)| format!("  {}: {}", escape_line(name), escape_line(&text(value)))).collect()
}

/// The lines with the names of those whom they name by ref.
async fn named(client: &mut Client, producer: &Producer, lines: Vec<String>) -> Result<Vec<String>, Failure> {
    let (principals, _) = client.principals().await?;
    let mut names: Vec<(String, String)> = principals
        .iter()
        .filter(|principal| !principal.id.is_empty())
        .map(|principal| (screen::hex(&principal.r#ref), escape_line(&format!("{} {}", principal.kind, principal.id))))
        .collect();
    names.push((producer.source.to_string(), "you".to_owned()));
    let name = |line: String| {
        names.iter().fold(line, |line, (who, name)| line.replace(who.as_str(), &format!("{name} ({who})")))
    };
    Ok(lines.into_iter().map(name).collect())
}
