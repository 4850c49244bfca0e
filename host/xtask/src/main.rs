//! Work on the repository, one command each. `cargo xtask --help` lists them.
//!
//! Owns: building, staging, checking, sample days and the demo. Never knows: a retailer by name.

#![forbid(unsafe_code)]

mod api;
mod check;
mod demo;
mod guests;
mod plugins;
mod prepare;
mod process;
mod root;
mod show;
mod test;
mod up;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use galleria_simulator::{assortment::Assortment, catalogue, day, statement};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Builds, tests and shows Galleria.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo            the days of all retailers through the whole house, checked
  cargo xtask demo --keep     the same, and the host stays up to be looked at
  cargo xtask up              PostgreSQL, Kafka and the host, until Ctrl-C
  cargo xtask test            every test, components built first
  GALLERIA_STRICT=1 cargo xtask test    what cannot run on this machine fails
  cargo xtask check           formatting, lints, licences
  cargo xtask plugins         build the plugins into target/plugins";

#[derive(Debug, Subcommand)]
enum Command {
    /// Look at what this machine has, and fetch what can be fetched.
    Prepare,
    /// Build the plugins and stage them in target/plugins.
    Plugins,
    /// Check formatting, names, imports, licences and lints.
    Check(check::CheckArgs),
    /// Run every test, components built first.
    Test,
    /// Make the sample days, their statements and the sample products again.
    #[command(after_help = "\
Examples:
  cargo xtask day                              the days that are kept, as each assortment.toml says it
  cargo xtask day --retailer NAME              one of them
  cargo xtask day --retailer NAME --seed 8 --events 1000 --out target/big.jsonl")]
    Day(DayAsk),
    /// Send the retailers' sample days through a fresh host, and check everything it did.
    Demo(DemoAsk),
    /// Hold a host against its OpenAPI document: requests drawn from it, and a client made from it.
    #[command(after_help = api::EXAMPLES)]
    Api(api::ApiAsk),
    /// Start PostgreSQL, Kafka and the host, as docker-compose.yml does, without Docker.
    #[command(after_help = up::EXAMPLES)]
    Up(up::UpAsk),
}

#[derive(Debug, clap::Args)]
struct DayAsk {
    /// The retailer's folder; all that keep a day where it is not said.
    #[arg(long)]
    retailer: Option<String>,
    /// The seed; the same seed gives the same bytes.
    #[arg(long)]
    seed: Option<u64>,
    /// Payments, refunds, voids and shift ends together.
    #[arg(long)]
    events: Option<usize>,
    /// Where to write it; the retailer's days/ where it is not said.
    #[arg(long, value_name = "FILE", requires = "retailer")]
    out: Option<PathBuf>,
}

/// What the demo shows.
#[derive(Debug, clap::Args)]
pub struct DemoAsk {
    /// The retailer's folder; all that keep a day where it is not said.
    #[arg(long)]
    retailer: Option<String>,
    /// Stay up afterwards, until Ctrl-C, and say what to try.
    #[arg(long)]
    keep: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show::error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Prepare => prepare::prepare(),
        Command::Plugins => {
            prepare::prepare()?;
            let staged = plugins::stage()?;
            show::line(&format!("    they are in {}", staged.display()));
            Ok(())
        }
        Command::Check(args) => check::check(&args),
        Command::Test => test::test(),
        Command::Day(ask) => write_day(ask),
        Command::Demo(ask) => demo::demo(&ask),
        Command::Api(ask) => api::api(&ask),
        Command::Up(ask) => up::up(ask),
    }
}

fn write_day(ask: DayAsk) -> Result<()> {
    for folder in retailers(ask.retailer.as_deref())? {
        let (assortment, stores) = Assortment::read(&folder)?;
        let kept = &assortment.day;
        let seed = ask.seed.unwrap_or(kept.seed);
        let events = ask.events.unwrap_or(kept.events);
        let days = folder.join(format!("days/{}.jsonl", kept.date));
        let file = ask.out.clone().unwrap_or(days);
        let drawn = day::generate(&folder, seed, events)?;
        write(&file, &drawn.text)?;
        let requests = drawn.text.lines().count();
        show::line(&format!(
            "{events} events in {requests} requests: {}",
            file.display()
        ));
        if ask.out.is_some() {
            continue;
        }
        if let Some(terms) = &assortment.statement {
            let made = statement::make(terms, &drawn.settled, seed)?;
            let file = folder.join("statements").join(&made.name);
            write(&file, &made.text)?;
            show::line(&format!("what is paid out for them: {}", file.display()));
        }
        if let Some(catalogue) = &assortment.catalogue {
            let made = catalogue::make(&assortment, &stores, catalogue)?;
            let file = folder.join(catalogue::FILE);
            write(&file, &made.text)?;
            show::line(&format!("{} products: {}", made.products, file.display()));
        }
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, text).with_context(|| file.display().to_string())
}

/// Lists the folders of the sample retailers, or only the named one.
fn retailers(name: Option<&str>) -> Result<Vec<PathBuf>> {
    galleria_simulator::retailers(&root::root().join("retailers"), name)
}
