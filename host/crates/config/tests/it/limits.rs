//! The tables of limits in `sdk/GUIDE.md` are written from the code, and the WIT files state the same numbers.
//!
//! `GALLERIA_BLESS=1 cargo test -p galleria-config limits` renews the tables.

use galleria_domain::guest_values::{Characters, TEXTS};
use galleria_domain::plugin::Limits;
use std::path::{Path, PathBuf};

const GUIDE: &str = "sdk/GUIDE.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A number with commas between its thousands.
fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

macro_rules! rows {
    ($($(#[doc = $doc:literal])* $name:ident: $call:expr, $run:expr;)*) => {
        [$((
            stringify!($name),
            Limits::CALL.$name,
            Limits::RUN.$name,
            concat!($($doc),*).trim(),
        )),*]
    };
}

fn limits_table() -> String {
    let host: toml::Table = read("conf/host.toml").parse().expect("TOML");
    let ceiling = |table: &str, name: &str| {
        let value = host[table][name].as_integer().expect("an integer");
        number(value.try_into().expect("not negative"))
    };
    let mut table = String::from(
        "| limit | call | at most | run | at most | what it counts |\n|---|---|---|---|---|---|\n",
    );
    for (name, call, run, doc) in galleria_domain::call_limits!(rows) {
        let what = doc.split_once(". ").map_or(doc, |(first, _)| first);
        table += &format!(
            "| `{name}` | {} | {} | {} | {} | {} |\n",
            number(call),
            ceiling("limits", name),
            number(run),
            ceiling("run_limits", name),
            what.trim_end_matches('.'),
        );
    }
    table
}

fn texts_table() -> String {
    let mut table = String::from("| text | bytes | not allowed |\n|---|---|---|\n");
    for rule in TEXTS {
        let refused = match rule.characters {
            Characters::NotNul => "NUL",
            Characters::Printable => "control characters",
        };
        let bytes = number(rule.max_bytes as u64);
        table += &format!("| {} | {bytes} | {refused} |\n", rule.what);
    }
    table
}

/// Replaces the text between two markers.
fn replaced(guide: &str, marker: &str, table: &str) -> String {
    let begin = format!("<!-- {marker}: generated -->\n");
    let end = format!("<!-- end of {marker} -->\n");
    let (before, rest) = guide.split_once(&begin).expect(marker);
    let (_, after) = rest.split_once(&end).expect(marker);
    [before, &begin, "\n", table, "\n", &end, after].concat()
}

#[test]
fn the_guide_lists_every_limit() {
    let guide = read(GUIDE);
    let expected = replaced(&guide, "limits", &limits_table());
    let expected = replaced(&expected, "texts", &texts_table());
    if std::env::var_os("GALLERIA_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(root().join(GUIDE), &expected).expect("the guide is written");
    }
    assert!(
        expected == read(GUIDE),
        "{GUIDE} is not up to date: GALLERIA_BLESS=1 cargo test -p galleria-config limits renews it"
    );
}

/// The documentation of a field of a record in `types.wit`.
fn documentation(types: &str, record: &str, field: &str) -> String {
    let (_, rest) = types
        .split_once(&format!("  record {record} {{\n"))
        .unwrap_or_else(|| panic!("no record {record}"));
    let body = rest.split("\n  }").next().unwrap_or(rest);
    let mut text = String::new();
    for line in body.lines().map(str::trim) {
        match line.strip_prefix("///") {
            Some(comment) => text += comment,
            None if line.starts_with(&format!("{field}:")) => return text,
            None => text.clear(),
        }
    }
    panic!("{record} has no field {field}")
}

#[test]
fn the_contract_states_the_length_of_every_text() {
    let types = read("wit/v0.2.0/types.wit");
    for rule in TEXTS {
        let (record, field) = rule.wit.split_once('.').expect("record and field");
        let text = documentation(&types, record, field);
        let length = format!("t most {} bytes", number(rule.max_bytes as u64));
        assert!(
            text.contains(&length),
            "{}: {text:?} lacks {length:?}",
            rule.wit
        );
        let characters = match rule.characters {
            Characters::NotNul => "without the character NUL",
            Characters::Printable => "without control characters",
        };
        assert!(
            text.contains(characters),
            "{}: {text:?} lacks {characters:?}",
            rule.wit
        );
    }
}
