//! Journeys through the whole host: the real binary, real components, SQLite or PostgreSQL, HTTP, files.

#[macro_use]
mod house;

mod access;
mod agreement;
mod commands;
mod configuration;
mod corner;
mod crash;
mod days;
mod desk;
mod fiscal;
mod handover;
mod large_reports;
mod listeners;
mod members;
mod metrics;
mod products;
mod relay;
mod reports;
mod roles;
mod runs;
mod scanned;
mod secrets;
mod statements;
mod statsd;
mod stores;
mod traces;
mod trouble;
