//! Components: loaded, held against their grants, compiled, limited, called.
//!
//! Owns: everything about wasmtime, and the capabilities a guest may use. Fulfils
//! [`galleria_app::plugins::Plugins`]. Never knows: where events come from, or what becomes of a
//! decision.
//!
//! A call gets a fresh instance, with the event's moment as its only clock and limits that are totals
//! over the whole call; whatever happens in it, the next call starts anew. Calls block the thread
//! they are made on, which must be one that may block and has 2 MiB of stack.

mod artifacts;
mod bindings;
mod call;
mod capability;
mod compiled;
mod config;
mod convert;
mod decision;
mod engine;
pub mod fixtures;
mod generation;
mod inspect;
mod load;
mod meter;
mod sensitive;
mod stop;
mod thaw;
mod ticker;
mod wasi;

pub use config::EngineConfig;
pub use engine::{Engine, Error};
pub use generation::Generation;

/// What a component is, without compiling it.
pub fn inspect(
    path: &std::path::Path,
) -> Result<galleria_domain::plugin::Inspection, galleria_domain::plugin::Mistake> {
    Ok(inspect::inspect(path)?.inspection)
}
