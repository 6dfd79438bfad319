//! The log as OpenLineage: what came in as such comes out byte for byte. Each event stands on a line of its own, or over as
//! many as it brought with it; `lineage import` and `append` read the same bytes back.

use super::sink::Sink;
use super::{ExportArguments, Walk};
use crate::api::proto;
use crate::cli::Common;
use crate::cli::append::stands_alone;
use crate::cli::errors::Failure;
use crate::cli::output::{Output, counted, remark};
use crate::record::openlineage;
use deedbook_verify::facts::Facts;
use deedbook_verify::hash::RefKey;
use deedbook_verify::kind::Kind;
use deedbook_verify::tree::TreeHead;
use serde_json::json;

/// What was written, and what was not.
#[derive(Default)]
struct Tally {
    received: u64,
    erased: u64,
    unreadable: u64,
    unreadable_first: Option<u64>,
}

/// Writes the file.
pub async fn run(common: &Common, arguments: &ExportArguments, output: Output) -> Result<(), Failure> {
    let mut walk = Walk::start(common, arguments).await?;
    let mut sink = Sink::create(&arguments.out)?;
    let mut tally = Tally::default();
    let walked = walk.each(|event, entry| take(event, &entry.facts, &mut sink, &mut tally)).await;
    match walked {
        Ok(head) => {
            sink.finish()?;
            tally.say(arguments, head, output)
        }
        Err(failure) => {
            sink.abandon();
            Err(failure)
        }
    }
}

fn take(event: &proto::StoredEvent, facts: &Facts<'_>, sink: &mut Sink, tally: &mut Tally) -> Result<(), Failure> {
    if facts.kind != Kind::OpenlineageReceived {
        return Ok(());
    }
    match event.body_state() {
        proto::BodyState::Erased => tally.erased = tally.erased.saturating_add(1),
        proto::BodyState::Opened if comes_back(&event.body) => {
            tally.received = tally.received.saturating_add(1);
            sink.write(&event.body)?;
            sink.write(b"\n")?;
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
                "received": self.received, "erased": self.erased,
                "unreadable": self.unreadable, "unreadable_first": self.unreadable_first,
            }));
        }
        output.line(&format!(
            "{}: {}, as they came in, as of size {}",
            arguments.out.display(),
            counted(self.received, "OpenLineage event", "OpenLineage events"),
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
        Ok(())
    }
}
