//! Runs all cases under `fixtures/`, and tests rejected settings.

use desigual_reports::{DesigualReports, Kind, Settings};
use galleria_sdk::Plugin as _;
use galleria_sdk::{RunSchedule, Window, testkit};
use serde_json::{Value, json};

#[test]
fn fixtures() {
    testkit::fixtures::<DesigualReports>("fixtures");
}

fn problems(settings: Value) -> Vec<(String, String)> {
    let settings: Settings = serde_json::from_value(settings).expect("a shape");
    let problems = DesigualReports::check(&settings).into_iter();
    problems
        .map(|problem| (problem.field, problem.message))
        .collect()
}

fn fields(settings: Value) -> Vec<String> {
    problems(settings)
        .into_iter()
        .map(|found| found.0)
        .collect()
}

#[test]
fn every_report_needs_only_its_name() {
    for report in Kind::ALL {
        for file in ["one", "per_store"] {
            let settings = json!({ "report": report.name(), "file": file });
            assert_eq!(problems(settings), [], "{report:?}");
        }
    }
}

#[test]
fn an_unknown_column_is_rejected_with_the_list() {
    let columns = json!([{ "column": "store" }, { "column": "colour" }, { "column": "store" }]);
    let found = problems(json!({ "report": "verifications", "columns": columns }));
    let list = "is not a column of this report, which has store, outcome, cashier, currency, verifications, \
                lines, refused_lines, basket";
    assert_eq!(
        found,
        [
            ("columns.1.column".into(), list.into()),
            ("columns.2.column".into(), "is named twice".into()),
        ]
    );
}

#[test]
fn columns_that_would_mix_incompatible_rows_are_rejected() {
    let of = |report: &str, columns: &[&str], more: Value| {
        let columns: Vec<Value> = columns
            .iter()
            .map(|name| json!({ "column": name }))
            .collect();
        let mut settings = json!({ "report": report, "columns": columns });
        let object = settings.as_object_mut().expect("an object");
        object.extend(more.as_object().expect("an object").clone());
        fields(settings)
    };
    let refused = ["columns"];
    assert_eq!(of("taxes", &["store", "tax"], json!({})), refused);
    assert_eq!(of("taxes", &["currency", "tax"], json!({})), refused);
    let per_store = json!({ "file": "per_store" });
    assert_eq!(
        of("taxes", &["currency", "tax"], per_store),
        Vec::<String>::new()
    );
    let by_day = ["store", "currency", "gross"];
    assert_eq!(of("sales-by-day", &by_day, json!({})), refused);
    // A row of a whole window has no day.
    let dated = ["store", "business_date", "currency", "tax"];
    let window = of("taxes", &dated, json!({ "period": "window" }));
    assert_eq!(window, ["columns.1.column"]);
    assert_eq!(
        of("taxes", &dated, json!({ "period": "day" })),
        Vec::<String>::new()
    );
}

#[test]
fn invalid_names_and_periods_are_rejected() {
    for (file, name) in [
        ("one", "sales.csv"),
        ("one", "{scope}.csv"),
        ("one", "{scope}-{first}.csv"),
        ("one", "{scope}-{store}-{window}.csv"),
        ("one", ".{scope}-{window}"),
        ("one", "a/{scope}-{window}"),
        ("one", "{scope}-{window}-{shop}"),
        ("per_store", "{scope}-{window}.csv"),
    ] {
        let settings = json!({ "report": "tenders", "file": file, "file_name": name });
        assert_eq!(fields(settings), ["file_name"], "{name}");
    }
    let period = json!({ "report": "refunds", "period": "window" });
    assert_eq!(fields(period), ["period"]);
    let label = json!({ "report": "refunds", "totals": true, "totals_label": "" });
    assert_eq!(fields(label), ["totals_label"]);
    let bom = json!({ "report": "taxes", "csv": { "charset": "windows-1252", "bom": true } });
    assert_eq!(fields(bom), ["csv.bom"]);
}

#[test]
fn schedules_over_all_stores_and_of_each_store_write_different_files() {
    let schedule = |name: &str, per_store: bool| RunSchedule {
        name: name.into(),
        point: "report".into(),
        at: "30 2 * * *".into(),
        zone: None,
        per_store,
        windows: vec![Window {
            id: name.into(),
            first: "2026-11-24".into(),
            last: "2026-11-24".into(),
            as_of: "2026-11-25T02:30:00.000+01:00".into(),
            stores: 1,
        }],
    };
    let both = [schedule("all", false), schedule("each", true)];
    let fields = |settings: Value, schedules: &[RunSchedule]| {
        let text = settings.to_string();
        let found = galleria_sdk::__private::check_scheduled::<DesigualReports>(&text, schedules);
        let fields = found.into_iter().map(|problem| problem.field);
        fields.collect::<Vec<_>>()
    };
    let one = json!({ "report": "sales-by-day" });
    assert_eq!(fields(one, &both), Vec::<String>::new());
    let per_store = json!({ "report": "sales-by-day", "file": "per_store" });
    assert_eq!(fields(per_store.clone(), &both[..1]), Vec::<String>::new());
    assert_eq!(fields(per_store, &both), ["file_name"]);
}
