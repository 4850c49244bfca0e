//! Rejected files, with row and column of each problem. The same table in another format gives the same
//! statement.

use galleria_sdk::testkit::{Outcome, dressed, read_statement};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use stripe_payout::StripePayout;

const GOOD: &str = include_str!("../../fixtures/a-payout/payout_reconciliation-itemized-5.csv");

fn read(text: impl Into<Vec<u8>>) -> Outcome {
    read_statement::<StripePayout>("payout.csv", text, json!({}))
}

/// The valid file with one change in one row, which must exist.
fn changed(row: usize, from: &str, to: &str) -> String {
    let mut lines: Vec<String> = GOOD.lines().map(str::to_owned).collect();
    let line = &mut lines[row - 1];
    assert!(line.contains(from), "row {row} has no `{from}`: {line}");
    *line = line.replacen(from, to, 1);
    lines.join("\n")
}

#[test]
fn every_problem_names_row_and_column() {
    let cases = [
        (
            changed(2, "34.50", "1E-80000000"),
            "row 2, gross: `1E-80000000` is not an amount",
        ),
        (
            changed(2, "34.50", "NaN"),
            "row 2, gross: `NaN` is not an amount",
        ),
        (changed(2, "34.50", ""), "row 2, gross: `` is not an amount"),
        (
            changed(2, "0.77", "0.775"),
            "row 2, fee: `0.775` has more digits",
        ),
        (
            changed(2, "33.73", "92233720368547758.08"),
            "row 2, net: `92233720368547758.08` is too large",
        ),
        (
            changed(2, "33.73", "33.72"),
            "row 2, net: is 33.72, and 34.50 less the fee of 0.77 is 33.73",
        ),
        (
            changed(2, "34.50,0.77,33.73", "-34.50,0.77,-35.27"),
            "row 2, gross: has the wrong sign: a payment cannot be negative",
        ),
        (
            changed(2, "34.50,0.77,33.73", "34.50,-0.77,35.27"),
            "row 2, fee: has the wrong sign: the fee of a payment",
        ),
        (
            changed(5, "-9.99,0.00,-9.99", "9.99,0.00,9.99"),
            "row 5, gross: has the wrong sign: a refund cannot be positive",
        ),
        (
            changed(6, "-34.50,15.00,-49.50", "34.50,15.00,19.50"),
            "row 6, gross: has the wrong sign: a chargeback",
        ),
        (
            changed(3, "charge", "chrage"),
            "row 3, reporting_category: `chrage` is unknown; known values: charge, ",
        ),
        (
            changed(3, ",eur,9.99", ",usd,9.99"),
            "row 3, currency: `USD` differs from `EUR` in row 2: a file must contain one payout",
        ),
        (
            changed(3, ",eur,9.99", ",euro,9.99"),
            "row 3, currency: `euro` is not a currency",
        ),
        (
            changed(3, "po_1QMxAtExample0001", "po_2"),
            "row 3, automatic_payout_id: `po_2` differs from",
        ),
        (
            changed(3, "po_1QMxAtExample0001", ""),
            "row 3, automatic_payout_id: is empty",
        ),
        (
            changed(3, "2026-11-24 00:00:00", "2026-11-25 00:00:00"),
            "row 3, automatic_payout_effective_at_utc: `2026-11-25` differs",
        ),
        (
            changed(3, "2026-11-20 12:01:44", "20/11/2026"),
            "row 3, created_utc: `20/11/2026` is not a time",
        ),
        (
            changed(3, "txn_3QMxExample0002", ""),
            "row 3, balance_transaction_id: is empty",
        ),
        (
            changed(4, "199.00", "199.001"),
            "row 4, customer_facing_amount: `199.001` has more digits",
        ),
        (
            changed(4, "dkk", "d"),
            "row 4, customer_facing_currency: `d` is not a currency",
        ),
        (
            changed(7, ",fee,", ",payout,"),
            "row 9, reporting_category: row 7 is a payout too",
        ),
        (
            changed(9, "-9.14,0.00,-9.14", "9.14,0.00,9.14"),
            "row 9, net: has the wrong sign: a payout",
        ),
        (
            changed(9, "-9.14,0.00,-9.14", "-9.15,0.00,-9.15"),
            "row 9, net: the total is 9.15, and the 7 lines add up to 9.14",
        ),
        (
            changed(9, ",payout,", ",transfer,"),
            "row 9, reporting_category: the file has no payout row",
        ),
        (
            changed(3, ",ES-0007-100118", ""),
            "row 3, payment_metadata[order_id]: the row has 16 cells, but the header has 17",
        ),
        (changed(1, "net", "nett"), "row 1, net: is missing"),
        (
            changed(1, "description", "fee"),
            "row 1, fee: occurs 2 times in the header",
        ),
        (
            changed(2, "POS 0007", "POS\u{0}0007"),
            "row 2, description: has a control character, U+0000",
        ),
        (
            changed(2, "POS 0007", &"P".repeat(4097)),
            "row 2, description: has more than 4096 bytes",
        ),
        (
            changed(2, "txn_3QMxExample0001", &"t".repeat(301)),
            "row 2, balance_transaction_id: has more than 300 bytes",
        ),
        (
            changed(2, "ch_A1,pi_A1", &[&"c".repeat(301), ",pi_A1"].concat()),
            "row 2, charge_id: has more than 300 bytes",
        ),
        (
            changed(5, "re_A2", "\"re\nA2\""),
            "row 5, source_id: `re\u{fffd}A2` must be one line",
        ),
        (
            String::new(),
            "row 1, reporting_category: the file is empty or ends before its header",
        ),
    ];
    for (text, expected) in cases {
        let problems = read(text).problems();
        let found = problems.iter().any(|problem| problem.starts_with(expected));
        assert!(found, "{expected}\n{problems:#?}");
    }
    let long = changed(3, "ES-0007-100118", &"9".repeat(301));
    let settings = json!({ "merchant_reference": "payment_metadata[order_id]" });
    let outcome = read_statement::<StripePayout>("payout.csv", long, settings);
    let expected = "row 3, payment_metadata[order_id]: has more than 300 bytes";
    assert_eq!(outcome.problems()[0], expected);
    let settings = json!({ "merchant_reference": "payment_metadata[order]" });
    let outcome = read_statement::<StripePayout>("payout.csv", GOOD, settings);
    assert!(outcome.problems()[0].starts_with("row 1, payment_metadata[order]: is missing"));
}

