//! The taxes of an evaluation as taxes of order lines, in minor units.

use crate::basket::{Attribute, Line, Tax};
use crate::number::{self, Money};
use crate::selling::MAX_AMOUNT;
use crate::tax::basket::{RoundingMode, TaxKind};
use crate::tax::exact::{apportion, in_units, power, round};
use crate::tax::exchange::{ItemTax, LevelTax, TaxResponse};
use num_bigint::BigInt;
use num_traits::ToPrimitive as _;
use rust_decimal::{Decimal, RoundingStrategy};

/// The attribute of a tax whose rate in the table is not in per cent: the kind.
pub(super) const KIND: &str = "kind";

/// The digits after the point of a minor unit that count.
const DIGITS: u32 = 12;

/// The digits after the point of an effective rate.
const RATE_DIGITS: u32 = 4;

/// The taxes of each line. Amounts of the response that are finer than a minor unit are rounded so that they sum to
/// their rounded total: the largest remainder method. `country` is the authority of taxes whose table names none.
///
/// # Errors
///
/// Returns the first reason for which the response is not one for these lines.
pub fn line_taxes(
    lines: &[&Line],
    response: &TaxResponse,
    minor_digits: u8,
    country: &str,
) -> Result<Vec<Vec<Tax>>, String> {
    let factor = Decimal::from(10_i64.pow(minor_digits.into()));
    let minor = |value: Decimal| {
        let value = value
            .checked_mul(factor)
            .map(|value| value.round_dp(DIGITS));
        value.filter(|value| value.abs() <= MAX_AMOUNT.into())
    };
    let mut items: Vec<&ItemTax> = Vec::with_capacity(lines.len());
    let mut exact: Vec<Decimal> = Vec::with_capacity(lines.len());
    for line in lines {
        let item = item_of(line, response)?;
        for tax in &item.taxes {
            let amount = minor(tax.tax_amount);
            exact.push(amount.ok_or_else(|| invalid(item, "tax_amount", "is too large"))?);
        }
        items.push(item);
    }
    let amounts = whole_units(&exact).ok_or("the amounts of the taxes are too large")?;
    let mut amounts = amounts.into_iter();
    let mut taxes = Vec::with_capacity(lines.len());
    for (line, item) in lines.iter().zip(items) {
        let amounts: Vec<Money> = amounts.by_ref().take(item.taxes.len()).collect();
        let values = Values::new(line, item, &amounts, &minor)?;
        let of_line = item.taxes.iter().zip(amounts).map(|(tax, amount)| {
            let taxable = values.taxable(tax, &minor)?;
            values.tax(tax, taxable, amount, country)
        });
        taxes.push(of_line.collect::<Result<Vec<_>, String>>()?);
    }
    Ok(taxes)
}

fn invalid(item: &ItemTax, field: &str, rule: &str) -> String {
    format!("{field} of item {} {rule}", item.item_id)
}

fn item_of<'a>(line: &Line, response: &'a TaxResponse) -> Result<&'a ItemTax, String> {
    let id = line.number.to_string();
    let mut items = response.item_tax.iter().filter(|item| item.item_id == id);
    match (items.next(), items.next()) {
        (Some(item), None) => Ok(item),
        (None, _) => Err(format!("item {id} is missing")),
        (Some(_), Some(_)) => Err(format!("item {id} occurs twice")),
    }
}

/// Rounds values so that they sum to their rounded sum.
fn whole_units(values: &[Decimal]) -> Option<Vec<Money>> {
    let values: Vec<Decimal> = values.iter().map(Decimal::normalize).collect();
    let scale = values.iter().map(Decimal::scale).max().unwrap_or_default();
    if scale == 0 {
        return values.iter().map(Decimal::to_i64).collect();
    }
    let numerators: Vec<BigInt> = values
        .iter()
        .map(|value| BigInt::from(in_units(*value, scale)))
        .collect();
    let denominator = power(scale);
    let total = round(&numerators.iter().sum(), &denominator, RoundingMode::HalfUp);
    let parts = apportion(&total, &numerators, &denominator);
    parts.iter().map(BigInt::to_i64).collect()
}

/// The amounts of an item without taxes, in minor units and with the sign of the line.
struct Values {
    /// The number of the line.
    number: u32,
    /// As the response has it.
    exact_net: Decimal,
    /// The line's amount without its included taxes.
    net: Money,
    /// A line that reduces the basket has negative amounts in the response.
    negated: bool,
}

