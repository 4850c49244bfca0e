//! The same statement in every encoding, line end, quoting and with every mark gives the same reading.

use galleria_sdk::testkit::{assert_same_statement, file_forms, table};
use serde_json::json;
use stripe_payout::StripePayout;

#[test]
fn every_form_of_a_file_gives_the_same_statement() {
    let file = include_bytes!("../../fixtures/a-payout/payout_reconciliation-itemized-5.csv");
    let mut rows = table(file, ',');
    let column = rows[0]
        .iter()
        .position(|name| name == "charge_id")
        .expect("a column");
    rows[1][column] = "Café, €; \"no\" 7".to_owned();
    let mut forms = file_forms(&rows, ',');
    // The report is UTF-8, so the plugin has no setting for it.
    forms.retain(|form| form.encoding == "utf-8");
    assert_same_statement::<StripePayout>("a.csv", &forms, &json!({}));
}
