//! A connection that holds small writes back for one turn of the runtime, so that what several calls have to say at the
//! same moment leaves in one system call and few packets. What waits is told to the runtime at once: nothing is held
//! longer than the tasks take that were due before it, and nothing waits for a timer or for more to come.

use crate::limits::CORKED_BYTES_MAX;
use bytes::{Buf, BytesMut};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream, and what was written to it and is not sent yet: at most `CORKED_BYTES_MAX`. What it is given to keep is let go
/// with it.
#[derive(Debug)]
pub struct Corked<S, K = ()> {
    stream: S,
    _kept: K,
    held: BytesMut,
    /// The turn has passed that what is held waited for.
    is_due: bool,
}

impl<S: AsyncWrite + Unpin, K> Corked<S, K> {
    pub fn new(stream: S, kept: K) -> Corked<S, K> {
        Corked { stream, _kept: kept, held: BytesMut::new(), is_due: false }
    }

    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Sends what is held, and as much of these bytes as the stream takes with it; how many of them.
    fn poll_send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        while self.held.has_remaining() {
            let both = [IoSlice::new(&self.held), IoSlice::new(bytes)];
            let sent = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, &both))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_held = sent.min(self.held.len());
            self.held.advance(of_held);
            self.is_due &= self.held.has_remaining();
            if sent > of_held {
                return Poll::Ready(Ok(sent - of_held));
            }
        }
        if bytes.is_empty() { Poll::Ready(Ok(0)) } else { Pin::new(&mut self.stream).poll_write(context, bytes) }
    }
}

impl<S: AsyncRead + Unpin, K: Unpin> AsyncRead for Corked<S, K> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

/// Not vectored: the codec above then copies small frames together instead of asking to have each sent.
impl<S: AsyncWrite + Unpin, K: Unpin> AsyncWrite for Corked<S, K> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.held.len() + bytes.len() > CORKED_BYTES_MAX {
            return self.poll_send(context, bytes);
        }
        self.held.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.held.has_remaining() && !self.is_due {
            self.is_due = true;
            // A task that wakes itself stands behind all that are due already.
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.poll_send(context, &[]))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context, &[]))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio::io::AsyncWriteExt;

    /// Takes as much as its moods say, one after the other: so many bytes, or none yet; everything when they are used up.
    #[derive(Debug, Default)]
    struct Moody {
        moods: Vec<usize>,
        sent: Vec<Vec<u8>>,
        is_shut: bool,
    }

    impl AsyncWrite for Moody {
        fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(context, &[IoSlice::new(bytes)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let mood = self.moods.pop().unwrap_or(usize::MAX);
            if mood == 0 {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.iter().copied()).take(mood).collect();
            let len = bytes.len();
            self.sent.push(bytes);
            Poll::Ready(Ok(len))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.is_shut = true;
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn small_writes_of_one_turn_leave_together() {
        let mut corked = Corked::new(Moody::default(), ());
        corked.write_all(b"one, ").await.unwrap();
        let is_flushed = poll_fn(|context| Poll::Ready(Pin::new(&mut corked).poll_flush(context).is_ready())).await;
        assert!(!is_flushed && corked.stream().sent.is_empty());
        corked.write_all(b"two").await.unwrap();
        corked.flush().await.unwrap();
        assert_eq!(corked.stream().sent, [b"one, two".to_vec()]);
    }

    #[tokio::test]
    async fn nothing_is_lost_or_moved_whatever_the_stream_takes() {
        for seed in 0..200usize {
            let dice = |at: usize, below: usize| (seed.wrapping_mul(0x9e37) ^ at.wrapping_mul(0x85eb)) % below;
            let moods = (0..40).map(|at| dice(at, 5) * dice(at + 1, 9_000)).collect();
            let mut corked = Corked::new(Moody { moods, ..Moody::default() }, ());
            let mut expected = Vec::new();
            for at in 0..30 {
                let size = if dice(at, 3) == 0 { dice(at, 3 * CORKED_BYTES_MAX) } else { dice(at, 700) };
                let bytes: Vec<u8> = (0..size).map(|byte| (byte + at) as u8).collect();
                corked.write_all(&bytes).await.unwrap();
                expected.extend_from_slice(&bytes);
                assert!(corked.held.len() <= CORKED_BYTES_MAX);
                if dice(at, 4) == 0 {
                    corked.flush().await.unwrap();
                    assert_eq!(corked.stream().sent.concat(), expected, "seed {seed}");
                }
            }
            corked.shutdown().await.unwrap();
            assert!(corked.stream().is_shut);
            assert_eq!(corked.stream().sent.concat(), expected, "seed {seed}");
        }
    }
}
