//! The child's side: limits this process, then compiles one component.

use crate::config::{self, CompileLimits};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, getpid, getppid, getrlimit, nice,
    set_parent_process_death_signal, setrlimit,
};
use serde::{Deserialize, Serialize};
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

/// Begin of the message with which Rust's runtime aborts a process without memory.
pub(super) const OUT_OF_MEMORY: &str = "memory allocation of";

/// Lower than the usual priority, and not the lowest.
const NICENESS: i32 = 10;

/// What the parent requests. It is the child's argument, as JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    /// Process id of the parent.
    parent: i32,
    limits: CompileLimits,
}

impl Request {
    pub fn new(limits: CompileLimits) -> Self {
        Self {
            parent: getpid().as_raw_pid(),
            limits,
        }
    }

    pub fn to_argument(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// Compiles the component of the standard input and writes the artifact to the standard output. `request` is the last
/// argument that the parent passed. Fails if the parent has already ended.
pub fn compile_child(request: &str) -> ExitCode {
    match compile(request) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If nothing can be written, the status remains.
            let _ = writeln!(io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn compile(request: &str) -> wasmtime::Result<()> {
    let Request { parent, limits } = serde_json::from_str(request)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before this process requested the signal.
    if getppid() != Pid::from_raw(parent) {
        wasmtime::bail!("the parent process has ended");
    }
    limit(&limits)?;
    // If a host loads a retailer while it serves, calls come first. A failure changes nothing else.
    let _ = nice(NICENESS);
    // If the machine has no memory left, its kernel kills this process and not the host. A failure means that it
    // selects the largest process.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    let engine = wasmtime::Engine::new(&config::compilation())?;
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let artifact = engine.precompile_component(&bytes)?;
    io::stdout().write_all(&artifact)?;
    Ok(io::stdout().flush()?)
}

/// Sets the limits of this process, or lower ones that it has already. The soft limits send a signal that names the
/// cause. A hard limit cannot be raised again.
fn limit(limits: &CompileLimits) -> io::Result<()> {
    let set = |resource, soft: u64, hard: u64| {
        let most = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit {
            current: Some(soft.min(most)),
            maximum: Some(hard.min(most)),
        };
        setrlimit(resource, limit)
    };
    let cpu = limits.cpu_seconds();
    set(Resource::Core, 0, 0)?;
    set(Resource::Cpu, cpu, cpu.saturating_add(1))?;
    set(
        Resource::Fsize,
        limits.artifact_bytes,
        limits.artifact_bytes,
    )?;
    // Not `As`: the allocator and wasmtime reserve address space that they never touch.
    set(Resource::Data, limits.memory_bytes, limits.memory_bytes)?;
    Ok(())
}
