//! Development tasks of the repository. `cargo xtask --help` lists them.
//!
//! This program builds, stages, checks and starts. It names no retailer: sample data comes from
//! `galleria-simulator`.

#![forbid(unsafe_code)]

mod api;
mod check;
mod client;
mod day;
mod demo;
mod guests;
mod host;
mod plugins;
mod prepare;
mod process;
mod root;
mod samples;
mod service;
mod show;
mod staging;
mod test;
mod up;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Build, test and run Galleria.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask demo            Send the sample days through a host and check the results
  cargo xtask demo --keep     Keep the host running afterwards
  cargo xtask up              Start PostgreSQL, Kafka and the host until Ctrl-C
  cargo xtask test            Build the components and run all tests
  GALLERIA_STRICT=1 cargo xtask test    Fail if a tool for a test is missing
  cargo xtask check           Check names, imports, formatting, licences and lints
  cargo xtask plugins         Build the plugins into target/plugins";

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the tools of this machine and install the WebAssembly target
    Prepare,
    /// Build the plugins and copy them to target/plugins
    Plugins,
    /// Check names, imports, formatting, licences and lints
    Check(check::CheckArgs),
    /// Build the documentation of all packages and fail on warnings
    Doc,
    /// Build the components and run all tests
    Test,
    /// Generate the sample days, statements and product files
    #[command(after_help = day::EXAMPLES)]
    Day(day::DayArgs),
    /// Send the sample days through a fresh host and check the results
    Demo(demo::DemoArgs),
    /// Test a host against its OpenAPI document with generated requests and a generated client
    #[command(after_help = api::EXAMPLES)]
    Api(api::ApiArgs),
    /// Start PostgreSQL, Kafka and the host without Docker
    #[command(after_help = up::EXAMPLES)]
    Up(up::UpArgs),
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
            show::line(&format!("    plugins are in {}", staged.display()));
            Ok(())
        }
        Command::Check(args) => check::check(&args),
        Command::Doc => check::documentation(),
        Command::Test => test::test(),
        Command::Day(args) => day::day(&args),
        Command::Demo(args) => demo::demo(&args),
        Command::Api(args) => api::api(&args),
        Command::Up(args) => up::up(args),
    }
}
