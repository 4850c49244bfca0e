//! Every plugin's rejection of every invalid statement names row and column, and leaves nothing of the file
//! behind.

use super::tabular::Grid;
use super::{Sample, readers, samples, sent};
use crate::host::{Database, Host, staged};
use galleria_test_database::TestDatabase;
use serde_json::json;

/// The errors that each plugin must reject.
const REFUSALS: [&str; 8] = [
    "a wrong sign",
    "a net that is not gross less fee",
    "two currencies",
    "two payouts",
    "a total that does not add up",
    "an exponent",
    "a cell beyond its bound",
    "an unknown type",
];

/// The currency of records is only in their header: a second one means a second payout.
const CANNOT_BE: [(&str, &str); 1] = [("fixed-statement", "two currencies")];

/// A file with one error, and the expected position.
struct Case {
    what: &'static str,
    file: Grid,
    /// From 0.
    row: usize,
    column: &'static str,
}

/// The positions of the cells to change.
struct Good {
    grid: Grid,
    /// A sale in the payout's currency.
    sale: usize,
    /// A line after others.
    later: usize,
}

impl Good {
    fn of(sample: &Sample) -> Self {
        let grid = Grid::of(sample);
        let sale = grid.find(match sample.plugin.as_str() {
            "adyen-settlement" => &[("Type", "Settled"), ("Exchange Rate", "1")],
            "stripe-payout" => &[("reporting_category", "charge")],
            "delimited-statement" => &[("Opération", "VENTE")],
            "fixed-statement" => &[("kind", "PAY")],
            other => panic!("{other}: no errors are known for this plugin"),
        });
        let later = grid.last() - 1;
        Self { grid, sale, later }
    }

    /// Changes cells in a row. The expected position is the first, unless another one is named.
    fn with(&self, what: &'static str, row: usize, cells: &[(&'static str, &str)]) -> Case {
        let spoil = |grid: Grid, (column, value): &(&str, &str)| grid.with(row, column, value);
        Case {
            what,
            file: cells.iter().fold(self.grid.clone(), spoil),
            row,
            column: cells[0].0,
        }
    }

    /// Repeats a row.
    fn again(&self, row: usize, before: usize, column: &'static str) -> Case {
        Case {
            what: "two payouts",
            file: self.grid.again(row, before),
            row: before,
            column,
        }
    }

    fn end(&self) -> usize {
        self.grid.last() + 1
    }
}

/// The column of a cell that only the reader limits, and the column of a reference.
fn long(good: &Good, cell: &'static str, reference: &'static str) -> [Case; 2] {
    let what = "a cell beyond its bound";
    [
        good.with(what, good.sale, &[(cell, &"v".repeat(5_000))]),
        good.with(what, good.sale, &[(reference, &"9".repeat(301))]),
    ]
}

fn adyen(good: &Good) -> Vec<Case> {
    let (sale, later, payout) = (good.sale, good.later, good.grid.last());
    let mut cases = vec![
        good.with("a wrong sign", sale, &[("Gross Credit (GC)", "-12.00")]),
        // A received amount is not a refund.
        Case {
            column: "Gross Credit (GC)",
            ..good.with("a wrong sign", sale, &[("Type", "Refunded")])
        },
        good.with(REFUSALS[1], sale, &[("Net Credit (NC)", "0.01")]),
        good.with("two currencies", later, &[("Net Currency", "EUR")]),
        good.with("two payouts", later, &[("Batch Number", "215")]),
        good.again(payout, good.end(), "Type"),
        good.with(REFUSALS[4], payout, &[("Net Debit (NC)", "1.00")]),
        good.with("an exponent", sale, &[("Gross Credit (GC)", "1E-80000000")]),
        good.with("an unknown type", sale, &[("Type", "Setled")]),
    ];
    cases.extend(long(good, "Payment Method", "Merchant Reference"));
    cases
}

fn stripe(good: &Good) -> Vec<Case> {
    let (sale, later, payout) = (good.sale, good.later, good.grid.last());
    let back = [("gross", "-5.00"), ("fee", "0.00"), ("net", "-5.00")];
    let other = [("net", "-1.00"), ("gross", "-1.00")];
    let mut cases = vec![
        good.with("a wrong sign", sale, &back),
        good.with(REFUSALS[1], sale, &[("net", "0.01")]),
        good.with("two currencies", later, &[("currency", "usd")]),
        good.with("two payouts", later, &[("automatic_payout_id", "po_other")]),
        good.again(payout, good.end(), "reporting_category"),
        good.with(REFUSALS[4], payout, &other),
        good.with("an exponent", sale, &[("gross", "1E-80000000")]),
        good.with("an unknown type", sale, &[("reporting_category", "chrage")]),
    ];
    cases.extend(long(good, "description", "payment_metadata[order]"));
    cases
}

