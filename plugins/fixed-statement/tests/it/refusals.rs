//! Rejected files, with row and field of each problem.

use fixed_statement::FixedStatement;
use galleria_sdk::testkit::{Event, Outcome, changed_lines, read_statement};
use serde_json::{Value, json};
use std::path::Path;

fn good() -> (Value, String) {
    let case = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/a-payout"));
    let event = Event::read(case).expect("the case");
    let text = String::from_utf8(event.input_bytes).expect("text");
    (event.context.settings, text)
}

fn read(text: impl Into<Vec<u8>>) -> Outcome {
    read_statement::<FixedStatement>("payout.txt", text, good().0)
}

/// The valid file with one change in one row, which must exist.
fn changed(row: usize, from: &str, to: &str) -> String {
    changed_lines(&good().1, row, from, to).join("\n")
}

#[test]
fn every_problem_names_row_and_field() {
    let lines: Vec<String> = good().1.lines().map(str::to_owned).collect();
    let without = |row: usize| {
        let mut lines = lines.clone();
        lines.remove(row - 1);
        lines.join("\n")
    };
    let cases = [
        (
            changed(2, "00000001299C", "0001E-80000C"),
            "row 2, gross: `0001E-80000` is not an amount in minor units",
        ),
        (
            changed(2, "00000001299C", "   00012.99C"),
            "row 2, gross: `00012.99` contains `.`, but amounts are in minor units without marks: check the setting decimal_mark",
        ),
        (
            changed(2, "00000001299C", "  -00001299C"),
            "row 2, gross: `-00001299` has more than one sign",
        ),
        (
            changed(2, "00000001299C", "        NaNC"),
            "row 2, gross: `NaN` is not an amount",
        ),
        (
            changed(2, "00000001299C", "00000001299X"),
            "row 2, gross: `X` is not a sign: must be `C` or `D`",
        ),
        (
            changed(2, "00000001299C", "00000001299D"),
            "row 2, gross: has the wrong sign: a payment",
        ),
        (
            changed(4, "00000001299D", "00000001299C"),
            "row 4, gross: has the wrong sign: a refund",
        ),
        (
            changed(2, "0000009", "       "),
            "row 2, fee: is empty, and the other amounts do not define it",
        ),
        (
            changed(2, "0000009", "-000009"),
            "row 2, fee: has the wrong sign: the fee of a payment",
        ),
        (
            changed(3, "20SA", "20XX"),
            "row 3, kind: `XX` is unknown: correct it, or add it to the setting kinds; known values: CB, FE, RF, SA",
        ),
        (
            changed(3, "20SA", "30SA"),
            "row 3, record: `30` is unknown: correct it, or add it to the setting records; known values: `10`, `20`, `90`",
        ),
        (
            changed(3, "20261120", "20261131"),
            "row 3, booked_at: `20261131` is not a date in the form yyyymmdd",
        ),
        (
            changed(3, "0000105", "00"),
            "row 3, fee: ends at character 69, but the record has 64",
        ),
        (
            changed(1, "EUR", "E1R"),
            "row 1, currency: `E1R` is not a currency",
        ),
        (
            changed(1, "20261123", "20261323"),
            "row 1, paid_on: `20261323` is not a date",
        ),
        (
            changed(1, "PAY0007711", "          "),
            "row 1, reference: is empty",
        ),
        (
            changed(6, "90000004", "90000005"),
            "row 6, count: the trailer counts 5 records, but the file has 4",
        ),
        (
            changed(6, "90000004", "90  four"),
            "row 6, count: `four` is not a number of records",
        ),
        (
            changed(6, "0000000014626C", "0000000014627C"),
            "row 6, net: the total is 146.27, and the 4 lines add up to 146.26",
        ),
        (without(6), "row 5, record: the file has no trailer"),
        (without(1), "row 1, record: precedes the header"),
        (
            [good().1.as_str(), &lines[1]].concat(),
            "row 7, record: follows the trailer, row 6",
        ),
        (
            [lines[0].as_str(), "\n", &good().1].concat(),
            "row 2, record: is a second header",
        ),
        (
            changed(2, "AUTH00000001", "AUTH\u{0}0000001"),
            "row 2, record: has a control character, U+0000",
        ),
        (
            [lines[0].as_str(), "\n20", &"x".repeat(5000)].concat(),
            "row 2, record: has more than 4096 bytes",
        ),
        (String::new(), "row 1, record: the file is empty"),
    ];
    for (text, expected) in cases {
        let problems = read(text).problems();
        let found = problems.iter().any(|problem| problem.starts_with(expected));
        assert!(found, "{expected}\n{problems:#?}");
    }
    let spoilt: Vec<u8> = changed(2, "ES-", "E\u{1}-")
        .bytes()
        .map(|byte| if byte == 1 { 0xff } else { byte })
        .collect();
    assert_eq!(read(spoilt).problems()[0], "row 2, record: is not UTF-8");
}

