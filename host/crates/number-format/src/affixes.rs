//! The sign and the currency around a number.

use crate::error::NumberError;
use crate::{currencies, is_blank, is_separator};

/// A number without its sign and currency.
pub(crate) struct Affixes<'t> {
    pub negative: bool,
    /// Digits and marks.
    pub number: &'t str,
}

/// Removes at most one sign and at most one currency.
pub(crate) fn strip<'t>(
    text: &'t str,
    currency: Option<&str>,
    decimal_mark: Option<char>,
) -> Result<Affixes<'t>, NumberError> {
    let mut state = AffixState {
        currency,
        ..AffixState::default()
    };
    let text = text.trim();
    let mut number = text;
    while let Some(first) = number.chars().next().filter(in_affix) {
        let length = match first {
            '+' | '-' | MINUS => state.sign(first != '+')?,
            '(' => {
                state.open = true;
                state.sign(true)?
            }
            _ => {
                let word = leading(number);
                // In `kr.50` the point may be the decimal mark.
                let digit = number[word.len()..].starts_with(|next: char| next.is_ascii_digit());
                if digit && decimal_mark.is_some_and(|mark| word.ends_with(mark)) {
                    return Err(NumberError::malformed(text));
                }
                state.currency(text, word)?
            }
        };
        let length = length.unwrap_or(first.len_utf8());
        number = number[length..].trim_start_matches(is_blank);
    }
    let in_suffix = |number: &str, last: &char| in_affix(last) || !trailing(number).is_empty();
    while let Some(last) = number
        .chars()
        .next_back()
        .filter(|last| in_suffix(number, last))
    {
        let length = match last {
            '-' | MINUS => state.sign(true)?,
            ')' if state.open => {
                state.open = false;
                None
            }
            _ => state.currency(text, trailing(number))?,
        };
        let length = length.unwrap_or(last.len_utf8());
        number = number[..number.len() - length].trim_end_matches(is_blank);
    }
    match number.is_empty() || state.open {
        true => Err(NumberError::malformed(text)),
        false => Ok(Affixes {
            negative: state.negative,
            number,
        }),
    }
}

/// The mathematical minus sign, U+2212.
const MINUS: char = '\u{2212}';

/// The affixes that were found so far.
#[derive(Default)]
struct AffixState<'c> {
    /// The currency of the amount; `None` after it was found, or if the number must not have one.
    currency: Option<&'c str>,
    signed: bool,
    negative: bool,
    /// An opening parenthesis without the closing one.
    open: bool,
}

impl AffixState<'_> {
    /// Adds a sign. Returns no length: a sign has one character.
    fn sign(&mut self, negative: bool) -> Result<Option<usize>, NumberError> {
        if self.signed {
            return Err(NumberError::SecondSign);
        }
        (self.signed, self.negative) = (true, negative);
        Ok(None)
    }

    /// Adds a currency and returns its length.
    fn currency(&mut self, text: &str, word: &str) -> Result<Option<usize>, NumberError> {
        match self.currency {
            Some(currency) if currencies::belongs(word, currency) => {
                self.currency = None;
                Ok(Some(word.len()))
            }
            Some(currency) if has_digit(text) && currencies::is_currency(word) => {
                let (found, expected) = (word.to_owned(), currency.to_owned());
                Err(NumberError::ForeignCurrency { found, expected })
            }
            _ => Err(NumberError::malformed(text)),
        }
    }
}

/// Returns whether a character does not belong to the digits and marks of a number.
fn in_affix(letter: &char) -> bool {
    !letter.is_ascii_digit() && !is_separator(*letter)
}

/// Returns the word before a number, such as `EUR`, `R$` or `kr.`.
fn leading(text: &str) -> &str {
    let mut before = ' ';
    let end = text.find(|letter: char| {
        let inside = in_word(letter) || letter == '.' && before.is_alphabetic();
        before = letter;
        !inside
    });
    &text[..end.unwrap_or(text.len())]
}

/// Returns the word after a number, or an empty text.
fn trailing(text: &str) -> &str {
    let dotted = |letter: char| in_word(letter) || letter == '.';
    let word = &text[text.trim_end_matches(dotted).len()..];
    word.trim_start_matches('.')
}

fn has_digit(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit())
}

fn in_word(letter: char) -> bool {
    let sign = matches!(letter, '+' | '-' | MINUS | '(' | ')');
    !sign && !letter.is_numeric() && !letter.is_whitespace() && !is_separator(letter)
}
