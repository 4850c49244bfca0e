//! The rows of the breakdown.

use super::basket::{TaxKind, TaxRule, Treatment};
use rust_decimal::Decimal;

/// Identifies a row of the breakdown; rows are in its order.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RowKey<'a> {
    authority: &'a str,
    code: &'a str,
    kind: TaxKind,
    rate: Decimal,
    treatment: Treatment,
    included: bool,
}

impl<'a> RowKey<'a> {
    pub(super) fn new(rule: &'a TaxRule) -> Self {
        Self {
            authority: &rule.authority,
            code: &rule.code,
            kind: rule.kind,
            rate: rule.rate.exact().unwrap_or_default(),
            treatment: rule.treatment,
            included: rule.included,
        }
    }
}
