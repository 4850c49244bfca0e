//! `galleria report run`: one run by hand, with its progress.

use crate::cli::ReportAsk;
use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::{host, logs, show};
use anyhow::Context as _;
use galleria_app::App;
use galleria_app::lookup::{DocumentAsk, ListAsk};
use galleria_app::runs::{ByHand, RunAsk, RunView};
use galleria_config::Config;
use galleria_deliver::Deliverer;
use galleria_ports::access::{Caller, Reach, Scope};
use galleria_ports::records::DocumentState;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Another host that has files in hand writes them within a second.
const DELIVERED_WITHIN: Duration = Duration::from_secs(10);

/// Runs a window. Ctrl-C ends it at its next row and leaves nothing behind.
pub async fn run(config: Config, ask: ReportAsk) -> anyhow::Result<ExitCode> {
    let quiet = galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    };
    logs::start(quiet);
    let slots = config.slots().into_iter();
    let wanted = slots.filter(|slot| slot.retailer == ask.retailer && slot.name == ask.plugin);
    let generation = match host::load(&config.host, wanted.collect())? {
        Ok(generation) => generation,
        Err(errors) => {
            show::config_errors(&errors);
            return Ok(ExitCode::FAILURE);
        }
    };
    let host = host::build(&config, generation).await?;
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template(
        "{spinner} {human_pos} rows, {per_sec}, {elapsed}",
    )?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let owner = format!("report-{}", uuid::Uuid::new_v4());
    let ask = RunAsk {
        retailer: ask.retailer,
        plugin: ask.plugin,
        point: ask.point,
        store: ask.store,
        first: ask.from,
        last: ask.to.unwrap_or(ask.from),
    };
    let counted = bar.clone();
    let ran = host.app.run_by_hand(
        &host.directories,
        &ask,
        &owner,
        config.host.runs.lease,
        Arc::new(move |rows| counted.inc(rows)),
        stopped_by_ctrl_c()?,
    );
    let ran = ran.await;
    bar.finish_and_clear();
    let ran = ran.map_err(|error| match error {
        galleria_ports::Error::Plugin(fault) => {
            anyhow::anyhow!("the run did not end well: {fault}")
        }
        other => other.into(),
    })?;
    let deliverer = Deliverer::new(host.app.clone(), host.directories.clone(), owner);
    while deliverer.deliver_batch().await? > 0 {}
    if let ByHand::Ended(view) | ByHand::Before(view) = &ran {
        delivered(&host.app, &view.id).await?;
    }
    let code = match ran {
        ByHand::Ended(view) => told(&config, &view),
        ByHand::Before(view) => {
            show::line("this window was run before: the same window is the same run");
            told(&config, &view)
        }
        ByHand::Stopped => {
            show::line("stopped: nothing of it is left");
            ExitCode::from(INTERRUPTED)
        }
    };
    host.db.close().await.context("closing the database")?;
    Ok(code)
}

/// Waits for files that a host which serves has taken in hand just before.
async fn delivered(app: &App, run: &str) -> anyhow::Result<()> {
    let everything = Caller {
        name: "command line".into(),
        told: "command line".into(),
        scope: Scope::Admin,
        reach: Reach::Everything,
    };
    let begun = Instant::now();
    loop {
        let mut waiting = 0;
        for state in [DocumentState::Pending, DocumentState::Prepared] {
            let ask = DocumentAsk {
                list: ListAsk {
                    limit: 100,
                    ..ListAsk::default()
                },
                event: Some(format!("run:{run}")),
                state: Some(state),
                ..DocumentAsk::default()
            };
            waiting += app.documents(&everything, ask).await?.documents.len();
        }
        if waiting == 0 {
            return Ok(());
        }
        if begun.elapsed() > DELIVERED_WITHIN {
            show::line(&format!(
                "not delivered yet: {waiting} files; `galleria timeline {run}` tells why"
            ));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn told(config: &Config, view: &RunView) -> ExitCode {
    show::line(&format!("{} rows", view.rows));
    for sum in &view.sums {
        show::line(&format!("{}: {}", sum.name, sum.value));
    }
    for file in &view.files {
        // A directory may have been taken out of the configuration since.
        let place = match config.host.directories.get(&file.directory) {
            Some(path) => path
                .join(&view.retailer)
                .join(&file.name)
                .display()
                .to_string(),
            None => format!("{}/{}", file.directory, file.name),
        };
        show::line(&format!("{place} ({} bytes)", file.size));
    }
    ExitCode::SUCCESS
}
