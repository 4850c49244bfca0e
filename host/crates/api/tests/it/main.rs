//! The HTTP API over a real server and a real database, without components. One suite, which runs on SQLite and
//! on PostgreSQL.

#[macro_use]
mod stage;
mod access;
mod cash;
mod document;
mod doubles;
mod drain;
mod edge;
mod events;
mod fiscal;
mod golden;
mod host;
mod idempotency;
mod journey;
mod listed;
mod log;
mod members;
mod metrics;
mod movements;
mod openapi;
mod operations;
mod order_taxes;
mod problems;
mod products;
mod rows;
mod stores;
mod tax_tables;
mod taxes;
mod untaxed_store;
mod walk;
mod zones;
