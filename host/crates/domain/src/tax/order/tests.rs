//! Lines of an order as items, and evaluations as taxes of lines.

use super::*;
use crate::basket::{Attribute, Tax};
use crate::number::Money;
use crate::selling::tests::line;
use crate::selling::{sum_lines, sum_taxes};
use crate::tax::{
    LevelTax, Rounding, RoundingMethod, RoundingMode, StoreData, TableTerms, TaxRequest,
    TaxResponse, TaxRow, TaxTable, evaluate_request,
};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde_json::json;

fn untaxed(number: u32, amount: Money) -> Line {
    Line {
        taxes: Vec::new(),
        ..line(number, amount, 1, 0, 0)
    }
}

pub(super) fn coded(number: u32, amount: Money, code: &str) -> Line {
    Line {
        attributes: vec![Attribute {
            name: TAX_CODE.into(),
            value: code.into(),
        }],
        ..untaxed(number, amount)
    }
}

fn rows(rows: serde_json::Value) -> TaxTable {
    TaxTable::new(serde_json::from_value::<Vec<TaxRow>>(rows).expect("rows"))
}

fn table() -> TaxTable {
    rows(json!([
        {"tax_code": "STD", "tax_level": "VAT 21", "retailer_tax_level_id": "1", "tax_percent": "21.00"},
        {"tax_code": "RED", "tax_level": "", "retailer_tax_level_id": "", "tax_percent": "10.00",
            "authority": "XX", "treatment": "reduced"},
        {"tax_code": "DIV", "tax_level": "", "retailer_tax_level_id": "", "tax_percent": "10", "kind": "division"},
        {"tax_code": "BAG", "tax_level": "", "retailer_tax_level_id": "1", "tax_percent": "0.15",
            "kind": "fixed_per_unit", "affects_later_taxes": true, "position": 1},
        {"tax_code": "BAG", "tax_level": "", "retailer_tax_level_id": "2", "tax_percent": "20", "position": 2},
    ]))
}

pub(super) fn response(
    lines: &[Line],
    included: bool,
    rounding: Rounding,
    digits: u8,
) -> TaxResponse {
    let item = |line: &Line| item_of(line, named_code(line).unwrap_or_default().into(), digits);
    let request = TaxRequest {
        store_data: StoreData {
            store_id: "s".into(),
            tax_included_in_price: None,
            tax_calculator: None,
        },
        commit: false,
        items: lines.iter().map(item).collect(),
        business_date: None,
        discounts: Vec::new(),
    };
    let terms = TableTerms {
        table: &table(),
        default_taxes: &TaxTable::default(),
        rounding,
        date: "2026-11-30".parse().expect("a date"),
        included,
    };
    evaluate_request(&request, terms).expect("taxes")
}

pub(super) fn taxes(
    lines: &[Line],
    included: bool,
    rounding: Rounding,
    digits: u8,
) -> Vec<Vec<Tax>> {
    let response = response(lines, included, rounding, digits);
    let lines: Vec<&Line> = lines.iter().collect();
    line_taxes(&lines, &response, digits, "ES").expect("taxes of the lines")
}

fn amounts(taxes: &[Tax]) -> Vec<(Money, Money)> {
    taxes.iter().map(|tax| (tax.taxable, tax.amount)).collect()
}

#[test]
fn goods_are_evaluated_and_other_lines_only_with_a_code() {
    let of_kind = |kind: LineKind| Line {
        kind,
        ..untaxed(1, 100)
    };
    for kind in [LineKind::Item, LineKind::Service, LineKind::Fee] {
        assert!(is_evaluated(&of_kind(kind), ""));
    }
    assert!(is_evaluated(&of_kind(LineKind::Other("rental".into())), ""));
    for kind in [
        LineKind::Deposit,
        LineKind::DepositReturn,
        LineKind::GiftCardSale("1".into()),
        LineKind::Donation,
    ] {
        assert!(!is_evaluated(&of_kind(kind.clone()), ""), "{kind:?}");
        assert!(is_evaluated(&of_kind(kind), "DEP"));
    }
    let mut voided = of_kind(LineKind::Item);
    voided.voided = true;
    assert!(!is_evaluated(&voided, "STD"));
}

