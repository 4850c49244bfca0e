//! Rejected files, with row and column of each problem. The same table in another format gives the same
//! statement.

use delimited_statement::DelimitedStatement;
use galleria_sdk::testkit::{Event, Outcome, changed_lines, dressed, read_statement};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use std::path::Path;

/// Settings and file of the case with a Spanish bank, the file as UTF-8.
fn good() -> (Value, String) {
    let case = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/fixtures/a-spanish-bank"
    ));
    let event = Event::read(case).expect("the case");
    let text = event
        .input_bytes
        .iter()
        .map(|byte| char::from(*byte))
        .collect();
    let mut settings = event.context.settings;
    settings["encoding"] = json!("utf-8");
    (settings, text)
}

fn read(text: impl Into<Vec<u8>>) -> Outcome {
    read_statement::<DelimitedStatement>("remesa.csv", text, good().0)
}

/// The valid file with one change in one row, which must exist.
fn changed(row: usize, from: &str, to: &str) -> String {
    changed_lines(&good().1, row, from, to).join("\n")
}

#[test]
fn every_problem_names_row_and_column() {
    let cases = [
        (
            changed(4, "1.249,90", "1E-80000000"),
            "row 4, Importe bruto: `1E-80000000` is not an amount such as -12,50",
        ),
        (
            changed(4, "1.249,90", "12.49,90"),
            "row 4, Importe bruto: `12.49,90` is not an amount",
        ),
        (
            changed(4, "1.249,90", "1,249.90"),
            "row 4, Importe bruto: `1,249.90` is not an amount",
        ),
        (
            changed(4, "1.249,90", "1.249,905"),
            "row 4, Importe bruto: `1.249,905` has more digits",
        ),
        (
            changed(4, "1.249,90", "92.233.720.368.547.758,08"),
            "row 4, Importe bruto: `92.233.720.368.547.758,08` is too large",
        ),
        (
            changed(4, "1.249,90", ""),
            "row 4, Importe bruto: `` is not an amount",
        ),
        (
            changed(4, "1.249,90", "-1.249,90"),
            "row 4, Importe bruto: has the wrong sign: a payment",
        ),
        (
            changed(4, "6,25", "-6,25"),
            "row 4, Comisión: has the wrong sign: the fee of a payment",
        ),
        (
            changed(4, "1.243,65", "1.243,64"),
            "row 4, Importe neto: is 1243.64, and 1249.90 less the fee of 6.25 is 1243.65",
        ),
        (
            changed(6, "-49,90;0,00;-49,90", "49,90;0,00;49,90"),
            "row 6, Importe bruto: has the wrong sign: a refund",
        ),
        (
            changed(5, "VENTA", "VENDA"),
            "row 5, Operación: `VENDA` is unknown: correct it, or add it to the setting kinds; known values: ",
        ),
        (
            changed(5, "20/11/2026", "2026-11-20"),
            "row 5, Fecha operación: `2026-11-20` is not a date in the form dd/mm/yyyy",
        ),
        (
            changed(5, "20/11/2026", "31/11/2026"),
            "row 5, Fecha operación: `31/11/2026` is not a date",
        ),
        (
            changed(5, "23/11/2026", "24/11/2026"),
            "row 5, Fecha abono: `2026-11-24` differs from `2026-11-23` in row 4: a file must contain one payout",
        ),
        (
            changed(5, "R-2026-11-23", "R-2"),
            "row 5, Remesa: `R-2` differs from",
        ),
        (
            changed(5, "012345678", "876543210"),
            "row 5, Comercio: `876543210` differs from",
        ),
        (
            changed(5, ";12,44", ""),
            "row 5, Importe neto: the row has 9 cells, but the header has 10",
        ),
        (
            changed(8, "1.212,50", "1.212,51"),
            "row 8, Importe bruto: the total is 1212.51, and the lines add up to 1212.50",
        ),
        (
            changed(8, "15,31", "15,30"),
            "row 8, Comisión: the total is 15.30, and the lines add up to 15.31",
        ),
        (
            changed(8, "1.197,19", "1.197,18"),
            "row 8, Importe neto: the total is 1197.18, and the 4 lines add up to 1197.19",
        ),
        (
            changed(8, "1.212,50;15,31;1.197,19", ";;"),
            "row 8, Importe bruto: the row of totals has no amount",
        ),
        (changed(8, "TOTAL", "SUMA"), "row 8, Remesa: is empty"),
        (
            changed(7, "012345678", "TOTAL"),
            "row 8, Comercio: follows the row of totals, row 7",
        ),
        (
            changed(3, "Comisión", "Comision"),
            "row 3, Comisión: is missing",
        ),
        (
            changed(3, "Autorización", "Remesa"),
            "row 3, Remesa: occurs 2 times",
        ),
        (
            changed(4, "A00017", "A\u{0}17"),
            "row 4, Autorización: has a control character, U+0000",
        ),
        (
            changed(4, "A00017", &"A".repeat(4097)),
            "row 4, Autorización: has more than 4096 bytes",
        ),
        (
            changed(4, "ES-0007-100217", &"9".repeat(301)),
            "row 4, Referencia: has more than 300 bytes",
        ),
        (
            changed(4, "A00017", "\"A\n17\""),
            "row 4, Autorización: `A\u{fffd}17` must be one line",
        ),
        (
            changed(4, "A00017", "\"A\n17\"").replacen("A00018", "A\u{0}18", 1),
            "row 5, Autorización: has a control character, U+0000 (line 6 of the file)",
        ),
        (
            changed(4, "A00017", "\"A00017\"7"),
            "row 4, Autorización: has text after its closing quote",
        ),
        (
            changed(6, "0", "\"0"),
            "row 6, Comercio: starts with a quote that is not closed",
        ),
        (
            changed(4, "R-2026-11-23", &"R".repeat(301)),
            "row 4, Remesa: has more than 300 bytes",
        ),
        (
            String::new(),
            "row 1, Importe bruto: the file is empty or ends before its header",
        ),
        (
            good().1.lines().take(6).collect::<Vec<_>>().join("\n"),
            "row 6, Comercio: the file has no row of totals",
        ),
    ];
    for (text, expected) in cases {
        let problems = read(text).problems();
        let found = problems.iter().any(|problem| problem.starts_with(expected));
        assert!(found, "{expected}\n{problems:#?}");
    }
    let (mut settings, text) = good();
    settings["currency"] = json!("");
    settings["columns"]["currency"] = json!("Autorización");
    let outcome = read_statement::<DelimitedStatement>(
        "x.csv",
        text.replace("A00017", "EUR").replace("A00018", "USD"),
        settings,
    );
    assert_eq!(
        outcome.problems()[0],
        "row 5, Autorización: `USD` differs from `EUR` in row 4: a file must contain one payout in one currency"
    );
}

