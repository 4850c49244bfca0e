//! Journeys through the whole host: the real binary, real components, SQLite or PostgreSQL, HTTP, files.

#[macro_use]
mod host;

mod access;
mod agreement;
mod commands;
mod compilation;
mod configuration;
mod corner_shop;
mod crash;
mod documented;
mod fiscal;
mod handover;
mod irregular_files;
mod large_reports;
mod listeners;
mod loading;
mod members;
mod metrics;
mod misbehaving;
mod operations;
mod order_taxes;
mod out_of_service;
mod output;
mod products;
mod relay;
mod reload;
mod reports;
mod roles;
mod runs;
mod sample_days;
mod scanned;
mod secrets;
mod statements;
mod statsd;
mod stores;
mod tax;
mod tax_moves;
mod tax_routes;
mod tax_scale;
mod tax_service;
mod tax_tables;
mod traces;
mod unread_log;
