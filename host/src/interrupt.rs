//! Ctrl-C of commands that leave nothing behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What a shell calls a command that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Set by the first Ctrl-C; a second one does not wait.
pub fn stopped_by_ctrl_c() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::Relaxed);
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            // What is half-written nobody sees: it has no name yet, or the next start or attempt clears
            // it away.
            std::process::exit(INTERRUPTED.into());
        }
    });
    stop
}
