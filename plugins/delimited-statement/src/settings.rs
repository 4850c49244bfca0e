//! Settings that describe a file: its format, its columns, and the meaning of its words.

use galleria_sdk::csv::Encoding;
use galleria_sdk::statement::KindWord;
use galleria_sdk::{DateFormat, NumberFormat, Problem, money, text};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The plugin's settings. Required are `provider`, `columns` with `gross` and a day, and either
/// `currency` or `columns.currency`.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The name of the statement's provider.
    pub provider: String,
    /// The account at the provider, if no column contains it.
    pub account: String,
    /// One ASCII character between cells.
    pub delimiter: char,
    /// The encoding of the file.
    pub encoding: Encoding,
    /// `,` or `.`.
    pub decimal_mark: char,
    /// The character between groups of three digits. Without it, such a character is rejected.
    pub thousands: Option<char>,
    /// The format of a day: [`DateFormat`].
    pub date: String,
    /// The first of the hundred years that `yy` in `date` can mean.
    pub pivot_year: Option<u16>,
    /// The time zone of the account, for times with an offset from UTC.
    pub time_zone: Option<String>,
    /// Rows before the header, without empty ones.
    pub skip_rows: u32,
    /// ISO 4217, if no column contains the currency.
    pub currency: String,
    /// The columns.
    pub columns: ColumnNames,
    /// The meaning of each word in the column `kind`.
    pub kinds: BTreeMap<String, KindWord>,
    /// How the file writes a fee that the provider kept.
    pub fee_sign: FeeSign,
    /// How the file writes repayments and costs.
    pub negative_amounts: NegativeAmounts,
    /// How to recognise the row of totals. Without it an incomplete file is not detected.
    pub total: Option<TotalRow>,
}

/// The name of each column in the header; empty if there is none.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the contract's record `line` documents each")]
pub struct ColumnNames {
    /// The kind of the line. Without it, a positive amount is a payment and a negative one a
    /// refund.
    pub kind: String,
    pub gross: String,
    pub fee: String,
    pub net: String,
    pub currency: String,
    pub booked_at: String,
    pub paid_on: String,
    /// The payout's reference. Without it, the name of the file is used.
    pub reference: String,
    pub account: String,
    pub id: String,
    pub psp_reference: String,
    pub modification_reference: String,
    pub merchant_reference: String,
}

/// How the file writes a fee that the provider kept.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum FeeSign {
    /// `0,25`.
    #[default]
    Positive,
    /// `-0,25`: as a change of the balance.
    Negative,
}

/// How the file writes repayments and costs.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum NegativeAmounts {
    /// Negative.
    #[default]
    Signed,
    /// Without a sign: the kind defines it.
    Unsigned,
}

/// How to recognise the row of totals.
#[derive(Clone, Debug, Deserialize)]
pub struct TotalRow {
    /// The column.
    pub column: String,
    /// The word in this column, such as `TOTAL`.
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
            pivot_year: None,
            time_zone: None,
            skip_rows: 0,
            currency: String::new(),
            columns: ColumnNames::default(),
            kinds: BTreeMap::new(),
            fee_sign: FeeSign::Positive,
            negative_amounts: NegativeAmounts::Signed,
            total: None,
        }
    }
}

impl Settings {
    /// Returns the format of amounts.
    pub fn numbers(&self) -> NumberFormat {
        NumberFormat::new(self.decimal_mark, self.thousands)
    }

    /// Returns how the file writes days.
    pub(crate) fn dates(&self) -> Result<DateFormat, Vec<Problem>> {
        DateFormat::in_zone(&self.date, self.pivot_year, self.time_zone.as_deref())
    }

    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let marks = NumberFormat::wrong_settings(self.decimal_mark, self.thousands);
        let mut problems: Vec<Problem> = marks
            .map(|(setting, rule)| Problem::new(setting, rule))
            .collect();
        problems.extend(self.dates().err().unwrap_or_default());
        let mut refuse = |good: bool, field: &str, message: &str| {
            if !good {
                problems.push(Problem::new(field, message));
            }
        };
        let columns = &self.columns;
        refuse(
            !self.provider.trim().is_empty(),
            "provider",
            "must name the provider",
        );
        let rule = ["must be ", text::DELIMITERS].concat();
        refuse(text::is_delimiter(self.delimiter), "delimiter", &rule);
        refuse(
            !columns.gross.is_empty(),
            "columns.gross",
            "must name the column of the amount",
        );
        let dated = !columns.booked_at.is_empty() || !columns.paid_on.is_empty();
        refuse(
            dated,
            "columns.booked_at",
            "must be named, or paid_on, because a line needs a day",
        );
        let has_column = !columns.currency.is_empty();
        let set = money::currency(&self.currency).is_ok_and(|code| code == self.currency);
        refuse(
            has_column || set,
            "currency",
            "must be a code such as EUR unless columns.currency is named",
        );
        refuse(
            !has_column || self.currency.is_empty(),
            "currency",
            "is also in columns.currency: use only one of them",
        );
        let kinds = columns.kind.is_empty() == self.kinds.is_empty();
        refuse(
            kinds,
            "kinds",
            "and columns.kind must be used together: the words and their column",
        );
        let unsigned = self.negative_amounts == NegativeAmounts::Unsigned;
        refuse(
            !unsigned || !columns.kind.is_empty(),
            "negative_amounts",
            "unsigned needs columns.kind, otherwise refunds and payments cannot be distinguished",
        );
        if let Some(total) = &self.total {
            let named = !total.column.is_empty() && !total.word.is_empty();
            refuse(named, "total", "must name a column and the word in it");
            let comparable = !unsigned || !columns.net.is_empty();
            refuse(
                comparable,
                "columns.net",
                "must be named if amounts have no sign, because the total is compared with it",
            );
        }
        problems
    }
}
