//! Runs of stream points: a plugin pulls the rows of a window and pushes files. The files appear
//! only if the run succeeds.
//!
//! Owns the identity, input and outcome of runs, the schedules, and the worker that executes due
//! runs. Never knows what a plugin writes, or the tables of the rows.
//!
//! A run is unique on (slot, scope, window). The first attempt fixes the input of all attempts
//! (`as_of`, the previous run, the stores in scope), so that a repeated run writes the same bytes.
//! An attempt holds a lease; an attempt that lost its lease stores nothing.

mod attempt;
mod execute;
mod finish;
mod operate;
mod plan;
mod schedules;
mod streams;
mod views;
mod worker;

pub use operate::ByHand;
pub use plan::RunRequest;
pub use schedules::check;
pub use views::{RunFault, RunPage, RunView};
pub use worker::{RunWorker, RunsConfig};

use crate::core::{BACKOFF, Core};
use galleria_domain::Backoff;

pub use galleria_domain::schedule::POINTS;

/// How failed runs are retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPolicy {
    /// The waits between tries.
    pub backoff: Backoff,
}

impl Default for RunPolicy {
    fn default() -> Self {
        Self { backoff: BACKOFF }
    }
}

/// Plans, executes and lists runs. Cheap to clone.
#[derive(Clone)]
pub struct Runs {
    core: Core,
    policy: RunPolicy,
}

impl Runs {
    pub(crate) fn new(core: Core, policy: RunPolicy) -> Self {
        Self { core, policy }
    }
}
