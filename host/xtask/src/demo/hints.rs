//! `--keep`: prints commands to try and keeps the host running.

use super::retailer::Retailer;
use super::table::Actual;
use super::taxes::{Evaluated, Hosts};
use crate::show;
use anyhow::{Context, Result};
use galleria_simulator::ledger::{Ledger, RecordedEvent};
use std::path::PathBuf;

/// Examples for the commands.
pub struct Hints {
    /// An order that can still be refunded.
    order: String,
    /// A retailer with runs.
    retailer: String,
    /// The statement with the most lines.
    statement: String,
    /// One output file per retailer.
    files: Vec<PathBuf>,
    /// A retailer with products.
    products: Option<String>,
    /// A store whose taxes were compared.
    compared: Option<String>,
}

/// Selects the examples.
pub fn select(
    retailers: &[Retailer],
    ledger: &Ledger<'_>,
    results: &[Actual<'_>],
    taxes: Option<Evaluated>,
) -> Result<Hints> {
    let with_runs = results.iter().max_by_key(|one| one.files.reports);
    let largest = results.iter().max_by_key(|one| one.statement.lines);
    let with_products = retailers
        .iter()
        .find(|one| one.assortment.catalogue.is_some());
    Ok(Hints {
        order: refundable_order(&ledger.events).context("no refundable order")?,
        retailer: with_runs.context("no retailer")?.retailer.name.clone(),
        statement: largest.context("no statement")?.statement.id.clone(),
        files: results
            .iter()
            .filter_map(|one| one.files.files.last().cloned())
            .collect(),
        products: with_products.map(|one| one.name.clone()),
        compared: taxes.map(|one| one.store),
    })
}

/// Returns the largest sale without a later refund or void.
fn refundable_order(all: &[RecordedEvent]) -> Option<String> {
    let events = |order: &str| {
        let same = |one: &&RecordedEvent| one.order.as_deref() == Some(order);
        all.iter().filter(same).count()
    };
    let sales = all.iter().filter(|one| one.kind == "sale");
    let unchanged =
        sales.filter(|one| one.order.as_deref().is_some_and(|order| events(order) == 1));
    unchanged
        .max_by_key(|one| one.argument["gross"].as_i64())
        .and_then(|one| one.order.clone())
}

/// Prints the commands, waits for Ctrl-C and stops the host.
pub async fn keep(hosts: Hosts, hints: &Hints) -> Result<()> {
    let (url, key) = (&hosts.host.url, &hosts.host.key);
    let (order, retailer) = (&hints.order, &hints.retailer);
    show::line(&format!(
        "\nThe host is running at {url}. Try:\n\
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
        hints.statement,
        r#"{"id":"try-1","at":"2026-11-20T19:30:00Z","reason":"goodwill","extent":{"amount":100}}"#
    ));
    if let Some(products) = &hints.products {
        show::line(&format!(
            "  curl -s -H \"$KEY\" '{url}/v1/retailers/{products}/products?limit=3'"
        ));
    }
    if let Some(store) = &hints.compared {
        show::line(&format!(
            "  curl -s -H \"$KEY\" '{url}/v1/stores/{store}/tax-comparisons?outcome=different&limit=1'"
        ));
    }
    for file in &hints.files {
        show::line(&format!("  head -5 {}", file.display()));
    }
    show::line("\nPress Ctrl-C to stop it.");
    tokio::signal::ctrl_c().await?;
    show::step("stopping the host and the tax service");
    hosts.stop()
}
