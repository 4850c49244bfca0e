//! Draws baskets for tests.

use super::*;
use crate::number;
use rand::RngExt as _;
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

const METHODS: [RoundingMethod; 5] = [
    RoundingMethod::PerLine,
    RoundingMethod::PerUnit,
    RoundingMethod::PerRate,
    RoundingMethod::PerTotal,
    RoundingMethod::Unrounded,
];

const MODES: [RoundingMode; 4] = [
    RoundingMode::HalfUp,
    RoundingMode::HalfEven,
    RoundingMode::Up,
    RoundingMode::Down,
];

pub(super) fn decimal(text: &str) -> number::Decimal {
    text.parse().expect(text)
}

pub(super) fn rule(rng: &mut ChaCha8Rng) -> TaxRule {
    let kind = *[
        TaxKind::Percent,
        TaxKind::Percent,
        TaxKind::FixedPerUnit,
        TaxKind::Division,
    ]
    .choose(rng)
    .expect("kinds");
    let rates = [
        "21",
        "5.5",
        "8.875",
        "9.975",
        "0.30",
        "7",
        "0.000125",
        "33.333333",
    ];
    let treatment = match rng.random_range(0..12) {
        0 => Treatment::Zero,
        1 => Treatment::Exempt,
        2 => Treatment::Reduced,
        _ => Treatment::Standard,
    };
    let rate = *rates.choose(rng).expect("rates");
    TaxRule {
        code: format!("T{rate}"),
        authority: ["ES", "US-NY"][rng.random_range(0..2)].into(),
        kind,
        rate: match treatment {
            Treatment::Zero | Treatment::Exempt => decimal("0"),
            _ => decimal(rate),
        },
        included: rng.random(),
        treatment,
        affects_later_taxes: rng.random_range(0..3) == 0,
        ignores_earlier_taxes: rng.random_range(0..4) == 0,
    }
}

/// A basket whose items are of one sign or mixed, with one to four lists of taxes.
pub(super) fn basket(rng: &mut ChaCha8Rng) -> TaxBasket {
    let lists: Vec<Vec<TaxRule>> = (0..rng.random_range(1..5))
        .map(|_| (0..rng.random_range(0..4)).map(|_| rule(rng)).collect())
        .collect();
    let items = (0..rng.random_range(1..13))
        .map(|n| {
            let quantity = ["1", "2", "3", "12", "0.345"]
                .choose(rng)
                .expect("quantities");
            TaxItem {
                id: n.to_string(),
                amount: Some(number::Decimal {
                    unscaled: rng.random_range(-2_000..10_000),
                    scale: 2,
                }),
                unit_amount: None,
                quantity: decimal(quantity),
                taxes: lists.choose(rng).expect("lists").clone(),
            }
        })
        .collect();
    let precision = ["0.01", "0.01", "1", "0.001", "0.05", "0.000001"]
        .choose(rng)
        .expect("steps");
    TaxBasket {
        items,
        discounts: Vec::new(),
        rounding: Rounding {
            method: *METHODS.choose(rng).expect("methods"),
            mode: *MODES.choose(rng).expect("modes"),
            precision: decimal(precision),
        },
    }
}

/// Adds a discount of up to the whole basket.
pub(super) fn discount(rng: &mut ChaCha8Rng, basket: &mut TaxBasket) -> i64 {
    let amounts = basket
        .items
        .iter()
        .map(|item| item.amount.expect("amount").unscaled);
    let total: i64 = amounts.sum();
    let unscaled = rng.random_range(0..=total.abs()) * total.signum();
    basket.discounts.push(BasketDiscount {
        amount: number::Decimal { unscaled, scale: 2 },
    });
    unscaled
}
