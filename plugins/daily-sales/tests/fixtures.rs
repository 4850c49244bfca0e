//! Runs all cases under `fixtures/`, and tests what golden files cannot show.

use daily_sales::{Column, DailySales, Returns, Settings, Titled};
use galleria_sdk::Plugin as _;
use galleria_sdk::file_name::Pattern;
use galleria_sdk::testkit;

#[test]
fn fixtures() {
    testkit::fixtures::<DailySales>("fixtures");
}

#[test]
fn settings_that_would_break_a_file_are_rejected_before_any_run() {
    let fields = |settings: &Settings| {
        let problems = DailySales::check(settings);
        problems
            .into_iter()
            .map(|problem| problem.field)
            .collect::<Vec<_>>()
    };
    assert_eq!(fields(&Settings::default()), Vec::<String>::new());

    for file_name in [
        "sales.csv",
        "{scope}.csv",
        "{first}{last}.csv",
        "a/{scope}-{window}",
        ".{scope}-{window}",
        "{scope}-{window}-{shop}",
    ] {
        let settings = Settings {
            file_name: Pattern::new(file_name),
            ..Settings::default()
        };
        assert_eq!(fields(&settings), ["file_name"], "{file_name}");
    }
    let mut settings = Settings {
        returns: Returns::Positive,
        ..Settings::default()
    };
    assert_eq!(fields(&settings), ["returns"]);
    settings.columns.push(Titled {
        column: Column::Returned,
        header: "returned".to_owned(),
    });
    assert_eq!(fields(&settings), Vec::<String>::new());

    settings.csv.decimal_mark = '\'';
    settings.columns.clear();
    assert_eq!(
        fields(&settings),
        ["csv.decimal_mark", "columns", "returns"]
    );
}
