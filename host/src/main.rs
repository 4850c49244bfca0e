//! Galleria: one host for many retailers.
//!
//! Parses the command line, builds the host, runs it and drains it. Only this crate names the concrete
//! implementations; all other crates use ports.

#![forbid(unsafe_code)]

mod check;
mod cli;
mod command;
mod dead_letters;
mod documents;
mod environment;
mod fiscal;
mod host;
mod identity;
mod import;
mod inspect;
mod interrupt;
mod key;
mod known;
mod listeners;
mod loader;
mod logs;
mod operations;
mod parked;
mod plugins;
mod products;
mod queued;
mod reload;
mod reloader;
mod report;
mod retailers;
mod roles;
mod runs;
mod sensitive;
mod serve;
mod show;
mod statement;
mod status;
mod stores;
mod tax;
mod tax_service;
mod timeline;
mod totals;
mod traces;

use clap::Parser as _;
use cli::{Command, PluginCommand};
use host::ConfigErrors;
use std::process::ExitCode;

fn main() -> ExitCode {
    logs::hide_panic_messages();
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => return show::parsed(&message),
    };
    // The child of a host needs no configuration and no runtime.
    if let Command::CompileComponent { request } = &cli.command {
        return galleria_engine::compile_child(request);
    }
    let runtime = tokio::runtime::Runtime::new();
    let outcome = runtime
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(run(cli)))
        .and_then(|code| show::finish().map(|()| code));
    let code = match outcome {
        Ok(code) => code,
        Err(error) => {
            match error.downcast_ref() {
                Some(ConfigErrors(errors)) => show::config_errors(errors),
                None => show::error(&error),
            }
            ExitCode::FAILURE
        }
    };
    logs::finish();
    code
}

async fn run(cli: cli::Cli) -> anyhow::Result<ExitCode> {
    if let Command::Plugin {
        command: PluginCommand::Inspect { file },
    } = &cli.command
    {
        return inspect::run(file);
    }
    if let Command::Statement {
        command: statement::Command::Read(args),
    } = &cli.command
    {
        return statement::read(&cli.config, args).await;
    }
    if let Command::Tax { command } = &cli.command
        && let Some(done) = command.run_alone()
    {
        return done;
    }
    if let Command::Check = cli.command {
        return check::run(&cli.config);
    }
    let config = host::configure(&cli.config)?;
    match cli.command {
        Command::Serve(args) => serve::run(config, &args).await,
        Command::Migrate => {
            host::wait_for_database(&config.host).await?;
            for done in galleria_db::Db::migrate(&host::database(&config.host)).await? {
                show::line(&done);
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Report {
            command: report::Command::Run(args),
        } => report::run(config, args).await,
        Command::Key { command } => key::run(config, command).await,
        Command::Runs { command } => runs::run(config, command).await,
        Command::Timeline(args) => timeline::run(config, &args).await,
        Command::Products { command } => products::run(config, command).await,
        Command::Stores { command } => stores::run(config, command).await,
        Command::Statement { command } => statement::run(config, command).await,
        Command::Parked { command } => parked::run(config, command).await,
        Command::DeadLetters { command } => dead_letters::run(config, command).await,
        Command::Documents { command } => documents::run(config, command).await,
        Command::Retailer { command } => reload::run(config, command).await,
        Command::Receipts { command } => queued::receipts(config, command).await,
        Command::Requests { command } => queued::requests(config, command).await,
        Command::Fiscal { command } => fiscal::run(config, command).await,
        Command::Status(args) => status::run(config, &args).await,
        Command::Tax { command } => tax::run(config, command).await,
        Command::Operations { command } => operations::run(config, command).await,
        Command::Plugin {
            command: PluginCommand::List(args),
        } => plugins::run(config, &args).await,
        Command::Check | Command::Plugin { .. } | Command::CompileComponent { .. } => {
            Ok(ExitCode::SUCCESS)
        }
    }
}