#[test]
fn settings_that_cannot_work_are_rejected_before_any_file() {
    let fields = |settings: &Value| {
        let problems = galleria_sdk::__private::check::<DelimitedStatement>(&settings.to_string());
        problems
            .into_iter()
            .map(|problem| problem.field)
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&good().0), Vec::<String>::new());
    assert_eq!(
        fields(&json!({})),
        ["provider", "columns.gross", "columns.booked_at", "currency"]
    );
    let change = |pointer: &str, value: Value| {
        let mut settings = good().0;
        *settings.pointer_mut(pointer).expect("a key") = value;
        fields(&settings)
    };
    assert_eq!(change("/delimiter", json!("x")), ["delimiter"]);
    assert_eq!(change("/thousands", json!(",")), ["thousands"]);
    assert_eq!(change("/kinds", json!({})), ["kinds"]);
    assert_eq!(change("/currency", json!("euro")), ["currency"]);
    assert_eq!(change("/total/word", json!("")), ["total"]);
}

#[test]
fn the_same_table_in_another_format_gives_the_same_statement() {
    let (mut settings, text) = good();
    settings["skip_rows"] = json!(0);
    let rows = text
        .lines()
        .skip(2)
        .map(|line| line.split(';').map(str::to_owned).collect());
    let rows: Vec<Vec<String>> = rows.collect();
    let read =
        |text: Vec<u8>| read_statement::<DelimitedStatement>("remesa.csv", text, settings.clone());
    let plain = read(dressed(&rows, ';', &mut |count| count - 1));
    assert_eq!(plain.problems(), Vec::<String>::new());
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let other = read(dressed(&rows, ';', &mut |count| rng.random_range(0..count)));
        assert_eq!(plain.answer, other.answer, "seed {seed}");
        assert_eq!(
            plain.statement_header, other.statement_header,
            "seed {seed}"
        );
        let lines = |outcome: &Outcome| -> Vec<_> {
            let rowless = |mut line: galleria_sdk::StatementLine| {
                line.row = 0;
                line
            };
            outcome.statement.iter().cloned().map(rowless).collect()
        };
        assert_eq!(lines(&plain), lines(&other), "seed {seed}");
    }
}

