//! `--break-glass`: how one administrator declares that they govern alone, and how it is told. Whether a declaration
//! holds is decided by the ledger's rules, which this only asks.

use super::action;
use super::approvals::screen;
use super::errors::Failure;
use crate::api::proto;
use crate::domain;
use crate::record::line::time;
use crate::record::{FactsBuilder, WhyAlone};
use clap::Args;
use deedbook_verify::hash::RefKey;
use deedbook_verify::words::{Micros, Ref};
use serde_json::{Value, json};

/// The declaration, of a command that says why by other means.
#[derive(Args, Debug, Default)]
pub struct GlassArguments {
    /// Govern alone, where it takes two and no other can agree: recorded, and reported for ever
    #[arg(long, requires_all = ["incident", "reason"])]
    break_glass: bool,
    /// The incident that it belongs to; everybody can read it
    #[arg(long, value_name = "REF", requires = "break_glass", value_parser = action::words)]
    incident: Option<String>,
    /// An administrator who stays silent, by id or ref: whoever does so for 14 days can be removed. Name every other
    /// administrator; may be repeated
    #[arg(long = "silent", value_name = "PERSON", requires = "break_glass")]
    silent: Vec<String>,
}

/// The declaration with its reason.
#[derive(Args, Debug, Default)]
pub struct ReasonedGlass {
    #[command(flatten)]
    glass: GlassArguments,
    /// Why it cannot wait for another administrator; everybody can read it, so let it name nobody
    #[arg(long, value_name = "TEXT", requires = "break_glass", value_parser = action::words)]
    reason: Option<String>,
}

/// What is declared with a governing command.
#[derive(Clone, Debug)]
pub struct Declared {
    silent: Vec<Ref>,
    reason: String,
    incident: String,
}

impl ReasonedGlass {
    /// What is declared, if anything is.
    pub fn declared(&self, refs: &RefKey) -> Result<Option<Declared>, Failure> {
        self.glass.declared(self.reason.as_deref().unwrap_or_default(), refs)
    }
}

impl GlassArguments {
    /// The same, for this reason.
    pub fn declared(&self, reason: &str, refs: &RefKey) -> Result<Option<Declared>, Failure> {
        let Some(incident) = self.incident.as_ref().filter(|_| self.break_glass) else { return Ok(None) };
        let who = |text: &String| match Ref::from_hex(text) {
            Some(who) => Ok(who),
            None => domain::person_ref(refs, "", text),
        };
        let silent = self.silent.iter().map(who).collect::<Result<Vec<Ref>, _>>()?;
        Ok(Some(Declared { silent, reason: reason.to_owned(), incident: incident.clone() }))
    }
}

/// States what is declared beside what the command says.
pub fn state(builder: FactsBuilder, declared: Option<&Declared>) -> Result<FactsBuilder, Failure> {
    let Some(Declared { silent, reason, incident }) = declared else { return Ok(builder) };
    let failed = |error: crate::record::canonical::JsonError| Failure::failed(error.to_string(), "");
    builder.by_break_glass(silent, WhyAlone { reason, incident }).map_err(failed)
}

/// What a command says that took effect so.
pub fn told(declared: Option<&Declared>) -> &'static str {
    match declared {
        Some(_) => ", by break-glass, which is reported for ever",
        None => "",
    }
}

/// What a command says that has no effect yet.
pub fn waiting_for(request: &str, declared: Option<&Declared>) -> String {
    match declared {
        Some(_) => format!(
            "it waits for those named to stay silent for 14 days; then, and within 7 more: deedbook approve {request}; \
             any of them ends it with deedbook deny {request}, or by whatever they sign"
        ),
        None => format!("it waits for a second administrator: deedbook approve {request}"),
    }
}

/// What was governed by break-glass so far, in words.
pub fn history(glass: &proto::BrokenGlass) -> String {
    let entries = match glass.commands {
        1 => format!("once, by the entry at index {}", glass.first_index),
        count => format!("{count} times, by entries from index {} to {}", glass.first_index, glass.last_index),
    };
    format!("one administrator governed alone by break-glass, {entries}")
}

/// The same for programs.
pub fn value(glass: &proto::BrokenGlass) -> Value {
    json!({"commands": glass.commands, "first_index": glass.first_index, "last_index": glass.last_index})
}

/// From when on a removal over a silence may be carried out; nothing for another command.
pub fn until(command: &proto::PendingCommand) -> Option<String> {
    (command.silent_until_micros > 0).then(|| time::show(Micros(command.silent_until_micros)))
}

/// How a removal over a silence stands, in words; nothing for another command.
pub fn silence(command: &proto::PendingCommand) -> Option<String> {
    let until = until(command)?;
    let expires = time::show(Micros(command.expires_micros));
    let who = command.silent.iter().map(|who| screen::hex(who)).collect::<Vec<String>>().join(", ");
    Some(match command.broken_index {
        Some(index) => format!(
            "by break-glass, over the silence of {who}, which ended at index {index}: its asker cannot carry it out any \
             more; another administrator may still agree or deny"
        ),
        None => format!(
            "BY BREAK-GLASS, over the silence of {who}: its asker alone carries it out from {until} until {expires}, \
             unless one of those named signs any command before, such as deedbook deny"
        ),
    })
}
