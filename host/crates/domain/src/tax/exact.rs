//! Rounding and splitting of exact values.

use super::basket::RoundingMode;
use super::check::MAX_VALUE;
use crate::number::Decimal;
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{CheckedAdd, CheckedMul, NumRef, Signed, ToPrimitive};
use std::cmp::Ordering;
use std::iter::Sum;

/// The integers of an evaluation: `i128`, which is fast, and `BigInt` for values that do not fit.
pub(super) trait Whole:
    Integer
    + Signed
    + NumRef
    + CheckedAdd
    + CheckedMul
    + ToPrimitive
    + From<i128>
    + TryFrom<BigInt>
    + Clone
    + Sum
{
}

impl Whole for i128 {}
impl Whole for BigInt {}

/// Rounds `numerator / denominator` to an integer. The denominator is positive.
pub(super) fn round<N: Whole>(numerator: &N, denominator: &N, mode: RoundingMode) -> N {
    let (whole, rest) = numerator.div_rem(denominator);
    let rest = rest.abs();
    let away = match mode {
        RoundingMode::Up => !rest.is_zero(),
        RoundingMode::Down => false,
        RoundingMode::HalfUp | RoundingMode::HalfEven => {
            // Not `2 × rest`, which may not fit.
            match rest.cmp(&(denominator.clone() - &rest)) {
                Ordering::Less => false,
                Ordering::Equal => mode == RoundingMode::HalfUp || whole.is_odd(),
                Ordering::Greater => true,
            }
        }
    };
    match (away, numerator.is_negative()) {
        (false, _) => whole,
        (true, true) => whole - N::one(),
        (true, false) => whole + N::one(),
    }
}

/// Splits `total`, a rounded sum of `numerators / denominator`, into integers near these values: the largest remainder
/// method. Ties go to the earlier part. The parts sum to `total`.
pub(super) fn apportion<N: Whole>(total: &N, numerators: &[N], denominator: &N) -> Vec<N> {
    let divided = numerators.iter().map(|value| value.div_rem(denominator));
    let (mut parts, remainders): (Vec<N>, Vec<N>) = divided.unzip();
    let missing = total.clone() - parts.iter().cloned().sum::<N>();
    if missing.is_zero() {
        return parts;
    }
    let mut order: Vec<usize> = (0..parts.len()).collect();
    match missing.is_positive() {
        true => order.sort_by(|a, b| remainders[*b].cmp(&remainders[*a])),
        false => order.sort_by(|a, b| remainders[*a].cmp(&remainders[*b])),
    }
    let count = missing.abs().to_usize().unwrap_or(usize::MAX);
    debug_assert!(
        count <= parts.len(),
        "`total` is a rounded sum of the values"
    );
    for index in order.into_iter().take(count) {
        parts[index] = parts[index].clone() + missing.signum();
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
pub(super) fn amount_of(count: &impl ToPrimitive, step: Decimal) -> Option<rust_decimal::Decimal> {
    let unscaled = count.to_i128()?.checked_mul(step.unscaled.into())?;
    let highest = i128::from(MAX_VALUE) * 10_i128.pow(step.scale.into());
    let fits = unscaled.unsigned_abs() <= highest.unsigned_abs();
    fits.then(|| rust_decimal::Decimal::from_i128_with_scale(unscaled, step.scale.into()))
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
