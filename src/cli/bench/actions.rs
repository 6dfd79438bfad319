//! Actions: how fast those are decided that nobody has to agree to, alone and beside a stream of frames; what streams cost
//! that wait for people; and how soon a decision reaches whoever waits.

pub(super) mod closed;

use super::server::ServerProcess;
use super::{Bench, Figure, SETTLE, load, median};
use crate::api::{ClientError, proto};
use crate::cli::action::step;
use crate::cli::approvals::vote;
use crate::cli::client::{Change, Client};
use crate::cli::errors::Failure;
use crate::cli::key;
use crate::cli::output::{Output, remark};
use crate::cli::producer::{self, Producer};
use crate::clock::Stopwatch;
use crate::domain::principal_ref;
use crate::limits::BINDING_BYTES_MAX;
use crate::record::binding::{BINDING_SCHEMA, Binding, Nonce};
use crate::record::canonical::Json;
use crate::record::{SigningKey, entropy};
use deedbook_verify::detail::Roles;
use deedbook_verify::facts::{Actor, ActorKind};
use deedbook_verify::vote::Decision;
use deedbook_verify::words::SubjectId;
use serde_json::json;
use tokio::sync::mpsc;

/// Callers at once, over a few connections.
const CALLERS: usize = 64;
const CONNECTIONS: usize = 4;
/// Streams that wait, and the connections that they share.
const WAITING: usize = 10_000;
const WAITING_CONNECTIONS: usize = 100;
/// Decisions whose way to whoever waits is timed.
const DECISIONS: usize = 500;

type Wait = mpsc::Receiver<Result<proto::Action, ClientError>>;

/// Who asks and who decides.
pub(super) struct Stage {
    agent: Producer,
    reviewer: Producer,
    origin: String,
}

impl Bench<'_> {
    /// Binds an agent, who answers for it, and a reviewer.
    pub(super) async fn stage(&mut self) -> Result<Stage, Failure> {
        self.bind(ActorKind::Human, "bench-owner", Roles::NONE).await?;
        let reviewer = self.bind(ActorKind::Human, "bench-reviewer", Roles::REVIEWER).await?;
        let agent = self.bind(ActorKind::Agent, "bench-agent", Roles::NONE).await?;
        let origin = self.client.ledger().await?.origin;
        let (agent, reviewer) =
            (producer::introduce(self.client, agent).await?, producer::introduce(self.client, reviewer).await?);
        Ok(Stage { agent, reviewer, origin })
    }

    async fn bind(&mut self, kind: ActorKind, id: &str, roles: Roles) -> Result<SigningKey, Failure> {
        let key = SigningKey::generate(id)?;
        let (who, owner) = (
            principal_ref(&self.admin.refs, kind, id)?,
            principal_ref(&self.admin.refs, ActorKind::Human, "bench-owner")?,
        );
        let frame = key::command(self.admin, Change::Bind.kind(), |facts| {
            let facts = facts.principal(Actor { kind, who }).roles(roles).subject_key(key.public());
            let facts = facts.body("application/json", json!({"id": id}).to_string().into());
            if kind == ActorKind::Agent { facts.responsible(owner) } else { facts }
        })?;
        self.client.principal(Change::Bind, frame).await?;
        Ok(key)
    }

    async fn connections(&self, count: usize) -> Result<Vec<Client>, Failure> {
        let mut clients = Vec::with_capacity(count);
        for _ in 0..count {
            clients.push(Client::open(self.address).await?);
        }
        Ok(clients)
    }

    /// Actions that policy allows, each durable and granted before its answer: so many in a second.
    pub(super) async fn submissions(&mut self, stage: &Stage, count: usize) -> Result<f64, Failure> {
        let (frames, _) = stage.asked("data.read", count)?;
        let clients = self.connections(CONNECTIONS).await?;
        Ok(count as f64 / send_all(&clients, Step::Submit, frames).await?)
    }

    /// The same while another client streams frames; the speed of both.
    pub(super) async fn submissions_beside_stream(
        &mut self,
        stage: &Stage,
        (count, events): (usize, u64),
    ) -> Result<(f64, f64), Failure> {
        let prepared = self.prepared("frames-beside", events, 64).await?;
        let (frames, _) = stage.asked("data.read", count)?;
        let clients = self.connections(CONNECTIONS).await?;
        let mut streaming = Client::open(self.address).await?;
        let (source, prepared) = prepared;
        let streamed = tokio::spawn(async move {
            let count = prepared.events;
            Ok::<f64, Failure>(count as f64 / load::stream(&mut streaming, source, prepared).await?)
        });
        let submitted = count as f64 / send_all(&clients, Step::Submit, frames).await?;
        Ok((submitted, streamed.await.map_err(|error| ended(&error))??))
    }

    /// Streams that wait for people: what they cost the server in memory, and how soon a decision reaches one of them.
    pub(super) async fn waiting(&mut self, stage: &Stage, process: &ServerProcess) -> Result<Vec<Figure>, Failure> {
        remark("asking for 10,000 approvals, and waiting for each of them");
        let (frames, ids) = stage.asked("data.export", WAITING)?;
        send_all(&self.connections(CONNECTIONS).await?, Step::Submit, frames).await?;
        tokio::time::sleep(SETTLE).await;
        let idle = process.resident_bytes().unwrap_or(0);
        let mut clients = self.connections(WAITING_CONNECTIONS).await?;
        let mut waiting = Vec::with_capacity(ids.len());
        for (id, client) in ids.iter().zip((0..WAITING_CONNECTIONS).cycle()) {
            let Some(client) = clients.get_mut(client) else { continue };
            let mut wait = client.wait_decision(*id, 0).await?;
            told(&mut wait).await?;
            waiting.push((*id, wait));
        }
        tokio::time::sleep(SETTLE).await;
        let held = process.resident_bytes().unwrap_or(0);
        let mut times = self.decisions(stage, &mut waiting).await?;
        let middle = median(&mut times);
        let late = times.get(times.len() * 99 / 100).copied().unwrap_or(0.0);
        let mib = held.saturating_sub(idle) as f64 / 1_048_576.0;
        Ok(vec![
            Figure::goal("10,000 waiting streams, above idle", mib, "MiB", "< 200"),
            Figure::goal("a vote sent until a waiting client hears, median", middle * 1e6, "us", "<= 50000"),
            Figure::goal("the same, 99 of 100", late * 1e6, "us", "<= 50000"),
        ])
    }

    /// From sending a vote to hearing of the decision on a stream of another connection: the commit is within it.
    async fn decisions(&mut self, stage: &Stage, waiting: &mut [(SubjectId, Wait)]) -> Result<Vec<f64>, Failure> {
        let mut times = Vec::new();
        for (id, wait) in waiting.iter_mut().take(DECISIONS) {
            let ballot = vote::show(self.client, &stage.reviewer, *id, Decision::Approve, Output::silent()).await?;
            let seen = step::last_seen(self.client).await?;
            let frame = vote::frame(&stage.reviewer, &ballot, Some("bench"), seen)?;
            let mut client = self.client.clone();
            let started = Stopwatch::start();
            let vote = tokio::spawn(async move { client.cast_vote(frame).await.map(drop) });
            told(wait).await?;
            times.push(started.seconds());
            vote.await.map_err(|error| ended(&error))??;
        }
        Ok(times)
    }
}

