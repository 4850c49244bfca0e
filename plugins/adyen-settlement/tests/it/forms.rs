//! A statement is read identically in every encoding and quoting, and with every line end and mark.

use adyen_settlement::AdyenSettlement;
use galleria_sdk::StatementKind;
use galleria_sdk::testkit::{
    Outcome, assert_any_order, assert_same_statement, file_forms, read_statement, table,
};
use serde_json::json;

#[test]
fn every_form_of_a_file_gives_the_same_statement() {
    let file = include_bytes!("../../fixtures/a-batch/settlement_detail_report_batch_214.csv");
    let mut rows = table(file, ',');
    let reference = column(&rows, "Merchant Reference");
    rows[1][reference] = "Café, €; \"no\" 7".to_owned();
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
    let alone = |rows: &mut Vec<Vec<String>>| {
        empty(row)(rows);
        rows.swap(1, row);
        rows.truncate(2);
    };
    let problems = read(alone, json!({ "payout": "optional" })).problems();
    assert_eq!(
        problems,
        ["row 2, Creation Date: is empty, and no other row has a day"]
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

#[test]
fn omitted_amounts_follow_from_the_others_or_are_missing() {
    let names = [
        "Gross Debit (GC)",
        "Gross Credit (GC)",
        "Net Debit (NC)",
        "Net Credit (NC)",
        "Commission (NC)",
        "Markup (NC)",
        "Scheme Fees (NC)",
        "Interchange (NC)",
    ];
    // The first row gets this type, and only these amounts.
    let outcome = |word: &str, amounts: &[(&str, &str)]| {
        let optional = json!({ "payout": "optional" });
        read(
            |rows| {
                rows.truncate(2);
                let kind = column(rows, "Type");
                rows[1][kind] = word.to_owned();
                for (index, name) in names.iter().enumerate() {
                    let at = column(rows, name);
                    let stated = amounts.iter().find(|(stated, _)| *stated == names[index]);
                    rows[1][at] = stated.map_or("", |(_, amount)| amount).to_owned();
                }
            },
            optional,
        )
    };
    let fee = outcome("SettleCost", &[("Commission (NC)", "0.50")]);
    assert_eq!(fee.problems(), Vec::<String>::new());
    assert_eq!((fee.statement[0].fee, fee.statement[0].net), (50, -50));
    let plan = outcome("OpenInstallment", &[]);
    assert_eq!(plan.statement[0].net, 0);
    let net = "is empty, and the other amounts do not define it";
    for (word, column, amount) in [
        ("Fee", "Gross Debit (GC)", "1.00"),
        ("Chargeback", "Gross Debit (GC)", "5.00"),
        ("Settled", "Gross Credit (GC)", "5.00"),
    ] {
        let expected = column.replace("Gross", "Net").replace("(GC)", "(NC)");
        let problems = outcome(word, &[(column, amount)]).problems();
        assert_eq!(problems, [format!("row 2, {expected}: {net}")], "{word}");
    }
    for (word, column) in [
        ("Settled", "Gross Credit (GC)"),
        ("Refunded", "Gross Debit (GC)"),
        ("Chargeback", "Gross Debit (GC)"),
    ] {
        let expected = format!("row 2, {column}: is empty, and the row has no net");
        assert_eq!(outcome(word, &[]).problems(), [expected]);
    }
}

#[test]
fn the_order_of_rows_does_not_matter() {
    let (head, body) = crate::GOOD.split_once('\n').expect("a header");
    let rows: Vec<&str> = body.lines().collect();
    assert_any_order::<AdyenSettlement>(head.trim_end(), &rows, "", "\n", &json!({}));
}
