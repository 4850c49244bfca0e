//! Worked cases: see `cases.jsonl`. Each line names its source: a rate, a published rule, or `Arithmetic` for an example
//! of a formula. The rates that name a country or a city were found in published tables, most of 2025 and 2026, some
//! older: those of Iceland and the HST of Canada are of 2017. A rate that has changed since is still a valid case. Rates
//! that were not found are examples of arithmetic. The results are computed from the formula in decimals, without this
//! engine.

use super::*;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    /// The rate, or the published rule.
    source: String,
    basket: TaxBasket,
    /// The totals.
    net: String,
    tax: String,
    gross: String,
    /// The tax of each row of the breakdown.
    #[serde(default)]
    breakdown: Vec<String>,
    /// The tax of each item.
    #[serde(default)]
    items: Vec<String>,
}

#[test]
fn published_cases_have_their_results() {
    let mut failures = Vec::new();
    let lines: Vec<&str> = include_str!("cases.jsonl").lines().collect();
    assert!(lines.len() >= 300, "{} cases", lines.len());
    for (number, line) in lines.into_iter().enumerate() {
        let case: Case = serde_json::from_str(line).expect(line);
        assert!(!case.source.is_empty(), "{line}");
        let result = match evaluate(&case.basket) {
            Ok(result) => result,
            Err(problems) => {
                failures.push(format!("line {}: {problems:?}", number + 1));
                continue;
            }
        };
        let text = |value: rust_decimal::Decimal| value.normalize().to_string();
        let mut actual = vec![text(result.net), text(result.tax), text(result.gross)];
        let mut expected = vec![case.net, case.tax, case.gross];
        if !case.breakdown.is_empty() {
            actual.extend(result.breakdown.iter().map(|row| text(row.amount)));
            expected.extend(case.breakdown);
        }
        if !case.items.is_empty() {
            actual.extend(result.items.iter().map(|item| text(item.gross - item.net)));
            expected.extend(case.items);
        }
        if actual != expected {
            failures.push(format!(
                "line {}: {}: expected {expected:?}, got {actual:?}",
                number + 1,
                case.source
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn problems(json: &str) -> Vec<String> {
    let basket: TaxBasket = serde_json::from_str(json).expect(json);
    let problems = evaluate(&basket).expect_err("a bad basket");
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn all_violations_are_reported_with_their_fields() {
    let basket = r#"{
        "items": [
            {"id": "a", "amount": "1", "unit_amount": "1"},
            {"id": "b", "amount": "1", "quantity": "0"},
            {"id": "c", "amount": "1", "taxes": [
                {"code": "", "rate": "-1"},
                {"code": "T", "rate": "1", "treatment": "exempt"},
                {"code": "T", "rate": "100", "kind": "division"}]}],
        "rounding": {"precision": "0"}}"#;
    assert_eq!(
        problems(basket),
        [
            "rounding.precision: must be positive, at most 10000, with at most 12 digits after the point, such as \
             \"0.01\", got \"0\"",
            "items.0: must have either `amount` or `unit_amount` (item a)",
            "items.1.quantity: must not be 0 (item b)",
            "items.2.taxes.0.code: must not be empty (item c)",
            "items.2.taxes.0.rate: must be 0 to 10000, got \"-1\" (item c)",
            "items.2.taxes.1.rate: must be 0 for this treatment, got \"1\" (item c)",
            "items.2.taxes.2.rate: must be below 100 for a division tax (item c)",
        ]
    );
}

#[test]
fn a_discount_must_fit_the_basket() {
    for discount in ["10.01", "-1"] {
        let basket = format!(
            r#"{{"items": [{{"id": "a", "amount": "10"}}], "discounts": [{{"amount": "{discount}"}}]}}"#
        );
        assert_eq!(
            problems(&basket),
            [format!(
                "discounts: must sum to an amount between 0 and the items' total of 10, got {discount}"
            )]
        );
    }
}

#[test]
fn extreme_values_are_rejected_and_do_not_panic() {
    let tax = r#"{"code": "T", "rate": "10000", "affects_later_taxes": true}"#;
    let taxes = [tax; MAX_TAXES].join(",");
    let basket =
        format!(r#"{{"items": [{{"id": "a", "amount": "1000000000000", "taxes": [{taxes}]}}]}}"#);
    assert_eq!(
        problems(&basket),
        ["items.0.taxes: must give taxes of at most 1000000000000 (item a)"]
    );
}
