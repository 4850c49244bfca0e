//! Journeys through the whole host: the real binary, real components, SQLite, HTTP, files.

mod access;
mod agreement;
mod configuration;
mod crash;
mod days;
mod fiscal;
mod house;
mod large_reports;
mod members;
mod metrics;
mod products;
mod reports;
mod runs;
mod scanned;
mod secrets;
mod statements;
mod stores;
mod trouble;
