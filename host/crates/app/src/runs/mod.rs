//! Runs of stream points: a plugin pulls the rows of a window and pushes files, which appear once
//! the run has ended well.
//!
//! Owns: which run a window is, what it is given, what becomes of an attempt, schedules, and the
//! worker that does what is due. Never knows what a plugin writes, nor where the rows come from.
//!
//! A run is unique on (slot, scope, window). The first attempt fixes what all must see alike
//! (`as_of`, the run before it, the stores in scope), so that one which is repeated after a crash
//! writes the same bytes. An attempt holds a lease; whoever has lost it keeps nothing.

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
use galleria_domain::plugin::Point;

/// The points whose runs cover a window.
pub const POINTS: [Point; 3] = [
    Point::Report,
    Point::WriteSettlement,
    Point::ExportCatalogue,
];

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
