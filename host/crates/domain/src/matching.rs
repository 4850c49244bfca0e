//! Matches statement lines with tenders.
//!
//! Owns: the rules, which are the same for every retailer and provider. Never knows where tenders and lines
//! are stored.
//!
//! - Lines and tenders that share references are matched together ([`match_group`]). The result depends on the
//!   lines and tenders only, never on their order or on the statements that contain the lines.
//! - A payment is found by the provider's reference, otherwise by ours. A refund is found by its own
//!   reference, otherwise by the payment's reference and the amount: a payment may have several refunds.
//! - The lines that together have the amount of a tender settle it: partial captures, partial refunds. A line
//!   with the whole amount has priority, then a sum of lines, then the lines in the order of their bookings.
//!   Lines never pay more than the tender's amount.
//! - If lines pay less than the tender, all of them have an amount mismatch, until the rest is paid.
//! - A line for a tender that other lines have paid is a duplicate.
//! - A line of zero settles nothing.
//! - A chargeback or its reversal is linked to its payment, so that it is listed with the store and day. Its
//!   outcome is `not-applicable`: the host does not record chargebacks, so there is nothing to compare it with.
//! - A line and a tender with different references of the provider may share a weaker reference. They match if
//!   the amounts agree, until a tender with the line's own reference is recorded.
//! - If several mismatches apply, the outcome is the first of: currency, amount, fee.

mod compare;
mod group;
mod sums;
#[cfg(test)]
mod tests;

pub use compare::GroupLine;
pub use group::{GroupMatch, match_group};

use crate::number::{Decimal, Money, to_minor};
use crate::statement::{MatchOutcome, StatementKind, StatementLine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A tender of an accepted payment or refund, with the fields that matching uses. Unknown texts are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RecordedTender {
    /// `payment:<entry>/<tender number>` or `refund:<entry>/<tender number>`.
    pub id: String,
    /// The retailer.
    pub retailer: String,
    /// The host's id of the store.
    pub store_id: String,
    /// The retailer's id of the store.
    pub store: String,
    /// Whether it is a refund.
    pub back: bool,
    /// The kind: `card`, `wallet` or another one.
    pub kind: String,
    /// The payment provider, such as `adyen`.
    pub provider: String,
    /// The provider's reference of the payment.
    pub psp_reference: String,
    /// The provider's reference of the refund.
    pub modification_reference: String,
    /// Our reference of the payment.
    pub merchant_reference: String,
    /// The scheme, such as `visa`.
    pub scheme: String,
    /// The amount in minor units; negative for a refund.
    pub amount: Money,
    /// ISO 4217.
    pub currency: String,
    /// Digits after the decimal mark of `currency`.
    pub minor_digits: u8,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// The id of the sale or refund.
    pub entry_id: String,
    /// The order's id.
    pub order_id: String,
    /// The part of `amount` that statement lines have paid.
    pub settled: Money,
}

/// The fee agreed with a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRule {
    /// Applies to this provider only; to all if empty.
    pub provider: String,
    /// Applies to this scheme only; to all if empty.
    pub scheme: String,
    /// Applies to refunds instead of payments.
    pub refunds: bool,
    /// The share of the amount in the payout's currency, in per cent.
    pub rate: Decimal,
    /// The fixed part, in minor units of the payout's currency.
    pub fixed: Money,
}

/// The matching rules of a retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchingRules {
    /// Allowed difference of amounts, minor units.
    pub amount_tolerance: Money,
    /// Allowed difference of fees, minor units.
    pub fee_tolerance: Money,
    /// The first matching rule applies; if none matches, the fee is not checked.
    pub fees: Vec<FeeRule>,
    /// The number of days after its business date from which an uncovered payment is listed.
    pub uncovered_after_days: u32,
    /// The kinds of tender that a provider settles; if empty, all tenders with a provider's reference.
    pub settled_kinds: BTreeSet<String>,
}

impl Default for MatchingRules {
    fn default() -> Self {
        Self {
            amount_tolerance: 0,
            fee_tolerance: 0,
            fees: Vec::new(),
            // Card payments are paid out within two or three banking days. A week allows for holidays and for
            // weekly statements.
            uncovered_after_days: 7,
            settled_kinds: BTreeSet::new(),
        }
    }
}

