//! `galleria report run`: executes one run and shows its progress.

use crate::host::Host;
use crate::interrupt::{INTERRUPTED, stopped_by_ctrl_c};
use crate::{command, known, show};
use clap::{Args, Subcommand};
use galleria_app::App;
use galleria_app::documents::DocumentQuery;
use galleria_app::lists::ListQuery;
use galleria_app::runs::{ByHand, RunRequest, RunView};
use galleria_config::Config;
use galleria_deliver::Deliverer;
use galleria_domain::plugin::Point;
use galleria_ports::records::{DocumentState, document_path};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Commands of `galleria report`.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a plugin once for a window of business dates; Ctrl-C leaves nothing behind
    Run(Run),
}

/// Arguments of the run.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria report run --retailer my-retailer --plugin daily-sales --from 2026-10-01 --to 2026-10-31
  galleria report run --retailer my-retailer --plugin settle --point write-settlement --store madrid-1 --from 2026-11-20")]
pub struct Run {
    /// Name of the retailer's folder
    #[arg(long)]
    pub retailer: String,
    /// Name of the plugin in retailer.toml
    #[arg(long)]
    pub plugin: String,
    /// First business date
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Date,
    /// Last business date, included [default: the first]
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<Date>,
    /// Id of one store [default: all stores of the retailer]
    #[arg(long)]
    pub store: Option<String>,
    /// Extension point, if the plugin exports several: report, write-settlement or export-catalogue
    #[arg(long, value_parser = point)]
    pub point: Option<Point>,
}

fn point(text: &str) -> Result<Point, String> {
    let points = galleria_app::runs::POINTS;
    let found = points.into_iter().find(|point| point.name() == text);
    found.ok_or_else(|| format!("must be one of {}", points.map(Point::name).join(", ")))
}

/// Another host that has already started to deliver the files needs about a second.
const DELIVERED_WITHIN: Duration = Duration::from_secs(10);

/// Executes the run. Ctrl-C ends it at its next row and leaves nothing behind.
pub async fn run(config: Config, args: Run) -> anyhow::Result<ExitCode> {
    let mut slots = config.slots();
    slots.retain(|slot| slot.retailer == args.retailer && slot.name == args.plugin);
    let retailer = args.retailer.clone();
    let work = async |host: &Host| execute(host, &config, args).await;
    command::with_slots(&config, &retailer, &slots, work).await
}

async fn execute(host: &Host, config: &Config, args: Run) -> anyhow::Result<ExitCode> {
    if let Some(to) = args.to.filter(|to| *to < args.from) {
        anyhow::bail!("--to {to}: must not be before --from {}", args.from);
    }
    known::retailer(config, &host.app, &args.retailer).await?;
    known::plugin(config, Some(&args.retailer), &args.plugin)?;
    if let Some(id) = &args.store {
        known::store(&host.app, Some(&args.retailer), id).await?;
    }
    let bar = ProgressBar::new_spinner().with_style(ProgressStyle::with_template(
        "{spinner} {human_pos} rows, {per_sec}, {elapsed}",
    )?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let owner = format!("report-{}", uuid::Uuid::new_v4());
    let request = RunRequest {
        retailer: args.retailer,
        plugin: args.plugin,
        point: args.point,
        store: args.store,
        first: args.from,
        last: args.to.unwrap_or(args.from),
    };
    let counted = bar.clone();
    let ran = host.app.runs.run_now(
        &host.directories,
        &request,
        &owner,
        config.host.runs.lease,
        Arc::new(move |rows| counted.inc(rows)),
        stopped_by_ctrl_c()?,
    );
    let ran = ran.await;
    bar.finish_and_clear();
    let ran = ran.map_err(|error| match error {
        galleria_ports::Error::Plugin(fault) => {
            anyhow::anyhow!("the run failed: {fault}")
        }
        other => other.into(),
    })?;
    let deliverer = Deliverer::new(host.app.clone(), host.directories.clone(), owner);
    while deliverer.deliver_batch().await? > 0 {}
    if let ByHand::Ended(view) | ByHand::Before(view) = &ran {
        delivered(&host.app, &view.id).await?;
    }
    Ok(match ran {
        ByHand::Ended(view) => print(config, &view),
        ByHand::Before(view) => {
            show::line("this window was already run; its result:");
            print(config, &view)
        }
        ByHand::Stopped => {
            show::line("stopped: nothing was left behind");
            ExitCode::from(INTERRUPTED)
        }
    })
}

/// Waits for files that a serving host has already started to deliver.
async fn delivered(app: &App, run: &str) -> anyhow::Result<()> {
    let everything = command::caller();
    let begun = Instant::now();
    loop {
        let mut waiting = 0;
        for state in [DocumentState::Pending, DocumentState::Prepared] {
            let query = DocumentQuery {
                list: ListQuery {
                    limit: 100,
                    ..ListQuery::default()
                },
                event: Some(format!("run:{run}")),
                state: Some(state),
                ..DocumentQuery::default()
            };
            waiting += app
                .documents
                .list(&everything, query)
                .await?
                .documents
                .len();
        }
        if waiting == 0 {
            return Ok(());
        }
        if begun.elapsed() > DELIVERED_WITHIN {
            show::line(&format!(
                "{waiting} files not delivered yet: see `galleria timeline {run}`"
            ));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn print(config: &Config, view: &RunView) -> ExitCode {
    show::line(&format!("{} rows", view.rows));
    for sum in &view.sums {
        show::line(&format!("{}: {}", sum.name, sum.value));
    }
    for file in &view.files {
        // The directory may have been removed from the configuration since.
        let place = match config.host.directories.get(&file.directory) {
            Some(directory) => {
                let folder = file.folder.as_deref().unwrap_or_default();
                let path = document_path(&view.retailer, folder, &file.name);
                directory.join(path).display().to_string()
            }
            None => format!("{}/{}", file.directory, file.name),
        };
        show::line(&format!("{place} ({} bytes)", file.size));
    }
    ExitCode::SUCCESS
}
