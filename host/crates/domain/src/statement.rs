//! A provider's statement as a plugin read it, and what matching made of its lines. Each field is
//! documented in `wit/v0.2.0/capabilities.wit`, interface `statement`.
//!
//! Money that came from customers is positive, money that went back to them negative; a fee is what
//! the provider kept, positive.

use crate::basket::Attribute;
use crate::number::{Decimal, Money};
use serde::{Deserialize, Serialize};

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// A customer paid.
    Payment,
    /// A customer was paid back.
    Refund,
    /// A customer's bank took the money back.
    Chargeback,
    /// A chargeback that was won back.
    ChargebackReversal,
    /// A cost that belongs to no payment.
    Fee,
    /// A correction, a reserve, a balance carried over.
    Adjustment,
    /// The provider's own word.
    Other(String),
}

impl StatementKind {
    /// One word for lists; the provider's own words are all `other`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Payment => "payment",
            Self::Refund => "refund",
            Self::Chargeback => "chargeback",
            Self::ChargebackReversal => "chargeback-reversal",
            Self::Fee => "fee",
            Self::Adjustment => "adjustment",
            Self::Other(_) => "other",
        }
    }
}

/// What holds for a whole statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StatementHeader {
    /// Who pays out, such as `adyen`.
    pub provider: String,
    /// The merchant's account at the provider; empty where the file has none.
    pub account: String,
    /// The payout's, as the provider names it.
    pub reference: String,
    /// ISO 4217, of what is paid out.
    pub currency: String,
    /// Digits after the decimal mark of that currency.
    pub minor_digits: u8,
    /// The day of the payout, `YYYY-MM-DD`.
    pub paid_on: String,
    /// What the file itself says is paid out, where it does.
    pub total: Option<Money>,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StatementLine {
    /// Of the file, from 1 with the header.
    pub row: u64,
    /// What it is about.
    pub kind: StatementKind,
    /// The provider's own id of the line; empty where there is none.
    pub id: String,
    /// The provider's reference of the payment.
    pub psp_reference: String,
    /// The provider's reference of the refund or chargeback; empty for a payment.
    pub modification_reference: String,
    /// Our reference at the provider.
    pub merchant_reference: String,
    /// RFC 3339, or `YYYY-MM-DD` where the provider tells the day only.
    pub booked_at: String,
    /// ISO 4217, of the gross.
    pub currency: String,
    /// Digits after the decimal mark of that currency.
    pub minor_digits: u8,
    /// Before fees, minor units of its own currency.
    pub gross: Money,
    /// What one unit of it is in the currency of the payout; none where they are the same.
    pub rate: Option<Decimal>,
    /// The gross in the currency of the payout.
    pub converted: Money,
    /// What the provider kept, in the currency of the payout.
    pub fee: Money,
    /// What is paid out for it.
    pub net: Money,
    /// Further facts.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// What matching made of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MatchOutcome {
    /// It agrees with a payment or refund.
    Matched,
    /// The amounts differ by more than the tolerance.
    AmountMismatch,
    /// The currencies differ.
    CurrencyMismatch,
    /// The fee is not what was agreed.
    FeeMismatch,
    /// Another line settled the same before.
    Duplicate,
    /// There is no such payment or refund, or not yet.
    Unmatched,
    /// A fee or a correction: there is nothing to match with.
    NotApplicable,
}

impl MatchOutcome {
    /// All of them, in the order of lists.
    pub const ALL: [Self; 7] = [
        Self::Matched,
        Self::AmountMismatch,
        Self::CurrencyMismatch,
        Self::FeeMismatch,
        Self::Duplicate,
        Self::Unmatched,
        Self::NotApplicable,
    ];

    /// The word in the contract, in the database and in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::AmountMismatch => "amount-mismatch",
            Self::CurrencyMismatch => "currency-mismatch",
            Self::FeeMismatch => "fee-mismatch",
            Self::Duplicate => "duplicate",
            Self::Unmatched => "unmatched",
            Self::NotApplicable => "not-applicable",
        }
    }

    /// By its word.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// When a file in a directory is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complete {
    /// When an empty file `<name>.complete` stands beside it.
    Marker,
    /// When it has not changed for so long.
    Unchanged(std::time::Duration),
}

/// Where a retailer's provider leaves its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickup {
    /// The retailer.
    pub retailer: String,
    /// The slot that reads them.
    pub plugin: String,
    /// The directory, by its name in the host's configuration; files lie in the retailer's folder.
    pub directory: String,
    /// How names of statements end, such as `.csv`.
    pub suffix: String,
    /// When one is whole.
    pub complete: Complete,
}
