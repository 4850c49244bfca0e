//! Why the engine cannot start.

use std::path::PathBuf;

/// Why the engine cannot start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pool does not fit this machine, or wasmtime rejects the configuration.
    #[error("wasmtime setup failed")]
    Setup(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The ticker's thread cannot be started.
    #[error("engine ticker did not start")]
    Ticker(#[source] std::io::Error),
    /// The directory for compiled components cannot be used.
    #[error("cannot use {} for compiled components", directory.display())]
    Artifacts {
        /// The directory.
        directory: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}
