//! Reads numbers as files write them: amounts, prices, quantities and rates.
//!
//! A cell is read only if it has exactly one meaning in the format of its file. Otherwise it is rejected:
//!
//! - **Digits** are `0` to `9`. A number begins and ends with a digit and has no exponent.
//! - **Decimal mark**: the configured one, at most once.
//! - **Thousands mark**: only the configured one, and only before the decimal mark. The first group has one to
//!   three digits and does not begin with zero; each other group has three. A number may also have no marks.
//!   A configured blank stands for U+0020, U+00A0 and U+202F, a configured `'` also for U+2019.
//! - **Sign**: at most one. `+`, `-` or U+2212 before the number, `-` or U+2212 after it, or parentheses
//!   around it, which mean a negative number.
//! - **Currency**: at most one code of ISO 4217 or sign, before or after the number, and only if it belongs to
//!   the currency of the amount. `$` and `kr` belong to several currencies and are valid for each of them.
//! - **Blanks** may surround the number, its sign and its currency.
//! - **Surplus digits** after the decimal mark must be zero: `2000.00` is 2000 ISK, `2000.50` is rejected.
//!
//! The crate does not use floating point or `std::fmt`: in a guest, `std::fmt` costs more than reading the number.
#![warn(missing_docs)]

mod affixes;
mod currencies;
mod error;

pub use error::NumberError;

/// The largest number of digits after the decimal mark: 10^18 is the largest power of ten in 64 bits.
pub const MAX_SCALE: u8 = 18;

/// The maximum number of bytes of a number without its sign and currency: 19 digits and 18 after the
/// mark, with the longest thousands marks.
const MAX_BYTES: usize = 64;

/// How a file writes numbers.
///
/// ```
/// use galleria_number_format::NumberFormat;
///
/// let format = NumberFormat::new(',', Some('.'));
/// assert_eq!(format.amount("1.249,90 €", "EUR", 2), Ok(124_990));
/// assert_eq!(format.amount("(0,50)", "EUR", 2), Ok(-50));
/// let format = NumberFormat::new(',', None);
/// let error = format.amount("71.50", "EUR", 2).expect_err("an unconfigured mark");
/// assert_eq!(
///     format.explain(&error, "an amount"),
///     "contains `.`, but the decimal mark is `,` and there is no thousands mark: \
///      check the settings decimal_mark and thousands"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberFormat {
    decimal_mark: Option<char>,
    thousands: Option<char>,
    settings: &'static str,
}

/// An exact number, `unscaled × 10^-scale`, with its digits as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// The digits, with sign.
    pub unscaled: i64,
    /// The number of digits after the decimal mark.
    pub scale: u8,
}

impl NumberFormat {
    /// A format with a decimal mark and, if the file groups digits, a mark between groups of three.
    pub const fn new(decimal_mark: char, thousands: Option<char>) -> Self {
        Self {
            decimal_mark: Some(decimal_mark),
            thousands,
            settings: "the settings decimal_mark and thousands",
        }
    }

    /// Amounts in minor units: integers without marks.
    pub const fn minor_units() -> Self {
        Self {
            decimal_mark: None,
            thousands: None,
            settings: "the setting decimal_mark",
        }
    }

    /// Sets the words for the settings that a person changes if the marks are wrong, for messages.
    pub const fn with_settings(self, settings: &'static str) -> Self {
        Self { settings, ..self }
    }

    /// Checks the settings `decimal_mark` and `thousands`. Returns each wrong one with its rule.
    pub fn wrong_settings(
        decimal_mark: char,
        thousands: Option<char>,
    ) -> impl Iterator<Item = (&'static str, &'static str)> {
        let mark = matches!(decimal_mark, '.' | ',');
        let groups =
            thousands.is_none_or(|thousands| is_separator(thousands) && thousands != decimal_mark);
        [
            (mark, "decimal_mark", "must be . or ,"),
            (
                groups,
                "thousands",
                "must be . , ' or a blank, and not the decimal mark",
            ),
        ]
        .into_iter()
        .filter_map(|(good, setting, rule)| (!good).then_some((setting, rule)))
    }

    /// Reads an amount of a currency in minor units.
    pub fn amount(&self, text: &str, currency: &str, minor_digits: u8) -> Result<i64, NumberError> {
        let affixes = affixes::strip(text, Some(currency), self.decimal_mark)?;
        // The number of a format without a decimal mark has minor units already.
        let scale = self.decimal_mark.map_or(0, |_| minor_digits);
        let digits = self.digits(affixes.number, scale)?;
        let missing = u32::from(scale - digits.scale);
        let value = 10_u64
            .checked_pow(missing)
            .and_then(|power| digits.value.checked_mul(power))
            .ok_or(NumberError::TooLarge)?;
        signed(affixes.negative, value)
    }

