//! Amounts in all forms that one file may contain, and marks that the settings do not name.

use delimited_statement::DelimitedStatement;
use galleria_sdk::testkit::{Outcome, read_statement};
use serde_json::{Value, json};

fn settings(currency: &str, decimal_mark: &str, thousands: Option<&str>) -> Value {
    json!({
        "provider": "bank", "currency": currency, "decimal_mark": decimal_mark, "thousands": thousands,
        "columns": { "gross": "Amount", "booked_at": "Day" }, "total": { "column": "Day", "word": "SUM" },
    })
}

/// Reads a file with one row for each amount, and a row of totals.
fn read(amounts: &[&str], total: &str, settings: Value) -> Outcome {
    let mut text = "Day;Amount\n".to_owned();
    for amount in amounts {
        text.push_str(&format!("20/11/2026;\"{amount}\"\n"));
    }
    text.push_str(&format!("SUM;\"{total}\"\n"));
    read_statement::<DelimitedStatement>("bank.csv", text, settings)
}

fn gross(outcome: &Outcome) -> Vec<i64> {
    assert_eq!(outcome.problems(), Vec::<String>::new());
    outcome.statement.iter().map(|line| line.gross).collect()
}

#[test]
fn all_forms_of_amounts_are_read_together() {
    let amounts = [
        "1 249,90",
        "1\u{a0}249,90",
        "+1\u{202f}249,90",
        "1249,9",
        "\u{2212}12,50",
        "12,50-",
        "(12,50)",
        "€ 12,50",
        "12,50\u{a0}€",
        "-12,50 EUR",
        "12,500",
        "3",
    ];
    let expected = [
        124_990, 124_990, 124_990, 124_990, -1250, -1250, -1250, 1250, 1250, -1250, 1250, 300,
    ];
    let outcome = read(&amounts, "4 990,10 €", settings("EUR", ",", Some(" ")));
    assert_eq!(gross(&outcome), expected);
}

#[test]
fn an_unconfigured_mark_is_rejected_with_its_row_column_and_setting() {
    let end = "but the decimal mark is `,` and there is no thousands mark: check the settings decimal_mark and thousands";
    for (currency, cell, mark) in [
        ("EUR", "71.50", "`.`"),
        ("KWD", "1.250", "`.`"),
        ("EUR", "1 250", "a blank"),
        ("EUR", "1'250,00", "`'`"),
    ] {
        // The total agrees, if it is read in the same wrong way.
        let outcome = read(&["1", cell], cell, settings(currency, ",", None));
        let problem = |row: u8| format!("row {row}, Amount: `{cell}` contains {mark}, {end}");
        assert_eq!(outcome.problems(), [problem(3), problem(4)]);
    }
}

#[test]
fn digits_beyond_those_of_the_currency_are_zero() {
    let read = |currency, mark, cell: &str| read(&[cell], cell, settings(currency, mark, None));
    assert_eq!(gross(&read("ISK", ".", "2000.00")), [2000]);
    assert_eq!(gross(&read("KWD", ".", "1.250")), [1250]);
    assert_eq!(
        read("ISK", ".", "2000.50").problems()[0],
        "row 2, Amount: `2000.50` has more digits after the decimal mark than the 0 that it may have"
    );
}

#[test]
fn a_foreign_currency_is_rejected() {
    for (cell, found) in [("$12,50", "$"), ("12,50 USD", "USD"), ("kr 12,50", "kr")] {
        let expected = format!(
            "row 2, Amount: `{cell}` has the currency `{found}`, but the currency of the amount is EUR"
        );
        let outcome = read(&[cell], "12,50", settings("EUR", ",", None));
        assert_eq!(outcome.problems()[0], expected);
    }
    let danish = read(
        &["kr 12,50", "12,50 kr."],
        "25,00 DKK",
        settings("DKK", ",", None),
    );
    assert_eq!(gross(&danish), [1250, 1250]);
}
