//! How far an import has come, and stopping it.

use super::NotImported;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// How far an import has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows were looked at.
    Checked(u64),
    /// So many rows of all were held against what is there.
    Compared(u64, u64),
}

/// Told of every step, for a progress bar.
pub type Steps = Arc<dyn Fn(Step) + Send + Sync>;

/// What watches over an import.
#[derive(Clone)]
pub struct Watch {
    /// Set to stop it at its next piece.
    pub stop: Arc<AtomicBool>,
    /// Told how far it has come.
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
    /// An error once it is to stop.
    pub(crate) fn go_on(&self) -> Result<(), NotImported> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(NotImported::Stopped),
            false => Ok(()),
        }
    }
}
