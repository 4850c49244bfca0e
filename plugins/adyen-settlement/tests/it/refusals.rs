//! Rejected files, with row and column of each problem. The same table in another format gives the same
//! statement.

use adyen_settlement::AdyenSettlement;
use galleria_sdk::testkit::{Outcome, dressed, read_statement};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

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

#[test]
fn every_problem_names_row_and_column() {
    let cases = [
        (
            changed(2, "12.99", "1E-80000000"),
            "row 2, Gross Credit (GC): `1E-80000000` is not an amount",
        ),
        (
            changed(2, "12.99", "NaN"),
            "row 2, Gross Credit (GC): `NaN` is not an amount",
        ),
        (
            changed(2, "12.99", "12.999"),
            "row 2, Gross Credit (GC): `12.999` has more digits",
        ),
        (
            changed(2, "12.99", "92233720368547758.08"),
            "row 2, Gross Credit (GC): `92233720368547758.08` is too large",
        ),
        (
            changed(2, "12.99", "-12.99"),
            "row 2, Gross Credit (GC): has the wrong sign",
        ),
        (
            changed(2, ",,12.99", ",12.99,"),
            "row 2, Net Credit (NC): net and fee add up to 12.99, the gross is -12.99",
        ),
        (
            changed(2, "12.89", "12.88"),
            "row 2, Net Credit (NC): net and fee add up to 12.98, the gross is 12.99",
        ),
        (
            changed(2, "EUR,,12.89", "EUR,1.00,12.89"),
            "row 2, Net Credit (NC): Net Debit (NC) has an amount too",
        ),
        (
            changed(2, "0.04", "x"),
            "row 2, Markup (NC): `x` is not an amount",
        ),
        (
            changed(2, "2026-11-20", "2026-02-30"),
            "row 2, Creation Date: `2026-02-30 10:11:12` is not a date",
        ),
        (
            changed(3, "Settled", "Setled"),
            "row 3, Type: `Setled` is unknown: correct it, or add it to the setting types; similar known values: Settled, ",
        ),
        (
            changed(3, "1,EUR", "1,USD"),
            "row 3, Net Currency: `USD` differs from `EUR` in row 2: a file must contain one payout",
        ),
        (
            changed(3, ",214,", ",215,"),
            "row 3, Batch Number: `215` differs from `214` in row 2: a file must contain one payout",
        ),
        (
            changed(3, "ExampleShopES", "ExampleShopPT"),
            "row 3, Merchant Account: `ExampleShopPT` differs from",
        ),
        (
            changed(3, "EUR,,149.90", "€,,149.90"),
            "row 3, Gross Currency: `€` is not a currency such as EUR",
        ),
        (
            changed(4, "Refunded", "Settled"),
            "row 4, Gross Debit (GC): has the wrong sign: a payment cannot be negative",
        ),
        (
            changed(4, "25.10", "25.11"),
            "row 4, Net Debit (NC): net and fee add up to -25.01, the gross is -25.00",
        ),
        (
            changed(2, ",0.04,0.03,0.03,", ",-0.14,0.02,0.02,").replace("12.89", "13.09"),
            "row 2, Markup (NC): has the wrong sign: the fee of a payment",
        ),
        (
            changed(2, "Settled", "Refunded"),
            "row 2, Gross Credit (GC): has the wrong sign: a refund cannot be positive",
        ),
        (
            changed(5, "0.1340", "1.3400"),
            "row 5, Exchange Rate: 1.3400 does not give 26.67",
        ),
        (
            changed(5, "0.1340", ""),
            "row 5, Exchange Rate: `` is not a rate",
        ),
        (
            changed(9, "Fee", "MerchantPayout"),
            "row 11, Type: row 9 is a payout too",
        ),
        (
            changed(11, "146.25,", ",146.25"),
            "row 11, Net Credit (NC): has the wrong sign: a payout",
        ),
        (
            changed(11, "146.25", "146.26"),
            "row 11, Net Debit (NC): the total is 146.26, and the 9 lines add up to 146.25",
        ),
        (
            changed(11, "MerchantPayout", "Balancetransfer"),
            "row 11, Type: the file has no MerchantPayout row",
        ),
        (
            changed(3, ",214,,,,,,,", ",214"),
            "row 3, Reserved4: the row has 23 cells, but the header has 30",
        ),
        (
            changed(1, "Net Debit (NC)", "Nett Debit (NC)"),
            "row 1, Net Debit (NC): is missing",
        ),
        (
            changed(1, "Reserved4", "Type"),
            "row 1, Type: occurs 2 times in the header",
        ),
        (
            changed(2, "visa", "vi\0sa"),
            "row 2, Payment Method: has a control character, U+0000",
        ),
        (
            changed(2, "visa", &"v".repeat(4097)),
            "row 2, Payment Method: has more than 4096 bytes",
        ),
        (
            changed(2, "visa", &"v".repeat(301)),
            "row 2, Payment Method: has more than 300 bytes",
        ),
        (
            changed(2, "ES-0007-100017", &"9".repeat(301)),
            "row 2, Merchant Reference: has more than 300 bytes",
        ),
        (
            changed(4, "LQWDDLKTSV2GGS03", "\"LQ\nS03\""),
            "row 4, Modification Reference: `LQ\u{fffd}S03` must be one line",
        ),
        (
            changed(2, ",214,", &[",", &"2".repeat(301), ","].concat()),
            "row 2, Batch Number: has more than 300 bytes",
        ),
        (
            String::new(),
            "row 1, Type: the file is empty or ends before its header",
        ),
        (
            GOOD.lines().next().expect("a header").to_owned(),
            "row 1, Type: the file has no MerchantPayout row",
        ),
    ];
    for (text, expected) in cases {
        let problems = read(text).problems();
        let found = problems.iter().any(|problem| problem.starts_with(expected));
        assert!(found, "{expected}\n{problems:#?}");
    }
    let spoilt = GOOD.replacen("visa", "vis\u{1}", 1).into_bytes();
    let spoilt: Vec<u8> = spoilt
        .into_iter()
        .map(|byte| if byte == 1 { 0xff } else { byte })
        .collect();
    assert_eq!(
        read(spoilt).problems()[0],
        "row 2, Payment Method: is not UTF-8"
    );
}

