//! The progress of an import, and how to stop it.

use super::NotImported;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The progress of an import.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The number of checked rows.
    Checked(u64),
    /// The number of compared rows, and of all rows.
    Compared(u64, u64),
    /// The number of written changes, and of all changes.
    Written(u64, u64),
}

/// Receives every step, for a progress bar.
pub type Steps = Arc<dyn Fn(Step) + Send + Sync>;

/// Monitors and stops an import.
#[derive(Clone)]
pub struct Watch {
    /// Set to stop the import at its next batch.
    pub stop: Arc<AtomicBool>,
    /// Receives the progress.
    pub steps: Steps,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            stop: Arc::default(),
            steps: Arc::new(|_| {}),
        }
    }
}

impl Watch {
    /// Returns an error if the import should stop.
    pub(crate) fn go_on(&self) -> Result<(), NotImported> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(NotImported::Stopped),
            false => Ok(()),
        }
    }
}