#[test]
fn an_amount_has_its_own_sign_and_may_have_marks() {
    let read = |decimal_mark: Option<&str>, thousands: Option<&str>, amount: &str| {
        let settings = json!({
            "provider": "wide", "currency": "EUR", "unit": "characters", "decimal_mark": decimal_mark, "thousands": thousands,
            "header": { "reference": { "at": 2, "length": 2 }, "paid_on": { "at": 4, "length": 8 } },
            "detail": { "gross": { "at": 2, "length": 12 } },
            "trailer": { "net": { "at": 2, "length": 12 } },
        });
        let text = format!("HP120261123\nD{amount:>12}\nT{amount:>12}\n");
        let outcome = read_statement::<FixedStatement>("x.txt", text, settings);
        match outcome.problems().first() {
            Some(problem) => Err(problem.clone()),
            None => Ok(outcome.statement[0].gross),
        }
    };
    for (amount, gross) in [
        ("000012990", 12_990),
        ("+12990", 12_990),
        ("-00012990", -12_990),
        ("00012990-", -12_990),
        ("\u{2212}12990", -12_990),
        ("(12990)", -12_990),
    ] {
        assert_eq!(read(None, None, amount), Ok(gross), "{amount}");
    }
    assert_eq!(read(Some(","), None, "0000129,9-"), Ok(-12_990));
    assert_eq!(read(Some(","), Some("."), "1.129,90"), Ok(112_990));
    assert_eq!(
        read(Some(","), None, "0129.90"),
        Err("row 2, gross: `0129.90` contains `.`, but the decimal mark is `,` and there is no thousands mark: check the settings decimal_mark and thousands".to_owned())
    );
}

#[test]
fn amounts_beyond_64_bits_are_rejected() {
    let settings = json!({
        "provider": "wide", "currency": "EUR",
        "header": { "reference": { "at": 2, "length": 2 }, "paid_on": { "at": 4, "length": 8 } },
        "detail": { "gross": { "at": 2, "length": 20 } },
        "trailer": { "net": { "at": 2, "length": 20 } },
    });
    let read = |amount: &str, total: &str| {
        let text = format!("HP120261123\nD{amount}\nT{total}\n");
        read_statement::<FixedStatement>("x.txt", text, settings.clone()).problems()
    };
    let largest = "09223372036854775807";
    assert_eq!(read(largest, largest), Vec::<String>::new());
    assert_eq!(
        read("09223372036854775808", largest)[0],
        "row 2, gross: `09223372036854775808` is too large"
    );
    assert_eq!(
        read("-9223372036854775808", "-9223372036854775808"),
        Vec::<String>::new()
    );
}

