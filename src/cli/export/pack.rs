//! The package on its way: entries from the server, or from what an earlier run left; written beside the final name.

use super::Asked;
use super::resume::Left;
use crate::api::{ClientError, proto};
use crate::cli::client::{Client, ended};
use crate::cli::custody;
use crate::cli::errors::Failure;
use crate::cli::producer::Producer;
use crate::cli::progress::Progress;
use crate::evidence::{self, exchange::ExchangeError};
use crate::limits::EXPORT_RETRIES_MAX;
use crate::policy::Source;
use deedbook_verify::hash::Salt;
use deedbook_verify::package::{
    BodyShown, Directory, NewDirectory, Offered, PackageRefusal, PackageWriter, Redaction, Rendered, Start,
};
use deedbook_verify::words::{Digest, TreeSize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// Messages of events.
type Events = mpsc::Receiver<Result<Vec<proto::StoredEvent>, ClientError>>;

/// Writes the package of a question, signed by whoever exports it.
pub async fn write(
    mut client: Client,
    asked: Asked,
    (out, exporter): (&Path, Option<&Producer>),
) -> Result<Rendered, Failure> {
    let partial = beside(out, "partial");
    let mut left = Left::take(&partial, &beside(out, "left"), &asked.question)?;
    let before = start(&mut client, asked.question.begins).await?;
    let policies = policies(&mut client).await?;
    let mut folder = NewDirectory::create(partial.clone()).map_err(|error| unwritten(&partial, &error))?;
    let (begins, ends) = (asked.question.begins, asked.question.ends);
    let offered = Offered {
        question: asked.question.clone(),
        key: &asked.key,
        start: before.as_ref().map(|before| (asked.start_note.as_slice(), before)),
        end: &asked.end_note,
    };
    let mut writer = PackageWriter::begin(offered, &mut folder).map_err(refused)?;
    let mut progress = Progress::start("entries");
    let mut next = begins.0;
    while let Some((entry, body)) = left.as_mut().and_then(Left::next) {
        writer.push(&entry, body.as_ref()).map_err(refused)?;
        next = next.saturating_add(1);
        progress.set(next.saturating_sub(begins.0), ends.0.saturating_sub(begins.0));
    }
    let mut entries = Entries::new(client, next..ends.0, asked.question.redaction);
    while let Some(events) = entries.next().await? {
        for event in &events {
            writer.push(&event.entry, shown(event)?.as_ref()).map_err(refused)?;
        }
        progress.set(entries.next.saturating_sub(begins.0), ends.0.saturating_sub(begins.0));
    }
    progress.finish();
    let mut finished = writer.finish(|digest| Ok(policies.get(&digest).cloned())).map_err(refused)?;
    evidence::add(&mut finished, &Directory(partial.clone())).map_err(unmade)?;
    let rendered = finished.seal().map_err(refused)?;
    if let Some(exporter) = exporter {
        custody::sign(exporter, &partial)?;
    }
    // Crash before this: no package stands under its name. What was written is taken up again.
    std::fs::rename(&partial, out).map_err(|error| unwritten(out, &error))?;
    if let Some(left) = left {
        left.drop_files();
    }
    Ok(rendered)
}

/// A name beside another.
fn beside(out: &Path, word: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".");
    name.push(word);
    PathBuf::from(name)
}

async fn start(client: &mut Client, begins: TreeSize) -> Result<Option<Start>, Failure> {
    if begins.0 == 0 {
        return Ok(None);
    }
    let bytes = client.start_of(begins.0).await?;
    let start = Start::parse(&bytes);
    Ok(Some(
        start
            .map_err(|malformed| Failure::failed(malformed.to_string(), "compare the versions of server and client"))?,
    ))
}

/// The texts of every set that was published, as their bodies have them; and of the built-in one, which no entry holds.
async fn policies(client: &mut Client) -> Result<BTreeMap<Digest, Vec<u8>>, Failure> {
    let built_in = Source::built_in();
    let mut texts = BTreeMap::from([(built_in.digest(), built_in.to_bytes())]);
    for published in client.policies().await? {
        let answer = client.policy(published.policy_digest.clone()).await?;
        let text = Source { text: answer.text, schema: Some(answer.schema) }.to_bytes();
        texts.insert(Digest(*blake3::hash(&text).as_bytes()), text);
    }
    Ok(texts)
}

/// Entries of a range, taken up again where the server breaks off.
struct Entries {
    client: Client,
    next: u64,
    end: u64,
    view: proto::EventView,
    events: Option<Events>,
    failures: u32,
}

impl Entries {
    fn new(client: Client, range: std::ops::Range<u64>, redaction: Redaction) -> Entries {
        let view = match redaction {
            Redaction::None => proto::EventView::Full,
            Redaction::Bodies => proto::EventView::Basic,
        };
        Entries { client, next: range.start, end: range.end, view, events: None, failures: 0 }
    }

    /// The next ones, some at a time; none: these were all.
    async fn next(&mut self) -> Result<Option<Vec<proto::StoredEvent>>, Failure> {
        loop {
            if self.next >= self.end {
                return Ok(None);
            }
            match self.receive().await {
                Ok(events) => {
                    self.failures = 0;
                    return self.in_order(events).map(Some);
                }
                Err(error) if error.code == "UNAVAILABLE" && self.failures < EXPORT_RETRIES_MAX => {
                    self.events = None;
                    tokio::time::sleep(Duration::from_millis(250 << self.failures.min(8))).await;
                    self.failures = self.failures.saturating_add(1);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn receive(&mut self) -> Result<Vec<proto::StoredEvent>, ClientError> {
        let events = match &mut self.events {
            Some(events) => events,
            None => self.events.insert(self.client.read(self.next..self.end, self.view).await?),
        };
        events.recv().await.unwrap_or_else(|| Err(ended()))
    }

    fn in_order(&mut self, events: Vec<proto::StoredEvent>) -> Result<Vec<proto::StoredEvent>, Failure> {
        for event in &events {
            if event.index != self.next {
                let message = format!("the server sent index {} where {} was next", event.index, self.next);
                return Err(Failure::failed(message, "compare the versions of server and client"));
            }
            self.next = self.next.saturating_add(1);
        }
        Ok(events)
    }
}

/// What is shown of a body.
fn shown(event: &proto::StoredEvent) -> Result<Option<BodyShown>, Failure> {
    match event.body_state() {
        proto::BodyState::Opened => {
            let salt = <[u8; 32]>::try_from(event.salt.as_ref()).map_err(|_| {
                Failure::failed(format!("the salt of entry {} has no 32 bytes", event.index), "ask the operator")
            })?;
            Ok(Some(BodyShown::Opened { salt: Salt(salt), bytes: event.body.to_vec() }))
        }
        proto::BodyState::Erased => Ok(Some(BodyShown::Erased)),
        proto::BodyState::None | proto::BodyState::Withheld | proto::BodyState::Unspecified => Ok(None),
    }
}

fn refused(refusal: PackageRefusal) -> Failure {
    Failure::failed(
        refusal.to_string(),
        "what the server sent does not verify, or cannot be written; see docs/EVIDENCE.md, \"Refusals\"",
    )
}

fn unmade(error: ExchangeError) -> Failure {
    Failure::failed(error.to_string(), "make room if the disk is full; else this is a defect of the program: report it")
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    let next = if error.kind() == std::io::ErrorKind::NotFound {
        "make the folder above it, or choose another --out"
    } else {
        "choose another --out, or make room"
    };
    Failure::failed(format!("{}: {error}", path.display()), next)
}
