//! Appending one frame by a unary call; the key commands are such frames of one kind each. Whether a frame may stand in
//! the log is the ledger's question.

use crate::api::proto::{self, Frame, Reason};
use crate::api::reason::Fault;
use crate::api::shared::Shared;
use crate::api::{action, convert};
use crate::clock::Stopwatch;
use crate::ledger::Placement;
use crate::record::FrameBytes;
use deedbook_verify::facts::Facts;
use deedbook_verify::kind::Kind;

/// Appends one frame and waits until it is durable.
pub async fn frame(shared: &Shared, frame: Option<Frame>) -> Result<Placement, Fault> {
    submit(shared, convert::frame(convert::required("frame", frame)?)?).await
}

/// Appends one frame that must hold one event of this kind and nothing else.
pub async fn command(shared: &Shared, kind: Kind, frame: Option<Frame>) -> Result<Placement, Fault> {
    let frame = convert::frame(convert::required("frame", frame)?)?;
    let differs = |found: String| {
        Fault::new(Reason::KindDiffers, format!("this method takes one event of kind `{}`, not {found}", kind.name()))
            .with("kind", kind.name())
            .with("field", "frame.events")
    };
    let [event] = frame.events.as_slice() else { return Err(differs(format!("{} events", frame.events.len()))) };
    let stated = Facts::parse(&event.facts)?.kind;
    if stated != kind {
        return Err(differs(format!("`{}`", stated.name())));
    }
    submit(shared, frame).await
}

/// What a command about an action led to.
pub struct Done {
    pub placement: proto::Placement,
    /// The action behind it; none where the command was about something else.
    pub action: Option<proto::Action>,
}

/// Appends one frame of one kind, and reads the action that it is about.
pub async fn command_of_action(shared: &Shared, kind: Kind, frame: Option<Frame>) -> Result<Done, Fault> {
    let about = frame.as_ref().and_then(|frame| frame.events.first()).and_then(|event| action::subject(&event.facts));
    let placement = command(shared, kind, frame).await?;
    let action = match about {
        // On this worker: the commit that was waited for has just put the row into the engine's memory.
        Some(id) => shared.ledger.reader().action(id).map_err(Fault::from)?,
        None => None,
    };
    Ok(Done { placement: convert::placement(&placement), action: action.as_ref().map(action::message) })
}

/// Admission runs on this worker: the signature of a small frame takes 40 µs, the bodies of the largest about 2 ms,
/// and a hand-over to another thread would be felt in every small frame's latency.
async fn submit(shared: &Shared, frame: FrameBytes) -> Result<Placement, Fault> {
    let watch = Stopwatch::start();
    let placement = shared.ledger.append(frame).await?;
    let meters = Meters::new();
    meters.placed(&placement);
    meters.answered(watch);
    Ok(placement)
}

/// What is measured of frames; the ledger counts commits and events itself. Looked up once for many frames.
pub struct Meters {
    appended: metrics::Counter,
    repeated: metrics::Counter,
    seconds: metrics::Histogram,
}

impl Meters {
    pub fn new() -> Meters {
        Meters {
            appended: metrics::counter!("deedbook_frames_appended_total"),
            repeated: metrics::counter!("deedbook_frames_repeated_total"),
            seconds: metrics::histogram!("deedbook_append_seconds"),
        }
    }

    /// A frame was placed.
    pub fn placed(&self, placement: &Placement) {
        if placement.repeated { self.repeated.increment(1) } else { self.appended.increment(1) }
    }

    /// A frame was answered.
    pub fn answered(&self, since: Stopwatch) {
        self.seconds.record(since.seconds());
    }
}
