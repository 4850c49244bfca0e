//! A provider's statement as a plugin read it, and what matching made of its lines. Each field is
//! documented in `wit/v0.1.0/capabilities.wit`, interface `statement`.
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
    pub provider: String,
    pub account: String,
    pub reference: String,
    pub currency: String,
    pub minor_digits: u8,
    pub paid_on: String,
    pub total: Option<Money>,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StatementLine {
    pub row: u64,
    pub kind: StatementKind,
    pub id: String,
    pub psp_reference: String,
    pub modification_reference: String,
    pub merchant_reference: String,
    pub booked_at: String,
    pub currency: String,
    pub minor_digits: u8,
    pub gross: Money,
    pub rate: Option<Decimal>,
    pub converted: Money,
    pub fee: Money,
    pub net: Money,
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
