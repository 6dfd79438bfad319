//! What the parts can do on this machine, in this run: the disk, the engine, the signature check, the transport.

use super::frames::Prepared;
use crate::api::{echo, proto};
use crate::cli::errors::Failure;
use crate::clock::Stopwatch;
use crate::record::body::{BodyDamaged, BodyKey};
use crate::record::{SigningKey, entropy};
use crate::store::{Access, Batch, RocksStore, Store, StoreError};
use deedbook_verify::hash::{self, Children, Commitment, Salt};
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Appends of 4 KiB to a growing file, each followed by fdatasync: the seconds of each.
pub fn fdatasync_times(folder: &Path, count: u64) -> Result<Vec<f64>, Failure> {
    let path = folder.join("fdatasync");
    let failed = |error: std::io::Error| Failure::file(&path, &error);
    let mut file = File::create(&path).map_err(failed)?;
    let block = [7u8; 4096];
    let mut times = Vec::new();
    for _ in 0..count {
        let started = Stopwatch::start();
        file.write_all(&block).and_then(|()| file.sync_data()).map_err(failed)?;
        times.push(started.seconds());
    }
    Ok(times)
}

/// Synced batches of 256 records of 600 random bytes under ascending keys: records a second.
pub fn rocksdb_records_per_second(folder: &Path, seconds: f64) -> Result<f64, Failure> {
    const RECORDS: u64 = 256;
    let path = folder.join("rocksdb");
    let store = RocksStore::open(&path, Access::Create).map_err(engine)?;
    let mut values = vec![0u8; 600 * 256];
    entropy::fill(&mut values).map_err(|error| Failure::failed(error.to_string(), "try again"))?;
    let (mut written, mut busy_seconds) = (0u64, 0.0);
    while busy_seconds < seconds {
        let mut batch = Batch::new();
        for (value, key) in values.chunks_exact(600).zip(written..) {
            batch.put(&key.to_be_bytes(), value);
        }
        let started = Stopwatch::start();
        store.commit(&batch).map_err(engine)?;
        busy_seconds += started.seconds();
        written += RECORDS;
    }
    drop(store);
    std::fs::remove_dir_all(&path).map_err(|error| Failure::file(&path, &error))?;
    Ok(written as f64 / busy_seconds)
}

fn engine(error: StoreError) -> Failure {
    Failure::failed(error.to_string(), "check the disk")
}

/// `verify_strict` of 500-byte messages on every core at once: checks a second.
pub fn verifications_per_second(threads: usize, seconds: f64) -> Result<f64, Failure> {
    let key = SigningKey::generate("bench")?;
    let message = [42u8; 500];
    let signature = key.sign(&message);
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let (started, mut count) = (Stopwatch::start(), 0u64);
                    while started.seconds() < seconds {
                        for _ in 0..64 {
                            count += u64::from(key.public().accepts(&message, &signature));
                        }
                    }
                    count
                })
            })
            .collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    Ok(counts.iter().sum::<u64>() as f64 / seconds)
}

/// The arithmetic that an audit cannot do without, of events as the bench makes them, on every core at once: entries a
/// second. Nothing is read, parsed, folded or compared.
pub fn audit_arithmetic_per_second(threads: usize, seconds: f64) -> Result<f64, Failure> {
    // What the events of a fill take: entry, facts, body, and the key and value of a derived row.
    let (entry, facts, body, row) = ([1u8; 280], [2u8; 190], [3u8; 414], [4u8; 45]);
    let key = SigningKey::generate("bench")?;
    let signature = key.sign(&entry);
    let cipher = BodyKey::new([5; 32]);
    let damaged = |error: BodyDamaged| Failure::failed(error.to_string(), "report this");
    let sealed = cipher.seal(&Salt([6; 32]), &body).map_err(damaged)?;
    let of_frame = || {
        let mut sum = u64::from(key.public().accepts(&entry, &signature));
        for _ in 0..64 {
            let (leaf, fact) = (hash::leaf(&entry), hash::leaf(&facts));
            let (log, frame) = (Children { left: &leaf, right: &fact }, Children { left: &fact, right: &leaf });
            sum = sum.wrapping_add(u64::from(hash::node(log) != hash::node(frame)));
            // Two rows that follow from it, and the two that are stored.
            for _ in 0..4 {
                sum = sum.wrapping_add(u64::from(blake3::keyed_hash(&[7; 32], &row) != [0; 32]));
            }
            let mut stored = sealed.clone();
            let opened = cipher.open_in_place(&mut stored).ok();
            let commitment = opened.map(|(salt, body)| Commitment::of(&salt, body));
            sum = sum.wrapping_add(u64::from(commitment.is_some()));
        }
        std::hint::black_box(sum)
    };
    let counts: Vec<u64> = std::thread::scope(|scope| {
        let worker = || {
            let (started, mut count) = (Stopwatch::start(), 0u64);
            while started.seconds() < seconds {
                of_frame();
                count += 64;
            }
            count
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().filter_map(|worker| worker.join().ok()).collect()
    });
    Ok(counts.iter().sum::<u64>() as f64 / seconds)
}

/// The same frames through a stream that echoes them and does nothing else: events a second.
pub async fn echo_events_per_second(prepared: &Prepared) -> Result<f64, Failure> {
    let no_socket = |error: std::io::Error| Failure::failed(error.to_string(), "check free ports on loopback");
    let address = echo::serve().await.map_err(no_socket)?;
    let frames: Vec<proto::Frame> = prepared.frames.clone();
    let started = Stopwatch::start();
    echo::run(address, frames).await?;
    Ok(prepared.events as f64 / started.seconds())
}
