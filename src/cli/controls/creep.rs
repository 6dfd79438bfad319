//! `deedbook controls creep`: what agents and services may do, beside what they did. It reads what the log says and judges
//! nothing: whether a permission that nobody used should go is for people to say.

mod uses;

use super::{minute, moment};
use crate::api::proto;
use crate::cli::client::{Client, ended};
use crate::cli::errors::Failure;
use crate::cli::output::{Output, counted, escape_line};
use crate::cli::producer::{now, word};
use crate::cli::progress::Progress;
use crate::cli::{Common, block_on, filter, policy};
use crate::limits::{CREEP_OVER_DAYS_DEFAULT, EXPORT_RETRIES_MAX};
use crate::policy::{PolicySet, Question};
use clap::Args;
use deedbook_verify::detail::Window;
use deedbook_verify::entry::Entry;
use deedbook_verify::words::{Index, KeyId, Micros, Ref};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use uses::{Agent, Agents, Use};

/// Over which time.
#[derive(Args, Debug)]
pub struct CreepArguments {
    /// The first day, in UTC, or the first moment; without it 90 days before the end
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// The last day, which belongs to it, or the first moment behind it; without it now
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
}

const DAY_US: u64 = 24 * 3_600 * 1_000_000;

/// Of an action type that the set in force knows and the agent asked for at no time that was read.
const NEVER_ASKED: &str = "never asked";

/// Shows it.
pub fn run(common: &Common, arguments: &CreepArguments, output: Output) -> Result<(), Failure> {
    let window = window(arguments)?;
    let set = policy::set_in_force(common)?;
    let rows = block_on(async {
        let mut client = Client::connect(common).await?;
        let mut agents = bound(&mut client).await?;
        read(&mut client, &mut agents, window).await?;
        let mut rows = Vec::new();
        for (who, agent) in &agents.by_ref {
            rows.extend(of_agent(&mut client, &set, (*who, agent)).await?);
        }
        Ok(rows)
    })?;
    show(&rows, window, output)
}

/// The moments from and to.
fn window(arguments: &CreepArguments) -> Result<Window, Failure> {
    let end = match &arguments.to {
        Some(to) => {
            let end = filter::period("1970-01-01", to)?.until;
            filter::no_later_than_today(to, end, "nobody can have used anything by then")?;
            end
        }
        None => Micros(now().0.saturating_add(1)),
    };
    let begin = match &arguments.from {
        Some(from) => {
            let begin = filter::period(from, "9999-12-30")?.from;
            filter::begun(from, begin)?;
            begin
        }
        None => Micros(end.0.saturating_sub(u64::from(CREEP_OVER_DAYS_DEFAULT).saturating_mul(DAY_US))),
    };
    filter::window(begin, end)
}

