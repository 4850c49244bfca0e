//! `cargo xtask demo`: sends the sample days of the retailers through a fresh host and checks all results.
//!
//! The results come from the host over HTTP, and the differences of two tax routes from `galleria tax compare`.
//! The expected values come from the ledger of `galleria-simulator`.

mod hints;
mod members;
mod products;
mod retailer;
mod runs;
mod send;
mod statements;
mod table;
mod taxes;
mod verify;

use crate::client::Client;
use crate::host::{self, Kafka, Settings};
use crate::process::target;
use crate::samples::{self, put_stores};
use crate::{plugins, prepare, show};
use anyhow::{Context, Result, bail};
use galleria_domain::Store;
use galleria_simulator::ledger::{Ledger, RecordedEvent};
use galleria_simulator::request;
use retailer::Retailer;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use table::Actual;
use taxes::Hosts;
use verify::Delivered;

/// A day of 300 events takes seconds. Parked events follow once their cause has been handled.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// Printed lines of a POSLOG.
const SHOWN_LINES: usize = 40;

/// Options of the demo.
#[derive(Debug, clap::Args)]
pub struct DemoArgs {
    /// Send the day of one retailer only, named by its folder
    #[arg(long)]
    retailer: Option<String>,
    /// Keep the host running until Ctrl-C and print commands to try
    #[arg(long)]
    keep: bool,
}

/// Runs the demo.
pub fn demo(args: &DemoArgs) -> Result<()> {
    let folders = samples::retailers(args.retailer.as_deref())?;
    let retailers: Vec<Retailer> = folders
        .iter()
        .map(|folder| Retailer::read(folder))
        .collect::<Result<_>>()?;
    prepare::prepare()?;
    let staged = plugins::stage()?;
    host::build(Kafka::Without)?;
    let folder = target().join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        show::step("starting the host on SQLite and the embedded log, and a tax service");
        let hosts = Hosts::start(&folder, settings(&folder, &staged)?).await?;
        let host = &hosts.host;
        let log = &host.service.log;
        show::line(&format!(
            "    listening at {}, log in {}",
            host.url,
            log.display()
        ));
        let outcome = days(&retailers, &folder, &hosts).await;
        if outcome.is_err() {
            show::warn(&format!("log of the host: {}", host.service.log_tail()));
        }
        let hints = outcome?;
        if args.keep {
            hints::keep(hosts, &hints).await
        } else {
            hosts.stop()
        }
    })
}

/// Returns the settings for SQLite and the embedded log, without rate limits: one client stands for all
/// tills and sends a day within seconds.
pub fn settings(folder: &Path, staged: &Path) -> Result<Settings> {
    let mut settings = Settings::new(folder, staged)?;
    settings.set("http.rate.burst", 0);
    settings.set("http.connections_per_client", 0);
    settings.set("database.url", "sqlite://{data}/galleria.db");
    Ok(settings)
}

/// Sends the days and checks the results. Returns examples for the commands of `--keep`.
async fn days(retailers: &[Retailer], folder: &Path, hosts: &Hosts) -> Result<hints::Hints> {
    let client = hosts.host.client()?;
    let stores: Vec<&Store> = retailers.iter().flat_map(|one| &one.stores).collect();
    show::step(&format!("creating {} stores", stores.len()));
    put_stores(&client, stores.iter().copied()).await?;
    let mut day = Vec::new();
    for retailer in retailers {
        day.extend(request::read(&retailer.day()?)?);
    }
    show::step(&format!("sending {} over HTTP", dates(retailers)));
    let exchanges = send::send(&client, day).await?;
    let sent = exchanges
        .iter()
        .filter(|one| one.request.counts.is_some())
        .count();
    let ledger = Ledger::new(stores, &exchanges)?;
    if ledger.events.len() != sent {
        bail!(
            "{sent} events sent, but {} in the ledger",
            ledger.events.len()
        );
    }
    members::same_rejection(&ledger)?;
    members::on_orders(&client, &exchanges).await?;
    let with_poslog: Vec<&RecordedEvent> = ledger
        .events
        .iter()
        .filter(|one| {
            retailers
                .iter()
                .any(|r| r.name == one.retailer && r.has_poslogs())
        })
        .collect();
    show::step("waiting until all events are handled");
    let status = settled(&client, with_poslog.len()).await?;
    show::step("checking events and POSLOGs");
    verify::counts(&status, sent, with_poslog.len())?;
    let delivered = verify::effects(&client, &status, &with_poslog).await?;
    let checked = !delivered.is_empty() && verify::poslogs(folder, &with_poslog, &delivered)?;
    if let Some(shown) = example(&with_poslog, &delivered) {
        show_poslog(delivered.len(), &shown.path)?;
    }
    let results = rest(&client, retailers, &ledger, &status, &with_poslog).await?;
    let taxes = taxes::evaluate(hosts, retailers, &ledger).await?;
    table::stores(&status)?;
    table::retailers(&results, &ledger);
    let poslogs = match (with_poslog.is_empty(), checked) {
        (true, _) => "no POSLOGs requested",
        (_, true) => "all POSLOGs valid and correct",
        (_, false) => "POSLOGs not checked",
    };
    show::line(&format!(
        "Success: {sent} events, each applied once; {poslogs}; drawers: {} balanced, {} over, {} short; \
         reports, settlements and catalogues agree with the ledger{}.",
        ledger.drawers.even,
        ledger.drawers.over,
        ledger.drawers.short,
        taxes.as_ref().map_or(String::new(), |taxes| format!(
            ", as do the taxes of {} sales by two routes",
            taxes.sales
        ))
    ));
    hints::select(retailers, &ledger, &results, taxes)
}

