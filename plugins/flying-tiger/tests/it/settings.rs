//! The answers of `settings.check`, as the host receives them.

use flying_tiger::FlyingTiger;

fn problems(text: &str) -> Vec<(String, String)> {
    let problems = galleria_sdk::__private::check::<FlyingTiger>(text);
    let pair = |problem: galleria_sdk::Problem| (problem.field, problem.message);
    problems.into_iter().map(pair).collect()
}

#[test]
fn the_settings_of_the_readme_are_valid() {
    let text = r#"{
        "return_style": "negative-sale",
        "tender_types": { "wallet": "OnlinePayment", "bizum": "FTC:Bizum" },
        "publish": { "voids": false }
    }"#;
    assert_eq!(problems(text), []);
    assert_eq!(problems("{}"), []);
}

#[test]
fn unknown_keys_and_wrong_values_are_reported_with_the_rule() {
    let wrong = [
        (
            r#"{"return_stile": "return"}"#,
            "return_stile",
            "return_style",
        ),
        (r#"{"publish": {"sale": true}}"#, "publish.sale", "sales"),
        (
            r#"{"return_style": "minus"}"#,
            "return_style",
            "negative-sale",
        ),
        (
            r#"{"file_name": "{kind}_{date}.xml"}"#,
            "file_name",
            "{store}",
        ),
        (
            r#"{"tender_types": {"cash": "Coins"}}"#,
            "tender_types.cash",
            "Cash",
        ),
        (r#"{"indent": 9}"#, "indent", "0 to 8"),
    ];
    for (text, field, right) in wrong {
        let found = problems(text);
        let named = |(at, message): &(String, String)| at == field && message.contains(right);
        assert!(found.iter().any(named), "{text}: {found:?}");
    }
}
