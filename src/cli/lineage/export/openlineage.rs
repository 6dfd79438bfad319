//! The log as OpenLineage: what came in as such comes out byte for byte, the rest as events with standard facets. Each event
//! stands on a line of its own, or over as many as it brought with it; `lineage import` and `append` read the same bytes
//! back.

use super::sink::Sink;
use super::{ExportArguments, Walk};
use crate::api::proto;
use crate::cli::append::stands_alone;
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::{Output, counted, remark};
use crate::cli::{Common, producer};
use crate::limits::LINEAGE_OUT_ACTIONS_MAX;
use crate::lineage::names_in;
use crate::lineage::openlineage::{ActionText, Events, Exported, action_of};
use crate::record::openlineage;
use bytes::Bytes;
use deedbook_verify::entry::Entry;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use deedbook_verify::words::{Index, Ref, SubjectId};
use serde_json::json;
use std::collections::HashMap;

/// Entries of an action's stream that say all that its events need: the command, the evaluation, and that people were asked.
const FIRST_ENTRIES: i32 = 4;

/// What was written, and what was not.
#[derive(Default)]
struct Tally {
    received: u64,
    made: u64,
    erased: u64,
    unreadable: u64,
    unreadable_first: Option<u64>,
    names_cut: bool,
    /// Whether names were known that bodies say of what facts name.
    named: bool,
}

/// Writes the file.
pub async fn run(common: &Common, arguments: &ExportArguments, output: Output) -> Result<(), Failure> {
    let mut walk = Walk::start(common, arguments).await?;
    // With the ref key of a signer, names that bodies say are shown where facts have refs.
    let refs = match &common.signer {
        Some(signer) => Some(producer::load(&mut walk.client, signer).await?.refs),
        None => None,
    };
    let tally = Tally { named: refs.is_some(), ..Tally::default() };
    let mut out = Out {
        client: walk.client.clone(),
        events: Events::new(walk.ledger, &walk.origin),
        refs,
        actions: HashMap::new(),
        sink: Sink::create(&arguments.out)?,
        tally,
    };
    match out.take_all(&mut walk).await {
        Ok(()) => {
            out.sink.finish()?;
            out.tally.say(arguments, walk.head(), output)
        }
        Err(failure) => {
            out.sink.abandon();
            Err(failure)
        }
    }
}

/// An export under way.
struct Out {
    client: Client,
    events: Events,
    refs: Option<RefKey>,
    /// What the first entries of actions said; none: there is no such action.
    actions: HashMap<SubjectId, Option<ActionText>>,
    sink: Sink,
    tally: Tally,
}

