//! Rejected files, with row and column of each problem. The same table in another format gives the same
//! statement.

use galleria_sdk::testkit::{Outcome, changed_lines, dressed, read_statement};
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
    changed_lines(GOOD, row, from, to).join("\n")
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
        (
            changed(2, "34.50", "\"34,50\""),
            "row 2, gross: `34,50` contains `,`, but the decimal mark is `.` and there is no thousands mark: check the settings decimal_mark and thousands",
        ),
        (
            changed(2, "34.50", "$34.50"),
            "row 2, gross: `$34.50` has the currency `$`, but the currency of the amount is EUR",
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
            "row 3, reporting_category: `chrage` is unknown: correct it, or add it to the setting categories; similar known values: charge, ",
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
            "row 3, created_utc: `20/11/2026` is not a date in the form yyyy-mm-dd",
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
fn all_problems_of_a_row_are_reported() {
    let text = changed(4, "26.66,0.65,26.01", "x,y,z")
        .replacen("2026-11-20 15:20:00", "20/11/2026", 1)
        .replacen("199.00,dkk", "199.00,d", 1)
        .replacen("ch_A3,pi_A3", &["\"ch\nA3\"", ",pi_A3"].concat(), 1);
    let expected = [
        "row 4, gross: `x` is not an amount",
        "row 4, fee: `y` is not an amount",
        "row 4, net: `z` is not an amount",
        "row 4, created_utc: `20/11/2026` is not a date in the form yyyy-mm-dd",
        "row 4, charge_id: `ch\u{fffd}A3` must be one line",
    ];
    let problems = read(text).problems();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{expected}\n{problems:#?}");
    }
    // A wrong sign and a wrong net are reported together with an invalid cell.
    let text = changed(5, "-9.99,0.00,-9.99", "9.99,0.00,9.98").replacen("09:00:00", "09:60:00", 1);
    let problems = read(text).problems();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    let text = changed(3, "charge", "chrage").replacen("0.40", "0.4.0", 1);
    let problems = read(text).problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
}

/// The valid file without some columns.
fn without(columns: &[&str]) -> String {
    let mut rows = GOOD.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let header = rows.next().expect("a header");
    let keep = |cells: &[&str]| {
        let cells = header.iter().zip(cells);
        let cells = cells.filter(|(name, _)| !columns.contains(name));
        cells.map(|(_, cell)| *cell).collect::<Vec<_>>().join(",")
    };
    let mut lines = vec![keep(&header)];
    lines.extend(rows.map(|cells| keep(&cells)));
    lines.join("\n")
}

#[test]
fn a_report_without_the_charge_has_the_references_that_remain() {
    let references = |text: String, settings| {
        let outcome = read_statement::<StripePayout>("payout.csv", text, settings);
        assert_eq!(outcome.problems(), Vec::<String>::new());
        let of = |line: &galleria_sdk::StatementLine| {
            [
                line.psp_reference.clone(),
                line.modification_reference.clone(),
            ]
        };
        outcome.statement.iter().map(of).collect::<Vec<_>>()
    };
    let whole = references(GOOD.to_owned(), json!({}));
    assert_eq!(whole[3], ["ch_A2", "re_A2"], "a refund");
    let found = references(without(&["charge_id"]), json!({}));
    assert_eq!(
        found[0],
        ["ch_A1", ""],
        "the source of a charge is the charge"
    );
    assert_eq!(
        found[3],
        ["pi_A2", "re_A2"],
        "a refund has the payment's intent"
    );
    assert_eq!(
        found[4],
        ["pi_A1", "dp_A1"],
        "a dispute has the payment's intent"
    );
    let found = references(without(&["charge_id", "payment_intent_id"]), json!({}));
    assert_eq!(
        (&found[0], &found[3]),
        (
            &["ch_A1".into(), String::new()],
            &[String::new(), "re_A2".into()]
        )
    );

    let intent = json!({ "psp_reference": "payment_intent_id" });
    let found = references(without(&["charge_id"]), intent.clone());
    assert_eq!((&*found[0][0], &*found[3][0]), ("pi_A1", "pi_A2"));
    // A charge without an intent, and a charge without its id in a report that has the column.
    let found = references(changed(2, "ch_A1,pi_A1", "ch_A1,"), intent.clone());
    assert_eq!(found[0][0], "ch_A1");
    let found = references(changed(2, "ch_A1,pi_A1", ",pi_A1"), json!({}));
    assert_eq!(found[0][0], "ch_A1");

    let outcome =
        read_statement::<StripePayout>("payout.csv", without(&["payment_intent_id"]), intent);
    assert!(outcome.problems()[0].starts_with("row 1, payment_intent_id: is missing"));
}

#[test]
fn every_category_and_type_is_known() {
    // The values of `reporting_category` that a report run accepts, and of a balance transaction's `type`.
    let categories = "advance advance_funding anticipation_repayment charge charge_failure climate_order_purchase \
        climate_order_refund connect_collection_transfer connect_reserved_funds contribution dispute \
        dispute_reversal fee financing_paydown financing_paydown_reversal financing_payout \
        financing_payout_reversal issuing_authorization_hold issuing_authorization_release issuing_dispute \
        issuing_transaction network_cost other_adjustment partial_capture_reversal payout payout_reversal \
        platform_earning platform_earning_refund refund refund_failure risk_reserved_funds tax topup \
        topup_reversal transfer transfer_reversal unreconciled_customer_funds";
    let types = "adjustment advance advance_funding anticipation_repayment application_fee application_fee_refund \
        charge climate_order_purchase climate_order_refund connect_collection_transfer contribution \
        fee_credit_funding inbound_transfer inbound_transfer_reversal issuing_authorization_hold \
        issuing_authorization_release issuing_dispute issuing_transaction obligation_outbound \
        obligation_reversal_inbound payment payment_failure_refund payment_network_reserve_hold \
        payment_network_reserve_release payment_refund payment_reversal payment_unreconciled payout \
        payout_cancel payout_failure payout_minimum_balance_hold payout_minimum_balance_release refund \
        refund_failure reserve_hold reserve_release reserve_transaction reserved_funds \
        stripe_balance_payment_debit stripe_balance_payment_debit_reversal stripe_fee stripe_fx_fee tax_fee \
        tax_fund topup topup_reversal transfer transfer_cancel transfer_failure transfer_refund";
    for word in [categories, types].join(" ").split_whitespace() {
        let outcome = read(changed(2, ",charge,", &[",", word, ","].concat()));
        let problems = outcome.problems().into_iter();
        let unknown = problems.filter(|problem| problem.contains("unknown"));
        assert_eq!(unknown.collect::<Vec<_>>(), Vec::<String>::new());
    }
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
