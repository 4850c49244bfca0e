//! Events from the log to their effects, on a real SQLite database with a driven clock. The plugin is a script
//! that returns the faults and decisions a test needs.

mod dead_letters;
mod drawers;
mod host;
mod journeys;
mod order;
mod out_of_service;
mod outages;
mod relay;
mod sale;
mod script;
mod shaky;
