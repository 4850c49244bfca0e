//! Counts what one call uses, and stops it at its limits. Every limit is a total over the whole call.
//!
//! CPU time is the thread's, so that a call is not stopped because the machine is busy. Wall time is a
//! higher limit that also ends a call which blocks in the host.

use crate::stop::Stop;
use galleria_domain::HostFault;
use galleria_domain::plugin::Limits;
use galleria_ports::plugins::Usage;
use rustix::time::{ClockId, clock_gettime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use wasmtime::ResourceLimiter;

/// Size of a table element, which is a pointer in the host.
const ELEMENT_BYTES: u64 = 8;

/// Counts one call. Must be created on the thread that runs the call.
pub(crate) struct Meter {
    limits: Limits,
    started: Instant,
    cpu_started: Duration,
    stop: Option<Arc<AtomicBool>>,
    memory_bytes: u64,
    table_elements: u64,
    /// What the last growth added, to be subtracted if the growth fails after it was counted.
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
    /// Starts counting on this thread.
    pub fn start(limits: Limits, stop: Option<Arc<AtomicBool>>) -> Self {
        Self {
            limits,
            started: Instant::now(),
            cpu_started: thread_cpu(),
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

    /// The limits of the call.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Checks both times. Called at every tick while the guest runs.
    pub fn tick(&self) -> Result<(), Stop> {
        if thread_cpu().saturating_sub(self.cpu_started) > Duration::from_millis(self.limits.cpu_ms)
        {
            return Err(Stop(HostFault::OutOfCpu(self.limits.cpu_ms)));
        }
        self.deadline()
    }

    /// Checks wall time. Called before and after the host does something slow.
    pub fn deadline(&self) -> Result<(), Stop> {
        if self.started.elapsed() > Duration::from_millis(self.limits.wall_ms) {
            return Err(Stop(HostFault::TimedOut(self.limits.wall_ms)));
        }
        match &self.stop {
            Some(stop) if stop.load(Ordering::Relaxed) => {
                Err(Stop(HostFault::HostFailed("the run was stopped".into())))
            }
            _ => Ok(()),
        }
    }

    /// Counts a call of a capability.
    pub fn host_call(&mut self) -> Result<(), Stop> {
        self.host_calls += 1;
        if self.host_calls > self.limits.host_calls {
            return Err(Stop(HostFault::TooManyCalls(self.limits.host_calls)));
        }
        self.deadline()
    }

    /// Counts a denied call and returns the reason to stop.
    pub fn denied(&mut self, what: impl Into<String>) -> Stop {
        self.denied_calls += 1;
        Stop::denied(what)
    }

    /// Counts an operation that the grant does not include.
    pub fn beyond_grant(&mut self) {
        self.denied_calls += 1;
    }

    /// Counts output before the host accepts it.
    pub fn output(&mut self, bytes: u64) -> Result<(), Stop> {
        self.output_bytes = self.output_bytes.saturating_add(bytes);
        if self.output_bytes > self.limits.output_bytes {
            return Err(Stop(HostFault::OutputTooLarge(self.limits.output_bytes)));
        }
        Ok(())
    }

    /// The usage so far. Memory never shrinks, so its current size is its peak.
    pub fn usage(&self) -> Usage {
        Usage {
            cpu: thread_cpu().saturating_sub(self.cpu_started),
            wall: self.started.elapsed(),
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
            // An error ends the call immediately. If the growth were refused instead, the guest would
            // continue, and most guests then crash with a message that hides the reason.
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

    // The pool bounds the number of instances, memories and tables of a component. Here only their
    // total size counts.
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
