//! Matches statement lines with tenders.
//!
//! Owns: the rules, which are the same for every retailer and provider. Never knows where tenders and lines
//! are stored, or in which order lines are matched.
//!
//! - A payment is found by the provider's reference, otherwise by ours. A refund is found by its own
//!   reference, otherwise by the payment's reference and the amount: a payment may have several refunds.
//! - A chargeback is linked to its payment, so that it is listed with the store and day. Its outcome is
//!   `not-applicable`: the host does not record chargebacks, so there is nothing to compare it with.
//! - One line settles a tender. A second line for the tender is a duplicate, until a tender is recorded that
//!   fits it better, or the first line is matched with another tender.
//! - A line and a tender with different references of the provider may share a weaker reference. They match
//!   until a tender with the line's own reference is recorded.
//! - If several mismatches apply, the outcome is the first of: currency, amount, fee.

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
    /// The id of the line that settled it.
    pub settled_by: Option<String>,
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
    /// The number of days after which a payment without a statement line is listed.
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
    /// No tender has a reference of the line.
    NothingFound,
    /// A person decided.
    Hand,
}

impl MatchRule {
    /// All rules.
    pub const ALL: [Self; 6] = [
        Self::Kind,
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
            Self::ModificationReference => "modification-reference",
            Self::PspReference => "psp-reference",
            Self::MerchantReference => "merchant-reference",
            Self::NothingFound => "nothing-found",
            Self::Hand => "hand",
        }
    }
}

/// The result of matching a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: MatchOutcome,
    /// The rule that decided.
    pub rule: MatchRule,
    /// The matched tender, as an index into the candidates.
    pub tender: Option<usize>,
    /// Whether the line settles that tender.
    pub settles: bool,
    /// The line's amount minus the tender's, in minor units of the line's currency.
    pub difference: Money,
    /// The agreed fee for this line, if there is one.
    pub expected_fee: Option<Money>,
    /// Whether a tender that is recorded later may change the verdict.
    pub waits: bool,
}

impl Verdict {
    fn without_tender(outcome: MatchOutcome, rule: MatchRule, waits: bool) -> Self {
        Self {
            outcome,
            rule,
            tender: None,
            settles: false,
            difference: 0,
            expected_fee: None,
            waits,
        }
    }
}

/// Matches one line. `line_id` identifies it: a tender that it settled before is still available to it.
/// `candidates` are the tenders that share a reference with the line, the oldest first.
pub fn match_with_tenders(
    provider: &str,
    line_id: &str,
    line: &StatementLine,
    candidates: &[RecordedTender],
    rules: &MatchingRules,
) -> Verdict {
    use MatchOutcome::{NotApplicable, Unmatched};
    let matcher = Matcher {
        provider,
        line_id,
        line,
        candidates,
        tolerance: rules.amount_tolerance,
    };
    match line.kind {
        StatementKind::Payment | StatementKind::Refund => match matcher.find() {
            Some((index, rule)) => matcher.compare(index, rule, rules),
            None => Verdict::without_tender(Unmatched, MatchRule::NothingFound, true),
        },
        StatementKind::Chargeback | StatementKind::ChargebackReversal => {
            let found = matcher.find();
            Verdict {
                tender: found.map(|(index, _)| index),
                ..Verdict::without_tender(NotApplicable, MatchRule::Kind, found.is_none())
            }
        }
        StatementKind::Fee | StatementKind::Adjustment | StatementKind::Other(_) => {
            Verdict::without_tender(NotApplicable, MatchRule::Kind, false)
        }
    }
}

/// The outcome of a manual settlement: matched if the person named a tender, otherwise not applicable.
pub fn manual_outcome(has_tender: bool) -> MatchOutcome {
    if has_tender {
        MatchOutcome::Matched
    } else {
        MatchOutcome::NotApplicable
    }
}

struct Matcher<'a> {
    provider: &'a str,
    line_id: &'a str,
    line: &'a StatementLine,
    candidates: &'a [RecordedTender],
    tolerance: Money,
}