/// The agents and services that are bound now, with their roles and keys in force.
async fn bound(client: &mut Client) -> Result<Agents, Failure> {
    let (principals, _) = client.principals().await?;
    let mut agents = Agents::default();
    for principal in principals {
        let acts = matches!(principal.kind.as_str(), "agent" | "service");
        if !acts || principal.disabled_index.is_some() {
            continue;
        }
        let mut keys = BTreeMap::new();
        for key in client.keys(principal.r#ref.clone(), true).await? {
            keys.insert(KeyId(word(&key.key_id, "key_id")?), Use::default());
        }
        let roles = principal.roles.iter().map(|role| (role.clone(), Use::default())).collect();
        let (kind, id) = (principal.kind, principal.id);
        agents.by_ref.insert(word(&principal.r#ref, "ref").map(Ref)?, Agent::new(kind, id, roles, keys));
    }
    Ok(agents)
}

/// Reads the period, and before it as long as requests live, so that a run is known by what it was asked for.
async fn read(client: &mut Client, agents: &mut Agents, window: Window) -> Result<(), Failure> {
    let (from_micros, to_micros) = (window.from.0, window.until.0);
    let request = proto::GetIntervalRequest { from_micros, to_micros, sizes: None };
    let sizes = client.interval(request).await?.sizes.unwrap_or_default();
    let (mut next, mut failures) = (sizes.begins, 0u32);
    let mut progress = Progress::start("entries");
    while next < sizes.ends {
        let mut events = client.read(next..sizes.ends, proto::EventView::Basic).await?;
        while let Some(events) = events.recv().await {
            let events = match events {
                Ok(events) => events,
                // A read that broke off is taken up again where it stood.
                Err(error) if error.code == "UNAVAILABLE" && failures < EXPORT_RETRIES_MAX => break,
                Err(error) => return Err(error.into()),
            };
            for event in &events {
                let entry = Entry::parse(&event.entry)
                    .map_err(|error| Failure::failed(format!("entry {}: {error}", event.index), "audit the ledger"))?;
                agents.take_in(Index(event.index), &entry, (window.from, window.until))?;
                next = event.index.saturating_add(1);
            }
            progress.set(next.saturating_sub(sizes.begins), sizes.ends.saturating_sub(sizes.begins));
        }
        if next < sizes.ends {
            failures = failures.saturating_add(1);
            if failures > EXPORT_RETRIES_MAX {
                return Err(ended().into());
            }
            tokio::time::sleep(std::time::Duration::from_millis(250)).await;
        }
    }
    progress.finish();
    Ok(())
}

/// One permission, or one thing that was touched, with its use.
struct Row {
    agent: Ref,
    kind: String,
    id: String,
    permission: &'static str,
    what: String,
    in_force: Option<&'static str>,
    counts: Option<(u64, u64)>,
    used: Use,
}

impl Row {
    /// Whether it is a permission that nobody used. What was never asked for is none: nobody knows what policies would say.
    fn is_unused(&self) -> bool {
        self.used.count == 0 && self.is_permission() && self.in_force != Some("deny")
    }

    fn is_permission(&self) -> bool {
        self.in_force.is_some() && !self.is_never_asked()
    }

    fn is_never_asked(&self) -> bool {
        self.in_force == Some(NEVER_ASKED)
    }

    fn who(&self) -> String {
        if self.id.is_empty() { self.agent.to_string() } else { format!("{}/{}", self.kind, self.id) }
    }
}

async fn of_agent(client: &mut Client, set: &PolicySet, (who, agent): (Ref, &Agent)) -> Result<Vec<Row>, Failure> {
    let row = |permission, what: String, in_force, used: &Use| Row {
        agent: who,
        kind: agent.kind.clone(),
        id: agent.id.clone(),
        permission,
        what,
        in_force,
        counts: None,
        used: *used,
    };
    let mut rows = Vec::new();
    rows.extend(agent.roles.iter().map(|(role, used)| row("role", role.clone(), Some("bound"), used)));
    rows.extend(agent.keys.iter().map(|(key, used)| row("key", key.to_string(), Some("enrolled"), used)));
    let known = set.action_types().map(str::to_owned).filter(|name| !agent.actions.contains_key(name));
    for name in known.collect::<Vec<String>>() {
        let counts = Some((0, 0));
        rows.push(Row { counts, ..row("action", name, Some(NEVER_ASKED), &Use::default()) });
    }
    for (name, action) in &agent.actions {
        let says = says(client, set, action.evaluated).await?;
        let counts = Some((action.asked, action.granted));
        rows.push(Row { counts, ..row("action", name.clone(), Some(says), &action.ran) });
    }
    rows.extend(agent.datasets.iter().map(|(what, used)| row("dataset", what.to_string(), None, used)));
    // What stands out comes first.
    rows.sort_by_cached_key(|row| (!row.is_unused(), !row.is_never_asked(), row.permission, row.what.clone()));
    Ok(rows)
}

/// What the set in force says to what was asked last: the recorded question, asked again.
async fn says(client: &mut Client, set: &PolicySet, evaluated: Option<Index>) -> Result<&'static str, Failure> {
    let Some(index) = evaluated else { return Ok("never evaluated") };
    let event = client.event(index.0, proto::EventView::Full).await?;
    Ok(match Question::from_bytes(&event.body) {
        Ok(question) => set.evaluate(&question).verdict().name(),
        Err(_) => "inputs erased",
    })
}

fn show(rows: &[Row], window: Window, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return rows.iter().try_for_each(|row| output.value(&value(row)));
    }
    let line = |row: &Row| {
        let last = row.used.last.map_or(String::new(), |last| minute(last.0).chars().take(DAY_CHARS).collect());
        let used = if row.is_unused() { "never".to_owned() } else { row.used.count.to_string() };
        let of = |count: Option<u64>| count.map_or(String::new(), |count| count.to_string());
        let (asked, granted) = (of(row.counts.map(|it| it.0)), of(row.counts.map(|it| it.1)));
        let (who, what) = (short(&row.who(), AGENT_CHARS_MAX), short(&row.what, WHAT_CHARS_MAX));
        vec![
            who,
            row.permission.to_owned(),
            what,
            row.in_force.unwrap_or("none").to_owned(),
            used,
            last,
            asked,
            granted,
        ]
    };
    let lines: Vec<Vec<String>> = rows.iter().filter(|row| !row.is_never_asked()).map(line).collect();
    let headings = ["agent", "permission", "what", "in force", "used", "last used", "asked", "granted"];
    output.table(&headings, &lines)?;
    output.line("")?;
    never_asked(rows, output)?;
    let number = |is: fn(&Row) -> bool| u64::try_from(rows.iter().filter(|row| is(row)).count()).unwrap_or(u64::MAX);
    let (unused, asked) = (number(Row::is_unused), number(Row::is_never_asked));
    let (from, to) = (minute(window.from.0), minute(window.until.0));
    let all = counted(number(Row::is_permission), "permission", "permissions");
    output.line(&format!("{unused} of {all} in force now were not used from {from} to {to}"))?;
    let types = counted(asked, "action type was", "action types were");
    output.line(&format!(
        "{types} never asked for, counted for each agent: whether policies would allow it, nobody knows"
    ))
}

