//! Runs all cases under `fixtures/`, and tests settings that cannot work.

use eroski_loyalty::{CheckDigit, EroskiLoyalty, Settings};
use galleria_sdk::Plugin as _;
use galleria_sdk::testkit;

#[test]
fn fixtures() {
    testkit::fixtures::<EroskiLoyalty>("fixtures");
}

fn fields(change: impl FnOnce(&mut Settings)) -> Vec<String> {
    let mut settings = Settings::default();
    change(&mut settings);
    let problems = EroskiLoyalty::check(&settings).into_iter();
    problems.map(|problem| problem.field).collect()
}

#[test]
fn settings_that_no_code_could_match_are_rejected() {
    assert_eq!(fields(|_| {}), Vec::<String>::new());
    assert_eq!(fields(|set| set.secret.clear()), ["secret"]);
    assert_eq!(
        fields(|set| set.versions = vec![String::new()]),
        ["versions"]
    );
    assert_eq!(fields(|set| set.programme.clear()), ["programme"]);
    assert_eq!(fields(|set| set.code.least = 500), ["code.least"]);
    assert_eq!(fields(|set| set.code.most = 5_000), ["code.most"]);
    // 31 digits are 15 bytes, and a block has 16.
    let short = |set: &mut Settings| (set.code.least, set.code.most) = (31, 31);
    assert_eq!(fields(short), ["code.most"]);
    assert_eq!(
        fields(|set| set.number.least = 0),
        ["number.least", "number.check_digit"]
    );
    assert_eq!(fields(|set| set.number.most = 14), ["number.check_digit"]);
    let luhn = |set: &mut Settings| {
        set.number.check_digit = CheckDigit::Luhn;
        set.number.least = 1;
    };
    assert_eq!(fields(luhn), ["number.check_digit"]);
    let prefixes = |set: &mut Settings| {
        set.number.prefixes = vec!["29".into(), "2x".into(), String::new(), "1".repeat(14)];
    };
    assert_eq!(
        fields(prefixes),
        [
            "number.prefixes.1",
            "number.prefixes.2",
            "number.prefixes.3"
        ]
    );
}
