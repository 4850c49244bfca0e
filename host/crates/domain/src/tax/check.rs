//! The bounds of a basket. All violations are reported together.

use super::basket::{TaxBasket, TaxItem, TaxKind, TaxRule, Treatment};
use crate::fault::Problem;
use crate::number::Decimal;

/// The maximum number of items of a basket.
pub const MAX_ITEMS: usize = 2_000;

/// The maximum number of taxes of one item.
pub const MAX_TAXES: usize = 20;

/// The maximum number of basket discounts.
pub const MAX_DISCOUNTS: usize = 100;

/// The largest amount, tax and quantity of an item, and the largest rate of a fixed tax. With 12 digits after the
/// point, the sums of a basket have at most 28 digits, which is what a decimal has.
pub(super) const MAX_VALUE: i64 = 1_000_000_000_000;

/// The largest rate in per cent.
const MAX_PERCENT: i64 = 10_000;

/// The maximum number of digits after the point of amounts and quantities.
const MAX_DIGITS: u8 = 12;

/// The maximum number of digits after the point of a rate, and of the precision.
const MAX_RATE_DIGITS: u8 = 12;

/// Returns all violations.
pub(super) fn problems(basket: &TaxBasket) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut wrong = |field: String, rule: String| problems.push(Problem::new(field, rule));
    if basket.items.is_empty() || basket.items.len() > MAX_ITEMS {
        wrong("items".into(), format!("must have 1 to {MAX_ITEMS} items"));
    }
    if basket.discounts.len() > MAX_DISCOUNTS {
        wrong(
            "discounts".into(),
            format!("must have at most {MAX_DISCOUNTS} discounts"),
        );
    }
    let precision = basket.rounding.precision;
    if !is_precision(precision) {
        wrong(
            "rounding.precision".into(),
            format!(
                "must be positive, at most {MAX_PERCENT}, with at most {MAX_RATE_DIGITS} digits \
                 after the point, such as \"0.01\", got \"{precision}\""
            ),
        );
    }
    for (index, item) in basket.items.iter().enumerate() {
        check_item(item, &mut |field, rule| {
            wrong(
                format!("items.{index}{field}"),
                format!("{rule} (item {})", item.id),
            );
        });
    }
    for (index, discount) in basket.discounts.iter().enumerate() {
        if let Some(rule) = outside(discount.amount) {
            wrong(format!("discounts.{index}.amount"), rule);
        }
    }
    problems
}

/// Whether tax amounts may be multiples of it.
pub fn is_precision(value: Decimal) -> bool {
    value.unscaled > 0 && value.scale <= MAX_RATE_DIGITS && !above(value, MAX_PERCENT)
}

fn check_item(item: &TaxItem, wrong: &mut dyn FnMut(String, String)) {
    match (item.amount, item.unit_amount) {
        (Some(_), None) | (None, Some(_)) => {}
        _ => wrong(
            String::new(),
            "must have either `amount` or `unit_amount`".into(),
        ),
    }
    for (field, value) in [("amount", item.amount), ("unit_amount", item.unit_amount)] {
        if let Some(rule) = value.and_then(outside) {
            wrong(format!(".{field}"), rule);
        }
    }
    if item.quantity.unscaled == 0 {
        wrong(".quantity".into(), "must not be 0".into());
    } else if let Some(rule) = outside(item.quantity) {
        wrong(".quantity".into(), rule);
    }
    if item.taxes.len() > MAX_TAXES {
        wrong(
            ".taxes".into(),
            format!("must have at most {MAX_TAXES} taxes"),
        );
    }
    for (index, tax) in item.taxes.iter().enumerate() {
        check_tax(tax, &mut |field, rule| {
            wrong(format!(".taxes.{index}.{field}"), rule);
        });
    }
}

fn check_tax(tax: &TaxRule, wrong: &mut dyn FnMut(&str, String)) {
    if tax.code.is_empty() {
        wrong("code", "must not be empty".into());
    }
    if let Some(rule) = rate_problem(tax.kind, tax.treatment, tax.rate) {
        wrong("rate", rule);
    }
}

/// The rule that a rate violates.
pub(super) fn rate_problem(kind: TaxKind, treatment: Treatment, rate: Decimal) -> Option<String> {
    let untaxed = matches!(treatment, Treatment::Zero | Treatment::Exempt);
    let highest = match kind {
        TaxKind::Percent => MAX_PERCENT,
        TaxKind::FixedPerUnit => MAX_VALUE,
        TaxKind::Division => 100,
    };
    if untaxed && rate.unscaled != 0 {
        Some(format!("must be 0 for this treatment, got \"{rate}\""))
    } else if rate.scale > MAX_RATE_DIGITS {
        Some(format!(
            "must have at most {MAX_RATE_DIGITS} digits after the point, got \"{rate}\""
        ))
    } else if rate.unscaled < 0 || above(rate, highest) {
        Some(format!("must be 0 to {highest}, got \"{rate}\""))
    } else if kind == TaxKind::Division && rate.exact() == Some(100.into()) {
        Some("must be below 100 for a division tax".into())
    } else {
        None
    }
}

/// The rule that an amount or a quantity violates.
fn outside(value: Decimal) -> Option<String> {
    (value.scale > MAX_DIGITS || above(value, MAX_VALUE)).then(|| {
        format!(
            "must be -{MAX_VALUE} to {MAX_VALUE}, with at most {MAX_DIGITS} digits after the \
             point, got \"{value}\""
        )
    })
}

/// Whether the absolute value is above `highest`. The scale is checked before.
fn above(value: Decimal, highest: i64) -> bool {
    i128::from(value.unscaled).abs() > i128::from(highest) * 10_i128.pow(value.scale.into())
}
