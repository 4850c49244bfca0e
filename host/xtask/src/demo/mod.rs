//! `cargo xtask demo`: a retailer's sample day through the whole house, and everything checked.
//!
//! What it shows it learns from the host over HTTP; what must be right it reckons itself.

mod books;
mod client;
mod feed;
mod host;
mod verify;

use crate::day::assortment::Assortment;
use crate::process::{cargo, run, target};
use crate::{DemoAsk, plugins, prepare, show};
use anyhow::{Context, Result, bail};
use books::{Books, Told};
use client::Client;
use galleria_domain::Store;
use host::Host;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use verify::Delivered;

/// A day of 300 events takes seconds; parked ones wait for their cause and come a little later.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// Lines of the POSLOG that is shown.
const SHOWN_LINES: usize = 60;

/// The whole demo.
pub fn demo(ask: &DemoAsk) -> Result<()> {
    let retailer = crate::retailers(ask.retailer.as_deref())?.remove(0);
    prepare::prepare()?;
    let staged = plugins::stage()?;
    show::step("building the host");
    run(cargo().args(["build", "-p", "galleria"]))?;
    let folder = target().join("demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| folder.display().to_string())?;
    }
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        show::step("starting the host on SQLite and the embedded log");
        let host = Host::start(&folder, &staged).await?;
        show::line(&format!(
            "    it listens at {}; its log is {}",
            host.url,
            host.log.display()
        ));
        let outcome = day(&retailer, &folder, &host).await;
        if outcome.is_err() {
            show::warn(&format!("the host's log: {}", host::tail(&host.log)));
        }
        let order = outcome?;
        if ask.keep {
            keep(host, &retailer, &order).await
        } else {
            host.stop().await
        }
    })
}

/// Sends the day and checks it; answers with an order to look at.
async fn day(retailer: &Path, folder: &Path, host: &Host) -> Result<String> {
    let (assortment, stores) = Assortment::read(retailer)?;
    let file = retailer.join(format!("days/{}.jsonl", assortment.day.date));
    let text = fs::read_to_string(&file).with_context(|| file.display().to_string())?;
    let client = Client::new(&host.url)?;
    put_stores(&client, &stores).await?;
    show::step(&format!("sending {} over HTTP", assortment.day.date));
    let answered = feed::send(&client, feed::read(&text)?).await?;
    let counted = answered
        .iter()
        .filter(|one| one.request.counts.is_some())
        .count();
    let books = Books::of(&stores, &answered)?;
    if books.told.len() != counted {
        bail!(
            "{counted} events were sent, and the books have {}",
            books.told.len()
        );
    }
    show::step("waiting until every event has had its effect");
    let status = settled(&client, counted).await?;
    show::step("checking");
    verify::figures(&status, &books.told)?;
    let delivered = verify::effects(&client, &status, &books.told).await?;
    let checked = verify::poslogs(folder, &books.told, &delivered)?;
    report(&status, &books, &delivered)?;
    let poslogs = if checked {
        "every POSLOG valid and true"
    } else {
        "POSLOGs not validated"
    };
    show::line(&format!(
        "All right: {counted} events, each with one effect and one file; {poslogs}; \
         {} drawers even, {} over, {} short.",
        books.drawers.even, books.drawers.over, books.drawers.short
    ));
    to_look_at(&books.told).context("an order to look at")
}

/// An order that was paid and left alone since: so that it can still be given back.
fn to_look_at(told: &[Told]) -> Option<String> {
    let events = |order: &str| {
        let same = |one: &&Told| one.order.as_deref() == Some(order);
        told.iter().filter(same).count()
    };
    let sales = told.iter().filter(|one| one.kind == "sale");
    let alone = sales.filter(|one| one.order.as_deref().is_some_and(|order| events(order) == 1));
    alone
        .max_by_key(|one| one.argument["gross"].as_i64())
        .and_then(|one| one.order.clone())
}