#[test]
fn the_attribute_names_the_code_before_the_first_tax() {
    assert_eq!(named_code(&untaxed(1, 100)), None);
    assert_eq!(named_code(&line(1, 100, 1, 0, 17)), Some("VAT-STD"));
    assert_eq!(named_code(&coded(1, 100, "RED")), Some("RED"));
    assert_eq!(named_code(&coded(1, 100, "")), None);
}

#[test]
fn a_tax_has_the_names_of_its_row_and_the_country_as_default_authority() {
    let lines = [coded(1, 1210, "STD"), coded(2, 220, "RED")];
    let taxes = taxes(&lines, true, Rounding::default(), 2);
    let expected = json!([
        [{"code": "STD", "authority": "ES", "rate": "21", "taxable": 1000, "amount": 210, "included": true,
            "treatment": "standard", "attributes": [
                {"name": "level", "value": "VAT 21"}, {"name": "level-id", "value": "1"}]}],
        [{"code": "RED", "authority": "XX", "rate": "10", "taxable": 200, "amount": 20, "included": true,
            "treatment": "reduced", "attributes": []}],
    ]);
    assert_eq!(serde_json::to_value(&taxes).expect("JSON"), expected);
}

#[test]
fn returned_lines_have_positive_taxes_that_count_as_negative() {
    let mut back = coded(2, 605, "STD");
    back.returned = true;
    let mut lines = [coded(1, 1210, "STD"), back];
    for included in [true, false] {
        let taxes = taxes(&lines, included, Rounding::default(), 2);
        let expected = match included {
            true => [(1000, 210), (500, 105)],
            false => [(1210, 254), (605, 127)],
        };
        let found: Vec<_> = taxes.iter().flat_map(|taxes| amounts(taxes)).collect();
        assert_eq!(found, expected);
        for (line, taxes) in lines.iter_mut().zip(taxes) {
            line.taxes = taxes;
        }
        let sums = sum_lines(&lines, 2).expect("valid lines");
        assert_eq!(sums.net, if included { 500 } else { 605 });
        assert_eq!(
            sums.taxes[0].amount,
            sums.gross - sums.net,
            "{:?}",
            sums.taxes
        );
    }
}

#[test]
fn rates_that_are_not_in_per_cent_become_effective_ones() {
    let mut bags = coded(2, 90, "BAG");
    bags.quantity = Decimal::whole(3);
    bags.unit_price = "0.30".parse().expect("a price");
    let mut lines = [coded(1, 900, "DIV"), bags];
    let taxes = taxes(&lines, false, Rounding::default(), 2);
    let rates = taxes.iter().flatten().map(|tax| tax.rate.to_string());
    let rates: Vec<_> = rates.collect();
    assert_eq!(rates, ["11.1111", "50", "20"]);
    // A tenth of 10.00; 3 × 0.15, and a fifth of 0.90 + 0.45.
    assert_eq!(amounts(&taxes[0]), [(900, 100)]);
    assert_eq!(amounts(&taxes[1]), [(90, 45), (135, 27)]);
    let kinds = taxes.iter().flatten().flat_map(|tax| &tax.attributes);
    let kinds: Vec<_> = kinds
        .filter(|attribute| !attribute.name.starts_with("level"))
        .map(|attribute| format!("{}={}", attribute.name, attribute.value))
        .collect();
    assert_eq!(
        kinds,
        [
            "kind=division",
            "table-rate=10",
            "kind=fixed_per_unit",
            "table-rate=0.15"
        ]
    );
    for (line, taxes) in lines.iter_mut().zip(taxes) {
        line.taxes = taxes;
    }
    assert_eq!(
        sum_lines(&lines, 2).expect("valid").gross,
        990 + 100 + 45 + 27
    );
}

