//! What stands around an action and not in its row: why people voted as they did, why the glass was broken, whether what
//! reviewers were shown was erased, and, in words, why nothing was granted. It reads the entries of the action's stream
//! and decides nothing. Reasons are as people wrote them, to be escaped by whoever shows them; sentences are on one line.

use super::glance::Viewer;
use super::screen::{self, Governed};
use crate::api::proto;
use crate::cli::action::step::Emergency;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::escape_line;
use bytes::Bytes;
use deedbook_verify::entry::Entry;
use deedbook_verify::kind::Kind;
use serde_json::Value;
use std::collections::BTreeMap;

/// Events on one page.
const PAGE_SIZE: i32 = 1_000;
/// Pages that are read of one kind in the stream of one action. Votes that were refused stand there too, and are as many
/// as their writers like; reasons behind the first 16,000 are not looked for.
const PAGES_MAX: usize = 16;

/// Whether reviewers were shown something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nobody was asked.
    Never,
    /// They were, and it is still there.
    Kept,
    /// They were, and its body was erased.
    Erased,
}

/// What was governed by break-glass, and about whom.
pub struct Glass {
    /// How often, and where.
    pub broken: proto::BrokenGlass,
    /// The last entry that changed something about somebody so, by their ref.
    about: BTreeMap<Bytes, u64>,
}

