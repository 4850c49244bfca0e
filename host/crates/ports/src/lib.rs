//! The traits that the edges implement for the use cases, and the values that cross them.
//!
//! Owns: records (the database), plugins (the engine), files and originals (the disk), clock, access
//! tokens, tax services, notifications within the process, the error of a use case, metric names and trace
//! propagation. Never knows: use cases, SQL, HTTP, Kafka, wasmtime.

#![forbid(unsafe_code)]

pub mod access;
pub mod clock;
mod error;
pub mod files;
pub mod metrics;
pub mod notify;
pub mod plugins;
pub mod records;
pub mod tax;
pub mod trace;
pub mod vault;

pub use clock::Clock;
pub use error::{Error, UpstreamCause};
