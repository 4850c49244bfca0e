//! The tables at the end of the demo.

use super::retailer::Retailer;
use super::runs::RunFiles;
use super::statements::MatchedStatement;
use crate::show;
use anyhow::{Context, Result};
use galleria_simulator::ledger::{Ledger, RecordedEvent};
use serde_json::Value;

/// The results of a retailer.
pub struct Actual<'a> {
    pub retailer: &'a Retailer,
    pub poslogs: usize,
    pub statement: MatchedStatement,
    pub files: RunFiles,
}

/// Prints one row per retailer.
pub fn retailers(results: &[Actual<'_>], ledger: &Ledger<'_>) {
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
    let rows: Vec<Vec<String>> = results.iter().map(|actual| row(actual, ledger)).collect();
    show::table(&header, &rows, 1..4);
}

fn row(actual: &Actual<'_>, ledger: &Ledger<'_>) -> Vec<String> {
    let name = &actual.retailer.name;
    let own = |event: &&RecordedEvent| event.retailer == *name;
    let or_none = |count: usize, text: String| if count == 0 { "-".into() } else { text };
    let members = ledger
        .identifications
        .get(name)
        .map_or("-".into(), |counts| {
            let rejected: usize = counts.rejected.values().sum();
            format!("{} identified\n{rejected} rejected", counts.identified)
        });
    let MatchedStatement {
        lines,
        outcomes,
        delivery,
        ..
    } = &actual.statement;
    let mut statement = format!("{lines} lines {delivery}");
    for (outcome, count) in outcomes {
        statement.push_str(&format!("\n{count} {outcome}"));
    }
    let files = &actual.files;
    vec![
        name.clone(),
        actual.retailer.stores.len().to_string(),
        ledger.events.iter().filter(own).count().to_string(),
        or_none(actual.poslogs, actual.poslogs.to_string()),
        members,
        or_none(files.reports, count_of_files(files.reports)),
        statement,
        or_none(files.settlements, count_of_files(files.settlements)),
        files
            .catalogue
            .map_or("-".into(), |rows| format!("{rows} rows")),
    ]
}

fn count_of_files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}

/// Prints one row per store, with the CPU time of its events.
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
