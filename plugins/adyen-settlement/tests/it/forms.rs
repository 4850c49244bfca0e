//! The same statement in every encoding, line end, quoting and with every mark gives the same reading.

use adyen_settlement::AdyenSettlement;
use galleria_sdk::testkit::{assert_same_statement, file_forms, table};
use serde_json::json;

#[test]
fn every_form_of_a_file_gives_the_same_statement() {
    let file = include_bytes!("../../fixtures/a-batch/settlement_detail_report_batch_214.csv");
    let mut rows = table(file, ',');
    let column = rows[0]
        .iter()
        .position(|name| name == "Merchant Reference")
        .expect("a column");
    rows[1][column] = "Café, €; \"no\" 7".to_owned();
    for delimiter in [',', ';'] {
        let settings = json!({ "delimiter": delimiter.to_string() });
        assert_same_statement::<AdyenSettlement>("a.csv", &file_forms(&rows, delimiter), &settings);
    }
    // The line `sep=` replaces the delimiter of the settings.
    let mut other = file_forms(&rows, '|');
    other.retain(|form| form.name.contains("sep="));
    assert_same_statement::<AdyenSettlement>("a.csv", &other, &json!({}));
}
