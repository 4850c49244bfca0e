//! Checks of single keys: each function reads one value of `host.toml` and rejects a value that breaks
//! its rule.
//!
//! A section's struct names the check of a key with `#[serde(deserialize_with = "...")]`, so that type
//! and check are beside the key. A rejected value is part of the error, except for [`secret`].

use crate::{Secret, units};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// No upper bound.
pub(crate) const UNBOUNDED: u64 = u64::MAX;

/// Milliseconds of the bounds of [`duration`].
pub(crate) const SECOND: u64 = 1_000;
pub(crate) const MINUTE: u64 = 60 * SECOND;
pub(crate) const HOUR: u64 = 60 * MINUTE;
pub(crate) const DAY: u64 = 24 * HOUR;

/// Bytes of the bounds of [`bytes`].
pub(crate) const KIB: u64 = 1 << 10;
pub(crate) const GIB: u64 = 1 << 30;

/// Reads an integer from `LOW` to `HIGH`.
pub(crate) fn integer<'de, D, T, const LOW: u64, const HIGH: u64>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    from.deserialize_u64(Integer {
        range: LOW..=HIGH,
        value: PhantomData,
    })
}

struct Integer<T> {
    range: RangeInclusive<u64>,
    value: PhantomData<T>,
}

impl<T: TryFrom<u64>> Visitor<'_> for Integer<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = (self.range.start(), self.range.end());
        match *high {
            UNBOUNDED => write!(f, "an integer of at least {low}"),
            high => write!(f, "an integer from {low} to {high}"),
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        let value = T::try_from(number).ok();
        value
            .filter(|_| self.range.contains(&number))
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        match u64::try_from(number) {
            Ok(number) => self.visit_u64(number),
            Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
        }
    }
}

/// Reads a fraction from 0 to 1.
pub(crate) fn share<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    let share = f64::deserialize(from)?;
    match (0.0..=1.0).contains(&share) {
        true => Ok(share),
        false => Err(D::Error::invalid_value(
            Unexpected::Float(share),
            &"a number from 0 to 1",
        )),
    }
}

/// Reads a duration from `LOW` to `HIGH` milliseconds.
pub(crate) fn duration<'de, D, const LOW: u64, const HIGH: u64>(
    from: D,
) -> Result<Duration, D::Error>
where
    D: Deserializer<'de>,
{
    let text = String::deserialize(from)?;
    let in_range = |value: &Duration| (LOW.into()..=HIGH.into()).contains(&value.as_millis());
    let value = units::duration(&text).filter(in_range);
    value.ok_or_else(|| {
        let range = units::range(LOW, HIGH, units::DURATIONS);
        let expected = format!("a duration{range}, {}", units::DURATION_FORM);
        D::Error::invalid_value(Unexpected::Str(&text), &expected.as_str())
    })
}

/// Reads a size from `LOW` to `HIGH` bytes.
pub(crate) fn bytes<'de, D, T, const LOW: u64, const HIGH: u64>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let text = String::deserialize(from)?;
    let value = units::bytes(&text).filter(|value| (LOW..=HIGH).contains(value));
    let value = value.and_then(|value| T::try_from(value).ok());
    value.ok_or_else(|| {
        let range = units::range(LOW, HIGH, units::SIZES);
        let expected = format!("a size{range}, {}", units::SIZE_FORM);
        D::Error::invalid_value(Unexpected::Str(&text), &expected.as_str())
    })
}

/// A rule for text, and the value that the text stands for.
pub(crate) trait Rule {
    type Value;

    /// Returns the value if the text follows the rule.
    fn parse(text: &str) -> Option<Self::Value>;

    /// Completes the sentence "must be ...".
    fn expected(text: &str) -> String;
}

/// Declares a rule: its name, its value, its description and its parser.
macro_rules! rule {
    ($(#[$doc:meta])* $visibility:vis $name:ident -> $value:ty, $expected:expr, $parse:expr) => {
        $(#[$doc])*
        $visibility struct $name;

        impl $crate::fields::Rule for $name {
            type Value = $value;

            fn parse(text: &str) -> Option<$value> {
                let parse: fn(&str) -> Option<$value> = $parse;
                parse(text)
            }

            fn expected(_text: &str) -> String {
                String::from($expected)
            }
        }
    };
}
pub(crate) use rule;

rule!(
    /// The path of a folder or file. `{data}` is replaced before the rule applies.
    pub(crate) Path -> PathBuf,
    "a path, which may contain braces only as {data} at its beginning",
    |text| (!text.is_empty() && !text.contains(['{', '}'])).then(|| text.into())
);

fn check<R: Rule, E: Error>(text: &str) -> Result<R::Value, E> {
    R::parse(text)
        .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &R::expected(text).as_str()))
}