impl Values {
    fn new(
        line: &Line,
        item: &ItemTax,
        amounts: &[Money],
        minor: &dyn Fn(Decimal) -> Option<Decimal>,
    ) -> Result<Self, String> {
        let counts = Decimal::from(line.counts());
        if minor(item.total_amount) != Some(counts) {
            let rule = format!("must be the line's amount of {counts} minor units");
            return Err(invalid(item, "total_amount", &rule));
        }
        let exact_net = minor(item.taxable_amount);
        let exact_net = exact_net.ok_or_else(|| invalid(item, "taxable_amount", "is too large"))?;
        let mut added: Money = 0;
        let mut included: Money = 0;
        for (tax, amount) in item.taxes.iter().zip(amounts) {
            match tax.included {
                true => included += amount,
                false => added += amount,
            }
        }
        // Rounding to minor units changes less than one unit of each tax.
        let rounded = Decimal::from(item.taxes.len()).max(Decimal::ONE);
        let after_tax = minor(item.total_amount_after_tax);
        if after_tax.is_none_or(|after| (after - counts - Decimal::from(added)).abs() >= rounded) {
            let rule = "must be total_amount and the taxes that it does not include";
            return Err(invalid(item, "total_amount_after_tax", rule));
        }
        let values = Self {
            number: line.number,
            exact_net,
            net: line.counts() - included,
            // Fixed taxes of a free article have the sign of a sale.
            negated: line.is_return() && line.amount != 0,
        };
        if values.signed(values.net) < 0 {
            return Err(format!(
                "the included taxes of item {} exceed its amount",
                line.number
            ));
        }
        Ok(values)
    }

    fn signed(&self, amount: Money) -> Money {
        if self.negated { -amount } else { amount }
    }

    /// The base of a tax: the net amount, and what earlier taxes add to it.
    fn taxable(
        &self,
        tax: &LevelTax,
        minor: &dyn Fn(Decimal) -> Option<Decimal>,
    ) -> Result<Money, String> {
        let base = minor(tax.taxable_amount).ok_or("taxable_amount of a tax is too large")?;
        let earlier = (base - self.exact_net)
            .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero);
        let earlier = earlier.to_i64().unwrap_or_default();
        Ok(self.signed(self.net + earlier))
    }

    fn tax(
        &self,
        tax: &LevelTax,
        taxable: Money,
        amount: Money,
        country: &str,
    ) -> Result<Tax, String> {
        let amount = self.signed(amount);
        if amount < 0 || taxable < 0 {
            return Err(format!(
                "tax {:?} of item {} has another sign than its amount",
                tax.tax_code, self.number
            ));
        }
        let rate = rate(tax, taxable, amount).ok_or("tax_percent has too many digits")?;
        let authority = match tax.authority.is_empty() {
            true => country.to_owned(),
            false => tax.authority.clone(),
        };
        Ok(Tax {
            code: tax.tax_code.clone(),
            authority,
            rate,
            taxable,
            amount,
            included: tax.included,
            treatment: tax.treatment.name().to_owned(),
            attributes: attributes(tax),
        })
    }
}

/// The rate in per cent of the taxable amount.
fn rate(tax: &LevelTax, taxable: Money, amount: Money) -> Option<number::Decimal> {
    let hundred = Decimal::ONE_HUNDRED;
    let effective = match tax.kind {
        TaxKind::Percent => return number::Decimal::from_exact(tax.tax_percent.normalize()),
        TaxKind::Division => {
            let part = tax.tax_percent.checked_mul(hundred)?;
            part.checked_div(hundred - tax.tax_percent)?
        }
        TaxKind::FixedPerUnit if taxable == 0 => Decimal::ZERO,
        TaxKind::FixedPerUnit => Decimal::from(amount) * hundred / Decimal::from(taxable),
    };
    let rounded =
        effective.round_dp_with_strategy(RATE_DIGITS, RoundingStrategy::MidpointAwayFromZero);
    number::Decimal::from_exact(rounded.normalize())
}

/// What a tax of a line cannot express otherwise: the level of the table, and a rate that is not in per cent.
fn attributes(tax: &LevelTax) -> Vec<Attribute> {
    let mut attributes = Vec::new();
    let mut add = |name: &str, value: String| {
        if !value.is_empty() {
            attributes.push(Attribute {
                name: name.to_owned(),
                value,
            });
        }
    };
    add("level", tax.tax_level.clone());
    add("level-id", tax.retailer_tax_level_id.clone());
    if tax.kind != TaxKind::Percent {
        add(KIND, tax.kind.name().to_owned());
        add("table-rate", tax.tax_percent.normalize().to_string());
    }
    attributes
}
