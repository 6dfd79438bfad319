//! When a frame of a stream may go to the ledger while earlier ones are still under way. It keeps one promise: what was
//! sent behind a frame that is not appended has no effect.
//!
//! Numbered one after the other, frames need no care: behind a refused one, the ledger finds every later number out of
//! sequence. Numbers that were used before cannot be appended again, so repeats need no care among themselves either.
//! Wherever a stream goes from one to the other, or jumps, all earlier frames must be settled first.

use deedbook_verify::words::Sequence;
use tokio::sync::watch;

/// What a frame's sequence is, seen from the highest before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The next.
    Next,
    /// One of those before.
    Repeat,
    /// Beyond the next: a `source.gap`, or a mistake.
    Jump,
}

/// The state of one stream.
pub struct Order {
    tip: Sequence,
    step: Step,
    submitted: u64,
    settled: watch::Receiver<u64>,
}

impl Order {
    /// Begins behind the last durable sequence; `settled` counts the frames that were acknowledged.
    pub fn new(last: Sequence, settled: watch::Receiver<u64>) -> Order {
        Order { tip: last, step: Step::Next, submitted: 0, settled }
    }

    /// Whether a frame that begins here goes with those before it, without waiting for them.
    pub fn flows(&self, first: Sequence) -> bool {
        let step = self.step_to(first);
        step == self.step && step != Step::Jump
    }

    /// Waits until the frame with these sequences may be submitted; false when the stream has ended meanwhile.
    pub async fn turn(&mut self, first: Sequence, last: Sequence) -> bool {
        let step = self.step_to(first);
        if !self.flows(first) {
            let submitted = self.submitted;
            if self.settled.wait_for(|settled| *settled >= submitted).await.is_err() {
                return false;
            }
        }
        self.step = step;
        self.tip = self.tip.max(last);
        self.submitted = self.submitted.saturating_add(1);
        true
    }

    fn step_to(&self, first: Sequence) -> Step {
        let next = self.tip.0.saturating_add(1);
        match first.0.cmp(&next) {
            std::cmp::Ordering::Less => Step::Repeat,
            std::cmp::Ordering::Equal => Step::Next,
            std::cmp::Ordering::Greater => Step::Jump,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Whether the frame could go at once.
    fn goes(order: &mut Order, first: u64, last: u64) -> bool {
        let mut turn = pin!(order.turn(Sequence(first), Sequence(last)));
        matches!(turn.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(true))
    }

    #[test]
    fn only_a_change_of_step_waits() {
        let (settle, settled) = watch::channel(0);
        let mut order = Order::new(Sequence(10), settled);
        assert!(goes(&mut order, 11, 12) && goes(&mut order, 13, 13));
        assert!(!goes(&mut order, 5, 6), "a repeat behind unsettled frames");
        settle.send_replace(2);
        assert!(goes(&mut order, 5, 6) && goes(&mut order, 7, 8) && goes(&mut order, 5, 6));
        assert!(!goes(&mut order, 14, 14), "the next behind unsettled repeats");
        settle.send_replace(5);
        assert!(goes(&mut order, 14, 14));
        assert!(!goes(&mut order, 20, 20), "a jump behind an unsettled frame");
        settle.send_replace(6);
        assert!(goes(&mut order, 20, 20));
        assert!(!goes(&mut order, 30, 30), "a jump behind an unsettled jump");
        assert!(!goes(&mut order, 15, 15), "what the jump left out");
        drop(settle);
        let mut turn = pin!(order.turn(Sequence(21), Sequence(21)));
        assert_eq!(turn.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(false));
    }
}
