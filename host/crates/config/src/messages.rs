//! Errors of the reader in words: the rule, and the rejected value if it may be shown.

use crate::suggest;
use figment::error::{Actual, Kind};

/// Describes an error. Contains the rejected value only if `show` is set.
pub(crate) fn message(kind: &Kind, show: bool) -> String {
    match kind {
        Kind::UnknownField(name, known) => match suggest::closest(name, known) {
            Some(similar) => format!("unknown key; did you mean `{similar}`?"),
            None => format!("unknown key; known keys: {}", suggest::list(name, known)),
        },
        Kind::InvalidType(actual, expected) => {
            let wanted = wanted(expected);
            // A key for a number or a truth value never holds a secret; a misplaced table might.
            let plain = wanted.contains("number") || wanted.contains("integer");
            let found = match written(actual).filter(|_| show && plain) {
                Some(value) => value,
                None => type_name(actual).to_owned(),
            };
            format!("must be {wanted}, got {found}")
        }
        Kind::InvalidValue(actual, expected) => {
            let wanted = wanted(expected);
            match written(actual).filter(|_| show) {
                Some(value) => format!("must be {wanted}, got {value}"),
                None => format!("must be {wanted}"),
            }
        }
        other => other.to_string(),
    }
}

fn wanted(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a non-negative integer",
        "i8" | "i16" | "i32" | "i64" | "isize" => "an integer",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a boolean" => "true or false",
        "a map" => "a table",
        text if text.starts_with("struct ") => "a table",
        text => text,
    }
}

fn written(actual: &Actual) -> Option<String> {
    /// Longer values would hide the rest of the message.
    const LONGEST: usize = 60;
    let text = match actual {
        // An address with an @ may contain a password.
        Actual::Str(text) if text.contains('@') => return None,
        Actual::Str(text) => format!("{text:?}"),
        Actual::Unsigned(number) => number.to_string(),
        Actual::Signed(number) => number.to_string(),
        Actual::Float(number) => number.to_string(),
        Actual::Bool(truth) => truth.to_string(),
        _ => return None,
    };
    (text.len() <= LONGEST).then_some(text)
}

fn type_name(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "a boolean",
        Actual::Unsigned(_) | Actual::Signed(_) => "an integer",
        Actual::Float(_) => "a float",
        Actual::Char(_) | Actual::Str(_) => "a string",
        Actual::Seq => "an array",
        Actual::Map => "a table",
        _ => "another type",
    }
}

/// Describes the line and the column of a position in a text.
pub(crate) fn position(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .map_or(0, |tail| tail.chars().count())
        + 1;
    format!("line {line}, column {column}: ")
}
