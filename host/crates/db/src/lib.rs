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
mod catalogue;
mod catalogue_rows;
mod desk;
mod documents;
mod effects;
mod figures;
mod fiscal;
mod keys;
mod lists;
mod members;
mod migrations;
mod movements;
mod open;
mod operations;
mod outbox;
mod parked;
#[cfg(test)]
mod plans;
mod pooled;
mod requests;
mod runs;
mod sale_lines;
mod session;
mod statement;
mod statement_rows;
mod statements;
mod stores;
mod stories;
mod story_questions;
mod trade;
mod trade_rows;
mod transaction;
mod writer;

pub use open::{Db, DbConfig, DbError};
