//! The top of a reviewer's screen, for five seconds: how it stands, who wants what done to which data, and whether the
//! person at the terminal may decide it. It repeats what stands below and what the ledger will say, and decides nothing.

use super::screen;
use crate::api::proto;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::files;
use crate::cli::output::escape_line;
use bytes::Bytes;
use std::path::Path;

/// The person whose key would sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    who: Bytes,
    id: String,
    /// A person in force with the role reviewer.
    reviews: bool,
}

impl Viewer {
    /// Whose key a file holds; none where the ledger knows nobody by it. Nothing is signed.
    pub async fn of(client: &mut Client, signer: &Path) -> Result<Option<Viewer>, Failure> {
        let id = files::secret_key(signer)?.public().id();
        let keys = client.keys(Bytes::new(), true).await?;
        match keys.into_iter().find(|key| key.key_id[..] == id.as_bytes()[..]) {
            Some(key) => Viewer::behind(client, &key.source).await,
            None => Ok(None),
        }
    }

    /// The principal that a source is, if it is one.
    pub async fn behind(client: &mut Client, source: &[u8]) -> Result<Option<Viewer>, Failure> {
        let (principals, _) = client.principals().await?;
        let person = principals.iter().find(|person| person.r#ref[..] == *source);
        Ok(person.map(Viewer::from))
    }
}

impl From<&proto::Principal> for Viewer {
    fn from(person: &proto::Principal) -> Viewer {
        let in_force = person.kind == "human" && person.disabled_index.is_none();
        Viewer {
            who: person.r#ref.clone(),
            id: screen::name(&person.id, &person.r#ref),
            reviews: in_force && person.roles.iter().any(|role| role == "reviewer"),
        }
    }
}

/// Who wants what, in one line.
pub fn wish(action: &proto::Action) -> String {
    let who = screen::name(&action.actor_name, &action.actor);
    let on = if action.resource.is_empty() { String::new() } else { format!(" on {}", action.resource) };
    let to = if action.destination.is_empty() { String::new() } else { format!(" to {}", action.destination) };
    let relayed = !action.source.is_empty() && action.source != action.actor;
    let says = if relayed { format!("source {} says that ", screen::hex(&action.source)) } else { String::new() };
    escape_line(&format!("{says}{who} wants {}{on}{to}", action.action_type))
}

/// How many have approved, of how many.
pub fn tally(action: &proto::Action) -> String {
    let wanted = action.requirement.as_ref().map_or(0, |requirement| requirement.distinct_persons_min);
    format!("{} of {wanted}", screen::votes(action, "approve"))
}

/// Whether the viewer may decide an open request, as far as the screen can know.
pub fn standing(action: &proto::Action, viewer: &Viewer) -> String {
    let Viewer { who, id, reviews } = viewer;
    if let Some(vote) = action.votes.iter().rev().find(|vote| vote.current && vote.person == *who) {
        return escape_line(&format!("{id}: you have voted: {}", vote.decision));
    }
    if !reviews {
        return escape_line(&format!("{id}: you may not decide: you are no reviewer"));
    }
    match action.conflicts.iter().find(|conflict| conflict.person == *who) {
        Some(conflict) => escape_line(&format!("{id}: you may deny, not approve: {}", in_words(&conflict.reason))),
        None => escape_line(&format!("{id}: you may approve or deny")),
    }
}

fn in_words(reason: &str) -> String {
    match reason {
        "requester" => "you ask for it",
        "owner" => "you answer for who asks",
        "principal" => "it is done for you",
        "delegate" => "you decide for somebody who is in conflict, or they for you",
        "binder" => "you let somebody in who is in conflict, or they you, alone",
        "account" => "an account of yours asks for it",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action() -> proto::Action {
        proto::Action {
            actor_name: "exporter".into(),
            action_type: "data.export".into(),
            resource: "dataset:customers@42".into(),
            destination: "s3://partner/out".into(),
            requirement: Some(proto::Requirement { distinct_persons_min: 2, ..proto::Requirement::default() }),
            conflicts: vec![proto::RequestConflict {
                person: vec![1].into(),
                person_name: "alice".into(),
                reason: "owner".into(),
            }],
            votes: vec![proto::RequestVote {
                person: vec![2].into(),
                decision: "approve".into(),
                current: true,
                ..proto::RequestVote::default()
            }],
            ..proto::Action::default()
        }
    }

    fn person(who: u8, roles: &[&str]) -> proto::Principal {
        proto::Principal {
            r#ref: vec![who].into(),
            kind: "human".into(),
            id: "p".into(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            ..proto::Principal::default()
        }
    }

    #[test]
    fn who_wants_what_and_may_i() {
        assert_eq!(wish(&action()), "exporter wants data.export on dataset:customers@42 to s3://partner/out");
        assert_eq!(tally(&action()), "1 of 2");
        let says = |person: proto::Principal| standing(&action(), &Viewer::from(&person));
        assert_eq!(says(person(1, &["reviewer"])), "p: you may deny, not approve: you answer for who asks");
        assert_eq!(says(person(2, &["reviewer"])), "p: you have voted: approve");
        assert_eq!(says(person(3, &["reviewer"])), "p: you may approve or deny");
        assert_eq!(says(person(3, &["administrator"])), "p: you may not decide: you are no reviewer");
        let gone = proto::Principal { disabled_index: Some(4), ..person(3, &["reviewer"]) };
        assert_eq!(says(gone), "p: you may not decide: you are no reviewer");
    }

    #[test]
    fn a_gateways_word_is_told_as_such() {
        let relayed = proto::Action { actor: vec![1].into(), source: vec![2].into(), ..action() };
        assert!(wish(&relayed).starts_with("source 02 says that exporter wants"), "{}", wish(&relayed));
        let own = proto::Action { actor: vec![1].into(), source: vec![1].into(), ..action() };
        assert!(wish(&own).starts_with("exporter wants"));
    }

    #[test]
    fn what_comes_from_outside_is_escaped() {
        let hostile = proto::Action { resource: "a\nb\u{202e}".into(), ..action() };
        assert!(!wish(&hostile).contains(['\n', '\u{202e}']));
    }
}
