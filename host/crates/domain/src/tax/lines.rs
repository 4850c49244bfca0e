//! The rounded taxes of the items.

use super::basket::{Rounding, RoundingMethod, RoundingMode, TaxBasket, TaxRule};
use super::exact::{Whole, amount_of, apportion, in_units, power, ratio, round};
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
            let known = lists.iter().position(|(known, _)| are_same(known, rules));
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

    /// The amounts of the taxes of all items, in the order of the items; `None` for an amount that is too large.
    pub(super) fn amounts(&self, rounding: Rounding) -> Vec<Option<Decimal>> {
        self.amounts_in::<i128>(rounding)
            .or_else(|| self.amounts_in::<BigInt>(rounding))
            .unwrap_or_default()
    }

    /// The same, calculated with integers of the type `N`; `None` if they do not fit.
    pub(super) fn amounts_in<N: Whole>(&self, rounding: Rounding) -> Option<Vec<Option<Decimal>>> {
        let Rounding { method, mode, .. } = rounding;
        let values = self.numerators::<N>()?;
        let denominator: N = self.denominator.clone().try_into().ok()?;
        let round_each = |mode| {
            let counts = values.iter().map(|value| round(value, &denominator, mode));
            Some(counts.collect())
        };
        let counts: Option<Vec<N>> = match method {
            RoundingMethod::PerLine => round_each(mode),
            RoundingMethod::Unrounded => round_each(RoundingMode::HalfEven),
            RoundingMethod::PerUnit => self.by_unit(&values, &denominator, mode),
            RoundingMethod::PerRate | RoundingMethod::PerTotal => {
                self.by_sums(&values, &denominator, rounding)
            }
        };
        let step = rounding.step();
        Some(counts?.iter().map(|count| amount_of(count, step)).collect())
    }

    /// Each tax of each item, with its line.
    fn taxes(&self) -> impl Iterator<Item = (&Line, &Tax<'a>)> {
        let lines = self.lines.iter();
        lines.flat_map(|line| self.lists[line.list].iter().map(move |tax| (line, tax)))
    }

    /// The numerator of each tax of each item.
    fn numerators<N: Whole>(&self) -> Option<Vec<N>> {
        let factors = |tax: &Tax<'_>| {
            let by_amount = tax.by_amount.clone().try_into().ok()?;
            Some((by_amount, tax.by_quantity.clone().try_into().ok()?))
        };
        let list = |list: &Vec<Tax<'_>>| list.iter().map(factors).collect();
        let lists: Option<Vec<Vec<(N, N)>>> = self.lists.iter().map(list).collect();
        let lists = lists?;
        let taxes = self.lines.iter().flat_map(|line| {
            let (amount, quantity) = (N::from(line.amount), N::from(line.quantity));
            lists[line.list]
                .iter()
                .map(move |(by_amount, by_quantity)| {
                    let numerator = by_amount.checked_mul(&amount)?;
                    match by_quantity.is_zero() {
                        true => Some(numerator),
                        false => numerator.checked_add(&by_quantity.checked_mul(&quantity)?),
                    }
                })
        });
        taxes.collect()
    }

    /// Rounds the tax of one unit, and multiplies it.
    fn by_unit<N: Whole>(
        &self,
        values: &[N],
        denominator: &N,
        mode: RoundingMode,
    ) -> Option<Vec<N>> {
        let units: N = self.units.clone().try_into().ok()?;
        let counts = self.taxes().zip(values).map(|((line, _), value)| {
            let quantity = N::from(line.quantity.abs());
            let unit = round(
                &value.checked_mul(&units)?,
                &denominator.checked_mul(&quantity)?,
                mode,
            );
            Some(round(&unit.checked_mul(&quantity)?, &units, mode))
        });
        counts.collect()
    }

    /// Rounds the sums of the rows of the breakdown, or their total, and splits them down to the items.
    fn by_sums<N: Whole>(
        &self,
        values: &[N],
        denominator: &N,
        rounding: Rounding,
    ) -> Option<Vec<N>> {
        let row = || Row {
            places: Vec::with_capacity(values.len()),
            values: Vec::with_capacity(values.len()),
        };
        let mut rows: Vec<Row<N>> = self.rows.iter().map(|_| row()).collect();
        for (index, ((_, tax), value)) in self.taxes().zip(values).enumerate() {
            rows[tax.row].places.push(index);
            rows[tax.row].values.push(value.clone());
        }
        let rounded = |sum: &N| round(sum, denominator, rounding.mode);
        let sums: Option<Vec<N>> = rows.iter().map(|row| checked_sum(&row.values)).collect();
        let sums = sums?;
        let totals = match rounding.method {
            RoundingMethod::PerTotal => {
                apportion(&rounded(&checked_sum(&sums)?), &sums, denominator)
            }
            _ => sums.iter().map(rounded).collect(),
        };
        let mut counts = values.to_vec();
        for (row, total) in rows.iter().zip(totals) {
            let parts = apportion(&total, &row.values, denominator);
            for (index, part) in row.places.iter().zip(parts) {
                counts[*index] = part;
            }
        }
        Some(counts)
    }
}

/// Whether two lists of taxes are equal. Most authorities are empty, and comparing the memory of empty texts is slow: they
/// have none, so that the processor must suppress a fault.
fn are_same(one: &[TaxRule], other: &[TaxRule]) -> bool {
    let is_same = |(one, other): (&TaxRule, &TaxRule)| {
        one.code == other.code
            && one.authority.len() == other.authority.len()
            && (one.authority.is_empty() || one.authority == other.authority)
            && (one.kind, one.rate, one.included) == (other.kind, other.rate, other.included)
            && one.treatment == other.treatment
            && one.affects_later_taxes == other.affects_later_taxes
            && one.ignores_earlier_taxes == other.ignores_earlier_taxes
    };
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

fn checked_sum<N: Whole>(values: &[N]) -> Option<N> {
    let mut values = values.iter();
    values.try_fold(N::zero(), |sum, value| sum.checked_add(value))
}

/// A row of the breakdown before rounding.
struct Row<N> {
    /// The positions of the values among those of all items.
    places: Vec<usize>,
    /// The numerators.
    values: Vec<N>,
}