#[test]
fn a_field_has_the_length_of_the_settings_and_a_reference_the_limit_of_a_line() {
    let read = |field: &str| {
        let settings = json!({
            "provider": "wide", "currency": "EUR",
            "header": { "reference": { "at": 2, "length": 2 }, "paid_on": { "at": 4, "length": 8 } },
            "detail": { "gross": { "at": 2, "length": 4 }, field: { "at": 6, "length": 400 } },
            "trailer": { "net": { "at": 2, "length": 4 } },
        });
        let wide = "9".repeat(400);
        let text = format!("HP120261123\nD0001{wide}\nT0001\n");
        read_statement::<FixedStatement>("x.txt", text, settings).problems()
    };
    for field in ["id", "psp_reference", "merchant_reference"] {
        let expected = format!("row 2, {field}: has more than 300 bytes");
        assert_eq!(read(field)[0], expected);
    }
}

#[test]
fn blank_lines_line_ends_and_the_mark_change_nothing() {
    let (_, text) = good();
    let plain = read(text.clone());
    assert_eq!(plain.problems(), Vec::<String>::new());
    let dressed = ["\u{feff}", &text.replace("\r\n", "\n"), "\n  \n"].concat();
    let other = read(dressed);
    assert_eq!(
        (plain.answer, plain.statement),
        (other.answer, other.statement)
    );
}

#[test]
fn settings_that_cannot_work_are_rejected_before_any_file() {
    let change = |pointer: &str, value: Value| {
        let mut settings = good().0;
        *settings.pointer_mut(pointer).expect("a key") = value;
        let problems = galleria_sdk::__private::check::<FixedStatement>(&settings.to_string());
        problems
            .into_iter()
            .map(|problem| problem.field)
            .collect::<Vec<_>>()
    };
    assert_eq!(change("/provider", json!("x")), Vec::<String>::new());
    assert_eq!(change("/provider", json!(" ")), ["provider"]);
    assert_eq!(change("/detail/gross/at", json!(0)), ["detail.gross"]);
    assert_eq!(change("/detail/fee/length", json!(5000)), ["detail.fee"]);
    assert_eq!(change("/records/detail", json!("1")), ["records"]);
    assert_eq!(change("/kinds", json!({})), ["kinds"]);
    assert_eq!(change("/trailer", json!({})), ["trailer"]);
    assert_eq!(change("/currency", json!("EUR")), ["currency"]);
    let marks = |mark: Value, thousands: &str| {
        let mut settings = good().0;
        settings["decimal_mark"] = mark;
        settings["thousands"] = json!(thousands);
        let problems = galleria_sdk::__private::check::<FixedStatement>(&settings.to_string());
        problems.first().map(|problem| problem.field.clone())
    };
    assert_eq!(marks(json!(","), "."), None);
    assert_eq!(marks(json!(","), ",").as_deref(), Some("thousands"));
    assert_eq!(marks(json!("x"), ".").as_deref(), Some("decimal_mark"));
    assert_eq!(marks(json!(null), ".").as_deref(), Some("thousands"));
    assert_eq!(
        change("/detail/gross/sign/positive", json!("D")),
        ["detail.gross.sign"]
    );
}

/// A header, one line and a trailer, with a name of ten places before an amount of five.
fn named(settings: Value) -> impl Fn(&[u8]) -> Result<i64, String> {
    let mut all = json!({
        "provider": "wide", "currency": "EUR",
        "header": { "reference": { "at": 2, "length": 2 }, "paid_on": { "at": 4, "length": 8 } },
        "detail": { "merchant_reference": { "at": 2, "length": 10 }, "gross": { "at": 12, "length": 5 } },
        "trailer": { "count": { "at": 2, "length": 1 } },
    });
    let more = settings.as_object().expect("an object").clone();
    all.as_object_mut().expect("an object").extend(more);
    move |line| {
        let file = [b"HP120261123\n", line, b"\nT1\n"].concat();
        let outcome = read_statement::<FixedStatement>("x.txt", file, all.clone());
        match outcome.problems().first() {
            Some(problem) => Err(problem.clone()),
            None => Ok(outcome.statement[0].gross),
        }
    }
}

