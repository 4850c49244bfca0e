//! Exact amounts as JSON strings in plain notation, such as `"12.50"`.

use crate::number::{self, PlainText};
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize as _, Serializer, de};
use std::borrow::Cow;

pub(super) fn serialize<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    match number::Decimal::from_exact(*value) {
        Some(value) => value.serialize(serializer),
        None => serializer.collect_str(value),
    }
}

/// The text of an amount. The amounts of a response are short, for which this is several times as fast as `Display`.
pub fn amount_text(value: &Decimal) -> String {
    match number::Decimal::from_exact(*value) {
        Some(value) => PlainText::new(value).as_str().to_owned(),
        None => value.to_string(),
    }
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
