//! The wiring of `deedbook serve`: opens the ledger, starts both servers, waits for the end, and says how it ended. It
//! decides nothing about events.

mod address;
mod files;
mod server;
mod witness;

pub use address::{AddressError, check_loopback};
pub use files::{TooFewFiles, secure_files};
pub use server::{Server, StartError};
pub use witness::{Watching, WitnessConfig, WitnessError, witness};

use crate::clock::Clock;
use crate::cosign::{PolicyError, Witnesses};
use crate::ledger::{DataDir, Ledger, OpenError, OpenOptions, Schedule, StopReason, WitnessCheck};
use crate::record::{KeyFileError, load_public};
use crate::store::StoreError;
use deedbook_verify::policy::Policy;
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;
use tokio::runtime::{Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// What to serve, and where.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// The data folder.
    pub data: DataDir,
    /// Where gRPC listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where HTTP listens; port 0 takes a free one.
    pub http: SocketAddr,
    /// Open although the wall clock stands behind the log.
    pub accept_clock: bool,
    /// Folders of further head anchors, on other volumes.
    pub anchors: Vec<PathBuf>,
    /// Who witnesses.
    pub witnesses: Option<WitnessedBy>,
    /// What the lineage graph may take in memory.
    pub lineage_bytes_max: usize,
    /// When the computed tests run; none: when somebody asks.
    pub tests: Option<Schedule>,
}

/// A witness policy to serve under.
#[derive(Clone, Debug)]
pub struct WitnessedBy {
    /// Logs, witnesses with their URLs, and the quorum.
    pub policy: Policy,
    /// Refuse to open unless the witnesses that answer make up the quorum.
    pub require: bool,
}

/// Where a running server is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// gRPC.
    pub grpc: SocketAddr,
    /// HTTP.
    pub http: SocketAddr,
    /// The ledger's name in checkpoints.
    pub origin: String,
}

/// How serving ended, other than by a signal.
#[derive(Debug, Error)]
pub enum ServeError {
    /// An address that is not loopback.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// Too few file descriptors.
    #[error(transparent)]
    Files(#[from] TooFewFiles),
    /// The ledger does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The witness policy does not fit.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The ledger's verifier key.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A server does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No threads or signals.
    #[error("the system refuses threads or signals: {0}")]
    System(#[from] std::io::Error),
    /// The store or the anchor failed while serving; the exit code is 70.
    #[error("storage failed: {0}; start again, opening recovers what was durable")]
    Storage(String),
}

impl ServeError {
    /// The exit code of the program: 70 for storage that failed while serving, 3 where the operator must allow it, 2 for
    /// a wrong address or file, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            ServeError::Storage(_) => 70,
            ServeError::Open(OpenError::ClockBehind { .. } | OpenError::WitnessesSilent(_)) => 3,
            ServeError::Open(OpenError::Key(_) | OpenError::Store(StoreError::Absent(_))) => 2,
            ServeError::Address(_) | ServeError::Policy(_) | ServeError::Key(_) => 2,
            ServeError::Files(_) | ServeError::Open(_) | ServeError::Start(_) | ServeError::System(_) => 1,
        }
    }
}

/// Serves until a signal or until the store fails, and returns the exit code. Calls `ready` once both servers listen.
pub fn serve(config: &ServeConfig, ready: impl FnOnce(&Addresses)) -> u8 {
    start_logging();
    // Before the ledger opens, which says what waits already.
    crate::http::Metrics::install();
    match try_serve(config, ready) {
        Ok(()) => 0,
        Err(error) => {
            // The log may be filtered; why a server did not start or stopped is said in any case.
            let _ = writeln!(std::io::stderr(), "deedbook: {error}");
            error.exit_code()
        }
    }
}

/// As `serve`, for callers that report themselves.
pub fn try_serve(config: &ServeConfig, ready: impl FnOnce(&Addresses)) -> Result<(), ServeError> {
    secure_files()?;
    check_loopback(config.listen)?;
    check_loopback(config.http)?;
    let runtime = runtime()?;
    let witnesses = witnesses(config)?;
    let options = OpenOptions {
        accept_clock: config.accept_clock,
        anchors: config.anchors.iter().map(|folder| DataDir::anchor_in(folder)).collect(),
        clock: Clock::system(),
        witnesses: witnesses.as_ref().map(|(witnesses, require)| check(witnesses, *require, runtime.handle())),
    };
    let ledger = Ledger::open(&config.data, options)?;
    ledger.lineage_within(config.lineage_bytes_max);
    if let Some(schedule) = config.tests {
        ledger.schedule_tests(schedule)?;
    }
    let ended = runtime.block_on(async {
        let asking = witnesses.as_ref().map(|(witnesses, _)| witnesses.start(&ledger));
        let ended = run(&ledger, config, ready).await;
        if let Some(asking) = asking {
            asking.stop().await;
        }
        ended
    });
    // Also after an error: the writer's thread must not be cut off in the middle of a commit.
    ledger.close();
    runtime.shutdown_timeout(crate::limits::HTTP_TIMEOUT);
    ended
}

fn witnesses(config: &ServeConfig) -> Result<Option<(Arc<Witnesses>, bool)>, ServeError> {
    let Some(by) = &config.witnesses else { return Ok(None) };
    let key = load_public(&config.data.verifier_key())?;
    Ok(Some((Arc::new(Witnesses::of(by.policy.clone(), &key)?), by.require)))
}

/// How opening asks the witnesses; it runs on a thread that is none of the runtime's.
fn check(witnesses: &Arc<Witnesses>, require: bool, runtime: &Handle) -> WitnessCheck {
    let (policy, asked, runtime) = (witnesses.policy().clone(), Arc::clone(witnesses), runtime.clone());
    let ask = move |newest: Option<&[u8]>| runtime.block_on(asked.recall(newest));
    WitnessCheck { policy, ask: Arc::new(ask), require }
}

/// The runtime of a server: one thread for each core; the ledger's own threads come on top.
pub fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("deedbook").build()
}

async fn run(ledger: &Ledger, config: &ServeConfig, ready: impl FnOnce(&Addresses)) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = Server::start(ledger.clone(), config.listen, config.http).await?;
    let addresses = server.addresses().clone();
    let Addresses { grpc, http, origin } = &addresses;
    let _ = writeln!(std::io::stderr(), "deedbook serving {origin} on {grpc}, http {http}");
    ready(&addresses);
    let stopped = tokio::select! {
        _ = terminate.recv() => None,
        _ = interrupt.recv() => None,
        reason = ledger.stopped() => Some(reason),
    };
    match stopped {
        // Queued calls have been answered with STORAGE_FAILED by the ledger; stopping lets these answers out.
        Some(StopReason::Failed(reason)) => {
            server.stop().await;
            Err(ServeError::Storage(reason))
        }
        Some(StopReason::Closed) | None => {
            tracing::info!("stopping: no new calls, finishing those under way");
            server.stop().await;
            Ok(())
        }
    }
}

/// Lines for people on the error stream; `DEEDBOOK_LOG` filters them, such as `deedbook=debug`.
fn start_logging() {
    let filter = tracing_subscriber::EnvFilter::try_from_env("DEEDBOOK_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info,h2=warn,hyper=warn,tonic=warn"));
    // A second start in one process keeps the first one's settings.
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr);
    let _ = lines.try_init();
}
