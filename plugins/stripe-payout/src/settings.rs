//! Settings: the columns of payment references, and the options of the report.

use galleria_sdk::prelude::*;
use galleria_sdk::statement::KindWord;
use galleria_sdk::{DateFormat, NumberFormat, text};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The plugin's settings. An empty object is valid.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The name of the statement's provider.
    pub provider: String,
    /// The account at the provider, which the report does not contain.
    pub account: String,
    /// One ASCII character between cells.
    pub delimiter: char,
    /// `.` as Stripe writes it, or `,` if a spreadsheet saved the file.
    pub decimal_mark: char,
    /// The character between groups of three digits. Without it, such a character is rejected.
    pub thousands: Option<char>,
    /// The format of a day, `yyyy-mm-dd` as Stripe writes it: [`DateFormat`].
    pub date: String,
    /// The first of the hundred years that `yy` in `date` can mean.
    pub pivot_year: Option<u16>,
    /// The column of the reference that the till recorded for the payment.
    pub psp_reference: PspReference,
    /// The column of the platform's reference, such as `payment_metadata[order_id]`; empty if there
    /// is none.
    pub merchant_reference: String,
    /// The time zone of the report.
    pub time_zone: TimeZone,
    /// Whether the file must contain the payout.
    pub payout: Payout,
    /// Further words of the column `reporting_category`, and their kinds.
    pub categories: BTreeMap<String, KindWord>,
}

/// The column of the reference that the till recorded for the payment.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PspReference {
    /// `ch_...`
    #[default]
    ChargeId,
    /// `pi_...`
    PaymentIntentId,
}

/// The time zone of the report.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TimeZone {
    /// Stripe's default.
    #[default]
    Utc,
    /// Another zone: `created` gives only the day, because the report does not name the zone.
    Local,
}

/// Whether the file must contain the payout.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Payout {
    /// A file without it counts as incomplete.
    #[default]
    Required,
    /// The report was filtered. Then an incomplete file is not detected.
    Optional,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: "stripe".to_owned(),
            account: String::new(),
            delimiter: ',',
            decimal_mark: '.',
            thousands: None,
            date: "yyyy-mm-dd".to_owned(),
            pivot_year: None,
            psp_reference: PspReference::ChargeId,
            merchant_reference: String::new(),
            time_zone: TimeZone::Utc,
            payout: Payout::Required,
            categories: BTreeMap::new(),
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
        DateFormat::new(&self.date, self.pivot_year)
    }

    /// Returns the problems of settings with valid types.
    pub fn problems(&self) -> Vec<Problem> {
        let marks = NumberFormat::wrong_settings(self.decimal_mark, self.thousands);
        let mut problems: Vec<Problem> = marks
            .map(|(setting, rule)| Problem::new(setting, rule))
            .collect();
        problems.extend(self.dates().err().unwrap_or_default());
        if self.provider.trim().is_empty() {
            problems.push(Problem::new("provider", "must be a name such as stripe"));
        }
        if !text::is_delimiter(self.delimiter) {
            let message = ["must be ", text::DELIMITERS].concat();
            problems.push(Problem::new("delimiter", message));
        }
        problems
    }
}
