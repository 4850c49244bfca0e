//! Compares two responses to one request: that of a store's route, and that of another route.
//!
//! Amounts and rates are equal if they are numerically equal: `12.1` equals `12.10`. Taxes are compared by code and
//! rate, items by id; equal ids are compared in their order. What services may leave out or order differently is no
//! difference:
//!
//! - the name, level id, authority, kind and treatment of a tax, and whether the price includes it: the amounts show
//!   each effect of them;
//! - the order of taxes and of items, and the division of one rate into several taxes;
//! - a tax of zero that the other response does not list under any rate;
//! - the taxes of an item, or of the basket, if one of both responses lists none although the total tax is not zero;
//! - the breakdown of the basket, if the response has none: the sums of its items replace it.

use super::exchange::{ItemTax, LevelTax, TaxResponse};
use super::text_amount;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The differences between the responses of a route and of its shadow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TaxDifferences {
    /// The totals of the basket that differ.
    pub totals: Vec<AmountDifference>,
    /// The taxes that differ, by code and rate.
    pub taxes: Vec<RateDifference>,
    /// The items that differ.
    pub items: Vec<ItemDifference>,
}

/// An amount that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AmountDifference {
    /// The field of the response, such as `total_tax`.
    pub field: String,
    /// The amount of the route.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub route: Decimal,
    /// The amount of the shadow.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub shadow: Decimal,
}

/// A tax that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateDifference {
    /// The code in the tax table.
    pub tax_code: String,
    /// The tax of the route; null if the route has no such tax.
    pub route: Option<RateAmounts>,
    /// The tax of the shadow; null if the shadow has no such tax.
    pub shadow: Option<RateAmounts>,
    /// The ids of the items whose tax differs. The amounts are their sums. Without items, only the breakdown of the
    /// basket differs, and the amounts are those of the basket.
    pub items: Vec<String>,
}

/// The amounts of a tax with one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RateAmounts {
    /// In per cent, or the amount per unit.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tax_percent: Decimal,
    /// The amount that the tax applies to.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub taxable_amount: Decimal,
    /// The amount of the tax.
    #[serde(with = "text_amount")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub tax_amount: Decimal,
}

/// An item that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemDifference {
    /// The item's id.
    pub item_id: String,
    /// The route that does not list the item; absent if both list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_in: Option<Side>,
    /// The amounts that differ. It is empty if only the taxes of the item differ.
    pub amounts: Vec<AmountDifference>,
}

/// One of the two responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The response of the store's route.
    Route,
    /// The response of the shadow.
    Shadow,
}

impl TaxDifferences {
    /// Compares the response of a route with that of its shadow.
    pub fn between(route: &TaxResponse, shadow: &TaxResponse) -> Self {
        let mut taxes = TaxesByRate::default();
        let mut items = Vec::new();
        for (id, pair) in pairs(&route.item_tax, &shadow.item_tax) {
            let (difference, item_taxes) = match pair {
                (Some(route), Some(shadow)) => compare_items(route, shadow),
                (Some(route), None) => (missing(&id, Side::Shadow), by_rate(&route.taxes, &[])),
                (None, Some(shadow)) => (missing(&id, Side::Route), by_rate(&[], &shadow.taxes)),
                (None, None) => continue,
            };
            let differs = difference.missing_in.is_some() || !difference.amounts.is_empty();
            if differs || !item_taxes.is_empty() {
                items.push(difference);
            }
            taxes.add(&id, item_taxes);
        }
        let mut taxes = taxes.0;
        // Only the breakdown of the basket can still show a tax whose items agree.
        let (ours, theirs) = (basket_taxes(route), basket_taxes(shadow));
        if !leaves_out(&ours, route.total_tax) && !leaves_out(&theirs, shadow.total_tax) {
            let codes: BTreeSet<String> = taxes.iter().map(|tax| tax.tax_code.clone()).collect();
            let basket = by_rate(&ours, &theirs).into_iter();
            taxes.extend(basket.filter(|tax| !codes.contains(&tax.tax_code)));
        }
        Self {
            totals: differing([
                (
                    "total_basket_amount",
                    route.total_basket_amount,
                    shadow.total_basket_amount,
                ),
                (
                    "total_taxable_amount",
                    route.total_taxable_amount,
                    shadow.total_taxable_amount,
                ),
                ("total_tax", route.total_tax, shadow.total_tax),
                (
                    "total_basket_amount_after_tax",
                    route.total_basket_amount_after_tax,
                    shadow.total_basket_amount_after_tax,
                ),
            ]),
            taxes,
            items,
        }
    }

