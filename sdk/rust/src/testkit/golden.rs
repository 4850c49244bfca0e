//! Golden files: a case's `decision/` folder, compared and renewed.
//!
//! Knows nothing of plugins: whoever runs a case, natively or in the engine, hands over the files it
//! should have come to.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files by their path below `decision/`, with `/` between folders.
pub type Files = BTreeMap<String, Vec<u8>>;

/// The cases of a folder, by name: every folder in it that has an `event.json`. None at all is an error.
pub fn cases(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut cases = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.join("event.json").is_file() {
            cases.push(path);
        }
    }
    if cases.is_empty() {
        return Err(format!(
            "{} has no case with an event.json",
            folder.display()
        ));
    }
    cases.sort();
    Ok(cases)
}

/// Compares with the case's `decision/`: JSON files as values, all others byte by byte, and no file
/// too many. The error shows for each file the first lines that differ.
pub fn compare(case: &Path, files: &Files) -> Result<(), String> {
    let golden = read(&case.join("decision"))?;
    if golden.is_empty() {
        return Err("has no decision/ yet".to_owned());
    }
    let mut differences = Vec::new();
    for (path, found) in files {
        match golden.get(path) {
            None => differences.push(format!("  decision/{path}: is new")),
            Some(expected) if same(path, expected, found) => {}
            Some(expected) => differences.push(format!(
                "  decision/{path}: {}",
                difference(expected, found)
            )),
        }
    }
    for path in golden.keys().filter(|path| !files.contains_key(*path)) {
        differences.push(format!("  decision/{path}: was not written"));
    }
    match differences.is_empty() {
        true => Ok(()),
        false => Err(["differs\n", &differences.join("\n")].concat()),
    }
}

/// Writes the files as the case's `decision/`, in place of whatever is there. Files that are the same
/// are left alone.
pub fn bless(case: &Path, files: &Files) -> Result<(), String> {
    let folder = case.join("decision");
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    for path in read(&folder)?
        .keys()
        .filter(|path| !files.contains_key(*path))
    {
        let path = folder.join(path);
        std::fs::remove_file(&path).map_err(|error| failed(&path, error))?;
    }
    for (path, body) in files {
        let path = folder.join(path);
        if std::fs::read(&path).is_ok_and(|there| there == *body) {
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
        }
        std::fs::write(&path, body).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// Every file below a folder; none where the folder is not there.
fn read(folder: &Path) -> Result<Files, String> {
    let mut files = Files::new();
    let mut folders = vec![(folder.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        if !folder.is_dir() {
            continue;
        }
        let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = [&prefix, &*entry.file_name().to_string_lossy()].concat();
            if entry.path().is_dir() {
                folders.push((entry.path(), path + "/"));
            } else {
                files.insert(path, std::fs::read(entry.path()).map_err(failed)?);
            }
        }
    }
    Ok(files)
}

/// Documents are compared byte by byte, also those that happen to be JSON.
fn same(path: &str, expected: &[u8], found: &[u8]) -> bool {
    let json = |bytes| serde_json::from_slice::<Value>(bytes).ok();
    if path.starts_with("files/") {
        return expected == found;
    }
    match (json(expected), json(found)) {
        (Some(expected), Some(found)) => expected == found,
        _ => expected == found,
    }
}

/// The first lines that differ, with one line before them.
fn difference(expected: &[u8], found: &[u8]) -> String {
    const SHOWN: usize = 3;
    let (Ok(expected), Ok(found)) = (std::str::from_utf8(expected), std::str::from_utf8(found))
    else {
        return format!("{} bytes expected, {} found", expected.len(), found.len());
    };
    // Inclusive, so that a missing line end is a difference as well.
    let expected: Vec<&str> = expected.split_inclusive('\n').collect();
    let found: Vec<&str> = found.split_inclusive('\n').collect();
    let pairs = expected.iter().zip(&found);
    let first = pairs.take_while(|(one, two)| one == two).count();
    let mut text = format!("line {} differs", first + 1);
    let mut show = |mark: char, line: &str| {
        let mut line = line.escape_debug().to_string();
        if line.chars().count() > 160 {
            line = line.chars().take(160).chain(['…']).collect();
        }
        text.push_str(&format!("\n    {mark} {line}"));
    };
    if first > 0 {
        show(' ', expected[first - 1]);
    }
    for line in expected.iter().skip(first).take(SHOWN) {
        show('-', line);
    }
    for line in found.iter().skip(first).take(SHOWN) {
        show('+', line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(of: &[(&str, &str)]) -> Files {
        let owned = of
            .iter()
            .map(|(path, body)| ((*path).into(), (*body).into()));
        owned.collect()
    }

    #[test]
    fn what_was_blessed_compares_equal_and_nothing_else_does() {
        let case = tempfile::tempdir().expect("a folder");
        let before = files(&[
            ("decision.json", "{\"a\": 1}"),
            ("files/poslog/a.xml", "<a>\n<b/>\n</a>\n"),
            ("files/poslog/b", "x"),
        ]);
        assert_eq!(
            compare(case.path(), &before),
            Err("has no decision/ yet".into())
        );
        bless(case.path(), &before).expect("written");
        assert_eq!(compare(case.path(), &before), Ok(()));

        let after = files(&[
            ("decision.json", "{ \"a\" :1 }\n"),
            ("files/poslog/a.xml", "<a>\n<c/>\n</a>\n"),
            ("files/poslog/n", "x"),
        ]);
        assert_eq!(
            compare(case.path(), &after).expect_err("differences"),
            "differs\n  decision/files/poslog/a.xml: line 2 differs\n      <a>\\n\n    - <b/>\\n\n    - </a>\\n\n    + <c/>\\n\n    + </a>\\n\n  decision/files/poslog/n: is new\n  decision/files/poslog/b: was not written"
        );
        bless(case.path(), &after).expect("written");
        assert_eq!(compare(case.path(), &after), Ok(()));
        assert!(!case.path().join("decision/files/poslog/b").exists());
    }

    #[test]
    fn documents_are_compared_byte_by_byte() {
        let case = tempfile::tempdir().expect("a folder");
        bless(case.path(), &files(&[("files/a/b.json", "{}")])).expect("written");
        assert!(compare(case.path(), &files(&[("files/a/b.json", "{ }")])).is_err());
        assert!(compare(case.path(), &files(&[("files/a/b.json", "{}\n")])).is_err());
    }
}