#[test]
fn all_problems_are_reported_up_to_fifty() {
    let mut lines: Vec<&str> = GOOD.lines().collect();
    let bad = lines[1].replace("12.99", "oops");
    for _ in 0..80 {
        lines.insert(2, &bad);
    }
    let problems = read(lines.join("\n")).problems();
    assert_eq!(problems.len(), 50);
    assert!(
        problems[0].starts_with("row 3, Gross Credit (GC): `oops`"),
        "{}",
        problems[0]
    );
    assert!(problems[49].starts_with("row 52, "), "{}", problems[49]);
}

#[test]
fn the_marks_of_a_spreadsheet_are_settings() {
    // Cells of amounts and rates have two to four digits after the point; names of columns have none.
    let comma = |line: &str| {
        let cells = line.split(',').map(|cell| match cell.split_once('.') {
            Some((whole, part)) if part.bytes().all(|byte| byte.is_ascii_digit()) => {
                [whole, ",", part].concat()
            }
            _ => cell.to_owned(),
        });
        cells.collect::<Vec<_>>().join(";")
    };
    let text: Vec<String> = GOOD.lines().map(comma).collect();
    let text = text.join("\n");
    let read = |text: &str, settings| {
        read_statement::<AdyenSettlement>("report.csv", text.as_bytes(), settings)
    };
    let settings = json!({ "delimiter": ";", "decimal_mark": ",", "thousands": "." });
    let outcome = read(&text, settings.clone());
    assert_eq!(outcome.problems(), Vec::<String>::new());
    let numbers = |outcome: &Outcome| -> Vec<_> {
        let lines = outcome.statement.iter();
        lines
            .map(|line| (line.gross, line.rate, line.fee, line.net))
            .collect()
    };
    assert_eq!(numbers(&outcome), numbers(&self::read(GOOD)));
    let problems = read(&text, json!({ "delimiter": ";" })).problems();
    // The net is read first.
    let expected = "row 2, Net Credit (NC): `12,89` contains `,`, but the decimal mark is `.` and there is no thousands mark: check the settings decimal_mark and thousands";
    assert_eq!(problems[0], expected);
    let rate = text.replace("0,1340", "0.1340");
    assert_eq!(
        read(&rate, settings).problems()[0],
        "row 5, Exchange Rate: `0.1340` is not a number such as -12,50: the decimal mark is `,` and the thousands mark is `.`: check the settings decimal_mark and thousands"
    );
    let wrong = galleria_sdk::__private::check::<AdyenSettlement>(
        r#"{"decimal_mark":",","thousands":","}"#,
    );
    assert_eq!(wrong[0].field, "thousands");
}