/// Delivers statements, imports products and requests runs, retailer by retailer.
async fn rest<'a>(
    client: &Client,
    retailers: &'a [Retailer],
    ledger: &Ledger<'_>,
    status: &Value,
    with_poslog: &[&RecordedEvent],
) -> Result<Vec<Actual<'a>>> {
    show::step("delivering statements, importing products, running reports and exports");
    let directories = &status["directories"];
    let mut all = Vec::new();
    for retailer in retailers {
        let statement = statements::deliver(client, retailer, directories).await?;
        let reference = runs::Reference {
            events: &ledger.events,
            products: products::import(client, retailer).await?,
            statement: &statement,
        };
        let files = runs::run(client, retailer, &reference, directories).await?;
        let own = |one: &&&RecordedEvent| one.retailer == retailer.name;
        all.push(Actual {
            retailer,
            poslogs: with_poslog.iter().filter(own).count(),
            statement,
            files,
        });
    }
    Ok(all)
}

fn dates(retailers: &[Retailer]) -> String {
    let days = retailers.iter().map(|one| {
        let day = &one.assortment.day;
        format!("{} of {} ({} events)", day.date, one.name, day.events)
    });
    days.collect::<Vec<_>>().join(", ")
}

/// Polls until the host has handled all events. Returns its status.
async fn settled(client: &Client, documents: usize) -> Result<Value> {
    let progress = show::Progress::new("documents", documents as u64);
    let begun = Instant::now();
    loop {
        let status = client.get("/v1/status").await?;
        progress.at(status["documents"]["delivered"]
            .as_u64()
            .unwrap_or_default());
        if status["settled"] == true {
            progress.done();
            return Ok(status);
        }
        if begun.elapsed() > SETTLED_WITHIN {
            bail!("events still pending after {SETTLED_WITHIN:?}: {status}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Selects a short sale with a discount and change, or else the first document.
fn example<'a>(events: &[&RecordedEvent], delivered: &'a [Delivered]) -> Option<&'a Delivered> {
    let suitable = |event: &RecordedEvent| {
        let list = |name: &str| event.argument[name].as_array().cloned().unwrap_or_default();
        let lines = list("lines");
        let discount = |line: &Value| line["discounts"].as_array().is_some_and(|d| !d.is_empty());
        event.kind == "sale"
            && (2..=3).contains(&lines.len())
            && lines.iter().any(discount)
            && list("tenders")
                .iter()
                .any(|tender| tender["change"].as_i64() > Some(0))
    };
    let example = delivered.iter().find(|one| suitable(events[one.event]));
    example.or(delivered.first())
}

fn show_poslog(count: usize, path: &Path) -> Result<()> {
    let text = fs::read_to_string(path)?;
    show::step(&format!("one of {count} POSLOGs: {}", path.display()));
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().take(SHOWN_LINES) {
        show::line(&format!("    {line}"));
    }
    if lines.len() > SHOWN_LINES {
        show::line(&format!("    ... {} more lines", lines.len() - SHOWN_LINES));
    }
    Ok(())
}
