//! How an action looks: a row of the inbox, the screen on which a person decides, one JSON object. What was rendered
//! for reviewers is shown as it is, escaped, for its digest is what a vote binds.

use super::around::{Around, Shown};
use super::glance;
use crate::api::proto;
use crate::approvals;
use crate::cli::errors::Failure;
use crate::cli::glass;
use crate::cli::output::{Colour, Output, escape, escape_line};
use crate::clock::Clock;
use crate::record::line::time;
use deedbook_verify::words::Micros;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Headings of the inbox.
pub const HEADINGS: &[&str] = &["request", "action", "on", "to", "who", "approvals", "risk", "expires in"];

/// One row of the inbox.
pub fn row(action: &proto::Action) -> Vec<String> {
    let risk = action.requirement.as_ref().map_or(0, |requirement| requirement.risk);
    vec![
        hex(&action.request_id).chars().take(12).collect(),
        action.action_type.clone(),
        action.resource.clone(),
        action.destination.clone(),
        name(&action.actor_name, &action.actor),
        glance::tally(action),
        risk.to_string(),
        time_left(action.expires_micros),
    ]
}

/// One line of `watch`.
pub fn line(action: &proto::Action) -> String {
    row(action).join("  ")
}

/// Who stands behind the policies that ask and the people who are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Governed {
    /// One administrator, by their word alone.
    Alone,
    /// Two, neither without the other.
    ByTwo,
}

impl Governed {
    /// As the ledger stands.
    pub fn of(governance: &proto::ListPrincipalsResponse) -> Governed {
        if governance.needs_two { Governed::ByTwo } else { Governed::Alone }
    }
}

/// The screen on which a person decides.
pub fn show(
    action: &proto::Action,
    presentation: Option<&proto::Presentation>,
    around: &Around,
    output: Output,
) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&whole_value(action, presentation, around));
    }
    let state = state_name(action);
    let colour = match action.state() {
        proto::RequestState::Denied | proto::RequestState::Expired | proto::RequestState::Invalidated => Colour::Red,
        proto::RequestState::Approved => Colour::Green,
        proto::RequestState::Unspecified
        | proto::RequestState::Open
        | proto::RequestState::Cancelled
        | proto::RequestState::Superseded
        | proto::RequestState::Unroutable
        | proto::RequestState::BreakGlass => Colour::Bold,
    };
    output.line(&format!("{}  {}", output.paint(&state, colour), hex(&action.request_id)))?;
    glance(action, around, output)?;
    match presentation {
        Some(presentation) => {
            sections(&presentation.text, output)?;
            if !presentation.complete {
                output.line(&output.paint("Not everything is shown: it did not fit, see above", Colour::Red))?;
            }
        }
        None if around.shown == Shown::Erased => output.line("what was shown to reviewers was erased")?,
        None => {}
    }
    let mut pairs = if presentation.is_some() { Vec::new() } else { essentials(action, around) };
    pairs.push(("policy", format!("{}, by policies {}", outcome(action), hex(&action.policy_digest))));
    pairs.extend(standing(action, around));
    if around.governed == Governed::Alone {
        pairs.push(("governance", "one administrator alone says who there is and what policies ask".to_owned()));
    }
    if let Some(glass) = &around.glass {
        pairs.push(("governance", glass::history(&glass.broken)));
    }
    output.pairs(&pairs)
}

/// What a person must see first.
fn glance(action: &proto::Action, around: &Around, output: Output) -> Result<(), Failure> {
    output.line(&output.paint(&glance::wish(action), Colour::Bold))?;
    if action.state() != proto::RequestState::Open {
        return Ok(());
    }
    let left = time_left(action.expires_micros);
    output.line(&format!("{} approvals, {left} left", glance::tally(action)))?;
    match &around.viewer {
        Some(viewer) => output.line(&glance::standing(action, viewer)),
        None => output.line("add --signer FILE to see whether you may decide it"),
    }
}

/// What was rendered for reviewers, section by section. Bytes that are no presentation are shown as they are, escaped:
/// nothing of what a vote binds is hidden.
fn sections(text: &[u8], output: Output) -> Result<(), Failure> {
    let Ok(sections) = approvals::sections(text) else {
        return output.line(&escape(&String::from_utf8_lossy(text)));
    };
    for section in sections {
        output.line(&format!("\n{}", output.paint(&section.title, Colour::Bold)))?;
        let rows: Vec<(&str, String)> =
            section.rows.iter().map(|row| (row.label.as_str(), row.value.clone())).collect();
        output.plain_pairs(&rows)?;
    }
    output.line("")
}