#[test]
fn a_batch_without_a_payout_is_a_setting() {
    let text = GOOD.lines().take(4).collect::<Vec<_>>().join("\n");
    let settings = json!({ "payout": "optional" });
    let outcome = read_statement::<AdyenSettlement>("report.csv", text, settings);
    let header = outcome.statement_header.expect("a statement");
    assert_eq!(
        (header.total, header.paid_on.as_str()),
        (None, "2026-11-20")
    );
}

#[test]
fn words_and_zones_are_settings() {
    let text = changed(10, "DepositCorrection", "BrandNewThing").replace(",CET,", ",CST,");
    let settings =
        json!({ "types": { "BrandNewThing": "adjustment" }, "zones": { "CST": "-06:00" } });
    let outcome = read_statement::<AdyenSettlement>("report.csv", text.clone(), settings);
    assert_eq!(
        outcome.statement[0].booked_at,
        "2026-11-20T10:11:12.000-06:00"
    );
    // Without the settings the word is rejected, and a line has only the day.
    let known = text.replace("BrandNewThing", "DepositCorrection");
    assert_eq!(read(known).statement[0].booked_at, "2026-11-20");
    assert_eq!(read(text).problems().len(), 1);
    let wrong = galleria_sdk::__private::check::<AdyenSettlement>(
        r#"{"zones":{"CST":"6"},"delimiter":"x"}"#,
    );
    let fields: Vec<&str> = wrong.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(fields, ["delimiter", "zones.CST"]);
}

#[test]
fn only_known_abbreviations_of_zones_have_an_offset() {
    let booked_at = |zone: &str| {
        let text = GOOD.replace(",CET,", &[",", zone, ","].concat());
        read(text).statement[0].booked_at.clone()
    };
    for (zone, offset) in [
        ("CET", "+01:00"),
        ("PST", "-08:00"),
        ("PDT", "-07:00"),
        ("UTC", "Z"),
    ] {
        assert_eq!(
            booked_at(zone),
            ["2026-11-20T10:11:12.000", offset].concat()
        );
    }
    for zone in ["CST", "cet", "GMT+1", "Japan", "Europe/Madrid", ""] {
        assert_eq!(booked_at(zone), "2026-11-20", "{zone}");
    }
}

/// A batch of any lines; the payout is their sum.
fn table(rng: &mut ChaCha8Rng) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = vec![
        GOOD.lines()
            .next()
            .expect("a header")
            .split(',')
            .map(str::to_owned)
            .collect(),
    ];
    let minor = |amount: i64| format!("{}.{:02}", amount / 100, amount % 100);
    let row = |kind: &str, gross: [String; 2], net: [String; 2], fee: String, text: &str| {
        // A reference is one line; cells that are not read may contain more.
        let reference = text.replace('\n', " ");
        let cells = [
            text,
            "A",
            "P",
            &reference,
            "visa",
            "2026-11-20 10:11:12",
            "CET",
            kind,
            "M",
            "EUR",
            &gross[0],
            &gross[1],
            "1",
            "EUR",
            &net[0],
            &net[1],
            &fee,
            "",
            "",
            "",
            "",
            "",
            "7",
            "",
            "",
            "",
            "",
            "",
            "",
            "",
        ];
        cells.map(str::to_owned).to_vec()
    };
    let mut total = 1_000_000;
    rows.push(row(
        "Settled",
        [String::new(), minor(total)],
        [String::new(), minor(total)],
        String::new(),
        "first",
    ));
    for _ in 0..rng.random_range(0..30) {
        let gross: i64 = rng.random_range(1..20_000);
        let fee = rng.random_range(0..=gross / 10);
        let text =
            ["plain", "with, comma", "a \"quote\"", "two\nlines", "é€"][rng.random_range(0..5)];
        if rng.random_range(0..4) == 0 {
            total -= gross + fee;
            rows.push(row(
                "Refunded",
                [minor(gross), String::new()],
                [minor(gross + fee), String::new()],
                minor(fee),
                text,
            ));
        } else {
            total += gross - fee;
            rows.push(row(
                "Settled",
                [String::new(), minor(gross)],
                [String::new(), minor(gross - fee)],
                minor(fee),
                text,
            ));
        }
    }
    rows.push(row(
        "MerchantPayout",
        [String::new(), String::new()],
        [minor(total), String::new()],
        String::new(),
        "",
    ));
    rows
}

