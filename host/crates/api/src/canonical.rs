//! The canonical form of a JSON body (RFC 8785). Two requests are compared by it, so that whitespace and the order of
//! keys make no difference.

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::fmt;

/// Above this number, different integers can have the same form in RFC 8785.
const EXACT: u64 = 1 << 53;

/// Returns the canonical form. Returns `None` if another request could have the same form: if the body repeats a key,
/// or has an integer that a double does not represent. Such bodies are compared byte by byte.
pub(crate) fn canonical(json: &[u8]) -> Option<Vec<u8>> {
    let Unambiguous(value) = serde_json::from_slice(json).ok()?;
    serde_jcs::to_vec(&value).ok()
}

/// A value without repeated keys and without integers that a double does not represent.
struct Unambiguous(Value);

impl<'de> Deserialize<'de> for Unambiguous {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an unambiguous JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        match value <= EXACT {
            true => Ok(value.into()),
            false => Err(E::custom("an integer beyond 2^53")),
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Value, E> {
        match value.unsigned_abs() <= EXACT {
            true => Ok(value.into()),
            false => Err(E::custom("an integer beyond 2^53")),
        }
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        // The parser passes an integer that does not fit 64 bits as a double.
        let exact = value.abs() <= EXACT as f64;
        let number = Number::from_f64(value).filter(|_| exact);
        number
            .map(Value::Number)
            .ok_or_else(|| E::custom("a number beyond 2^53"))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Unambiguous(value)) = items.next_element()? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut values = Map::new();
        while let Some((key, Unambiguous(value))) = entries.next_entry::<String, _>()? {
            if values.insert(key, value).is_some() {
                return Err(de::Error::custom("a repeated key"));
            }
        }
        Ok(Value::Object(values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> Option<String> {
        canonical(json.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn blanks_order_and_notation_make_no_difference() {
        let expected = r#"{"a":[1,true,null,"€"],"b":{"c":"1.50","d":0.002}}"#;
        for same in [
            expected,
            "{ \"b\" : {\"d\":2e-3,\"c\":\"1.50\"},\n\t\"a\":[1.0,true,null,\"\\u20ac\"] }",
        ] {
            assert_eq!(text(same).as_deref(), Some(expected));
        }
    }

    #[test]
    fn different_requests_stay_different() {
        for (one, other) in [
            (r#"{"a":"1.5"}"#, r#"{"a":"1.50"}"#),
            (r#"{"a":1}"#, r#"{"a":"1"}"#),
            (r#"{"a":null}"#, "{}"),
            (r#"{"a":[1,2]}"#, r#"{"a":[2,1]}"#),
            (r#"{"a":"e\u0301"}"#, r#"{"a":"\u00e9"}"#),
            (r#"{"a":9007199254740991}"#, r#"{"a":9007199254740992}"#),
        ] {
            assert!(
                text(one).is_some() && text(one) != text(other),
                "{one} {other}"
            );
        }
    }

    #[test]
    fn an_ambiguous_body_has_no_canonical_form() {
        for json in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"[{"b":{"c":1,"c":1}}]"#,
            r#"{"a":9007199254740993}"#,
            r#"{"a":-9007199254740993}"#,
            r#"{"a":18446744073709551617}"#,
            r#"{"a":1e300}"#,
            r#"{"a":1e400}"#,
            "{",
            "",
        ] {
            assert_eq!(text(json), None, "{json}");
        }
    }
}
