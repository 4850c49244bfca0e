//! Exact numbers: money in minor units, decimals as integer and scale. No floating point.

use rust_decimal::RoundingStrategy;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// Minor units of the currency that the enclosing record names.
pub type Money = i64;

/// The largest scale of a decimal: 10^18 is the largest power of ten in 64 bits.
pub const MAX_SCALE: u8 = 18;

/// An exact decimal, `unscaled × 10^-scale`. In JSON it is a string in plain notation, such as `"1.25"`.
///
/// The digits are kept: `"1.50"` has scale 2 and is written as `"1.50"` again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits, with sign.
    pub unscaled: i64,
    /// The number of digits after the decimal point, at most [`MAX_SCALE`].
    pub scale: u8,
}

impl Decimal {
    /// An integer.
    pub const fn whole(value: i64) -> Self {
        Self {
            unscaled: value,
            scale: 0,
        }
    }

    /// The same value; `None` if it does not fit.
    pub fn from_exact(value: rust_decimal::Decimal) -> Option<Self> {
        let scale = u8::try_from(value.scale()).ok();
        Some(Self {
            unscaled: value.mantissa().try_into().ok()?,
            scale: scale.filter(|scale| *scale <= MAX_SCALE)?,
        })
    }

    /// The decimal as a `rust_decimal::Decimal`; `None` if the scale is above [`MAX_SCALE`].
    pub fn exact(self) -> Option<rust_decimal::Decimal> {
        (self.scale <= MAX_SCALE)
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

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PlainText::new(*self).as_str())
    }
}

/// A sign, a digit before the point, the point, and the largest number of digits after it.
const TEXT_LENGTH: usize = 3 + u8::MAX as usize;

/// A decimal in plain notation, without an allocation.
pub struct PlainText {
    /// The end of it is the text.
    bytes: [u8; TEXT_LENGTH],
    begin: usize,
}

impl PlainText {
    /// The text of a decimal with all of its digits.
    pub fn new(value: Decimal) -> Self {
        let mut text = Self {
            bytes: [0; TEXT_LENGTH],
            begin: TEXT_LENGTH,
        };
        let mut rest = value.unscaled.unsigned_abs();
        let mut digits = 0;
        while rest > 0 || digits <= usize::from(value.scale) {
            if digits > 0 && digits == usize::from(value.scale) {
                text.prepend(b'.');
            }
            text.prepend(b'0' + (rest % 10) as u8);
            rest /= 10;
            digits += 1;
        }
        if value.unscaled < 0 {
            text.prepend(b'-');
        }
        text
    }

    fn prepend(&mut self, byte: u8) {
        self.begin -= 1;
        self.bytes[self.begin] = byte;
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[self.begin..]).unwrap_or_default()
    }
}

/// Why a text is not a decimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParseDecimalError;

impl fmt::Display for ParseDecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DECIMAL_RULE)
    }
}

impl std::error::Error for ParseDecimalError {}

const DECIMAL_RULE: &str =
    "a decimal string such as \"1.25\", with at most 18 digits after the point and no exponent";

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    /// Reads the notation of JSON numbers without exponent: no `+`, no separators, no superfluous zeros
    /// before the point.
    fn from_str(text: &str) -> Result<Self, ParseDecimalError> {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = match unsigned.split_once('.') {
            Some((whole, fraction)) if digits(fraction) => (whole, fraction),
            Some(_) => return Err(ParseDecimalError),
            None => (unsigned, ""),
        };
        if !digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return Err(ParseDecimalError);
        }
        let scale = u8::try_from(fraction.len()).map_err(|_| ParseDecimalError)?;
        if scale > MAX_SCALE {
            return Err(ParseDecimalError);
        }
        let sign = if unsigned.len() < text.len() { -1 } else { 1 };
        let mut digits = whole.bytes().chain(fraction.bytes());
        // With the sign in each digit, so that the smallest number fits, too.
        let unscaled = digits.try_fold(0_i64, |sum, digit| {
            let digit = sign * i64::from(digit - b'0');
            sum.checked_mul(10)?.checked_add(digit)
        });
        Ok(Self {
            unscaled: unscaled.ok_or(ParseDecimalError)?,
            scale,
        })
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(PlainText::new(*self).as_str())
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(DECIMAL_RULE)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                text.parse()
                    .map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Decimal {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some(
                "An exact decimal in plain notation. The digits are kept: 1.50 stays 1.50.",
            ))
            .pattern(Some(r"^-?(0|[1-9][0-9]*)(\.[0-9]{1,18})?$"))
            // A sign, 19 digits and a point.
            .max_length(Some(21))
            .examples(["1.25"])
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Decimal {}

