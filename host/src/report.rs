//! `galleria report run`: one report by hand, with its progress.

use crate::cli::ReportAsk;
use crate::{house, logs, show};
use anyhow::Context as _;
use galleria_config::Config;
use galleria_deliver::Deliverer;
use indicatif::{ProgressBar, ProgressStyle};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Runs a report. Ctrl-C ends it at its next row and leaves nothing behind.
pub async fn run(config: Config, ask: ReportAsk) -> anyhow::Result<ExitCode> {
    let quiet = galleria_config::Log {
        level: galleria_config::LogLevel::Warn,
        ..config.host.log
    };
    logs::start(quiet);
    let slots = config.slots().into_iter();
    let wanted = slots.filter(|slot| slot.retailer == ask.retailer && slot.name == ask.plugin);
    let generation = match house::load(&config.host, wanted.collect())? {
        Ok(generation) => generation,
        Err(mistakes) => {
            show::mistakes(&mistakes);
            return Ok(ExitCode::FAILURE);
        }
    };
    let house = house::build(&config, generation).await?;
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template(
        "{spinner} {human_pos} rows, {per_sec}, {elapsed}",
    )?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.store(true, Ordering::Relaxed);
        }
    });
    let retailer = ask.retailer.clone();
    let ask = galleria_app::reports::ReportAsk {
        retailer: ask.retailer,
        plugin: ask.plugin,
        store: ask.store,
        first: ask.from,
        last: ask.to.unwrap_or(ask.from),
    };
    let counted = bar.clone();
    let ran = house.app.report_run(
        &house.directories,
        ask,
        Arc::new(move |rows| counted.inc(rows)),
        stop,
    );
    let run = ran.await;
    bar.finish_and_clear();
    let run = run.map_err(|error| match error {
        galleria_app::Error::Plugin(fault) => anyhow::anyhow!("the report was not run: {fault}"),
        other => other.into(),
    })?;
    let owner = format!("report-{}", uuid::Uuid::new_v4());
    let deliverer = Deliverer::new(house.app.clone(), house.directories.clone(), owner);
    while deliverer.deliver_batch().await? > 0 {}
    if run.before {
        show::line("this window was run before: the same window is the same run");
    }
    show::line(&format!("{} rows", run.rows));
    for sum in &run.sums {
        show::line(&format!("{}: {}", sum.name, sum.value));
    }
    for (directory, name) in &run.files {
        let path = &config.host.directories[directory];
        let path = path.join(&retailer).join(name);
        show::line(&path.display().to_string());
    }
    house.db.close().await.context("closing the database")?;
    Ok(ExitCode::SUCCESS)
}