/// What a reviewer reads off the presentation, where there is none.
fn essentials(action: &proto::Action, around: &Around) -> Vec<(&'static str, String)> {
    let mut pairs =
        vec![("action", action.action_type.clone()), ("who", escape_line(&name(&action.actor_name, &action.actor)))];
    if around.shown == Shown::Never {
        pairs.push(("asked", "nobody".to_owned()));
    }
    if let Some(emergency) = &around.emergency {
        pairs.push(("reason", emergency.reason.clone()));
        pairs.push(("incident", emergency.incident.clone()));
    }
    pairs
}

/// How it stands: votes, who may not approve, grant, execution.
fn standing(action: &proto::Action, around: &Around) -> Vec<(&'static str, String)> {
    let mut pairs = Vec::new();
    if let Some(requirement) = &action.requirement {
        pairs.push(("approvals", format!("{} of {}", votes(action, "approve"), requirement.distinct_persons_min)));
    }
    for vote in &action.votes {
        let old = if vote.current { "" } else { " (for an earlier presentation)" };
        let who = name(&vote.person_name, &vote.person);
        let reason = around.reason(vote).map_or_else(String::new, |reason| format!(", because: {reason}"));
        let glass = around.glass_at(vote).map_or_else(String::new, |at| format!(" (governed by break-glass at {at})"));
        pairs.push(("vote", escape_line(&format!("{who}{glass}: {}{old}{reason}", vote.decision))));
    }
    let conflicts: Vec<String> = action
        .conflicts
        .iter()
        .map(|conflict| format!("{} ({})", name(&conflict.person_name, &conflict.person), conflict.reason))
        .collect();
    if !conflicts.is_empty() {
        pairs.push(("may not approve", conflicts.join("\n")));
    }
    if action.state() == proto::RequestState::Open {
        pairs.push(("expires in", time_left(action.expires_micros)));
    }
    if let Some(grant) = &action.grant {
        let until = time::show(Micros(grant.expires_micros));
        pairs.push(("grant", format!("{}, until {until}, {} uses left", grant_name(grant), grant.uses_left)));
    }
    if let Some(execution) = execution_name(action) {
        pairs.push(("execution", execution.to_owned()));
    }
    if let Some(review) = review_name(action) {
        pairs.push(("post-review", review.to_owned()));
    }
    pairs
}

/// The JSON object of an action with all that is known around it.
fn whole_value(action: &proto::Action, presentation: Option<&proto::Presentation>, around: &Around) -> Value {
    let mut object = value(action, presentation);
    let votes = action.votes.iter().map(|vote| {
        let mut object = vote_value(vote);
        if let Some(members) = object.as_object_mut() {
            members.insert("reason".to_owned(), json!(around.reason(vote)));
            members.insert("break_glass_index".to_owned(), json!(around.glass_at(vote)));
        }
        object
    });
    let votes = Value::Array(votes.collect());
    if let Some(members) = object.as_object_mut() {
        members.insert("votes".to_owned(), votes);
        members.insert("governed_alone".to_owned(), json!(around.governed == Governed::Alone));
        members
            .insert("broken_glass".to_owned(), json!(around.glass.as_ref().map(|glass| glass::value(&glass.broken))));
        if let Some(emergency) = &around.emergency {
            members.insert("reason".to_owned(), json!(emergency.reason));
            members.insert("incident".to_owned(), json!(emergency.incident));
        }
    }
    object
}

/// The JSON object of an action; docs/CLI.md names its members.
pub fn value(action: &proto::Action, presentation: Option<&proto::Presentation>) -> Value {
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| {
        if !value.is_null() {
            out.insert(name.to_owned(), value);
        }
    };
    put("request_id", json!(hex(&action.request_id)));
    put("outcome", json!(outcome(action)));
    put("state", json!(state_name(action)));
    put("revision", json!(action.revision));
    put("index", json!(action.index));
    put("action", json!(action.action_type));
    put("action_digest", json!(hex(&action.action_digest)));
    put("resource", json!(Some(&action.resource).filter(|resource| !resource.is_empty())));
    put("destination", json!(Some(&action.destination).filter(|destination| !destination.is_empty())));
    put("actor", json!(hex(&action.actor)));
    put("source", json!(hex(&action.source)));
    put("actor_name", json!(Some(&action.actor_name).filter(|name| !name.is_empty())));
    put("policy_digest", json!(hex(&action.policy_digest)));
    if let Some(requirement) = &action.requirement {
        put("requirement", requirement_value(requirement));
        put("expires", json!(time::show(Micros(action.expires_micros))));
    }
    put("votes", Value::Array(action.votes.iter().map(vote_value).collect()));
    put("conflicts", Value::Array(action.conflicts.iter().map(conflict_value).collect()));
    if let Some(grant) = &action.grant {
        put("grant_id", json!(hex(&grant.id)));
        put("grant", json!(grant_name(grant)));
        put("grant_expires", json!(time::show(Micros(grant.expires_micros))));
        put("uses_left", json!(grant.uses_left));
    }
    put("execution", json!(execution_name(action)));
    put("post_review", json!(review_name(action)));
    if let Some(presentation) = presentation {
        put("presentation", json!(String::from_utf8_lossy(&presentation.text)));
        put("presentation_digest", json!(hex(&presentation.digest)));
        put("complete", json!(presentation.complete));
    }
    Value::Object(out)
}

