//! Runs all cases under `fixtures/`, checks that no line is lost or counted twice, and tests rejected
//! settings.

use flying_tiger_settlement::FlyingTigerSettlement;
use galleria_sdk::testkit::{self, Answer, Event, SettlementRow};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[test]
fn fixtures() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures");
    testkit::fixtures::<FlyingTigerSettlement>(folder);
}

fn event(settings: Value, rows: &[SettlementRow]) -> Event {
    let event = json!({
        "point": "write-settlement",
        "context": {
            "event_id": "run", "occurred_at": "2026-11-25T06:00:00.000+01:00", "business_date": "2026-11-24",
            "scope": { "retailer": "example" }, "settings": settings,
        },
        "window": {
            "id": "day-2026-11-24", "first": "2026-11-24", "last": "2026-11-24",
            "as_of": "2026-11-25T06:00:00.000+01:00", "stores": 2,
        },
        "settlement": rows,
    });
    serde_json::from_value(event).expect("an event")
}

/// The rows of the file as maps by column.
fn written(settings: Value, rows: &[SettlementRow]) -> (Answer, Vec<BTreeMap<String, String>>) {
    let outcome = testkit::run::<FlyingTigerSettlement>(&event(settings, rows)).expect("served");
    let file = outcome.files.first().map_or(&[][..], |file| &file.body);
    let text = std::str::from_utf8(file).expect("UTF-8");
    let mut lines = text.lines().map(|line| line.split(',').map(str::to_owned));
    let header: Vec<String> = lines.next().expect("a header").collect();
    let named = lines.map(|cells| header.iter().cloned().zip(cells).collect());
    (outcome.answer, named.collect())
}

const KINDS: [&str; 8] = [
    "payment",
    "payment",
    "payment",
    "refund",
    "chargeback",
    "chargeback-reversal",
    "fee",
    "other",
];
const OUTCOMES: [&str; 7] = [
    "matched",
    "amount-mismatch",
    "currency-mismatch",
    "fee-mismatch",
    "duplicate",
    "unmatched",
    "not-applicable",
];

/// Random lines, in the order of the feed.
fn lines(rng: &mut ChaCha8Rng) -> Vec<SettlementRow> {
    let mut rows = Vec::new();
    for statement in 0..rng.random_range(0..4) {
        let paid_currency = ["EUR", "DKK", "JPY"][rng.random_range(0..3)];
        for store in ["", "0042", "0077"] {
            for day in ["", "2026-11-23", "2026-11-24"] {
                for _ in 0..rng.random_range(0..6) {
                    let converted = rng.random_range(-50_000..50_000);
                    let fee = rng.random_range(-10..500);
                    rows.push(SettlementRow {
                        outcome: OUTCOMES[rng.random_range(0..7)].into(),
                        kind: KINDS[rng.random_range(0..8)].into(),
                        provider: "adyen".into(),
                        account: ["", "nordics"][statement % 2].into(),
                        // Two accounts have a payout with the same reference.
                        statement: (statement / 2).to_string(),
                        paid_on: "2026-11-24".into(),
                        store: store.into(),
                        business_date: day.into(),
                        entry: String::new(),
                        psp_reference: "P".into(),
                        merchant_reference: "M".into(),
                        booked_at: "2026-11-23".into(),
                        currency: ["EUR", "DKK"][rng.random_range(0..2)].into(),
                        gross: rng.random_range(-50_000..50_000),
                        paid_currency: paid_currency.into(),
                        converted,
                        fee,
                        net: converted - fee,
                        difference: rng.random_range(-2..3),
                    });
                }
            }
        }
    }
    rows
}

/// Returns the minor units of a cell, for any number of digits.
fn minor(row: &BTreeMap<String, String>, column: &str) -> i64 {
    row[column].replace('.', "").parse().expect("an amount")
}

