//! Tests of the records on a SQLite file and on a PostgreSQL server: one suite for both.
//!
//! Without a server the PostgreSQL tests are ignored; with `GALLERIA_STRICT=1` a test fails instead.

#[macro_use]
mod stage;
mod activities;
mod api_keys;
mod assumptions;
mod catalogue;
mod decisions;
mod documents;
mod durability;
mod feeds;
mod fiscal;
mod large_import;
mod lists;
mod log;
mod logins;
mod members;
mod metrics;
mod movements;
mod no_plugins;
mod opening;
mod order_taxes;
mod outages;
mod parked;
mod product_files;
mod products;
mod queues;
mod refunds;
mod reloads;
mod requests;
mod round_trips;
mod rows;
mod runs;
mod sale_lines;
mod statements;
mod stores;
mod tax_comparisons;
mod tax_evaluations;
mod tax_imports;
mod tax_kit;
mod tax_moves;
mod tax_recorded;
mod tax_routes;
mod tax_settings;
mod tax_shadow;
mod tax_shop;
mod tax_tables;
mod timeline;
mod tls;
mod totals;
mod trade;
mod turns;
mod writing;
