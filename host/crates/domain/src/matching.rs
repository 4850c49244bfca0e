//! What a line of a statement is compared with, and what becomes of it.
//!
//! Owns: the rules, the same for every retailer and provider. Never knows: where tenders and lines
//! are kept, nor which of two lines comes first.
//!
//! - A payment is found by the provider's reference, else by ours. A refund is found by its own
//!   reference, else by the payment's and the amount: one payment may have several refunds.
//! - A chargeback is linked to its payment, so that it is told with its store and day. Its outcome is
//!   `not-applicable`: the host records no chargebacks, so there is nothing to compare it with.
//! - A tender is settled by one line. A second line for it is a duplicate, until a tender comes that
//!   it fits better, or the first lets go of this one.
//! - A line and a tender that have each a reference of the provider, and not the same one, may still
//!   share a weaker reference. That holds until a tender comes with the line's own.
//! - Of several mismatches the first of this order is told: currency, amount, fee.

use crate::number::{Decimal, Money, to_minor};
use crate::statement::{MatchOutcome, StatementKind, StatementLine};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A tender of an accepted payment or refund, as matching knows it. Texts are empty where there is
/// nothing to tell.
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
    /// Whether it was paid back.
    pub back: bool,
    /// `card`, `wallet`...
    pub kind: String,
    /// Such as `adyen`.
    pub provider: String,
    /// The provider's reference of the payment.
    pub psp_reference: String,
    /// The provider's reference of the refund.
    pub modification_reference: String,
    /// What we called the payment.
    pub merchant_reference: String,
    /// Such as `visa`.
    pub scheme: String,
    /// Minor units; negative where it was paid back.
    pub amount: Money,
    /// ISO 4217.
    pub currency: String,
    /// Digits of `currency` after the point.
    pub minor_digits: u8,
    /// `YYYY-MM-DD`.
    pub business_date: String,
    /// The sale's or refund's id.
    pub entry_id: String,
    /// The order.
    pub order_id: String,
    /// The line that settled it.
    pub settled_by: Option<String>,
}

/// What a provider was agreed to keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeeRule {
    /// For this provider only; for all where empty.
    pub provider: String,
    /// For this scheme only; for all where empty.
    pub scheme: String,
    /// For refunds instead of payments.
    pub refunds: bool,
    /// Of the amount in the payout's currency, in per cent.
    pub rate: Decimal,
    /// Beside it, in minor units of the payout's currency.
    pub fixed: Money,
}

/// How strictly a retailer's statements are matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchingRules {
    /// Minor units by which amounts may differ.
    pub amount_tolerance: Money,
    /// Minor units by which fees may differ.
    pub fee_tolerance: Money,
    /// The first that fits is the one; fees are not checked where none does.
    pub fees: Vec<FeeRule>,
    /// After how many days a payment that no statement covered is listed.
    pub uncovered_after_days: u32,
    /// Kinds of tender that a provider settles; those with a provider's reference where empty.
    pub settled_kinds: BTreeSet<String>,
}

impl Default for MatchingRules {
    fn default() -> Self {
        Self {
            amount_tolerance: 0,
            fee_tolerance: 0,
            fees: Vec::new(),
            // Card money is paid out within two or three banking days; a week leaves room for
            // holidays and for a statement that is sent once a week.
            uncovered_after_days: 7,
            settled_kinds: BTreeSet::new(),
        }
    }
}

/// What decided about a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "kebab-case")]
pub enum MatchRule {
    /// Its kind: there is nothing to compare it with.
    Kind,
    /// The provider's reference of the refund.
    ModificationReference,
    /// The provider's reference of the payment.
    PspReference,
    /// Our reference.
    MerchantReference,
    /// No reference led anywhere.
    NothingFound,
    /// A person.
    Hand,
}