/// A file of five columns with these rows, whose sum is in its total.
fn small(rows: &[&str], settings: Value) -> Outcome {
    let mut all = json!({
        "provider": "small", "currency": "EUR", "date": "d/m/yy", "pivot_year": 2000,
        "columns": { "kind": "Kind", "gross": "Gross", "fee": "Fee", "net": "Net", "booked_at": "Day" },
        "kinds": { "Sale": "payment", "Cost": "fee", "Über": "adjustment" },
        "total": { "column": "Kind", "word": "Suma" },
    });
    let more = settings.as_object().expect("an object").clone();
    all.as_object_mut().expect("an object").extend(more);
    let text = ["Kind;Day;Gross;Fee;Net\n", &rows.join("\n"), "\n"].concat();
    read_statement::<DelimitedStatement>("small.csv", text, all)
}

#[test]
fn days_have_short_years_and_times_and_may_be_empty_in_costs() {
    let days = |rows: &[&str], settings: Value| {
        let outcome = small(rows, settings);
        let mut lines: Vec<_> = outcome
            .statement
            .iter()
            .map(|line| (line.row, line.booked_at.clone()))
            .collect();
        lines.sort();
        match outcome.problems().is_empty() {
            true => Ok(lines),
            false => Err(outcome.problems()),
        }
    };
    let total = "suma;;9,00;2,00;7,00";
    let rows = [
        "Cost;;0;1,00;-1,00",
        "Sale;3/2/26;5,00;0;5,00",
        "ÜBER;;4,00;1,00;3,00",
        total,
    ];
    let expected = [(2, "2026-02-03"), (3, "2026-02-03"), (4, "2026-02-03")];
    let expected: Vec<_> = expected.map(|(row, day)| (row, day.to_owned())).into();
    assert_eq!(days(&rows, json!({})), Ok(expected.clone()));
    // The day of a cost does not depend on the order of the rows.
    let rows = [
        "Sale;03/02/26 23:30;5,00;0;5,00",
        "U\u{308}ber;;4,00;1,00;3,00",
        "Cost;;0;1,00;-1,00",
        total,
    ];
    assert_eq!(days(&rows, json!({})), Ok(expected));
    let rows = ["Sale;3/2/26 23:30:00Z;5,00;0;5,00", "Suma;;5,00;;5,00"];
    assert_eq!(
        days(&rows, json!({ "time_zone": "Europe/Madrid" })),
        Ok(vec![(2, "2026-02-04".into())])
    );
    let problems = days(&rows, json!({})).expect_err("no zone");
    assert!(
        problems[0]
            .starts_with("row 2, Day: `3/2/26 23:30:00Z` has an offset from UTC: set `time_zone`"),
        "{problems:?}"
    );
    let problems = days(&["Sale;;5,00;0;5,00", "Suma;;5,00;;5,00"], json!({}));
    assert_eq!(
        problems,
        Err(vec![
            "row 2, Day: `` is not a date in the form d/m/yy".into()
        ])
    );
    let problems = days(&["Cost;;0;5,00;-5,00", "Suma;;;5,00;-5,00"], json!({}));
    assert_eq!(
        problems,
        Err(vec![
            "row 2, Day: is empty, and no other row has a day".into()
        ])
    );
}

