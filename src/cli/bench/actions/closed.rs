//! Requests that are over: what each of them costs the server's memory for as long as it runs, beside as many that are
//! open. How they are kept is `ledger::approval`'s. The graph of lineage, which remembers all that ever ran within a budget
//! of its own, is given the least that it can have: here it would count as theirs.

use super::{CONNECTIONS, Figure, SETTLE, Stage, Step, send_all};
use crate::cli::action::step;
use crate::cli::bench::Bench;
use crate::cli::bench::server::{ServerProcess, found};
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::remark;
use crate::cli::producer;
use std::path::Path;

/// Requests that are signed at once, and that go before anything is measured: caches and pools fill with them.
const PART: usize = 20_000;

/// Measures on a ledger of its own.
pub(in crate::cli::bench) async fn measure(folder: &Path, requests: usize) -> Result<Vec<Figure>, Failure> {
    let data = folder.join("closed");
    let admin = found(&data)?;
    let process = ServerProcess::start_with(&data, &["--lineage-mib", "1"])?;
    let mut client = Client::open(&process.address).await?;
    let admin = producer::introduce(&mut client, admin).await?;
    let mut bench = Bench { client: &mut client, admin: &admin, address: &process.address };
    let stage = bench.stage().await?;
    bench.closed(&stage, &process, requests).await
}

impl Bench<'_> {
    /// Opens and closes so many requests, then opens as many: resident memory before, at half and at the end of each.
    async fn closed(&mut self, stage: &Stage, process: &ServerProcess, count: usize) -> Result<Vec<Figure>, Failure> {
        let clients = self.connections(CONNECTIONS).await?;
        let parts = count.div_ceil(PART).next_multiple_of(2).max(2);
        let count = parts.saturating_mul(PART);
        remark(&format!("opening and closing {PART} requests, then {count} more, then opening {count}"));
        stage.asks(&clients, Ends::Closed).await?;
        let mut seen = vec![resident(process).await];
        for ends in [Ends::Closed, Ends::Open] {
            for part in 1..=parts {
                stage.asks(&clients, ends).await?;
                if part == parts / 2 || part == parts {
                    seen.push(resident(process).await);
                }
            }
        }
        let [before, half, closed, half_open, open] = seen.try_into().unwrap_or_default();
        let each = |from: f64, to: f64| (to - from) / (count / 2) as f64;
        let mib = |name, bytes: f64| Figure::ceiling(name, bytes / 1_048_576.0, "MiB");
        Ok(vec![
            Figure::ceiling("requests opened and closed, then opened", count as f64, "requests"),
            mib("resident memory before", before),
            mib("with half of them closed", half),
            mib("with all of them closed", closed),
            mib("and half as many again open", half_open),
            mib("and as many again open", open),
            Figure::goal("a closed request, second half", each(half, closed), "bytes", "0"),
            Figure::ceiling("an open request, second half", each(half_open, open), "bytes"),
        ])
    }
}

/// What becomes of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    Closed,
    Open,
}

impl Stage {
    /// Asks for a part of the requests, and withdraws them again.
    async fn asks(&self, clients: &[Client], ends: Ends) -> Result<(), Failure> {
        let (frames, ids) = self.asked("data.export", PART)?;
        send_all(clients, Step::Submit, frames).await?;
        if ends == Ends::Open {
            return Ok(());
        }
        let mut withdrawn = Vec::with_capacity(ids.len());
        for id in ids {
            withdrawn.push(step::withdrawal(&self.agent, id, "bench")?);
        }
        send_all(clients, Step::Cancel, withdrawn).await.map(drop)
    }
}

/// Once what was under way is done.
async fn resident(process: &ServerProcess) -> f64 {
    tokio::time::sleep(SETTLE).await;
    process.resident_bytes().unwrap_or(0) as f64
}
