//! Journeys through the whole host: the real binary, real components, SQLite, HTTP, files.

mod configuration;
mod crash;
mod days;
mod house;
mod reports;
mod trouble;
