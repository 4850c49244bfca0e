//! Exact amounts as JSON strings in plain notation, such as `"12.50"`.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serializer, de};
use std::borrow::Cow;

pub(super) fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Decimal, D::Error> {
    let text = Cow::<str>::deserialize(deserializer)?;
    Decimal::from_str_exact(&text).map_err(|_| {
        de::Error::invalid_value(
            de::Unexpected::Str(&text),
            &"a decimal string such as \"1.25\"",
        )
    })
}
