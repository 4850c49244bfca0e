//! How long work in a transaction may take.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// Longest time in which work finishes no query: it blocks the one writer of SQLite, or holds locks. Queries take
/// milliseconds, so after half a minute it must be waiting for itself.
const QUERY_LIMIT: Duration = Duration::from_secs(30);

/// Longest duration of work that finishes queries: the import of a large file.
const WORK_LIMIT: Duration = Duration::from_mins(5);

/// The limits of one piece of work.
pub(crate) struct WorkLimits {
    begun: Instant,
    /// When the last query finished, in milliseconds after the begin.
    finished_ms: AtomicU64,
}

impl WorkLimits {
    pub(crate) fn new() -> Self {
        Self {
            begun: Instant::now(),
            finished_ms: AtomicU64::new(0),
        }
    }

    /// Records that a query finished.
    pub(crate) fn query_finished(&self) {
        let elapsed = self.begun.elapsed().as_millis();
        let elapsed = u64::try_from(elapsed).unwrap_or(u64::MAX);
        self.finished_ms.store(elapsed, Ordering::Relaxed);
    }

    /// Returns the limit that the work exceeds now.
    pub(crate) fn exceeded(&self) -> Option<Duration> {
        self.remaining(self.begun.elapsed()).err()
    }

    /// Runs the work, or returns the limit that it exceeded while it waited.
    pub(crate) async fn run<T>(&self, work: impl Future<Output = T>) -> Result<T, Duration> {
        let mut work = pin!(work);
        loop {
            let remaining = self.remaining(self.begun.elapsed())?;
            if let Ok(done) = timeout(remaining, &mut work).await {
                return Ok(done);
            }
        }
    }

    /// Returns the time until a limit, or the limit that `elapsed` exceeds.
    fn remaining(&self, elapsed: Duration) -> Result<Duration, Duration> {
        let finished = Duration::from_millis(self.finished_ms.load(Ordering::Relaxed));
        let query_end = finished + QUERY_LIMIT;
        let (end, limit) = match query_end < WORK_LIMIT {
            true => (query_end, QUERY_LIMIT),
            false => (WORK_LIMIT, WORK_LIMIT),
        };
        end.checked_sub(elapsed)
            .filter(|remaining| !remaining.is_zero())
            .ok_or(limit)
    }
}

#[cfg(test)]
impl WorkLimits {
    /// Limits that are exceeded after this time.
    pub(crate) fn ending_in(remaining: Duration) -> Self {
        Self {
            begun: Instant::now() + remaining - QUERY_LIMIT,
            finished_ms: AtomicU64::new(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_may_take_long_while_it_finishes_queries() {
        let limits = WorkLimits::new();
        let after = |seconds, finished: u64| {
            limits
                .finished_ms
                .store(finished * 1_000, Ordering::Relaxed);
            limits.remaining(Duration::from_secs(seconds))
        };
        let seconds = Duration::from_secs;
        assert_eq!(after(10, 0), Ok(seconds(20)));
        assert_eq!(after(30, 0), Err(QUERY_LIMIT));
        assert_eq!(after(30, 1), Ok(seconds(1)));
        assert_eq!(after(299, 280), Ok(seconds(1)));
        assert_eq!(after(299, 269), Err(QUERY_LIMIT));
        assert_eq!(after(300, 299), Err(WORK_LIMIT));
    }

    #[tokio::test]
    async fn work_that_ends_in_time_returns_its_result() {
        assert_eq!(WorkLimits::new().run(async { 7 }).await, Ok(7));
    }

    #[tokio::test]
    async fn work_that_waits_too_long_ends() {
        let limits = WorkLimits::ending_in(Duration::from_millis(20));
        let endless = std::future::pending::<()>();
        assert_eq!(limits.run(endless).await, Err(QUERY_LIMIT));
    }
}
