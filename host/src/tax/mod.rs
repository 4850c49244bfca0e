//! `galleria tax`: evaluates taxes, manages the tax tables and tax services of stores, compares routes and moves
//! stores.

mod compare;
mod evaluate;
mod evaluations;
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
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde::Serialize;
use std::io::{self, BufRead, Read as _};
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
    /// List the recorded evaluations of a store
    Evaluations(evaluations::Evaluations),
    /// Move a store to another route, if comparisons show that its taxes stay the same
    Move(moves::Move),
}

/// Largest basket in a file, in bytes. The largest request that the host accepts by HTTP has 1 MiB by default.
const BASKET_BYTES: u64 = 8 << 20;

/// Reads a line, which contains at most one basket. Returns its length.
fn read_line(input: &mut impl BufRead, line: &mut String) -> io::Result<usize> {
    let length = input.take(BASKET_BYTES + 1).read_line(line)?;
    check_length(line).map(|()| length)
}

/// Appends the rest of a file, which is part of one basket.
fn read_rest(input: &mut impl BufRead, basket: &mut String) -> io::Result<()> {
    input.take(BASKET_BYTES + 1).read_to_string(basket)?;
    check_length(basket)
}

fn check_length(basket: &str) -> io::Result<()> {
    match basket.len() as u64 > BASKET_BYTES {
        true => Err(io::Error::other("a basket must have at most 8 MiB")),
        false => Ok(()),
    }
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
        Command::Evaluations(args) => evaluations::run(&config, args).await,
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

/// Parses a date, whose first instant in UTC it stands for, or an instant.
fn time(text: &str) -> Result<Timestamp, String> {
    let start = |date: Date| Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).ok();
    // A date and time without an offset is no instant, but its date could be parsed.
    let date = Date::strptime("%Y-%m-%d", text).ok().and_then(start);
    date.or_else(|| text.parse().ok()).ok_or_else(|| {
        "must be a date such as 2026-11-30, or an instant such as 2026-11-30T18:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_date_or_an_instant() {
        let text = |text: &str| time(text).map(|time| time.to_string());
        assert_eq!(text("2026-11-30").as_deref(), Ok("2026-11-30T00:00:00Z"));
        let instant = "2026-11-30T18:00:00+01:00";
        assert_eq!(text(instant).as_deref(), Ok("2026-11-30T17:00:00Z"));
        for bad in ["", "yesterday", "2026-13-01", "2026-11-30T18:00:00"] {
            assert!(
                text(bad).is_err_and(|error| error.starts_with("must be a date")),
                "{bad}"
            );
        }
    }
}
