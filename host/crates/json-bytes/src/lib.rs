//! The JSON form of bytes in the contract's records, for host and SDK.
//!
//! Bytes are a string of base64 with padding (RFC 4648, section 4). An array of numbers is read too, because
//! earlier rows of the database and earlier fixtures contain it. Use it with
//! `#[serde(with = "galleria_json_bytes")]`.
//!
//! `serde_with` reads both forms too, but its errors quote the rejected text, which may contain personal data.

#![forbid(unsafe_code)]

use base64ct::{Base64, Encoding as _};
use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};
use std::fmt;

/// Returns the text of the bytes.
pub fn encode(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}

/// Writes the bytes as base64.
pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&encode(bytes))
}

/// Reads base64, or an array of numbers from 0 to 255.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    deserializer.deserialize_any(BytesVisitor)
}

struct BytesVisitor;

impl<'de> Visitor<'de> for BytesVisitor {
    type Value = Vec<u8>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("base64 with padding, or an array of numbers from 0 to 255")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        // The message does not quote the text, which may contain personal data.
        Base64::decode_vec(text)
            .map_err(|_| E::custom("must be base64 of the standard alphabet with padding"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Record {
        #[serde(default, with = "crate")]
        body: Vec<u8>,
    }

    fn read(text: &str) -> Result<Vec<u8>, String> {
        let record: Result<Record, _> = serde_json::from_str(text);
        record
            .map(|record| record.body)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_byte_survives_and_costs_less_than_two() {
        for length in [0, 1, 2, 3, 255, 256, 10_000] {
            let body: Vec<u8> = (0..=255_u8).cycle().take(length).collect();
            let text = serde_json::to_string(&Record { body: body.clone() }).expect("JSON");
            assert!(text.len() <= 11 + length.div_ceil(3) * 4, "{}", text.len());
            assert_eq!(read(&text).expect("read"), body);
        }
    }

    #[test]
    fn arrays_of_numbers_are_read() {
        assert_eq!(read(r#"{"body":[0,127,255]}"#), Ok(vec![0, 127, 255]));
        assert_eq!(read(r#"{"body":[]}"#), Ok(Vec::new()));
        assert_eq!(read("{}"), Ok(Vec::new()));
    }

    #[test]
    fn other_values_are_rejected_without_a_quotation() {
        for text in ["aGk", "aGk=\\n", "a-_=", "=", "secret"] {
            let error = read(&format!(r#"{{"body":"{text}"}}"#)).expect_err(text);
            assert!(error.contains("must be base64"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        for body in ["[256]", "[-1]", "[1.5]", "[\"a\"]", "1", "null", "{}"] {
            assert!(read(&format!(r#"{{"body":{body}}}"#)).is_err(), "{body}");
        }
    }
}
