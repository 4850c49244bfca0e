//! File names: one pattern, filled so that two entries never get the same name.
//!
//! A value keeps letters, digits and dashes. Any other byte becomes `~` and its two hexadecimal digits.
//! Neither contains a separator of values. So a name can be decoded, and different entries have
//! different names for any ids of stores and workstations.

use galleria_sdk::prelude::*;

/// The values that a name must contain: together they are unique.
const REQUIRED: [&str; 5] = ["kind", "store", "date", "workstation", "sequence"];
/// The longest file name, in bytes.
const LONGEST: usize = 200;

/// A parsed pattern.
enum Piece<'p> {
    Text(&'p str),
    Value(&'p str),
}

/// Returns the problem of a pattern.
pub fn problems(pattern: &str) -> Vec<String> {
    let pieces = match pieces(pattern) {
        Ok(pieces) => pieces,
        Err(message) => return vec![message],
    };
    let mut problems = Vec::new();
    let mut seen = Vec::new();
    let mut after_value = false;
    for piece in &pieces {
        match piece {
            Piece::Value(name) if !REQUIRED.contains(name) => problems.push(
                [
                    "{",
                    name,
                    "} is unknown: there are {kind}, {store}, {date}, {workstation} and {sequence}",
                ]
                .concat(),
            ),
            Piece::Value(name) if after_value => {
                seen.push(*name);
                let message = "} must be separated from the value before it by _ or .";
                problems.push(["{", name, message].concat());
            }
            Piece::Value(name) => seen.push(*name),
            Piece::Text(text) => {
                let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
                if !text.bytes().all(good) {
                    problems.push(
                        [
                            "`",
                            text,
                            "` must be letters, digits, dots, dashes and underscores",
                        ]
                        .concat(),
                    );
                }
            }
        }
        after_value = match piece {
            Piece::Value(_) => true,
            Piece::Text(text) => after_value && !text.contains(['_', '.']),
        };
    }
    for name in REQUIRED {
        if !seen.contains(&name) {
            problems.push(["must contain {", name, "}, or names would not be unique"].concat());
        }
    }
    if pattern.starts_with('.') {
        problems.push("must not start with a dot, or the file would be hidden".into());
    }
    problems
}

/// Returns the file name of an entry.
pub fn file_name(pattern: &str, kind: &str, store: &str, entry: &Entry) -> Result<String, Fault> {
    let misconfigured = |message: String| Fault::misconfigured("file_name", message);
    let mut name = String::with_capacity(64);
    for piece in pieces(pattern).map_err(misconfigured)? {
        match piece {
            Piece::Text(text) => name.push_str(text),
            Piece::Value("kind") => name.push_str(kind),
            Piece::Value("store") => push_escaped(&mut name, store),
            Piece::Value("date") => name.push_str(
                &Date::parse(&entry.business_date)
                    .at("entry.business_date")?
                    .compact(),
            ),
            Piece::Value("workstation") => push_escaped(&mut name, &entry.workstation),
            Piece::Value("sequence") => name.push_str(&entry.sequence.to_string()),
            Piece::Value(other) => {
                return Err(misconfigured(["{", other, "} is unknown"].concat()));
            }
        }
    }
    if name.len() > LONGEST {
        let message = "is too long for the name of a file, which has at most 200 bytes";
        return Err(Fault::invalid("entry.workstation", message));
    }
    Ok(name)
}

fn pieces(pattern: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut pieces = Vec::new();
    let mut rest = pattern;
    while let Some(open) = rest.find('{') {
        if open > 0 {
            pieces.push(Piece::Text(&rest[..open]));
        }
        let Some(length) = rest[open..].find('}') else {
            return Err("has an unclosed {".into());
        };
        pieces.push(Piece::Value(&rest[open + 1..open + length]));
        rest = &rest[open + length + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    Ok(pieces)
}

fn push_escaped(name: &mut String, value: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' {
            name.push(char::from(byte));
        } else {
            name.push('~');
            name.push(char::from(HEX[usize::from(byte >> 4)]));
            name.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATTERN: &str = "{kind}_{store}_{date}_{workstation}_{sequence}.xml";

    fn named(store: &str, workstation: &str) -> Result<String, Fault> {
        let entry = Entry {
            workstation: workstation.into(),
            sequence: 7,
            business_date: "2026-11-24".into(),
            ..Entry::default()
        };
        file_name(PATTERN, "sale", store, &entry)
    }

    #[test]
    fn different_entries_have_different_names() {
        assert_eq!(
            named("0042", "SCO-1").expect("a name"),
            "sale_0042_20261124_SCO-1_7.xml"
        );
        assert_eq!(
            named("a/b", "é.").expect("a name"),
            "sale_a~2Fb_20261124_~C3~A9~2E_7.xml"
        );
        assert_ne!(
            named("1_20261124_2", "3").ok(),
            named("1", "2_20261124_3").ok()
        );
        assert_ne!(named("a~2Fb", "1").ok(), named("a/b", "1").ok());
        assert!(named("1", &"w".repeat(200)).is_err());
    }

    #[test]
    fn patterns_that_could_repeat_a_name_are_rejected() {
        assert!(problems(PATTERN).is_empty());
        assert!(problems("{store}.{workstation}.{date}_{sequence}-poslog_{kind}").is_empty());
        for bad in [
            "{kind}_{store}_{date}_{workstation}.xml",
            "{kind}{store}_{date}_{workstation}_{sequence}.xml",
            "{kind}-{store}_{date}_{workstation}_{sequence}.xml",
            ".{kind}_{store}_{date}_{workstation}_{sequence}.xml",
            "x/{kind}_{store}_{date}_{workstation}_{sequence}.xml",
            "{kind}_{store}_{date}_{workstation}_{sequence}_{receipt}.xml",
            "{kind}_{store}_{date}_{workstation}_{sequence",
        ] {
            assert_eq!(problems(bad).len(), 1, "{bad}: {:?}", problems(bad));
        }
    }
}