/// Converts `value` major units to minor units of a currency with `minor_digits`, rounding half away from zero.
/// None if the result does not fit.
pub fn to_minor(value: rust_decimal::Decimal, minor_digits: u8) -> Option<Money> {
    let factor = rust_decimal::Decimal::from(10_i64.checked_pow(minor_digits.into())?);
    let minor = value
        .checked_mul(factor)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
    i64::try_from(minor).ok()
}

/// `price × quantity` in minor units, rounded half away from zero.
pub fn extended(price: Decimal, quantity: Decimal, minor_digits: u8) -> Option<Money> {
    to_minor(price.exact()?.checked_mul(quantity.exact()?)?, minor_digits)
}

/// Splits `total` in proportion to `weights` by largest remainder; ties go to the earlier part. The parts sum to
/// `total`. None if the weights sum to zero or a value is negative or does not fit.
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
    fn a_decimal_is_a_string_in_json_and_keeps_its_digits() {
        for (text, unscaled, scale) in [
            ("0", 0, 0),
            ("0.00", 0, 2),
            ("1.50", 150, 2),
            ("-0.05", -5, 2),
            ("1250", 1250, 0),
            ("-9223372036854775808", i64::MIN, 0),
            ("9.223372036854775807", i64::MAX, 18),
        ] {
            let json = format!("{text:?}");
            let read: Decimal = serde_json::from_str(&json).expect(text);
            assert_eq!(read, decimal(unscaled, scale));
            assert_eq!(serde_json::to_string(&read).expect("JSON"), json);
        }
    }

    #[test]
    fn the_text_is_that_of_other_decimals() {
        let mut unscaled = 1_i64;
        for scale in (0..=MAX_SCALE).cycle().take(10_000) {
            // Any numbers, with few and with many digits.
            unscaled = unscaled
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let value = decimal(unscaled >> (scale * 3), scale);
            let text = value.to_string();
            assert_eq!(text, value.exact().expect("exact").to_string());
            assert_eq!(text.parse(), Ok(value));
        }
        assert_eq!(decimal(7, 40).to_string(), format!("0.{:0>40}", 7));
    }

    #[test]
    fn other_notations_are_rejected() {
        for text in [
            "",
            "-",
            ".",
            ".5",
            "5.",
            "+1",
            "--1",
            "1e3",
            "1E3",
            "1,5",
            "1 000",
            "1\u{a0}000",
            "1\u{202f}000",
            "1'000",
            "1,000",
            "1-",
            "\u{2212}1",
            "(1)",
            "€1",
            "1 EUR",
            "\u{ff11}",
            "1_000",
            " 1",
            "1 ",
            "01",
            "00",
            "-01.5",
            "1.2.3",
            "NaN",
            "0x1",
            "\u{661}",
            "9223372036854775808",
            "1.0000000000000000000",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(ParseDecimalError), "{text}");
        }
        for json in [
            r#"{"unscaled":125,"scale":2}"#,
            "1",
            "1.25",
            "null",
            "[]",
            "\"1.\"",
        ] {
            let error = serde_json::from_str::<Decimal>(json).expect_err(json);
            let message = error.to_string();
            assert!(
                message.contains("expected a decimal string such as \"1.25\""),
                "{message}"
            );
        }
    }

    #[test]
    fn extended_amounts_round_half_away_from_zero() {
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
    fn parts_sum_to_the_total_and_ties_go_to_the_earlier_part() {
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