impl Out {
    async fn take_all(&mut self, walk: &mut Walk) -> Result<(), Failure> {
        while let Some(events) = walk.next().await? {
            for event in &events {
                self.take(event).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, event: &proto::StoredEvent) -> Result<(), Failure> {
        let entry = Entry::parse(&event.entry)?;
        let facts = &entry.facts;
        let body = (event.body_state() == proto::BodyState::Opened).then_some(event.body.as_ref());
        if let (Some(refs), Some(body)) = (&self.refs, body) {
            for name in names_in(facts, body, refs) {
                self.tally.names_cut |= !self.events.names.learn(name);
            }
        }
        if facts.kind == Kind::OpenlineageReceived {
            return self.received(event);
        }
        if event.refused_by_index.is_some() {
            return Ok(());
        }
        let about = action_of(facts);
        if let Some(about) = about {
            self.meet(about, (event.index, facts, body)).await?;
        }
        let action = about.and_then(|(id, _)| self.actions.get(&id)?.as_ref());
        for made in self.events.of(Exported { index: Index(event.index), entry: &entry, body, action }) {
            self.tally.made = self.tally.made.saturating_add(1);
            self.sink.write(format!("{made}\n").as_bytes())?;
        }
        Ok(())
    }

    /// Makes sure that what an entry says of an action is known, and what stands before it.
    async fn meet(
        &mut self,
        (id, stream): (SubjectId, Ref),
        (index, facts, body): (u64, &Facts<'_>, Option<&[u8]>),
    ) -> Result<(), Failure> {
        if !self.actions.contains_key(&id) {
            if self.actions.len() >= LINEAGE_OUT_ACTIONS_MAX {
                self.actions.clear();
            }
            let action = match ActionText::of(facts, body) {
                Some(action) => Some(action),
                None => self.read_again(stream, index).await?.filter(|action| action.request == id),
            };
            self.actions.insert(id, action);
        }
        if let Some(Some(action)) = self.actions.get_mut(&id) {
            action.note(facts);
        }
        Ok(())
    }

    /// An action, from the first entries of its stream that stand before an index.
    async fn read_again(&mut self, stream: Ref, before: u64) -> Result<Option<ActionText>, Failure> {
        let request = proto::ListEventsRequest {
            stream: Bytes::copy_from_slice(stream.as_bytes()),
            view: proto::EventView::Full.into(),
            page_size: FIRST_ENTRIES,
            ..proto::ListEventsRequest::default()
        };
        let mut action: Option<ActionText> = None;
        for event in self.client.list(request).await?.events.iter().filter(|event| event.index < before) {
            let facts = Entry::parse(&event.entry)?.facts;
            let body = (event.body_state() == proto::BodyState::Opened).then_some(event.body.as_ref());
            match &mut action {
                Some(action) => action.note(&facts),
                None => action = ActionText::of(&facts, body),
            }
        }
        Ok(action)
    }

    fn received(&mut self, event: &proto::StoredEvent) -> Result<(), Failure> {
        let tally = &mut self.tally;
        match event.body_state() {
            proto::BodyState::Erased => tally.erased = tally.erased.saturating_add(1),
            proto::BodyState::Opened if comes_back(&event.body) => {
                tally.received = tally.received.saturating_add(1);
                self.sink.write(&event.body)?;
                self.sink.write(b"\n")?;
            }
            proto::BodyState::Opened
            | proto::BodyState::None
            | proto::BodyState::Withheld
            | proto::BodyState::Unspecified => {
                tally.unreadable = tally.unreadable.saturating_add(1);
                tally.unreadable_first.get_or_insert(event.index);
            }
        }
        Ok(())
    }
}

/// Whether a reader of the file gets exactly this body, as an event that it takes. Bodies are what producers made them,
/// and nothing keeps one from calling something else OpenLineage.
fn comes_back(body: &[u8]) -> bool {
    stands_alone(body) && openlineage::parse(body, &RefKey([0; 32]), &[0; 32]).is_ok()
}

impl Tally {
    fn say(&self, arguments: &ExportArguments, head: TreeHead, output: Output) -> Result<(), Failure> {
        if output.is_json() {
            return output.value(&json!({
                "format": "openlineage", "out": arguments.out.display().to_string(),
                "as_of": {"size": head.size.0, "root": head.root.to_string()},
                "received": self.received, "made": self.made, "erased": self.erased,
                "unreadable": self.unreadable, "unreadable_first": self.unreadable_first, "names_cut": self.names_cut,
                "named": self.named,
            }));
        }
        output.line(&format!(
            "{}: {} as they came in, {} made of other entries, as of size {}",
            arguments.out.display(),
            counted(self.received, "event", "events"),
            self.made,
            head.size
        ))?;
        if self.erased > 0 {
            remark(&format!("{} left out: their bodies were erased", counted(self.erased, "event", "events")));
        }
        if let Some(first) = self.unreadable_first {
            remark(&format!(
                "{} left out: no OpenLineage that can be read back; see `deedbook get {first}`",
                counted(self.unreadable, "event", "events")
            ));
        }
        if !self.named && self.made > 0 {
            remark(
                "without --signer, events made of facts name datasets by refs, which bodies of others name otherwise",
            );
        }
        if self.names_cut {
            remark("there are more names than are remembered: the rest stand there as refs");
        }
        Ok(())
    }
}
