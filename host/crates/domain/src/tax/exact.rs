//! Rounding and splitting of exact values.

use super::basket::RoundingMode;
use super::check::MAX_VALUE;
use crate::number::Decimal;
use num_bigint::{BigInt, Sign};
use num_integer::Integer as _;
use num_rational::BigRational;
use num_traits::{Signed as _, ToPrimitive as _, Zero as _};
use std::cmp::Ordering;

/// Rounds `numerator / denominator` to an integer. The denominator is positive.
pub(super) fn round(numerator: &BigInt, denominator: &BigInt, mode: RoundingMode) -> BigInt {
    let (whole, rest) = numerator.div_rem(denominator);
    let away = match mode {
        RoundingMode::Up => !rest.is_zero(),
        RoundingMode::Down => false,
        RoundingMode::HalfUp | RoundingMode::HalfEven => {
            match (rest.magnitude() * 2_u8).cmp(denominator.magnitude()) {
                Ordering::Less => false,
                Ordering::Equal => mode == RoundingMode::HalfUp || whole.is_odd(),
                Ordering::Greater => true,
            }
        }
    };
    match (away, numerator.sign()) {
        (false, _) => whole,
        (true, Sign::Minus) => whole - 1,
        (true, _) => whole + 1,
    }
}

/// Splits `total`, a rounded sum of `numerators / denominator`, into integers near these values: the largest remainder
/// method. Ties go to the earlier part. The parts sum to `total`.
pub(super) fn apportion(
    total: &BigInt,
    numerators: &[BigInt],
    denominator: &BigInt,
) -> Vec<BigInt> {
    let divided = numerators.iter().map(|value| value.div_rem(denominator));
    let (mut parts, remainders): (Vec<BigInt>, Vec<BigInt>) = divided.unzip();
    let missing = total - parts.iter().sum::<BigInt>();
    let step = missing.signum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    match missing.sign() {
        Sign::NoSign => return parts,
        Sign::Plus => order.sort_by(|a, b| remainders[*b].cmp(&remainders[*a])),
        Sign::Minus => order.sort_by(|a, b| remainders[*a].cmp(&remainders[*b])),
    }
    let count = missing.abs().to_usize().unwrap_or(usize::MAX);
    debug_assert!(
        count <= parts.len(),
        "`total` is a rounded sum of the values"
    );
    for index in order.into_iter().take(count) {
        parts[index] += &step;
    }
    parts
}

/// The exact value of a decimal.
pub(super) fn ratio(value: Decimal) -> BigRational {
    BigRational::new(value.unscaled.into(), power(value.scale.into()))
}

/// `10^scale`.
pub(super) fn power(scale: u32) -> BigInt {
    BigInt::from(10_u8).pow(scale)
}

/// `value` in units of `10^-scale`; `scale` is at least the scale of `value`.
///
/// Amounts and quantities have at most 24 digits, so that the result fits.
pub(super) fn in_units(value: rust_decimal::Decimal, scale: u32) -> i128 {
    value.mantissa() * 10_i128.pow(scale - value.scale())
}

/// `count` multiples of `step`; `None` if the amount is above [`MAX_VALUE`], so that sums of amounts fit.
pub(super) fn amount_of(count: &BigInt, step: Decimal) -> Option<rust_decimal::Decimal> {
    let unscaled = count.to_i128()?.checked_mul(step.unscaled.into())?;
    let amount = rust_decimal::Decimal::try_from_i128_with_scale(unscaled, step.scale.into());
    amount
        .ok()
        .filter(|amount| amount.abs() <= MAX_VALUE.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use RoundingMode::{Down, HalfEven, HalfUp, Up};

    #[test]
    fn modes_are_symmetrical_around_zero() {
        // Tenths, rounded by each mode.
        let table = [
            (0, [0, 0, 0, 0]),
            (1, [0, 0, 1, 0]),
            (5, [1, 0, 1, 0]),
            (9, [1, 1, 1, 0]),
            (10, [1, 1, 1, 1]),
            (15, [2, 2, 2, 1]),
            (25, [3, 2, 3, 2]),
        ];
        for (tenths, rounded) in table {
            for (mode, whole) in [HalfUp, HalfEven, Up, Down].into_iter().zip(rounded) {
                for sign in [1, -1] {
                    let result = round(&BigInt::from(tenths * sign), &BigInt::from(10), mode);
                    assert_eq!(
                        result,
                        BigInt::from(whole * sign),
                        "{tenths} {sign} {mode:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn parts_sum_to_the_total_and_ties_go_to_the_earlier_part() {
        // Thirds.
        let split = |total: i64, values: &[i64]| -> Vec<i64> {
            let values: Vec<BigInt> = values.iter().map(|value| (*value).into()).collect();
            let parts = apportion(&total.into(), &values, &3.into());
            parts
                .iter()
                .map(|part| part.to_i64().expect("small"))
                .collect()
        };
        assert_eq!(split(1, &[1, 1, 1]), [1, 0, 0]);
        assert_eq!(split(2, &[1, 2, 1, 2]), [0, 1, 0, 1]);
        assert_eq!(split(-2, &[-1, -2, -1, -2]), [0, -1, 0, -1]);
        // A sale of 1/3 and 2/3 and the refund of both.
        assert_eq!(split(0, &[1, 2, -1, -2]), [0, 0, 0, 0]);
        // Rounded up.
        assert_eq!(split(1, &[1, 0]), [1, 0]);
    }
}
