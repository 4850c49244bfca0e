//! The `'` before a text that a spreadsheet would evaluate as a formula.
//!
//! Guarding is reversible: a text that already looks guarded gets one more `'`.

/// Returns whether a `'` must precede a text cell: the text starts with `=`, `+`, `-`, `@`, a tab or a line break,
/// possibly after other `'`.
pub fn needs_guard(text: &str) -> bool {
    let unguarded = text.trim_start_matches('\'');
    unguarded.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// Returns the text of a cell: without its first `'`, if the text after it needs a guard.
pub fn unguarded(cell: &str) -> &str {
    let text = cell.strip_prefix('\'').filter(|text| needs_guard(text));
    text.unwrap_or(cell)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarding_is_reversible() {
        for text in ["=1", "+", "-5", "@x", "'=1", "''-", "\t", "\r", "\n"] {
            assert!(needs_guard(text), "{text}");
            assert_eq!(unguarded(&format!("'{text}")), text);
        }
        for text in ["", "'", "''", "x=1", "'n Sync", "5' -", " =1", "'5"] {
            assert!(!needs_guard(text), "{text}");
            assert_eq!(unguarded(text), text);
        }
        assert_eq!(unguarded("=1"), "=1");
    }
}
