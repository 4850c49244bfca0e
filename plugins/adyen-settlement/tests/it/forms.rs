//! The same statement in every encoding, line end, quoting and with every mark gives the same reading.

use adyen_settlement::AdyenSettlement;
use galleria_sdk::StatementKind;
use galleria_sdk::testkit::{Outcome, assert_same_statement, file_forms, read_statement, table};
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

fn read(change: impl Fn(&mut Vec<Vec<String>>), settings: serde_json::Value) -> Outcome {
    let file = include_bytes!("../../fixtures/a-batch/settlement_detail_report_batch_214.csv");
    let mut rows = table(file, ',');
    change(&mut rows);
    let forms = file_forms(&rows, ',');
    read_statement::<AdyenSettlement>("a.csv", &*forms[0].bytes, settings)
}

fn column(rows: &[Vec<String>], name: &str) -> usize {
    rows[0].iter().position(|found| found == name).expect(name)
}

#[test]
fn days_may_be_written_by_a_spreadsheet_and_be_empty_in_costs() {
    let plain = read(|_| {}, json!({}));
    assert_eq!(plain.problems(), Vec::<String>::new());
    let excel = |rows: &mut Vec<Vec<String>>| {
        let created = column(rows, "Creation Date");
        for row in &mut rows[1..] {
            let (day, time) = row[created].split_once(' ').expect("a time");
            let parts: Vec<&str> = day
                .split('-')
                .map(|part| part.trim_start_matches('0'))
                .collect();
            row[created] = format!("{}/{}/{} {time}", parts[2], parts[1], &parts[0][2..]);
        }
    };
    let settings = json!({ "date": "d/m/yy", "pivot_year": 2000 });
    let other = read(excel, settings);
    assert_eq!(other.problems(), Vec::<String>::new());
    assert_eq!(
        (&other.statement, &other.statement_header),
        (&plain.statement, &plain.statement_header)
    );

    let paid_on = plain.statement_header.expect("a header").paid_on;
    let cost = plain
        .statement
        .iter()
        .position(|line| line.kind == StatementKind::Fee)
        .expect("a cost");
    let (row, sale) = (plain.statement[cost].row as usize - 1, 1);
    let empty = |row: usize| {
        move |rows: &mut Vec<Vec<String>>| {
            let created = column(rows, "Creation Date");
            rows[row][created].clear();
        }
    };
    let outcome = read(empty(row), json!({}));
    assert_eq!(outcome.problems(), Vec::<String>::new());
    assert_eq!(outcome.statement[cost].booked_at, paid_on);
    let problems = read(empty(sale), json!({})).problems();
    assert_eq!(
        problems,
        ["row 2, Creation Date: `` is not a date in the form yyyy-mm-dd"]
    );
}

#[test]
fn a_net_may_be_empty_if_gross_and_fee_define_it() {
    let plain = read(|_| {}, json!({}));
    let without_net = |rows: &mut Vec<Vec<String>>| {
        for name in ["Net Debit (NC)", "Net Credit (NC)"] {
            let net = column(rows, name);
            rows[1][net].clear();
        }
    };
    let outcome = read(without_net, json!({}));
    assert_eq!(outcome.problems(), Vec::<String>::new());
    assert_eq!(outcome.statement, plain.statement);
}
