//! The log and its consumers: lanes by key, taking turns, and moving on past what must wait.
//!
//! Owns: which event is handled when, and how far a group has come. Never knows what an event
//! means: that is `galleria-app`'s.
//!
//! The embedded log is the outbox table, read in order. A [`Consumer`] reads it for its groups and
//! hands each event to its subscribers, each in the lane of its key. What must wait is parked by
//! the application: its lane is closed, its place in the log counts as done, and the rest goes on.
//! Where several hosts share a database, [`Holding`] sees to it that one of them reads a group at a time.
//!
//! Where there is a broker, a [`Relay`] tells it what stands in the log.

#![forbid(unsafe_code)]

mod config;
mod consumer;
mod error;
mod holding;
mod lanes;
mod prefix;
mod reading;
mod relay;
#[cfg(feature = "kafka")]
mod topic_writer;
#[cfg(not(feature = "kafka"))]
#[path = "without_kafka.rs"]
mod topic_writer;

pub use config::{BrokerConfig, Login};
pub use consumer::{Consumer, ConsumerConfig};
pub use error::BrokerError;
pub use holding::{Held, Holding};
pub use relay::{Relay, Troubles};
pub use topic_writer::TopicWriter;
