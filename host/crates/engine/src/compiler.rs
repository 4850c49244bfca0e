//! Compiles components in child processes with limits, so that a costly or hostile component fails alone.

mod child;
mod permits;

pub use child::compile_child;

use crate::config::{ChildCompiler, CompileLimits};
use child::{OUT_OF_MEMORY, Request};
pub(crate) use permits::Permit;
use permits::Permits;
use rustix::process::Signal;
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// Bytes of the child's messages that an error may contain.
const MESSAGE_BYTES: u64 = 2_000;

/// Interval between two checks of whether the child has ended.
const POLL: Duration = Duration::from_millis(10);

/// First descriptor after standard input, output and error.
const FIRST_INHERITED: i32 = 3;

/// Why a component was not compiled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CompileError {
    #[error(
        "compilation exceeded {0} s of CPU time: simplify the component, or raise compilation.cpu in host.toml"
    )]
    Cpu(u64),
    #[error(
        "compilation exceeded {0:?} of elapsed time: simplify the component, or raise compilation.wall in host.toml"
    )]
    Wall(Duration),
    #[error(
        "compilation exceeded {} MiB of memory: simplify the component, or raise compilation.memory_bytes in host.toml",
        .0 >> 20
    )]
    Memory(u64),
    #[error(
        "the compiled component exceeded {} MiB: simplify the component, or raise compilation.artifact_bytes in host.toml",
        .0 >> 20
    )]
    Artifact(u64),
    /// The compiler rejected the component.
    #[error("{0}")]
    Rejected(String),
    #[error(
        "the system killed the compiler, probably for lack of memory: add memory, or lower compilation.memory_bytes or \
         compilation.at_once in host.toml"
    )]
    Killed,
    #[error("the compiler stopped with {status}: {message:?}")]
    Crashed { status: ExitStatus, message: String },
    #[error("the compiler cannot be run")]
    Io(#[from] io::Error),
}

/// Runs the children of one engine.
pub(crate) struct ChildProcesses {
    compiler: ChildCompiler,
    permits: Permits,
}

impl ChildProcesses {
    pub fn new(compiler: ChildCompiler) -> Self {
        Self {
            permits: Permits::new(compiler.at_once),
            compiler,
        }
    }

    /// Waits until a component of the retailer may be compiled.
    pub fn permit(&self, retailer: &str) -> Permit<'_> {
        self.permits.acquire(retailer)
    }

    /// Compiles a component; the caller has a permit. The child has no environment variables, and no open files but
    /// those of its input, its result and its messages. They are in `folder` and have no names, so that nothing is left
    /// behind.
    ///
    /// Blocks the calling thread until the child has ended. That is also a condition of the system: the child is
    /// killed when the *thread* that started it ends, not only when the process does.
    pub fn compile(&self, bytes: &[u8], folder: &Path) -> Result<Vec<u8>, CompileError> {
        let ChildCompiler {
            program,
            arguments,
            limits,
            ..
        } = &self.compiler;
        let mut input = tempfile::tempfile_in(folder)?;
        input.write_all(bytes)?;
        input.rewind()?;
        let mut artifact = tempfile::tempfile_in(folder)?;
        let mut messages = tempfile::tempfile_in(folder)?;
        // Libraries in C may open files that a child inherits.
        close_fds::set_fds_cloexec(FIRST_INHERITED, &[]);
        let child = Command::new(program)
            .arg0("galleria")
            .args(arguments)
            .arg(Request::new(*limits).to_argument())
            .env_clear()
            .stdin(input)
            .stdout(artifact.try_clone()?)
            .stderr(messages.try_clone()?)
            .spawn()?;
        let mut child = KillOnDrop(child);
        let Some(status) = wait(&mut child.0, limits.wall)? else {
            return Err(CompileError::Wall(limits.wall));
        };
        if status.success() {
            let mut compiled = Vec::new();
            artifact.rewind()?;
            artifact.read_to_end(&mut compiled)?;
            return Ok(compiled);
        }
        messages.rewind()?;
        let mut message = Vec::new();
        messages.take(MESSAGE_BYTES).read_to_end(&mut message)?;
        let message = String::from_utf8_lossy(&message).trim().to_owned();
        Err(error(limits, status, message))
    }
}

/// Why a child failed.
fn error(limits: &CompileLimits, status: ExitStatus, message: String) -> CompileError {
    let by = |signal: Signal| status.signal() == Some(signal.as_raw());
    if by(Signal::XCPU) {
        CompileError::Cpu(limits.cpu_seconds())
    } else if by(Signal::XFSZ) {
        CompileError::Artifact(limits.artifact_bytes)
    } else if by(Signal::ABORT) && message.starts_with(OUT_OF_MEMORY) {
        CompileError::Memory(limits.memory_bytes)
    } else if by(Signal::KILL) {
        CompileError::Killed
    } else if status.code() == Some(1) {
        CompileError::Rejected(message)
    } else {
        CompileError::Crashed { status, message }
    }
}

/// Returns `None` if the limit of elapsed time has passed.
fn wait(child: &mut Child, wall: Duration) -> io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    while start.elapsed() < wall {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(POLL);
    }
    Ok(None)
}

/// Kills the child when dropped, so that no return leaves it behind.
struct KillOnDrop(Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Fails only if the child has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
