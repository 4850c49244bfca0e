//! The output of an evaluation.

use super::amounts::discounted;
use super::basket::{TaxBasket, TaxKind, TaxRule, Treatment};
use super::check::MAX_VALUE;
use super::lines::{Lines, Tax};
use crate::fault::Problem;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};

/// The taxes of a basket. `gross` is what the customer pays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaxResult {
    /// The sum of the items' amounts, before basket discounts.
    #[serde(serialize_with = "text")]
    pub amount: Decimal,
    /// The sum of the basket discounts.
    #[serde(serialize_with = "text")]
    pub discount: Decimal,
    /// The total without taxes.
    #[serde(serialize_with = "text")]
    pub net: Decimal,
    /// The sum of all taxes.
    #[serde(serialize_with = "text")]
    pub tax: Decimal,
    /// `net` + `tax`.
    #[serde(serialize_with = "text")]
    pub gross: Decimal,
    /// The taxes summed by authority, code, kind, rate, treatment and `included`, in this order.
    pub breakdown: Vec<TaxAmount>,
    /// The items in the order of the basket.
    pub items: Vec<ItemResult>,
}

/// The taxes of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemResult {
    /// The item's id.
    pub id: String,
    /// The item's amount, before basket discounts.
    #[serde(serialize_with = "text")]
    pub amount: Decimal,
    /// Its share of the basket discounts.
    #[serde(serialize_with = "text")]
    pub discount: Decimal,
    /// Without taxes.
    #[serde(serialize_with = "text")]
    pub net: Decimal,
    /// With all taxes.
    #[serde(serialize_with = "text")]
    pub gross: Decimal,
    /// In the order of the item's taxes.
    pub taxes: Vec<TaxAmount>,
}

/// The amount of one tax, of an item or of the basket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TaxAmount {
    /// The code in the tax table.
    pub code: String,
    /// The authority that levies it.
    pub authority: String,
    /// The meaning of `rate`.
    pub kind: TaxKind,
    /// In per cent, or the amount per unit.
    #[serde(serialize_with = "text")]
    pub rate: Decimal,
    /// The class of the rate.
    pub treatment: Treatment,
    /// Whether the item's amount contains it.
    pub included: bool,
    /// The amount that the tax applies to, without the tax.
    #[serde(serialize_with = "text")]
    pub taxable: Decimal,
    /// The amount of the tax.
    #[serde(serialize_with = "text")]
    pub amount: Decimal,
}

impl TaxAmount {
    fn new(rule: &TaxRule, taxable: Decimal, amount: Decimal) -> Self {
        Self {
            code: rule.code.clone(),
            authority: rule.authority.clone(),
            kind: rule.kind,
            rate: rule.rate.exact().unwrap_or_default(),
            treatment: rule.treatment,
            included: rule.included,
            taxable,
            amount,
        }
    }
}

/// Sums the rounded taxes of the items.
pub(super) fn total(
    basket: &TaxBasket,
    lines: &Lines<'_>,
    amounts: &[Decimal],
    discounts: &[Decimal],
) -> Result<TaxResult, Vec<Problem>> {
    let rows = lines.rows.iter();
    let mut breakdown: Vec<TaxAmount> = rows
        .map(|rule| TaxAmount::new(rule, Decimal::ZERO, Decimal::ZERO))
        .collect();
    let mut items = Vec::with_capacity(basket.items.len());
    let mut values = lines.amounts(basket.rounding).into_iter();
    for (index, item) in basket.items.iter().enumerate() {
        let values = values.by_ref().take(item.taxes.len());
        let values: Option<Vec<Decimal>> = values.collect();
        let values = values.ok_or_else(|| {
            let rule = format!("must give taxes of at most {MAX_VALUE} (item {})", item.id);
            vec![Problem::new(format!("items.{index}.taxes"), rule)]
        })?;
        let price = discounted(amounts[index], discounts[index]);
        let (net, gross, taxes) = item_result(lines.of(index), price, &values);
        for (tax, amount) in lines.of(index).iter().zip(&taxes) {
            breakdown[tax.row].taxable += amount.taxable;
            breakdown[tax.row].amount += amount.amount;
        }
        items.push(ItemResult {
            id: item.id.clone(),
            amount: amounts[index],
            discount: discounts[index],
            net,
            gross,
            taxes,
        });
    }
    let sum = |value: fn(&ItemResult) -> Decimal| items.iter().map(value).sum::<Decimal>();
    let (net, gross) = (sum(|item| item.net), sum(|item| item.gross));
    Ok(TaxResult {
        amount: amounts.iter().sum(),
        discount: discounts.iter().sum(),
        net,
        tax: gross - net,
        gross,
        breakdown,
        items,
    })
}

/// The net and gross amounts of an item, and its taxes.
fn item_result(
    taxes: &[Tax<'_>],
    price: Decimal,
    values: &[Decimal],
) -> (Decimal, Decimal, Vec<TaxAmount>) {
    let (mut net, mut gross) = (price, price);
    for (tax, value) in taxes.iter().zip(values) {
        match tax.rule.included {
            true => net -= *value,
            false => gross += *value,
        }
    }
    let mut base = net;
    let mut amounts = Vec::with_capacity(taxes.len());
    for (tax, value) in taxes.iter().zip(values) {
        let taxable = match tax.rule.ignores_earlier_taxes {
            true => net,
            false => base,
        };
        amounts.push(TaxAmount::new(tax.rule, taxable, *value));
        if tax.rule.affects_later_taxes {
            base += *value;
        }
    }
    (net, gross, amounts)
}

fn text<S: Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
