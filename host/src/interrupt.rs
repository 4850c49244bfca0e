//! Ctrl-C in commands that must leave nothing behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};

/// The exit code of a command that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Returns a flag that the first Ctrl-C sets. The second one ends the process at once.
pub fn stopped_by_ctrl_c() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // Install the handler before the task starts: until then, Ctrl-C would end the process at once.
    let mut pressed = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        pressed.recv().await;
        flag.store(true, Ordering::Relaxed);
        pressed.recv().await;
        // Incomplete output is invisible: it has no name yet, or the next start or try removes it.
        std::process::exit(INTERRUPTED.into());
    });
    Ok(stop)
}