    /// Reads a number with at most `scale` digits after the decimal mark, except zeros. With `None` as the
    /// currency it must not have one.
    pub fn number(
        &self,
        text: &str,
        currency: Option<&str>,
        scale: u8,
    ) -> Result<Number, NumberError> {
        let affixes = affixes::strip(text, currency, self.decimal_mark)?;
        let digits = self.digits(affixes.number, scale.min(MAX_SCALE))?;
        Ok(Number {
            unscaled: signed(affixes.negative, digits.value)?,
            scale: digits.scale,
        })
    }

    /// Reads digits and marks. Further digits than `scale` after the decimal mark must be zero.
    fn digits(&self, text: &str, scale: u8) -> Result<Digits, NumberError> {
        let wrong = || self.malformed(text);
        let bytes = text.as_bytes();
        let ends = [bytes.first(), bytes.last()];
        if !ends.into_iter().flatten().all(u8::is_ascii_digit) || bytes.len() > MAX_BYTES {
            return Err(wrong());
        }
        let mut digits = Digits::default();
        // Digits since the last thousands mark, and whether there was one.
        let (mut group, mut grouped) = (0_u32, false);
        let (mut fraction, mut surplus) = (false, false);
        for letter in text.chars() {
            match letter {
                '0'..='9' if !fraction => {
                    // A digit fits into a byte.
                    digits.push(letter as u8 - b'0');
                    group += 1;
                }
                '0'..='9' if digits.scale == scale => surplus |= letter != '0',
                '0'..='9' => {
                    digits.push(letter as u8 - b'0');
                    digits.scale += 1;
                }
                _ if fraction => return Err(self.unexpected(letter, text)),
                _ if Some(letter) == self.decimal_mark => {
                    if grouped && group != 3 {
                        return Err(wrong());
                    }
                    fraction = true;
                }
                _ if self.groups(letter) => {
                    let right = match grouped {
                        true => group == 3,
                        false => (1..=3).contains(&group) && bytes[0] != b'0',
                    };
                    if !right {
                        return Err(wrong());
                    }
                    (group, grouped) = (0, true);
                }
                _ => return Err(self.unexpected(letter, text)),
            }
        }
        // Report marks first: with other marks there may be no surplus digits.
        match () {
            () if grouped && !fraction && group != 3 => Err(wrong()),
            () if surplus => Err(NumberError::SurplusDigits(scale)),
            () if digits.significant > MOST_SIGNIFICANT => Err(NumberError::TooLarge),
            () => Ok(digits),
        }
    }

    /// Returns whether a character separates groups of digits.
    fn groups(&self, letter: char) -> bool {
        match self.thousands {
            None => false,
            Some(' ') => is_blank(letter),
            Some('\'') => matches!(letter, '\'' | '\u{2019}'),
            Some(mark) => mark == letter,
        }
    }

    /// The error for a character that is neither a digit nor a valid mark at its place.
    fn unexpected(&self, letter: char, text: &str) -> NumberError {
        match is_separator(letter) {
            true => self.malformed(text),
            false => NumberError::malformed(text),
        }
    }

    /// The error for digits and marks in a wrong order.
    fn malformed(&self, text: &str) -> NumberError {
        let foreign = |letter: &char| {
            is_separator(*letter) && !self.groups(*letter) && Some(*letter) != self.decimal_mark
        };
        match text.chars().find(foreign) {
            Some(separator) => NumberError::Separator(separator),
            None if text.contains(is_separator) => NumberError::MisplacedMark,
            None => NumberError::malformed(text),
        }
    }
}

/// The digits of a number without a sign.
#[derive(Default)]
struct Digits {
    value: u64,
    scale: u8,
    /// Digits without leading zeros.
    significant: u8,
}

/// Digits that always fit into 64 bits without a sign. A number with more of them never fits with one.
const MOST_SIGNIFICANT: u8 = 19;

impl Digits {
    /// Appends a digit. The value is only valid up to [`MOST_SIGNIFICANT`] digits.
    fn push(&mut self, digit: u8) {
        if self.significant < MOST_SIGNIFICANT {
            self.value = self.value * 10 + u64::from(digit);
        }
        self.significant += u8::from(self.value > 0);
    }
}

fn signed(negative: bool, value: u64) -> Result<i64, NumberError> {
    let signed = match negative {
        true => 0_i64.checked_sub_unsigned(value),
        false => i64::try_from(value).ok(),
    };
    signed.ok_or(NumberError::TooLarge)
}

/// Returns whether a file may write a character between digits.
fn is_separator(letter: char) -> bool {
    matches!(letter, '.' | ',' | '\'' | '\u{2019}') || is_blank(letter)
}

/// Returns whether a character is a blank that a file may write in a number.
fn is_blank(letter: char) -> bool {
    matches!(letter, ' ' | '\u{a0}' | '\u{202f}')
}

#[cfg(test)]
mod tests;