#[test]
fn a_net_may_be_empty_if_gross_and_fee_define_it() {
    let net = |rows: &[&str]| {
        let outcome = small(rows, json!({}));
        match outcome.problems().first() {
            Some(problem) => Err(problem.clone()),
            None => Ok(outcome.statement[0].net),
        }
    };
    assert_eq!(
        net(&["Sale;3/2/26;5,00;0,20;", "Suma;;5,00;0,20;"]),
        Ok(480)
    );
    assert_eq!(net(&["Sale;3/2/26;5,00;0,20;", "Suma;;;;4,80"]), Ok(480));
    assert_eq!(net(&["Cost;3/2/26;-5,00;;", "Suma;;;;-5,00"]), Ok(-500));
    let open = Err("row 2, Net: is empty, and the other amounts do not define it".into());
    assert_eq!(net(&["Sale;3/2/26;5,00;;", "Suma;;;;5,00"]), open);
    // Gross and fee of the row of totals state its net.
    let wrong = net(&["Sale;3/2/26;5,00;0,20;", "Suma;;5,01;0,20;"]);
    assert!(wrong.is_err_and(|problem| problem.starts_with("row 3, Gross: the total is 5.01")));
}

#[test]
fn all_problems_of_a_row_are_reported() {
    let text = changed(4, "1.249,90;6,25;1.243,65", "x;y;z")
        .replacen("20/11/2026", "32/11/2026", 1)
        .replacen("A00017", &"9".repeat(301), 1);
    let columns = [
        "Importe bruto",
        "Comisión",
        "Importe neto",
        "Fecha operación",
        "Autorización",
    ];
    let problems = read(text).problems();
    assert_eq!(problems.len(), columns.len(), "{problems:#?}");
    for (problem, column) in problems.iter().zip(columns) {
        assert!(
            problem.starts_with(&["row 4, ", column].concat()),
            "{problems:#?}"
        );
    }
    // A wrong sign and a wrong net are reported together with an invalid day.
    let text = changed(6, "-49,90;0,00;-49,90", "49,90;0,00;49,91").replacen("21/11/2026", "x", 1);
    let problems = read(text).problems();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    let text = changed(5, "VENTA", "VENDA").replacen("12,44", "x", 1);
    assert_eq!(read(text).problems().len(), 2);
    let text = changed(8, "1.212,50;15,31;1.197,19", "x;y;z");
    assert_eq!(read(text).problems().len(), 3);
}

#[test]
fn a_cost_or_a_correction_may_state_its_net_only() {
    // Gross, fee and net of the row of a cost.
    for cells in [";9,00;-9,00", "-9,00;;-9,00", ";;-9,00", ";9,00;"] {
        let text = changed(7, "TPV;;;;9,00;-9,00", &["TPV;;;", cells].concat());
        let outcome = read(text.replace("1.212,50;15,31;", ";;"));
        assert_eq!(outcome.problems(), Vec::<String>::new(), "{cells}");
        let line = &outcome.statement[3];
        assert_eq!(
            (line.gross, line.converted, line.fee, line.net),
            (0, 0, 900, -900),
            "{cells}"
        );
    }
    let (mut settings, text) = good();
    settings["kinds"]["CUOTA TPV"] = json!("adjustment");
    let text = text
        .replace(";;9,00;-9,00", ";;;-9,00")
        .replace(";15,31;", ";6,31;");
    let outcome = read_statement::<DelimitedStatement>("remesa.csv", text, settings);
    assert_eq!(outcome.problems(), Vec::<String>::new());
    let line = &outcome.statement[3];
    assert_eq!(
        (line.gross, line.converted, line.fee, line.net),
        (-900, -900, 0, -900)
    );
}
