//! Exact arithmetic on the contract's decimals. An inexact result is an error.

use crate::fault::BadValue;
use crate::number::{MAX_SCALE, divide, narrow, parse, power, push, text};
use crate::{Decimal, Money, NumberFormat, quoted};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::cmp::Ordering;
use std::fmt;

impl Decimal {
    /// Returns `unscaled × 10^-scale`: `Decimal::new(1250, 3)` is 1.250.
    pub const fn new(unscaled: i64, scale: u8) -> Self {
        Self { unscaled, scale }
    }

    /// Returns an integer.
    pub const fn whole(value: i64) -> Self {
        Self::new(value, 0)
    }

    /// Converts minor units to major units: 1299 with two digits is 12.99.
    pub const fn of_minor(minor: Money, minor_digits: u8) -> Self {
        Self::new(minor, minor_digits)
    }

    /// Parses `-12.50`: no exponent, no grouping, at most 18 digits after the decimal point.
    ///
    /// ```
    /// use galleria_sdk::Decimal;
    ///
    /// assert_eq!(Decimal::parse("12.50")?, Decimal::new(1250, 2));
    /// assert!(Decimal::parse("1e3").is_err());
    /// # Ok::<(), galleria_sdk::BadValue>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadValue> {
        let (unscaled, scale) = parse(text)?;
        Ok(Self { unscaled, scale })
    }

    /// Parses a rate or a quantity as files write them; it has no currency. [`NumberFormat`] lists what is
    /// accepted.
    ///
    /// ```
    /// use galleria_sdk::{Decimal, NumberFormat};
    ///
    /// let format = NumberFormat::new(',', None);
    /// assert_eq!(Decimal::parse_with("+1,0837", &format)?, Decimal::new(10_837, 4));
    /// assert!(Decimal::parse_with("1.0837", &format).is_err());
    /// # Ok::<(), galleria_sdk::BadValue>(())
    /// ```
    pub fn parse_with(text: &str, format: &NumberFormat) -> Result<Self, BadValue> {
        match format.number(text, None, MAX_SCALE) {
            Ok(number) => Ok(Self::new(number.unscaled, number.scale)),
            Err(error) => {
                let message = [&*quoted(text), " ", &format.explain(&error, "a number")];
                Err(BadValue::new("number", message.concat()))
            }
        }
    }

    /// Converts to minor units of a currency. Rounds half away from zero.
    ///
    /// ```
    /// use galleria_sdk::Decimal;
    ///
    /// assert_eq!(Decimal::parse("0.025")?.round_to_minor(2)?, 3);
    /// assert_eq!(Decimal::parse("-0.025")?.round_to_minor(2)?, -3);
    /// # Ok::<(), galleria_sdk::BadValue>(())
    /// ```
    pub fn round_to_minor(self, minor_digits: u8) -> Result<Money, BadValue> {
        Ok(self.rescale(minor_digits)?.unscaled)
    }

    /// Changes the scale. Rounds half away from zero.
    pub fn rescale(self, scale: u8) -> Result<Self, BadValue> {
        round(self.unscaled.into(), self.scale, scale)
    }

    /// Removes trailing zeros: 1.500 becomes 1.5.
    pub fn trimmed(self) -> Self {
        let mut trimmed = self;
        while trimmed.scale > 0 && trimmed.unscaled % 10 == 0 {
            trimmed = Self::new(trimmed.unscaled / 10, trimmed.scale - 1);
        }
        trimmed
    }

    /// Returns the sum, with the larger scale.
    pub fn plus(self, other: Self) -> Result<Self, BadValue> {
        let scale = self.scale.max(other.scale);
        let sum = self.aligned(scale)? + other.aligned(scale)?;
        Ok(Self::new(narrow("sum", sum)?, scale))
    }

    /// Returns the difference, with the larger scale.
    pub fn minus(self, other: Self) -> Result<Self, BadValue> {
        let scale = self.scale.max(other.scale);
        let difference = self.aligned(scale)? - other.aligned(scale)?;
        Ok(Self::new(narrow("difference", difference)?, scale))
    }

    /// Returns the exact product. Fails if it needs more than 64 bits or 18 digits after the
    /// decimal point.
    pub fn times(self, other: Self) -> Result<Self, BadValue> {
        let mut product = i128::from(self.unscaled) * i128::from(other.unscaled);
        let mut scale = u16::from(self.scale) + u16::from(other.scale);
        while scale > 0 && product % 10 == 0 {
            product /= 10;
            scale -= 1;
        }
        match u8::try_from(scale) {
            Ok(scale) if scale <= MAX_SCALE => Ok(Self::new(narrow("product", product)?, scale)),
            _ => Err(BadValue::new(
                "product",
                "has more than 18 digits after the decimal point",
            )),
        }
    }

    /// Returns `self × quantity` in minor units, rounded half away from zero: the extended price.
    ///
    /// ```
    /// use galleria_sdk::Decimal;
    ///
    /// let price = Decimal::parse("29.95")?;
    /// let weight = Decimal::parse("0.345")?;
    /// assert_eq!(price.extended(weight, 2)?, 1033); // 10.33275
    /// # Ok::<(), galleria_sdk::BadValue>(())
    /// ```
    pub fn extended(self, quantity: Self, minor_digits: u8) -> Result<Money, BadValue> {
        power(self.scale)?;
        power(quantity.scale)?;
        let product = i128::from(self.unscaled) * i128::from(quantity.unscaled);
        let scale = self.scale + quantity.scale;
        if scale <= MAX_SCALE {
            return Ok(round(product, scale, minor_digits)?.unscaled);
        }
        // There are at most 36 digits after the decimal point, and one division, so the result is
        // rounded once.
        power(minor_digits)?;
        let by = 10_i128.pow(u32::from(scale.saturating_sub(minor_digits)));
        narrow("amount", divide(product, by))
    }

    /// Compares the values: 1.50 and 1.5 are equal here, but `==` compares the digits.
    pub fn compare(self, other: Self) -> Ordering {
        let scale = self.scale.max(other.scale);
        match (self.aligned(scale), other.aligned(scale)) {
            (Ok(one), Ok(two)) => one.cmp(&two),
            // The scale is invalid. Any consistent order is sufficient.
            _ => (self.scale, self.unscaled).cmp(&(other.scale, other.unscaled)),
        }
    }

    /// Writes the number with `mark` as the decimal mark, without `std::fmt`.
    pub fn push_to(self, out: &mut Vec<u8>, mark: u8) {
        push(out, self.unscaled, self.scale, mark);
    }

    /// Returns the unscaled number at a scale that is not smaller.
    fn aligned(self, scale: u8) -> Result<i128, BadValue> {
        power(scale)?;
        Ok(i128::from(self.unscaled) * power(scale.saturating_sub(self.scale))?)
    }
}

