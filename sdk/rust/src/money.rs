//! Money: minor units, as text and in sums.

use crate::Money;
use crate::fault::BadValue;
use crate::number::{self, narrow, power};

/// As major units with a point: `1299` with two digits is `12.99`.
///
/// ```
/// use galleria_sdk::money;
///
/// assert_eq!(money::format(1299, 2), "12.99");
/// assert_eq!(money::format(-5, 2), "-0.05");
/// assert_eq!(money::format(500, 0), "500");
/// ```
pub fn format(minor: Money, minor_digits: u8) -> String {
    number::text(minor, minor_digits, b'.')
}

/// The same into a buffer, with another decimal mark where a file asks for it.
pub fn push(out: &mut Vec<u8>, minor: Money, minor_digits: u8, mark: u8) {
    number::push(out, minor, minor_digits, mark);
}

/// Reads `12.99` as minor units. More digits than the currency has are refused, not rounded.
///
/// ```
/// use galleria_sdk::money;
///
/// assert_eq!(money::parse("12.9", 2)?, 1290);
/// assert!(money::parse("12.999", 2).is_err());
/// # Ok::<(), galleria_sdk::BadValue>(())
/// ```
pub fn parse(text: &str, minor_digits: u8) -> Result<Money, BadValue> {
    let (unscaled, scale) = number::parse(text, b'.')?;
    let Some(missing) = minor_digits.checked_sub(scale) else {
        let message = ["`", text, "` has more digits than the currency"].concat();
        return Err(BadValue::new("amount", message));
    };
    narrow("amount", i128::from(unscaled) * power(missing)?)
}

/// Digits after the decimal mark of a currency, by ISO 4217; two for one that is not known. Where the
/// call is about a store, the store's own `minor_digits` is what the host goes by.
///
/// ```
/// use galleria_sdk::money;
///
/// assert_eq!(["EUR", "JPY", "KWD"].map(money::minor_digits), [2, 0, 3]);
/// ```
pub fn minor_digits(currency: &str) -> u8 {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// The sum; refused where it does not fit.
///
/// ```
/// use galleria_sdk::money;
///
/// assert_eq!(money::sum([100, -30, 5]), Ok(75));
/// assert!(money::sum([i64::MAX, 1]).is_err());
/// ```
pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Result<Money, BadValue> {
    narrow("sum", amounts.into_iter().map(i128::from).sum())
}

/// Splits `total` over `weights` by largest remainder, ties to the earlier one. The parts sum to
/// `total`; a negative total is split as its opposite is.
///
/// ```
/// use galleria_sdk::money;
///
/// assert_eq!(money::split(100, &[1, 1, 1]), Ok(vec![34, 33, 33]));
/// assert_eq!(money::split(-100, &[1, 1, 1]), Ok(vec![-34, -33, -33]));
/// ```
pub fn split(total: Money, weights: &[Money]) -> Result<Vec<Money>, BadValue> {
    let sum: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    if sum <= 0 || weights.iter().any(|weight| *weight < 0) {
        return Err(BadValue::new(
            "weights",
            "have to be zero or more, and one of them above zero",
        ));
    }
    let mut parts = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = i128::from(total).abs();
    for (index, weight) in weights.iter().enumerate() {
        let product = i128::from(total).abs() * i128::from(*weight);
        parts.push(product / sum);
        remainders.push((product % sum, index));
        left -= product / sum;
    }
    remainders.sort_by(|one, two| two.0.cmp(&one.0).then(one.1.cmp(&two.1)));
    for (_, index) in remainders {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    let sign = if total < 0 { -1 } else { 1 };
    parts
        .into_iter()
        .map(|part| narrow("part", sign * part))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_sum_to_the_whole_and_ties_go_to_the_earlier() {
        assert_eq!(split(5, &[50, 0, 50]), Ok(vec![3, 0, 2]));
        assert_eq!(split(0, &[3, 4]), Ok(vec![0, 0]));
        assert!(split(7, &[0, 0]).is_err());
        assert!(split(7, &[2, -1]).is_err());
        for total in [i64::MAX, i64::MIN, 1, -1] {
            let parts = split(total, &[i64::MAX, 1, 7]).expect("parts");
            assert_eq!(sum(parts), Ok(total));
        }
    }

    #[test]
    fn text_is_read_to_the_minor_unit() {
        assert_eq!(parse("-0.05", 2), Ok(-5));
        assert_eq!(parse("7", 0), Ok(7));
        assert!(parse("7.0", 0).is_err());
        assert!(parse("92233720368547758.08", 2).is_err());
    }
}
