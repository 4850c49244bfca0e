//! A statement is read identically in every encoding and quoting, and with every line end and mark.

use delimited_statement::DelimitedStatement;
use galleria_sdk::testkit::{Event, assert_any_order, assert_same_statement, file_forms, table};
use serde_json::json;
use std::path::Path;

#[test]
fn every_form_of_a_file_gives_the_same_statement() {
    let case = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/a-spanish-bank"
    ));
    let event = Event::read(case).expect("the case");
    let text: String = event
        .input_bytes
        .iter()
        .map(|byte| char::from(*byte))
        .collect();
    let header = text.find("Operaci").expect("the header");
    let begin = text[..header].rfind('\n').map_or(0, |index| index + 1);
    let mut rows = table(&text.as_bytes()[begin..], ';');
    let column = rows[0]
        .iter()
        .position(|name| name == "Referencia")
        .expect("a column");
    rows[1][column] = "Café, €; \"no\" 7".to_owned();
    let mut settings = event.context.settings;
    settings["skip_rows"] = json!(0);
    settings["encoding"] = json!("utf-8");
    assert_same_statement::<DelimitedStatement>("a.csv", &file_forms(&rows, ';'), &settings);
    // Case and composition of the names do not matter.
    for name in &mut rows[0] {
        *name = name.to_uppercase().replace('Ó', "O\u{301}");
    }
    assert_same_statement::<DelimitedStatement>("a.csv", &file_forms(&rows, ';'), &settings);
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let head = "Date;Versement;Brut;Commission;Commande";
    let rows: Vec<String> = (1..=21)
        .map(|n| format!("{:02}/11/2026;30/11/2026;{n},50;0,10;order-{n}", n % 28 + 1))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let settings = json!({
        "provider": "bank",
        "currency": "EUR",
        "columns": {
            "gross": "Brut", "fee": "Commission", "booked_at": "Date", "paid_on": "Versement",
            "merchant_reference": "Commande",
        },
    });
    assert_any_order::<DelimitedStatement>(head, &rows, "", "\n", &settings);
}