/// Returns `value × 10^-from` at scale `to`.
fn round(value: i128, from: u8, to: u8) -> Result<Decimal, BadValue> {
    power(to)?;
    power(from)?;
    let value = if to >= from {
        value.checked_mul(power(to - from)?)
    } else {
        Some(divide(value, power(from - to)?))
    };
    let value = value.ok_or_else(|| BadValue::new("number", "is too large"))?;
    Ok(Decimal::new(narrow("number", value)?, to))
}

/// In JSON a decimal is a string: `"1.25"`. It keeps its digits, also trailing zeros.
impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&text(self.unscaled, self.scale, b'.'))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl de::Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a decimal string such as \"1.25\", with at most 18 digits after the point and no exponent",
                )
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                let unsigned = text.strip_prefix('-').unwrap_or(text);
                // As in JSON numbers, the integer part has no leading zeros.
                let padded = matches!(unsigned.as_bytes(), [b'0', b'0'..=b'9', ..]);
                match Decimal::parse(text) {
                    Ok(decimal) if !padded => Ok(decimal),
                    _ => Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self.unscaled, self.scale, b'.'))
    }
}

impl std::str::FromStr for Decimal {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).expect("a decimal")
    }

    #[test]
    fn sums_take_the_larger_scale() {
        let sum = decimal("1.5").plus(decimal("0.125"));
        assert_eq!(sum, Ok(Decimal::new(1625, 3)));
        assert_eq!(
            decimal("1").minus(decimal("1.01")).map(|d| d.to_string()),
            Ok("-0.01".into())
        );
        assert!(Decimal::whole(i64::MAX).plus(Decimal::whole(1)).is_err());
    }

    #[test]
    fn products_are_exact_or_rejected() {
        assert_eq!(decimal("1.10").times(decimal("20")), Ok(Decimal::whole(22)));
        assert!(Decimal::new(1, 18).times(Decimal::new(1, 1)).is_err());
        assert!(Decimal::whole(i64::MAX).times(Decimal::whole(2)).is_err());
    }

    #[test]
    fn an_extended_price_is_rounded_once() {
        let (price, quantity) = (
            Decimal::new(4_999_999_999, 12),
            Decimal::new(1_000_000_000, 9),
        );
        assert_eq!(price.extended(quantity, 2), Ok(0)); // 0.004999999999
        assert_eq!(Decimal::whole(10).extended(Decimal::whole(3), 0), Ok(30));
        assert!(Decimal::new(1, 19).extended(Decimal::whole(1), 2).is_err());
        assert!(
            Decimal::whole(i64::MAX)
                .extended(Decimal::whole(i64::MAX), 2)
                .is_err()
        );
    }

    #[test]
    fn equal_numbers_compare_equal() {
        assert_eq!(decimal("1.50").compare(decimal("1.5")), Ordering::Equal);
        assert_eq!(decimal("-2").compare(decimal("-1.999")), Ordering::Less);
        assert_eq!(decimal("1.500").trimmed(), Decimal::new(15, 1));
        assert_eq!(Decimal::new(0, 5).trimmed(), Decimal::whole(0));
    }

    #[test]
    fn a_scale_beyond_the_contract_is_rejected() {
        assert!(Decimal::new(1, 19).round_to_minor(2).is_err());
        assert!(Decimal::new(1, 255).plus(Decimal::whole(1)).is_err());
    }
}
