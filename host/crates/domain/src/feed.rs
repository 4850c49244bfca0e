//! Rows of the feeds that a run pulls from. The contract's `capabilities.wit` documents each column.

use crate::{Decimal, Money};
use serde::{Deserialize, Serialize};

/// A row of the feed `products`, with the price of the store in scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in the contract's capabilities.wit")]
pub struct CatalogueRow {
    pub sku: String,
    #[serde(default)]
    pub gtin: String,
    pub name: String,
    #[serde(default)]
    pub category: String,
    pub unit: String,
    pub price: Decimal,
    pub currency: String,
    pub tax_code: String,
    pub active: bool,
    pub changed_at: String,
    #[serde(default)]
    pub changed: bool,
}

/// A row of the feed `settlement`: a statement line with the result of matching.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "documented in the contract's capabilities.wit")]
pub struct SettlementRow {
    pub outcome: String,
    pub kind: String,
    pub provider: String,
    #[serde(default)]
    pub account: String,
    pub statement: String,
    pub paid_on: String,
    #[serde(default)]
    pub store: String,
    #[serde(default)]
    pub business_date: String,
    #[serde(default)]
    pub entry: String,
    #[serde(default)]
    pub psp_reference: String,
    #[serde(default)]
    pub merchant_reference: String,
    pub booked_at: String,
    pub currency: String,
    pub gross: Money,
    pub paid_currency: String,
    pub converted: Money,
    pub fee: Money,
    pub net: Money,
    #[serde(default)]
    pub difference: Money,
}
