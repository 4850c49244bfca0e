//! Tax over gRPC and HTTP: server, client and router.

#![forbid(unsafe_code)]

mod client;
mod convert;
pub mod proto;
mod server;

pub use client::{ConfigError, IdentityFiles, UpstreamConfig, Upstreams};
pub use server::{TaxServer, TaxServerConfig, TlsError, TlsFiles};
