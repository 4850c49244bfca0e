//! Records over a real SQLite file and a real PostgreSQL server: one suite, run on both.
//!
//! Where no server is found its half says `SKIPPED`; with `GALLERIA_STRICT=1` it fails instead.

#[macro_use]
mod stage;
mod documents;
mod durability;
mod log;
mod opening;
mod parked;
mod postgres;
mod requests;
mod rows;
mod sale_lines;
mod trade;
mod writing;
