//! Records over a real SQLite file and a real PostgreSQL server: one suite, run on both.
//!
//! Where no server is found its half says `SKIPPED`; with `GALLERIA_STRICT=1` it fails instead.

#[macro_use]
mod stage;
mod activities;
mod catalogue;
mod desk;
mod documents;
mod durability;
mod figures;
mod fiscal;
mod keys;
mod lists;
mod log;
mod members;
mod movements;
mod opening;
mod outages;
mod parked;
mod products;
mod refunds;
mod requests;
mod rows;
mod runs;
mod sale_lines;
mod statements;
mod stores;
mod stories;
mod trade;
mod writing;
