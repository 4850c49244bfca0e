//! `cargo xtask demo`: the retailers' sample days through the whole house, and everything checked.
//!
//! What it shows it learns from the host over HTTP; what must be right it reckons itself.

pub mod client;
mod feed;
pub mod host;
mod keep;
mod members;
mod products;
mod retailer;
mod runs;
mod statements;
mod table;
mod verify;

use crate::process::{cargo, run, target};
use crate::{DemoAsk, plugins, prepare, show};
use anyhow::{Context, Result, bail};
use client::Client;
use galleria_domain::Store;
use galleria_simulator::ledger::{Books, Told};
use galleria_simulator::request;
use host::Host;
use reqwest::Method;
use retailer::Retailer;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use table::Got;
use verify::Delivered;

/// A day of 300 events takes seconds; parked ones wait for their cause and come a little later.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// Lines of the POSLOG that is shown.
const SHOWN_LINES: usize = 40;

/// The whole demo.
pub fn demo(ask: &DemoAsk) -> Result<()> {
    let folders = crate::retailers(ask.retailer.as_deref())?;
    let retailers: Vec<Retailer> = folders
        .iter()
        .map(|folder| Retailer::read(folder))
        .collect::<Result<_>>()?;
    let env = samples()?;
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
        let host = Host::start(&folder, &staged, &env, &[]).await?;
        show::line(&format!(
            "    it listens at {}; its log is {}",
            host.url,
            host.log.display()
        ));
        let outcome = days(&retailers, &folder, &host).await;
        if outcome.is_err() {
            show::warn(&format!("the host's log: {}", host::tail(&host.log)));
        }
        let look = outcome?;
        if ask.keep {
            keep::keep(host, &look).await
        } else {
            host.stop().await
        }
    })
}

/// The samples of secrets that any retailer keeps: the host reads all of `retailers/`.
pub fn samples() -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    let all = crate::root::root().join("retailers");
    for entry in fs::read_dir(&all).with_context(|| all.display().to_string())? {
        let file = entry?.path().join("sample.env");
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once('='));
        found.extend(pairs.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())));
    }
    Ok(found)
}

/// Sends the days and checks them; answers with what is worth a look.
async fn days(retailers: &[Retailer], folder: &Path, host: &Host) -> Result<keep::Look> {
    let client = Client::keyed(&host.url, &host.key)?;
    let stores: Vec<&Store> = retailers.iter().flat_map(|one| &one.stores).collect();
    put_stores(&client, &stores).await?;
    let mut day = Vec::new();
    for retailer in retailers {
        day.extend(request::read(&retailer.day()?)?);
    }
    show::step(&format!("sending {} over HTTP", dates(retailers)));
    let answered = feed::send(&client, day).await?;
    let counted = answered
        .iter()
        .filter(|one| one.request.counts.is_some())
        .count();
    let books = Books::of(stores, &answered)?;
    if books.told.len() != counted {
        bail!(
            "{counted} events were sent, and the books have {}",
            books.told.len()
        );
    }
    members::one_refusal(&books)?;
    members::on_orders(&client, &answered).await?;
    let with_poslog: Vec<&Told> = books
        .told
        .iter()
        .filter(|one| {
            retailers
                .iter()
                .any(|r| r.name == one.retailer && r.wants_poslogs())
        })
        .collect();
    show::step("waiting until every event has had its effect");
    let status = settled(&client, with_poslog.len()).await?;
    show::step("checking events and POSLOGs");
    verify::figures(&status, counted, with_poslog.len())?;
    let delivered = verify::effects(&client, &status, &with_poslog).await?;
    let checked = !delivered.is_empty() && verify::poslogs(folder, &with_poslog, &delivered)?;
    if let Some(shown) = worth_showing(&with_poslog, &delivered) {
        show_poslog(delivered.len(), &shown.path)?;
    }
    let got = rest(&client, retailers, &books, &status, &with_poslog).await?;
    table::stores(&status)?;
    table::retailers(&got, &books);
    let poslogs = match (with_poslog.is_empty(), checked) {
        (true, _) => "no POSLOG was asked for",
        (_, true) => "every POSLOG valid and true",
        (_, false) => "POSLOGs not validated",
    };
    show::line(&format!(
        "All right: {counted} events, each with one effect; {poslogs}; {} drawers even, {} over, \
         {} short; reports, settlements and catalogues come to what was sold, paid out and imported.",
        books.drawers.even, books.drawers.over, books.drawers.short
    ));
    keep::look(retailers, &books, &got)
}

/// Statements, products and runs, one retailer after the other.
async fn rest<'a>(
    client: &Client,
    retailers: &'a [Retailer],
    books: &Books<'_>,
    status: &Value,
    with_poslog: &[&Told],
) -> Result<Vec<Got<'a>>> {
    show::step("handing in statements, importing products, running what writes files");
    let directories = &status["directories"];
    let mut all = Vec::new();
    for retailer in retailers {
        let settled = statements::settle(client, retailer, directories).await?;
        let known = runs::Known {
            told: &books.told,
            products: products::import(client, retailer).await?,
            settled: &settled,
        };
        let written = runs::run(client, retailer, &known, directories).await?;
        let own = |one: &&&Told| one.retailer == retailer.name;
        all.push(Got {
            retailer,
            poslogs: with_poslog.iter().filter(own).count(),
            settled,
            written,
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

async fn put_stores(client: &Client, stores: &[&Store]) -> Result<()> {
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
            bail!("not settled after {SETTLED_WITHIN:?}: {status}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// A sale with a discount and change, of a length that can be read; otherwise the first.
fn worth_showing<'a>(told: &[&Told], delivered: &'a [Delivered]) -> Option<&'a Delivered> {
    let worth = |told: &Told| {
        let list = |name: &str| told.argument[name].as_array().cloned().unwrap_or_default();
        let lines = list("lines");
        let discount = |line: &Value| line["discounts"].as_array().is_some_and(|d| !d.is_empty());
        told.kind == "sale"
            && (2..=3).contains(&lines.len())
            && lines.iter().any(discount)
            && list("tenders")
                .iter()
                .any(|tender| tender["change"].as_i64() > Some(0))
    };
    let found = delivered.iter().find(|one| worth(told[one.event]));
    found.or(delivered.first())
}

fn show_poslog(count: usize, path: &Path) -> Result<()> {
    let text = fs::read_to_string(path)?;
    show::step(&format!("one of {count} POSLOGs: {}", path.display()));
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
    Ok(())
}
