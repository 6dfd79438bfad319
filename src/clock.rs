//! The only place that reads clocks. Everything else is handed a `Clock`, so that tests decide what time it is.

use deedbook_verify::words::Micros;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A reading of both clocks at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Wall clock, UTC; may jump either way.
    pub wall: Micros,
    /// Time since boot, sleep included; never jumps.
    pub boot: Micros,
}

impl Reading {
    /// Milliseconds by which the wall clock moved differently from the boot clock since `earlier`.
    pub fn drift_ms_since(&self, earlier: &Reading) -> i64 {
        let moved = |later: Micros, earlier: Micros| i128::from(later.0) - i128::from(earlier.0);
        let drift = moved(self.wall, earlier.wall) - moved(self.boot, earlier.boot);
        i64::try_from(drift / 1_000).unwrap_or(if drift < 0 { i64::MIN } else { i64::MAX })
    }
}

/// A source of readings.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    manual: Option<Arc<Manual>>,
}

#[derive(Debug)]
struct Manual {
    wall: AtomicU64,
    boot: AtomicU64,
}

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Clock {
        Clock { manual: None }
    }

    /// A clock that stands still until it is set; for tests and for the worked example of FORMAT.md.
    pub fn manual(start: Reading) -> Clock {
        let manual = Manual { wall: AtomicU64::new(start.wall.0), boot: AtomicU64::new(start.boot.0) };
        Clock { manual: Some(Arc::new(manual)) }
    }

    /// Sets a manual clock; without effect on the system's.
    pub fn set(&self, reading: Reading) {
        if let Some(manual) = &self.manual {
            manual.wall.store(reading.wall.0, Ordering::SeqCst);
            manual.boot.store(reading.boot.0, Ordering::SeqCst);
        }
    }

    /// Reads both clocks.
    pub fn read(&self) -> Reading {
        match &self.manual {
            Some(manual) => Reading {
                wall: Micros(manual.wall.load(Ordering::SeqCst)),
                boot: Micros(manual.boot.load(Ordering::SeqCst)),
            },
            None => Reading { wall: now(ClockId::Realtime), boot: now(ClockId::Boottime) },
        }
    }

    /// The wall clock alone.
    pub fn wall(&self) -> Micros {
        self.read().wall
    }
}

/// A clock before 1970 reads as 0, which opening then refuses as behind the last received time.
fn now(id: ClockId) -> Micros {
    Micros(u64::try_from(since_zero(id).as_micros()).unwrap_or(u64::MAX))
}

fn since_zero(id: ClockId) -> Duration {
    let time = clock_gettime(id);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    u64::try_from(time.tv_sec).map_or(Duration::ZERO, |seconds| Duration::new(seconds, nanos))
}

/// A running stopwatch over the boot clock, for latencies: to the nanosecond, as far as the system tells them.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Duration,
}

impl Stopwatch {
    /// Starts now.
    pub fn start() -> Stopwatch {
        Stopwatch { started: since_zero(ClockId::Boottime) }
    }

    /// Seconds since the start.
    pub fn seconds(&self) -> f64 {
        since_zero(ClockId::Boottime).saturating_sub(self.started).as_secs_f64()
    }
}
