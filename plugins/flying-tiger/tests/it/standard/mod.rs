//! Requirements of the tests against the standard, and the message if this machine lacks them.
//!
//! The schema may not be copied here, so `POSLOG_XSD` names its place.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The plugin's golden cases.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Returns the schema if it and all `programs` exist. Otherwise prints that `test` was skipped, or
/// fails if `GALLERIA_STRICT=1` requires all tests.
#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
pub fn schema(test: &str, programs: &[&str]) -> Option<PathBuf> {
    let named = std::env::var_os("POSLOG_XSD").map(PathBuf::from);
    let default = || "../shared/standards/poslog/POSLogV6.0.0.xsd".into();
    let schema = root().join(named.unwrap_or_else(default));
    let mut missing: Vec<String> = Vec::new();
    if !schema.is_file() {
        missing.push(format!(
            "no schema at {} (set POSLOG_XSD)",
            schema.display()
        ));
    }
    for program in programs {
        if !runs(program) {
            missing.push(format!("no {program}"));
        }
    }
    if missing.is_empty() {
        return Some(schema);
    }
    let missing = missing.join(", ");
    assert!(
        std::env::var_os("GALLERIA_STRICT").is_none_or(|strict| strict != "1"),
        "{test} cannot run here: {missing}"
    );
    eprintln!("SKIPPED: {test}: {missing}");
    None
}

fn runs(program: &str) -> bool {
    let mut version = Command::new(program);
    version
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    version.status().is_ok()
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
