//! `[compilation]`: the limits of loading retailers and of compiling their components.

use crate::fields::{DAY, GIB, HOUR, KIB, SECOND};
use crate::fields::{bytes, duration, integer};
use serde::Deserialize;
use std::time::Duration;

/// Limits of the processes that compile components.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compilation {
    /// CPU time.
    #[serde(deserialize_with = "duration::<_, SECOND, HOUR>")]
    pub cpu: Duration,
    /// Elapsed time.
    #[serde(deserialize_with = "duration::<_, SECOND, HOUR>")]
    pub wall: Duration,
    /// Memory that it allocates.
    #[serde(deserialize_with = "bytes::<_, _, {64 * 1024 * KIB}, {64 * GIB}>")]
    pub memory_bytes: u64,
    /// Size of its result.
    #[serde(deserialize_with = "bytes::<_, _, {1024 * KIB}, {64 * GIB}>")]
    pub artifact_bytes: u64,
    /// Components that are compiled at the same time.
    #[serde(deserialize_with = "integer::<_, _, 1, 1024>")]
    pub at_once: usize,
    /// Time for which a start waits for its retailers.
    #[serde(deserialize_with = "duration::<_, 0, HOUR>")]
    pub startup_wait: Duration,
    /// Longest time of the load of a retailer.
    #[serde(deserialize_with = "duration::<_, SECOND, DAY>")]
    pub load_timeout: Duration,
}
