//! Records of cells between delimiters.

use fixed_statement::FixedStatement;
use galleria_sdk::testkit::{Event, Outcome, changed_lines, read_statement};
use serde_json::{Value, json};
use std::path::Path;

fn good() -> (Value, String) {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cells-in-minor-units");
    let event = Event::read(&case).expect("the case");
    let text = String::from_utf8(event.input_bytes).expect("text");
    (event.context.settings, text)
}

fn read(text: impl Into<Vec<u8>>) -> Outcome {
    read_statement::<FixedStatement>("payout.csv", text, good().0)
}

/// The valid file with one change in one row, which must exist.
fn changed(row: usize, from: &str, to: &str) -> String {
    changed_lines(&good().1, row, from, to).join("\n")
}

#[test]
fn every_problem_names_row_and_field() {
    let cases = [
        (
            changed(3, "\"TILL 3, STORE 7\"", "TILL 3, STORE 7"),
            "row 4, record: has 10 cells, but the first record `TRN`, row 3, has 11",
        ),
        (
            changed(4, "\"TILL 1, STORE 7\"", "TILL 1, STORE 7"),
            "row 4, record: has 11 cells, but the first record `TRN`, row 3, has 10",
        ),
        (
            changed(4, ",\"625\"", ""),
            "row 4, record: has 9 cells, but the first record `TRN`, row 3, has 10",
        ),
        (
            changed(3, "TRN", "TRX"),
            "row 3, record: `TRX` is unknown: correct it, or add it to the setting records; known values: `HDR`, `TRN`, `TRL`, `BAT`",
        ),
        (
            changed(3, "\"SA\"", "\"XX\""),
            "row 3, kind: `XX` is unknown: correct it, or add it to the setting kinds",
        ),
        (
            changed(3, "1299", "12.99"),
            "row 3, gross: `12.99` contains `.`",
        ),
        (changed(3, "1299", ""), "row 3, gross: is empty"),
        (changed(8, "250", ""), "row 8, gross: is empty"),
        (
            changed(3, "\"CR\"", "\"XR\""),
            "row 3, gross: `XR` is not a sign: must be `CR` or `DR`",
        ),
        (
            changed(3, "\"CR\"", "\"DR\""),
            "row 3, gross: has the wrong sign: a payment",
        ),
        (
            changed(10, "\"10\"", "\"9\""),
            "row 10, count: the trailer counts 9 records, but the file has 10",
        ),
        (
            changed(10, "120037", "120036"),
            "row 10, gross: the total is 1200.36, and the records add up to 1200.37",
        ),
        (
            changed(10, "2384", "2383"),
            "row 10, fee: the total is 23.83, and the records add up to 23.84",
        ),
        (
            changed(10, "117653", "117654"),
            "row 10, net: the total is 1176.54, and the 6 lines add up to 1176.53",
        ),
        (
            changed(10, "117653", ""),
            "row 10, net: `` is not an amount",
        ),
        (
            changed(10, "TRL", "BAT"),
            "row 10, record: the file has no trailer, which starts with `TRL`",
        ),
        (
            changed(1, "HDR", "BAT"),
            "row 3, record: precedes the header, which starts with `HDR`",
        ),
        (
            changed(1, "EUR", "EURO"),
            "row 1, currency: `EURO` is not a currency",
        ),
    ];
    for (text, expected) in cases {
        let problems = read(text).problems();
        let found = problems.iter().any(|problem| problem.starts_with(expected));
        assert!(found, "{expected}\n{problems:#?}");
    }
    let (mut settings, text) = good();
    settings["detail"]["id"] = json!({ "at": 11 });
    let outcome = read_statement::<FixedStatement>("payout.csv", text, settings);
    assert_eq!(
        outcome.problems()[0],
        "row 3, id: is cell 11, but the record has 10"
    );
}

