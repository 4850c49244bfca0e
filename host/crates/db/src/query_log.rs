//! Records the queries that a thread started, so that a test can check their plans. Tests only.

use std::cell::RefCell;
use std::collections::BTreeSet;

thread_local! {
    static QUERIES: RefCell<BTreeSet<(&'static str, String)>> =
        const { RefCell::new(BTreeSet::new()) };
}

/// Records a query of the current thread.
pub(crate) fn record(name: &'static str, sql: &str) {
    QUERIES.with_borrow_mut(|queries| queries.insert((name, sql.to_owned())));
}

/// Returns the names and texts recorded by the current thread, and clears them.
pub(crate) fn take() -> BTreeSet<(&'static str, String)> {
    QUERIES.take()
}
