//! The rounded taxes of the items.

use super::basket::{Rounding, RoundingMethod, RoundingMode, TaxBasket, TaxRule};
use super::exact::{apportion, in_units, power, ratio, round};
use super::row::RowKey;
use super::rules::{Factors, solve};
use crate::fault::Problem;
use num_bigint::BigInt;
use num_integer::Integer as _;
use num_traits::One as _;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The maximum number of different lists of taxes in a basket. It bounds the common denominator.
pub const MAX_LISTS: usize = 100;

/// The items of a basket with their taxes as functions of amount and quantity.
pub(super) struct Lines<'a> {
    lines: Vec<Line>,
    /// The distinct lists of taxes: most items share one of few.
    lists: Vec<Vec<Tax<'a>>>,
    /// The common denominator of all taxes.
    denominator: BigInt,
    /// The units of amounts and quantities in one whole.
    units: BigInt,
    /// The rows of the breakdown.
    pub rows: Vec<&'a TaxRule>,
}

struct Line {
    /// The position of its taxes in `lists`.
    list: usize,
    /// The amount after discounts, in units.
    amount: i128,
    /// The quantity in units, with the sign of the amount.
    quantity: i128,
}

/// A tax in steps of the rounding: `amount × by_amount + quantity × by_quantity`, divided by the common denominator.
pub(super) struct Tax<'a> {
    pub rule: &'a TaxRule,
    /// The position of its row in the breakdown.
    pub row: usize,
    by_amount: BigInt,
    by_quantity: BigInt,
}

impl Tax<'_> {
    fn numerator(&self, line: &Line) -> BigInt {
        if self.by_quantity == BigInt::ZERO {
            return &self.by_amount * line.amount;
        }
        &self.by_amount * line.amount + &self.by_quantity * line.quantity
    }
}

