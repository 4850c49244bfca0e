//! Settlement statements as plugins read them, and the outcomes of matching. Each field is
//! documented in `wit/v0.2.0/capabilities.wit`, interface `statement`.
//!
//! Payments of customers are positive and refunds negative. A fee that the provider kept is positive.

use crate::basket::Attribute;
use crate::number::{Decimal, Money};
use serde::{Deserialize, Serialize};

/// The kind of a statement line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// A payment.
    Payment,
    /// A customer received a refund.
    Refund,
    /// A chargeback.
    Chargeback,
    /// A reversed chargeback.
    ChargebackReversal,
    /// A cost that does not belong to a payment.
    Fee,
    /// A correction, a reserve, or a balance carried over.
    Adjustment,
    /// Another kind, named by the provider.
    Other(String),
}

impl StatementKind {
    /// The name in lists; `other` for the provider's own kinds.
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

/// The header of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StatementHeader {
    /// The payment provider, such as `adyen`.
    pub provider: String,
    /// The merchant's account at the provider; empty if the file has none.
    pub account: String,
    /// The provider's reference of the payout.
    pub reference: String,
    /// The ISO 4217 code of the payout's currency.
    pub currency: String,
    /// Digits after the decimal mark of that currency.
    pub minor_digits: u8,
    /// The day of the payout, `YYYY-MM-DD`.
    pub paid_on: String,
    /// The total of the payout, if the file states it.
    pub total: Option<Money>,
    /// Further attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StatementLine {
    /// The row in the file; the header is row 1.
    pub row: u64,
    /// The kind of the line.
    pub kind: StatementKind,
    /// The provider's id of the line; empty if there is none.
    pub id: String,
    /// The provider's reference of the payment.
    pub psp_reference: String,
    /// The provider's reference of the refund or chargeback; empty for a payment.
    pub modification_reference: String,
    /// Our reference at the provider.
    pub merchant_reference: String,
    /// The booking time: RFC 3339, or `YYYY-MM-DD` if the provider states only the day.
    pub booked_at: String,
    /// The ISO 4217 code of the gross amount.
    pub currency: String,
    /// Digits after the decimal mark of that currency.
    pub minor_digits: u8,
    /// The amount before fees, in minor units of `currency`.
    pub gross: Money,
    /// The value of one unit in the payout's currency; none if the currencies are the same.
    pub rate: Option<Decimal>,
    /// The gross amount in the payout's currency.
    pub converted: Money,
    /// The fee that the provider kept, in the payout's currency.
    pub fee: Money,
    /// The amount that is paid out for the line, in the payout's currency.
    pub net: Money,
    /// Further attributes.
    #[serde(default)]
    pub attributes: Vec<Attribute>,
}

/// The outcome of matching a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MatchOutcome {
    /// The line agrees with a payment or refund.
    Matched,
    /// The amounts differ by more than the tolerance.
    AmountMismatch,
    /// The currencies differ.
    CurrencyMismatch,
    /// The fee differs from the agreed one.
    FeeMismatch,
    /// Another line has already settled the same payment or refund.
    Duplicate,
    /// There is no such payment or refund yet.
    Unmatched,
    /// Fees and corrections have nothing to match with.
    NotApplicable,
}

impl MatchOutcome {
    /// All outcomes, in the order of lists.
    pub const ALL: [Self; 7] = [
        Self::Matched,
        Self::AmountMismatch,
        Self::CurrencyMismatch,
        Self::FeeMismatch,
        Self::Duplicate,
        Self::Unmatched,
        Self::NotApplicable,
    ];

    /// The name in the contract, in the database and in lists.
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

    /// Finds an outcome by its name.
    pub fn by_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.word() == word)
    }
}

/// When a file in a directory is complete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complete {
    /// When an empty file `<name>.complete` exists next to it.
    Marker,
    /// When it has not changed for this time.
    Unchanged(std::time::Duration),
}

/// A directory where a retailer's provider puts its statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pickup {
    /// The retailer.
    pub retailer: String,
    /// The slot that reads them.
    pub plugin: String,
    /// The directory's name in `host.toml`; the files are in the retailer's folder in it.
    pub directory: String,
    /// The suffix of the file names of statements, such as `.csv`.
    pub suffix: String,
    /// When a file is complete.
    pub complete: Complete,
}
