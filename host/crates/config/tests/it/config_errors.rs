//! Invalid files and the exact errors for them: `tests/config_errors/<case>/`.
//!
//! A case is a working folder with `host.toml`, `retailers/` and `plugins/` as needed, `env.toml` with
//! environment variables, and `expected.txt`. `GALLERIA_BLESS=1` rewrites `expected.txt`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Folders that a case may omit if they would be empty.
const FOLDERS: [&str; 2] = ["retailers", "plugins"];

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config_errors");
    let entries = fs::read_dir(folder).expect("the cases");
    let mut cases: Vec<PathBuf> = entries.map(|e| e.expect("a case").path()).collect();
    cases.sort();
    cases
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

fn environment(case: &Path) -> BTreeMap<String, String> {
    fs::read_to_string(case.join("env.toml"))
        .map(|text| toml::from_str(&text).expect("env.toml"))
        .unwrap_or_default()
}

/// Loads a case and returns its errors, with paths relative to the case.
fn errors_of(case: &Path) -> String {
    let place = tempfile::tempdir().expect("a folder");
    copy(case, place.path());
    for folder in FOLDERS {
        fs::create_dir_all(place.path().join(folder)).expect("a folder");
    }
    let env = environment(case);
    let overrides = FOLDERS.map(|name| {
        let path = place.path().join(name);
        (name.to_owned(), path.to_string_lossy().into_owned())
    });
    let file = Some(place.path().join("host.toml")).filter(|file| file.exists());
    let prefix = format!("{}/", place.path().display());
    match galleria_config::load(file.as_deref(), &env, &overrides.into()) {
        Ok(_) => String::from("no errors\n"),
        Err(errors) => errors
            .iter()
            .map(|error| format!("{error}\n").replace(&prefix, ""))
            .collect(),
    }
}

#[test]
fn every_case_has_exactly_the_expected_errors() {
    let bless = std::env::var_os("GALLERIA_BLESS").is_some();
    let mut failed = Vec::new();
    let cases = cases();
    assert!(cases.len() >= 10, "too few cases");
    for case in cases {
        let actual = errors_of(&case);
        let golden = case.join("expected.txt");
        if bless {
            fs::write(&golden, &actual).expect("written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        for value in environment(&case).values().filter(|value| value.len() > 7) {
            assert!(
                !actual.contains(&value[..6]),
                "an error contains part of a value: {actual}"
            );
        }
        if actual != expected {
            let name = case
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            failed.push(format!(
                "--- {name}: expected\n{expected}+++ actual\n{actual}"
            ));
        }
    }
    assert!(failed.is_empty(), "\n{}", failed.join("\n"));
}
