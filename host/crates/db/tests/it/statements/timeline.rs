//! The amounts of a timeline have the currency that they are in, and its digits.

use super::lines::importer;
use super::reader::{file, header, line};
use super::{before, record, tender};
use crate::stage::Stage;
use galleria_domain::{Decimal, RecordedTender, StatementLine};
use galleria_ports::records::{Subject, TimelineRow};

on_both!(a_line_names_its_own_currency_and_that_of_the_payout,);

async fn row(stage: &Stage, subject: Subject, id: &str, kind: &str) -> TimelineRow {
    let id = id.to_owned();
    let rows = read_tx!(stage, [id], |tx| tx.timeline_rows(subject, &id, 50).await).expect("read");
    let row = rows.rows.into_iter().find(|row| row.kind == kind);
    row.unwrap_or_else(|| panic!("{subject:?} {kind}"))
}

fn facts<const N: usize>(row: &TimelineRow, names: [&str; N]) -> [String; N] {
    names.map(|name| {
        let fact = row.facts.iter().find(|(known, _)| *known == name);
        fact.map(|(_, text)| text.clone()).unwrap_or_default()
    })
}

async fn a_line_names_its_own_currency_and_that_of_the_payout(stage: &Stage) {
    let paid = RecordedTender {
        currency: "JPY".into(),
        minor_digits: 0,
        ..tender("p1", "psp-1", 1_100)
    };
    record(stage, vec![paid], before()).await;
    // 1000 yen are 6.10 euro.
    let line = StatementLine {
        currency: "JPY".into(),
        minor_digits: 0,
        rate: Some(Decimal {
            unscaled: 61,
            scale: 4,
        }),
        converted: 610,
        net: 600,
        ..line(2, "psp-1", 1_000)
    };
    let importer = importer(stage);
    let file = file(&header("b-1", None), &[line]);
    let imported = importer.import("a.csv", &file).await.expect("imported");
    let statement = imported.statement.id;

    let names = [
        "difference",
        "currency",
        "minor_digits",
        "net",
        "fee",
        "paid_currency",
        "paid_minor_digits",
    ];
    let expected = ["-100", "JPY", "0", "600", "10", "EUR", "2"];
    for (subject, id) in [
        (Subject::Order, "o-p1".to_owned()),
        (Subject::Statement, statement.clone()),
        (Subject::Line, format!("{statement}.1")),
    ] {
        let row = row(stage, subject, &id, "statement_line").await;
        assert_eq!(facts(&row, names), expected, "{subject:?}");
    }
    let names = ["amount", "currency", "minor_digits"];
    let tender = row(stage, Subject::Order, "o-p1", "tender").await;
    assert_eq!(facts(&tender, names), ["1100", "JPY", "0"]);
    let names = ["net", "currency", "minor_digits"];
    let whole = row(stage, Subject::Statement, &statement, "statement").await;
    assert_eq!(facts(&whole, names), ["600", "EUR", "2"]);
}
