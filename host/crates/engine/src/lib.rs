//! The plugin engine: loads components, checks them against their grants, compiles, limits and calls them.
//!
//! Owns everything about wasmtime, and the capabilities that a guest may use. Implements
//! [`galleria_ports::plugins::Plugins`]. Never knows where events come from or how a decision is applied.
//!
//! Each call gets a fresh instance, so a call cannot affect the next one. A guest's only clock is the
//! time of the event, and every limit is a total over the whole call. A call blocks its thread, which
//! must be allowed to block and must have 2 MiB of stack.

mod artifacts;
mod bindings;
mod call;
mod capability;
mod compiled;
mod compiler;
mod config;
mod convert;
mod crash;
mod deserialize;
mod engine;
mod error;
pub mod fixtures;
mod generation;
mod inspect;
mod invoke;
mod load;
mod meter;
mod plugin_log;
mod points;
mod printable;
mod resources;
mod sensitive;
mod stop;
mod ticker;
mod wasi;

pub use compiler::compile_child;
pub use config::{ChildCompiler, CompileLimits, Compiler, EngineConfig};
pub use engine::Engine;
pub use error::Error;
pub use generation::Generation;
pub use load::in_parallel;

/// Reads a component's digest, exports, imports and stamp, without compiling it.
pub fn inspect(
    path: &std::path::Path,
) -> Result<galleria_domain::plugin::Inspection, galleria_domain::plugin::ConfigError> {
    Ok(inspect::inspect(path)?.inspection)
}