fn requirement_value(requirement: &proto::Requirement) -> Value {
    let clauses: Vec<Value> = requirement
        .clauses
        .iter()
        .map(|clause| json!({"team": name(&clause.team_name, &clause.team), "persons_min": clause.persons_min}))
        .collect();
    json!({"distinct_persons_min": requirement.distinct_persons_min, "clauses": clauses, "risk": requirement.risk,
        "request_ttl_s": requirement.request_ttl_s, "grant_ttl_s": requirement.grant_ttl_s, "uses": requirement.uses})
}

fn vote_value(vote: &proto::RequestVote) -> Value {
    json!({"person": name(&vote.person_name, &vote.person), "decision": vote.decision, "current": vote.current,
        "revision": vote.revision})
}

fn conflict_value(conflict: &proto::RequestConflict) -> Value {
    json!({"person": name(&conflict.person_name, &conflict.person), "reason": conflict.reason})
}

/// What policy said: `allow`, `deny` or `require_approval`.
pub fn outcome(action: &proto::Action) -> &'static str {
    match action.verdict() {
        proto::PolicyVerdict::Unspecified => "unknown",
        proto::PolicyVerdict::Allow => "allow",
        proto::PolicyVerdict::Deny => "deny",
        proto::PolicyVerdict::RequireApproval => "require_approval",
    }
}

/// How the action stands, in one word: that of its request, or what policy decided alone.
pub fn state_name(action: &proto::Action) -> String {
    if action.state() == proto::RequestState::Unspecified {
        return outcome(action).to_owned();
    }
    action.state().as_str_name().strip_prefix("REQUEST_STATE_").unwrap_or_default().to_ascii_lowercase()
}

/// Whether nobody is waited for any more.
pub fn is_decided(action: &proto::Action) -> bool {
    action.state() != proto::RequestState::Open
}

/// Whether something was granted that can still be redeemed.
pub fn is_granted(action: &proto::Action) -> bool {
    action.grant.as_ref().is_some_and(|grant| grant.state() == proto::GrantState::Issued)
}

/// How a grant stands, in one word.
pub fn grant_name(grant: &proto::Grant) -> &'static str {
    match grant.state() {
        proto::GrantState::Unspecified => "none",
        proto::GrantState::Issued => "issued",
        proto::GrantState::Redeemed => "redeemed",
        proto::GrantState::Expired => "expired",
        proto::GrantState::Revoked => "revoked",
    }
}

/// How its execution stands, if it was started.
pub fn execution_name(action: &proto::Action) -> Option<&'static str> {
    match action.execution() {
        proto::ExecutionState::Unspecified => None,
        proto::ExecutionState::Started => Some("started"),
        proto::ExecutionState::Succeeded => Some("succeeded"),
        proto::ExecutionState::Failed => Some("failed"),
        proto::ExecutionState::Unknown => Some("unknown"),
    }
}

fn review_name(action: &proto::Action) -> Option<&'static str> {
    match action.post_review() {
        proto::PostReviewState::Unspecified => None,
        proto::PostReviewState::Open => Some("open"),
        proto::PostReviewState::Overdue => Some("overdue"),
        proto::PostReviewState::Ratified => Some("ratified"),
        proto::PostReviewState::Repudiated => Some("repudiated"),
    }
}

/// Votes that count for what is shown now.
pub fn votes(action: &proto::Action, decision: &str) -> usize {
    action.votes.iter().filter(|vote| vote.current && vote.decision == decision).count()
}

/// A name, or the ref where it was erased.
pub fn name(name: &str, who: &[u8]) -> String {
    if name.is_empty() { hex(who) } else { name.to_owned() }
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// How long until a moment, by this machine's clock.
fn time_left(until_micros: u64) -> String {
    let seconds = until_micros.saturating_sub(Clock::system().wall().0) / 1_000_000;
    match seconds {
        0 => "now".to_owned(),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}
