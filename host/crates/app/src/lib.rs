//! The use cases, as services over the ports.
//!
//! Each service has its own module, state and policy, over a shared [`core::Core`]. [`App`] builds all of
//! them. Never knows: SQL, HTTP, Kafka, wasmtime.

#![forbid(unsafe_code)]

pub mod access;
mod app;
pub mod catalogue;
pub mod core;
mod detail;
pub mod documents;
pub mod events;
pub mod feeds;
pub mod fiscal;
pub mod lists;
pub mod members;
mod newest;
pub mod operations;
pub mod orders;
mod parts;
mod read_cache;
pub mod reloads;
mod request;
mod rights;
pub mod runs;
pub mod sensitive;
pub mod settlement;
mod shared_texts;
pub mod stores;
pub mod tabular;
pub mod tax;

pub use app::{App, Policy};
pub use core::{IdempotencyKey, Reply};