#[test]
fn the_same_table_in_another_format_gives_the_same_statement() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let rows = table(&mut rng);
        let plain = dressed(&rows, ',', &mut |count| count - 1);
        let other = dressed(&rows, ',', &mut |count| rng.random_range(0..count));
        let (one, two) = (read(plain), read(other));
        assert_eq!(one.problems(), Vec::<String>::new(), "seed {seed}");
        assert_eq!(one.answer, two.answer, "seed {seed}");
        assert_eq!(one.statement_header, two.statement_header, "seed {seed}");
        let sum: i64 = one.statement.iter().map(|line| line.net).sum();
        assert_eq!(
            Some(sum),
            one.statement_header.clone().expect("a header").total
        );
        // Blank lines are rows, so only row numbers may differ.
        let rows = |outcome: &Outcome| -> Vec<_> {
            outcome
                .statement
                .iter()
                .cloned()
                .map(|mut line| {
                    line.row = 0;
                    line
                })
                .collect()
        };
        assert_eq!(rows(&one), rows(&two), "seed {seed}");
        assert!(
            two.statement.is_sorted_by(|one, two| one.row < two.row),
            "seed {seed}"
        );
    }
}

#[test]
fn all_problems_of_a_row_are_reported() {
    let text = changed(2, "12.99", "x")
        .replacen("12.89", "y", 1)
        .replacen("0.04", "z", 1)
        .replacen("2026-11-20 10:11:12", "20/11/2026", 1)
        .replacen("QFQTPCQ8HXSKGK82", &"9".repeat(301), 1);
    let expected = [
        "row 2, Creation Date: `20/11/2026` is not a date in the form yyyy-mm-dd",
        "row 2, Net Credit (NC): `y` is not an amount",
        "row 2, Markup (NC): `z` is not an amount",
        "row 2, Gross Credit (GC): `x` is not an amount",
        "row 2, Psp Reference: has more than 300 bytes",
    ];
    let problems = read(text).problems();
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{expected}\n{problems:#?}");
    }
    // A wrong sign is reported together with an invalid cell, and an unknown word with an invalid amount.
    let text = changed(4, "Refunded", "Settled").replacen("11:02:00", "11:62:00", 1);
    assert_eq!(read(text).problems().len(), 2);
    let text = changed(3, "Settled", "Setled").replacen("147.80", "147,80", 1);
    let problems = read(text).problems();
    assert_eq!(problems.len(), 2, "{problems:#?}");
}

/// Rows between the header and the payout of an own batch.
fn batch(rows: &[&str], payout: &str) -> Outcome {
    let header = GOOD.lines().next().expect("a header");
    let line = |cells: &str| {
        let cells = cells.replace('|', ",");
        [
            "Co,Shop,P1,O1,visa,2026-11-20 10:11:12,CET,",
            &cells,
            ",,,7,,,,,,,",
        ]
        .concat()
    };
    let payout = ["MerchantPayout||||||EUR|", payout, "|||||"].concat();
    let mut lines = vec![header.to_owned()];
    lines.extend(rows.iter().chain([&payout.as_str()]).map(|row| line(row)));
    read(lines.join("\n"))
}