/// What each agent asked for at no time that was read, though the set in force knows it.
fn never_asked(rows: &[Row], output: Output) -> Result<(), Failure> {
    let mut by_agent: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.is_never_asked()) {
        by_agent.entry(row.who()).or_default().push(&row.what);
    }
    for (who, what) in by_agent {
        let mut line = format!("{} never asked for", escape_line(&who));
        for (at, name) in what.iter().enumerate() {
            let mark = if at == 0 { ": " } else { ", " };
            if line.chars().count().saturating_add(name.len()) > LINE_CHARS_MAX {
                output.line(&format!("{line}{}", mark.trim_end()))?;
                line = format!("    {name}");
            } else {
                line.push_str(mark);
                line.push_str(name);
            }
        }
        output.line(&line)?;
    }
    Ok(())
}

/// What a line of the table has for names: with all other columns it stays below 120. `--json` has them whole.
const AGENT_CHARS_MAX: usize = 24;
const WHAT_CHARS_MAX: usize = 26;
/// Where a line of names is folded.
const LINE_CHARS_MAX: usize = 100;
/// Characters of a day.
const DAY_CHARS: usize = 10;

fn short(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let begin: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    begin + "…"
}

fn value(row: &Row) -> Value {
    json!({
        "agent": row.agent.to_string(),
        "kind": row.kind,
        "id": row.id,
        "permission": row.permission,
        "what": row.what,
        "in_force": row.in_force,
        "asked": row.counts.map(|counts| counts.0),
        "granted": row.counts.map(|counts| counts.1),
        "used": row.used.count,
        "last_used": row.used.last.map(|last| moment(last.0)),
        "unused": row.is_unused(),
    })
}