async fn told(wait: &mut Wait) -> Result<proto::Action, Failure> {
    Ok(wait.recv().await.ok_or(crate::cli::client::ended())??)
}

fn ended(error: &tokio::task::JoinError) -> Failure {
    Failure::failed(error.to_string(), "report this")
}

impl Stage {
    /// So many submissions of the agent, signed before any clock starts, and the requests that they begin.
    fn asked(&self, action: &str, count: usize) -> Result<(Vec<proto::Frame>, Vec<SubjectId>), Failure> {
        let (mut frames, mut ids) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for _ in 0..count {
            let (id, frame) = step::asked(&self.agent, (&self.binding(action)?, None))?;
            frames.push(frame);
            ids.push(id);
        }
        Ok((frames, ids))
    }

    fn binding(&self, action: &str) -> Result<Binding, Failure> {
        let agent = json!({"id": "agent:bench-agent", "key": self.agent.key.public().id().to_string()});
        let text = json!({"schema": BINDING_SCHEMA, "tenant": self.origin, "action": action,
            "resource": "dataset:customers", "agent": agent, "on_behalf_of": [], "params": {"rows": 500},
            "dataset_sources": ["dataset:customers@v42"], "destination": "s3://partner/x",
            "reversibility": "irreversible", "environment": "production",
            "nonce": Nonce(entropy::array()?).to_string()});
        let json = Json::parse(text.to_string().as_bytes(), BINDING_BYTES_MAX);
        let wrong = |error: crate::record::canonical::JsonError| Failure::failed(error.to_string(), "report this");
        Binding::from_json(json.map_err(wrong)?).map_err(wrong)
    }
}

/// What callers ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Submit,
    Cancel,
}

/// Many callers at once, each with one command under way; seconds for all of them.
async fn send_all(clients: &[Client], step: Step, frames: Vec<proto::Frame>) -> Result<f64, Failure> {
    let share = frames.len().div_ceil(CALLERS).max(1);
    let mut tasks = Vec::new();
    let started = Stopwatch::start();
    for (frames, client) in frames.chunks(share).zip(clients.iter().cycle()) {
        let (frames, mut client) = (frames.to_vec(), client.clone());
        tasks.push(tokio::spawn(async move {
            for frame in frames {
                match step {
                    Step::Submit => client.submit_action(frame).await?,
                    Step::Cancel => client.cancel_request(frame).await?,
                };
            }
            Ok::<(), ClientError>(())
        }));
    }
    for task in tasks {
        task.await.map_err(|error| ended(&error))??;
    }
    Ok(started.seconds())
}
