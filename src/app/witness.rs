//! The wiring of `deedbook witness`: loads its memory, serves, waits for the end, and says how it ended. It decides
//! nothing about checkpoints.

use crate::app::{AddressError, check_loopback, runtime, start_logging};
use crate::clock::Clock;
use crate::http::{HttpError, serve_witness};
use crate::limits;
use crate::record::{CosigningKey, KeyFileError, load_public};
use crate::witness::{StateError, Witness, WitnessOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

/// What to witness, and where.
#[derive(Clone, Debug)]
pub struct WitnessConfig {
    /// Where it remembers.
    pub folder: PathBuf,
    /// Its key's file.
    pub key: PathBuf,
    /// Verifier key files of the logs.
    pub logs: Vec<PathBuf>,
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Make the memory first.
    pub new: bool,
}

/// How witnessing ended, other than by a signal.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// An address that is not loopback.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// A key file.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// Its memory does not open.
    #[error(transparent)]
    State(#[from] StateError),
    /// The server does not start.
    #[error(transparent)]
    Start(#[from] HttpError),
    /// No threads or signals.
    #[error("the system refuses threads or signals: {0}")]
    System(#[from] std::io::Error),
    /// Its memory failed while serving.
    #[error("the witness's memory failed; look at the disk and start again, what was cosigned is remembered")]
    Memory,
}

impl WitnessError {
    /// The exit code of the program: 70 for failed memory, 2 for a wrong address or key file, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            WitnessError::Memory => 70,
            WitnessError::Address(_) | WitnessError::Key(_) => 2,
            WitnessError::State(_) | WitnessError::Start(_) | WitnessError::System(_) => 1,
        }
    }
}

/// A running witness, for the welcome.
pub struct Watching {
    /// Where it listens.
    pub address: SocketAddr,
    /// What is given to those who shall trust it.
    pub verifier_key: String,
}

/// Serves until a signal or until memory fails. Calls `ready` once it listens.
pub fn witness(config: &WitnessConfig, ready: impl FnOnce(&Watching)) -> Result<(), WitnessError> {
    start_logging();
    check_loopback(config.listen)?;
    let logs = config.logs.iter().map(|path| load_public(path)).collect::<Result<Vec<_>, _>>()?;
    let options = WitnessOptions {
        folder: config.folder.clone(),
        key: CosigningKey::load(&config.key)?,
        logs,
        new: config.new,
        clock: Clock::system(),
    };
    let witness = Arc::new(Witness::open(options)?);
    let runtime = runtime()?;
    let ended = runtime.block_on(run(&witness, config.listen, ready));
    runtime.shutdown_timeout(limits::HTTP_TIMEOUT);
    ended
}

async fn run(witness: &Arc<Witness>, listen: SocketAddr, ready: impl FnOnce(&Watching)) -> Result<(), WitnessError> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let server = serve_witness(Arc::clone(witness), listen).await?;
    let (address, verifier_key) = (server.address(), witness.cosigner_key().to_string());
    let _ = writeln!(std::io::stderr(), "deedbook witnessing as {} on {address}", witness.cosigner_key().name());
    ready(&Watching { address, verifier_key });
    let failed = async {
        while !witness.has_failed() {
            sleep(limits::HEALTH_INTERVAL).await;
        }
    };
    let memory_failed = tokio::select! {
        _ = terminate.recv() => false,
        _ = interrupt.recv() => false,
        () = failed => true,
    };
    server.stop().await;
    if memory_failed { Err(WitnessError::Memory) } else { Ok(()) }
}
