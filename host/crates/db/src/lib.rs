//! Records: every SQL statement of the host, over SQLite and PostgreSQL.
//!
//! Owns: tables, statements, transactions, group commit, migrations. Never knows: HTTP, Kafka,
//! plugins, nor why the use cases of `galleria-app` want a row.
//!
//! ```no_run
//! use galleria_db::{Db, DbConfig};
//!
//! # async fn example() -> Result<(), galleria_db::DbError> {
//! let config = DbConfig::new("sqlite://data/galleria.db");
//! for done in Db::migrate(&config).await? {
//!     // Each is a sentence for the operator.
//!     drop(done);
//! }
//! let db = Db::open(&config).await?;
//! db.close().await?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod activities;
mod address;
mod catalogue;
mod catalogue_rows;
mod config;
mod counters;
mod db;
mod desk;
mod dialect;
mod documents;
mod effects;
mod error;
mod figures;
mod fiscal;
mod keys;
mod lists;
mod members;
mod migrations;
mod movements;
mod operations;
mod outbox;
mod parked;
mod placeholders;
#[cfg(test)]
mod plans;
mod pool;
mod postgres;
mod query;
#[cfg(test)]
mod query_log;
mod requests;
mod retry;
mod runs;
mod sale_lines;
mod sqlite;
mod statement_rows;
mod statements;
mod stores;
mod stories;
mod story_questions;
mod trade;
mod trade_rows;
mod transaction;
mod writer;

pub use config::DbConfig;
pub use db::Db;
pub use error::DbError;
