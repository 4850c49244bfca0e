//! Tax over gRPC and HTTP: server, client and router.

#![forbid(unsafe_code)]

mod client;
mod convert;
pub mod proto;

pub use client::{ConfigError, UpstreamConfig, Upstreams};
