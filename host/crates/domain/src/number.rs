//! Exact numbers: money in minor units, decimals as integer and scale. No floating point.

use rust_decimal::RoundingStrategy;
use serde::{Deserialize, Serialize};

/// Minor units of the currency that the enclosing record names.
pub type Money = i64;

/// `unscaled × 10^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Decimal {
    /// The digits, with sign.
    pub unscaled: i64,
    /// How many of them stand behind the decimal mark, 0 to 18.
    #[cfg_attr(feature = "openapi", schema(maximum = 18))]
    pub scale: u8,
}

impl Decimal {
    /// A whole number.
    pub const fn whole(value: i64) -> Self {
        Self {
            unscaled: value,
            scale: 0,
        }
    }

    /// The library's decimal, or none where `scale` is beyond 18.
    pub fn exact(self) -> Option<rust_decimal::Decimal> {
        (self.scale <= 18)
            .then(|| {
                rust_decimal::Decimal::try_from_i128_with_scale(
                    self.unscaled.into(),
                    self.scale.into(),
                )
                .ok()
            })
            .flatten()
    }
}

/// `value` major units as minor units of a currency with `minor_digits`, half away from zero.
/// None where it does not fit.
pub fn to_minor(value: rust_decimal::Decimal, minor_digits: u8) -> Option<Money> {
    let factor = rust_decimal::Decimal::from(10_i64.checked_pow(minor_digits.into())?);
    let minor = value
        .checked_mul(factor)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    i64::try_from(minor).ok()
}

/// `price × quantity` in minor units, half away from zero.
pub fn extended(price: Decimal, quantity: Decimal, minor_digits: u8) -> Option<Money> {
    to_minor(price.exact()?.checked_mul(quantity.exact()?)?, minor_digits)
}

/// Splits `total` over `weights` by largest remainder, ties to the earlier one. The parts sum to
/// `total`. None where the weights sum to nothing or a product does not fit.
pub fn split(total: Money, weights: &[Money]) -> Option<Vec<Money>> {
    let sum: i128 = weights.iter().map(|w| i128::from(*w)).sum();
    if sum <= 0 || weights.iter().any(|w| *w < 0) || total < 0 {
        return None;
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    for (index, weight) in weights.iter().enumerate() {
        let product = i128::from(total) * i128::from(*weight);
        parts.push(i64::try_from(product / sum).ok()?);
        remainders.push((product % sum, index));
    }
    let mut left = total - parts.iter().sum::<i64>();
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for (_, index) in remainders {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(unscaled: i64, scale: u8) -> Decimal {
        Decimal { unscaled, scale }
    }

    #[test]
    fn extension_rounds_half_away_from_zero() {
        assert_eq!(extended(decimal(2995, 2), decimal(345, 3), 2), Some(1033)); // 10.33275
        assert_eq!(extended(decimal(5, 1), decimal(5, 2), 2), Some(3)); // 0.025
        assert_eq!(extended(decimal(10, 0), decimal(3, 0), 0), Some(30));
        assert_eq!(extended(decimal(1, 19), decimal(1, 0), 2), None);
        assert_eq!(
            extended(decimal(i64::MAX, 0), decimal(i64::MAX, 0), 2),
            None
        );
    }

    #[test]
    fn parts_sum_to_the_whole_and_ties_go_to_the_earlier() {
        assert_eq!(split(100, &[1, 1, 1]), Some(vec![34, 33, 33]));
        assert_eq!(split(5, &[50, 0, 50]), Some(vec![3, 0, 2]));
        assert_eq!(split(0, &[3, 4]), Some(vec![0, 0]));
        assert_eq!(split(7, &[0, 0]), None);
        assert_eq!(
            split(i64::MAX, &[i64::MAX, 1]).map(|p| p.iter().sum()),
            Some(i64::MAX)
        );
    }
}
