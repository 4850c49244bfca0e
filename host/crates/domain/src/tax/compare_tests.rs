//! Tests of the comparison of two responses.

use super::compare::{Side, TaxDifferences};
use super::drawn::decimal;
use super::*;
use crate::number;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;
use serde_json::{Value, json};

fn table(rows: &Value) -> TaxTable {
    TaxTable::new(serde_json::from_value::<Vec<TaxRow>>(rows.clone()).expect("rows"))
}

fn row(code: &str, percent: &str) -> Value {
    json!({"tax_code": code, "tax_level": code, "retailer_tax_level_id": percent, "tax_percent": percent})
}

fn evaluated(request: &TaxRequest, rows: &Value) -> TaxResponse {
    let terms = TableTerms {
        table: &table(rows),
        default_taxes: &TaxTable::default(),
        rounding: Rounding::default(),
        date: "2026-11-30".parse().expect("a date"),
        included: true,
    };
    evaluate_request(request, terms).expect("taxes")
}

fn request(items: Value) -> TaxRequest {
    let request = json!({"store_data": {"store_id": "madrid-1"}, "items": items});
    serde_json::from_value(request).expect("a request")
}

fn basket() -> TaxRequest {
    request(json!([
        {"item_id": "1", "total_amount": "12.10", "tax_code": "STD"},
        {"item_id": "2", "total_amount": "11.00", "tax_code": "RED"},
        {"item_id": "3", "total_amount": "1.21", "tax_code": "STD"},
    ]))
}

fn text(differences: &TaxDifferences) -> Vec<String> {
    let side = |amounts: Option<compare::RateAmounts>| match amounts {
        Some(one) => format!("{} % {}", one.tax_percent, one.tax_amount),
        None => "-".to_owned(),
    };
    let taxes = differences.taxes.iter().map(|tax| {
        let (route, shadow) = (side(tax.route), side(tax.shadow));
        format!(
            "{}: {route} | {shadow} ({})",
            tax.tax_code,
            tax.items.join(" ")
        )
    });
    let totals = differences
        .totals
        .iter()
        .map(|one| format!("{}: {} | {}", one.field, one.route, one.shadow));
    taxes.chain(totals).collect()
}

#[test]
fn a_changed_rate_differs_in_the_items_of_its_code() {
    let basket = basket();
    let route = evaluated(&basket, &json!([row("STD", "21"), row("RED", "10")]));
    let shadow = evaluated(&basket, &json!([row("STD", "20"), row("RED", "10.00")]));
    let differences = TaxDifferences::between(&route, &shadow);
    assert_eq!(
        text(&differences),
        [
            "STD: 21 % 2.31 | 20 % 2.22 (1 3)",
            "total_taxable_amount: 21.00 | 21.09",
            "total_tax: 3.31 | 3.22",
        ]
    );
    let items = differences.items.iter().map(|item| &*item.item_id);
    assert_eq!(items.collect::<Vec<_>>(), ["1", "3"]);
    let fields = differences.items[0].amounts.iter().map(|one| &*one.field);
    assert_eq!(fields.collect::<Vec<_>>(), ["taxable_amount", "total_tax"]);
}

#[test]
fn a_rate_that_changes_no_amount_of_a_cheap_item_is_a_difference() {
    let basket = request(json!([{"item_id": "1", "total_amount": "0.01", "tax_code": "STD"}]));
    let route = evaluated(&basket, &json!([row("STD", "21")]));
    let shadow = evaluated(&basket, &json!([row("STD", "20")]));
    let differences = TaxDifferences::between(&route, &shadow);
    assert_eq!(text(&differences), ["STD: 21 % 0.00 | 20 % 0.00 (1)"]);
    assert!(differences.totals.is_empty() && differences.items[0].amounts.is_empty());
}

#[test]
fn a_second_tax_of_a_code_is_a_difference_of_its_own() {
    let basket = request(json!([{"item_id": "1", "total_amount": "10", "tax_code": "STD"}]));
    let route = evaluated(&basket, &json!([row("STD", "5")]));
    let shadow = evaluated(&basket, &json!([row("STD", "5"), row("STD", "1")]));
    let differences = TaxDifferences::between(&route, &shadow);
    let taxes = &text(&differences)[..2];
    assert_eq!(
        taxes,
        ["STD: - | 1 % 0.09 (1)", "STD: 5 % 0.48 | 5 % 0.47 (1)"]
    );
}