impl MatchRule {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Kind,
        Self::ModificationReference,
        Self::PspReference,
        Self::MerchantReference,
        Self::NothingFound,
        Self::Hand,
    ];

    /// The word in the database and in lists.
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

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The outcome.
    pub outcome: MatchOutcome,
    /// What decided.
    pub rule: MatchRule,
    /// The tender it is about, by its place among the candidates.
    pub tender: Option<usize>,
    /// Whether it settles that tender.
    pub settles: bool,
    /// Statement less record, in minor units of the line's currency.
    pub difference: Money,
    /// What the agreed fee comes to, where one was agreed.
    pub expected_fee: Option<Money>,
    /// A tender that is recorded later may change the verdict.
    pub waits: bool,
}

impl Verdict {
    fn alone(outcome: MatchOutcome, rule: MatchRule, waits: bool) -> Self {
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

/// Decides about one line. `line_id` is its own: a tender that it settled before is free for it.
/// `candidates` are the tenders that share a reference with it, the oldest first.
pub fn judge(
    provider: &str,
    line_id: &str,
    line: &StatementLine,
    candidates: &[RecordedTender],
    rules: &MatchingRules,
) -> Verdict {
    use MatchOutcome::{NotApplicable, Unmatched};
    let looking = Looking {
        provider,
        line_id,
        line,
        candidates,
        tolerance: rules.amount_tolerance,
    };
    match line.kind {
        StatementKind::Payment | StatementKind::Refund => match looking.find() {
            Some((index, rule)) => looking.compare(index, rule, rules),
            None => Verdict::alone(Unmatched, MatchRule::NothingFound, true),
        },
        StatementKind::Chargeback | StatementKind::ChargebackReversal => {
            let found = looking.find();
            Verdict {
                tender: found.map(|(index, _)| index),
                ..Verdict::alone(NotApplicable, MatchRule::Kind, found.is_none())
            }
        }
        StatementKind::Fee | StatementKind::Adjustment | StatementKind::Other(_) => {
            Verdict::alone(NotApplicable, MatchRule::Kind, false)
        }
    }
}

/// What a line becomes when a person settles it. With a tender it is as good as matched; without
/// one there is nothing to match it with.
pub fn by_hand(has_tender: bool) -> MatchOutcome {
    if has_tender {
        MatchOutcome::Matched
    } else {
        MatchOutcome::NotApplicable
    }
}

struct Looking<'a> {
    provider: &'a str,
    line_id: &'a str,
    line: &'a StatementLine,
    candidates: &'a [RecordedTender],
    tolerance: Money,
}

impl Looking<'_> {
    /// The tender that the line is about, and by which reference.
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

    /// Of the tenders with this reference, one that is not settled, with the line's amount if there
    /// is one, the oldest. `by_amount` leaves out those of another amount.
    fn best(
        &self,
        of: impl Fn(&RecordedTender) -> &str,
        reference: &str,
        by_amount: bool,
    ) -> Option<usize> {
        let back = self.line.kind == StatementKind::Refund;
        let fits = |tender: &RecordedTender| {
            tender.back == back
                && !reference.is_empty()
                && of(tender) == reference
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

    /// Statement less record in minor units of the line, and its size, finer where the record is.
    fn difference(&self, tender: &RecordedTender) -> (Money, u128) {
        let (ours, theirs) = (tender.minor_digits.min(9), self.line.minor_digits.min(9));
        let finest = ours.max(theirs);
        let factor = |digits: u8| 10_i128.pow((finest - digits).into());
        let difference =
            i128::from(self.line.gross) * factor(theirs) - i128::from(tender.amount) * factor(ours);
        let told = difference / factor(theirs);
        // Where the record is finer than the line, its tolerance counts the line's units.
        let size = difference
            .unsigned_abs()
            .div_ceil(factor(theirs).unsigned_abs());
        (told.clamp(i64::MIN.into(), i64::MAX.into()) as i64, size)
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

    /// Whether a stronger reference than the one that led here says another thing.
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

/// What was agreed for a line; none where nothing was.
fn expected_fee(
    provider: &str,
    tender: &RecordedTender,
    line: &StatementLine,
    rules: &MatchingRules,
) -> Option<Money> {
    let fits = |wanted: &str, is: &str| wanted.is_empty() || wanted.eq_ignore_ascii_case(is);
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
