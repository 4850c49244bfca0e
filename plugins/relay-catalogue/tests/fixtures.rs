//! Runs all cases under `fixtures/`, and tests what golden files cannot show.

use galleria_sdk::Plugin as _;
use galleria_sdk::file_name::Pattern;
use galleria_sdk::testkit;
use relay_catalogue::{Column, Inactive, Mode, RelayCatalogue, Settings};

#[test]
fn fixtures() {
    testkit::fixtures::<RelayCatalogue>("fixtures");
}

fn fields(settings: &Settings) -> Vec<String> {
    let problems = RelayCatalogue::check(settings);
    problems.into_iter().map(|problem| problem.field).collect()
}

#[test]
fn settings_that_would_break_a_file_are_rejected_before_any_run() {
    assert_eq!(fields(&Settings::default()), Vec::<String>::new());
    for name in [
        "products.csv",
        "{scope}.csv",
        "{first}{last}.csv",
        "{scope}-{window}-{shop}",
        ".{scope}-{window}",
        "a/{scope}-{window}",
    ] {
        let settings = Settings {
            file_name: Pattern::new(name),
            ..Settings::default()
        };
        assert_eq!(fields(&settings), ["file_name"], "{name}");
    }
    let mut settings = Settings {
        mode: Mode::Changes,
        ..Settings::default()
    };
    assert_eq!(fields(&settings), Vec::<String>::new());
    settings
        .columns
        .retain(|titled| titled.column != Column::Action);
    assert_eq!(fields(&settings), ["inactive"]);
    settings.inactive = Some(Inactive::LeaveOut);
    assert_eq!(fields(&settings), Vec::<String>::new());
    settings.words.delete.clone_from(&settings.words.upsert);
    settings.words.inactive.clone_from(&settings.words.active);
    settings.columns.clear();
    settings.csv.decimal_mark = '\'';
    assert_eq!(
        fields(&settings),
        [
            "csv.decimal_mark",
            "columns",
            "words.delete",
            "words.inactive"
        ]
    );
}
