//! The HTTP face over a real server, a real database and no plugin.

mod doubles;
mod drain;
mod host;
mod idempotency;
mod journey;
mod log;
mod openapi;
mod problems;
