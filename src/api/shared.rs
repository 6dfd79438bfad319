//! What every method shares: the ledger, the clock, page tokens, deadlines, and bounds on work at once. It knows no
//! message.

use crate::api::proto::Reason;
use crate::api::reason::Fault;
use crate::api::token::TokenKey;
use crate::clock::Clock;
use crate::ledger::{Ledger, Reader};
use crate::limits;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};
use tonic::metadata::MetadataMap;
use tonic::{Response, Status};

/// The shared state of the services.
pub struct Shared {
    /// The ledger.
    pub ledger: Ledger,
    /// For the times of signed requests.
    pub clock: Clock,
    /// For lists.
    pub tokens: TokenKey,
    calls: Semaphore,
    streams: Arc<Semaphore>,
    subscribers: Arc<Semaphore>,
    waiters: Arc<Semaphore>,
    stretches: Semaphore,
    stopping: watch::Receiver<bool>,
}

impl Shared {
    /// Shares a ledger until `stopping` turns true.
    pub fn new(ledger: Ledger, clock: Clock, stopping: watch::Receiver<bool>) -> Shared {
        let tokens = TokenKey::new(ledger.reader().ref_key());
        let calls = Semaphore::new(limits::CALLS_MAX);
        let streams = Arc::new(Semaphore::new(limits::STREAMS_MAX));
        let subscribers = Arc::new(Semaphore::new(limits::SUBSCRIBERS_MAX));
        let waiters = Arc::new(Semaphore::new(limits::WAITERS_MAX));
        let stretches = Semaphore::new(limits::STRETCHES_AT_ONCE_MAX);
        Shared { ledger, clock, tokens, calls, streams, subscribers, waiters, stretches, stopping }
    }

    /// Answers a unary call within its deadline.
    ///
    /// tonic has a timer of its own for the client's deadline, and answers without `ErrorInfo`; ours is set to ring
    /// first.
    pub async fn answer<T>(
        &self,
        metadata: &MetadataMap,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<Response<T>, Status> {
        let limit = deadline(metadata).unwrap_or(limits::CALL_TIMEOUT_MAX).min(limits::CALL_TIMEOUT_MAX);
        let bounded = async {
            let _permit = self.calls.acquire().await.map_err(|_| stopping_fault())?;
            work.await
        };
        match timeout(limit, bounded).await {
            Ok(answer) => answer.map(Response::new).map_err(Status::from),
            Err(_) => Err(late().into()),
        }
    }

    /// Runs reads that may touch the disk on a thread that may block.
    pub async fn read<T, E>(&self, work: impl FnOnce(&Reader) -> Result<T, E> + Send + 'static) -> Result<T, Fault>
    where
        T: Send + 'static,
        E: Into<Fault> + Send + 'static,
    {
        let reader = self.ledger.reader();
        match tokio::task::spawn_blocking(move || work(&reader)).await {
            Ok(answer) => answer.map_err(Into::into),
            Err(_) => Err(Fault::new(Reason::Internal, "a read ended early")),
        }
    }

    /// A place among the open streams.
    pub fn enter_stream(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.streams).try_acquire_owned().map_err(|_| {
            Fault::new(Reason::StreamsTooMany, format!("{} streams are open already", limits::STREAMS_MAX))
                .with("streams_max", limits::STREAMS_MAX)
        })
    }

    /// A place among the subscribers, who stay for long and shall not take those of producers.
    pub fn enter_subscriber(&self) -> Result<SubscriberPlace, Fault> {
        let permit = Arc::clone(&self.subscribers).try_acquire_owned().map_err(|_| {
            Fault::new(Reason::StreamsTooMany, format!("{} subscribers are there already", limits::SUBSCRIBERS_MAX))
                .with("streams_max", limits::SUBSCRIBERS_MAX)
        })?;
        metrics::gauge!("deedbook_subscribers").increment(1.0);
        Ok(SubscriberPlace(permit))
    }

    /// A place among those who wait for a decision: many, and each holds next to nothing.
    pub fn enter_waiter(&self) -> Result<OwnedSemaphorePermit, Fault> {
        Arc::clone(&self.waiters).try_acquire_owned().map_err(|_| {
            Fault::new(Reason::StreamsTooMany, format!("{} streams wait for decisions already", limits::WAITERS_MAX))
                .with("streams_max", limits::WAITERS_MAX)
        })
    }

    /// As `read`, for the steps of subscriptions: few at once, whoever else waits.
    pub async fn stretch<T, E>(&self, work: impl FnOnce(&Reader) -> Result<T, E> + Send + 'static) -> Result<T, Fault>
    where
        T: Send + 'static,
        E: Into<Fault> + Send + 'static,
    {
        let _turn = self.stretches.acquire().await.map_err(|_| stopping_fault())?;
        self.read(work).await
    }

    /// Resolves when the server stops.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopping = self.stopping.clone();
        async move {
            // An error means that the server is gone, which is a stop too.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    }
}

/// Held while a subscriber is there, and counted.
#[derive(Debug)]
pub struct SubscriberPlace(#[allow(dead_code, reason = "held, and given back when dropped")] OwnedSemaphorePermit);

impl Drop for SubscriberPlace {
    fn drop(&mut self) {
        metrics::gauge!("deedbook_subscribers").decrement(1.0);
    }
}

/// The answer to whoever is still there when the server stops.
pub fn stopping_fault() -> Fault {
    Fault::new(Reason::Stopping, "the server is stopping; what was not acknowledged is to be sent again")
}

/// The answer when the deadline passed.
pub fn late() -> Fault {
    Fault::new(Reason::DeadlineExceeded, "the deadline passed before the work was done")
}

/// Sleeps until the caller's deadline; for ever if there is none.
pub async fn until_deadline(limit: Option<Duration>) {
    match limit {
        Some(limit) => sleep(limit).await,
        None => std::future::pending().await,
    }
}

/// How long the caller waits, a little shortened: at most 8 digits and a unit, as gRPC over HTTP/2 says.
pub fn deadline(metadata: &MetadataMap) -> Option<Duration> {
    let text = metadata.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    let limit = match unit {
        "H" => Duration::from_secs(count.saturating_mul(3_600)),
        "M" => Duration::from_secs(count.saturating_mul(60)),
        "S" => Duration::from_secs(count),
        "m" => Duration::from_millis(count),
        "u" => Duration::from_micros(count),
        "n" => Duration::from_nanos(count),
        _ => return None,
    };
    Some(limit.saturating_sub(Duration::from_millis(3)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_read_as_grpc_says() {
        let read = |text: &str| {
            let mut metadata = MetadataMap::new();
            metadata.insert("grpc-timeout", text.parse().unwrap());
            deadline(&metadata)
        };
        assert_eq!(read("2S"), Some(Duration::from_millis(1_997)));
        assert_eq!(read("1M"), Some(Duration::from_millis(59_997)));
        assert_eq!(read("1n"), Some(Duration::ZERO));
        assert_eq!(read("123456789S"), None);
        assert_eq!(read("S"), None);
        assert_eq!(read("+1S"), None);
        assert_eq!(read(""), None);
        assert_eq!(deadline(&MetadataMap::new()), None);
    }
}
