//! Ctrl-C of commands that leave nothing behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};

/// What a shell calls a command that Ctrl-C ended.
pub const INTERRUPTED: u8 = 130;

/// Set by the first Ctrl-C from here on; a second one does not wait.
pub fn stopped_by_ctrl_c() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    // Here and not in the task: until that begins, Ctrl-C would end the process where it stands.
    let mut pressed = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        pressed.recv().await;
        told.store(true, Ordering::Relaxed);
        pressed.recv().await;
        // What is half-written nobody sees: it has no name yet, or the next start or attempt clears it
        // away.
        std::process::exit(INTERRUPTED.into());
    });
    Ok(stop)
}
