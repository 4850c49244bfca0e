//! What has to be said of a file: how it is written, which column is what, and what its words mean.

use galleria_sdk::csv::Encoding;
use galleria_sdk::statement::KindWord;
use galleria_sdk::{Date, Problem, money};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The plugin's settings. `provider`, `columns` with `gross` and a day, and one of `currency` and
/// `columns.currency` have to be there.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What the statement's provider is called.
    pub provider: String,
    /// The account there, where no column tells it.
    pub account: String,
    /// One ASCII character between cells.
    pub delimiter: char,
    /// How bytes become text.
    pub encoding: Encoding,
    /// `,` or `.`.
    pub decimal_mark: char,
    /// What stands between groups of three digits; none: nothing does.
    pub thousands: Option<char>,
    /// How a day is written, with `dd`, `mm` and `yyyy`.
    pub date: String,
    /// Rows before the header, not counting empty ones.
    pub skip_rows: u32,
    /// ISO 4217, where no column tells it.
    pub currency: String,
    /// Which column is what.
    pub columns: ColumnNames,
    /// What each word in the column `kind` means.
    pub kinds: BTreeMap<String, KindWord>,
    /// How the file writes a fee that was kept.
    pub fee_sign: FeeSign,
    /// How the file writes money that went back, and costs.
    pub backwards: Backwards,
    /// By what the row of totals is known; none: there is none, and a file that was cut off is not noticed.
    pub total: Option<TotalRow>,
}

/// Which column is what, by its name in the header; empty: there is none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the contract's record `line` documents each")]
pub struct ColumnNames {
    /// What the line is; without it, above zero is a payment and below zero a refund.
    pub kind: String,
    pub gross: String,
    pub fee: String,
    pub net: String,
    pub currency: String,
    pub booked_at: String,
    pub paid_on: String,
    /// Of the payout; without it, the file's name stands for it.
    pub reference: String,
    pub account: String,
    pub id: String,
    pub psp_reference: String,
    pub modification_reference: String,
    pub merchant_reference: String,
}

/// How the file writes a fee that was kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FeeSign {
    /// `0,25`.
    #[default]
    Positive,
    /// `-0,25`: as it changes the balance.
    Negative,
}

/// How the file writes money that went back, and costs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Backwards {
    /// Below zero.
    #[default]
    Signed,
    /// Without a sign: the kind tells.
    Unsigned,
}

/// By what the row of totals is known.
#[derive(Clone, Debug, Deserialize)]
pub struct TotalRow {
    /// The column.
    pub column: String,
    /// What stands in it there, such as `TOTAL`.
    pub word: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: String::new(),
            account: String::new(),
            delimiter: ';',
            encoding: Encoding::Utf8,
            decimal_mark: ',',
            thousands: None,
            date: "dd/mm/yyyy".to_owned(),
            skip_rows: 0,
            currency: String::new(),
            columns: ColumnNames::default(),
            kinds: BTreeMap::new(),
            fee_sign: FeeSign::Positive,
            backwards: Backwards::Signed,
            total: None,
        }
    }
}

impl Settings {
    /// What is wrong beyond the shape.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |good: bool, field: &str, message: &str| {
            if !good {
                problems.push(Problem::new(field, message));
            }
        };
        let columns = &self.columns;
        refuse(
            !self.provider.trim().is_empty(),
            "provider",
            "has to name the provider",
        );
        let delimits = matches!(self.delimiter, ',' | ';' | '\t' | '|');
        refuse(delimits, "delimiter", "has to be , ; | or a tab");
        let marks = matches!(self.decimal_mark, '.' | ',');
        refuse(marks, "decimal_mark", "has to be . or ,");
        let thousands = self.thousands.is_none_or(|mark| {
            matches!(mark, '.' | ',' | '\'' | ' ' | '\u{a0}' | '\u{202f}')
                && mark != self.decimal_mark
        });
        refuse(
            thousands,
            "thousands",
            "has to be . , ' or a blank, and not the decimal mark",
        );
        refuse(
            Date::is_pattern(&self.date),
            "date",
            "has to have dd, mm and yyyy, such as dd/mm/yyyy",
        );
        refuse(
            !columns.gross.is_empty(),
            "columns.gross",
            "has to name the column of the amount",
        );
        let dated = !columns.booked_at.is_empty() || !columns.paid_on.is_empty();
        refuse(
            dated,
            "columns.booked_at",
            "has to be named, or paid_on: a line has a day",
        );
        let told = !columns.currency.is_empty();
        let set = money::currency(&self.currency).is_ok_and(|code| code == self.currency);
        refuse(
            told || set,
            "currency",
            "has to be a code such as EUR, or columns.currency be named",
        );
        refuse(
            !told || self.currency.is_empty(),
            "currency",
            "is told by columns.currency as well: name one",
        );
        let kinds = columns.kind.is_empty() == self.kinds.is_empty();
        refuse(
            kinds,
            "kinds",
            "and columns.kind need each other: the words, and the column they stand in",
        );
        let unsigned = self.backwards == Backwards::Unsigned;
        refuse(
            !unsigned || !columns.kind.is_empty(),
            "backwards",
            "unsigned needs columns.kind, or nothing tells a refund from a payment",
        );
        if let Some(total) = &self.total {
            let named = !total.column.is_empty() && !total.word.is_empty();
            refuse(named, "total", "has to name a column and the word in it");
            let tells = !unsigned || !columns.net.is_empty();
            refuse(
                tells,
                "columns.net",
                "has to be named where amounts have no sign, to hold the total against",
            );
        }
        problems
    }
}
