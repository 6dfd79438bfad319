//! An evidence package of a whole ledger: how fast it is exported from a running server and verified, with how much memory,
//! beside reading and hashing the same bytes on all cores.

use super::large::fill;
use super::server::ServerProcess;
use super::{Bench, Figure};
use crate::cli::client::Client;
use crate::cli::errors::Failure;
use crate::cli::output::remark;
use crate::cli::producer::Producer;
use crate::clock::Stopwatch;
use crate::ledger::DataDir;
use crate::record::load_public;
use deedbook_verify::package::{Directory, Folder, verify_package};
use sha2::{Digest as _, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Bytes that are read and hashed at once.
const CHUNK: usize = 256 * 1024;
/// How often the exporting process is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Fills the ledger with entries about actions of a type, exports all of it, and verifies that.
pub(super) async fn measure(
    entries: (u64, &'static str),
    folder: &Path,
    process: &ServerProcess,
    admin: &Producer,
) -> Result<Vec<Figure>, Failure> {
    let mut client = Client::open(&process.address).await?;
    fill(&mut Bench { client: &mut client, admin, address: &process.address }, entries).await?;
    let (data, out) = (DataDir::new(folder.join("data")), folder.join("package"));
    let vkey = data.root().join("ledger.vkey");
    remark("exporting it");
    let (seconds, peak_bytes) = exported(&data, &vkey, &out, &process.address)?;
    remark("verifying the package");
    let (package, key) = (Directory(out), load_public(&vkey)?);
    let before = hashed_per_second(&package)?;
    let started = Stopwatch::start();
    let shown =
        verify_package(&package, &key).map_err(|refusal| Failure::failed(refusal.to_string(), "report this"))?;
    let verified = started.seconds();
    let (bytes_per_second, bytes) = (f64::midpoint(before, hashed_per_second(&package)?), bytes_of(&package)?);
    let held = shown.rendered.counts.entries as f64;
    let ceiling = held * bytes_per_second / bytes;
    let hashing = ("reading and hashing it", ceiling);
    Ok(vec![
        Figure::ceiling("bytes of the package", bytes / 1_048_576.0, "MiB"),
        Figure::ceiling("reading and hashing it on all cores", ceiling, "entries/s"),
        Figure::of("exporting it", held / seconds, "entries/s", hashing, ">= 50,000/s"),
        Figure::goal("memory of the exporting process", peak_bytes / 1_048_576.0, "MiB", "< 500 MiB"),
        Figure::of("verifying it", held / verified, "entries/s", hashing, ">= 300,000/s"),
    ])
}

/// Runs `deedbook export` as a process of its own: its seconds, and the most memory that it held.
fn exported(data: &DataDir, vkey: &Path, out: &Path, address: &str) -> Result<(f64, f64), Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("cannot export: {error}"), "try again");
    let started = Stopwatch::start();
    let mut child = Command::new(std::env::current_exe().map_err(failed)?)
        .args(["export", "--framework", "soc2", "--from", "2020-01-01", "--to", "2100-01-01", "--server", address])
        .args([Path::new("--signer"), &data.admin_key(), Path::new("--vkey"), vkey, Path::new("--out"), out])
        .stdout(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let (status, mut peak) = (format!("/proc/{}/status", child.id()), 0.0);
    let done = loop {
        let told = std::fs::read_to_string(&status).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
        peak = kib.map_or(peak, |kib| kib * 1_024.0);
        match child.try_wait().map_err(failed)? {
            Some(done) => break done,
            None => std::thread::sleep(POLL),
        }
    };
    if done.success() {
        Ok((started.seconds(), peak))
    } else {
        Err(Failure::failed("the export failed", "run `deedbook export` by hand to see why"))
    }
}

fn files_of(package: &Directory) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let failed = |error: std::io::Error| Failure::file(&package.0, &error);
    let mut files = Vec::new();
    for path in package.list().map_err(failed)? {
        let path = package.0.join(path);
        files.push((path.metadata().map_err(failed)?.len(), path));
    }
    // The largest is taken first, from the end.
    files.sort();
    Ok(files)
}

fn bytes_of(package: &Directory) -> Result<f64, Failure> {
    Ok(files_of(package)?.iter().map(|(bytes, _)| *bytes as f64).sum())
}

/// Reads and hashes every file, on all cores: bytes a second.
fn hashed_per_second(package: &Directory) -> Result<f64, Failure> {
    let (files, bytes) = (Mutex::new(files_of(package)?), bytes_of(package)?);
    let started = Stopwatch::start();
    let hash = || -> std::io::Result<()> {
        let mut buffer = vec![0; CHUNK];
        loop {
            let Some((_, path)) = files.lock().unwrap_or_else(PoisonError::into_inner).pop() else { return Ok(()) };
            let (mut file, mut hasher) = (std::fs::File::open(path)?, Sha256::new());
            loop {
                let count = file.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                hasher.update(buffer.get(..count).unwrap_or_default());
            }
            std::hint::black_box(hasher.finalize());
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let results: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..cores).map(|_| scope.spawn(hash)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    results.into_iter().collect::<std::io::Result<()>>().map_err(|error| Failure::file(&package.0, &error))?;
    Ok(bytes / started.seconds())
}