#[test]
fn all_problems_of_a_record_are_reported() {
    let text = changed(4, "\"SA\",\"20261120\"", "\"XX\",\"20261131\"")
        .replacen("124990", "x", 1)
        .replacen("625", "y", 1);
    let fields = ["kind", "gross", "fee", "booked_at"];
    let problems = read(text).problems();
    assert_eq!(problems.len(), fields.len(), "{problems:#?}");
    for (problem, field) in problems.iter().zip(fields) {
        assert!(
            problem.starts_with(&["row 4, ", field].concat()),
            "{problems:#?}"
        );
    }
    let text = changed(10, "\"10\",\"120037\"", "\"x\",\"y\"").replacen("117653", "z", 1);
    assert_eq!(read(text).problems().len(), 3);
    let text = changed(1, "20261123", "2026112").replacen("EUR", "E", 1);
    assert_eq!(read(text).problems().len(), 2);
}

#[test]
fn a_problem_after_a_line_break_in_a_cell_names_the_line_of_the_file() {
    let text = changed(3, "TILL 3, ", "TILL 3,\n").replacen("\"RF\"", "\"XX\"", 1);
    let problems = read(text).problems();
    let [problem] = &*problems else {
        panic!("{problems:#?}");
    };
    let (begin, end) = ("row 6, kind: `XX` is unknown", "(line 7 of the file)");
    assert!(
        problem.starts_with(begin) && problem.ends_with(end),
        "{problem}"
    );
}

#[test]
fn the_kind_of_a_record_may_be_that_of_the_line_and_have_several_cells() {
    let settings = json!({
        "provider": "example-acquirer", "delimiter": ";", "currency": "JPY", "date": "dd/mm/yyyy",
        "records": { "header": "0;A", "detail": ["1;S", "1;R", "2"], "trailer": "9", "ignored": ["0;B", "8"] },
        "header": { "reference": { "at": 3 }, "paid_on": { "at": 4 } },
        "detail": { "kind": { "at": 2 }, "gross": { "at": 3 }, "net": { "at": 4 } },
        "trailer": { "count": { "at": 2 }, "net": { "at": 3 } },
        "kinds": { "S": "payment", "R": "refund", "X": "fee" },
        "negative_amounts": "unsigned",
    });
    let text = "0;B;anything\n0;A;P-1;23/11/2026\n1;S;1200;1188\n1;R;200;\n2;X;;30\n8\n8;2\n9;3;958\n8;end\n";
    let outcome = read_statement::<FixedStatement>("payout.csv", text, settings.clone());
    assert_eq!(outcome.problems(), Vec::<String>::new());
    let lines = outcome.statement.iter();
    let amounts: Vec<_> = lines.map(|line| (line.gross, line.fee, line.net)).collect();
    assert_eq!(amounts, [(1200, 12, 1188), (-200, 0, -200), (0, 30, -30)]);
    assert_eq!(outcome.statement_header.expect("a header").total, Some(958));

    let check = |pointer: &str, value: Value| {
        let mut settings = settings.clone();
        *settings.pointer_mut(pointer).expect("a key") = value;
        let problems = galleria_sdk::__private::check::<FixedStatement>(&settings.to_string());
        problems
            .first()
            .map(ToString::to_string)
            .unwrap_or_default()
    };
    assert_eq!(check("/currency", json!("EUR")), "");
    assert_eq!(check("/records/detail", json!("10")), "");
    let clash = "records: must be different: no start may begin with another one";
    assert_eq!(check("/records/detail", json!([])), clash);
    assert_eq!(check("/records/detail", json!("0")), clash);
    assert_eq!(check("/records/ignored", json!(["9;1"])), clash);
    assert_eq!(
        check("/delimiter", json!("x")),
        "delimiter: must be , ; | or a tab"
    );
    assert_eq!(
        check("/header/reference", json!({ "at": 3, "length": 4 })),
        "header.reference: must not have a length: with delimiter, `at` is the number of a cell"
    );
    assert_eq!(
        check("/detail/gross/at", json!(513)),
        "detail.gross: must be a cell from 1 to 512"
    );
    assert_eq!(
        check("/delimiter", Value::Null),
        "header.reference: must have a length, because the records have no delimiter"
    );
}