/// The rule that decided the outcome of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MatchRule {
    /// The line's kind: there is nothing to compare it with.
    Kind,
    /// The provider's reference of the refund.
    ModificationReference,
    /// The provider's reference of the payment.
    PspReference,
    /// Our reference.
    MerchantReference,
    /// The line's amount is zero: it settles nothing.
    ZeroAmount,
    /// No tender has a reference of the line.
    NothingFound,
    /// A person decided.
    Hand,
}

impl MatchRule {
    /// All rules.
    pub const ALL: [Self; 7] = [
        Self::Kind,
        Self::ZeroAmount,
        Self::ModificationReference,
        Self::PspReference,
        Self::MerchantReference,
        Self::NothingFound,
        Self::Hand,
    ];

    /// The name in the database and in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Kind => "kind",
            Self::ZeroAmount => "zero-amount",
            Self::ModificationReference => "modification-reference",
            Self::PspReference => "psp-reference",
            Self::MerchantReference => "merchant-reference",
            Self::NothingFound => "nothing-found",
            Self::Hand => "hand",
        }
    }
}

/// The result of matching a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: MatchOutcome,
    /// The rule that decided.
    pub rule: MatchRule,
    /// The tender that the line belongs to, as an index into the tenders of the group.
    pub tender: Option<usize>,
    /// The part of that tender that the line pays, in the tender's minor units; 0 if it pays nothing.
    pub pays: Money,
    /// The line's amount minus the expected amount, in minor units of the line's currency. If lines pay less than
    /// their tender, the last of them has the difference of all.
    pub difference: Money,
    /// The agreed fee for this line, if there is one.
    pub expected_fee: Option<Money>,
}

/// The part of a tender that a line pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Allocation {
    /// The tender.
    pub tender: String,
    /// In the tender's minor units; negative for a refund.
    pub amount: Money,
}

/// A reference that lines and tenders may share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReferenceKind {
    /// The provider's reference of the refund.
    Modification,
    /// The provider's reference of the payment.
    Psp,
    /// Our reference.
    Merchant,
}

impl ReferenceKind {
    /// All kinds, the strongest first.
    pub const ALL: [Self; 3] = [Self::Modification, Self::Psp, Self::Merchant];

    /// The reference of a tender.
    pub fn of_tender(self, tender: &RecordedTender) -> &str {
        match self {
            Self::Modification => &tender.modification_reference,
            Self::Psp => &tender.psp_reference,
            Self::Merchant => &tender.merchant_reference,
        }
    }

    /// The reference of a line.
    pub fn of_line(self, line: &StatementLine) -> &str {
        match self {
            Self::Modification => &line.modification_reference,
            Self::Psp => &line.psp_reference,
            Self::Merchant => &line.merchant_reference,
        }
    }

    /// The rule that this reference decides.
    pub fn rule(self) -> MatchRule {
        match self {
            Self::Modification => MatchRule::ModificationReference,
            Self::Psp => MatchRule::PspReference,
            Self::Merchant => MatchRule::MerchantReference,
        }
    }
}

/// Whether a line is compared with tenders: a payment or a refund with an amount.
pub fn is_compared(line: &StatementLine) -> bool {
    let kind = matches!(line.kind, StatementKind::Payment | StatementKind::Refund);
    kind && line.gross != 0
}

/// The agreed fee for a line, if there is one.
fn expected_fee(
    provider: &str,
    tender: &RecordedTender,
    line: &StatementLine,
    rules: &MatchingRules,
) -> Option<Money> {
    let fits = |rule: &str, actual: &str| rule.is_empty() || rule.eq_ignore_ascii_case(actual);
    let rule = rules.fees.iter().find(|rule| {
        rule.refunds == tender.back
            && fits(&rule.provider, provider)
            && fits(&rule.scheme, &tender.scheme)
    })?;
    let amount = rust_decimal::Decimal::from(line.converted.checked_abs()?);
    let share = amount
        .checked_mul(rule.rate.exact()?)?
        .checked_div(rust_decimal::Decimal::ONE_HUNDRED)?;
    to_minor(share, 0)?.checked_add(rule.fixed)
}
