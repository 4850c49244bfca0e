//! Settings: marks of numbers, the payout, words, and zones.

use crate::{GOOD, changed, read};
use adyen_settlement::AdyenSettlement;
use galleria_sdk::testkit::{Outcome, read_statement};
use serde_json::json;

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