#[test]
fn every_line_is_counted_once() {
    for seed in 0..300 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let lines = lines(&mut rng);
        let (answer, rows) = written(json!({}), &lines);
        let Answer::Totals(totals) = answer else {
            panic!("seed {seed}: {answer:?}");
        };
        assert_eq!(totals.rows, lines.len() as u64, "seed {seed}");
        let statements: Vec<_> = rows
            .iter()
            .filter(|row| row["record"] == "statement")
            .collect();
        let mut expected: BTreeMap<(&str, &str), [i64; 4]> = BTreeMap::new();
        for line in &lines {
            let sums = expected
                .entry((&line.account, &line.statement))
                .or_default();
            for (sum, more) in sums.iter_mut().zip([1, line.converted, line.fee, line.net]) {
                *sum += more;
            }
        }
        assert_eq!(statements.len(), expected.len(), "seed {seed}");
        for total in statements {
            let of =
                |row: &BTreeMap<String, String>| (row["account"].clone(), row["statement"].clone());
            let name = of(total);
            let days: Vec<_> = rows
                .iter()
                .filter(|row| row["record"] == "day" && of(row) == name)
                .collect();
            let columns = ["lines", "gross", "fee", "net"];
            for (column, sum) in columns.iter().zip(expected[&(&*name.0, &*name.1)]) {
                assert_eq!(minor(total, column), sum, "seed {seed}, {name:?}, {column}");
                let of_days: i64 = days.iter().map(|day| minor(day, column)).sum();
                assert_eq!(of_days, sum, "seed {seed}, {name:?}, {column}");
            }
            for row in days.iter().chain([&total]) {
                let sum = |names: [&str; 5]| {
                    names
                        .iter()
                        .map(|name| minor(row, &format!("{name}_net")))
                        .sum::<i64>()
                };
                let kinds = sum(["sales", "refunds", "chargebacks", "fees", "other"]);
                let outcomes = sum([
                    "matched",
                    "mismatched",
                    "duplicates",
                    "unmatched",
                    "not_applicable",
                ]);
                assert_eq!(
                    (kinds, outcomes),
                    (minor(row, "net"), minor(row, "net")),
                    "seed {seed}"
                );
            }
        }
    }
}

#[test]
fn sums_beyond_64_bits_are_rejected() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut line = (0..).find_map(|_| lines(&mut rng).pop()).expect("a line");
    (line.converted, line.fee, line.net) = (i64::MAX, 0, i64::MAX);
    let outcome =
        testkit::run::<FlyingTigerSettlement>(&event(json!({}), &[line.clone(), line.clone()]));
    assert_eq!(outcome.expect("served").problems().len(), 1);
    line.outcome = "lost".into();
    let outcome = testkit::run::<FlyingTigerSettlement>(&event(json!({}), &[line]));
    assert_eq!(
        outcome.expect("served").problems(),
        ["settlement.outcome: the outcome `lost` is unknown"]
    );
}

#[test]
fn settings_that_would_break_a_file_are_rejected_before_any_run() {
    let problems = |settings: Value| {
        let problems =
            galleria_sdk::__private::check::<FlyingTigerSettlement>(&settings.to_string());
        problems
            .into_iter()
            .map(|problem| problem.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(problems(json!({})), Vec::<String>::new());
    let unknown = problems(json!({ "columns": [{ "column": "sales_gros", "header": "x" }] }));
    assert!(
        unknown[0]
            .starts_with("columns.0.column: unknown column `sales_gros`; known columns: record, "),
        "{unknown:?}"
    );
    let column = json!([{ "column": "net", "header": "net" }]);
    assert_eq!(problems(json!({ "columns": column })).len(), 1);
    assert_eq!(
        problems(json!({ "columns": column, "totals": false })),
        Vec::<String>::new()
    );
    for name in [
        "x.csv",
        "{scope}.csv",
        "../{scope}{window}",
        ".{scope}{window}",
        "{scope}{window}{day}",
    ] {
        assert_eq!(problems(json!({ "file_name": name })).len(), 1, "{name}");
    }
}