#[test]
fn positions_count_bytes_or_characters_as_the_settings_state() {
    let (by_bytes, by_characters) = ("DJosé     032149", "DJosé      032149");
    let read = named(json!({ "unit": "bytes" }));
    assert_eq!(read(by_bytes.as_bytes()), Ok(3214));
    let read = named(json!({ "unit": "characters" }));
    assert_eq!(read(by_characters.as_bytes()), Ok(3214));
    let read = named(json!({}));
    for (line, expected) in [
        (by_bytes, "by characters: `32149`; by bytes: `03214`"),
        (by_characters, "by characters: `03214`; by bytes: `0321`"),
        // A letter and a combining accent are two characters.
        (
            "DJose\u{301}     032149",
            "by characters: `03214`; by bytes: `0321`",
        ),
    ] {
        let expected =
            format!("row 2, gross: depends on what positions count: set `unit`; {expected}");
        assert_eq!(read(line.as_bytes()), Err(expected));
    }
    assert_eq!(read(b"DJose      032149"), Ok(3214));
    // One byte for each character, so both readings are the same.
    let read = named(json!({ "encoding": "windows-1252" }));
    assert_eq!(read(b"DJos\xe9      032149"), Ok(3214));
    let read = named(json!({ "encoding": "windows-1252", "unit": "bytes" }));
    assert_eq!(read(b"DJos\xe9      032149"), Ok(3214));
    let read = named(json!({ "unit": "bytes" }));
    assert_eq!(
        read("DJoséJosxé032149".as_bytes()),
        Err("row 2, gross: starts within `é`, which has several bytes: correct `at` and `length`, or `unit`".into())
    );
}

#[test]
fn days_have_two_digits_for_the_year_and_times_and_may_be_empty_in_costs() {
    let read = |day: &str, kind: &str, settings: Value| {
        let mut all = json!({
            "provider": "dated", "currency": "EUR", "date": "d.m.yy", "pivot_year": 2000,
            "header": { "reference": { "at": 2, "length": 2 }, "paid_on": { "at": 4, "length": 8 } },
            "detail": {
                "kind": { "at": 2, "length": 1 }, "booked_at": { "at": 3, "length": 25 }, "gross": { "at": 28, "length": 5 },
                "fee": { "at": 33, "length": 3 }, "net": { "at": 36, "length": 5 },
            },
            "kinds": { "P": "payment", "C": "fee" },
            "trailer": { "count": { "at": 2, "length": 1 } },
        });
        all.as_object_mut()
            .expect("an object")
            .extend(settings.as_object().expect("an object").clone());
        let file = format!("HP123.11.26\nD{kind}{day:<25}00500020     \nT1\n");
        let outcome = read_statement::<FixedStatement>("x.txt", file, all);
        match outcome.problems().first() {
            Some(problem) => Err(problem.clone()),
            None => {
                let line = &outcome.statement[0];
                assert_eq!(line.net, line.converted - line.fee);
                Ok(line.booked_at.clone())
            }
        }
    };
    assert_eq!(read("3.2.26", "P", json!({})), Ok("2026-02-03".into()));
    assert_eq!(
        read("3.2.26 23:30", "P", json!({})),
        Ok("2026-02-03".into())
    );
    let zone = json!({ "time_zone": "Europe/Madrid" });
    assert_eq!(read("3.2.26 23:30:00Z", "P", zone), Ok("2026-02-04".into()));
    let problem = read("3.2.26 23:30:00Z", "P", json!({})).expect_err("no zone");
    assert!(problem.contains("set `time_zone`"), "{problem}");
    assert_eq!(read("", "C", json!({})), Ok("2026-11-23".into()));
    assert_eq!(
        read("", "P", json!({})),
        Err("row 2, booked_at: `` is not a date in the form d.m.yy".into())
    );
}
