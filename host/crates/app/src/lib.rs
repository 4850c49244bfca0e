//! The use cases.
//!
//! Owns: what happens when an order is paid, a refund is asked for, an event is handled, a decision
//! applied. Never knows: SQL, HTTP, Kafka, wasmtime.

#![forbid(unsafe_code)]

pub mod access;
mod app;
pub mod feeds;
pub mod fiscal;
pub mod handling;
pub mod intake;
pub mod lookup;
pub mod members;
pub mod metrics;
pub mod operations;
pub mod products;
pub mod relay;
pub mod runs;
pub mod sensitive;
pub mod settlement;
pub mod stores;
pub mod tabular;
pub mod timeline;
mod trace;

pub use app::{App, IdempotencyKey, Policy, Reply};
