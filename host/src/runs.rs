//! `galleria runs`: lists, replays and cancels runs.

use crate::command::{ListArgs, Page};
use crate::key::ActorArgs;
use crate::known::Names;
use crate::{command, show};
use clap::{Args, Subcommand};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::runs::RunView;
use galleria_config::Config;
use galleria_ports::records::RunFilter;
use galleria_ports::records::RunState;
use jiff::civil::Date;
use std::process::ExitCode;

/// The hint for an unknown id.
const LISTED: &str = "`galleria runs list` lists them";

/// Commands of `galleria runs`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List runs, newest first
    List(List),
    /// Make a dead, cancelled or waiting run due now, with all its tries
    #[command(after_help = "\
Examples:
  galleria runs replay 5f0c1d2e3a4b5c6d --reason 'settings corrected'")]
    Replay {
        /// Id of the run, as `runs list` shows it
        id: String,
        /// The actor and the reason.
        #[command(flatten)]
        actor_args: ActorArgs,
    },
    /// Cancel a run; one in progress stops at its next row and leaves nothing behind
    #[command(after_help = "\
Examples:
  galleria runs cancel 5f0c1d2e3a4b5c6d --reason 'wrong window'")]
    Cancel {
        /// Id of the run, as `runs list` shows it
        id: String,
        /// The actor and the reason.
        #[command(flatten)]
        actor_args: ActorArgs,
    },
}

/// Arguments of the list.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria runs list --state dead
  galleria runs list --retailer my-retailer --plugin daily-sales --from 2026-11-01")]
pub struct List {
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: Option<String>,
    /// Name of the plugin in retailer.toml
    #[arg(long)]
    pub plugin: Option<String>,
    /// Show only this state: due, running, ended, failed, dead or cancelled
    #[arg(long, value_parser = state)]
    pub state: Option<RunState>,
    /// Show only runs whose first business date is this one or later
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<Date>,
    /// The length and the form of the list.
    #[command(flatten)]
    pub list_args: ListArgs,
}

fn state(text: &str) -> Result<RunState, String> {
    command::word(text, RunState::ALL, RunState::name)
}

/// Runs the command on the database directly, whether a host serves or not.
pub async fn run(config: Config, command: Command) -> anyhow::Result<ExitCode> {
    command::with_app(&config, async |app| match command {
        Command::List(args) => list(&config, app, args).await,
        Command::Replay { id, actor_args } => {
            let key = command::idempotency_key("replay", &id);
            command::found(app.runs.replay(key, &id, actor_args.into()).await, LISTED)?;
            show::line(&format!(
                "run {id} is due: a serving host starts it within seconds"
            ));
            Ok(())
        }
        Command::Cancel { id, actor_args } => {
            let key = command::idempotency_key("cancel", &id);
            command::found(app.runs.cancel(key, &id, actor_args.into()).await, LISTED)?;
            let state = app.runs.run(&id).await?.state;
            let stopping = "stopping within a second";
            let result = if state == "running" {
                stopping
            } else {
                "cancelled"
            };
            show::line(&format!("run {id}: {result}"));
            Ok(())
        }
    })
    .await
}

async fn list(config: &Config, app: &App, args: List) -> anyhow::Result<()> {
    let filter = RunFilter {
        retailer: args.retailer.clone(),
        subscriber: args.plugin.clone(),
        state: args.state,
        from: args.from.map(|date| date.to_string()),
    };
    let page = app.runs.list(filter, None, args.list_args.limit).await?;
    let names = Names {
        retailer: args.retailer.as_deref(),
        plugin: args.plugin.as_deref(),
        ..Names::default()
    };
    let page = Page {
        rows: &page.runs,
        more: page.next.is_some(),
        what: "runs",
        first: "newest",
    };
    args.list_args.list((config, app), names, page, runs).await
}

fn runs(rows: &[RunView]) -> Table {
    let mut table = show::table([
        "run", "retailer", "plugin", "store", "window", "state", "tries", "rows", "result",
    ]);
    for run in rows {
        table.add_row([
            run.id.clone(),
            run.retailer.clone(),
            plugin(run),
            run.store.clone().unwrap_or_else(|| "all".into()),
            window(run),
            run.state.clone(),
            format!("{} of {}", run.attempts, run.tries),
            progress(run),
            outcome(run),
        ]);
    }
    table
}

fn plugin(run: &RunView) -> String {
    match &run.schedule {
        Some(schedule) => format!("{}\n{}, by {schedule}", run.plugin, run.point),
        None => format!("{}\n{}", run.plugin, run.point),
    }
}

fn window(run: &RunView) -> String {
    if run.first == run.last {
        run.first.clone()
    } else {
        format!("{}\n{}", run.first, run.last)
    }
}

fn progress(run: &RunView) -> String {
    match run.state.as_str() {
        "ended" => run.rows.to_string(),
        _ => run.progress.to_string(),
    }
}

/// Its files, or its fault.
fn outcome(run: &RunView) -> String {
    let text = match (&run.fault, run.state.as_str()) {
        (_, "ended") => {
            let files = run.files.iter();
            let files = files.map(|file| format!("{}/{}", file.directory, file.name));
            return files.collect::<Vec<_>>().join("\n");
        }
        (Some(fault), _) => format!("{}: {}", fault.code, fault.detail),
        (None, _) => String::new(),
    };
    match run.state.as_str() {
        "due" | "failed" => format!(
            "{text}
at {}",
            run.due_at
        )
        .trim()
        .to_owned(),
        _ => text,
    }
}