#[test]
fn items_are_compared_by_id_and_missing_ones_are_named() {
    let basket = request(json!([
        {"item_id": "a", "total_amount": "1", "tax_code": "STD"},
        {"item_id": "a", "total_amount": "2", "tax_code": "STD"},
        {"item_id": "b", "total_amount": "3", "tax_code": "STD"},
    ]));
    let route = evaluated(&basket, &json!([row("STD", "21")]));
    let mut shadow = route.clone();
    shadow.item_tax.rotate_left(2);
    assert_eq!(
        TaxDifferences::between(&route, &shadow),
        TaxDifferences::default()
    );
    shadow.item_tax[0].item_id = "c".into();
    let differences = TaxDifferences::between(&route, &shadow);
    let items = differences
        .items
        .iter()
        .map(|item| (&*item.item_id, item.missing_in));
    let expected = [("b", Some(Side::Shadow)), ("c", Some(Side::Route))];
    assert_eq!(items.collect::<Vec<_>>(), expected);
    assert_eq!(differences.taxes.len(), 2);
}

#[test]
fn what_a_service_may_leave_out_is_no_difference() {
    let basket = request(json!([
        {"item_id": "1", "total_amount": "12.10", "tax_code": "STD"},
        {"item_id": "2", "total_amount": "5", "tax_code": "ZERO"},
    ]));
    let mut standard = row("STD", "21");
    standard["authority"] = json!("ES");
    standard["treatment"] = json!("reduced");
    let route = evaluated(&basket, &json!([standard, row("ZERO", "0")]));
    let equal = |change: fn(&mut TaxResponse)| {
        let mut shadow = route.clone();
        change(&mut shadow);
        assert_ne!(shadow, route);
        let differences = TaxDifferences::between(&route, &shadow);
        assert!(differences.is_empty(), "{differences:?}");
        let differences = TaxDifferences::between(&shadow, &route);
        assert!(differences.is_empty(), "{differences:?}");
    };
    equal(|shadow| shadow.tax_breakup[1].authority = String::new());
    equal(|shadow| shadow.tax_breakup.clear());
    equal(|shadow| shadow.tax_breakup.retain(|tax| tax.tax_code == "STD"));
    equal(|shadow| {
        for tax in shadow.item_tax.iter_mut().flat_map(|item| &mut item.taxes) {
            tax.treatment = Treatment::Standard;
            tax.tax_level.clear();
            tax.retailer_tax_level_id.clear();
            tax.included = false;
        }
    });
    equal(|shadow| {
        shadow
            .item_tax
            .iter_mut()
            .for_each(|item| item.taxes.clear())
    });
    equal(|shadow| {
        shadow.tax_breakup.clear();
        shadow
            .item_tax
            .iter_mut()
            .for_each(|item| item.taxes.clear());
    });
    equal(|shadow| shadow.item_tax.reverse());
}

#[test]
fn a_breakdown_can_differ_although_the_items_agree() {
    let basket = basket();
    let route = evaluated(&basket, &json!([row("STD", "21"), row("RED", "10")]));
    let mut shadow = route.clone();
    shadow.tax_breakup[1].tax_amount += Decimal::ONE;
    let differences = TaxDifferences::between(&route, &shadow);
    assert_eq!(text(&differences), ["STD: 21 % 2.31 | 21 % 3.31 ()"]);
}

#[test]
fn the_largest_amounts_do_not_overflow() {
    let basket = basket();
    let mut route = evaluated(&basket, &json!([row("STD", "21"), row("RED", "10")]));
    for tax in route.item_tax.iter_mut().flat_map(|item| &mut item.taxes) {
        tax.tax_amount = Decimal::MAX;
        tax.taxable_amount = Decimal::MIN;
    }
    let other = evaluated(&basket, &json!([row("STD", "20"), row("RED", "10")]));
    assert!(!TaxDifferences::between(&route, &other).is_empty());
}

