//! The line `sep=;`, which names the delimiter of a file. Spreadsheets read and write it.

/// The characters that may be between cells.
pub const DELIMITERS: &str = ", ; | or a tab";

/// Returns whether a character may be between cells.
pub fn is_delimiter(letter: char) -> bool {
    matches!(letter, ',' | ';' | '|' | '\t')
}

/// Returns the length of the line `sep=` at the start of a text, and the delimiter that it names; `None` if there is
/// no such line.
pub(crate) fn separator(text: &[u8]) -> Option<(usize, Result<u8, String>)> {
    let length = text.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let length = length.unwrap_or(text.len());
    let line = &text[..length];
    // Some programs quote every cell, including this line.
    let inner = line.strip_prefix(b"\"");
    let inner = inner.and_then(|rest| rest.strip_suffix(b"\""));
    let inner = inner.unwrap_or(line);
    let (begin, rest) = inner.split_at_checked(4)?;
    if !begin.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let found = match rest {
        [one] if is_delimiter(char::from(*one)) => Ok(*one),
        _ => {
            let shown: String = String::from_utf8_lossy(inner).chars().take(20).collect();
            Err(format!(
                "`{}` must name one delimiter: {DELIMITERS}",
                shown.escape_debug()
            ))
        }
    };
    Some((length, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_names_one_delimiter() {
        for (text, expected) in [
            ("sep=;\r\na;b", Some((5, Ok(b';')))),
            ("SEP=,", Some((5, Ok(b',')))),
            ("\"sep=|\"\n", Some((7, Ok(b'|')))),
            ("sep=\t\r", Some((5, Ok(b'\t')))),
            ("separator;x\n", None),
            ("sep", None),
            ("", None),
        ] {
            assert_eq!(separator(text.as_bytes()), expected, "{text:?}");
        }
        for text in [
            "sep=",
            "sep=.",
            "sep=;;",
            "sep= ;",
            "\"sep=\"",
            "sep=\u{e9}",
        ] {
            let (_, found) = separator(text.as_bytes()).expect("the line");
            let message = found.expect_err(text);
            assert!(
                message.ends_with("must name one delimiter: , ; | or a tab"),
                "{message}"
            );
        }
    }
}