impl<'a> Lines<'a> {
    /// `prices` are the amounts after discounts.
    pub(super) fn new(basket: &'a TaxBasket, prices: &[Decimal]) -> Result<Self, Vec<Problem>> {
        let quantity = |item: &super::TaxItem| item.quantity.exact().unwrap_or_default();
        let quantities: Vec<Decimal> = basket.items.iter().map(quantity).collect();
        let scale = prices.iter().chain(&quantities).map(Decimal::scale).max();
        let scale = scale.unwrap_or_default();
        let step = ratio(basket.rounding.step());
        let mut lists: Vec<(&[TaxRule], Vec<Factors>)> = Vec::new();
        let mut lines = Vec::with_capacity(basket.items.len());
        for (index, item) in basket.items.iter().enumerate() {
            let rules = item.taxes.as_slice();
            let known = lists.iter().position(|(known, _)| *known == rules);
            let list = match known {
                Some(list) => list,
                None if lists.len() == MAX_LISTS => {
                    let rule = format!("must have at most {MAX_LISTS} different lists of taxes");
                    return Err(vec![Problem::new("items", rule)]);
                }
                None => {
                    let taxes = solve(rules, &step).ok_or_else(|| {
                        let rule = format!("must not include the whole amount (item {})", item.id);
                        vec![Problem::new(format!("items.{index}.taxes"), rule)]
                    })?;
                    lists.push((rules, taxes));
                    lists.len() - 1
                }
            };
            let amount = in_units(prices[index], scale);
            let quantity = in_units(quantities[index], scale);
            lines.push(Line {
                list,
                amount,
                quantity: match amount {
                    0 => quantity,
                    _ => quantity.abs() * amount.signum(),
                },
            });
        }
        let denominators = lists.iter().flat_map(|(_, taxes)| taxes);
        let denominator = denominators.fold(BigInt::one(), |common, one| {
            common
                .lcm(one.by_amount.denom())
                .lcm(one.by_quantity.denom())
        });
        let keys = lists.iter().flat_map(|(rules, _)| rules.iter());
        let keys: BTreeMap<RowKey<'_>, &TaxRule> =
            keys.map(|rule| (RowKey::new(rule), rule)).collect();
        let tax = |rule: &'a TaxRule, one: &Factors| {
            let key = RowKey::new(rule);
            Tax {
                rule,
                row: keys.keys().position(|one| *one == key).unwrap_or_default(),
                by_amount: one.by_amount.numer() * (&denominator / one.by_amount.denom()),
                by_quantity: one.by_quantity.numer() * (&denominator / one.by_quantity.denom()),
            }
        };
        let list = |(rules, taxes): &(&'a [TaxRule], Vec<_>)| {
            rules
                .iter()
                .zip(taxes)
                .map(|(rule, one)| tax(rule, one))
                .collect()
        };
        let lists = lists.iter().map(list).collect();
        let units = power(scale);
        Ok(Self {
            lines,
            lists,
            denominator: denominator * &units,
            units,
            rows: keys.into_values().collect(),
        })
    }

    /// The taxes of an item.
    pub(super) fn of(&self, item: usize) -> &[Tax<'a>] {
        &self.lists[self.lines[item].list]
    }

    /// The amounts of the taxes of each item, as multiples of the rounding's step.
    pub(super) fn amounts(&self, rounding: Rounding) -> Vec<Vec<BigInt>> {
        let mode = rounding.mode;
        match rounding.method {
            RoundingMethod::PerLine => self.each(|value, _| round(&value, &self.denominator, mode)),
            RoundingMethod::Unrounded => {
                self.each(|value, _| round(&value, &self.denominator, RoundingMode::HalfEven))
            }
            RoundingMethod::PerUnit => self.each(|value, line| {
                let quantity = BigInt::from(line.quantity.abs());
                let unit = round(
                    &(value * &self.units),
                    &(&self.denominator * &quantity),
                    mode,
                );
                round(&(unit * quantity), &self.units, mode)
            }),
            RoundingMethod::PerRate | RoundingMethod::PerTotal => self.by_sums(rounding),
        }
    }

    /// Calls `amount` with the numerator of each tax of each item.
    fn each(&self, amount: impl Fn(BigInt, &Line) -> BigInt) -> Vec<Vec<BigInt>> {
        let line = |line: &Line| {
            let taxes = self.lists[line.list].iter();
            taxes.map(|tax| amount(tax.numerator(line), line)).collect()
        };
        self.lines.iter().map(line).collect()
    }

    /// Rounds the sums of the rows of the breakdown, or their total, and splits them down to the items.
    fn by_sums(&self, rounding: Rounding) -> Vec<Vec<BigInt>> {
        let mut amounts = self.each(|value, _| value);
        let mut rows = vec![Row::default(); self.rows.len()];
        for (index, values) in amounts.iter().enumerate() {
            for (n, (tax, value)) in self.of(index).iter().zip(values).enumerate() {
                rows[tax.row].places.push((index, n));
                rows[tax.row].values.push(value.clone());
            }
        }
        let sums: Vec<BigInt> = rows.iter().map(|row| row.values.iter().sum()).collect();
        let round = |sum: &BigInt| round(sum, &self.denominator, rounding.mode);
        let totals = match rounding.method {
            RoundingMethod::PerTotal => {
                apportion(&round(&sums.iter().sum()), &sums, &self.denominator)
            }
            _ => sums.iter().map(round).collect(),
        };
        for (row, total) in rows.iter().zip(totals) {
            let parts = apportion(&total, &row.values, &self.denominator);
            for ((index, n), part) in row.places.iter().zip(parts) {
                amounts[*index][*n] = part;
            }
        }
        amounts
    }
}

/// A row of the breakdown before rounding.
#[derive(Clone, Default)]
struct Row {
    /// The item and the position of its tax for each value.
    places: Vec<(usize, usize)>,
    /// The numerators.
    values: Vec<BigInt>,
}
