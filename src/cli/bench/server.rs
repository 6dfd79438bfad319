//! The server under load: this same program, as a process of its own on a fresh data folder.

use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::{key, producer};
use crate::clock::{Clock, Stopwatch};
use crate::ledger::{DataDir, init};
use crate::record::SigningKey;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A running server process; killed when dropped.
pub struct ServerProcess {
    child: Child,
    /// Its gRPC address.
    pub address: String,
    /// From start to the line that says it serves.
    pub opening_seconds: f64,
}

impl ServerProcess {
    /// Starts `deedbook serve` on free ports.
    pub fn start(data: &Path) -> Result<ServerProcess, Failure> {
        ServerProcess::start_with(data, &[])
    }

    /// The same with more to say.
    pub fn start_with(data: &Path, more: &[&str]) -> Result<ServerProcess, Failure> {
        let failed = |error: std::io::Error| Failure::failed(format!("cannot start the server: {error}"), "try again");
        let started = Stopwatch::start();
        let mut child = Command::new(std::env::current_exe().map_err(failed)?)
            .args(["serve", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let pipe = child.stderr.take().ok_or(Failure::failed("no pipe to the server", "try again"))?;
        let mut lines = BufReader::new(pipe).lines();
        for line in lines.by_ref() {
            let line = line.map_err(failed)?;
            let Some((_, rest)) = line.split_once(" serving ") else { continue };
            let Some((_, rest)) = rest.split_once(" on ") else { continue };
            let Some((address, _)) = rest.split_once(',') else { continue };
            let (address, opening_seconds) = (format!("http://{address}"), started.seconds());
            // Somebody must read on, or the server would block on a full pipe one day.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(ServerProcess { child, address, opening_seconds });
        }
        Err(Failure::failed("the server ended before it served", "run `deedbook serve` by hand to see why"))
    }

    /// Resident memory in bytes, as the kernel counts it.
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    }

    /// Asks it to end, and waits until it did.
    pub fn stop(mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        let _ = self.child.wait();
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a ledger to load.
pub fn found(data: &Path) -> Result<SigningKey, Failure> {
    let dir = DataDir::new(data);
    init(&dir, "bench.local/ledger", &[], &Clock::system())?;
    Ok(SigningKey::load(&dir.admin_key())?)
}

/// Lets a fresh producer in.
pub async fn producer(
    client: &mut Client,
    admin: &producer::Producer,
    name: &str,
) -> Result<producer::Producer, Failure> {
    let key = SigningKey::generate(name)?;
    key::enroll_key(client, admin, key.public(), name).await?;
    producer::introduce(client, key).await
}
