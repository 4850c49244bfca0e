//! Fields of a record by their position.

use crate::position::{Length, Positions};
use crate::settings::{Digits, Field, Settings, Sign};
use galleria_sdk::csv::Row;
use galleria_sdk::{DateFormat, Money, NumberFormat, Problem, StatementHeader, quoted};
use std::borrow::Cow;

/// A record and its row.
pub struct Record<'r> {
    pub row: u64,
    pub content: Content<'r>,
}

/// The text of a record.
#[derive(Clone, Copy)]
pub enum Content<'r> {
    /// A line, whose fields are at fixed positions.
    Line(&'r str, Positions),
    /// Cells between delimiters.
    Cells(&'r Row),
}

impl<'r> Record<'r> {
    /// Returns a field without surrounding blanks.
    pub fn text(&self, field: &Field, name: &str) -> Result<&'r str, Problem> {
        self.cut(field.at, Length::Of(field.length), name)
    }

    fn cut(&self, at: u32, length: Length<'_>, name: &str) -> Result<&'r str, Problem> {
        let found = match self.content {
            Content::Line(text, positions) => positions.cut(text, at, length),
            Content::Cells(row) if at as usize <= row.len() => {
                Ok(row.cell(at.saturating_sub(1) as usize))
            }
            Content::Cells(row) => {
                let count = row.len();
                Err(format!("is cell {at}, but the record has {count}"))
            }
        };
        found.map_err(|message| Problem::in_row(self.row, name, message))
    }

    /// Returns an amount; `None` if the field is empty.
    pub fn optional_amount(
        &self,
        digits: &Digits,
        name: &str,
        unit: &Unit<'_>,
    ) -> Result<Option<Money>, Problem> {
        match self.cut(digits.at, Length::Of(digits.length), name)? {
            "" => Ok(None),
            _ => self.amount(digits, name, unit).map(Some),
        }
    }

    /// Returns a day in the contract's format.
    pub fn day(&self, field: &Field, name: &str, dates: &DateFormat) -> Result<String, Problem> {
        let day = dates.read(self.text(field, name)?);
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

    /// Returns an amount, with a sign in the field or at its own position.
    pub fn amount(&self, digits: &Digits, name: &str, unit: &Unit<'_>) -> Result<Money, Problem> {
        let text = self.text(&digits.field(), name)?;
        let negative = match &digits.sign {
            Some(sign) => self.is_negative(sign, name)?,
            None => false,
        };
        // A sign in the field would be a second one.
        let signed = match (&digits.sign, negative) {
            (None, _) => Cow::Borrowed(text),
            (Some(_), true) => ["-", text].concat().into(),
            (Some(_), false) => ["+", text].concat().into(),
        };
        let amount = unit.format.amount(&signed, unit.currency, unit.digits);
        amount.map_err(|error| {
            let message = [
                &*quoted(text),
                " ",
                &unit.format.explain(&error, "an amount"),
            ];
            Problem::in_row(self.row, name, message.concat())
        })
    }

    /// Reads a separate sign.
    fn is_negative(&self, sign: &Sign, name: &str) -> Result<bool, Problem> {
        let length = Length::Longest([&sign.negative, &sign.positive]);
        let found = self.cut(sign.at, length, name)?;
        if found == sign.negative.trim() {
            return Ok(true);
        }
        if found == sign.positive.trim() {
            return Ok(false);
        }
        let message = [
            &*quoted(found),
            " is not a sign: must be ",
            &quoted(&sign.positive),
            " or ",
            &quoted(&sign.negative),
            ", as the setting sign states",
        ];
        Err(Problem::in_row(self.row, name, message.concat()))
    }
}

/// A currency, and how the file writes its amounts.
pub struct Unit<'a> {
    pub currency: &'a str,
    pub digits: u8,
    pub format: NumberFormat,
}

impl<'a> Unit<'a> {
    /// The unit of all amounts of a file.
    pub fn of(header: &'a StatementHeader, settings: &Settings) -> Self {
        Self {
            currency: &header.currency,
            digits: header.minor_digits,
            format: settings.numbers(),
        }
    }
}
