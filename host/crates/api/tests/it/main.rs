//! The HTTP face over a real server, a real database and no component: one suite, run on SQLite and on
//! PostgreSQL.

#[macro_use]
mod stage;
mod access;
mod desk;
mod doubles;
mod drain;
mod edge;
mod events;
mod fiscal;
mod host;
mod idempotency;
mod journey;
mod listed;
mod log;
mod members;
mod metrics;
mod movements;
mod openapi;
mod problems;
mod products;
mod stores;
