//! How a cell is quoted. `csv-core` removes quotes, but does not report wrong ones.

/// How a cell is quoted, after the raw text so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Quoting {
    /// The cell is empty so far.
    #[default]
    Empty,
    /// The cell does not start with a quote, so that every quote is text.
    Unquoted,
    /// The quote at the start is not closed.
    Open,
    /// The last byte closes the quote, unless a second quote follows.
    Closed,
    /// Text follows the closing quote.
    TextAfter,
}

impl Quoting {
    /// Reads a piece of the raw text.
    pub fn push(&mut self, raw: &[u8]) {
        for byte in raw {
            *self = match (*self, byte) {
                (Self::Empty, b'"') => Self::Open,
                (Self::Empty | Self::Unquoted, _) => {
                    *self = Self::Unquoted;
                    return;
                }
                (Self::Open, b'"') => Self::Closed,
                (Self::Closed, b'"') | (Self::Open, _) => Self::Open,
                (Self::Closed | Self::TextAfter, _) => Self::TextAfter,
            };
        }
    }
}

/// Returns the number of line breaks in the text of a cell.
pub(crate) fn line_breaks(text: &[u8]) -> u64 {
    let mut before = None;
    let breaks = text.iter().filter(|byte| {
        let second = before.replace(**byte) == Some(b'\r') && **byte == b'\n';
        matches!(byte, b'\r' | b'\n') && !second
    });
    breaks.count() as u64
}
