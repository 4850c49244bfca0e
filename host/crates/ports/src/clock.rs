//! The clock.

use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// Reads the time and waits for it to pass.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The current time in milliseconds, the resolution of the database.
    fn now(&self) -> Timestamp;
    /// Returns after this duration.
    async fn sleep(&self, duration: Duration);
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        to_millisecond(Timestamp::now())
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// A clock for tests that moves only when it is advanced.
#[derive(Debug)]
pub struct DrivenClock {
    now: tokio::sync::watch::Sender<Timestamp>,
}

impl DrivenClock {
    /// Creates a clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self {
            now: tokio::sync::watch::Sender::new(to_millisecond(start)),
        }
    }

    /// The number of sleeping tasks, so that a test can advance the clock when all of them sleep.
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }

    /// Advances the clock.
    pub fn advance(&self, by: Duration) {
        self.now.send_modify(|now| *now = later(*now, by));
    }
}

#[async_trait]
impl Clock for DrivenClock {
    fn now(&self) -> Timestamp {
        *self.now.borrow()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.subscribe();
        let until = later(*now.borrow(), duration);
        // An error is impossible: `self` keeps the sender alive during this call.
        let _ = now.wait_for(|now| *now >= until).await;
    }
}

/// The time from `begun` to `now`; zero if the clock went back.
pub fn elapsed(begun: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(begun).try_into().unwrap_or_default()
}

/// Adds `by` to `at`, saturating.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Subtracts `by` from `at`, saturating.
pub fn earlier(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_sub(by).unwrap_or(Timestamp::MIN)
}

fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