#[test]
fn an_omitted_fee_or_gross_follows_from_the_other_amounts() {
    // Kind, gross, its currency, converted, fee and net.
    let cases = [
        (
            "Chargeback|M|EUR|20.00||1|EUR|35.00|||||",
            (-2000, "EUR", -2000, 1500, -3500),
        ),
        (
            "Chargeback|M|EUR|20.00||1|EUR|35.00||15.00|||",
            (-2000, "EUR", -2000, 1500, -3500),
        ),
        (
            "Chargeback|M|EUR|||1|EUR|35.00|||||",
            (-3500, "EUR", -3500, 0, -3500),
        ),
        (
            "Chargeback|M|||||EUR|35.00||15.00|||",
            (-2000, "EUR", -2000, 1500, -3500),
        ),
        (
            "Chargeback|M|DKK|199.00||0.1340|EUR|41.67|||||",
            (-19900, "DKK", -2667, 1500, -4167),
        ),
        (
            "Chargeback|M|DKK|199.00||0.1340|EUR|26.66|||||",
            (-19900, "DKK", -2666, 0, -2666),
        ),
        (
            "Chargeback|M|DKK||||EUR|26.66|||||",
            (-2666, "EUR", -2666, 0, -2666),
        ),
        (
            "ChargebackReversed|M|EUR||5.00|1|EUR|10.00|||||",
            (500, "EUR", 500, 1500, -1000),
        ),
        (
            "ChargebackReversed|M|EUR||20.00|1|EUR||35.00||||",
            (2000, "EUR", 2000, -1500, 3500),
        ),
        (
            "ManualCorrected|M|EUR||10.00|1|EUR||9.50||||",
            (1000, "EUR", 1000, 50, 950),
        ),
        (
            "ManualCorrected|M|EUR||||EUR||9.50||||",
            (950, "EUR", 950, 0, 950),
        ),
        (
            "DepositCorrection|M|EUR|0.00|0.00|1|EUR|9.50|0.00||||",
            (-950, "EUR", -950, 0, -950),
        ),
        (
            "SettledReversed|M|EUR|12.99||1|EUR|13.09|||||",
            (-1299, "EUR", -1299, 10, -1309),
        ),
        (
            "Settled|M|EUR||||EUR||12.89|0.10|||",
            (1299, "EUR", 1299, 10, 1289),
        ),
        ("Refunded|M|||||EUR|5.00|||||", (-500, "EUR", -500, 0, -500)),
        ("Fee|M|EUR||||EUR|2.00|||||", (0, "EUR", 0, 200, -200)),
        (
            "PaymentCost|M|EUR|2.00||1|EUR|2.00|||||",
            (0, "EUR", 0, 200, -200),
        ),
    ];
    for (row, expected) in cases {
        let other = "Settled|M|EUR||100.00|1|EUR||100.00||||";
        let (.., net) = expected;
        let total = galleria_sdk::money::format(10_000 + net, 2);
        let outcome = batch(&[row, other], &total);
        assert_eq!(outcome.problems(), Vec::<String>::new(), "{row}");
        let line = &outcome.statement[0];
        let found = (
            line.gross,
            &*line.currency,
            line.converted,
            line.fee,
            line.net,
        );
        assert_eq!(found, expected, "{row}");
        let sum: i64 = outcome
            .statement
            .iter()
            .map(|line| line.converted - line.fee)
            .sum();
        assert_eq!(
            outcome.statement_header.expect("a statement").total,
            Some(sum),
            "{row}"
        );
    }
}

#[test]
fn an_omitted_fee_does_not_hide_an_error() {
    let cases = [
        (
            "Settled|M|EUR||20.00|1|EUR||19.00||||",
            "row 2, Net Credit (NC): net and fee add up to 19.00, the gross is 20.00",
        ),
        (
            "Refunded|M|EUR|20.00||1|EUR|21.00|||||",
            "row 2, Net Debit (NC): net and fee add up to -21.00, the gross is -20.00",
        ),
        (
            "Chargeback|M|EUR|20.00||1|EUR|35.00||1.00|||",
            "row 2, Net Debit (NC): net and fee add up to -34.00, the gross is -20.00",
        ),
        (
            "Chargeback|M|EUR|20.00||1|EUR||35.00||||",
            "row 2, Net Credit (NC): has the wrong sign: the gross is -20.00",
        ),
        (
            "Chargeback|M|EUR|||1|EUR||35.00||||",
            "row 2, Net Credit (NC): has the wrong sign: a chargeback cannot be positive",
        ),
        (
            "Chargeback|M|DKK|199.00|||EUR|41.67|||||",
            "row 2, Exchange Rate: `` is not a rate",
        ),
        (
            "Settled|M|DKK||||EUR||26.66||||",
            "row 2, Gross Credit (GC): is empty, and the amount in DKK does not follow from the net in EUR",
        ),
    ];
    for (row, expected) in cases {
        let problems = batch(&[row], "1.00").problems();
        assert!(
            problems[0].starts_with(expected),
            "{expected}\n{problems:#?}"
        );
    }
}

#[test]
fn every_word_of_the_published_list_is_known() {
    // Adyen's list of journal types of this report, with instalments, sales day payout and payments that
    // an acquirer settles itself.
    let words = "Fee MiscCosts MerchantPayout Refunded Settled Chargeback SecondChargeback ChargebackReversed \
        RefundedReversed DepositCorrection InvoiceDeduction MatchedStatement ManualCorrected \
        AuthorisationSchemeFee BankInstructionReturned InternalCompanyPayout EpaPaid Balancetransfer \
        PaymentCost SettleCost PaidOut PaidOutReversed ReserveAdjustment MerchantPayin MerchantPayinReversed \
        SettledReversed CaptureFailed RefundFailed RefundNotCleared SettledInInstallments \
        RefundedInInstallments OpenInstallment SettledInstallment RefundedInstallment SuspendInstallment \
        SentForSettle SentForRefund XASTransfer AcquirerPayout";
    for word in words.split_whitespace() {
        let outcome = batch(&[&[word, "|M|||||EUR|||||||"].concat()], "0.00");
        let unknown = outcome
            .problems()
            .into_iter()
            .find(|problem| problem.contains("unknown"));
        assert_eq!(unknown, None);
    }
}
