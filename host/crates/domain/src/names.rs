//! The rules for names from outside.

/// The rule of [`is_id`], for messages.
pub const ID_RULE: &str =
    "must have 1 to 64 letters, digits, '-', '_', '.' or ':', and no dot at the start";

/// The rule of [`is_file_name`], for messages.
pub const FILE_NAME_RULE: &str = "must be one segment of a path, with at most 200 bytes, without a leading dot, \
                                  control characters and any of / \\ : * ? \" < > |";

/// Whether a text is an identifier: 1 to 64 characters of letters, digits, `-`, `_`, `.` and `:`, not starting
/// with `.`. So it fits a path, a header and a column.
pub fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
        && !text.starts_with('.')
}

/// Whether a text is a file name: one path segment of at most 200 bytes, without control characters or a
/// leading dot.
///
/// The limit leaves room for the temporary name's prefix and suffix within the 255 bytes of common file systems.
pub fn is_file_name(text: &str) -> bool {
    (1..=200).contains(&text.len())
        && !text.starts_with('.')
        && !text
            .chars()
            .any(|c| c.is_control() || "/\\:*?\"<>|".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_one_path_segment() {
        assert!(is_file_name("poslog_0042_20261124_000017.xml"));
        for bad in ["", ".hidden", "a/b", "..", "a\0b", "a\nb", "c:d"] {
            assert!(!is_file_name(bad), "{bad:?}");
        }
        assert!(!is_file_name(&"x".repeat(201)));
    }
}
