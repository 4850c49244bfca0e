//! What a retailer may set: which columns name its payments, and how the report was asked for.

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
    /// The account there, which the report does not tell.
    pub account: String,
    /// One ASCII character between cells.
    pub delimiter: char,
    /// Which column is the reference that the till kept of the payment.
    pub psp_reference: PspReference,
    /// The column with our own reference, such as `payment_metadata[order_id]`; empty: there is none.
    pub merchant_reference: String,
    /// The time zone that the report was asked for in.
    pub time_zone: TimeZone,
    /// Whether the row of the payout has to be there.
    pub payout: Payout,
    /// Further words of the column `reporting_category`, and what they are.
    pub categories: BTreeMap<String, KindWord>,
}

/// Which column is the reference that the till kept of the payment.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PspReference {
    /// `ch_...`
    #[default]
    ChargeId,
    /// `pi_...`
    PaymentIntentId,
}

/// The time zone that the report was asked for in.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TimeZone {
    /// Stripe's default.
    #[default]
    Utc,
    /// Another: of `created` the day alone is kept, for the report does not name the zone.
    Local,
}

/// Whether the row of the payout has to be there.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Payout {
    /// A file without it is taken for one that was cut off.
    #[default]
    Required,
    /// The report was filtered; then nothing tells a file that was cut off.
    Optional,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            provider: "stripe".to_owned(),
            account: String::new(),
            delimiter: ',',
            psp_reference: PspReference::ChargeId,
            merchant_reference: String::new(),
            time_zone: TimeZone::Utc,
            payout: Payout::Required,
            categories: BTreeMap::new(),
        }
    }
}

impl Settings {
    /// What is wrong beyond the shape.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.provider.trim().is_empty() {
            problems.push(Problem::new("provider", "has to be a name such as stripe"));
        }
        if !matches!(self.delimiter, ',' | ';' | '\t' | '|') {
            problems.push(Problem::new("delimiter", "has to be , ; | or a tab"));
        }
        problems
    }
}
