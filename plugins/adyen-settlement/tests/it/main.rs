//! All integration tests of this package in one binary, which links faster than several.

mod amounts;
mod fixtures;
mod formats;
mod forms;
mod mutations;
mod refusals;
mod settings;

use adyen_settlement::AdyenSettlement;
use galleria_sdk::testkit::{Outcome, changed_lines, read_statement};
use serde_json::json;

/// A valid file.
const GOOD: &str = include_str!("../../fixtures/a-batch/settlement_detail_report_batch_214.csv");

fn read(text: impl Into<Vec<u8>>) -> Outcome {
    read_statement::<AdyenSettlement>("report.csv", text, json!({}))
}

/// The valid file with one change in one row, which must exist.
fn changed(row: usize, from: &str, to: &str) -> String {
    changed_lines(GOOD, row, from, to).join("\r\n")
}
