//! Running failed work again.

use crate::retry::Retry;
use crate::transaction::Failure;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use galleria_ports::Error;
use std::time::Duration;

/// Retries of work after conflicts. Ten pauses that double from 2 ms to 250 ms last more than a
/// second in total: transactions that still conflict then would conflict forever.
const MAX_RETRIES: usize = 10;

/// The remaining retries of one piece of work.
pub(crate) struct Retries<P> {
    pauses: P,
    connections: usize,
}

impl Retries<()> {
    /// Each of `connections` may have outdated plans, so this many new connections may be needed.
    pub(crate) fn new(connections: usize) -> Retries<impl Iterator<Item = Duration> + Send> {
        Retries {
            pauses: ExponentialBuilder::default()
                .with_jitter()
                .with_min_delay(Duration::from_millis(2))
                .with_max_delay(Duration::from_millis(250))
                .with_max_times(MAX_RETRIES)
                .build(),
            connections,
        }
    }
}

impl<P: Iterator<Item = Duration>> Retries<P> {
    /// Waits before the next attempt, or returns the error if no attempt is left.
    pub(crate) async fn wait(&mut self, failure: Failure) -> Result<(), Error> {
        match failure.retry {
            Retry::Never | Retry::Checked => return Err(failure.error),
            Retry::Work => {
                let Some(pause) = self.pauses.next() else {
                    return Err(failure.error);
                };
                tokio::time::sleep(pause).await;
            }
            Retry::NewConnection => {
                let left = self.connections.checked_sub(1);
                self.connections = left.ok_or(failure.error)?;
            }
        }
        Ok(())
    }
}
