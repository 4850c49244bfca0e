//! The amounts of the items, and their shares of the basket discounts.

use super::basket::{TaxBasket, TaxItem};
use super::check::MAX_VALUE;
use super::exact::{amount_of, apportion, in_units, power, ratio, round};
use crate::fault::Problem;
use crate::number;
use num_bigint::BigInt;
use rust_decimal::Decimal;

/// The amount of each item before basket discounts.
pub(super) fn gross(basket: &TaxBasket) -> Result<Vec<Decimal>, Vec<Problem>> {
    let scale = basket.rounding.step().scale;
    let amount = |(index, item): (usize, &TaxItem)| {
        let amount = match (item.amount, item.unit_amount) {
            (None, Some(unit)) => {
                let exact = ratio(unit) * ratio(item.quantity) * power(scale.into());
                let rounded = round(exact.numer(), exact.denom(), basket.rounding.mode);
                amount_of(&rounded, smallest(scale))
            }
            (amount, _) => amount.and_then(number::Decimal::exact),
        };
        amount.ok_or_else(|| {
            let rule = format!(
                "must give an amount of at most {MAX_VALUE} (item {})",
                item.id
            );
            vec![Problem::new(format!("items.{index}.unit_amount"), rule)]
        })
    };
    basket.items.iter().enumerate().map(amount).collect()
}

/// The amount of an item after its share of the basket discounts. A difference of zeros would lose their digits.
pub(super) fn discounted(amount: Decimal, discount: Decimal) -> Decimal {
    match discount.is_zero() {
        true => amount,
        false => amount - discount,
    }
}

const fn smallest(scale: u8) -> number::Decimal {
    number::Decimal { unscaled: 1, scale }
}

/// The share of each item in the basket discounts, in proportion to its amount. Shares have as many digits as the
/// amounts and the precision.
pub(super) fn discounts(
    basket: &TaxBasket,
    amounts: &[Decimal],
) -> Result<Vec<Decimal>, Vec<Problem>> {
    let mut shares = vec![Decimal::ZERO; amounts.len()];
    let discount: Decimal = basket
        .discounts
        .iter()
        .filter_map(|one| one.amount.exact())
        .sum();
    if discount.is_zero() {
        return Ok(shares);
    }
    let total: Decimal = amounts.iter().sum();
    if total.is_zero()
        || discount.is_sign_negative() != total.is_sign_negative()
        || discount.abs() > total.abs()
    {
        let rule = format!(
            "must sum to an amount between 0 and the items' total of {total}, got {discount}"
        );
        return Err(vec![Problem::new("discounts", rule)]);
    }
    let scales = amounts.iter().map(Decimal::scale);
    let scale = scales.fold(
        discount.scale().max(basket.rounding.precision.scale.into()),
        u32::max,
    );
    let total = in_units(total, scale);
    let discount = in_units(discount, scale);
    // The denominator must be positive.
    let factor = BigInt::from(discount * total.signum());
    let numerators: Vec<BigInt> = amounts
        .iter()
        .map(|amount| &factor * in_units(*amount, scale))
        .collect();
    let parts = apportion(&discount.into(), &numerators, &total.abs().into());
    for (share, units) in shares.iter_mut().zip(parts) {
        *share = decimal(&units, scale)
            .ok_or_else(|| vec![Problem::new("discounts", "must have at most 28 digits")])?;
    }
    Ok(shares)
}

fn decimal(units: &BigInt, scale: u32) -> Option<Decimal> {
    amount_of(units, smallest(u8::try_from(scale).ok()?))
}
