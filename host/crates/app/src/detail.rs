//! Text about a failure, as the database stores it and the log prints it.

/// The maximum length of a detail in the journal, in dead letters, in runs and in the log.
const DETAIL_BYTES: usize = 4_096;

/// Cuts a text, and replaces the character NUL, which PostgreSQL refuses: the text may quote a guest.
pub(crate) fn detail(text: &str) -> String {
    let mut text = text.replace('\0', "\u{fffd}");
    text.truncate(text.floor_char_boundary(DETAIL_BYTES));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_fits_both_databases() {
        assert_eq!(detail("a\0b"), "a\u{fffd}b");
        let long = detail(&"\0é".repeat(4_096));
        assert!(long.len() <= DETAIL_BYTES && !long.contains('\0'));
    }
}