impl Glass {
    async fn of(client: &mut Client, broken: proto::BrokenGlass) -> Result<Glass, Failure> {
        let (principals, _) = client.principals().await?;
        let about = principals.into_iter().filter_map(|it| Some((it.r#ref, it.break_glass_index?))).collect();
        Ok(Glass { broken, about })
    }
}

/// What is known around an action.
pub struct Around {
    /// Who stands behind policies and people.
    pub governed: Governed,
    /// What was governed by break-glass, if anything was.
    pub glass: Option<Glass>,
    /// Whether reviewers were shown something.
    pub shown: Shown,
    /// Why the glass was broken, where it was and the words were not erased.
    pub emergency: Option<Emergency>,
    /// Who looks at it, if they say by which key.
    pub viewer: Option<Viewer>,
    /// Why people voted so, by the revision of the vote.
    reasons: BTreeMap<u64, String>,
}

impl Around {
    /// Reads it. `presented` says that the server sent what reviewers are shown.
    pub async fn of(client: &mut Client, action: &proto::Action, presented: bool) -> Result<Around, Failure> {
        let command = client.event(action.index, proto::EventView::Full).await?;
        let facts = Entry::parse(&command.entry)?.facts;
        let stream = facts.stream.map_or_else(Bytes::new, |stream| Bytes::copy_from_slice(stream.as_bytes()));
        let emergency = if facts.kind == Kind::BreakglassInvoked { emergency(&command.body) } else { None };
        let reasons = reasons(client, action, &stream).await?;
        let shown = if presented { Shown::Kept } else { shown(client, &stream).await? };
        let governance = client.governance().await?;
        let governed = Governed::of(&governance);
        let glass = match governance.broken_glass {
            Some(broken) => Some(Glass::of(client, broken).await?),
            None => None,
        };
        Ok(Around { governed, glass, shown, emergency, viewer: None, reasons })
    }

    /// Why somebody voted so, if they said it and it was not erased.
    pub fn reason(&self, vote: &proto::RequestVote) -> Option<&str> {
        self.reasons.get(&vote.revision).map(String::as_str)
    }

    /// The last entry by which something about the voter was changed by break-glass.
    pub fn glass_at(&self, vote: &proto::RequestVote) -> Option<u64> {
        self.glass.as_ref()?.about.get(&vote.person).copied()
    }
}

/// Why an action cannot run, for people. What cannot be read is left out: the state is known without it.
pub async fn why_not(client: &mut Client, action: &proto::Action) -> String {
    use proto::RequestState;
    let state = screen::state_name(action);
    let because = match action.state() {
        RequestState::Unspecified if action.verdict() == proto::PolicyVerdict::Deny => {
            let (policies, name) = (screen::hex(&action.policy_digest), escape_line(&action.action_type));
            let show = "`deedbook policy show` shows them, and with --schema the actions that they know";
            return format!("denied by policies {policies}: none allows `{name}`, or one forbids it; {show}");
        }
        RequestState::Denied => return denied(client, action).await,
        RequestState::Unspecified | RequestState::Approved | RequestState::BreakGlass => {
            let grant = action.grant.as_ref().map_or("none", screen::grant_name);
            return format!("{state}, and its grant is {grant}");
        }
        RequestState::Open => "people have not decided",
        RequestState::Expired => "nobody decided in time",
        RequestState::Cancelled => "it was withdrawn",
        RequestState::Superseded => "another request took its place",
        RequestState::Invalidated => "policies forbid it by now",
        RequestState::Unroutable => "there are not enough people who could decide it",
    };
    format!("{state}: {because}")
}

async fn denied(client: &mut Client, action: &proto::Action) -> String {
    let around = Around::of(client, action, true).await.ok();
    let voters = action.votes.iter().filter(|vote| vote.current && vote.decision == "deny").map(|vote| {
        let who = screen::name(&vote.person_name, &vote.person);
        escape_line(&match around.as_ref().and_then(|around| around.reason(vote)) {
            Some(reason) => format!("{who}: {reason}"),
            None => who,
        })
    });
    let voters: Vec<String> = voters.collect();
    if voters.is_empty() { "denied".to_owned() } else { format!("denied by {}", voters.join("; ")) }
}

/// The reasons of the votes that the action counts.
async fn reasons(
    client: &mut Client,
    action: &proto::Action,
    stream: &Bytes,
) -> Result<BTreeMap<u64, String>, Failure> {
    let mut found = BTreeMap::new();
    if action.votes.is_empty() {
        return Ok(found);
    }
    for event in of_kind(client, stream, Kind::VoteCast).await? {
        let revision = Entry::parse(&event.entry)?.seal.revision.map(|revision| revision.0);
        let counted = revision.filter(|revision| action.votes.iter().any(|vote| vote.revision == *revision));
        let said = json(&event.body).and_then(|body| text(&body, "reason"));
        if let (Some(revision), Some(reason)) = (counted, said) {
            found.insert(revision, reason);
        }
    }
    Ok(found)
}

/// What became of what reviewers were shown, where the server sends nothing of it.
async fn shown(client: &mut Client, stream: &Bytes) -> Result<Shown, Failure> {
    let last = of_kind(client, stream, Kind::PresentationShown).await?.pop();
    Ok(match last.map(|event| event.body_state()) {
        None => Shown::Never,
        Some(proto::BodyState::Erased) => Shown::Erased,
        Some(
            proto::BodyState::Unspecified
            | proto::BodyState::None
            | proto::BodyState::Withheld
            | proto::BodyState::Opened,
        ) => Shown::Kept,
    })
}

/// The events of a kind in the stream of an action, with their bodies, in log order.
async fn of_kind(client: &mut Client, stream: &Bytes, kind: Kind) -> Result<Vec<proto::StoredEvent>, Failure> {
    let mut found = Vec::new();
    let mut request = proto::ListEventsRequest {
        kind: kind.name().to_owned(),
        stream: stream.clone(),
        view: proto::EventView::Full.into(),
        page_size: PAGE_SIZE,
        ..proto::ListEventsRequest::default()
    };
    for _ in 0..PAGES_MAX {
        let page = client.list(request.clone()).await?;
        found.extend(page.events);
        if page.next.is_empty() {
            break;
        }
        request.page_token = page.next;
    }
    Ok(found)
}

fn emergency(body: &[u8]) -> Option<Emergency> {
    let body = json(body)?;
    Some(Emergency { reason: text(&body, "reason")?, incident: text(&body, "incident")? })
}

fn json(body: &[u8]) -> Option<Value> {
    serde_json::from_slice(body).ok()
}

fn text(body: &Value, member: &str) -> Option<String> {
    body.get(member)?.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}
