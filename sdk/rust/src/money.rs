//! Money in minor units: parsing, formatting, sums and division.

use crate::fault::BadValue;
use crate::number::{self, narrow, power};
use crate::problems::quoted;
use crate::{Money, NumberFormat};

/// Formats major units with a point: `1299` with two digits is `12.99`.
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

/// Formats into a buffer, with another decimal mark if a file needs one.
pub fn push(out: &mut Vec<u8>, minor: Money, minor_digits: u8, mark: u8) {
    number::push(out, minor, minor_digits, mark);
}

/// Parses `12.99` as minor units: no sign but `-`, no grouping, no currency. Further digits than the currency has
/// must be zero; does not round.
///
/// ```
/// use galleria_sdk::money;
///
/// assert_eq!(money::parse("12.9", 2)?, 1290);
/// assert_eq!(money::parse("2000.00", 0)?, 2000);
/// assert!(money::parse("12.999", 2).is_err());
/// # Ok::<(), galleria_sdk::BadValue>(())
/// ```
pub fn parse(text: &str, minor_digits: u8) -> Result<Money, BadValue> {
    let (mut unscaled, mut scale) = number::parse(text)?;
    while scale > minor_digits && unscaled % 10 == 0 {
        (unscaled, scale) = (unscaled / 10, scale - 1);
    }
    let Some(missing) = minor_digits.checked_sub(scale) else {
        let message = ["`", text, "` has more digits than the currency"].concat();
        return Err(BadValue::new("amount", message));
    };
    narrow("amount", i128::from(unscaled) * power(missing)?)
}

/// Parses an amount as files write them, in minor units of `currency`. [`NumberFormat`] lists what is accepted:
/// signs, the configured marks, and the currency's own code and sign.
///
/// ```
/// use galleria_sdk::{NumberFormat, money};
///
/// let format = NumberFormat::new(',', Some('.'));
/// assert_eq!(money::parse_with("1.234.567,8", "EUR", 2, &format)?, 123_456_780);
/// assert_eq!(money::parse_with("1234,50- €", "EUR", 2, &format)?, -123_450);
/// assert!(money::parse_with("1.23,45", "EUR", 2, &format).is_err());
/// assert!(money::parse_with("$1,50", "EUR", 2, &format).is_err());
/// # Ok::<(), galleria_sdk::BadValue>(())
/// ```
pub fn parse_with(
    text: &str,
    currency: &str,
    minor_digits: u8,
    format: &NumberFormat,
) -> Result<Money, BadValue> {
    let read = format.amount(text, currency, minor_digits);
    read.map_err(|error| {
        let message = [&*quoted(text), " ", &format.explain(&error, "an amount")];
        BadValue::new("amount", message.concat())
    })
}

/// Parses a currency code of ISO 4217, in lower or upper case.
///
/// ```
/// use galleria_sdk::money;
///
/// assert_eq!(money::currency("eur")?, "EUR");
/// assert!(money::currency("€").is_err());
/// # Ok::<(), galleria_sdk::BadValue>(())
/// ```
pub fn currency(text: &str) -> Result<String, BadValue> {
    match text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        true => Ok(text.to_ascii_uppercase()),
        false => {
            let message = [&*quoted(text), " is not a currency such as EUR"].concat();
            Err(BadValue::new("currency", message))
        }
    }
}

/// Returns the digits after the decimal point of a currency by ISO 4217; two for an unknown currency.
/// If the call is about a store, use the store's `minor_digits`, as the host does.
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

/// Returns the sum. Fails if it does not fit.
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

/// Splits `total` over `weights` by largest remainder; on ties the earlier weight wins. The parts add
/// up to `total`. A negative total is split like its absolute value.
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
            "must be zero or more, and one of them above zero",
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
    fn parts_add_up_to_the_total_and_ties_go_to_the_earlier_weight() {
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
    fn text_is_parsed_exactly() {
        assert_eq!(parse("-0.05", 2), Ok(-5));
        assert_eq!(parse("7", 0), Ok(7));
        assert_eq!(parse("7.0", 0), Ok(7));
        assert_eq!(parse("-1.2500", 2), Ok(-125));
        assert!(parse("7.5", 0).is_err());
        assert!(parse("7,5", 2).is_err());
        assert!(parse("92233720368547758.08", 2).is_err());
    }

    #[test]
    fn a_wrong_amount_of_a_file_is_quoted_with_the_rule() {
        let format = NumberFormat::new(',', Some('.'));
        let read = |text| parse_with(text, "EUR", 2, &format);
        assert_eq!(read("-1.234,5"), Ok(-123_450));
        let marks = "the decimal mark is `,` and the thousands mark is `.`: check the settings decimal_mark and thousands";
        for (bad, why) in [
            ("1.23,45", "is not an amount such as -12,50: "),
            ("1 234,5", "contains a blank, but "),
        ] {
            let expected = ["`", bad, "` ", why, marks].concat();
            assert_eq!(read(bad).expect_err(bad).message, expected);
        }
        for (bad, why) in [
            ("", "`` is not an amount such as -12,50"),
            (
                "1E-80000000",
                "`1E-80000000` is not an amount such as -12,50",
            ),
            (
                "1,234",
                "`1,234` has more digits after the decimal mark than the 2 that it may have",
            ),
            (
                "92.233.720.368.547.758,08",
                "`92.233.720.368.547.758,08` is too large",
            ),
        ] {
            assert_eq!(read(bad).expect_err(bad).message, why);
        }
    }
}
