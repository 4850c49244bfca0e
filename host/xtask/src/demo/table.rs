//! What each retailer got, as a table.

use super::retailer::Retailer;
use super::runs::Written;
use super::statements::Settled;
use crate::show;
use anyhow::{Context, Result};
use galleria_simulator::ledger::{Books, Told};
use serde_json::Value;

/// What came of a retailer's day.
pub struct Got<'a> {
    pub retailer: &'a Retailer,
    pub poslogs: usize,
    pub settled: Settled,
    pub written: Written,
}

/// One row for each retailer.
pub fn retailers(got: &[Got<'_>], books: &Books<'_>) {
    let header = [
        "Retailer",
        "Stores",
        "Events",
        "POSLOGs",
        "Members",
        "Reports",
        "Statement",
        "Settlement",
        "Catalogue",
    ];
    let rows: Vec<Vec<String>> = got.iter().map(|got| row(got, books)).collect();
    show::table(&header, &rows, 1..4);
}

fn row(got: &Got<'_>, books: &Books<'_>) -> Vec<String> {
    let name = &got.retailer.name;
    let own = |one: &&Told| one.retailer == *name;
    let or_none = |count: usize, text: String| if count == 0 { "-".into() } else { text };
    let members = books.codes.get(name).map_or("-".into(), |codes| {
        let refused: usize = codes.refused.values().sum();
        format!("{} identified\n{refused} refused", codes.identified)
    });
    let Settled {
        lines,
        outcomes,
        by,
        ..
    } = &got.settled;
    let mut statement = format!("{lines} lines {by}");
    for (outcome, count) in outcomes {
        statement.push_str(&format!("\n{count} {outcome}"));
    }
    let written = &got.written;
    vec![
        name.clone(),
        got.retailer.stores.len().to_string(),
        books.told.iter().filter(own).count().to_string(),
        or_none(got.poslogs, got.poslogs.to_string()),
        members,
        or_none(written.reports, files(written.reports)),
        statement,
        or_none(written.settlements, files(written.settlements)),
        written
            .catalogue
            .map_or("-".into(), |rows| format!("{rows} rows")),
    ]
}

fn files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}

/// One row for each store, with what its events cost.
pub fn stores(status: &Value) -> Result<()> {
    let stores = status["stores"].as_array().context("stores")?;
    let rows = stores.iter().map(|store| {
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
        ]
    });
    let header = ["Retailer", "Store", "Events", "Documents", "CPU per event"];
    show::table(&header, &rows.collect::<Vec<_>>(), 2..5);
    Ok(())
}
