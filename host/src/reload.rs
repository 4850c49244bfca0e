//! `galleria retailer`: lists retailers in the running processes, and loads one again.

use crate::command::{self, ActorArgs, plain};
use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::{known, show};
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::events::Acting;
use galleria_app::reloads::{RetailerProcessView, RetailerView};
use galleria_config::Config;
use galleria_ports::Error;
use galleria_ports::access::Reach;
use galleria_ports::plugins::LoadState;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How often the results are read.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Commands of `galleria retailer`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List retailers, and how each running process serves them
    List(List),
    /// Load a retailer again from its files in all running processes, without a restart
    Reload(Reload),
}

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria retailer list
  galleria retailer list --json | jq '.[].processes'")]
pub struct List {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `reload`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria retailer reload my-retailer --reason 'the key of the provider was missing'
  galleria retailer reload my-retailer --reason 'new settings' --timeout 600

Each process reads the retailer's folder, the components of its plugins, and its secrets in files.
Calls and runs in progress end with what they began with. If the files have errors, the retailer
serves on with what it had, or stays out of service. The command fails if one process could not
load the retailer, or has no result in time.

A reload does not read host.toml or the environment again: after a change there, restart the
processes. It loads the folder of a new retailer too. It cannot remove a retailer: remove the
folder and restart the processes.")]
pub struct Reload {
    /// Name of the retailer's folder
    pub retailer: String,
    /// Wait for the results at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
    /// The actor and the reason.
    #[command(flatten)]
    pub actor: ActorArgs,
}

/// Runs the command.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::List(args) => list(app, &args).await,
        Command::Reload(args) => reload(&config, app, args).await,
    })
    .await
}

async fn list(app: &App, args: &List) -> anyhow::Result<ExitCode> {
    let all = app.reloads.retailers(&Reach::Everything, None, u32::MAX);
    let retailers = all.await?.retailers;
    if args.json {
        show::json(&retailers)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut table = show::table(["retailer", "reloads", "process", "state", "since", "errors"]);
    for one in &retailers {
        let (name, reloads) = (one.retailer.as_str(), one.generation.to_string());
        if one.processes.is_empty() {
            table.add_row([name, &reloads, "-", "-", "-", ""]);
        }
        for process in &one.processes {
            let state = process.state.map_or("-", LoadState::name);
            let since = process.loaded_at.as_deref().unwrap_or("-");
            let errors = errors(process);
            table.add_row([name, &reloads, &process.host, state, since, &errors]);
        }
    }
    show::rows(&table);
    if retailers.is_empty() {
        show::none("retailers");
    }
    Ok(ExitCode::SUCCESS)
}

async fn reload(config: &Config, app: &App, args: Reload) -> anyhow::Result<ExitCode> {
    let key = command::idempotency_key("reload", &args.retailer);
    let acting = Acting::from(args.actor);
    let reply = app.reloads.request(key, &args.retailer, acting).await;
    if let Err(Error::NotFound { .. }) = &reply {
        known::retailer(config, app, &args.retailer).await?;
    }
    let requested: RetailerView = serde_json::from_str(&reply?.body)?;
    let stop = stopped_by_ctrl_c()?;
    let bar = ProgressBar::new_spinner()
        .with_style(ProgressStyle::with_template("{spinner} {msg}, {elapsed}")?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let (begun, generation) = (Instant::now(), requested.generation);
    let mut processes = requested.processes;
    loop {
        let done = processes.iter().filter(|one| one.generation >= generation);
        let (done, all) = (done.count(), processes.len());
        bar.set_message(format!(
            "{done} of {all} processes have loaded the retailer"
        ));
        let is_late = begun.elapsed() >= Duration::from_secs(args.timeout);
        if done == all || is_late || stop.load(Ordering::Relaxed) {
            break;
        }
        tokio::time::sleep(LOOK_EVERY).await;
        processes = app.reloads.retailer(&args.retailer).await?.processes;
    }
    bar.finish_and_clear();
    if processes.is_empty() {
        show::problem(
            "no process runs on this database: the next start reads the retailer's files",
        );
        return Ok(ExitCode::FAILURE);
    }
    show::rows(&results(&processes, generation));
    if stop.load(Ordering::Relaxed) {
        show::problem("stopped waiting: the processes still load the retailer");
        return Ok(ExitCode::from(INTERRUPTED));
    }
    let loaded = |one: &RetailerProcessView| {
        one.generation >= generation && one.state == Some(LoadState::Serving)
    };
    Ok(match processes.iter().all(loaded) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// The result of each process.
fn results(processes: &[RetailerProcessView], generation: i64) -> Table {
    let mut table = show::table(["process", "result", "errors"]);
    for one in processes {
        let (result, errors) = match one.state {
            _ if one.generation < generation => ("no result in time", String::new()),
            Some(LoadState::Loading) => ("no result in time", String::new()),
            Some(LoadState::Serving) => ("loaded", String::new()),
            Some(LoadState::ReloadFailed) => {
                ("failed, the previous configuration serves", errors(one))
            }
            Some(LoadState::OutOfService) | None => ("failed, out of service", errors(one)),
        };
        table.add_row([&one.host, result, &errors]);
    }
    table
}

/// One error in each line.
fn errors(process: &RetailerProcessView) -> String {
    let lines = process.errors.iter().map(|error| plain(error));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_an_earlier_reload_does_not_count() {
        let process = |host: &str, generation, state| RetailerProcessView {
            host: host.into(),
            generation,
            state,
            errors: vec!["secrets.card: missing".into()],
            loaded_at: None,
        };
        let table = results(
            &[
                process("a", 2, Some(LoadState::Serving)),
                process("b", 1, Some(LoadState::Serving)),
                process("c", 2, Some(LoadState::ReloadFailed)),
                process("d", 2, Some(LoadState::OutOfService)),
            ],
            2,
        );
        let table = table.to_string();
        let line = |host: &str| {
            let cell = format!(" {host} ");
            let found = table.lines().find(|line| line.contains(&cell));
            found.unwrap_or_else(|| panic!("{table}")).to_owned()
        };
        assert!(line("a").contains(" loaded "), "{table}");
        assert!(line("b").contains("no result in time"), "{table}");
        let failed = line("c");
        assert!(failed.contains("previous configuration") && failed.contains("secrets.card"));
        assert!(line("d").contains("out of service"), "{table}");
    }
}