async fn put_stores(client: &Client, stores: &[Store]) -> Result<()> {
    show::step(&format!("onboarding {} stores", stores.len()));
    for store in stores {
        let mut body = json!(store);
        if let Some(body) = body.as_object_mut() {
            body.remove("id");
        }
        let path = format!("/v1/stores/{}", store.id);
        client
            .write(Method::PUT, &path, &format!("store:{}", store.id), &body)
            .await?;
    }
    Ok(())
}

/// Polls until the host says so; answers with its figures.
async fn settled(client: &Client, events: usize) -> Result<Value> {
    let progress = show::Progress::new("documents", events as u64);
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
            bail!("not settled after {SETTLED_WITHIN:?}: {status}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn report(status: &Value, books: &Books<'_>, delivered: &[Delivered]) -> Result<()> {
    let shown = delivered
        .iter()
        .find(|one| is_worth_showing(&books.told[one.event]));
    let shown = shown.or(delivered.first()).context("a POSLOG")?;
    let text = fs::read_to_string(&shown.path)?;
    show::step(&format!(
        "one of {} POSLOGs: {}",
        delivered.len(),
        shown.path.display()
    ));
    let lines: Vec<&str> = text.lines().collect();
    for line in lines.iter().take(SHOWN_LINES) {
        show::line(&format!("    {line}"));
    }
    if lines.len() > SHOWN_LINES {
        show::line(&format!(
            "    ... and {} lines more",
            lines.len() - SHOWN_LINES
        ));
    }
    let root = crate::root::root();
    let places: BTreeSet<String> = delivered
        .iter()
        .filter_map(|one| one.path.parent())
        .map(|place| {
            place
                .strip_prefix(&root)
                .unwrap_or(place)
                .display()
                .to_string()
        })
        .collect();
    let place = Vec::from_iter(places).join(", ");
    let rows = status["stores"]
        .as_array()
        .context("stores")?
        .iter()
        .map(|store| {
            let text = |name: &str| store[name].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| store[name].as_u64().unwrap_or_default();
            let cpu = number("cpu_us")
                .checked_div(number("events"))
                .unwrap_or_default();
            vec![
                text("retailer"),
                format!("{} ({})", text("store"), text("external_id")),
                number("events").to_string(),
                number("documents").to_string(),
                format!("{cpu} µs"),
                place.clone(),
            ]
        });
    let header = [
        "Retailer",
        "Store",
        "Events",
        "Documents",
        "CPU per event",
        "Files",
    ];
    show::table(&header, &rows.collect::<Vec<_>>(), 2..5);
    Ok(())
}

/// A sale with a discount and change, of a length that can be read.
fn is_worth_showing(told: &Told) -> bool {
    let list = |name: &str| told.argument[name].as_array().cloned().unwrap_or_default();
    let lines = list("lines");
    told.kind == "sale"
        && (2..=3).contains(&lines.len())
        && lines
            .iter()
            .any(|line| line["discounts"].as_array().is_some_and(|d| !d.is_empty()))
        && list("tenders")
            .iter()
            .any(|tender| tender["change"].as_i64() > Some(0))
}

async fn keep(mut host: Host, retailer: &Path, order: &str) -> Result<()> {
    let url = &host.url;
    let name = retailer.file_name().unwrap_or_default().to_string_lossy();
    show::line(&format!(
        "\n{name}'s host stays up at {url}. Try:\n\
         \n  curl -s {url}/v1/status\
         \n  curl -s {url}/v1/orders/{order}\
         \n  curl -s {url}/v1/orders/{order}/documents\
         \n  curl -s {url}/v1/orders/{order}/journal\
         \n  curl -s {url}/v1/stores\
         \n  curl -s -X POST {url}/v1/orders/{order}/refunds -H 'Content-Type: application/json' \\\
         \n    -H 'Idempotency-Key: try-1' -d '{}'\
         \n\nCtrl-C stops it.",
        r#"{"id":"try-1","at":"2026-11-20T19:30:00Z","reason":"goodwill","extent":{"amount":100}}"#
    ));
    tokio::signal::ctrl_c().await?;
    show::step("draining");
    host.ended().await
}
