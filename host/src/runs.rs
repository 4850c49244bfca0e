//! `galleria runs`: what was run, what was not, and what an operator does about it.

use crate::cli::{RunsAsk, RunsCommand};
use crate::{command, show};
use comfy_table::Table;
use galleria_app::App;
use galleria_app::runs::RunView;
use galleria_config::Config;
use galleria_ports::records::RunFilter;
use std::process::ExitCode;

/// Lists runs, replays or cancels one. Asks the database itself, whether a host serves or not.
pub async fn run(config: Config, command: RunsCommand) -> anyhow::Result<ExitCode> {
    command::at(&config, async |app| match command {
        RunsCommand::List(ask) => list(app, ask).await,
        RunsCommand::Replay { id, signed } => {
            let key = command::key("replay", &id);
            app.run_replay(key, &id, signed.into()).await?;
            show::line(&format!(
                "run {id} is due: a host that serves does it within seconds"
            ));
            Ok(())
        }
        RunsCommand::Cancel { id, signed } => {
            let key = command::key("cancel", &id);
            app.run_cancel(key, &id, signed.into()).await?;
            let state = app.run(&id).await?.state;
            let stopping = "it is under way and stops within a second";
            let told = if state == "running" {
                stopping
            } else {
                "it is cancelled"
            };
            show::line(&format!("run {id}: {told}"));
            Ok(())
        }
    })
    .await
}

async fn list(app: &App, ask: RunsAsk) -> anyhow::Result<()> {
    let filter = RunFilter {
        retailer: ask.retailer,
        subscriber: ask.plugin,
        state: ask.state,
        from: ask.from.map(|date| date.to_string()),
    };
    let page = app.runs(filter, None, ask.shown.limit).await?;
    ask.shown
        .list(&page.runs, page.next.is_some(), "newest", runs)
}

fn runs(rows: &[RunView]) -> Table {
    let mut table = show::table([
        "run",
        "retailer",
        "plugin",
        "store",
        "window",
        "state",
        "tries",
        "rows",
        "what came of it",
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

/// Its files, or why there are none.
fn outcome(run: &RunView) -> String {
    let told = match (&run.fault, run.state.as_str()) {
        (_, "ended") => {
            let files = run.files.iter();
            let files = files.map(|file| format!("{}/{}", file.directory, file.name));
            return files.collect::<Vec<_>>().join("\n");
        }
        (Some(fault), _) => format!("{}: {}", fault.code, fault.detail),
        (None, _) => String::new(),
    };
    match run.state.as_str() {
        "due" | "failed" => format!("{told}\nat {}", run.due_at).trim().to_owned(),
        _ => told,
    }
}