#[test]
fn amounts_finer_than_minor_units_are_split_by_largest_remainder() {
    let unrounded = Rounding {
        method: RoundingMethod::Unrounded,
        ..Rounding::default()
    };
    let fine = Rounding {
        precision: "0.0001".parse().expect("a precision"),
        ..Rounding::default()
    };
    // 1.00 at 21 %: 0.17355 each, 0.52066 in all.
    let lines = [1, 2, 3].map(|number| coded(number, 100, "STD"));
    for rounding in [unrounded, fine] {
        let taxes = taxes(&lines, true, rounding, 2);
        let found: Vec<_> = taxes.iter().flat_map(|taxes| amounts(taxes)).collect();
        assert_eq!(found, [(82, 18), (83, 17), (83, 17)]);
    }
    // A store without minor digits.
    let yen = [coded(1, 100, "STD"), coded(2, 100, "STD")];
    let taxes = taxes(&yen, true, Rounding::default(), 0);
    let found: Vec<_> = taxes.iter().flat_map(|taxes| amounts(taxes)).collect();
    assert_eq!(found, [(82, 18), (83, 17)]);
}

#[test]
fn random_orders_are_valid_whatever_the_rounding() {
    let mut random = ChaCha8Rng::seed_from_u64(29);
    for _ in 0..3_000 {
        let count = random.random_range(1..8);
        let digits = random.random_range(0..4);
        let mut lines: Vec<Line> = (1..=count)
            .map(|number| {
                let code = ["STD", "RED", "DIV"][random.random_range(0..3)];
                let mut line = coded(number, random.random_range(0..5_000), code);
                line.unit_price.scale = digits;
                line.returned = random.random_ratio(1, 4);
                line
            })
            .collect();
        let methods = RoundingMethod::ALL;
        let rounding = Rounding {
            method: methods[random.random_range(0..methods.len())],
            mode: RoundingMode::ALL[random.random_range(0..4)],
            precision: Decimal {
                unscaled: 1,
                // A coarser step may exceed a small amount.
                scale: digits + random.random_range(0..3),
            },
        };
        let included = random.random_bool(0.5);
        let response = response(&lines, included, rounding, digits);
        let references: Vec<&Line> = lines.iter().collect();
        let taxes = line_taxes(&references, &response, digits, "ES");
        let taxes = taxes.expect("taxes");
        for (line, taxes) in lines.iter_mut().zip(taxes) {
            line.taxes = taxes;
        }
        let sums = sum_lines(&lines, digits).expect("valid lines");
        let total = sum_taxes(&lines)
            .0
            .iter()
            .map(|tax| tax.amount)
            .sum::<i64>();
        let exact = crate::number::to_minor(response.total_tax, digits).expect("small");
        assert_eq!(total, exact, "{rounding:?}");
        assert_eq!(sums.gross - sums.net, exact);
        assert_eq!(
            sums.net,
            lines.iter().map(Line::counts).sum::<i64>() - if included { exact } else { 0 }
        );
    }
}

