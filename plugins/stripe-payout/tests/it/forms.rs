//! A statement is read identically in every encoding and quoting, and with every line end and mark.

use galleria_sdk::StatementKind;
use galleria_sdk::testkit::{
    Outcome, assert_any_order, assert_same_statement, file_forms, read_statement, table,
};
use serde_json::json;
use stripe_payout::StripePayout;

#[test]
fn every_form_of_a_file_gives_the_same_statement() {
    let file = include_bytes!("../../fixtures/a-payout/payout_reconciliation-itemized-5.csv");
    let mut rows = table(file, ',');
    let reference = column(&rows, "charge_id");
    rows[1][reference] = "Café, €; \"no\" 7".to_owned();
    let mut forms = file_forms(&rows, ',');
    // The report is UTF-8, so the plugin has no setting for it.
    forms.retain(|form| form.encoding == "utf-8");
    assert_same_statement::<StripePayout>("a.csv", &forms, &json!({}));
}

fn read(change: impl Fn(&mut Vec<Vec<String>>), settings: serde_json::Value) -> Outcome {
    let file = include_bytes!("../../fixtures/a-payout/payout_reconciliation-itemized-5.csv");
    let mut rows = table(file, ',');
    change(&mut rows);
    let forms = file_forms(&rows, ',');
    read_statement::<StripePayout>("a.csv", &*forms[0].bytes, settings)
}

fn column(rows: &[Vec<String>], name: &str) -> usize {
    rows[0].iter().position(|found| found == name).expect(name)
}

#[test]
fn a_net_may_be_empty_if_gross_and_fee_define_it() {
    let plain = read(|_| {}, json!({}));
    let without_net = |rows: &mut Vec<Vec<String>>| {
        let net = column(rows, "net");
        rows[1..].iter_mut().for_each(|row| row[net].clear());
    };
    let outcome = read(without_net, json!({}));
    assert_eq!(outcome.problems(), Vec::<String>::new());
    assert_eq!(outcome.statement, plain.statement);
}

#[test]
fn a_cost_does_not_need_a_day_and_the_day_of_the_payout_is_that_of_the_account() {
    let plain = read(|_| {}, json!({}));
    let paid_on = plain.statement_header.expect("a header").paid_on;
    let cost = plain
        .statement
        .iter()
        .position(|line| line.kind == StatementKind::Fee)
        .expect("a cost");
    let row = plain.statement[cost].row as usize - 1;
    let change = |row: usize| {
        move |rows: &mut Vec<Vec<String>>| {
            let created = column(rows, "created_utc");
            rows[row][created].clear();
        }
    };
    let outcome = read(change(row), json!({}));
    assert_eq!(outcome.problems(), Vec::<String>::new());
    assert_eq!(outcome.statement[cost].booked_at, paid_on);
    assert_eq!(
        read(change(1), json!({})).problems(),
        ["row 2, created_utc: `` is not a date in the form yyyy-mm-dd"]
    );
    // The payout arrived on the next day in the account's time zone.
    let both = |rows: &mut Vec<Vec<String>>| {
        rows[0].push("automatic_payout_effective_at".to_owned());
        rows[1..]
            .iter_mut()
            .for_each(|row| row.push("2027-01-01 00:30:00".to_owned()));
        let utc = column(rows, "automatic_payout_effective_at_utc");
        rows[1..]
            .iter_mut()
            .for_each(|row| row[utc] = "2026-12-31 23:30:00".to_owned());
    };
    let outcome = read(both, json!({}));
    assert_eq!(outcome.problems(), Vec::<String>::new());
    assert_eq!(
        outcome.statement_header.expect("a header").paid_on,
        "2027-01-01"
    );
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let file = include_str!("../../fixtures/a-payout/payout_reconciliation-itemized-5.csv");
    let (head, body) = file.split_once('\n').expect("a header");
    let rows: Vec<&str> = body.lines().collect();
    assert_any_order::<StripePayout>(head.trim_end(), &rows, "", "\n", &json!({}));
}
