//! JSON text that every reader accepts: both databases, the relay, and the consumers of a topic.

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// The maximum nesting of arrays and objects. The platform's envelope adds a level, and many parsers stop at
/// 128, such as `serde_json`.
pub const MAX_LEVELS: usize = 64;

/// JSON text that was checked once. It can only be created by the check, so nothing has to parse it again
/// to store or to send it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct JsonText(String);

/// Why a text is refused. The message has no part of a value.
#[derive(Debug)]
pub struct JsonTextError(serde_json::Error);

impl JsonText {
    /// Checks a text. Refuses what parsers disagree about or a database refuses: more than [`MAX_LEVELS`]
    /// levels, numbers beyond 64-bit floats, lone surrogates, the character NUL, and keys that occur twice in
    /// an object.
    pub fn parse(text: impl Into<String>) -> Result<Self, JsonTextError> {
        let text = text.into();
        let mut reader = serde_json::Deserializer::from_str(&text);
        Level(0)
            .deserialize(&mut reader)
            .and_then(|()| reader.end())
            .map_err(JsonTextError)?;
        Ok(Self(text))
    }

    /// The text of a value that the host itself creates.
    pub fn of(value: &Value) -> Result<Self, JsonTextError> {
        Self::parse(value.to_string())
    }

    /// The value of the text. Every reader accepts the text, so this cannot fail.
    pub fn to_value(&self) -> Value {
        serde_json::from_str(&self.0).unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for JsonText {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JsonText {
    type Error = JsonTextError;

    fn try_from(text: String) -> Result<Self, JsonTextError> {
        Self::parse(text)
    }
}

impl From<JsonText> for String {
    fn from(text: JsonText) -> Self {
        text.0
    }
}

impl fmt::Display for JsonTextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for JsonTextError {}

/// Checks a value that is within this number of arrays and objects.
#[derive(Clone, Copy)]
struct Level(usize);

impl Level {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.0 == MAX_LEVELS {
            return Err(E::custom(format_args!(
                "must have at most {MAX_LEVELS} levels of arrays and objects"
            )));
        }
        Ok(Self(self.0 + 1))
    }
}

fn without_nul<E: Error>(text: &str) -> Result<(), E> {
    match text.contains('\0') {
        true => Err(E::custom("must not contain the character NUL (\\u0000)")),
        false => Ok(()),
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    // The parser refuses numbers that are not finite.
    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        without_nul(text)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let level = self.deeper()?;
        while items.next_element_seed(level)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let level = self.deeper()?;
        let mut keys = HashSet::new();
        while let Some(key) = fields.next_key_seed(Key)? {
            without_nul(&key)?;
            if !keys.insert(key) {
                return Err(A::Error::custom("a key must occur once in an object"));
            }
            fields.next_value_seed(level)?;
        }
        Ok(())
    }
}

/// Reads a key, without a copy if it has no escape.
struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{Rng as _, RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;
    use serde_json::json;

    fn nested(levels: usize) -> String {
        "[".repeat(levels) + &"]".repeat(levels)
    }

    fn objects(levels: usize) -> String {
        "{\"a\":".repeat(levels) + "1" + &"}".repeat(levels)
    }

    #[test]
    fn text_that_a_reader_rejects_is_refused() {
        let bad = [
            &nested(MAX_LEVELS + 1)[..],
            &objects(MAX_LEVELS + 1),
            &nested(200),
            &"[".repeat(1_000_000),
            "1e999",
            "[-1e999]",
            r#""\ud800""#,
            r#"{"a":"\udc00x"}"#,
            r#"{"\ud800":1}"#,
            r#""a\u0000""#,
            "\"a\0\"",
            r#"{"a\u0000":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"b":{"a":1,"c":{},"a":1}}]"#,
            "{} {}",
            "{",
            "",
            " ",
            "NaN",
            "'a'",
            "01",
            "\u{feff}{}",
        ];
        for text in bad {
            let error = JsonText::parse(text).expect_err(text).to_string();
            assert!(error.contains("line"), "{text}: {error}");
        }
        let deep = json!({ "a": "\0" });
        assert!(JsonText::of(&deep).is_err());
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let good = [
            &nested(MAX_LEVELS)[..],
            &objects(MAX_LEVELS),
            "null",
            " [ ] ",
            "18446744073709551616",
            "-9223372036854775809",
            "1e308",
            "1e-999",
            r#"{"a":[1.5,true,"\ud83d\ude00"],"b":{"a":0}}"#,
        ];
        for text in good {
            assert_eq!(JsonText::parse(text).expect(text).as_str(), text);
            serde_json::from_str::<Value>(text).expect("every reader accepts it");
        }
    }

    #[test]
    fn accepted_text_is_read_and_written_without_a_change_of_its_meaning() {
        let parts = [
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "1e999",
            "1e308",
            "-0",
            "99999999999999999999",
            "\"a\"",
            "\"b\"",
            "\"\\u0000\"",
            "\"\\ud800\"",
            "\"\\ud83d\\ude00\"",
            "\"\"",
            "null",
            "true",
            "\0",
            " ",
            "{\"a\":",
            "[{}",
        ];
        let mut accepted = 0;
        for seed in 0..50_000 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let number = random.random_range(1..8);
            let mut text: String = (0..number)
                .map(|_| parts[random.next_u32() as usize % parts.len()])
                .collect();
            if seed % 2 == 0 {
                text = format!("{{\"k\":[{}]}}", text.trim_matches(','));
            }
            let Ok(checked) = JsonText::parse(text.as_str()) else {
                continue;
            };
            accepted += 1;
            let value: Value = serde_json::from_str(checked.as_str()).expect("readable");
            let again = JsonText::of(&value).expect("accepted again");
            assert!(!again.as_str().contains("\\u0000"), "seed {seed}: {text}");
            let read: Value = serde_json::from_str(again.as_str()).expect("readable");
            assert_eq!(read, value, "seed {seed}: {text}");
        }
        assert!(accepted > 2_000, "only {accepted} texts are accepted");
    }
}
