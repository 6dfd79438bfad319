//! What a set would have said to the actions of the past, and which actions ran under a set after another one had taken its
//! place. Both read what the log recorded; nothing is published.

use super::{Common, Output, described, sentence, terms};
use crate::api::proto;
use crate::approvals::{Event, Judgement};
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::filter::moment;
use crate::cli::output::{counted, escape_line};
use crate::cli::progress::Progress;
use crate::policy::{PolicySet, Question};
use clap::Args;
use deedbook_verify::detail::Verdict;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::Kind;
use deedbook_verify::words::{Digest, SubjectId};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// A stretch of the log.
#[derive(Args, Clone, Debug)]
pub struct Stretch {
    /// Only what the server had at or after this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what the server had before this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

/// Reads every event of a kind in the stretch, page by page.
async fn each(
    client: &mut Client,
    (kind, view): (Kind, proto::EventView),
    stretch: &Stretch,
    take: &mut dyn FnMut(&proto::StoredEvent, &Facts<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut request = proto::ListEventsRequest {
        kind: kind.name().to_owned(),
        received_from_micros: moment("--since", stretch.since.as_deref())?,
        received_to_micros: moment("--until", stretch.until.as_deref())?,
        view: view.into(),
        page_size: 1_000,
        ..proto::ListEventsRequest::default()
    };
    let mut progress = Progress::start(kind.name());
    loop {
        let page = client.list(request.clone()).await?;
        for event in &page.events {
            let entry = Entry::parse(&event.entry)
                .map_err(|error| Failure::failed(format!("entry {}: {error}", event.index), "audit the ledger"))?;
            take(event, &entry.facts)?;
            progress.set(event.index, page.size);
        }
        if page.next.is_empty() {
            progress.finish();
            return Ok(());
        }
        request.page_token = page.next;
    }
}

/// How many actions of the past were asked about, and what came of it.
#[derive(Default)]
struct Tally {
    seen: BTreeSet<[u8; 16]>,
    changed: u64,
    unread: u64,
    now: BTreeMap<&'static str, u64>,
}

/// Asks a set about every action of the stretch.
pub(super) async fn test(common: &Common, set: &PolicySet, stretch: &Stretch, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let mut tally = Tally::default();
    each(&mut client, (Kind::PolicyEvaluated, proto::EventView::Full), stretch, &mut |event, facts| {
        tally.ask(set, event, facts, output)
    })
    .await?;
    let Tally { seen, changed, unread, now } = &tally;
    let all = u64::try_from(seen.len()).unwrap_or(u64::MAX);
    let by_outcome: Vec<String> = now.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
    let details = if by_outcome.is_empty() { String::new() } else { format!(": now {}", by_outcome.join(", ")) };
    let erased = if *unread == 0 { String::new() } else { format!("; of {unread} the inputs were erased") };
    let text =
        format!("{changed} of {} would be decided otherwise{details}{erased}", counted(all, "action", "actions"));
    output.either(&text, || json!({"actions": all, "changed": changed, "now": now, "unread": unread}))
}

impl Tally {
    /// Votes and redemptions ask again; what counts here is what was said first.
    fn ask(
        &mut self,
        set: &PolicySet,
        event: &proto::StoredEvent,
        facts: &Facts<'_>,
        output: Output,
    ) -> Result<(), Failure> {
        let evaluated = (facts.request_id, Event::from_facts(facts));
        let (Some(request), Ok(Some(Event::Evaluated { judgement, .. }))) = evaluated else { return Ok(()) };
        if !self.seen.insert(request.0) {
            return Ok(());
        }
        let Ok(question) = Question::from_bytes(&event.body) else {
            self.unread = self.unread.saturating_add(1);
            return Ok(());
        };
        let (now, then) = (set.evaluate(&question), said(&judgement));
        if then == (now.verdict(), now.requirement().map(terms)) {
            return Ok(());
        }
        self.changed = self.changed.saturating_add(1);
        let count = self.now.entry(now.verdict().name()).or_default();
        *count = count.saturating_add(1);
        let (action, actor) = (&question.action, question.principal.name.as_str());
        let text = format!(
            "{}\t{request}\t{} of {}\n  then: {}\n  now:  {}",
            event.index,
            escape_line(action),
            escape_line(actor),
            then.0.name(),
            sentence(&now)
        );
        output.either(&text, || {
            json!({"index": event.index, "request_id": request.to_string(), "action": action, "actor": actor,
                "then": {"outcome": then.0.name(), "requirement": then.1}, "now": described(&now)})
        })
    }
}

/// A verdict with the terms of its requirement, teams by their number alone: a set that is not published knows no refs.
fn said(judgement: &Judgement) -> (Verdict, Option<serde_json::Value>) {
    let requirement = match judgement {
        Judgement::RequireApproval(requirement) => Some(terms(requirement)),
        Judgement::Allow | Judgement::Deny => None,
    };
    (judgement.verdict(), requirement)
}

/// What is known of one action's policies.
#[derive(Default)]
struct Ran {
    asked_under: Option<Digest>,
    ran_under: Option<(u64, Digest)>,
    ended: Option<u64>,
}

/// Lists the actions of the stretch that were asked for under one set and ran, or were still running, under another.
pub(super) async fn drift(common: &Common, stretch: &Stretch, output: Output) -> Result<(), Failure> {
    let mut client = Client::connect(common).await?;
    let mut actions: BTreeMap<[u8; 16], Ran> = BTreeMap::new();
    let basic = proto::EventView::Basic;
    each(&mut client, (Kind::PolicyEvaluated, basic), stretch, &mut |_, facts| {
        if let Some(request) = facts.request_id {
            let ran = actions.entry(request.0).or_default();
            ran.asked_under = ran.asked_under.or(facts.policy_digest);
        }
        Ok(())
    })
    .await?;
    each(&mut client, (Kind::GrantRedeemed, basic), stretch, &mut |event, facts| {
        if let (Some(request), Some(policy)) = (facts.request_id, facts.policy_digest) {
            actions.entry(request.0).or_default().ran_under = Some((event.index, policy));
        }
        Ok(())
    })
    .await?;
    each(&mut client, (Kind::ExecutionReported, basic), stretch, &mut |event, facts| {
        if let Some(ran) = facts.request_id.and_then(|request| actions.get_mut(&request.0)) {
            ran.ended = Some(event.index);
        }
        Ok(())
    })
    .await?;
    let changes: Vec<u64> = client.policies().await?.iter().filter_map(|policy| policy.from_index).collect();
    let mut rows = Vec::new();
    for (request, ran) in &actions {
        let Some((started, policy)) = ran.ran_under else { continue };
        let request = SubjectId(*request);
        let older = ran.asked_under.filter(|asked| *asked != policy);
        let replaced = changes.iter().copied().find(|at| *at > started && ran.ended.is_none_or(|ended| *at < ended));
        if older.is_none() && replaced.is_none() {
            continue;
        }
        if output.is_json() {
            output.value(
                &json!({"request_id": request.to_string(), "asked_under": ran.asked_under.map(|d| d.to_string()),
                "ran_under": policy.to_string(), "started_index": started, "ended_index": ran.ended,
                "replaced_at_index": replaced}),
            )?;
        } else {
            let digest = |digest: Option<Digest>| {
                digest.map_or("-".to_owned(), |digest| digest.to_string().chars().take(16).collect())
            };
            let at = |index: Option<u64>| index.map_or("-".to_owned(), |index| index.to_string());
            rows.push(vec![
                request.to_string(),
                digest(ran.asked_under),
                digest(Some(policy)),
                started.to_string(),
                at(ran.ended),
                at(replaced),
            ]);
        }
    }
    match (output.is_json(), rows.is_empty()) {
        (true, _) => Ok(()),
        (false, true) => output.line("every action ran, and ended, under the policies that it was asked under"),
        (false, false) => {
            output.table(&["request", "asked under", "ran under", "started", "ended", "replaced at"], &rows)
        }
    }
}
