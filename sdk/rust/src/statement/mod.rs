//! The code that the readers of all providers' statements share: the loop over the records of a file
//! ([`read()`]), and the checks of the lines ([`StatementWriter`]).
//!
//! A reader only maps the records of its format to lines. Memory use does not grow with the file.

mod columns;
mod reading;
mod stated;
#[cfg(test)]
mod tests;
mod writer;

pub use reading::{CsvRecords, FileEnd, RecordReader, RecordSource, read};
pub use stated::StatedAmounts;
pub use writer::{ColumnNames, StatementWriter};

use crate::{Problem, StatementKind, quoted};

/// A kind of line, as settings name it. [`KindWord::Other`] keeps the provider's own word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KindWord {
    /// A customer paid.
    Payment,
    /// A customer was repaid.
    Refund,
    /// A customer's bank reclaimed the money.
    Chargeback,
    /// A chargeback that was reversed in the retailer's favour.
    ChargebackReversal,
    /// A cost without a payment.
    Fee,
    /// A correction, a reserve, a balance carried over.
    Adjustment,
    /// Any other kind.
    Other,
}

impl KindWord {
    /// Returns the kind of a line; `word` is the provider's own word.
    pub fn kind(self, word: &str) -> StatementKind {
        match self {
            Self::Payment => StatementKind::Payment,
            Self::Refund => StatementKind::Refund,
            Self::Chargeback => StatementKind::Chargeback,
            Self::ChargebackReversal => StatementKind::ChargebackReversal,
            Self::Fee => StatementKind::Fee,
            Self::Adjustment => StatementKind::Adjustment,
            Self::Other => StatementKind::Other(word.to_owned()),
        }
    }
}

/// Returns whether a line of this kind needs a day of its own. A cost or a correction without a day belongs to the day
/// of the payout.
pub fn needs_day(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::Payment
        | StatementKind::Refund
        | StatementKind::Chargeback
        | StatementKind::ChargebackReversal => true,
        StatementKind::Fee | StatementKind::Adjustment | StatementKind::Other(_) => false,
    }
}

/// The longest text of a line, in bytes. References have some tens of bytes, and the host rejects longer
/// ones.
pub const MAX_TEXT: usize = 300;

/// Converts a provider's sentence to the text of an attribute: one line, cut to [`MAX_TEXT`] bytes.
///
/// ```
/// assert_eq!(galleria_sdk::statement::single_line("Fees\nof May"), "Fees of May");
/// ```
pub fn single_line(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    plain[..plain.floor_char_boundary(MAX_TEXT)].to_owned()
}

/// Checks a reference: a line contains it completely, otherwise the file is rejected. The host would
/// reject it too, but does not know the name of the column.
///
/// ```
/// use galleria_sdk::statement::reference;
///
/// assert_eq!(reference(7, "Order", "O-1"), Ok("O-1".to_owned()));
/// let long = reference(7, "Order", &"9".repeat(301)).expect_err("too long");
/// assert_eq!(long.to_string(), "row 7, Order: has more than 300 bytes");
/// ```
pub fn reference(row: u64, column: &str, text: &str) -> Result<String, Problem> {
    if text.len() > MAX_TEXT {
        let message = ["has more than ", &MAX_TEXT.to_string(), " bytes"].concat();
        return Err(Problem::in_row(row, column, message));
    }
    if text.chars().any(char::is_control) {
        let message = [&*quoted(text), " must be one line without tabs"].concat();
        return Err(Problem::in_row(row, column, message));
    }
    Ok(text.to_owned())
}

/// The number of known words in a message. A provider defines up to a hundred.
const SHOWN_WORDS: usize = 8;

/// Returns the problem of a word that the reader does not know: it names the setting that adds words, and
/// the known words, of a long list those that are most similar.
///
/// ```
/// use galleria_sdk::statement::unknown_word;
///
/// let problem = unknown_word(7, "Type", "Setled", "types", ["Settled", "Refunded"]);
/// assert_eq!(
///     problem.to_string(),
///     "row 7, Type: `Setled` is unknown: correct it, or add it to the setting types; known values: Settled, Refunded"
/// );
/// ```
pub fn unknown_word<'w>(
    row: u64,
    column: &str,
    word: &str,
    setting: &str,
    known: impl IntoIterator<Item = &'w str>,
) -> Problem {
    let mut known: Vec<&str> = known.into_iter().collect();
    let mut listed = "; known values: ";
    if known.len() > SHOWN_WORDS {
        // Longer than every word, and short enough for the time of a call.
        let begin = &word[..word.floor_char_boundary(80)];
        known.sort_by_cached_key(|known| strsim::levenshtein(begin, known));
        known.truncate(SHOWN_WORDS);
        listed = "; similar known values: ";
    }
    let message = [
        &*quoted(word),
        " is unknown: correct it, or add it to the setting ",
        setting,
        listed,
        &known.join(", "),
    ];
    Problem::in_row(row, column, message.concat())
}

/// A value that must be the same on every line, such as the payout and its currency: a file with two
/// payouts is not one statement.
#[derive(Clone, Debug, Default)]
pub struct CommonValue(Option<(u64, String)>);

impl CommonValue {
    /// Stores the first value and compares all others with it.
    pub fn check(&mut self, row: u64, column: &str, value: &str) -> Result<(), Problem> {
        match &self.0 {
            _ if value.is_empty() => Err(Problem::in_row(row, column, "is empty")),
            None => {
                self.0 = Some((row, reference(row, column, value)?));
                Ok(())
            }
            Some((_, first)) if first == value => Ok(()),
            Some((before, first)) => {
                let message = [
                    &*quoted(value),
                    " differs from ",
                    &quoted(first),
                    " in row ",
                    &before.to_string(),
                    ": a file must contain one payout in one currency",
                ];
                Err(Problem::in_row(row, column, message.concat()))
            }
        }
    }

    /// Returns the value; empty before the first line.
    pub fn value(&self) -> &str {
        self.0.as_ref().map_or("", |(_, value)| value)
    }
}
