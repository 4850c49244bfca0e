//! Records the queries of the process, so that a test can count them and check their plans. Tests only.

use std::sync::{Mutex, PoisonError};
use tokio::sync::MutexGuard;

/// Work runs on threads of the database, so all threads share the list.
static QUERIES: Mutex<Vec<(&'static str, String)>> = Mutex::new(Vec::new());

/// The test that uses the list.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Waits until no other test uses the list.
pub(crate) async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// Records a query.
pub(crate) fn record(name: &'static str, sql: &str) {
    let mut queries = QUERIES.lock().unwrap_or_else(PoisonError::into_inner);
    queries.push((name, sql.to_owned()));
}

/// Returns the recorded names and texts in their order, and clears the list.
pub(crate) fn take() -> Vec<(&'static str, String)> {
    let mut queries = QUERIES.lock().unwrap_or_else(PoisonError::into_inner);
    std::mem::take(&mut *queries)
}