#[test]
fn a_response_for_other_lines_is_rejected() {
    type Change = fn(&mut TaxResponse);
    let lines = [coded(1, 1210, "STD"), coded(2, 100, "RED")];
    let references: Vec<&Line> = lines.iter().collect();
    let cases: [(Change, &str); 8] = [
        (
            |response| drop(response.item_tax.pop()),
            "item 2 is missing",
        ),
        (
            |response| response.item_tax[1].item_id = "1".into(),
            "item 1 occurs twice",
        ),
        (
            |response| response.item_tax[0].total_amount = 12.into(),
            "total_amount of item 1 must be the line's amount of 1210 minor units",
        ),
        (
            |response| response.item_tax[0].taxes[0].included = false,
            "total_amount_after_tax of item 1 must be total_amount and the taxes that it does not include",
        ),
        (
            |response| {
                let tax: &mut LevelTax = &mut response.item_tax[0].taxes[0];
                tax.tax_amount = -tax.tax_amount;
            },
            "tax \"STD\" of item 1 has another sign than its amount",
        ),
        (
            |response| response.item_tax[1].taxes[0].tax_amount = 2.into(),
            "the included taxes of item 2 exceed its amount",
        ),
        (
            |response| response.item_tax[0].taxes[0].tax_amount = rust_decimal::Decimal::MAX,
            "tax_amount of item 1 is too large",
        ),
        (
            |response| response.item_tax[1].taxes[0].tax_percent = rust_decimal::Decimal::MAX,
            "tax_percent has too many digits",
        ),
    ];
    for (change, reason) in cases {
        let mut response = response(&lines, true, Rounding::default(), 2);
        change(&mut response);
        let found = line_taxes(&references, &response, 2, "ES");
        assert_eq!(found, Err(reason.to_owned()));
    }
}

#[test]
fn differences_name_code_rate_and_both_amounts() {
    let mut sent = coded(7, 1210, "STD");
    let evaluated = taxes(std::slice::from_ref(&sent), true, Rounding::default(), 2).remove(0);
    sent.taxes = evaluated.clone();
    // Digits, authority, treatment and attributes do not count.
    sent.taxes[0].rate = "21.000".parse().expect("a rate");
    sent.taxes[0].authority = "other".into();
    sent.taxes[0].treatment = "luxury".into();
    sent.taxes[0].attributes.clear();
    assert_eq!(differences(&sent, &evaluated), []);
    sent.taxes[0].amount = 209;
    let texts = |sent: &Line| -> Vec<String> {
        let found = differences(sent, &evaluated);
        found.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        texts(&sent),
        ["code \"STD\" at 21 % (included): the line has 209, the route has 210 (in minor units)"]
    );
    sent.taxes[0].rate = "20".parse().expect("a rate");
    assert_eq!(
        texts(&sent),
        [
            "code \"STD\" at 20 % (included): the line has 209, the route has no such tax (in minor units)",
            "code \"STD\" at 21 % (included): the line has no such tax, the route has 210 (in minor units)",
        ]
    );
    // The rate of a fixed tax depends on the rounding; its amount counts.
    let mut bag = coded(1, 30, "BAG");
    let evaluated = taxes(std::slice::from_ref(&bag), false, Rounding::default(), 2).remove(0);
    bag.taxes = evaluated.clone();
    bag.taxes[0].rate = "0".parse().expect("a rate");
    assert_eq!(differences(&bag, &evaluated), []);
    bag.taxes[0].amount += 1;
    assert_eq!(differences(&bag, &evaluated).len(), 1);
}

#[test]
fn a_timeline_shows_lines_route_and_differences() {
    let taxes = OrderTaxes {
        evaluated: Some(EvaluatedLines {
            lines: vec![1, 3],
            route: TaxRoute::Grpc,
            fallback: true,
        }),
        compared: Some(ComparedLines {
            lines: vec![2],
            route: Some(TaxRoute::Http),
            fallback: false,
            differences: vec![TaxDifference {
                line: 2,
                code: "STD".into(),
                rate: Some(Decimal::whole(21)),
                included: false,
                sent: Some(1),
                evaluated: None,
            }],
            error: None,
        }),
    };
    let facts = taxes.facts();
    let facts: Vec<_> = facts
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        facts,
        [
            "evaluated_lines=1, 3",
            "route=grpc",
            "fallback=true",
            "compared_lines=2",
            "compared_route=http",
            "differences=1",
            "differing=line 2: code \"STD\" at 21 % (not included): the line has 1, the route has no such tax (in minor units)",
        ]
    );
}
