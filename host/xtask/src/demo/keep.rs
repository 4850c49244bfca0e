//! `--keep`: the host stays up, and what to try next is told.

use super::host::Host;
use super::retailer::Retailer;
use super::table::Got;
use crate::show;
use anyhow::{Context, Result};
use galleria_simulator::ledger::{Books, Told};
use std::path::PathBuf;

/// What is worth a look.
pub struct Look {
    /// An order that can still be given back.
    order: String,
    /// A retailer with runs.
    retailer: String,
    /// The statement with the most lines.
    statement: String,
    /// Files that runs wrote, one of each retailer.
    files: Vec<PathBuf>,
    /// A retailer's file of products.
    products: Option<String>,
}

/// Finds something of everything.
pub fn look(retailers: &[Retailer], books: &Books<'_>, got: &[Got<'_>]) -> Result<Look> {
    let with_runs = got.iter().max_by_key(|got| got.written.reports);
    let largest = got.iter().max_by_key(|got| got.settled.lines);
    let with_products = retailers
        .iter()
        .find(|one| one.assortment.catalogue.is_some());
    Ok(Look {
        order: to_look_at(&books.told).context("an order to look at")?,
        retailer: with_runs.context("a retailer")?.retailer.name.clone(),
        statement: largest.context("a statement")?.settled.id.clone(),
        files: got
            .iter()
            .filter_map(|got| got.written.files.last().cloned())
            .collect(),
        products: with_products.map(|one| one.name.clone()),
    })
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

/// Says what to try, and waits for Ctrl-C.
pub async fn keep(mut host: Host, look: &Look) -> Result<()> {
    let (url, key) = (&host.url, &host.key);
    let (order, retailer) = (&look.order, &look.retailer);
    show::line(&format!(
        "\nThe host stays up at {url}. Try:\n\
         \n  KEY='Authorization: Bearer {key}'\
         \n  curl -s -H \"$KEY\" {url}/v1/status\
         \n  curl -s -H \"$KEY\" {url}/v1/orders/{order}\
         \n  curl -s -H \"$KEY\" {url}/v1/orders/{order}/documents\
         \n  curl -s -H \"$KEY\" {url}/v1/orders/{order}/journal\
         \n  curl -s -H \"$KEY\" '{url}/v1/runs?retailer={retailer}'\
         \n  curl -s -H \"$KEY\" {url}/v1/statements\
         \n  curl -s -H \"$KEY\" '{url}/v1/statements/{}/lines?outcome=unmatched'\
         \n  curl -s -X POST -H \"$KEY\" {url}/v1/orders/{order}/refunds -H 'Content-Type: application/json' \\\
         \n    -H 'Idempotency-Key: try-1' -d '{}'",
        look.statement,
        r#"{"id":"try-1","at":"2026-11-20T19:30:00Z","reason":"goodwill","extent":{"amount":100}}"#
    ));
    if let Some(products) = &look.products {
        show::line(&format!(
            "  curl -s -H \"$KEY\" '{url}/v1/retailers/{products}/products?limit=3'"
        ));
    }
    for file in &look.files {
        show::line(&format!("  head -5 {}", file.display()));
    }
    show::line("\nCtrl-C stops it.");
    tokio::signal::ctrl_c().await?;
    show::step("draining");
    host.ended().await
}
