//! `galleria tax`: evaluates taxes, manages the tax tables and tax services of stores, compares routes and moves
//! stores.

mod compare;
mod evaluate;
mod import;
mod moves;
mod settings;
mod sweep;
mod table;
mod upstreams;

pub use sweep::sweep;

use crate::command;
use clap::Subcommand;
use galleria_config::Config;
use galleria_domain::tax::TaxRoute;
use serde::Serialize;
use std::process::ExitCode;

/// Commands of `galleria tax`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Evaluate the taxes of a basket in a file, without a store or a server
    Evaluate(evaluate::Evaluate),
    /// Import the tax table of a store, or of many stores, from a file, completely or not at all
    Import(import::Import),
    /// Show the tax table of a store, or write it to a file
    Table(table::ShowTable),
    /// Delete the tax table of a store
    Delete(table::Delete),
    /// Show and change the tax settings of stores
    Settings {
        /// The command.
        #[command(subcommand)]
        command: settings::Command,
    },
    /// Connect to the tax services that stores can select, and show the result
    Upstreams(upstreams::Upstreams),
    /// Show in which taxes a store's route and another route differ
    Compare(compare::Compare),
    /// Move a store to another route, if comparisons show that its taxes stay the same
    Move(moves::Move),
}

impl Command {
    /// Runs the command if it needs no configuration and no database.
    pub fn run_alone(&self) -> Option<anyhow::Result<ExitCode>> {
        match self {
            Self::Evaluate(args) => Some(evaluate::run(args)),
            _ => None,
        }
    }
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Import(args) => import::run(&config, args).await,
        Command::Table(args) => table::show(&config, args).await,
        Command::Delete(args) => table::delete(&config, args).await,
        Command::Settings { command } => settings::run(config, command).await,
        Command::Upstreams(args) => upstreams::run(config, &args).await,
        Command::Compare(args) => compare::run(&config, args).await,
        Command::Move(args) => moves::run(&config, args).await,
    }
}

/// Parses the name of a route.
fn route(text: &str) -> Result<TaxRoute, String> {
    command::word(text, &TaxRoute::ALL, TaxRoute::name)
}

/// The name of a value in JSON.
fn name(value: impl Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}
