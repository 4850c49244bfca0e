//! Golden files.

use serde_json::Value;
use std::path::{Path, PathBuf};

pub fn renewing() -> bool {
    std::env::var("GALLERIA_BLESS").is_ok_and(|value| value == "1")
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares a text with a golden file, or renews the file.
pub fn golden(path: &str, actual: &str) {
    if renewing() {
        std::fs::write(here(path), actual).expect("a golden file");
    }
    let expected = std::fs::read_to_string(here(path)).expect("a golden file");
    assert!(
        expected == actual,
        "{path} differs; GALLERIA_BLESS=1 renews it"
    );
}

pub fn pretty(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).expect("JSON");
    format!("{text}\n")
}
