//! Records the queries that a thread started, so that a test can count them and check their plans. Tests only.

use std::cell::RefCell;

thread_local! {
    static QUERIES: RefCell<Vec<(&'static str, String)>> = const { RefCell::new(Vec::new()) };
}

/// Records a query of the current thread.
pub(crate) fn record(name: &'static str, sql: &str) {
    QUERIES.with_borrow_mut(|queries| queries.push((name, sql.to_owned())));
}

/// Returns the names and texts recorded by the current thread, in their order, and clears them.
pub(crate) fn take() -> Vec<(&'static str, String)> {
    QUERIES.take()
}
