//! The files of the tests against the standard. `build.rs` states what these tests need.

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The plugin's golden cases.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The standard's schema.
pub fn schema() -> &'static Path {
    let schema = Path::new(env!("POSLOG_SCHEMA"));
    let name = schema.display();
    assert!(schema.is_file(), "no schema at {name}: set POSLOG_XSD");
    schema
}

/// Returns every golden POSLOG, in order.
pub fn golden_poslogs() -> Vec<PathBuf> {
    let mut files = Vec::new();
    for case in std::fs::read_dir(fixtures()).expect("fixtures") {
        let folder = case.expect("a case").path().join("decision/files/poslog");
        let Ok(entries) = std::fs::read_dir(folder) else {
            continue;
        };
        files.extend(entries.map(|entry| entry.expect("a file").path()));
    }
    files.sort();
    files
}
