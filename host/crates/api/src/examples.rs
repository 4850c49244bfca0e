//! Examples of bodies in the OpenAPI document: `src/examples/<name>.json`.
//!
//! A test sends the requests in a fixed order to an empty host and compares every response with its
//! example; `GALLERIA_BLESS=1` renews the responses.

use serde_json::Value;

/// The value of `src/examples/<name>.json`.
macro_rules! example {
    ($name:literal) => {
        $crate::examples::parse(include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/examples/",
            $name,
            ".json"
        )))
    };
}

pub(crate) fn parse(json: &str) -> Value {
    serde_json::from_str(json).expect("a test parses every example")
}
