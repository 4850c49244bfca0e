//! Counters of committed transactions.

use std::sync::atomic::{AtomicU64, Ordering};

/// Commits since the database was opened.
#[derive(Debug, Default)]
pub(crate) struct CommitCounters {
    commits: AtomicU64,
    works: AtomicU64,
}

impl CommitCounters {
    /// Counts a commit that contains `works` pieces of work.
    pub(crate) fn add(&self, works: usize) {
        let works = u64::try_from(works).unwrap_or(u64::MAX);
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.works.fetch_add(works, Ordering::Relaxed);
    }

    pub(crate) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub(crate) fn works(&self) -> u64 {
        self.works.load(Ordering::Relaxed)
    }
}