impl Matcher<'_> {
    /// Finds the tender of the line, with the rule that found it.
    fn find(&self) -> Option<(usize, MatchRule)> {
        let refund = self.line.kind == StatementKind::Refund;
        let modification = refund
            .then(|| {
                self.best(
                    |t| &t.modification_reference,
                    &self.line.modification_reference,
                    false,
                )
            })
            .flatten()
            .map(|index| (index, MatchRule::ModificationReference));
        modification
            .or_else(|| {
                let index = self.best(|t| &t.psp_reference, &self.line.psp_reference, refund)?;
                Some((index, MatchRule::PspReference))
            })
            .or_else(|| {
                let reference = &self.line.merchant_reference;
                let index = self.best(|t| &t.merchant_reference, reference, refund)?;
                Some((index, MatchRule::MerchantReference))
            })
    }

    /// The best tender with this reference: preferably not settled, then with the line's amount, then the
    /// oldest. `by_amount` excludes tenders with another amount.
    fn best(
        &self,
        field: impl Fn(&RecordedTender) -> &str,
        reference: &str,
        by_amount: bool,
    ) -> Option<usize> {
        let is_refund = self.line.kind == StatementKind::Refund;
        let fits = |tender: &RecordedTender| {
            tender.back == is_refund
                && !reference.is_empty()
                && field(tender) == reference
                && (tender.provider.is_empty()
                    || tender.provider.eq_ignore_ascii_case(self.provider))
                && (!by_amount || self.agrees(tender))
        };
        let all = self.candidates.iter().enumerate();
        let fitting = all.filter(|(_, tender)| fits(tender));
        let best = fitting
            .min_by_key(|(index, tender)| (self.is_settled(tender), !self.agrees(tender), *index));
        best.map(|(index, _)| index)
    }

    fn is_settled(&self, tender: &RecordedTender) -> bool {
        tender
            .settled_by
            .as_deref()
            .is_some_and(|by| by != self.line_id)
    }

    fn agrees(&self, tender: &RecordedTender) -> bool {
        tender.currency == self.line.currency
            && self.difference(tender).1 <= self.tolerance.unsigned_abs().into()
    }

    /// The line's amount minus the tender's in minor units of the line; and its absolute value, rounded up.
    fn difference(&self, tender: &RecordedTender) -> (Money, u128) {
        let (ours, theirs) = (tender.minor_digits.min(9), self.line.minor_digits.min(9));
        let finest = ours.max(theirs);
        let factor = |digits: u8| 10_i128.pow((finest - digits).into());
        let difference =
            i128::from(self.line.gross) * factor(theirs) - i128::from(tender.amount) * factor(ours);
        let signed = difference / factor(theirs);
        // The tolerance counts the line's units, even if the tender has more decimals.
        let size = difference
            .unsigned_abs()
            .div_ceil(factor(theirs).unsigned_abs());
        (signed.clamp(i64::MIN.into(), i64::MAX.into()) as i64, size)
    }

    fn compare(&self, index: usize, rule: MatchRule, rules: &MatchingRules) -> Verdict {
        use MatchOutcome as Is;
        let tender = &self.candidates[index];
        let same_currency = tender.currency == self.line.currency;
        let expected_fee = expected_fee(self.provider, tender, self.line, rules);
        let fee_agrees = expected_fee.is_none_or(|expected| {
            self.line.fee.abs_diff(expected) <= rules.fee_tolerance.unsigned_abs()
        });
        let settled = self.is_settled(tender);
        let outcome = match (settled, same_currency, self.agrees(tender), fee_agrees) {
            (true, ..) => Is::Duplicate,
            (_, false, ..) => Is::CurrencyMismatch,
            (_, _, false, _) => Is::AmountMismatch,
            (_, _, _, false) => Is::FeeMismatch,
            _ => Is::Matched,
        };
        let difference = if same_currency && !settled {
            self.difference(tender).0
        } else {
            0
        };
        Verdict {
            outcome,
            rule,
            tender: Some(index),
            settles: !settled,
            difference,
            expected_fee,
            waits: settled || self.is_doubtful(rule, tender),
        }
    }

    /// Whether line and tender differ in a stronger reference than the one they share.
    fn is_doubtful(&self, rule: MatchRule, tender: &RecordedTender) -> bool {
        let line = self.line;
        let differ =
            |theirs: &str, ours: &str| !theirs.is_empty() && !ours.is_empty() && theirs != ours;
        let payment = differ(&line.psp_reference, &tender.psp_reference);
        let refund = differ(&line.modification_reference, &tender.modification_reference);
        match rule {
            MatchRule::PspReference => refund,
            MatchRule::MerchantReference => payment || refund,
            _ => false,
        }
    }
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

#[cfg(test)]
mod tests;
