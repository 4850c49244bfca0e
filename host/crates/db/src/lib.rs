//! Records: every SQL query of the host, for SQLite and PostgreSQL.
//!
//! Owns tables, queries, transactions, group commit and migrations. Never knows HTTP, Kafka, plugins or
//! use cases.
//!
//! ```no_run
//! use galleria_db::{Db, DbConfig};
//!
//! # async fn example() -> Result<(), galleria_db::DbError> {
//! let config = DbConfig::new("sqlite://data/galleria.db");
//! let steps = Db::migrate(&config).await?;
//! assert!(steps.iter().all(|step| step.starts_with("migration ")));
//! let db = Db::open(&config).await?;
//! db.close().await?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod activities;
mod address;
mod api_keys;
mod catalogue;
mod catalogue_drafts;
mod catalogue_rows;
mod commit_watch;
mod config;
mod connection;
mod contract;
mod counters;
mod db;
mod dead_letters;
mod dialect;
mod documents;
mod driver_error;
mod effects;
mod error;
mod fiscal;
mod journal;
mod leases;
mod lists;
mod members;
mod metrics;
mod migrations;
mod movements;
mod operations;
mod outbox;
mod parked;
mod password_file;
mod placeholders;
mod pool;
mod postgres;
mod postgres_address;
mod postgres_connection;
mod query;
#[cfg(test)]
mod query_counts;
#[cfg(test)]
mod query_log;
#[cfg(test)]
mod query_plans;
mod queues;
mod readers;
mod rejected_statements;
mod reloads;
mod requests;
mod retailers;
mod retries;
mod retry;
mod runs;
mod sale_lines;
mod schedules;
mod settlements;
mod sqlite;
mod statement_lines;
mod statement_rows;
mod statements;
mod stores;
mod tax_comparisons;
mod tax_evaluations;
mod tax_tables;
mod tenders;
mod timeline;
mod timeline_queries;
mod tls;
mod totals;
mod trade;
mod trade_rows;
mod transaction;
mod value;
mod work_limits;
mod writer;

pub use config::DbConfig;
pub use db::Db;
pub use driver_error::DriverError;
pub use error::DbError;
