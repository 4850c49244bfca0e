//! Fields of a record by their position.

use crate::settings::{Digits, Field};
use galleria_sdk::{Date, Money, Problem, quoted};

/// A record and its row.
pub struct Record<'r> {
    pub row: u64,
    pub text: &'r str,
}

impl<'r> Record<'r> {
    /// Returns a field without surrounding blanks.
    pub fn text(&self, field: &Field, name: &str) -> Result<&'r str, Problem> {
        let begin = field.at.saturating_sub(1) as usize;
        let end = begin + field.length as usize;
        let at = |index: usize| {
            // Nearly always one byte per letter.
            if self.text.is_ascii() {
                return (index <= self.text.len()).then_some(index);
            }
            let places = self.text.char_indices().map(|(at, _)| at);
            places.chain([self.text.len()]).nth(index)
        };
        match (at(begin), at(end)) {
            (Some(begin), Some(end)) => Ok(self.text[begin..end].trim()),
            _ => {
                let length = self.text.chars().count();
                let message = format!("ends at character {end}, but the record has {length}");
                Err(Problem::in_row(self.row, name, message))
            }
        }
    }

    /// Returns a day in the contract's format.
    pub fn day(&self, field: &Field, name: &str, pattern: &str) -> Result<String, Problem> {
        let day = Date::parse_as(self.text(field, name)?, pattern);
        Ok(day.map_err(|bad| bad.in_row(self.row, name))?.to_string())
    }

    /// Returns a number of records.
    pub fn count(&self, field: &Field, name: &str) -> Result<u64, Problem> {
        let text = self.text(field, name)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let count = text.parse().ok().filter(|_| digits);
        count.ok_or_else(|| {
            let message = [&*quoted(text), " is not a number of records"].concat();
            Problem::in_row(self.row, name, message)
        })
    }

    /// Returns an amount in minor units: digits, with a sign before them or at its own position.
    pub fn amount(&self, digits: &Digits, name: &str) -> Result<Money, Problem> {
        let field = Field {
            at: digits.at,
            length: digits.length,
        };
        let text = self.text(&field, name)?;
        let bad = |message: &str| {
            let message = [&*quoted(text), message].concat();
            Problem::in_row(self.row, name, message)
        };
        let (mut negative, mut number) = (false, text);
        match &digits.sign {
            None => {
                if let Some(rest) = text.strip_prefix('-') {
                    (negative, number) = (true, rest);
                } else if let Some(rest) = text.strip_prefix('+') {
                    number = rest;
                }
            }
            Some(sign) => {
                let length = sign
                    .negative
                    .chars()
                    .count()
                    .max(sign.positive.chars().count());
                let at = Field {
                    at: sign.at,
                    length: u32::try_from(length).unwrap_or(1),
                };
                let found = self.text(&at, name)?;
                negative = found == sign.negative.trim();
                if !negative && found != sign.positive.trim() {
                    let message = [
                        &*quoted(found),
                        " is not a sign: must be ",
                        &quoted(&sign.positive),
                        " or ",
                        &quoted(&sign.negative),
                    ];
                    return Err(Problem::in_row(self.row, name, message.concat()));
                }
            }
        }
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(bad(" is not an amount in minor units such as 0001299"));
        }
        // Parse with the sign, so that the smallest number is valid.
        let signed = if negative {
            ["-", number].concat()
        } else {
            number.to_owned()
        };
        signed.parse().map_err(|_| bad(" is too large"))
    }
}
