//! Time, as an argument.

use async_trait::async_trait;
use jiff::Timestamp;
use std::time::Duration;

/// What time it is, and waiting for it to pass.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now, to the millisecond: what the database keeps.
    fn now(&self) -> Timestamp;
    /// Returns when that much time has passed.
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

/// A clock that moves when it is told to, for tests.
#[derive(Debug)]
pub struct DrivenClock {
    now: tokio::sync::watch::Sender<Timestamp>,
}

impl DrivenClock {
    /// A clock that stands at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self {
            now: tokio::sync::watch::Sender::new(to_millisecond(start)),
        }
    }

    /// How many sleep: where it is as many as a test waits for, time may pass.
    pub fn sleepers(&self) -> usize {
        self.now.receiver_count()
    }

    /// Lets time pass.
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
        // The sender lives as long as the clock, and the clock as long as this call.
        let _ = now.wait_for(|now| *now >= until).await;
    }
}

/// `by` later, or the end of time.
pub fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
