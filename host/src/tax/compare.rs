//! `galleria tax compare`: the differences of two routes of a store, as tables.

use super::{read_line, route, time};
use crate::command::{self, plain};
use crate::{known, show};
use anyhow::{Context as _, ensure};
use clap::Args;
use galleria_app::App;
use galleria_app::tax::{ComparisonReport, ComparisonSummary, MoveReadiness};
use galleria_config::Config;
use galleria_domain::tax::{
    BasketItems, DifferenceTable, MessageRow, TaxDifferenceRow, TaxRequest, TaxRoute,
};
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Arguments of `compare`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  galleria tax compare --store madrid-1
  galleria tax compare --store madrid-1 --since 2026-11-30 --json
  galleria tax compare --store madrid-1 --since 2026-11-30T18:00:00Z --with http
  galleria tax compare --store madrid-1 --with embedded --baskets baskets.jsonl

Without --with it shows what the shadow of the store found: counts by day, and the differences of
the recorded baskets by code and rate. With --with, the named route evaluates the recorded baskets
now, and its answers are compared with the recorded ones: those of comparisons, of recorded
evaluations, and of orders whose lines got their taxes from a route. The store needs no shadow for
that. With --baskets, the store's route and the named route evaluate the baskets of a file, as
baskets of this store. A line of the file is a request to the tax service:
  {\"store_data\": {\"store_id\": \"madrid-1\"}, \"items\": [
     {\"item_id\": \"1\", \"total_amount\": \"12.10\", \"tax_code\": \"STANDARD\"}]}
Nothing of --with is recorded or counted for a move.")]
pub struct Compare {
    /// Compare the routes of this store, by the host's id
    #[arg(long)]
    pub store: String,
    /// Start at this date or instant in UTC (RFC 3339) [default: all that is kept]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub since: Option<Timestamp>,
    /// Evaluate baskets now by this route: embedded, grpc or http
    #[arg(long, value_name = "ROUTE", value_parser = route)]
    pub with: Option<TaxRoute>,
    /// Evaluate the baskets of this JSON Lines file instead of the recorded ones
    #[arg(long, value_name = "FILE", requires = "with", conflicts_with = "since")]
    pub baskets: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
pub async fn run(config: &Config, args: Compare) -> anyhow::Result<ExitCode> {
    command::with_app(config, async |app| compare(app, args).await).await
}

async fn compare(app: &App, args: Compare) -> anyhow::Result<ExitCode> {
    known::store(app, None, &args.store).await?;
    if let Some(with) = args.with {
        ensure!(
            app.taxes.is_configured(with),
            "--with {with}: this host has no address of the tax service {with}: set tax.{with}.address"
        );
    }
    let mut code = ExitCode::SUCCESS;
    let report = match (args.with, &args.baskets) {
        (None, _) => app.taxes.comparison_report(&args.store, args.since).await?,
        (Some(with), None) => replay(app, &args, with).await?,
        (Some(with), Some(file)) => {
            let (report, is_valid) = baskets(app, &args.store, with, file).await?;
            if !is_valid {
                code = ExitCode::FAILURE;
            }
            report
        }
    };
    match args.json {
        true => show::json(&report)?,
        false => print(&report, args.with.is_none()),
    }
    Ok(code)
}

fn progress() -> anyhow::Result<ProgressBar> {
    let bar = ProgressBar::new_spinner();
    let style = "{spinner} {human_pos} baskets evaluated, {per_sec}, {elapsed}";
    bar.set_style(ProgressStyle::with_template(style)?);
    bar.enable_steady_tick(Duration::from_millis(100));
    Ok(bar)
}

/// Evaluates the recorded baskets by another route.
async fn replay(app: &App, args: &Compare, with: TaxRoute) -> anyhow::Result<ComparisonReport> {
    let bar = progress()?;
    let report = app
        .taxes
        .replay_recorded(&args.store, args.since, with, || bar.inc(1))
        .await;
    bar.finish_and_clear();
    Ok(report?)
}

/// Evaluates the baskets of a file by the store's route and by another route. Also returns whether every line is
/// valid.
async fn baskets(
    app: &App,
    store: &str,
    with: TaxRoute,
    file: &Path,
) -> anyhow::Result<(ComparisonReport, bool)> {
    let mut input = BufReader::new(known::open(file)?);
    let (bar, mut is_valid) = (progress()?, true);
    let mut replay = app.taxes.replay(with);
    for number in 1_u64.. {
        let mut line = String::new();
        let length = read_line(&mut input, &mut line)
            .with_context(|| format!("reading {}", file.display()))?;
        if length == 0 {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        match serde_json::from_str::<TaxRequest>(&line) {
            Ok(mut request) => {
                request.commit = false;
                store.clone_into(&mut request.store_data.store_id);
                replay.basket(&format!("line {number}"), &request).await?;
            }
            Err(error) => {
                is_valid = false;
                let column = error.column();
                let text = error.to_string();
                let message = text
                    .rsplit_once(" at line ")
                    .map_or(&*text, |(text, _)| text);
                let place = format!("{}: line {number}, column {column}", file.display());
                bar.suspend(|| show::problem(&format!("{place}: {message}")));
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let (routes, differences) = replay.finish();
    let summary = ComparisonSummary {
        since: String::new(),
        routes,
        readiness: None,
    };
    let report = ComparisonReport {
        summary,
        recorded: None,
        differences,
    };
    Ok((report, is_valid))
}

fn print(report: &ComparisonReport, recorded: bool) {
    let ComparisonReport {
        summary,
        recorded: evaluated,
        differences,
    } = report;
    let mut counts = show::table([
        "route",
        if recorded { "shadow" } else { "compared with" },
        "compared",
        "equal",
        "different",
        "failed",
        "dropped",
    ]);
    for row in &summary.routes {
        let baskets = row.baskets;
        counts.add_row([
            row.route.name().to_owned(),
            row.shadow.name().to_owned(),
            baskets.compared.to_string(),
            baskets.equal.to_string(),
            baskets.different.to_string(),
            baskets.failed.to_string(),
            baskets.dropped.to_string(),
        ]);
    }
    show::rows(&counts);
    if counts.is_empty() {
        show::none("comparisons");
    } else if recorded {
        show::note(&format!("counted by day, since {} (UTC)", summary.since));
    }
    if let Some(baskets) = evaluated {
        show::note(&format!(
            "evaluated again: {} comparisons, {} recorded evaluations, {} orders",
            baskets.comparisons, baskets.evaluations, baskets.orders
        ));
    }
    print_differences(differences);
    if let Some(readiness) = &summary.readiness {
        show::line(&ready(readiness));
    }
}

fn print_differences(differences: &DifferenceTable) {
    let mut taxes = show::table([
        "code",
        "rate of the route",
        "of the shadow",
        "tax of the route",
        "of the shadow",
        "difference",
        "baskets",
        "items",
        "first baskets and items",
    ]);
    for row in &differences.taxes {
        taxes.add_row(tax_row(row));
    }
    let mut amounts = show::table(["amount", "route", "shadow", "difference", "baskets"]);
    for row in &differences.amounts {
        amounts.add_row([
            row.field.clone(),
            row.route.to_string(),
            row.shadow.to_string(),
            row.difference.to_string(),
            row.baskets.to_string(),
        ]);
    }
    let messages = |title: &str, rows: &[MessageRow]| {
        let mut table = show::table([title, "baskets", "first baskets"]);
        for row in rows {
            let examples = row.examples.join(", ");
            table.add_row([plain(&row.message), row.baskets.to_string(), examples]);
        }
        table
    };
    let rejected = messages("rejected by the shadow", &differences.rejected);
    let failed = messages("failed", &differences.failed);
    for table in [taxes, amounts, rejected, failed] {
        if !table.is_empty() {
            show::rows(&table);
        }
    }
}

fn tax_row(row: &TaxDifferenceRow) -> [String; 9] {
    let rates = [row.route_percent, row.shadow_percent];
    let [route, shadow] = rates.map(|rate| rate.map_or("-".to_owned(), |rate| rate.to_string()));
    let items = |one: &BasketItems| match one.items.is_empty() {
        true => one.basket.clone(),
        false => format!("{}: {}", one.basket, one.items.join(", ")),
    };
    let examples: Vec<String> = row.examples.iter().map(items).collect();
    [
        row.tax_code.clone(),
        route,
        shadow,
        row.route_amount.to_string(),
        row.shadow_amount.to_string(),
        row.difference.to_string(),
        row.baskets.to_string(),
        row.items.to_string(),
        plain(&examples.join("; ")),
    ]
}

/// Whether the store can move to its shadow.
fn ready(readiness: &MoveReadiness) -> String {
    let baskets = readiness.comparison.baskets;
    let (compared, required) = (baskets.compared, readiness.required);
    let verdict = match readiness.ready {
        true => "ready to move",
        false => "not ready to move",
    };
    format!(
        "{verdict} to {}: {compared} of {required} required baskets compared since the last change of the tax table or \
         tax settings, {} different",
        readiness.comparison.shadow, baskets.different
    )
}
