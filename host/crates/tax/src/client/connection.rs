//! Connections that are replaced from time to time and after failures, so that the addresses of a name and the
//! certificates of authorities are read again.

use super::config::ConfigError;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

type Open<T> = Box<dyn Fn() -> Result<T, ConfigError> + Send + Sync>;

/// A client of one service, which keeps its connections. Calls in flight keep the client that they began with.
pub(crate) struct Connection<T> {
    open: Open<T>,
    lifetime: Duration,
    current: Mutex<Option<Current<T>>>,
}

struct Current<T> {
    client: T,
    opened: Instant,
    failed: bool,
}

impl<T: Clone> Connection<T> {
    /// `open` connects only when the client is used.
    pub(crate) fn new(open: Open<T>, lifetime: Duration) -> Self {
        Self {
            open,
            lifetime,
            current: Mutex::new(None),
        }
    }

    pub(crate) fn client(&self, now: Instant) -> Result<T, ConfigError> {
        let mut current = self.lock();
        if let Some(current) = &*current
            && !current.failed
            && now.saturating_duration_since(current.opened) < self.lifetime
        {
            return Ok(current.client.clone());
        }
        match ((self.open)(), &mut *current) {
            (Ok(client), current) => {
                *current = Some(Current {
                    client: client.clone(),
                    opened: now,
                    failed: false,
                });
                Ok(client)
            }
            // An authority's file may be replaced at this moment.
            (Err(error), Some(current)) => {
                tracing::warn!(%error, "tax service connection not renewed, keeping the previous one");
                (current.opened, current.failed) = (now, false);
                Ok(current.client.clone())
            }
            (Err(error), None) => Err(error),
        }
    }

    /// Replaces the client before its next use: the name of the service may have another address now.
    pub(crate) fn failed(&self) {
        if let Some(current) = &mut *self.lock() {
            current.failed = true;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Current<T>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_client_is_replaced_after_its_lifetime_and_after_a_failure() {
        let opened = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&opened);
        let open = move || match count.fetch_add(1, Ordering::Relaxed) {
            3 => Err(ConfigError::test()),
            number => Ok(number),
        };
        let connection = Connection::new(Box::new(open), Duration::from_secs(60));
        let start = Instant::now();
        let client = |seconds| {
            let now = start + Duration::from_secs(seconds);
            connection.client(now).expect("a client")
        };
        assert_eq!([client(0), client(59)], [0, 0]);
        assert_eq!(client(60), 1);
        connection.failed();
        assert_eq!([client(61), client(62)], [2, 2]);
        // The file of an authority is invalid for a moment.
        connection.failed();
        assert_eq!([client(63), client(122)], [2, 2]);
        assert_eq!(client(123), 4);
    }
}
