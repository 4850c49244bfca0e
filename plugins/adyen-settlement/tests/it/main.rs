//! All integration tests of this package in one binary, which links faster than several.

mod amounts;
mod fixtures;
mod formats;
mod forms;
mod mutations;
mod refusals;
mod settings;

use adyen_settlement::AdyenSettlement;
use galleria_sdk::testkit::{Outcome, read_statement};
use serde_json::json;

/// A valid file.
const GOOD: &str = include_str!("../../fixtures/a-batch/settlement_detail_report_batch_214.csv");

fn read(text: impl Into<Vec<u8>>) -> Outcome {
    read_statement::<AdyenSettlement>("report.csv", text, json!({}))
}

/// The valid file with one change in one row, which must exist.
fn changed(row: usize, from: &str, to: &str) -> String {
    let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
    let line = &mut lines[row - 1];
    assert!(line.contains(from), "row {row} has no `{from}`: {line}");
    *line = line.replacen(from, to, 1);
    lines.join("\r\n")
}
