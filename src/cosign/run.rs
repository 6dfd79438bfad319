//! The tasks that ask while the server runs: one for each witness, so that a slow one delays no other. Each submits the
//! newest signed checkpoint at most every `WITNESS_INTERVAL`, and the same one again every `WITNESS_REFRESH`, so that a
//! quiet ledger is seen to be alive.

use crate::clock::Stopwatch;
use crate::cosign::Witnesses;
use crate::cosign::link::{Link, Obstacle, Submitted};
use crate::ledger::{Ledger, ReadError, Reader};
use crate::limits;
use deedbook_verify::cosign::Cosignature;
use deedbook_verify::note::open_checkpoint;
use deedbook_verify::words::{Hash, TreeSize};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Running tasks; `stop` ends them.
pub struct Running {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Witnesses {
    /// Begins to ask, for a ledger that was opened under this policy.
    pub fn start(&self, ledger: &Ledger) -> Running {
        let stop = watch::Sender::new(false);
        let task = |(position, link): (usize, &Arc<Link>)| {
            let asking = Asking {
                position,
                link: Arc::clone(link),
                reader: ledger.reader(),
                last: None,
                cosigned: None,
                pause: limits::WITNESS_INTERVAL,
                stop: stop.subscribe(),
            };
            tokio::spawn(asking.run())
        };
        let tasks = self.links.iter().enumerate().map(task).collect();
        Running { stop, tasks }
    }
}

impl Running {
    /// Ends the tasks: a request under way is given up, a row that is being written is waited for.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for task in self.tasks {
            // An error is a panic, which stands in the log.
            let _ = task.await;
        }
    }
}

/// What one task knows of its witness.
struct Asking {
    position: usize,
    link: Arc<Link>,
    reader: Reader,
    /// The size that it cosigned last, as far as we know.
    last: Option<TreeSize>,
    /// What it last cosigned for us, and when.
    cosigned: Option<(TreeSize, Stopwatch)>,
    pause: Duration,
    stop: watch::Receiver<bool>,
}

/// Why a round brought nothing.
enum Trouble {
    Witness(Obstacle),
    /// Ours: the ledger stops, or is stopping.
    Ledger(ReadError),
    /// The server ends.
    Stopping,
}

impl From<ReadError> for Trouble {
    fn from(error: ReadError) -> Trouble {
        Trouble::Ledger(error)
    }
}

impl Asking {
    async fn run(mut self) {
        loop {
            match self.round().await {
                Ok(()) => self.pause = limits::WITNESS_INTERVAL,
                Err(Trouble::Witness(obstacle)) => self.note(&obstacle),
                Err(Trouble::Ledger(error)) => {
                    tracing::warn!(witness = %self.link.name, %error, "nothing can be submitted to a witness");
                    self.pause = limits::WITNESS_BACKOFF_MAX;
                }
                Err(Trouble::Stopping) => return,
            }
            // Told to stop, or the server is gone; else it is time for the next round.
            if timeout(self.pause, self.stop.wait_for(|stop| *stop)).await.is_ok() {
                return;
            }
        }
    }

    /// Puts an obstacle on record, and waits longer before the next attempt.
    fn note(&mut self, obstacle: &Obstacle) {
        let (witness, first) = (&self.link.name, self.pause == limits::WITNESS_INTERVAL);
        metrics::counter!("deedbook_witness_failures_total", "witness" => witness.clone(), "reason" => obstacle.label())
            .increment(1);
        if obstacle.is_alarm() {
            let alarm = format!(
                "witness `{witness}`: {obstacle}: another copy of this ledger was served, or this one lost entries"
            );
            tracing::error!("{alarm}");
            self.reader.raise_witness_alarm(self.position, alarm);
        } else {
            self.reader.note_witness_absent(self.position, format!("witness `{witness}` does not cosign: {obstacle}"));
            if first {
                tracing::warn!(%witness, %obstacle, "a witness does not cosign; trying again, at longer intervals");
            }
        }
        self.pause = self.pause.saturating_mul(2).min(limits::WITNESS_BACKOFF_MAX);
    }

    /// Has the newest checkpoint cosigned, unless it was just now.
    async fn round(&mut self) -> Result<(), Trouble> {
        let (note, size) = self.ours(|reader| newest(&reader)).await?;
        let refresh = limits::WITNESS_REFRESH.as_secs_f64();
        if self.cosigned.as_ref().is_some_and(|(last, since)| *last == size && since.seconds() < refresh) {
            return Ok(());
        }
        for _ in 0..limits::WITNESS_TRIES_MAX {
            let old = self.last.unwrap_or(TreeSize(0));
            let proof = self.ours(move |reader| proof(&reader, old, size)).await?;
            let submitted = tokio::select! {
                submitted = self.link.submit(old, &proof, &note) => submitted.map_err(Trouble::Witness)?,
                _ = self.stop.wait_for(|stop| *stop) => return Err(Trouble::Stopping),
            };
            match submitted {
                Submitted::Cosigned(cosignature) => return self.keep(cosignature, size).await,
                // What a witness of C2SP's first version says when the roots of one size differ.
                Submitted::From(theirs) if theirs == old => return Err(Trouble::Witness(Obstacle::Inconsistent)),
                Submitted::From(theirs) if theirs > size => return Err(Trouble::Witness(Obstacle::Ahead(theirs))),
                Submitted::From(theirs) => self.last = Some(theirs),
            }
        }
        // It keeps naming other sizes than it just named.
        Err(Trouble::Witness(Obstacle::Answer("409 again and again".to_owned())))
    }

    async fn keep(&mut self, cosignature: Cosignature, size: TreeSize) -> Result<(), Trouble> {
        let position = self.position;
        self.ours(move |reader| reader.add_cosignature(position, &cosignature)).await?;
        metrics::counter!("deedbook_cosignatures_total", "witness" => self.link.name.clone()).increment(1);
        (self.last, self.cosigned) = (Some(size), Some((size, Stopwatch::start())));
        Ok(())
    }

    /// Reads, and writes of rows, may touch the disk.
    async fn ours<T: Send + 'static>(
        &self,
        work: impl FnOnce(Reader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, Trouble> {
        let reader = self.reader.clone();
        match tokio::task::spawn_blocking(move || work(reader)).await {
            Ok(answer) => answer.map_err(Trouble::Ledger),
            Err(_) => Err(Trouble::Ledger(ReadError::NoCheckpoint("a read ended early".to_owned()))),
        }
    }
}

fn newest(reader: &Reader) -> Result<(Vec<u8>, TreeSize), ReadError> {
    let note = reader.checkpoint()?;
    let opened = open_checkpoint(&note, reader.verifier_key());
    let opened = opened.map_err(|refusal| ReadError::NoCheckpoint(refusal.to_string()))?;
    let size = opened.checkpoint().head.size;
    Ok((note, size))
}

/// From nothing, and from the same size, there is nothing to prove.
fn proof(reader: &Reader, old: TreeSize, new: TreeSize) -> Result<Vec<Hash>, ReadError> {
    if old == TreeSize(0) || old == new {
        return Ok(Vec::new());
    }
    Ok(reader.consistency(old, new)?.path)
}
