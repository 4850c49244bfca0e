//! A statement is read identically in every encoding, and with every line end and mark.

use fixed_statement::FixedStatement;
use galleria_sdk::testkit::{Event, assert_any_order, assert_same_statement, encoded};
use serde_json::{Value, json};
use std::path::Path;

fn payout() -> (String, Value) {
    let case = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/a-payout"));
    let event = Event::read(case).expect("the case");
    let text = String::from_utf8(event.input_bytes).expect("text");
    (text, event.context.settings)
}

#[test]
fn every_form_of_a_file_gives_the_same_statement() {
    let (text, settings) = payout();
    let lines: Vec<&str> = text.lines().collect();
    for end in ["\n", "\r\n", "\r"] {
        let text = lines.join(end) + end;
        assert_same_statement::<FixedStatement>("a.txt", &encoded(&text), &settings);
    }
    // A letter beyond ASCII has a position in the settings, which must state what positions count.
    let mut lines: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    let at = settings["detail"]["merchant_reference"]["at"]
        .as_u64()
        .expect("a position");
    let at = usize::try_from(at).expect("a position") - 1;
    lines[1].replace_range(at..=at, "é");
    let mut settings = settings;
    settings["unit"] = json!("characters");
    let text = lines.join("\r\n");
    assert_same_statement::<FixedStatement>("a.txt", &encoded(&text), &settings);
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let (text, settings) = payout();
    let lines: Vec<&str> = text.lines().collect();
    let (&head, rest) = lines.split_first().expect("a header");
    let (&tail, rows) = rest.split_last().expect("a trailer");
    assert_any_order::<FixedStatement>(head, rows, tail, "\r\n", &settings);
}
