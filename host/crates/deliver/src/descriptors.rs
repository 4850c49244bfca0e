//! The share of the process's descriptors that files of runs may use.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Raises the process's soft limit of open descriptors to its hard limit.
pub fn raise_limit() -> io::Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).map_err(Into::into)
}

/// Counts the descriptors that all runs use. The other half of the process's descriptors is left to connections,
/// the database and deliveries.
#[derive(Clone, Debug)]
pub(crate) struct Descriptors {
    limit: u64,
    used: Arc<AtomicU64>,
}

/// Reserved descriptors. Dropping it frees them.
#[derive(Debug)]
pub(crate) struct Reservation {
    count: u64,
    all: Arc<AtomicU64>,
}

impl Descriptors {
    /// Half of the process's soft limit.
    pub fn of_process() -> Self {
        let soft = getrlimit(Resource::Nofile).current;
        Self::new(soft.unwrap_or(u64::MAX) / 2)
    }

    pub fn new(limit: u64) -> Self {
        Self {
            limit,
            used: Arc::default(),
        }
    }

    /// Fails if the runs of the process would use more than their share.
    pub fn reserve(&self, count: u64) -> io::Result<Reservation> {
        let more = |used| Some(used + count).filter(|used| *used <= self.limit);
        let reserved = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        let all = Arc::clone(&self.used);
        reserved.map(|_| Reservation { count, all }).map_err(|used| {
            io::Error::other(format!(
                "all runs of this process may use {} descriptors, half of its limit, and {used} are in use: \
                 raise the limit (ulimit -n), or reduce runs.at_once",
                self.limit
            ))
        })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.all.fetch_sub(self.count, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_descriptors_can_be_reserved_again() {
        let descriptors = Descriptors::new(3);
        let first = descriptors.reserve(2).expect("free");
        assert!(descriptors.reserve(2).is_err());
        let _second = descriptors.reserve(1).expect("free");
        let error = descriptors.reserve(1).expect_err("refused").to_string();
        assert!(error.contains("may use 3 descriptors"), "{error}");
        drop(first);
        descriptors.reserve(2).expect("free");
    }

    #[test]
    fn the_soft_limit_becomes_the_hard_limit() {
        raise_limit().expect("raised");
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