/// Reads text that follows a rule.
pub(crate) fn text<'de, D, R>(from: D) -> Result<R::Value, D::Error>
where
    D: Deserializer<'de>,
    R: Rule,
{
    check::<R, _>(&String::deserialize(from)?)
}

/// Reads text that follows a rule. Empty text means none.
pub(crate) fn optional<'de, D, R>(from: D) -> Result<Option<R::Value>, D::Error>
where
    D: Deserializer<'de>,
    R: Rule,
{
    let text = String::deserialize(from)?;
    match text.is_empty() {
        true => Ok(None),
        false => check::<R, _>(&text).map(Some),
    }
}

/// Reads an array whose items follow a rule. An empty item takes the place of a rejected one.
pub(crate) fn list<'de, D, R>(from: D) -> Result<Vec<R::Value>, D::Error>
where
    D: Deserializer<'de>,
    R: Rule,
{
    let items = Vec::<Option<Item<R>>>::deserialize(from)?;
    Ok(items.into_iter().flatten().map(|item| item.0).collect())
}

/// Reads a table whose values follow a rule.
pub(crate) fn map<'de, D, R>(from: D) -> Result<BTreeMap<String, R::Value>, D::Error>
where
    D: Deserializer<'de>,
    R: Rule,
{
    let items = BTreeMap::<String, Item<R>>::deserialize(from)?;
    Ok(items.into_iter().map(|(key, item)| (key, item.0)).collect())
}

/// A value inside an array or a table: an error names its index or its key.
struct Item<R: Rule>(R::Value);

impl<'de, R: Rule> Deserialize<'de> for Item<R> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        text::<D, R>(from).map(Self)
    }
}

/// Reads a secret that follows a rule. The error does not contain the value.
pub(crate) fn secret<'de, D, R>(from: D) -> Result<Secret, D::Error>
where
    D: Deserializer<'de>,
    R: Rule<Value = ()>,
{
    let text = String::deserialize(from)?;
    match R::parse(&text) {
        Some(()) => Ok(Secret::new(text)),
        None => {
            let expected = R::expected("");
            Err(D::Error::custom(format!("must be {expected}")))
        }
    }
}

/// Reads a secret that follows a rule. Empty text means none.
pub(crate) fn optional_secret<'de, D, R>(from: D) -> Result<Option<Secret>, D::Error>
where
    D: Deserializer<'de>,
    R: Rule<Value = ()>,
{
    let text = String::deserialize(from)?;
    match (text.is_empty(), R::parse(&text)) {
        (true, _) => Ok(None),
        (false, Some(())) => Ok(Some(Secret::new(text))),
        (false, None) => {
            let expected = R::expected("");
            Err(D::Error::custom(format!("must be {expected}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use figment::value::Value;

    #[test]
    fn numbers_durations_and_sizes_have_bounds() {
        let small = |value: Value| integer::<_, u16, 1, 1024>(&value).ok();
        assert_eq!(small(Value::from(1)), Some(1));
        assert_eq!(small(Value::from(1024_i64)), Some(1024));
        for bad in [Value::from(0), Value::from(-1), Value::from(1025)] {
            assert_eq!(small(bad), None);
        }
        assert_eq!(integer::<_, u8, 0, UNBOUNDED>(&Value::from(256)).ok(), None);
        let short = |text: &str| duration::<_, 1, HOUR>(&Value::from(text)).ok();
        assert_eq!(short("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(short("0ms"), None);
        assert_eq!(short("61m"), None);
        let size = |text: &str| bytes::<_, usize, KIB, GIB>(&Value::from(text)).ok();
        assert_eq!(size("1KiB"), Some(1024));
        assert_eq!(size("1B"), None);
        assert_eq!(size("2GiB"), None);
    }

    #[test]
    fn an_error_names_the_rule() {
        let error = |value: &str| {
            duration::<_, 1, HOUR>(&Value::from(value))
                .expect_err("out of range")
                .kind
                .to_string()
        };
        assert!(
            error("2h").contains("a duration from 1ms to 1h"),
            "{}",
            error("2h")
        );
    }

    #[test]
    fn a_rejected_secret_is_not_in_the_error() {
        rule!(Never -> (), "something else", |_| None);
        let value = Value::from("hunter2");
        for error in [
            secret::<_, Never>(&value).expect_err("rejected"),
            optional_secret::<_, Never>(&value).expect_err("rejected"),
        ] {
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