    /// Whether the responses are equal.
    pub fn is_empty(&self) -> bool {
        self.totals.is_empty() && self.taxes.is_empty() && self.items.is_empty()
    }
}

fn differing<const N: usize>(amounts: [(&str, Decimal, Decimal); N]) -> Vec<AmountDifference> {
    let differing = amounts
        .into_iter()
        .filter(|(_, route, shadow)| route != shadow);
    let difference = |(field, route, shadow): (&str, Decimal, Decimal)| AmountDifference {
        field: field.to_owned(),
        route,
        shadow,
    };
    differing.map(difference).collect()
}

type Pair<'a> = (Option<&'a ItemTax>, Option<&'a ItemTax>);

/// The items of both responses by id, in the order of the first response. The n-th item with an id is paired with
/// the n-th item with this id.
fn pairs<'a>(route: &'a [ItemTax], shadow: &'a [ItemTax]) -> Vec<(String, Pair<'a>)> {
    let mut others: BTreeMap<&str, Vec<&ItemTax>> = BTreeMap::new();
    for item in shadow.iter().rev() {
        others.entry(&item.item_id).or_default().push(item);
    }
    let mut pairs: Vec<(String, Pair<'a>)> = Vec::with_capacity(route.len());
    for item in route {
        let other = others.get_mut(item.item_id.as_str()).and_then(Vec::pop);
        pairs.push((item.item_id.clone(), (Some(item), other)));
    }
    let left = others
        .into_values()
        .flat_map(|items| items.into_iter().rev());
    pairs.extend(left.map(|item| (item.item_id.clone(), (None, Some(item)))));
    pairs
}

fn missing(id: &str, side: Side) -> ItemDifference {
    ItemDifference {
        item_id: id.to_owned(),
        missing_in: Some(side),
        amounts: Vec::new(),
    }
}

fn compare_items(route: &ItemTax, shadow: &ItemTax) -> (ItemDifference, Vec<RateDifference>) {
    let amounts = differing([
        ("total_amount", route.total_amount, shadow.total_amount),
        (
            "taxable_amount",
            route.taxable_amount,
            shadow.taxable_amount,
        ),
        ("total_tax", route.total_tax, shadow.total_tax),
        (
            "total_amount_after_tax",
            route.total_amount_after_tax,
            shadow.total_amount_after_tax,
        ),
    ]);
    let unlisted =
        leaves_out(&route.taxes, route.total_tax) || leaves_out(&shadow.taxes, shadow.total_tax);
    let taxes = match unlisted {
        true => Vec::new(),
        false => by_rate(&route.taxes, &shadow.taxes),
    };
    let difference = ItemDifference {
        item_id: route.item_id.clone(),
        missing_in: None,
        amounts,
    };
    (difference, taxes)
}

/// Whether the taxes are left out.
fn leaves_out(taxes: &[LevelTax], total: Decimal) -> bool {
    taxes.is_empty() && !total.is_zero()
}

fn basket_taxes(response: &TaxResponse) -> Vec<LevelTax> {
    match response.tax_breakup.is_empty() {
        true => response
            .item_tax
            .iter()
            .flat_map(|item| item.taxes.clone())
            .collect(),
        false => response.tax_breakup.clone(),
    }
}

/// The amounts of a code by rate.
type Rates = BTreeMap<Decimal, RateAmounts>;

fn rates(taxes: &[LevelTax]) -> BTreeMap<&str, Rates> {
    let mut codes: BTreeMap<&str, Rates> = BTreeMap::new();
    for tax in taxes {
        let rates = codes.entry(&tax.tax_code).or_default();
        let sums = rates.entry(tax.tax_percent).or_insert(RateAmounts {
            tax_percent: tax.tax_percent,
            taxable_amount: Decimal::ZERO,
            tax_amount: Decimal::ZERO,
        });
        // A service may answer amounts of any size.
        sums.taxable_amount = sums.taxable_amount.saturating_add(tax.taxable_amount);
        sums.tax_amount = sums.tax_amount.saturating_add(tax.tax_amount);
    }
    codes
}

/// The differences by code and rate. Rates of a code that only one response has are paired in their order, so that
/// a changed rate is one difference.
fn by_rate(route: &[LevelTax], shadow: &[LevelTax]) -> Vec<RateDifference> {
    let (ours, theirs) = (rates(route), rates(shadow));
    let codes: BTreeSet<&str> = ours.keys().chain(theirs.keys()).copied().collect();
    let none = Rates::new();
    let mut differences = Vec::new();
    for code in codes {
        let (ours, theirs) = (ours.get(code), theirs.get(code));
        let is_zero = |rates: &Rates| rates.values().all(|one| one.tax_amount.is_zero());
        if let (Some(listed), None) | (None, Some(listed)) = (ours, theirs)
            && is_zero(listed)
        {
            continue;
        }
        let (ours, theirs) = (ours.unwrap_or(&none), theirs.unwrap_or(&none));
        let mut push = |route: Option<RateAmounts>, shadow: Option<RateAmounts>| {
            differences.push(RateDifference {
                tax_code: code.to_owned(),
                route,
                shadow,
                items: Vec::new(),
            });
        };
        for (rate, route) in ours {
            if let Some(shadow) = theirs.get(rate).filter(|shadow| !route.is_equal(shadow)) {
                push(Some(*route), Some(*shadow));
            }
        }
        let mut removed = ours
            .values()
            .filter(|one| !theirs.contains_key(&one.tax_percent));
        let mut added = theirs
            .values()
            .filter(|one| !ours.contains_key(&one.tax_percent));
        loop {
            match (removed.next(), added.next()) {
                (None, None) => break,
                (route, shadow) => push(route.copied(), shadow.copied()),
            }
        }
    }
    differences
}

impl RateAmounts {
    fn is_equal(&self, other: &Self) -> bool {
        self.taxable_amount == other.taxable_amount && self.tax_amount == other.tax_amount
    }

    fn add(&mut self, other: &Self) {
        self.taxable_amount = self.taxable_amount.saturating_add(other.taxable_amount);
        self.tax_amount = self.tax_amount.saturating_add(other.tax_amount);
    }
}

/// The differences of items, summed by code and by the rates of both responses.
#[derive(Default)]
struct TaxesByRate(Vec<RateDifference>);

impl TaxesByRate {
    fn add(&mut self, item: &str, differences: Vec<RateDifference>) {
        for mut difference in differences {
            match self.0.iter_mut().find(|sum| sum.key() == difference.key()) {
                Some(sum) => {
                    add_amounts(&mut sum.route, difference.route);
                    add_amounts(&mut sum.shadow, difference.shadow);
                    sum.items.push(item.to_owned());
                }
                None => {
                    difference.items.push(item.to_owned());
                    self.0.push(difference);
                }
            }
        }
        self.0.sort_by(|one, other| one.key().cmp(&other.key()));
    }
}

fn add_amounts(sum: &mut Option<RateAmounts>, amounts: Option<RateAmounts>) {
    if let (Some(sum), Some(amounts)) = (sum, amounts) {
        sum.add(&amounts);
    }
}

impl RateDifference {
    /// The code, and the rates of both responses.
    pub fn key(&self) -> (&str, Option<Decimal>, Option<Decimal>) {
        let rate = |amounts: &Option<RateAmounts>| amounts.map(|amounts| amounts.tax_percent);
        (&self.tax_code, rate(&self.route), rate(&self.shadow))
    }
}
