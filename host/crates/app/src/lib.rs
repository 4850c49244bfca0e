//! The use cases, and the ports that the edges fulfil.
//!
//! Owns: what happens when an order is paid, a refund is asked for, an event is handled, a decision
//! applied. Never knows: SQL, HTTP, Kafka, wasmtime.

#![forbid(unsafe_code)]

pub mod access;
mod app;
mod bell;
pub mod clock;
pub mod desk;
mod error;
pub mod feeds;
pub mod figures;
pub mod files;
pub mod fiscal;
pub mod handling;
pub mod intake;
pub mod lookup;
pub mod members;
pub mod plugins;
pub mod products;
pub mod records;
pub mod relay;
pub mod runs;
pub mod sensitive;
pub mod sheet;
pub mod statements;
pub mod stores;
pub mod story;
pub mod trace;

pub use app::{App, Key, Policy, Reply};
pub use bell::{Bell, Ear};
pub use clock::{Clock, DrivenClock, SystemClock};
pub use error::Error;
