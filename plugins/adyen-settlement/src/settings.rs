//! What a retailer may set: how the file is written, and words that are not known here.

use galleria_sdk::csv::Encoding;
use galleria_sdk::prelude::*;
use galleria_sdk::statement::KindWord;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The plugin's settings. An empty object is enough.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What the statement's provider is called.
    pub provider: String,
    /// One ASCII character between cells.
    pub delimiter: char,
    /// How bytes become text.
    pub encoding: Encoding,
    /// Whether the row of the payout has to be there.
    pub payout: Payout,
    /// Further words of the column `Type`, and what they are.
    pub types: BTreeMap<String, KindWord>,
    /// Further words of the column `TimeZone`, and their offsets, such as `+01:00`.
    pub zones: BTreeMap<String, String>,
}

/// Whether the row of the payout has to be there.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Payout {
    /// A file without it is taken for one that was cut off.
    #[default]
    Required,
    /// A batch may end without a payout, its balance carried over; then nothing tells a file that was
    /// cut off.
    Optional,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: "adyen".to_owned(),
            delimiter: ',',
            encoding: Encoding::Utf8,
            payout: Payout::Required,
            types: BTreeMap::new(),
            zones: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// What is wrong beyond the shape.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.provider.trim().is_empty() {
            problems.push(Problem::new("provider", "has to be a name such as adyen"));
        }
        if !matches!(self.delimiter, ',' | ';' | '\t' | '|') {
            problems.push(Problem::new("delimiter", "has to be , ; | or a tab"));
        }
        for (zone, offset) in &self.zones {
            let instant = ["2026-01-01T00:00:00", offset].concat();
            if Instant::parse(&instant).is_err() {
                let message = "has to be an offset such as +01:00, or Z";
                problems.push(Problem::new(["zones.", zone].concat(), message));
            }
        }
        problems
    }
}