#[test]
fn options_of_the_report_are_settings() {
    let local = GOOD
        .replace("created_utc", "created")
        .replace("effective_at_utc", "effective_at");
    assert_eq!(
        read(local.clone()).statement[0].booked_at,
        "2026-11-20T10:11:12.000Z"
    );
    let settings = json!({ "time_zone": "local", "psp_reference": "payment_intent_id" });
    let outcome = read_statement::<StripePayout>("payout.csv", local, settings);
    let first = &outcome.statement[0];
    assert_eq!(
        (first.booked_at.as_str(), first.psp_reference.as_str()),
        ("2026-11-20", "pi_A1")
    );

    let whole: Vec<&str> = GOOD.lines().collect();
    let filtered = whole[..4].join("\n");
    let outcome =
        read_statement::<StripePayout>("payout.csv", filtered, json!({ "payout": "optional" }));
    assert_eq!(outcome.statement_header.expect("a statement").total, None);
}

#[test]
fn the_same_table_in_another_format_gives_the_same_statement() {
    let rows: Vec<Vec<String>> = GOOD
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect())
        .collect();
    let plain = read(GOOD);
    assert_eq!(plain.problems(), Vec::<String>::new());
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let other = read(dressed(&rows, ',', &mut |count| rng.random_range(0..count)));
        assert_eq!(plain.answer, other.answer, "seed {seed}");
        assert_eq!(
            plain.statement_header, other.statement_header,
            "seed {seed}"
        );
        let lines = |outcome: &Outcome| -> Vec<_> {
            let rowless = |mut line: galleria_sdk::StatementLine| {
                line.row = 0;
                line
            };
            outcome.statement.iter().cloned().map(rowless).collect()
        };
        assert_eq!(lines(&plain), lines(&other), "seed {seed}");
    }
}
