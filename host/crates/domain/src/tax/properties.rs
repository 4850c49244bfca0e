//! Properties of the engine over drawn baskets.

use super::drawn::{basket, decimal, discount, rule};
use super::*;
use crate::number;
use num_bigint::BigInt;
use rand::seq::SliceRandom as _;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rust_decimal::Decimal;

const BASKETS: usize = 1_000;

/// Calls `check` with drawn baskets and their results.
fn drawn(seed: u64, mut check: impl FnMut(&mut ChaCha8Rng, &TaxBasket, &TaxResult)) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..BASKETS {
        let basket = basket(&mut rng);
        let result = evaluate(&basket).expect("taxes");
        check(&mut rng, &basket, &result);
    }
}

fn sum<T>(values: &[T], value: impl Fn(&T) -> Decimal) -> Decimal {
    values.iter().map(value).sum()
}

#[test]
fn parts_sum_to_the_whole() {
    drawn(1, |_, basket, result| {
        let included = |taxes: &[TaxAmount], included: bool| {
            let these = taxes.iter().filter(|tax| tax.included == included);
            these.map(|tax| tax.amount).sum::<Decimal>()
        };
        assert_eq!(
            result.net,
            result.amount - included(&result.breakdown, true)
        );
        assert_eq!(
            result.gross,
            result.amount + included(&result.breakdown, false)
        );
        assert_eq!(result.tax, sum(&result.breakdown, |row| row.amount));
        assert_eq!(result.net, sum(&result.items, |item| item.net));
        assert_eq!(result.gross, sum(&result.items, |item| item.gross));
        let step = basket.rounding.step().exact().expect("step");
        for item in &result.items {
            assert_eq!(item.net, item.amount - included(&item.taxes, true));
            assert_eq!(item.gross, item.amount + included(&item.taxes, false));
            for tax in &item.taxes {
                assert!((tax.amount % step).is_zero(), "{tax:?}");
            }
        }
    });
}

#[test]
fn integers_of_both_types_give_the_same_amounts() {
    let mut fast = 0;
    drawn(6, |_, basket, _| {
        let prices = amounts::gross(basket).expect("amounts");
        let lines = lines::Lines::new(basket, &prices).expect("lines");
        let exact = lines.amounts_in::<BigInt>(basket.rounding);
        assert!(exact.is_some());
        if let Some(amounts) = lines.amounts_in::<i128>(basket.rounding) {
            assert_eq!(Some(amounts), exact, "{basket:?}");
            fast += 1;
        }
    });
    // Both types are in use.
    assert!(
        (BASKETS / 2..BASKETS).contains(&fast),
        "{fast} of {BASKETS}"
    );
}

#[test]
fn totals_do_not_depend_on_the_order_of_items() {
    drawn(2, |rng, basket, result| {
        let mut other = basket.clone();
        other.items.shuffle(rng);
        let other = evaluate(&other).expect("taxes");
        assert_eq!(other.breakdown, result.breakdown);
        assert_eq!(
            (other.net, other.tax, other.gross),
            (result.net, result.tax, result.gross)
        );
        let step = basket.rounding.step().exact().expect("step");
        for item in &result.items {
            let same = other
                .items
                .iter()
                .find(|one| one.id == item.id)
                .expect("item");
            for (a, b) in item.taxes.iter().zip(&same.taxes) {
                assert!((a.amount - b.amount).abs() <= step, "{a:?} {b:?}");
            }
        }
    });
}

fn negated(items: &[TaxItem]) -> Vec<TaxItem> {
    let mut items = items.to_vec();
    for item in &mut items {
        let amount = item.amount.as_mut().expect("amount");
        amount.unscaled = -amount.unscaled;
        // The fixed tax of an item without amount has the sign of its quantity.
        item.quantity.unscaled = -item.quantity.unscaled;
    }
    items
}

#[test]
fn a_refund_of_everything_gives_zero() {
    drawn(3, |_, basket, result| {
        let mut refund = basket.clone();
        refund.items = negated(&basket.items);
        let refund = evaluate(&refund).expect("taxes");
        for (sold, refunded) in result.breakdown.iter().zip(&refund.breakdown) {
            assert!((sold.amount + refunded.amount).is_zero());
            assert!((sold.taxable + refunded.taxable).is_zero());
        }
        for (sold, refunded) in result.items.iter().zip(&refund.items) {
            assert!((sold.net + refunded.net).is_zero());
            assert!((sold.gross + refunded.gross).is_zero());
        }
        let mut both = basket.clone();
        both.items.extend(negated(&basket.items));
        let both = evaluate(&both).expect("taxes");
        assert!(both.net.is_zero() && both.tax.is_zero() && both.gross.is_zero());
        assert!(both.breakdown.iter().all(|row| row.amount.is_zero()));
    });
}

#[test]
fn an_unrounded_tax_of_the_gross_amount_gives_the_same_net_amount() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    for _ in 0..BASKETS {
        let mut tax = rule(&mut rng);
        (tax.kind, tax.included) = (TaxKind::Percent, false);
        let net = number::Decimal {
            unscaled: i64::from(rng.next_u32()) - i64::from(u32::MAX) / 2,
            scale: 2,
        };
        let mut basket = TaxBasket {
            items: vec![TaxItem {
                id: "1".into(),
                amount: Some(net),
                unit_amount: None,
                quantity: decimal("1"),
                taxes: vec![tax],
            }],
            discounts: Vec::new(),
            rounding: Rounding {
                method: RoundingMethod::Unrounded,
                ..Rounding::default()
            },
        };
        let forward = evaluate(&basket).expect("taxes");
        basket.items[0].amount = Some(
            forward
                .gross
                .normalize()
                .to_string()
                .parse()
                .expect("gross"),
        );
        basket.items[0].taxes[0].included = true;
        let back = evaluate(&basket).expect("taxes");
        assert_eq!((back.net, back.tax), (forward.net, forward.tax));
    }
}

#[test]
fn basket_discounts_are_spread_completely() {
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    for _ in 0..BASKETS {
        let mut basket = basket(&mut rng);
        let discount = discount(&mut rng, &mut basket);
        let amounts = basket
            .items
            .iter()
            .map(|item| item.amount.expect("amount").unscaled);
        let total: i64 = amounts.sum();
        let result = evaluate(&basket).expect("taxes");
        assert_eq!(result.discount, Decimal::new(discount, 2));
        assert_eq!(result.discount, sum(&result.items, |item| item.discount));
        assert_eq!(
            result.gross - result.tax
                + sum(&result.breakdown, |row| match row.included {
                    true => row.amount,
                    false => Decimal::ZERO,
                }),
            result.amount - result.discount
        );
        for item in &result.items {
            // Proportional: below one unit apart from the exact share.
            if total != 0 {
                let exact = item.amount * Decimal::new(discount, 2) / Decimal::new(total, 2);
                assert!(
                    (item.discount - exact).abs() < Decimal::new(1, 2),
                    "{item:?}"
                );
            }
        }
    }
}
