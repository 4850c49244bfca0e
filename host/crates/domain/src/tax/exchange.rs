//! The request and the response of a tax service. The names of the fields are those of the platform's services.

use super::basket::{BasketDiscount, TaxKind, Treatment};
use super::text_amount;
use crate::number;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A basket of a store, whose items name their tax codes. All amounts are in major units of the store's currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct TaxRequest {
    /// The store.
    pub store_data: StoreData,
    /// Whether to record the evaluation.
    #[serde(default)]
    pub commit: bool,
    /// The items in the order of the receipt.
    pub items: Vec<RequestItem>,
    /// The business date, which selects the rows of the table; if absent, the store's business date now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = Date))]
    pub business_date: Option<Date>,
    /// Discounts on the whole basket, which are spread over the items before tax.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<BasketDiscount>,
}

/// The store of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StoreData {
    /// The store's id.
    pub store_id: String,
    /// Whether the amounts contain the taxes; if absent, as the store's tax settings say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_included_in_price: Option<bool>,
    /// The name of the calculator; if absent or empty, that of the store's tax settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax_calculator: Option<String>,
}

/// An item of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestItem {
    /// The caller's name of the item.
    pub item_id: String,
    /// The amount of the whole quantity, after the item's own discounts; negative for a refund.
    pub total_amount: number::Decimal,
    /// The code in the store's tax table.
    #[serde(default)]
    pub tax_code: String,
    /// Pieces, weight or length, not 0. Only fixed amounts per unit and rounding per unit use it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub quantity: number::Decimal,
}

const fn one() -> number::Decimal {
    number::Decimal::whole(1)
}

fn is_one(quantity: &number::Decimal) -> bool {
    *quantity == one()
}

/// The taxes of a basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxResponse {
    /// The sum of the items' amounts after basket discounts.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_basket_amount: Decimal,
    /// The amount without taxes of the items that have a tax, zero-rated items included. Exempt items and items
    /// without taxes do not count.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_taxable_amount: Decimal,
    /// The sum of all taxes.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_tax: Decimal,
    /// What the customer pays.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_basket_amount_after_tax: Decimal,
    /// The taxes summed by authority, code and level id, in this order.
    pub tax_breakup: Vec<LevelTax>,
    /// The items in the order of the request.
    pub item_tax: Vec<ItemTax>,
}

/// The taxes of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemTax {
    /// The item's id.
    pub item_id: String,
    /// The item's amount after its share of the basket discounts.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_amount: Decimal,
    /// The amount without taxes.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub taxable_amount: Decimal,
    /// The sum of its taxes.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_tax: Decimal,
    /// The amount with taxes.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub total_amount_after_tax: Decimal,
    /// In the order in which they apply.
    pub taxes: Vec<LevelTax>,
}

/// One tax of an item or of the basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LevelTax {
    /// The code in the tax table.
    pub tax_code: String,
    /// The name of the tax.
    #[serde(default)]
    pub tax_level: String,
    /// The retailer's id of the tax.
    #[serde(default)]
    pub retailer_tax_level_id: String,
    /// The authority that levies it.
    #[serde(default)]
    pub authority: String,
    /// The meaning of `tax_percent`.
    #[serde(default)]
    pub kind: TaxKind,
    /// In per cent, or the amount per unit.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tax_percent: Decimal,
    /// The class of the rate.
    #[serde(default)]
    pub treatment: Treatment,
    /// Whether the item's amount contains it.
    #[serde(default)]
    pub included: bool,
    /// The amount that the tax applies to, without the tax.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub taxable_amount: Decimal,
    /// The amount of the tax.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tax_amount: Decimal,
}
