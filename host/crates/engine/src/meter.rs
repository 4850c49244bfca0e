//! What one call has used, and where it ends. Every limit is a total over the whole call.
//!
//! CPU time is the thread's: an innocent call on a busy machine is not killed for waiting. Wall time
//! is a ceiling above it, so that a call blocked in the host ends as well.

use crate::stop::Stop;
use galleria_app::plugins::Usage;
use galleria_domain::HostFault;
use galleria_domain::plugin::Limits;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wasmtime::ResourceLimiter;

/// A table's element is a pointer in the host.
const ELEMENT_BYTES: u64 = 8;

/// Counts one call. Made on the thread that runs it.
pub(crate) struct Meter {
    limits: Limits,
    begun: Instant,
    cpu_begun: Duration,
    stop: Option<Arc<AtomicBool>>,
    memory_bytes: u64,
    table_elements: u64,
    /// What the last growth added, should it fail after it was counted.
    memory_added: u64,
    table_added: u64,
    output_bytes: u64,
    host_calls: u64,
    denied_calls: u64,
}

fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        time.tv_sec.try_into().unwrap_or_default(),
        time.tv_nsec.try_into().unwrap_or_default(),
    )
}

impl Meter {
    /// From now on, this thread.
    pub fn begin(limits: Limits, stop: Option<Arc<AtomicBool>>) -> Self {
        Self {
            limits,
            begun: Instant::now(),
            cpu_begun: thread_cpu(),
            stop,
            memory_bytes: 0,
            table_elements: 0,
            memory_added: 0,
            table_added: 0,
            output_bytes: 0,
            host_calls: 0,
            denied_calls: 0,
        }
    }

    /// At every tick while the guest runs.
    pub fn tick(&self) -> Result<(), Stop> {
        if thread_cpu().saturating_sub(self.cpu_begun) > Duration::from_millis(self.limits.cpu_ms) {
            return Err(Stop(HostFault::OutOfCpu(self.limits.cpu_ms)));
        }
        self.deadline()
    }

    /// Before and after the host does something that may take its time.
    pub fn deadline(&self) -> Result<(), Stop> {
        if self.begun.elapsed() > Duration::from_millis(self.limits.wall_ms) {
            return Err(Stop(HostFault::TimedOut(self.limits.wall_ms)));
        }
        match &self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => {
                Err(Stop(HostFault::HostFailed("the run was stopped".into())))
            }
            _ => Ok(()),
        }
    }

    /// At every call of a capability.
    pub fn host_call(&mut self) -> Result<(), Stop> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls {
            return Err(Stop(HostFault::TooManyCalls(self.limits.host_calls)));
        }
        self.deadline()
    }

    /// At every call of what offers nothing.
    pub fn denied(&mut self, what: impl Into<String>) -> Stop {
        self.denied_calls += 1;
        Stop::denied(what)
    }

    /// At an operation that a grant does not name.
    pub fn beyond_grant(&mut self) {
        self.denied_calls += 1;
    }

    /// Before output is taken.
    pub fn output(&mut self, bytes: u64) -> Result<(), Stop> {
        self.output_bytes = self.output_bytes.saturating_add(bytes);
        if self.output_bytes > self.limits.output_bytes {
            return Err(Stop(HostFault::OutputTooLarge(self.limits.output_bytes)));
        }
        Ok(())
    }

    /// So far. Memory never shrinks, so what it has come to is its peak.
    pub fn usage(&self) -> Usage {
        Usage {
            cpu: thread_cpu().saturating_sub(self.cpu_begun),
            wall: self.begun.elapsed(),
            memory_bytes: self.memory_bytes + self.table_elements * ELEMENT_BYTES,
            output_bytes: self.output_bytes,
            host_calls: self.host_calls,
            denied_calls: self.denied_calls,
        }
    }
}

impl ResourceLimiter for Meter {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.memory_added = desired.saturating_sub(current) as u64;
        self.memory_bytes = self.memory_bytes.saturating_add(self.memory_added);
        if self.memory_bytes > self.limits.memory_bytes {
            // An error ends the call here and now: a guest that is told no would go on, and most of
            // them crash on it with a message that hides the reason.
            self.memory_bytes -= self.memory_added;
            return Err(Stop(HostFault::OutOfMemory(self.limits.memory_bytes)).into());
        }
        Ok(true)
    }

    fn memory_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.memory_bytes -= std::mem::take(&mut self.memory_added);
        Ok(())
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        self.table_added = desired.saturating_sub(current) as u64;
        self.table_elements = self.table_elements.saturating_add(self.table_added);
        if self.table_elements > self.limits.table_elements {
            self.table_elements -= self.table_added;
            let bytes = self.limits.table_elements.saturating_mul(ELEMENT_BYTES);
            return Err(Stop(HostFault::OutOfMemory(bytes)).into());
        }
        Ok(true)
    }

    fn table_grow_failed(&mut self, _error: wasmtime::Error) -> wasmtime::Result<()> {
        self.table_elements -= std::mem::take(&mut self.table_added);
        Ok(())
    }

    // A component's instances, memories and tables are bounded by the pool, not here: what counts
    // is what they hold together.
    fn instances(&self) -> usize {
        usize::MAX
    }

    fn tables(&self) -> usize {
        usize::MAX
    }

    fn memories(&self) -> usize {
        usize::MAX
    }
}
