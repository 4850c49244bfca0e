//! Settings: the format of the file, and further words.

use galleria_sdk::csv::Encoding;
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
    /// One ASCII character between cells.
    pub delimiter: char,
    /// The encoding of the file.
    pub encoding: Encoding,
    /// `.` as Adyen writes it, or `,` if a spreadsheet saved the file.
    pub decimal_mark: char,
    /// The character between groups of three digits. Without it, such a character is rejected.
    pub thousands: Option<char>,
    /// The format of a day, `yyyy-mm-dd` as Adyen writes it: [`DateFormat`].
    pub date: String,
    /// The first of the hundred years that `yy` in `date` can mean.
    pub pivot_year: Option<u16>,
    /// Whether the file must contain the payout.
    pub payout: Payout,
    /// Further words of the column `Type`, and their kinds.
    pub types: BTreeMap<String, KindWord>,
    /// Further words of the column `TimeZone`, and their offsets, such as `+01:00`.
    pub zones: BTreeMap<String, String>,
}

/// Whether the file must contain the payout.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Payout {
    /// A file without it counts as incomplete.
    #[default]
    Required,
    /// A batch may end without a payout and carry its balance over. Then an incomplete file is not
    /// detected.
    Optional,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: "adyen".to_owned(),
            delimiter: ',',
            encoding: Encoding::Utf8,
            decimal_mark: '.',
            thousands: None,
            date: "yyyy-mm-dd".to_owned(),
            pivot_year: None,
            payout: Payout::Required,
            types: BTreeMap::new(),
            zones: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// Returns the format of amounts and rates.
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
            problems.push(Problem::new("provider", "must be a name such as adyen"));
        }
        if !text::is_delimiter(self.delimiter) {
            let message = ["must be ", text::DELIMITERS].concat();
            problems.push(Problem::new("delimiter", message));
        }
        for (zone, offset) in &self.zones {
            let instant = ["2026-01-01T00:00:00", offset].concat();
            if Instant::parse(&instant).is_err() {
                let message = "must be an offset such as +01:00, or Z";
                problems.push(Problem::new(["zones.", zone].concat(), message));
            }
        }
        problems
    }
}
