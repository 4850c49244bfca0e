//! Consumes the event log, and relays it to Kafka.
//!
//! Owns: when each event is handled, and how far each group has come. Never knows what an event means:
//! that is `galleria-app`'s task.
//!
//! The embedded log is the outbox table, read in order. A [`Consumer`] reads it for its groups and passes
//! each event to its subscribers, each in the lane of its lane key. The application parks an event that
//! must wait: its lane is closed, its position counts as done, and the log moves on. When several hosts
//! share a database, [`GroupLeases`] ensures that only one of them reads a group at a time.
//!
//! If a broker is configured, a [`Relay`] publishes the log to it.

#![forbid(unsafe_code)]

mod config;
mod consumer;
mod error;
mod group_reader;
mod lanes;
mod leases;
mod park_reason;
mod relay;
#[cfg(feature = "kafka")]
mod topic_writer;
#[cfg(not(feature = "kafka"))]
#[path = "without_kafka.rs"]
mod topic_writer;
mod watermark;

pub use config::{BrokerConfig, ConsumerConfig, Login};
pub use consumer::Consumer;
pub use error::BrokerError;
pub use leases::{GroupLeases, LeaseStatus};
pub use relay::{Relay, RelayErrors, WaitingTopic};
pub use topic_writer::TopicWriter;