fn delimited(good: &Good) -> Vec<Case> {
    let (sale, later, total) = (good.sale, good.later, good.grid.last());
    let back = [("Brut", "-5,00"), ("Commission", "0,00"), ("Net", "-5,00")];
    let mut cases = vec![
        good.with("a wrong sign", sale, &back),
        good.with(REFUSALS[1], sale, &[("Net", "0,01")]),
        good.with("two currencies", later, &[("Devise", "CHF")]),
        good.with("two payouts", later, &[("Versement", "VRS-2")]),
        good.with("two payouts", later, &[("Versé le", "24/11/2026")]),
        good.again(total, good.end(), "Opération"),
        good.with(REFUSALS[4], total, &[("Net", "1,00")]),
        good.with(REFUSALS[4], total, &[("Brut", "1,00")]),
        good.with(REFUSALS[4], total, &[("Commission", "1,00")]),
        good.with("an exponent", sale, &[("Brut", "1E-80000000")]),
        good.with("an unknown type", sale, &[("Opération", "VENTRE")]),
    ];
    cases.extend(long(good, "Commande", "Transaction"));
    cases
}

/// A field has a fixed length, so only a record can exceed its limit.
fn fixed(good: &Good) -> Vec<Case> {
    let (sale, trailer) = (good.sale, good.grid.last());
    let back = [
        ("gross", "-000000000500"),
        ("fee", "0"),
        ("net", "-000000000500"),
    ];
    vec![
        good.with("a wrong sign", sale, &back),
        good.with(REFUSALS[1], sale, &[("net", "+000000000001")]),
        good.again(0, good.later, "record"),
        good.again(sale, good.end(), "record"),
        good.with(REFUSALS[4], trailer, &[("net", "+000000000001")]),
        good.with(REFUSALS[4], trailer, &[("count", "00000001")]),
        good.with("an exponent", sale, &[("gross", "1E-80000000")]),
        Case {
            column: "record",
            ..good.with(REFUSALS[6], sale, &[("net", &"0".repeat(5_000))])
        },
        good.with("an unknown type", sale, &[("kind", "PAX")]),
    ]
}

fn cases(sample: &Sample) -> Vec<Case> {
    let good = Good::of(sample);
    let cases = match sample.plugin.as_str() {
        "adyen-settlement" => adyen(&good),
        "stripe-payout" => stripe(&good),
        "delimited-statement" => delimited(&good),
        _ => fixed(&good),
    };
    for refusal in REFUSALS {
        let cannot_be = CANNOT_BE.contains(&(&sample.plugin, refusal));
        let has = cases.iter().any(|case| case.what == refusal);
        assert!(has != cannot_be, "{}: {refusal}", sample.plugin);
    }
    cases
}

/// The number of rows of statements and of their lines, in any state.
async fn rows(host: &Host) -> [i64; 2] {
    let mut database = TestDatabase::connect(&host.database().url).await;
    let count = "SELECT (SELECT COUNT(*) FROM statements), (SELECT COUNT(*) FROM statement_lines)";
    let counts = database.integers(count).await;
    counts.try_into().expect("two numbers")
}

on_both!(every_rejection_names_row_and_column_and_nothing_is_imported);

async fn every_rejection_names_row_and_column_and_nothing_is_imported(database: Database) {
    let retailers = readers();
    let mut host = Host::with(retailers.path().into(), staged()).on(database);
    host.start().await;
    let samples = samples();
    for sample in &samples {
        for case in cases(sample) {
            let of = format!("{} of {}", case.what, sample.plugin);
            let (status, answer) = sent(&host, sample, case.file.bytes()).await;
            let result = (status, &answer["code"]);
            assert_eq!(result, (422, &json!("file_refused")), "{of}: {answer:#}");
            let errors = answer["errors"].as_array().expect("errors");
            let [error] = errors.as_slice() else {
                panic!("{of}: {answer:#}");
            };
            let result = (&error["row"], &error["field"]);
            let wanted = (&json!(case.row + 1), &json!(case.column));
            assert_eq!(result, wanted, "{of}: {answer:#}");
            let page = host.get("/v1/statements").await.expect("a list");
            assert_eq!(page["statements"], json!([]), "{of}");
            assert_eq!(rows(&host).await, [0, 0], "{of}");
        }
    }
    let kept = || {
        let folder = |sample: &Sample| host.data().join("statements").join(&sample.retailer);
        let folders = samples.iter().map(folder);
        folders
            .map(|folder| std::fs::read_dir(folder).map_or(0, Iterator::count))
            .sum::<usize>()
    };
    let mut rejected = 0;
    for sample in &samples {
        let path = format!(
            "/v1/statements/rejected?limit=200&retailer={}",
            sample.retailer
        );
        let list = host.get(&path).await.expect("a list");
        rejected += list["rejected"].as_array().expect("files").len();
    }
    assert!(rejected > 0);
    assert_eq!(kept(), rejected, "the original of each rejected file");
    // Each was rejected for its error: the unchanged files are imported.
    let mut lines = 0;
    for sample in &samples {
        let (status, answer) = sent(&host, sample, Grid::of(sample).bytes()).await;
        assert_eq!(status, 201, "{}: {answer:#}", sample.plugin);
        lines += answer["lines"].as_i64().expect("lines");
    }
    assert_eq!(rows(&host).await, [samples.len() as i64, lines]);
    assert_eq!(kept(), rejected + samples.len());
    host.stop();
}