/// A table with a few codes, of which some have two taxes, and a basket of these codes.
fn drawn(rng: &mut ChaCha8Rng) -> (Value, TaxRequest) {
    let rates = ["21", "10", "4.5", "0", "8.875"];
    let mut rows: Vec<Value> = Vec::new();
    for code in ["A", "B", "C"] {
        for rate in &rates[rng.random_range(0..4)..][..rng.random_range(1..=2)] {
            rows.push(row(code, rate));
        }
    }
    let items = (0..rng.random_range(1..8)).map(|n| {
        let amount = number::Decimal {
            unscaled: rng.random_range(-2_000..10_000),
            scale: 2,
        };
        let code = ["A", "B", "C"][rng.random_range(0..3)];
        json!({"item_id": n.to_string(), "total_amount": amount, "tax_code": code})
    });
    let items: Vec<Value> = items.collect();
    (json!(rows), request(json!(items)))
}

/// The same response with more digits, in another order, without what services may leave out.
fn rewritten(rng: &mut ChaCha8Rng, response: &TaxResponse) -> TaxResponse {
    let mut other = response.clone();
    other.item_tax.shuffle(rng);
    let items = other.item_tax.iter_mut();
    let taxes = items.flat_map(|item| &mut item.taxes);
    for tax in taxes.chain(&mut other.tax_breakup) {
        tax.authority.clear();
        tax.tax_level.clear();
        tax.retailer_tax_level_id.clear();
        tax.treatment = Treatment::default();
        for amount in [
            &mut tax.tax_percent,
            &mut tax.taxable_amount,
            &mut tax.tax_amount,
        ] {
            amount.rescale(amount.scale() + rng.random_range(0..3));
        }
    }
    other.total_tax.rescale(6);
    other.tax_breakup.shuffle(rng);
    other
}

#[test]
fn drawn_responses_differ_exactly_where_they_were_changed() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..1_000 {
        let (rows, request) = drawn(&mut rng);
        let route = evaluated(&request, &rows);
        let same = rewritten(&mut rng, &route);
        let differences = TaxDifferences::between(&route, &same);
        assert!(differences.is_empty(), "{differences:?}");

        // One amount of one item.
        let mut shadow = same.clone();
        let changed = rng.random_range(0..shadow.item_tax.len());
        let item = &mut shadow.item_tax[changed];
        let amount = match rng.random_range(0..4) {
            0 => &mut item.total_amount,
            1 => &mut item.taxable_amount,
            2 => &mut item.total_tax,
            _ => &mut item.total_amount_after_tax,
        };
        *amount += decimal("0.01").exact().expect("a cent");
        let id = item.item_id.clone();
        let differences = TaxDifferences::between(&route, &shadow);
        let items = differences.items.iter().map(|item| item.item_id.clone());
        assert_eq!(items.collect::<Vec<_>>(), [id]);
        assert_eq!(differences.items[0].amounts.len(), 1);
        assert!(differences.totals.is_empty());
    }
}

#[test]
fn drawn_tables_differ_by_code_and_symmetrically() {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    for _ in 0..1_000 {
        let (rows, request) = drawn(&mut rng);
        let mut altered = rows.clone();
        let index = rng.random_range(0..altered.as_array().expect("rows").len());
        altered[index]["tax_percent"] = json!("33.3");
        let code = rows[index]["tax_code"].as_str().expect("a code");
        let (route, shadow) = (evaluated(&request, &rows), evaluated(&request, &altered));
        let differences = TaxDifferences::between(&route, &shadow);
        let of_code = request.items.iter().filter(|item| item.tax_code == code);
        let mut expected: Vec<_> = of_code.map(|item| item.item_id.clone()).collect();
        let items = differences.items.iter().map(|item| item.item_id.clone());
        let mut items: Vec<_> = items.collect();
        expected.sort();
        items.sort();
        assert_eq!(items, expected);
        assert!(differences.taxes.iter().all(|tax| tax.tax_code == code));

        let back = TaxDifferences::between(&shadow, &route);
        for (one, other) in differences.totals.iter().zip(&back.totals) {
            assert_eq!((one.route, one.shadow), (other.shadow, other.route));
        }
        assert_eq!(differences.items.len(), back.items.len());
        assert_eq!(differences.taxes.len(), back.taxes.len());
        // The sums of the differing taxes explain the difference of the totals.
        let amount = |amounts: Option<compare::RateAmounts>| {
            amounts.map(|one| one.tax_amount).unwrap_or_default()
        };
        let taxes = differences.taxes.iter();
        let explained: Decimal = taxes
            .map(|tax| amount(tax.shadow) - amount(tax.route))
            .sum();
        assert_eq!(explained, shadow.total_tax - route.total_tax);
    }
}
